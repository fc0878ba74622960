//! What the host's side of a node shares: handles, claims and subscriptions.

use super::cell::{ChainCell, Common};
use super::disk::Views;
use super::{Error, Settings};
use crate::env::Clock;
use crate::pool::Meta;
use crate::storage::DirLock;
use crate::types::{ChainId, OpId, Status};
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

/// What handles, claims and subscriptions share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) common: Arc<Common>,
    pub(super) cells: [Arc<ChainCell>; 2],
    pub(super) process: u32,
    pub(super) threads: Mutex<Vec<JoinHandle<()>>>,
    pub(super) lock: Mutex<Option<DirLock>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("cells", &self.cells).finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn cell(&self, chain: ChainId) -> &ChainCell {
        &self.cells[chain.index()]
    }

    pub(super) fn is_closed(&self) -> bool {
        // Acquire: pairs with the Release in `close`.
        self.common.closing.load(Ordering::Acquire)
    }

    pub(super) fn views(&self, chain: ChainId) -> Result<Views, Error> {
        if self.is_closed() {
            return Err(Error::closed());
        }
        let views = self.cell(chain).views.read().clone();
        views.ok_or_else(|| Error::new(Status::Busy, format!("{chain} is being restarted from its log")))
    }

    pub(super) fn meta(&self, op: OpId) -> Meta {
        Meta { tag: op.get(), stamp: self.common.clock.now().as_nanos() }
    }

    /// One credit, for one submission.
    pub(super) fn take_credit(&self) -> Result<OpId, Error> {
        self.common.credits.take(1).map(|(op, _)| OpId::new(op)).ok_or_else(|| self.no_credit())
    }

    pub(super) fn no_credit(&self) -> Error {
        let max = self.settings.completions_max;
        Error::new(Status::Again, format!("{max} completions wait to be polled (completions.max)"))
    }

    pub(super) fn close(&self, timeout: Duration) -> Result<(), Error> {
        if self.process != std::process::id() {
            return Err(Error::new(Status::Forked, "the node belongs to the parent process"));
        }
        for cell in &self.cells {
            cell.queue.close();
        }
        // Release: pairs with every Acquire of `closing`.
        self.common.closing.store(true, Ordering::Release);
        self.notify_all();
        let deadline = self.common.clock.now().after(timeout);
        loop {
            let seen = self.common.completed.epoch();
            if self.cells.iter().all(|cell| cell.stopped.load(Ordering::Acquire)) {
                break;
            }
            let now = self.common.clock.now();
            if now >= deadline {
                return Err(Error::new(Status::Timeout, format!("a chain did not stop within {timeout:?}")));
            }
            self.common.completed.wait_past(seen, deadline.since(now));
        }
        for thread in self.threads.lock().drain(..) {
            // Panics inside were caught and reported; a second one here has nobody to go to.
            let _ = thread.join();
        }
        self.lock.lock().take();
        Ok(())
    }

    fn notify_all(&self) {
        for cell in &self.cells {
            cell.wake.notify();
        }
        self.common.completed.notify();
        self.common.announced.notify();
        self.common.credits.returned.notify();
    }
}
