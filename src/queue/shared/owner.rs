//! Who holds a seat: a process, told from a later one with the same number.
//!
//! # Model
//! One word: `start:42 | pid:22`. The start is the process's start time in clock ticks since boot, field 22
//! of `/proc/PID/stat`. One word, so that one compare-and-swap takes a seat from a dead process and nobody
//! sees half of an owner.
//!
//! # Limits
//! A process that cannot be looked at is taken for alive. Process numbers of another namespace mean
//! nothing here; the header names the namespace and attaching compares it. Processes with one namespace of
//! numbers but different time namespaces read different start times of the same process: they cannot share
//! a segment.

use std::fs;

/// Linux gives out numbers below 2^22.
const PID_BITS: u32 = 22;

/// A process in one word; 0 is nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner(pub(super) u64);

impl Owner {
    pub(super) const NOBODY: Self = Self(0);

    /// This process.
    pub(super) fn this_process() -> Self {
        let pid = std::process::id();
        let start = read_stat(pid).map_or(0, |stat| stat.start);
        Self(start << PID_BITS | u64::from(pid))
    }

    fn pid(self) -> u32 {
        (self.0 & ((1 << PID_BITS) - 1)) as u32
    }

    /// True when the process has certainly ended: it can write nothing any more.
    pub(super) fn has_ended(self) -> bool {
        let pid = self.pid();
        if pid == 0 {
            return true;
        }
        // SAFETY: signal 0 sends nothing.
        let reached = unsafe { libc::kill(pid as libc::pid_t, 0) } == 0;
        if !reached && std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH) {
            return true;
        }
        read_stat(pid).is_some_and(|stat| {
            let start = self.0 >> PID_BITS;
            // A zombie with threads is a process whose first thread has ended and others go on.
            (start != 0 && stat.start != start) || (stat.zombie && stat.threads <= 1)
        })
    }
}

/// What `/proc/PID/stat` says.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    zombie: bool,
    threads: u64,
    start: u64,
}

fn read_stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_stat(text: &str) -> Option<Stat> {
    // The name in parentheses may hold blanks and parentheses; what follows the last one is regular.
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    Some(Stat {
        zombie: matches!(*fields.first()?, "Z" | "X"),
        threads: fields.get(17)?.parse().ok()?,
        start: fields.get(19)?.parse().ok()?,
    })
}

/// The number of this process's namespace of process numbers; 0 when the system does not tell.
pub(super) fn pid_namespace() -> u64 {
    let link = fs::read_link("/proc/self/ns/pid").ok();
    let text = link.as_deref().and_then(|link| link.to_str()).unwrap_or_default();
    let number = text.strip_prefix("pid:[").and_then(|rest| rest.strip_suffix(']'));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_a_namesake_of_another_time_does_not() {
        let me = Owner::this_process();
        assert_eq!(me.pid(), std::process::id());
        assert!(!me.has_ended());
        assert!(Owner(me.0 + (1 << PID_BITS)).has_ended());
        assert!(Owner::NOBODY.has_ended());
    }

    #[test]
    fn a_killed_child_has_ended_before_and_after_it_is_waited_for() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("sleep is there");
        let stat = read_stat(child.id()).expect("it runs");
        let owner = Owner(stat.start << PID_BITS | u64::from(child.id()));
        assert!(!owner.has_ended());
        child.kill().expect("it runs");
        while !owner.has_ended() {
            std::thread::yield_now();
        }
        child.wait().expect("it was killed");
        assert!(owner.has_ended());
    }

    #[test]
    fn a_name_with_parentheses_does_not_confuse_the_fields() {
        let line = "7 (a) Z (b) S 1 7 7 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 5 0 9876 1 2";
        let stat = Stat { zombie: false, threads: 5, start: 9876 };
        assert_eq!(parse_stat(line), Some(stat));
        assert_eq!(parse_stat("garbage"), None);
    }
}
