//! What snapshots do to the core, under its lock.

use super::Received;
use crate::node::replica::core::{Core, Job, Shared, tell};
use crate::raft::{Input, Role, Snapshot};
use crate::storage::snapshots::SnapshotFile;
use crate::types::{Index, LogId, NodeId, Term, UnixNanos};

impl Shared {
    /// The writer has something to do.
    pub(in crate::node::replica) fn queue(&self, core: &mut Core, job: Job) {
        core.jobs.push_back(job);
        self.write.notify_one();
    }

    /// The latest term that this node knows.
    pub(super) fn term(&self) -> Term {
        self.core.lock().raft.term()
    }

    pub(super) fn leads_in(&self, term: Term) -> bool {
        let core = self.core.lock();
        core.raft.role() == Role::Leader && core.raft.term() == term
    }

    /// Its term, what is committed here, and whether a snapshot is being put in place.
    pub(super) fn standing(&self) -> (Term, Index, bool) {
        let core = self.core.lock();
        (core.raft.term(), core.raft.commit(), core.is_installing)
    }

    /// What the members were at `last`, if nothing that a snapshot there could say is going to be replaced.
    pub(in crate::node::replica) fn snapshot_at(&self, last: LogId, time: UnixNanos) -> Option<Snapshot> {
        let core = self.core.lock();
        let is_ours = !core.is_installing && core.restore.is_none();
        let is_there = is_ours && core.raft.term_at(last.index) == Some(last.term);
        is_there.then(|| Snapshot { last, time, membership: core.raft.membership_at(last.index).clone() })
    }

    /// The log may forget everything up to `last`, the end of a frame that a durable snapshot covers.
    pub(super) fn compact(&self, last: LogId, time: UnixNanos) {
        let Some(snapshot) = self.snapshot_at(last, time) else { return };
        let mut core = self.core.lock();
        self.step_locked(&mut core, Input::Compacted(snapshot));
        // The core may need it still.
        if core.raft.snapshot() == last {
            self.queue(&mut core, Job::Cut(last.index.next()));
        }
        self.settle(&mut core);
        tell(core);
    }

    /// A snapshot came from a peer, whole. Unless the core wants it, it goes.
    pub(super) fn received(&self, (from, term): (NodeId, Term), received: Received) {
        let mut core = self.core.lock();
        let snapshot = received.snapshot.clone();
        core.received = Some(received);
        self.step_locked(&mut core, Input::SnapshotReceived { from, term, snapshot });
        let unwanted = core.received.take();
        self.settle(&mut core);
        tell(core);
        drop(unwanted);
    }

    /// The core wants the snapshot that it was just asked about.
    pub(in crate::node::replica) fn install(&self, core: &mut Core) {
        if let Some(received) = core.received.take() {
            core.is_installing = true;
            self.queue(core, Job::Install(Box::new(received)));
        }
    }

    /// A snapshot has taken the log's place. The host is told before anything that follows is applied.
    pub(in crate::node::replica) fn installed(&self, file: SnapshotFile) {
        let last = file.head.last;
        let mut core = self.core.lock();
        core.is_installing = false;
        core.restore = Some(file);
        core.committed = core.committed.max(last.index);
        core.waiting.replaced(last);
        self.step_locked(&mut core, Input::Installed(last));
        self.progress.notify_all();
        self.settle(&mut core);
        tell(core);
    }

    /// Whether the log in front of the applier has gone, or is about to.
    pub(in crate::node::replica) fn is_replaced(&self) -> bool {
        let core = self.core.lock();
        core.is_installing || core.restore.is_some()
    }
}
