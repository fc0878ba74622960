//! Waiting for the log to grow, and the end in order.

use super::core::{Core, Shared};
use super::{Replica, ReplicaError};
use crate::env::Clock;
use crate::env::log::{self, Level};
use crate::env::patience::{self, Patience};
use crate::raft::Role;
use crate::types::{Index, Tick};
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Replica {
    /// Waits until more than `after` is committed, and answers how far: what a reader of the log does at its end.
    /// After a restart nothing counts as committed before a leader says so.
    ///
    /// # Errors
    /// `Timeout`, `Closed`, `Failed`.
    pub fn wait_committed(&self, after: Index, timeout: Duration) -> Result<Index, ReplicaError> {
        let until = self.shared.clock.now().after(timeout);
        self.shared.wait_until(until, |core| core.committed > after)?;
        Ok(self.shared.core.lock().committed)
    }

    /// Ends in order: takes no more entries (`Refused`, `Transferring`), waits until those it has are committed,
    /// hands leadership over if it leads and there is somebody, waits until everything is on disk and applied, and
    /// closes. It closes in any case; at the latest after `timeout` and what [`Self::close`] takes.
    ///
    /// # Errors
    /// `Timeout` when something was left, whose callers have got `Closed`, or a thread is busy still; `Closed`, `Failed`
    /// when it had ended before.
    pub fn shutdown(&self, timeout: Duration) -> Result<(), ReplicaError> {
        if self.shared.is_of_parent() {
            self.close();
            return Err(ReplicaError::Closed);
        }
        let outcome = self.wind_down(self.shared.clock.now().after(timeout));
        if self.close() { outcome } else { Err(ReplicaError::Timeout) }
    }

    /// Ends everything and waits for it: calls that wait get `Closed`. It takes as long as what is being written, applied
    /// and connected, for `ReplicaConfig::close_within` at most. The directory may be opened again then; what was committed
    /// can still be read here, but for a log in RocksDB. Safe to call again; a second caller waits as well. From within a callback or
    /// [`Apply`](super::Apply) it does not wait for the thread that it is called by; the directory is free when that has
    /// ended too.
    ///
    /// `false` when the time was over: the log says which threads are busy still, with a disk that does not answer, the
    /// host's `Apply`, its snapshot, or a name that is looked up. Each ends when that returns, and begins nothing new; the
    /// directory is free when those have ended that may write to it. Close it again to wait for them. Not bounded is what
    /// the host's own code does on this thread: callbacks of [`Pending`](super::Pending), and the log.
    pub fn close(&self) -> bool {
        // What a forked child has of the threads is a copy.
        if self.shared.is_of_parent() {
            return true;
        }
        let patience = Patience::of(self.shared.close_within);
        self.shared.end(ReplicaError::Closed);
        // Whoever holds this waits for the threads of the replica, so these must not wait for it.
        let wait = if self.shared.is_own_thread() { Duration::ZERO } else { patience.left() };
        let Some(mut threads) = self.threads.try_lock_for(wait) else { return false };
        let has_net_ended = self.shared.net().is_none_or(|net| net.close_within(patience.left()));
        // Whoever closes it next, from elsewhere, waits for the thread of this callback.
        *threads = threads.drain(..).filter_map(|thread| patience.join(thread)).collect();
        let left: Vec<_> = threads.iter().filter(|thread| !patience::is_own(thread)).collect();
        let (is_over, names) = (left.is_empty(), patience::names(left));
        drop(threads);
        if !is_over {
            let span = self.shared.close_within;
            log::emit(Level::Warn, "log", format_args!("closed; busy after {span:?}: {names}"));
        }
        is_over && has_net_ended
    }

    /// Ends everything without waiting for it: calls that wait get `Closed`. It is closed or dropped later.
    pub fn stop(&self) {
        if !self.shared.is_of_parent() {
            self.shared.end(ReplicaError::Closed);
        }
    }

    fn wind_down(&self, until: Tick) -> Result<(), ReplicaError> {
        let shared = &self.shared;
        shared.stop_accepting();
        shared.wait_until(until, |core| core.waiting.is_settled() && shared.stage.lock().is_empty())?;
        self.hand_over(until);
        let (last, committed) = {
            let core = shared.core.lock();
            (core.raft.last().index, core.committed)
        };
        shared.wait_until(until, |core| {
            // Acquire, with the applier's Release: what was applied can be seen.
            let is_applied = shared.applied.load(Ordering::Acquire) >= committed.get();
            is_applied && core.raft.durable() >= last.min(core.raft.last().index)
        })
    }

    /// Somebody else leads, if there is anybody who can: a cluster of one goes on without.
    fn hand_over(&self, until: Tick) {
        let left = || until.since(self.shared.clock.now());
        if self.transfer(None, left()).is_ok() {
            // The core gives up after the longest election timeout, and so does this.
            let patience = self.shared.election_max.min(left());
            let until = self.shared.clock.now().after(patience);
            let _ = self.shared.wait_until(until, |core| core.raft.role() != Role::Leader);
        }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.close();
    }
}

thread_local! {
    /// The replica that this thread belongs to.
    static OWNER: Cell<*const Shared> = const { Cell::new(ptr::null()) };
}

impl Shared {
    /// The calling thread is the replica's from here on, its own or one of its transport.
    pub(super) fn own_thread(&self) {
        OWNER.set(self);
    }

    pub(super) fn is_own_thread(&self) -> bool {
        ptr::eq(OWNER.get(), self)
    }

    /// # Errors
    /// Why it has ended.
    pub(super) fn check_open(&self) -> Result<(), ReplicaError> {
        if self.is_of_parent() {
            return Err(ReplicaError::Closed);
        }
        self.core.lock().ended.clone().map_or(Ok(()), Err)
    }

    /// Waits until it is so, looking again at each commit, each apply, each cut, each change of leader or members and, while
    /// it is closing, each step.
    pub(super) fn wait_until(&self, until: Tick, is_so: impl Fn(&Core) -> bool) -> Result<(), ReplicaError> {
        if self.is_of_parent() {
            return Err(ReplicaError::Closed);
        }
        let mut core = self.core.lock();
        let left = until.since(self.clock.now());
        let is_waiting = |core: &mut Core| core.ended.is_none() && !is_so(core);
        let outcome = self.progress.wait_while_for(&mut core, is_waiting, left);
        match &core.ended {
            Some(error) => Err(error.clone()),
            None if outcome.timed_out() && !is_so(&core) => Err(ReplicaError::Timeout),
            None => Ok(()),
        }
    }
}
