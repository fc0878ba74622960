//! What `make sanitize S=fuzz` plays for as long as it is let, here in short and with any compiler: the corpus, and random
//! bytes from seeds. `DUOCHAIN_PLAYS=n` sets how many of these; a failure names its seed.

#[path = "../fuzz/plays/mod.rs"]
mod plays;

use std::collections::BTreeSet;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

/// SplitMix64.
fn bytes_from(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let len = next() % 600;
    (0..len).map(|_| next() as u8).collect()
}

fn plays() -> u64 {
    std::env::var("DUOCHAIN_PLAYS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

fn named(name: &str, play: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(play)) {
        let _ = writeln!(std::io::stderr(), "it was {name}");
        resume_unwind(panic);
    }
}

fn hold(target: &str, play: fn(&[u8])) {
    hold_some(target, play, plays());
}

fn hold_some(target: &str, play: fn(&[u8]), plays: u64) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries: Vec<_> = std::fs::read_dir(&corpus).expect("the corpus is there").collect();
    assert!(!entries.is_empty());
    for entry in entries {
        let path = entry.expect("readable").path();
        let data = std::fs::read(&path).expect("readable");
        named(&path.display().to_string(), || play(&data));
    }
    for seed in 0..plays {
        named(&format!("seed {seed}"), || play(&bytes_from(seed)));
    }
}

/// Names in a folder, without what follows a dot.
fn names(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let paths = std::fs::read_dir(folder).expect("it is there").map(|entry| entry.expect("readable").path());
    paths.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect()
}

#[test]
fn every_target_is_built_has_a_corpus_and_is_played_here() {
    let targets = names("fuzz/fuzz_targets");
    assert_eq!(names("fuzz/corpus"), targets);
    let manifest = include_str!("../fuzz/Cargo.toml");
    let bins = manifest.lines().filter_map(|line| line.strip_prefix("path = \"fuzz_targets/"));
    assert_eq!(bins.map(|name| name.replace(".rs\"", "")).collect::<BTreeSet<_>>(), targets);
    let unplayed: Vec<_> = targets
        .iter()
        .filter(|name| !include_str!("fuzz_plays.rs").contains(&format!("plays::{name}::play")))
        .collect();
    assert!(unplayed.is_empty(), "{unplayed:?}");
}

#[test]
fn the_queue_does_what_plain_queues_do() {
    hold("queue", plays::queue::play);
}

#[test]
fn the_pool_does_what_a_set_of_handles_does() {
    hold("pool", plays::pool::play);
}

#[test]
fn the_c_boundary_survives_any_handle_in_any_order() {
    hold("boundary", plays::boundary::play);
}

#[test]
fn a_frame_is_read_in_one_encoding_and_a_lie_about_lengths_allocates_nothing() {
    hold("frame", plays::frame::play);
}

#[test]
fn a_message_is_read_in_one_encoding_and_a_lie_about_lengths_allocates_nothing() {
    hold("message", plays::message::play);
}

#[test]
fn the_raft_core_keeps_its_invariants_whatever_it_is_told() {
    hold("raft", plays::raft::play);
}

#[test]
fn a_snapshot_is_read_whole_or_refused_and_a_lie_about_lengths_allocates_nothing() {
    hold("snapshot", plays::snapshot::play);
}

#[test]
fn a_hello_is_read_in_one_encoding_and_allocates_nothing() {
    hold("hello", plays::hello::play);
}

#[test]
fn members_are_read_in_one_encoding_and_stay_sound_whatever_changes() {
    hold("membership", plays::membership::play);
}

#[test]
fn what_is_remembered_against_repetitions_decides_alike_once_it_was_read_again() {
    hold("dedup", plays::dedup::play);
}

#[test]
fn the_latest_vote_of_which_a_copy_is_whole_is_taken_and_no_other() {
    // Each play writes files and syncs them.
    hold_some("votes", plays::votes::play, plays() / 10);
}

#[test]
fn a_ledger_of_stake_is_read_in_one_encoding_and_keeps_its_invariants_whatever_it_is_told() {
    hold("validators", plays::validators::play);
}

#[test]
fn the_agreement_is_read_in_one_encoding_verifies_what_was_signed_and_loses_no_vote() {
    hold("agreement", plays::agreement::play);
}

#[test]
fn frame_files_that_anybody_wrote_to_are_opened_mended_or_refused() {
    // Each play writes files.
    hold_some("segments", plays::segments::play, plays() / 10);
}
