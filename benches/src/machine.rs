//! Which machine and which source gave the figures.

use crate::guest::answer;
use crate::paths;
use serde::{Deserialize, Serialize};
use std::fs::read_to_string;
use std::process::Command;

/// Named beside every table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) system: String,
    pub(crate) kernel: String,
    pub(crate) rustc: String,
    /// Processes that wanted a core in the minute before: above 0.2 or so, others were at work.
    pub(crate) load_before: f64,
}

impl Machine {
    /// This one. What cannot be read stays empty: it is no reason to give no figures.
    pub(crate) fn here() -> Self {
        let cpu = read_to_string("/proc/cpuinfo").unwrap_or_default();
        let memory = read_to_string("/proc/meminfo").unwrap_or_default();
        let system = read_to_string("/etc/os-release").unwrap_or_default();
        let load = read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            cpu: value(&cpu, "model name").to_owned(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: kibibytes(value(&memory, "MemTotal")) >> 20,
            system: value(&system, "PRETTY_NAME").trim_matches('"').to_owned(),
            kernel: read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            rustc: answer(Command::new("rustc").arg("--version")).unwrap_or_default(),
            load_before: load.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or_default(),
        }
    }

    /// The hardware; the software.
    pub(crate) fn describe(&self) -> String {
        let Self { cpu, cores, memory_gib, system, kernel, rustc, .. } = self;
        let rustc = rustc.split(" (").next().unwrap_or_default();
        format!("{cpu}, {cores} cores, {memory_gib} GiB; {system}, Linux {kernel}, {rustc}")
    }
}

/// The first value of a key in a file of `key: value` or `key=value` lines.
fn value<'a>(text: &'a str, key: &str) -> &'a str {
    let of_line = |line: &'a str| {
        let (name, value) = line.split_once([':', '='])?;
        (name.trim() == key).then_some(value.trim())
    };
    text.lines().find_map(of_line).unwrap_or_default()
}

fn kibibytes(text: &str) -> u64 {
    text.trim_end_matches("kB").trim().parse().unwrap_or_default()
}

/// The commit, marked when files differ from it.
pub(crate) fn revision() -> String {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty", "--exclude=*"]).current_dir(paths::root());
    answer(&mut git).unwrap_or_else(|_| "unknown".to_owned())
}

/// Today, in UTC.
pub(crate) fn date() -> String {
    answer(Command::new("date").args(["-u", "+%Y-%m-%d"])).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_whole_key() {
        let text = "model\t\t: 7\nmodel name\t: Fast CPU: 2\nPRETTY_NAME=\"An OS\"\n";
        assert_eq!(value(text, "model name"), "Fast CPU: 2");
        assert_eq!(value(text, "PRETTY_NAME"), "\"An OS\"");
        assert_eq!(value(text, "nothing"), "");
        assert_eq!(kibibytes("24612345 kB") >> 20, 23);
    }
}
