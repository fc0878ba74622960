//! Queues of C++, each repetition in a process of its own, which leaves nothing behind and can be ended.

use super::load::{Load, Outcome};
use crate::{AnyError, guest, paths};
use std::path::PathBuf;
use std::process::Command;

/// The compiled program.
pub(super) struct Peers(PathBuf);

impl Peers {
    pub(super) fn compile() -> Result<Self, AnyError> {
        let program = paths::workshop("queue")?.join("queue_peers");
        let mut command = Command::new(std::env::var_os("CXX").unwrap_or_else(|| "c++".into()));
        command.args(["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror"]);
        command.arg(paths::root().join("benches/c/queue_peers.cpp"));
        command.arg("-o").arg(&program).arg("-lpthread");
        guest::answer(&mut command)?;
        Ok(Self(program))
    }

    /// Boost's own version; moodycamel's header names none, so the package does.
    pub(super) fn versions(&self) -> Result<[String; 2], AnyError> {
        let mut query = Command::new("dpkg-query");
        query.args(["--show", "--showformat=${Version}", "libconcurrentqueue-dev"]);
        let package = guest::answer(&mut query).unwrap_or_else(|_| "unknown".to_owned());
        Ok([package, guest::answer(Command::new(&self.0).arg("versions"))?])
    }

    /// One repetition.
    pub(super) fn run(&self, queue: &str, load: Load) -> Result<Outcome, AnyError> {
        let mut command = Command::new(&self.0);
        let numbers = [load.producers, load.consumers, load.cells].map(|number| number.to_string());
        command.arg(queue).args(numbers).args([load.items.to_string(), load.sequence_bits().to_string()]);
        command.arg(Load::SECONDS_MAX.to_string());
        let text = guest::answer(&mut command)?;
        read(&text).ok_or_else(|| format!("queue_peers wrote '{text}'").into())
    }
}

fn read(text: &str) -> Option<Outcome> {
    let mut words = text.split(' ');
    let (items, seconds, stalled) = (words.next()?, words.next()?, words.next()?);
    Some(Outcome { items: items.parse().ok()?, seconds: seconds.parse().ok()?, stalled: stalled == "1" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_program_becomes_an_outcome() {
        assert_eq!(read("12 0.5 0"), Some(Outcome { items: 12, seconds: 0.5, stalled: false }));
        assert_eq!(read("3 4.000000001 1").map(|outcome| outcome.stalled), Some(true));
        assert_eq!(read("3 x 1"), None);
        assert_eq!(read(""), None);
    }
}
