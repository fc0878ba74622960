//! A pleasant guest: a thousand opens and closes leave nothing behind. Alone in its process, so that
//! nothing else moves what it counts.

#[path = "support/memory.rs"]
mod memory;
mod support;

use duochain::types::ChainId;
use memory::resident_bytes;
use support::{PATIENCE, Scratch, eventually, open};

/// A leak of 5 KiB a cycle shows. Without any it grows by a tenth of a megabyte.
const GROWTH_BYTES_MAX: usize = 4 << 20;

fn count(what: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{what}")).expect("procfs").count()
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
    let before = (count("task"), count("fd"), resident_bytes());
    for _ in 0..950 {
        round(None);
    }
    for _ in 0..50 {
        round(Some(scratch.path()));
    }
    // Who waited for a thread goes on before the system has taken it off its list, here or above.
    eventually("as many threads", || (count("task") <= before.0).then_some(()));
    eventually("as many descriptors", || (count("fd") <= before.1).then_some(()));
    let resident = resident_bytes();
    assert!(resident < before.2 + GROWTH_BYTES_MAX, "memory grew from {} to {resident} bytes", before.2);
}
