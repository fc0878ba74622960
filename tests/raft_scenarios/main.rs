//! Scenarios of a cluster as text: commands, and what they show, in `scripts/*.txt`.
//!
//! A line that begins with `>` is a command, what follows it up to the next one is what it must show; `#` begins a
//! comment. `DUO_UPDATE_SCENARIOS=1` writes what is shown into the files: a change of them is a decision, to be
//! reviewed like code. Commands are described in `play.rs`. Quorums and changes of members have tables of their own,
//! `quorums.txt` and `changes.txt`.
//!
//! The scenarios are those that the suites of other implementations have found worth keeping: a new leader finds
//! where logs meet, a slow follower, snapshots, commit across terms, changes of members, handing over, reads.
//!
//! # What answers the data-driven suites of etcd and raft-rs
//! The scenario is theirs, the words and what is shown are ours. raft-rs has etcd's tables of quorums and changes, no sessions.
//!
//! | theirs | here, or why not |
//! |---|---|
//! | `campaign`, `vote`, `probe_and_replicate` | probe_and_replicate, conflicting_tails, fast_backtracking |
//! | `prevote`, `prevote_checkquorum`, `checkquorum` | lease_and_pre_vote, check_quorum |
//! | `campaign_learner_must_vote` | new_voter_votes |
//! | `single_node` | single_node |
//! | `lagging_commit` | lagging_commit |
//! | `replicate_pause` | full_window |
//! | `heartbeat_resp_recovers_from_probing` | broken_link |
//! | `slow_follower_after_compaction`, `snapshot_succeed_via_app_resp`, `.._behind` | snapshot, snapshot_answers |
//! | `async_storage_writes` | slow_follower: writes are always asynchronous |
//! | `async_storage_writes_append_aba_race` | overwritten_writes |
//! | `async_storage_writes_apply_nonlocally_committed` | single_node, slow_leader: nothing is applied that is not durable here |
//! | `confchange_v1_add_single`, `confchange_v2_add_*` | joint_change: one kind of change, which leaves its joint state itself |
//! | `confchange_v1_remove_leader`, `confchange_v2_replace_leader`, both with and without `_stepdown` | leader_leaves, leader_replaced: it always steps down |
//! | `confchange/*_idempotency`, `joint_learners_next`, `joint_safety`, `simple_*`, `update`, `zero` | changes |
//! | `confchange/joint_autoleave` | joint_change: there is no other way to leave |
//! | `quorum/*_commit`, `quorum/*_vote` | quorums |
//! | `quorum/*_group_commit` of raft-rs | none: nodes have no groups |
//! | `confchange_disable_validation` | none: validation cannot be switched off |
//! | `commit_index_regression` | none: a log that lost what was durable is refused, and reported where it is noticed (`raft_paper/lost.rs`) |
//! | `forget_leader`, `.._prevote_checkquorum`, `campaign_now_lease` | none: a host cannot tell a node to forget its leader; a broken link does something like it (`raft_paper/election.rs`) |
//! | `forget_leader_read_only_lease_based` | none: no read relies on a clock |

#[path = "../support/raft/mod.rs"]
mod support;

mod members;
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
        let shown = match path.file_stem().and_then(|stem| stem.to_str()) {
            Some("quorums") => quorum::play(&expected),
            Some("changes") => members::play(&expected),
            _ => play::play(&expected),
        };
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
