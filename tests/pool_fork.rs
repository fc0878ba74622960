//! A pool in the child of a fork: what a thread of the parent held at that moment does not keep the child from ending.
#![expect(unsafe_code, reason = "there is no safe fork")]

use duochain::pool::{BufferPool, ClassSettings, OverflowSettings, PoolSettings};
use std::sync::atomic::{AtomicBool, Ordering};

/// A child that hangs is killed after so many seconds.
const CHILD_SECONDS: u32 = 20;
const FORKS: usize = 100;

/// Whether a child that exits at once, with the thread-locals of its thread, gets to the end.
fn child_exits() -> bool {
    // SAFETY: the child only exits. What that runs of glibc's is made usable after a fork by glibc.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: a signal's default action ends the child.
        unsafe { libc::alarm(CHILD_SECONDS) };
        std::process::exit(0);
    }
    assert!(child > 0, "fork: {}", std::io::Error::last_os_error());
    let mut status = 0;
    // SAFETY: waits for the child made above, into a variable of ours.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    status == 0
}

#[test]
fn a_child_forked_while_another_thread_counts_the_pool_ends() {
    let classes = vec![ClassSettings { buffer_bytes: 16, count_max: 16_384 }];
    let overflow = OverflowSettings { buffer_bytes_max: 0, total_bytes_max: 0 };
    let pool = BufferPool::new(PoolSettings { classes, overflow }).expect("valid");
    // Twice: the first use opens this thread's magazine, the release fills it.
    (0..2).for_each(|_| drop(pool.acquire(8).expect("there is one")));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                pool.stats();
            }
        });
        let ended = (0..FORKS).all(|_| child_exits());
        stop.store(true, Ordering::Relaxed);
        assert!(ended, "a child hung");
    });
}
