//! Scenarios of a cluster as text: commands, and what they show, in `scripts/*.txt`.
//!
//! A line that begins with `>` is a command, what follows it up to the next one is what it must show; `#` begins a
//! comment. `DUO_UPDATE_SCENARIOS=1` writes what is shown into the files: a change of them is a decision, to be
//! reviewed like code. Commands are described in `play.rs`. Quorums have tables of their own, `quorums.txt`.
//!
//! The scenarios are those that the suites of other implementations have found worth keeping: a new leader finds
//! where logs meet, a slow follower, snapshots, commit across terms, changes of members, handing over, reads.

#[path = "../support/raft/mod.rs"]
mod support;

mod play;
mod quorum;
mod text;

use std::io::Write;
use std::path::{Path, PathBuf};

fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/raft_scenarios/scripts");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect("scripts").map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

/// The first line in which both differ, with both.
fn difference(path: &Path, expected: &str, shown: &str) -> Option<String> {
    let mut lines = expected.lines().map(Some).chain(std::iter::repeat(None));
    let mut number = 0;
    for line in shown.lines().map(Some).chain([None]) {
        number += 1;
        let wanted = lines.next().flatten();
        if wanted != line {
            let name = path.file_name().unwrap_or_default().display();
            let of = |line: Option<&str>| line.unwrap_or("(the end)").to_owned();
            return Some(format!("{name}:{number}\n  expected: {}\n  shown:    {}", of(wanted), of(line)));
        }
    }
    None
}

#[test]
fn every_script_shows_what_it_says() {
    let mut differences = Vec::new();
    for path in scripts() {
        let expected = std::fs::read_to_string(&path).expect("readable");
        let is_quorums = path.file_stem().is_some_and(|stem| stem == "quorums");
        let shown = if is_quorums { quorum::play(&expected) } else { play::play(&expected) };
        if std::env::var_os("DUO_UPDATE_SCENARIOS").is_some() {
            std::fs::write(&path, &shown).expect("writable");
        } else {
            differences.extend(difference(&path, &expected, &shown));
        }
    }
    let _ = std::io::stderr().write_all(differences.join("\n").as_bytes());
    assert!(differences.is_empty(), "DUO_UPDATE_SCENARIOS=1 takes over what is shown, for review");
}

#[test]
fn a_difference_is_named_with_its_line_and_both_sides() {
    let path = Path::new("some/a.txt");
    assert_eq!(difference(path, "> x\n1\n", "> x\n1\n"), None);
    let found = difference(path, "> x\n1\n", "> x\n2\n").expect("one differs");
    assert!(
        found.contains("a.txt:2") && found.contains("expected: 1") && found.contains("shown:    2"),
        "{found}"
    );
    assert!(difference(path, "> x\n", "> x\n1\n").expect("more is shown").contains("(the end)"));
    assert!(difference(path, "> x\n1\n", "> x\n").expect("less is shown").contains("(the end)"));
}
