//! A host whose own hooks for forks were there before the first pool, and use pools.
#![expect(unsafe_code, reason = "there is no safe fork")]

use duochain::pool::{BufferPool, ClassSettings, OverflowSettings, PoolSettings};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

/// A process that hangs is killed after so many seconds.
const SECONDS: u32 = 20;

static POOL: OnceLock<Arc<BufferPool>> = OnceLock::new();
static CALLS: AtomicU32 = AtomicU32::new(0);

unsafe extern "C" fn use_the_pool() {
    let pool = POOL.get().expect("it was made before the fork");
    assert_eq!(pool.stats().in_use, 1);
    drop(pool.acquire(8).expect("there is one"));
    CALLS.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn hooks_that_were_there_before_the_first_pool_may_use_pools() {
    // SAFETY: the functions live as long as the program.
    let hooked = unsafe { libc::pthread_atfork(Some(use_the_pool), Some(use_the_pool), Some(use_the_pool)) };
    assert_eq!(hooked, 0);
    let classes = vec![ClassSettings { buffer_bytes: 16, count_max: 1_024 }];
    let overflow = OverflowSettings { buffer_bytes_max: 0, total_bytes_max: 0 };
    let pool = BufferPool::new(PoolSettings { classes, overflow }).expect("valid");
    let _held = pool.acquire(8).expect("there is one");
    POOL.set(pool).expect("the only test here");

    // SAFETY: a signal's default action ends the process, which a hook that hangs would keep for ever.
    unsafe { libc::alarm(SECONDS) };
    // SAFETY: the child runs the hooks and ends at once.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let well = CALLS.load(Ordering::Relaxed) == 2;
        // SAFETY: ends the child.
        unsafe { libc::_exit(i32::from(!well)) };
    }
    assert!(child > 0, "fork: {}", std::io::Error::last_os_error());
    let mut status = 0;
    // SAFETY: waits for the child made above, into a variable of ours.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    // SAFETY: the test is over.
    unsafe { libc::alarm(0) };
    assert_eq!((status, CALLS.load(Ordering::Relaxed)), (0, 2), "the child and this process ran both hooks");
}
