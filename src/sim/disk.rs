//! A disk: what is durable, what is only written, and what goes wrong with either.
//!
//! # Model
//! ```text
//! submit --> queue --(group)--> durable log, vote, snapshot          view: what the process reads back
//!              |                      |
//!            crash                  flip, misdirect: found by checksum, refused, never shortened
//!              '--> nothing, all, or some of the queue, the last one torn
//! ```
//! Everything that is queued becomes durable with one sync, in order: vote, cut, frames. What the log's
//! marks vouch for is `claimed`: bad bytes behind it are a torn tail and are cut, bad bytes before it are
//! damage, and the log is refused.

use super::agenda::{MICROSECOND, Nanos};
use super::log::{Bytes, Log, torn};
use super::machine::Machine;
use super::options::DiskOptions;
use super::random::{MILLION, Random};
use crate::frame::{Frame, FrameKind};
use crate::raft::{Membership, Recovered, Snapshot, Vote, Write, WriteId};
use crate::types::{Index, LogId, Term};
use std::collections::VecDeque;
use std::sync::Arc;

/// A snapshot with what is in it.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) snapshot: Snapshot,
    /// Hash of the log that it stands for.
    pub(super) chain: u64,
    pub(super) machine: Machine,
}

#[derive(Debug)]
enum Operation {
    Vote(Vote),
    Cut(Index),
    Frame(Frame),
    Install(Arc<Image>),
    Written(WriteId),
}

/// What a sync has finished.
#[derive(Debug)]
pub(super) enum Done {
    /// This frame is durable.
    Frame(LogId),
    /// This write and those before it are.
    Written(WriteId),
    /// This snapshot is durable and the state now.
    Installed(Arc<Image>),
}

/// What the next sync will do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It fails. Nobody knows what of it is durable.
    SyncFails,
    /// One of its frames goes to the place of another one.
    Misdirects,
}

/// One machine's disk.
#[derive(Debug)]
pub(super) struct Disk {
    vote: Vote,
    image: Arc<Image>,
    log: Log,
    claimed: Index,
    was_torn: bool,
    /// The log as the process sees it: with what is only written.
    view: Log,
    queue: VecDeque<Operation>,
    /// Operations of the sync under way.
    group: usize,
    /// Syncs so far: names the one under way.
    syncs: u64,
    pub(super) trouble: Option<Trouble>,
    /// Nothing completes before.
    pub(super) stalled_until: Nanos,
    /// Since when, until the first sync that completes after that; and whether its process led then.
    pub(super) stalled_since: Option<(Nanos, bool)>,
    /// Nothing can be written before.
    pub(super) full_until: Nanos,
    /// How many times slower it is than others.
    pub(super) slowness: u64,
}

impl Disk {
    /// A disk with a first snapshot.
    pub(super) fn new(image: Image) -> Self {
        Self {
            vote: Vote::default(),
            image: Arc::new(image),
            log: Log::default(),
            claimed: Index::ORIGIN,
            was_torn: false,
            view: Log::default(),
            queue: VecDeque::new(),
            group: 0,
            syncs: 0,
            trouble: None,
            stalled_until: 0,
            stalled_since: None,
            full_until: 0,
            slowness: 1,
        }
    }

    pub(super) const fn view(&self) -> &Log {
        &self.view
    }

    pub(super) const fn image(&self) -> &Arc<Image> {
        &self.image
    }

    /// The vote that survives a crash for certain.
    pub(super) const fn vote(&self) -> Vote {
        self.vote
    }

    /// Whether the last recovery cut a torn tail.
    pub(super) const fn was_torn(&self) -> bool {
        self.was_torn
    }

    /// Names the sync under way.
    pub(super) const fn sync(&self) -> u64 {
        self.syncs
    }

    /// Whether a sync is under way.
    pub(super) const fn is_busy(&self) -> bool {
        self.group > 0
    }

    /// Operations that are not durable yet.
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Takes a write: the process sees it at once.
    pub(super) fn submit(&mut self, write: Write) {
        self.queue.extend(write.vote.map(Operation::Vote));
        if let Some(keep_to) = write.keep_to {
            self.view.cut(keep_to);
            self.queue.push_back(Operation::Cut(keep_to));
        }
        for frame in write.frames {
            self.view.push(frame.clone(), Bytes::Good);
            self.queue.push_back(Operation::Frame(frame));
        }
        self.queue.push_back(Operation::Written(write.id));
    }

    /// Takes a snapshot that came from a peer, in order with the writes.
    pub(super) fn install(&mut self, image: Arc<Image>) {
        self.view = Log::after(image.snapshot.last, image.chain);
        self.queue.push_back(Operation::Install(image));
    }

    /// Begins a sync of all that is queued, if none is under way. Returns when it ends.
    pub(super) fn begin(&mut self, now: Nanos, options: &DiskOptions, random: &mut Random) -> Option<Nanos> {
        if self.group > 0 || self.queue.is_empty() {
            return None;
        }
        self.group = self.queue.len();
        let took = random.skewed(options.sync_min, options.sync_max).saturating_mul(self.slowness);
        Some((now + took).max(self.stalled_until + random.below(MICROSECOND)))
    }

    /// The sync under way ends well.
    pub(super) fn complete(&mut self, random: &mut Random) -> Vec<Done> {
        let group: Vec<Operation> = self.queue.drain(..std::mem::take(&mut self.group)).collect();
        let mut done = Vec::new();
        for operation in group {
            match &operation {
                Operation::Frame(frame) => done.push(Done::Frame(frame.last())),
                Operation::Install(image) => done.push(Done::Installed(Arc::clone(image))),
                Operation::Written(id) => done.push(Done::Written(*id)),
                Operation::Vote(_) | Operation::Cut(_) => {}
            }
            self.carry_out(operation, Bytes::Good);
        }
        self.syncs += 1;
        self.claimed = self.log.last().index;
        self.misdirect(&done, random);
        done
    }

    /// A frame of the group went to the place of another one, if that is to happen.
    fn misdirect(&mut self, done: &[Done], random: &mut Random) {
        let has_frames = done.iter().any(|done| matches!(done, Done::Frame(_)));
        let Some(last) = self.log.slots().len().checked_sub(1).filter(|_| has_frames) else { return };
        if self.trouble.take_if(|trouble| *trouble == Trouble::Misdirects).is_some() {
            self.spoil(last, Bytes::Misdirected);
            self.spoil(random.below(last as u64 + 1) as usize, Bytes::Misdirected);
        }
    }

    fn carry_out(&mut self, operation: Operation, bytes: Bytes) {
        match operation {
            Operation::Vote(vote) => self.vote = vote,
            Operation::Cut(keep_to) => {
                self.log.cut(keep_to);
                self.claimed = self.claimed.min(keep_to);
            }
            Operation::Frame(frame) => drop(self.log.push(frame, bytes)),
            Operation::Install(image) => {
                self.log = Log::after(image.snapshot.last, image.chain);
                self.claimed = image.snapshot.last.index;
                self.image = image;
            }
            Operation::Written(_) => {}
        }
    }

    /// Damages the frame in the `at`-th place, durable and as read from now on.
    fn spoil(&mut self, at: usize, bytes: Bytes) {
        let Some(slot) = self.log.slot_mut(at) else { return };
        slot.bytes = bytes;
        let id = slot.frame.last();
        let place = self.view.place(id.index);
        if let Some(seen) = self.view.slot_mut(place).filter(|seen| seen.frame.last() == id) {
            seen.bytes = bytes;
        }
    }

    /// Flips a bit of a durable frame: of the last one, or of any. `false` if there is none.
    pub(super) fn flip(&mut self, at_tail: bool, random: &mut Random) -> bool {
        let count = self.log.slots().len();
        if count == 0 {
            return false;
        }
        let at = if at_tail { count - 1 } else { random.below(count as u64) as usize };
        self.spoil(at, Bytes::Flipped);
        true
    }

    /// The own snapshot is durable; the log forgets what it covers. `false` if a later one is there.
    pub(super) fn keep(&mut self, image: Arc<Image>) -> bool {
        let last = image.snapshot.last;
        let is_news = last.index > self.image.snapshot.last.index;
        // A snapshot from a peer that waits for its sync will take this one's place.
        if !is_news || self.view.base().index >= last.index {
            return false;
        }
        self.log.compact(last, image.chain);
        self.view.compact(last, image.chain);
        self.image = image;
        true
    }

    /// The power goes: of what is not durable, none, all or some is left, and of that the last is torn.
    pub(super) fn crash(&mut self, random: &mut Random) {
        let mut left: Vec<Operation> = self.queue.drain(..).collect();
        self.group = 0;
        self.syncs += 1;
        self.trouble = None;
        let kept = match random.below(4) {
            0 => 0,
            1 => left.len(),
            _ => random.below(left.len() as u64 + 1) as usize,
        };
        let rest = left.split_off(kept);
        for operation in left {
            self.carry_out(operation, Bytes::Good);
        }
        // A device may write the pages of one group in any order: behind a torn frame a whole one may lie.
        let mut is_torn = false;
        for operation in rest {
            match operation {
                Operation::Frame(frame) if !is_torn || random.chance(MILLION / 2) => {
                    self.log.push(frame, if is_torn { Bytes::Good } else { Bytes::Torn });
                    is_torn = true;
                }
                _ => break,
            }
        }
    }

    /// What a new process finds. A host that does not look at checksums takes a torn tail for a log.
    ///
    /// # Errors
    /// Bytes that were durable are bad: the log is refused.
    pub(super) fn recover(&mut self, is_careless: bool) -> Result<Recovered, Damaged> {
        let bad = self.log.slots().iter().position(|slot| slot.bytes != Bytes::Good);
        let bad = bad.map(|at| self.log.slots()[at].frame.clone());
        self.was_torn = bad.is_some();
        if let Some(frame) = bad {
            if frame.base() <= self.claimed {
                return Err(Damaged);
            }
            let before = frame.base().back(1).unwrap_or_default();
            self.log.cut(before);
            if is_careless && frame.kind() == FrameKind::Entries {
                self.log.push(torn(&frame), Bytes::Good);
            }
        }
        // What an opened log shows was synced again.
        self.claimed = self.log.last().index;
        self.view = self.log.clone();
        Ok(self.recovered())
    }

    fn recovered(&self) -> Recovered {
        let mut terms: Vec<(Term, Index)> = Vec::new();
        let mut memberships = Vec::new();
        let mut time = self.image.snapshot.time;
        for slot in self.log.slots() {
            let frame = &slot.frame;
            if terms.last().is_none_or(|(term, _)| *term != frame.term()) {
                terms.push((frame.term(), frame.base()));
            }
            memberships.extend(members_of(frame).map(|membership| (frame.base(), membership)));
            time = frame.time();
        }
        let (snapshot, last) = (self.image.snapshot.clone(), self.log.last().index);
        Recovered { vote: self.vote, snapshot, terms, last, time, memberships }
    }

    /// Positions of the frames whose bytes are bad.
    pub(super) fn damage(&self) -> Vec<LogId> {
        let bad = self.log.slots().iter().filter(|slot| slot.bytes != Bytes::Good);
        bad.filter(|slot| slot.frame.base() <= self.claimed).map(|slot| slot.frame.last()).collect()
    }

    /// Puts the frame of a peer in the place of the bad one that is the same.
    pub(super) fn mend(&mut self, frame: &Frame) {
        let place = self.log.place(frame.base());
        if let Some(slot) = self.log.slot_mut(place).filter(|slot| slot.frame.last() == frame.last()) {
            slot.bytes = Bytes::Good;
        }
    }
}

/// Bytes that were durable are bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damaged;

/// The members that a frame names, if that is what it is for.
pub(super) fn members_of(frame: &Frame) -> Option<Membership> {
    let entry = (frame.kind() == FrameKind::Membership).then(|| frame.entries().next())??;
    Membership::decode(entry.bytes).ok()
}
