//! A counter that threads can wait on, and an event descriptor for hosts with their own loop.
//!
//! # Model
//! `notify` advances the epoch; a waiter reads the epoch, looks for work, and sleeps only while the
//! epoch is still the one it read. So a notification between the look and the sleep is never lost.
//! A descriptor is cleared by its reader, so readers that must not miss each other's notifications have
//! one each ([`Signal::watch`]).

use parking_lot::{Condvar, Mutex};
use rustix::event::{EventfdFlags, eventfd};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

/// Wakes waiters; costs two atomic operations when nobody waits.
#[derive(Debug, Default)]
pub(super) struct Signal {
    epoch: AtomicU64,
    waiters: AtomicUsize,
    gate: Mutex<()>,
    wake: Condvar,
    fd: OnceLock<OwnedFd>,
    watching: AtomicUsize,
    watches: Mutex<Vec<Weak<OwnedFd>>>,
}

/// A descriptor of one reader.
#[derive(Debug)]
pub(super) struct Watch(Arc<OwnedFd>);

impl Watch {
    /// Readable after a notification. Closed when the watch is dropped.
    pub(super) fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Makes the descriptor unreadable until the next notification.
    pub(super) fn clear(&self) {
        clear(&self.0);
    }

    /// Makes the descriptor readable.
    pub(super) fn raise(&self) {
        raise(&self.0);
    }
}

fn make() -> std::io::Result<OwnedFd> {
    Ok(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)
}

fn raise(fd: &OwnedFd) {
    // A full counter (2^64 - 2 notifications unread) is readable anyway.
    let _ = rustix::io::write(fd, &1u64.to_ne_bytes());
}

fn clear(fd: &OwnedFd) {
    let mut count = [0; 8];
    // Nothing to read is what is wanted.
    let _ = rustix::io::read(fd, &mut count);
}

impl Signal {
    /// The epoch to pass to [`Signal::wait_past`]; read before looking for work.
    pub(super) fn epoch(&self) -> u64 {
        // SeqCst: pairs with `notify`; see there.
        self.epoch.load(Ordering::SeqCst)
    }

    /// Wakes everybody who waits, and makes the descriptor readable.
    pub(super) fn notify(&self) {
        // SeqCst on both sides: either the waiter sees this epoch, or we see the waiter.
        self.epoch.fetch_add(1, Ordering::SeqCst);
        if self.waiters.load(Ordering::SeqCst) > 0 {
            // Taking the gate orders us after a waiter that has checked but not yet slept.
            drop(self.gate.lock());
            self.wake.notify_all();
        }
        if let Some(fd) = self.fd.get() {
            raise(fd);
        }
        // SeqCst: a watcher registers before it looks for work, as a waiter does.
        if self.watching.load(Ordering::SeqCst) > 0 {
            let mut watches = self.watches.lock();
            watches.retain(|watch| watch.upgrade().inspect(|fd| raise(fd)).is_some());
            self.watching.store(watches.len(), Ordering::SeqCst);
        }
    }

    /// A descriptor for one reader, who clears it without hiding a notification from others.
    pub(super) fn watch(&self) -> std::io::Result<Watch> {
        let fd = Arc::new(make()?);
        let mut watches = self.watches.lock();
        watches.retain(|watch| watch.strong_count() > 0);
        watches.push(Arc::downgrade(&fd));
        self.watching.store(watches.len(), Ordering::SeqCst);
        Ok(Watch(fd))
    }

    /// Sleeps until the epoch differs from `seen` or `timeout` passes; true when it differs.
    pub(super) fn wait_past(&self, seen: u64, timeout: Duration) -> bool {
        self.waiters.fetch_add(1, Ordering::SeqCst);
        let mut gate = self.gate.lock();
        let changed = loop {
            if self.epoch.load(Ordering::SeqCst) != seen {
                break true;
            }
            if self.wake.wait_for(&mut gate, timeout).timed_out() {
                break self.epoch.load(Ordering::SeqCst) != seen;
            }
        };
        drop(gate);
        self.waiters.fetch_sub(1, Ordering::SeqCst);
        changed
    }

    /// A descriptor that is readable after a notification. Owned by the signal.
    pub(super) fn fd(&self) -> std::io::Result<RawFd> {
        if self.fd.get().is_none() {
            let _ = self.fd.set(make()?);
        }
        Ok(self.fd.get().expect("set above or by another thread").as_raw_fd())
    }

    /// Makes the descriptor unreadable until the next notification.
    pub(super) fn clear_fd(&self) {
        if let Some(fd) = self.fd.get() {
            clear(fd);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_notification_before_the_sleep_is_not_lost() {
        let signal = Signal::default();
        let seen = signal.epoch();
        signal.notify();
        assert!(signal.wait_past(seen, Duration::from_secs(3600)));
        assert!(!signal.wait_past(signal.epoch(), Duration::from_millis(1)));
    }

    #[test]
    fn a_sleeper_is_woken_by_another_thread() {
        let signal = Arc::new(Signal::default());
        let seen = signal.epoch();
        let other = Arc::clone(&signal);
        let sleeper = std::thread::spawn(move || other.wait_past(seen, Duration::from_secs(3600)));
        signal.notify();
        assert!(sleeper.join().expect("no panic"));
    }

    #[test]
    fn the_descriptor_is_readable_after_a_notification_only() {
        let signal = Signal::default();
        let fd = signal.fd().expect("eventfd");
        assert_eq!(signal.fd().expect("the same"), fd);
        let owned = signal.fd.get().expect("made");
        let mut count = [0; 8];
        assert!(rustix::io::read(owned, &mut count).is_err());
        signal.notify();
        signal.notify();
        signal.clear_fd();
        assert!(rustix::io::read(owned, &mut count).is_err());
    }

    #[test]
    fn watches_are_cleared_one_by_one_and_forgotten_when_dropped() {
        let signal = Signal::default();
        let [first, second] = [signal.watch().expect("eventfd"), signal.watch().expect("eventfd")];
        let readable = |watch: &Watch| rustix::io::read(&*watch.0, &mut [0; 8]).is_ok();
        assert!(!readable(&first));
        signal.notify();
        first.clear();
        assert!(!readable(&first) && readable(&second));
        drop(first);
        signal.notify();
        assert_eq!(signal.watches.lock().len(), 1);
    }
}
