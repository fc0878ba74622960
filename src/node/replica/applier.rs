//! The thread that applies what is committed, in order, each entry once.

use super::ReplicaError;
use super::core::Shared;
use crate::frame::{Frame, FrameKind};
use crate::storage::frames::FrameReader;
use crate::types::Index;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Bytes that are read at a time.
const READ_BYTES_MAX: usize = 4 << 20;

/// The host's state machine.
pub trait Apply: Send + 'static {
    /// Entries in the order of the log, each once as long as the process lives. After a restart it goes on
    /// behind what `ReplicaConfig::applied` said. Frames of the cluster itself are left out.
    fn apply(&mut self, frame: &Frame);
}

pub(super) struct Applier {
    pub(super) apply: Box<dyn Apply>,
    pub(super) reader: Arc<dyn FrameReader>,
    pub(super) applied: Index,
}

impl Applier {
    pub(super) fn run(mut self, shared: &Shared) {
        // Release here and below, with the Acquire of who waits: what was applied can be seen.
        shared.applied.store(self.applied.get(), Ordering::Release);
        loop {
            let committed = {
                let mut core = shared.core.lock();
                let applied = self.applied;
                shared
                    .progress
                    .wait_while(&mut core, |core| core.ended.is_none() && core.committed <= applied);
                if core.ended.is_some() {
                    return;
                }
                core.committed
            };
            if let Err(error) = self.apply_to(committed, shared) {
                return shared.end(error);
            }
        }
    }

    /// What is committed is durable here (I5 of the core), so a reader shows it.
    fn apply_to(&mut self, committed: Index, shared: &Shared) -> Result<(), ReplicaError> {
        while self.applied < committed {
            let frames = self.reader.read(self.applied.next(), READ_BYTES_MAX)?;
            if frames.is_empty() {
                return Err(ReplicaError::Failed(
                    format!("entry {} is not in the log", self.applied.next()).into(),
                ));
            }
            for frame in frames.iter().take_while(|frame| frame.last().index <= committed) {
                if frame.kind() == FrameKind::Entries {
                    self.apply.apply(frame);
                }
                self.applied = frame.last().index;
            }
            shared.applied.store(self.applied.get(), Ordering::Release);
            // Under the lock, so that who is about to wait is not missed.
            drop(shared.core.lock());
            shared.progress.notify_all();
        }
        Ok(())
    }
}
