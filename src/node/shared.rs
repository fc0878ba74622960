//! What the host's side of a node shares: handles, claims and subscriptions.

use super::cell::{ChainCell, Common};
use super::completion::Taken;
use super::disk::Views;
use super::{Error, Settings};
use crate::env::{Clock, fork};
use crate::pool::Meta;
use crate::storage::DirLock;
use crate::types::{ChainId, OpId, Status};
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// What handles, claims and subscriptions share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) common: Arc<Common>,
    pub(super) cells: [Arc<ChainCell>; 2],
    pub(super) process: u32,
    pub(super) threads: Mutex<Vec<JoinHandle<()>>>,
    /// Shared with the threads: while one of them may still write, nobody else may open the directory.
    pub(super) lock: Mutex<Option<Arc<DirLock>>>,
    /// Forks before this node was opened.
    pub(super) forks: u32,
    /// Whose completions are polled first, by turns.
    pub(super) turn: AtomicUsize,
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

    /// # Errors
    /// `Forked` in a child of the process that opened the node: its threads do not exist there.
    #[inline]
    pub(super) fn here(&self) -> Result<(), Error> {
        if self.forks == fork::generation() { Ok(()) } else { Err(Error::forked()) }
    }

    /// # Errors
    /// `Forked` as [`Shared::here`], `Closed`.
    pub(super) fn running(&self) -> Result<(), Error> {
        self.here()?;
        if self.is_closed() { Err(Error::closed()) } else { Ok(()) }
    }

    pub(super) fn views(&self, chain: ChainId) -> Result<Views, Error> {
        self.running()?;
        let views = self.cell(chain).views.read().clone();
        views.ok_or_else(|| match self.running() {
            // A chain that stops takes its views along.
            Err(closed) => closed,
            Ok(()) => Error::new(Status::Busy, format!("{chain} is being restarted from its log")),
        })
    }

    pub(super) fn meta(&self, op: OpId) -> Meta {
        Meta { tag: op.get(), stamp: self.common.clock.now().as_nanos() }
    }

    /// Up to `wanted` credits, for as many submissions.
    pub(super) fn take_credits(&self, chain: ChainId, wanted: u64) -> Result<Taken, Error> {
        self.here()?;
        self.cell(chain).credits.take(wanted).ok_or_else(|| {
            let max = self.settings.completions_max;
            let what = format!("{max} completions of {chain} are outstanding (completions.max)");
            Error::new(Status::Again, what)
        })
    }

    /// One credit, for one submission.
    pub(super) fn take_credit(&self, chain: ChainId) -> Result<OpId, Error> {
        self.take_credits(chain, 1).map(|taken| taken.op(0))
    }

    pub(super) fn close(&self, timeout: Duration) -> Result<(), Error> {
        // The number of the process too: hooks do not run in every kind of child.
        if self.process != std::process::id() {
            return Err(Error::forked());
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
            cell.credits.returned.notify();
        }
        self.common.completed.notify();
        self.common.announced.notify();
    }
}
