//! A pleasant guest: a thousand opens and closes leave nothing behind. Alone in its process, so that
//! nothing else moves what it counts.

mod support;

use duochain::types::ChainId;
use support::{PATIENCE, Scratch, eventually, open};

/// A leak of 2 KiB a cycle shows. Without any it grows by a tenth of a megabyte.
const GROWTH_KIB_MAX: u64 = 2_048;

fn count(what: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{what}")).expect("procfs").count()
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("procfs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

#[test]
fn a_thousand_opens_and_closes_leave_threads_descriptors_and_memory_as_they_were() {
    let round = |dir| {
        let node = open(dir);
        node.submit(ChainId::Delta, support::LANE, b"passing by").expect("accepted");
        node.close(PATIENCE).expect("closed");
    };
    let scratch = Scratch::new("guest");
    for _ in 0..20 {
        round(None);
        round(Some(scratch.path()));
    }
    let before = (count("task"), count("fd"), resident_kib());
    for _ in 0..950 {
        round(None);
    }
    for _ in 0..50 {
        round(Some(scratch.path()));
    }
    // Who waited for a thread goes on before the system has taken it off its list, here or above.
    eventually("as many threads", || (count("task") <= before.0).then_some(()));
    eventually("as many descriptors", || (count("fd") <= before.1).then_some(()));
    let resident = resident_kib();
    assert!(resident < before.2 + GROWTH_KIB_MAX, "memory grew from {} to {resident} KiB", before.2);
}
