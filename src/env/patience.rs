//! Waiting for threads to end, all of them within one span.
//!
//! # Limits
//! A thread that a system call, a disk or the host's code holds cannot be stopped from outside. Whoever has waited for
//! long enough leaves it: it owns what it uses, and ends by itself.

use super::{Clock, SystemClock};
use crate::types::Tick;
use std::thread::JoinHandle;
use std::time::Duration;

/// Pauses between two looks, which double: the longest one is what waiting may take too long.
const PAUSE_MIN: Duration = Duration::from_micros(50);
const PAUSE_MAX: Duration = Duration::from_millis(5);

/// How long somebody waits.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    clock: SystemClock,
    until: Tick,
}

impl Patience {
    /// For a span from now on.
    pub fn of(span: Duration) -> Self {
        let clock = SystemClock::new();
        Self { clock, until: Tick::ZERO.after(span) }
    }

    /// What is left of it.
    pub fn left(&self) -> Duration {
        self.until.since(self.clock.now())
    }

    /// Waits for a thread. Gives it back when it goes on, and without waiting when it is the one that asks. One that has
    /// panicked was logged and is over, which is what is wanted.
    pub fn join(&self, thread: JoinHandle<()>) -> Option<JoinHandle<()>> {
        let mut pause = PAUSE_MIN;
        while !thread.is_finished() {
            let left = self.left();
            if left.is_zero() || is_own(&thread) {
                return Some(thread);
            }
            std::thread::sleep(pause.min(left));
            pause = (pause * 2).min(PAUSE_MAX);
        }
        let _ = thread.join();
        None
    }
}

/// Whether it is the thread that asks.
pub fn is_own(thread: &JoinHandle<()>) -> bool {
    thread.thread().id() == std::thread::current().id()
}

/// Names of threads, for people.
pub fn names<'a>(threads: impl IntoIterator<Item = &'a JoinHandle<()>>) -> String {
    let names: Vec<_> = threads.into_iter().map(|thread| thread.thread().name().unwrap_or("?")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn a_thread_that_goes_on_is_given_back_and_one_that_ends_is_not() {
        let (open, gate) = sync_channel::<()>(0);
        let body = move || assert!(gate.recv().is_err());
        let held = std::thread::Builder::new().name("held".to_owned()).spawn(body).unwrap();
        let held = Patience::of(Duration::from_millis(1)).join(held).expect("it waits");
        assert_eq!(names([&held]), "held");
        drop(open);
        assert!(Patience::of(Duration::from_secs(60)).join(held).is_none());
    }

    #[test]
    fn who_asks_for_itself_does_not_wait() {
        let ((give, take), (tell, told)) = (sync_channel::<JoinHandle<()>>(1), sync_channel(1));
        let asks = std::thread::spawn(move || {
            let own = Patience::of(Duration::MAX).join(take.recv().unwrap());
            tell.send(own.is_some_and(|own| is_own(&own))).unwrap();
        });
        assert!(!is_own(&asks));
        give.send(asks).unwrap();
        assert!(told.recv_timeout(Duration::from_secs(60)).expect("it did not wait"));
    }
}
