//! A pool in the child of a fork: what a thread of the parent held at that moment does not keep the child from ending.
#![expect(unsafe_code, reason = "there is no safe fork")]

use duochain::pool::{BufferPool, ClassSettings, OverflowSettings, PoolSettings, Upkeep};
use duochain::types::Tick;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A child that hangs is killed after so many seconds.
const CHILD_SECONDS: u32 = 20;
const FORKS: usize = 100;

/// Whether a child that does `work` and exits, with the thread-locals of its thread, gets to the end.
fn child_exits(work: impl FnOnce()) -> bool {
    // SAFETY: the child uses pools and exits. What that runs of glibc's is made usable after a fork by glibc.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: a signal's default action ends the child.
        unsafe { libc::alarm(CHILD_SECONDS) };
        let well = catch_unwind(AssertUnwindSafe(work)).is_ok();
        std::process::exit(i32::from(!well));
    }
    assert!(child > 0, "fork: {}", std::io::Error::last_os_error());
    let mut status = 0;
    // SAFETY: waits for the child made above, into a variable of ours.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    status == 0
}

/// Ends the threads beside a test, which a scope would wait for after a panic.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn pool() -> Arc<BufferPool> {
    let classes = vec![ClassSettings { buffer_bytes: 16, count_max: 16_384 }];
    let overflow = OverflowSettings { buffer_bytes_max: 0, total_bytes_max: 0 };
    let upkeep = Upkeep { leak_tracking: true, keep_addresses: true, ..Upkeep::default() };
    BufferPool::with_upkeep(PoolSettings { classes, overflow }, &upkeep).expect("valid")
}

#[test]
fn a_child_uses_the_pools_of_its_parent_whatever_locks_were_held_at_the_fork() {
    let (busy, unused) = (pool(), pool());
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let until_stopped = |work: fn(&Arc<BufferPool>)| {
            let (stop, pools) = (&stop, [&busy, &unused]);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    pools.into_iter().for_each(work);
                }
            });
        };
        until_stopped(|pool| _ = (pool.stats(), pool.maintain(Tick::ZERO)));
        until_stopped(|pool| drop((pool.acquire(8), pool.held(Duration::ZERO))));
        let _over = Over(&stop);
        let ended = (0..FORKS).all(|_| {
            child_exits(|| {
                // Each begins in the child with what this thread never had: a magazine, and a new slab.
                for pool in [&busy, &unused] {
                    let mut held: Vec<_> = (0..200).map(|_| pool.acquire(8).expect("there is one")).collect();
                    held.iter_mut().for_each(|lease| lease.fill(7));
                    assert!(
                        pool.stats().in_use >= 200
                            && pool.held(Duration::ZERO).expect("tracked").len() >= 200
                    );
                    drop(held);
                    pool.maintain(Tick::ZERO);
                    pool.trim(0);
                }
            })
        });
        assert!(ended, "a child hung, or failed");
    });
}

#[test]
fn a_child_forked_while_another_thread_counts_the_pool_ends() {
    let pool = pool();
    // Twice: the first use opens this thread's magazine, the release fills it.
    (0..2).for_each(|_| drop(pool.acquire(8).expect("there is one")));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                pool.stats();
            }
        });
        let _over = Over(&stop);
        let ended = (0..FORKS).all(|_| child_exits(|| ()));
        assert!(ended, "a child hung");
    });
}
