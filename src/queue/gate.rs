//! A place to sleep until a counter moves.
//!
//! # Model
//! Read the epoch, announce yourself, look again, then wait until the epoch is another one. Whoever
//! changes something after the announcement advances the epoch, so a sleeper never misses it.

use std::time::Duration;

#[cfg(not(loom))]
use parking_lot::{Condvar, Mutex};

#[cfg(loom)]
use loom::sync::{Condvar, Mutex};

#[derive(Debug)]
pub(super) struct Gate {
    epoch: Mutex<u64>,
    moved: Condvar,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self { epoch: Mutex::new(0), moved: Condvar::new() }
    }
}

#[cfg(not(loom))]
impl Gate {
    pub(super) fn epoch(&self) -> u64 {
        *self.epoch.lock()
    }

    pub(super) fn advance(&self) {
        let mut epoch = self.epoch.lock();
        *epoch = epoch.wrapping_add(1);
        drop(epoch);
        self.moved.notify_all();
    }

    /// Sleeps until the epoch is not `seen`, or for about `limit`; may also return early.
    pub(super) fn wait_past(&self, seen: u64, limit: Duration) {
        let mut epoch = self.epoch.lock();
        if *epoch == seen {
            self.moved.wait_for(&mut epoch, limit);
        }
    }
}

#[cfg(loom)]
impl Gate {
    pub(super) fn epoch(&self) -> u64 {
        *self.epoch.lock().unwrap()
    }

    pub(super) fn advance(&self) {
        *self.epoch.lock().unwrap() += 1;
        self.moved.notify_all();
    }

    /// Without the limit: a model has no time, so a missed wake-up shows as a deadlock.
    pub(super) fn wait_past(&self, seen: u64, _limit: Duration) {
        let mut epoch = self.epoch.lock().unwrap();
        while *epoch == seen {
            epoch = self.moved.wait(epoch).unwrap();
        }
    }
}
