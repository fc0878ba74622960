//! What the system sees of a pool's memory. Alone in its process, so that the figures are this pool's.

#[path = "support/memory.rs"]
mod memory;

use duochain::pool::{BufferPool, ClassSettings, Lease, PoolSettings, Upkeep};
use duochain::types::Tick;
use memory::resident_bytes;
use std::time::Duration;

const SLAB_BYTES: usize = 256 << 10;
const WINDOW: Duration = Duration::from_secs(60);

#[test]
fn a_thousand_cycles_of_growth_and_shrink_leave_the_process_as_large_as_it_was() {
    let upkeep = Upkeep { shrink_after: WINDOW, leak_tracking: false, ..Upkeep::default() };
    let classes = vec![ClassSettings { buffer_bytes: 1024, count_max: 8192 }];
    let settings = PoolSettings { classes, ..PoolSettings::default() };
    let pool = BufferPool::with_upkeep(settings, &upkeep).expect("valid");
    let mut now = Tick::ZERO;
    let mut cycle = || {
        let mut held: Vec<Lease> = (0..2048).map(|_| pool.acquire(1024).expect("there is one")).collect();
        held.iter_mut().for_each(|lease| lease.fill(1));
        let full = resident_bytes();
        drop(held);
        let begun = pool.stats().evictions;
        while pool.stats().slabs > 0 {
            pool.maintain(now);
            now = now.after(WINDOW / 2);
        }
        assert_eq!(pool.stats().evictions - begun, 8);
        full
    };
    let _ = (0..10).map(|_| cycle()).max();
    let before = resident_bytes();
    let full = (0..1000).map(|_| cycle()).max().unwrap_or(0);
    let after = resident_bytes();
    assert!(full >= before + 7 * SLAB_BYTES, "{before} bytes idle, {full} in use: the count does not work");
    assert!(after <= before + SLAB_BYTES, "{before} bytes before, {after} after");
}
