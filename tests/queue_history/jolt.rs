//! Takes the processor from threads in the middle of a call.
//!
//! A call takes a tenth of a microsecond and a thread starts in fifty, so that on their own few calls of a
//! short history overlap, and none on a machine that has other work; the rest prove nothing. A timer
//! interrupts each thread while it runs, at an arbitrary instruction, and gives the processor away.

use std::cell::Cell;
use std::sync::Once;
use std::time::Duration;

/// A thread runs so long between two jolts: some ten to two hundred calls.
const INTERVAL_MIN: Duration = Duration::from_micros(4);
const INTERVAL_SPREAD: u64 = 40_000; // ns

thread_local! {
    static TIMER: Cell<Option<libc::timer_t>> = const { Cell::new(None) };
    static NUMBER: Cell<u64> = const { Cell::new(0) };
}

/// Jolts the calling thread again and again until it is dropped there.
pub(crate) struct Jolts;

impl Jolts {
    pub(crate) fn begin() -> Self {
        install();
        // SAFETY: an event is plain numbers; the timer is of this thread and deleted by it.
        unsafe {
            let mut event: libc::sigevent = std::mem::zeroed();
            event.sigev_notify = libc::SIGEV_THREAD_ID;
            event.sigev_signo = libc::SIGUSR1;
            event.sigev_notify_thread_id = libc::gettid();
            let mut timer: libc::timer_t = std::ptr::null_mut();
            assert_eq!(libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer), 0);
            TIMER.set(Some(timer));
        }
        arm();
        Self
    }
}

impl Drop for Jolts {
    fn drop(&mut self) {
        if let Some(timer) = TIMER.take() {
            // SAFETY: made by `begin`, on this thread, and known to nobody from here on.
            unsafe { libc::timer_delete(timer) };
        }
    }
}

fn install() {
    static ONCE: Once = Once::new();
    // SAFETY: an action is plain numbers; the handler lives as long as the program.
    ONCE.call_once(|| unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = give_way as extern "C" fn(libc::c_int) as libc::sighandler_t;
        action.sa_flags = libc::SA_RESTART;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()), 0);
    });
}

/// Runs on the victim. System calls that may be used in a handler, and nothing else.
extern "C" fn give_way(_signal: libc::c_int) {
    for _ in 0..3 {
        // SAFETY: gives the processor away; allowed in a handler.
        unsafe { libc::sched_yield() };
    }
    arm();
}

/// Once more, after a while that differs each time. It is counted from here, so that a thread that others
/// kept from running still gets some calls done.
fn arm() {
    let Some(timer) = TIMER.get() else { return };
    let number = NUMBER.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
    NUMBER.set(number);
    let spread = (number >> 20) % INTERVAL_SPREAD;
    // SAFETY: the times are plain numbers, the timer is this thread's; allowed in a handler.
    unsafe {
        let mut times: libc::itimerspec = std::mem::zeroed();
        times.it_value.tv_nsec = (INTERVAL_MIN.as_nanos() as u64 + spread) as libc::c_long;
        libc::timer_settime(timer, 0, &raw const times, std::ptr::null_mut());
    }
}
