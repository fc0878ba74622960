//! What a host keeps: writes and their syncs, what is applied, snapshots.

use super::agenda::{Event, Local, MICROSECOND, MILLISECOND, SECOND};
use super::checker::Seen;
use super::disk::{Done, Image, Trouble};
use super::log::Bytes;
use super::node::{Life, Seat};
use super::world::World;
use super::{HostMutant, Mutant};
use crate::raft::{Input, Role, Snapshot, Write};
use crate::types::{Index, LogId, NodeId};
use std::sync::Arc;

/// Frames that the applier takes at a time.
const APPLY_FRAMES_MAX: usize = 8;

impl World {
    pub(super) fn write(&mut self, seat: Seat, write: Write) {
        let now = self.agenda.now();
        self.trace.note(
            now,
            format_args!(
                "n{} writes #{} vote {:?} cut {:?} frames {}",
                seat + 1,
                write.id.0,
                write.vote.map(|vote| vote.term.get()),
                write.keep_to.map(Index::get),
                write.frames.len()
            ),
        );
        if let Some(keep_to) = write.keep_to {
            let commit = self.commit_before;
            self.see(&Seen::Cut { seat, keep_to, commit });
            self.drop_waiting(seat, keep_to);
        }
        let node = &mut self.nodes[seat];
        let first = write.frames.first().map(crate::frame::Frame::base);
        let is_dense = write.frames.first().is_none_or(|frame| {
            let before = write.keep_to.map_or(node.disk.view().last().index, |keep_to| keep_to);
            frame.base() == before.next()
        });
        node.disk.submit(write);
        if !is_dense {
            self.checkers.accuse(now, "log matching", format!("n{} writes frames with a gap", seat + 1));
        }
        if let Some(first) = first {
            let view = node.disk.view();
            for slot in view.slots().range(view.place(first)..) {
                self.checkers.see(now, &Seen::Logged { seat, id: slot.frame.last(), chain: slot.chain });
            }
        }
        self.sync(seat);
    }

    /// Begins a sync of all that waits, if the disk is idle.
    fn sync(&mut self, seat: Seat) {
        let now = self.agenda.now();
        let node = &mut self.nodes[seat];
        let run = node.run;
        if let Some(at) = node.disk.begin(now, &self.options.disk, &mut self.disk_random) {
            let sync = node.disk.sync();
            self.agenda.at(at, Event::Local { seat, run, what: Local::Synced { sync } });
        }
    }

    pub(super) fn on_synced(&mut self, seat: Seat, sync: u64) {
        let now = self.agenda.now();
        let node = &mut self.nodes[seat];
        if node.disk.sync() != sync || !node.disk.is_busy() {
            return;
        }
        // A disk that stalled meanwhile answers when it is done with that.
        if node.disk.stalled_until > now {
            let (at, run) = (node.disk.stalled_until, node.run);
            return self.agenda.at(at, Event::Local { seat, run, what: Local::Synced { sync } });
        }
        self.outlive_stall(seat);
        let node = &mut self.nodes[seat];
        let is_failing = node.disk.trouble.take_if(|trouble| *trouble == Trouble::SyncFails).is_some();
        if is_failing || node.disk.full_until > now {
            return self.crash(seat, if is_failing { "a sync failed" } else { "the disk is full" });
        }
        let node = &self.nodes[seat];
        if node.disk.slowness > 1 && node.role() == Some(Role::Follower) {
            self.count("sync of a slow follower");
        }
        for done in self.nodes[seat].disk.complete(&mut self.disk_random) {
            match done {
                Done::Frame(id) => self.see(&Seen::Durable { seat, id }),
                Done::Written(id) => self.step(seat, Input::Written(id)),
                Done::Installed(image) => self.on_installed(seat, &image),
            }
            if self.nodes[seat].life != Life::Up {
                return;
            }
        }
        self.sync(seat);
    }

    /// A sync completes: if the disk stalled, that is over.
    fn outlive_stall(&mut self, seat: Seat) {
        let disk = &mut self.nodes[seat].disk;
        let Some((since, led)) = disk.stalled_since.take() else { return };
        let lasted = disk.stalled_until - since;
        let kinds = [
            (true, "stall that ended"),
            (lasted > 5 * SECOND, "stall of more than 5 s"),
            (lasted > 20 * SECOND, "stall of more than 20 s"),
            (lasted > 5 * SECOND && led, "stall of a leader of more than 5 s"),
        ];
        for (_, what) in kinds.into_iter().filter(|(is_so, _)| *is_so) {
            self.count(what);
        }
    }

    fn on_installed(&mut self, seat: Seat, image: &Image) {
        let last = image.snapshot.last;
        self.trace.note(self.agenda.now(), format_args!("n{} stands on snapshot {last}", seat + 1));
        let machine = image.machine.travelled(self.options.session_time_to_live);
        let process = self.process(seat);
        process.machine = machine;
        process.commit = last;
        self.count("installed snapshot");
        self.see(&Seen::Started { seat, applied: last });
        self.drop_waiting(seat, Index::ORIGIN);
        self.step(seat, Input::Installed(last));
    }

    pub(super) fn on_commit(&mut self, seat: Seat, id: LogId) {
        self.trace.note(self.agenda.now(), format_args!("n{} commits to {id}", seat + 1));
        self.see(&Seen::Committed { seat, id });
        let process = self.process(seat);
        process.commit = id;
        if !std::mem::replace(&mut process.is_applying, true) {
            let after = self.host_random.skewed(5 * MICROSECOND, MILLISECOND);
            self.later(seat, after, Local::Apply);
        }
    }

    /// Applies some frames, in order, each once.
    pub(super) fn apply(&mut self, seat: Seat) {
        let is_mutant = self.mutant == Some(Mutant::Host(HostMutant::DedupByWallClock));
        let times = if self.mutant == Some(Mutant::Host(HostMutant::ApplyTwice)) { 2 } else { 1 };
        let time_to_live = self.options.session_time_to_live;
        for _ in 0..APPLY_FRAMES_MAX {
            let now = self.agenda.now();
            let node = &mut self.nodes[seat];
            let process = node.process.as_mut().expect("it was noted for this process");
            let next = process.machine.applied.index.next();
            if next > process.commit.index {
                break;
            }
            let Some(slot) = node.disk.view().holding(next) else {
                self.checkers.accuse(now, "exactly-once apply", format!("n{} has no entry {next}", seat + 1));
                return;
            };
            if slot.bytes != Bytes::Good {
                return self.crash(seat, "it reads damage");
            }
            let clock = if is_mutant { node.clock.date(now) } else { slot.frame.time() };
            let id = slot.frame.last();
            let applied = process.machine.apply(&slot.frame, clock, time_to_live);
            for applied in std::iter::repeat_n(&applied, times).flatten() {
                self.checkers.see(now, &Seen::Applied { seat, applied });
            }
            self.answer_applied(seat, id, &applied);
        }
        self.answer_reads(seat);
        self.maybe_snapshot(seat);
        let process = self.process(seat);
        process.is_applying = process.machine.applied.index < process.commit.index;
        if process.is_applying {
            let after = self.host_random.skewed(5 * MICROSECOND, MILLISECOND);
            self.later(seat, after, Local::Apply);
        }
    }

    pub(super) fn fetch(&mut self, seat: Seat, to: NodeId, (from, bytes_max): (Index, usize)) {
        match self.nodes[seat].disk.view().read(from, bytes_max) {
            Some(frames) => {
                self.count("fetch");
                self.process(seat).fetching.insert(to);
                let after = self.host_random.skewed(20 * MICROSECOND, 2 * MILLISECOND);
                self.later(seat, after, Local::Fetched { to, frames });
            }
            None => self.crash(seat, "it reads damage"),
        }
    }

    fn maybe_snapshot(&mut self, seat: Seat) {
        let node = &mut self.nodes[seat];
        let process = node.process.as_mut().expect("it applied something");
        let last = process.machine.applied;
        let since = last.index.get() - node.disk.image().snapshot.last.index.get();
        let Some(chain) = node.disk.view().chain_at(last.index) else { return };
        if process.is_snapshotting || since < self.options.snapshot_every {
            return;
        }
        process.is_snapshotting = true;
        let membership = process.machine.membership.as_ref().clone();
        if membership != *process.raft.membership_at(last.index) {
            let detail = format!("n{} knows other members at {last} than were applied", seat + 1);
            self.checkers.accuse(self.agenda.now(), "state-machine safety", detail);
        }
        let snapshot = Snapshot { last, time: process.machine.time, membership };
        let image = Arc::new(Image { snapshot, chain, machine: process.machine.clone() });
        let after = self.host_random.skewed(200 * MICROSECOND, 50 * MILLISECOND);
        self.later(seat, after, Local::SnapshotTaken(image));
    }

    pub(super) fn on_snapshot_taken(&mut self, seat: Seat, image: Arc<Image>) {
        self.process(seat).is_snapshotting = false;
        let node = &mut self.nodes[seat];
        let snapshot = image.snapshot.clone();
        if node.disk.full_until <= self.agenda.now() && node.disk.keep(image) {
            self.trace
                .note(self.agenda.now(), format_args!("n{} keeps snapshot {}", seat + 1, snapshot.last));
            self.count("own snapshot");
            if self.lacks_frames(seat, snapshot.last.index) {
                self.count("own snapshot during a catch-up");
            }
            self.step(seat, Input::Compacted(snapshot));
        }
    }

    /// Whether a follower of this leader still needs frames up to there.
    fn lacks_frames(&self, seat: Seat, upto: Index) -> bool {
        let node = &self.nodes[seat];
        let status = node.raft().map(|raft| raft.status(node.clock.tick(self.agenda.now())));
        status.is_some_and(|status| status.peers.iter().any(|peer| peer.next <= upto))
    }

    pub(super) fn install(&mut self, seat: Seat, snapshot: &Snapshot) {
        let Some(image) = self.process(seat).incoming.take().filter(|image| image.snapshot == *snapshot)
        else {
            let detail = format!("n{} installs a snapshot that did not come", seat + 1);
            return self.checkers.accuse(self.agenda.now(), "state-machine safety", detail);
        };
        // What was not applied yet is in the snapshot.
        let process = self.process(seat);
        process.commit = process.machine.applied;
        self.nodes[seat].disk.install(image);
        self.sync(seat);
    }
}
