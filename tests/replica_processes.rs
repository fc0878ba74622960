//! The example of a replicated log as people run it: three processes, and a leader that is killed.

#[path = "support/workshop.rs"]
mod workshop;

use std::process::{Command, Output, Stdio};

fn run(arguments: &[&str]) -> Output {
    let program = workshop::libraries().with_file_name("examples").join("log");
    Command::new(program).args(arguments).stdin(Stdio::null()).output().expect("it was built with the tests")
}

#[test]
fn the_example_of_a_log_loses_no_acknowledged_batch_when_leaders_are_killed() {
    let Output { status, stdout, stderr } = run(&["--seconds", "9", "--kill", "3"]);
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{stdout}\n{stderr}");
    assert!(stdout.contains(": killed"), "{stdout}");
    assert!(stdout.contains("none of them missing on any node"), "{stdout}");
    assert!(stdout.contains("applied by all three"), "{stdout}");
}

#[test]
fn the_example_of_a_log_refuses_arguments_that_make_no_sense() {
    for arguments in [&["--seconds"][..], &["--seconds", "many"], &["--nodes", "3"], &["node"]] {
        let Output { status, stderr, .. } = run(arguments);
        assert!(!status.success(), "{arguments:?}");
        let stderr = String::from_utf8_lossy(&stderr);
        assert!(stderr.starts_with("log: "), "{arguments:?}: {stderr}");
    }
}
