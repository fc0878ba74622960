//! Programs that a test needs and a machine may lack.

use std::process::Command;

/// True when `tool` can be run. Where `DUOCHAIN_ALL_TOOLS=1` says that everything is installed, as
/// `deploy/test` does after `deploy/setup`, a missing one is a failure; elsewhere its test is left out,
/// and says so.
#[expect(clippy::print_stdout, reason = "a test that leaves something out says so")]
pub(crate) fn has(tool: &str) -> bool {
    if Command::new(tool).arg("--version").output().is_ok() {
        return true;
    }
    let all = std::env::var_os("DUOCHAIN_ALL_TOOLS").is_some_and(|value| value == "1");
    assert!(!all, "{tool} is not installed; `deploy/setup test` installs it");
    println!("{tool} is not installed: what needs it is left out");
    false
}
