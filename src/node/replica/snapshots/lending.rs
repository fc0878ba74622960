//! What the applier remembers against repetitions, for the thread that writes snapshots where none says it any more.

use super::post::{Post, Taken};
use crate::dedup::Dedup;
use crate::node::replica::ReplicaError;
use crate::node::replica::core::Shared;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[derive(Debug)]
pub(in crate::node::replica) struct Lending {
    is_asked: AtomicBool,
    answers: Post<Dedup>,
}

impl Lending {
    pub(super) const fn new() -> Self {
        Self { is_asked: AtomicBool::new(false), answers: Post::new(1) }
    }

    /// Waits for what is remembered behind the frame that the applier is at. One thread asks.
    ///
    /// # Errors
    /// `Closed`.
    pub(super) fn ask(&self, shared: &Shared) -> Result<Dedup, ReplicaError> {
        {
            // Under the lock, so that an applier that is about to wait is not missed.
            let _core = shared.core.lock();
            self.is_asked.store(true, Ordering::Relaxed);
        }
        shared.progress.notify_all();
        match self.answers.take(Duration::MAX) {
            Taken::Item(dedup) => Ok(dedup),
            Taken::Nothing | Taken::Closed => Err(ReplicaError::Closed),
        }
    }

    /// Whether the applier has to answer.
    pub(in crate::node::replica) fn is_asked(&self) -> bool {
        // Relaxed, as above: whoever waits looks under the lock, and the answer goes through another one.
        self.is_asked.load(Ordering::Relaxed)
    }

    /// The applier's answer, at the end of a frame.
    pub(in crate::node::replica) fn answer(&self, dedup: &Dedup) {
        if self.is_asked() {
            self.is_asked.store(false, Ordering::Relaxed);
            self.answers.push(dedup.clone());
        }
    }

    pub(super) fn close(&self) -> impl Sized + use<> {
        self.answers.close()
    }
}
