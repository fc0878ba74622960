//! Entries on their way into frames: what waits, and when it goes.
//!
//! # Model
//! ```text
//! critical --push--> open frame --full--> closed frames --.
//! normal   --push--> open frame --full--> closed frames --'--next--> the core, one at a time
//! ```
//! An open frame goes as soon as the log's writer is idle, so a lone entry does not wait; while the writer is busy it
//! goes at `latency_entries` if little is under way, at `entries` or `bytes`, or after `latency`. While
//! `in_flight_bytes_max` is under way nothing goes, and frames grow no further than `entries` and `bytes`: more of them
//! wait, up to `staged_bytes_max`, of which the last `bytes` are for critical ones.
//!
//! # Invariants
//! S1 entries of one call stay together, in one frame. S2 within a lane frames go in the order in which their entries
//! came; a critical frame goes before a normal one that has not gone yet, and never after it was framed by the core.
//! S3 every entry is copied once, to its place in the frame. S4 what waits is within the limits, or refused.

use super::batching::{BatchLimits, ENTRY_COST_BYTES};
use super::waiting::{Group, Part, WaitFor};
use crate::frame::{Body, Entry, FrameBuilder, FrameLimits, extra_bytes_max};
use crate::types::{LaneId, Tick};
use std::collections::VecDeque;

/// How urgent entries are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lane {
    /// Before what is normal and not in a frame yet.
    Critical,
    /// In turn.
    #[default]
    Normal,
}

impl Lane {
    const ALL: [Self; 2] = [Self::Critical, Self::Normal];

    /// As frames say it.
    pub const fn id(self) -> LaneId {
        LaneId::new(self as u8)
    }
}

/// Why entries were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotStaged {
    /// Too much waits.
    Full,
    /// None, more than a frame holds, or an origin that is none.
    Invalid,
}

/// A frame that has no place yet, and who waits for it.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) body: Body,
    pub(super) group: Group,
}

/// Entries of one urgency.
#[derive(Debug)]
struct Queue {
    open: FrameBuilder,
    parts: Vec<Part>,
    /// Of the open frame.
    cost: usize,
    /// Bytes that the open frame cannot exceed, whatever tables it gets.
    bound: usize,
    /// When the first entry of the open frame came.
    since: Tick,
    closed: VecDeque<Staged>,
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.closed.is_empty() && self.open.is_empty()
    }

    /// The open frame takes no more.
    fn close(&mut self) {
        if let Some(body) = self.open.finish() {
            let has_identities = body.header().has_identities();
            let (parts, cost) = (std::mem::take(&mut self.parts), std::mem::take(&mut self.cost));
            self.closed.push_back(Staged { body, group: Group::new(parts, has_identities, cost) });
        }
        self.bound = 0;
    }
}

#[derive(Debug)]
pub(super) struct Stage {
    limits: BatchLimits,
    frame: FrameLimits,
    queues: [Queue; 2],
    staged_cost: usize,
    in_flight_cost: usize,
    /// The core had no room, and nothing was committed since.
    is_blocked: bool,
    /// Entries are taken: this node leads.
    pub(super) is_open: bool,
    /// The host is closing.
    pub(super) is_closing: bool,
    /// The log's writer has nothing to do, as far as is known.
    pub(super) is_idle: bool,
    /// Somebody is on the way to let frames go.
    pub(super) is_claimed: bool,
    /// A timer will let them go.
    pub(super) is_armed: bool,
    /// Callers whose entries are committed, and who wait for every voter.
    pub(super) waiting_for_all: usize,
}

impl Stage {
    /// `frame` is what the core takes.
    pub(super) fn new(limits: BatchLimits, frame: FrameLimits) -> Self {
        let queue = |lane: Lane| Queue {
            open: FrameBuilder::new(frame, lane.id()),
            parts: Vec::new(),
            cost: 0,
            bound: 0,
            since: Tick::ZERO,
            closed: VecDeque::new(),
        };
        Self {
            limits,
            frame,
            queues: Lane::ALL.map(queue),
            staged_cost: 0,
            in_flight_cost: 0,
            is_blocked: false,
            is_open: false,
            is_closing: false,
            is_idle: false,
            is_claimed: false,
            is_armed: false,
            waiting_for_all: 0,
        }
    }

    /// Takes all of the entries, or none of them.
    pub(super) fn push(
        &mut self,
        lane: Lane,
        entries: &[Entry<'_>],
        part: impl FnOnce(u32) -> Part,
        now: Tick,
    ) -> Result<(), NotStaged> {
        let (data, bound) = self.check(entries)?;
        let cost = cost_of(entries);
        // However many normal ones are tried again and again, a critical one finds room.
        let kept = if lane == Lane::Normal { self.limits.bytes } else { 0 };
        if self.staged_cost + cost + kept > self.limits.staged_bytes_max {
            return Err(NotStaged::Full);
        }
        let count = entries.len() as u32;
        let part = part(count);
        let waiting_cost = self.waiting_for_all * ENTRY_COST_BYTES;
        if part.wait == WaitFor::All && waiting_cost >= self.limits.in_flight_bytes_max {
            return Err(NotStaged::Full);
        }
        let queue = &mut self.queues[lane as usize];
        let is_over = queue.open.len() + count > self.limits.entries
            || queue.open.body_bytes() + data > self.limits.bytes
            || queue.bound + bound > self.frame.body_bytes_max;
        if is_over {
            queue.close();
        }
        if queue.open.is_empty() {
            queue.since = now;
        }
        for entry in entries {
            queue.open.push(*entry).expect("the room was checked");
        }
        queue.bound += bound;
        queue.cost += cost;
        queue.parts.push(part);
        self.staged_cost += cost;
        if queue.open.len() >= self.limits.entries || queue.open.body_bytes() >= self.limits.bytes {
            queue.close();
        }
        Ok(())
    }

    /// Bytes of the entries, and what they take at most in a frame, whatever they are joined with.
    fn check(&self, entries: &[Entry<'_>]) -> Result<(usize, usize), NotStaged> {
        let is_some = !entries.is_empty() && entries.len() <= self.limits.entries_max as usize;
        let is_named = |entry: &Entry<'_>| entry.origin.session != 0 || entry.origin.sequence == 0;
        let data = entries.iter().fold(0_usize, |sum, entry| sum.saturating_add(entry.bytes.len()));
        let bound = data.saturating_add(extra_bytes_max(entries.len()));
        if is_some && entries.iter().all(is_named) && bound <= self.frame.body_bytes_max {
            Ok((data, bound))
        } else {
            Err(NotStaged::Invalid)
        }
    }

    /// Whether somebody has to come and let frames go; that is the caller then.
    pub(super) fn claim(&mut self, now: Tick) -> bool {
        let is_due = self.has_room() && (!self.is_armed || self.is_due(now));
        is_due && !self.is_empty() && !std::mem::replace(&mut self.is_claimed, true)
    }

    fn has_room(&self) -> bool {
        !self.is_blocked
            && (self.in_flight_cost == 0 || self.in_flight_cost < self.limits.in_flight_bytes_max)
    }

    fn is_due(&self, now: Tick) -> bool {
        let is_calm = self.in_flight_cost < self.limits.bytes;
        self.queues.iter().any(|queue| {
            !queue.closed.is_empty()
                || !queue.open.is_empty()
                    && (self.is_idle
                        || self.is_closing
                        || now.since(queue.since) >= self.limits.latency
                        || is_calm && queue.open.len() >= self.limits.latency_entries)
        })
    }

    /// The frame that goes now, if one does.
    pub(super) fn next(&mut self, now: Tick) -> Option<Staged> {
        if !self.has_room() || !self.is_due(now) {
            return None;
        }
        let queue = self.queues.iter_mut().find(|queue| !queue.is_empty())?;
        if queue.closed.is_empty() {
            queue.close();
        }
        let staged = queue.closed.pop_front()?;
        self.staged_cost -= staged.group.cost;
        Some(staged)
    }

    /// The core had no room for a frame; it stays the first of its lane.
    pub(super) fn put_back(&mut self, staged: Staged) {
        self.is_blocked = true;
        self.staged_cost += staged.group.cost;
        let lane = usize::from(staged.body.lane().get() > 0);
        self.queues[lane].closed.push_front(staged);
    }

    /// Frames of so much cost got their places, and others of so much are under way no longer.
    pub(super) fn moved(&mut self, accepted: usize, released: usize) {
        self.in_flight_cost = (self.in_flight_cost + accepted).saturating_sub(released);
    }

    /// Something was committed, or the node has another role: the core may have room.
    pub(super) const fn unblock(&mut self) {
        self.is_blocked = false;
    }

    /// When the first open frame has to go at the latest; `None` when there is none, or no room.
    pub(super) fn deadline(&self) -> Option<Tick> {
        let waits = |queue: &&Queue| !queue.open.is_empty();
        let deadline = |queue: &Queue| queue.since.after(self.limits.latency);
        if self.has_room() { self.queues.iter().filter(waits).map(deadline).min() } else { None }
    }

    /// Nothing waits for a frame.
    pub(super) fn is_empty(&self) -> bool {
        self.queues.iter().all(Queue::is_empty)
    }

    /// Entries that wait for a frame, in bytes as [`BatchLimits`] counts them.
    pub(super) const fn staged_cost(&self) -> usize {
        self.staged_cost
    }

    /// Takes everything out, for its callers to be told.
    pub(super) fn clear(&mut self) -> Vec<Group> {
        self.staged_cost = 0;
        self.queues.iter_mut().for_each(Queue::close);
        self.queues
            .iter_mut()
            .flat_map(|queue| std::mem::take(&mut queue.closed))
            .map(|staged| staged.group)
            .collect()
    }
}

fn cost_of(entries: &[Entry<'_>]) -> usize {
    entries.iter().map(|entry| entry.bytes.len() + ENTRY_COST_BYTES).sum()
}

#[cfg(test)]
#[path = "stage_test.rs"]
mod tests;
