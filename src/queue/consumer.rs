//! The dequeuing side.

use super::ahead::{AHEAD_MAX, Ahead};
use super::lane::{Lane, Picker, select};
use super::ring::Taken;
use super::shared::Run;
use super::wait::{Deadline, Idle};
use super::{Consumers, Error, Item, ItemRef, TxQueue};
use crate::pool::{Rest, Slot};
use crate::types::{LANES_MAX, LaneId};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// Most transactions that a drain takes from one lane before it looks at the others again.
const STRETCH_MAX: usize = 32;

/// Takes transactions, most urgent lane first, in order within a lane.
pub struct Consumer {
    queue: Arc<TxQueue>,
    places: [Place; LANES_MAX],
    picker: Picker,
    idle: Idle,
    ahead: Ahead,
    /// Whose turn it is where a lane has items here and in segments.
    shared_first: bool,
}

/// Where it stands in a lane.
#[derive(Debug, Default)]
struct Place {
    /// With one consumer the next ticket, with several a lower bound of it.
    head: u64,
    /// What is left of the run that is being handed out.
    rest: Rest,
    /// Followers handed out so far, of all runs.
    followers: u64,
}

/// A buffer out of a lane, owned, not yet wrapped.
struct Found {
    lane: usize,
    slot: Slot,
    sequence: u64,
}

fn lane_id(position: usize) -> LaneId {
    LaneId::new(position as u8)
}

impl Consumer {
    pub(super) fn new(queue: Arc<TxQueue>) -> Self {
        let mut places: [Place; LANES_MAX] = Default::default();
        for (place, lane) in places.iter_mut().zip(queue.all_lanes()) {
            place.head = lane.ring.consumed();
            if queue.consumers() == Consumers::One {
                place.rest = lane.take_over_rest();
                place.followers = lane.followers_out();
            }
        }
        let picker = Picker::new(queue.ageing());
        let cells = queue.all_lanes().iter().map(|lane| lane.ring.capacity()).min();
        let idle = Idle::new(cells.unwrap_or(0));
        Self { queue, places, picker, idle, ahead: Ahead::new(), shared_first: true }
    }

    /// The next transaction, or `None` when every lane was found empty.
    ///
    /// On an empty queue it pauses, for 0.3 us or under load up to 17 us, and looks once more: a consumer that
    /// keeps polling the cell that a producer writes slows that producer down.
    ///
    /// A lone consumer takes up to 8 transactions out of shared lanes at once and keeps those that it was not asked for
    /// yet, with their buffers; they come in their order, more urgent lanes before them, and who drops the consumer
    /// leaves them to the next.
    pub fn dequeue(&mut self) -> Option<Item> {
        let at_once = if self.queue.consumers() == Consumers::One { AHEAD_MAX } else { 1 };
        let found = self.find(at_once).or_else(|| self.find_after_pause(at_once))?;
        self.idle.found(1);
        self.queue.signals().freed();
        Some(self.wrap(found))
    }

    /// The next transaction, waiting for it up to `timeout`.
    ///
    /// # Errors
    /// [`Error::Ended`] once the queue is closed and empty, [`Error::Timeout`].
    pub fn dequeue_wait(&mut self, timeout: Duration) -> Result<Item, Error> {
        self.dequeue_until(&Deadline::after(timeout), || false)?.ok_or(Error::Timeout)
    }

    /// As [`dequeue_wait`](Self::dequeue_wait); `None` as soon as `elsewhere` says that there is something for the
    /// caller elsewhere. Who puts something there calls [`TxQueue::nudge`] afterwards.
    pub(crate) fn dequeue_until(
        &mut self,
        deadline: &Deadline,
        elsewhere: impl Fn() -> bool,
    ) -> Result<Option<Item>, Error> {
        loop {
            if let Some(item) = self.dequeue() {
                return Ok(Some(item));
            }
            if elsewhere() {
                return Ok(None);
            }
            if self.is_ended() {
                return Err(Error::Ended);
            }
            if self.queue.is_closed() && !self.is_starved() {
                // A late enqueue won the cell that was to mark the end: it is there.
                continue;
            }
            let Some(left) = deadline.left() else {
                return Err(Error::Timeout);
            };
            let Self { queue, places, .. } = self;
            let nap = queue.inlets().nap(left);
            if queue.inlets().are_starved() {
                // A buffer that comes back wakes nobody, and closing does not bring one.
                queue.signals().nap(nap.limit);
                continue;
            }
            queue.signals().sleep_for_items(nap.limit, &nap.words, || {
                let mut lanes = queue.all_lanes().iter().zip(&*places);
                lanes.any(|(lane, place)| place.has_item(lane))
                    || queue.inlets().has_something()
                    || elsewhere()
            });
        }
    }

    /// Hands up to `max` transactions to `f`, without waiting; answers how many.
    ///
    /// The cheapest way to take: lanes and sleepers are looked after once every 32, and the pool's reference
    /// count is left alone.
    #[inline]
    pub fn drain(&mut self, max: usize, mut f: impl FnMut(ItemRef<'_>)) -> usize {
        self.drain_until(max, |item| {
            f(item);
            ControlFlow::Continue(())
        })
    }

    /// As [`drain`](Self::drain), until `f` says enough. The one it says that of has been handed out and counts.
    pub fn drain_until(&mut self, max: usize, mut f: impl FnMut(ItemRef<'_>) -> ControlFlow<()>) -> usize {
        let queue = Arc::clone(&self.queue);
        let mut hand_out =
            |found: Found| f(ItemRef::new(&queue, found.slot, lane_id(found.lane), found.sequence));
        let mut count = 0;
        let mut enough = false;
        while count < max && !enough {
            let before = count;
            let first =
                if count == 0 { self.find(1).or_else(|| self.find_after_pause(1)) } else { self.find(1) };
            let Some(first) = first else { break };
            let lane = first.lane;
            enough = hand_out(first).is_break();
            count += 1;
            let stretch_end = max.min(count + self.picker.stretch(STRETCH_MAX - 1));
            // What it still holds when `f` says enough goes back.
            let mut run = None;
            while count < stretch_end
                && !enough
                && let Some(next) = self.take_ahead(&queue, lane, stretch_end - count, &mut run)
            {
                enough = hand_out(next).is_break();
                count += 1;
            }
            self.picker.count(count - before - 1);
            self.idle.found(count - before);
            queue.signals().freed();
        }
        if count > 0 {
            queue.signals().freed_fenced();
        }
        count
    }

    /// True once the queue is closed and everything it accepted has been handed out; from then on it
    /// stays true.
    pub fn is_ended(&self) -> bool {
        // Sealing decides it: afterwards no producer, however late, can append (ring, I5).
        self.queue.is_closed()
            && self.places.iter().all(|place| place.rest.left() == 0)
            && self.ahead.lanes() == 0
            && self.queue.all_lanes().iter().all(|lane| lane.ring.seal(lane.ring.consumed()))
            && self.queue.inlets().have_ended()
    }

    /// True when something is there that the pool had no buffer for: looking again at once would not help.
    pub(crate) fn is_starved(&self) -> bool {
        self.queue.inlets().are_starved()
    }

    /// The queue it takes from.
    pub fn queue(&self) -> &Arc<TxQueue> {
        &self.queue
    }

    /// One pick: the lanes that are said to have something, then all others. Out of a segment `at_once` are taken.
    #[inline]
    fn find(&mut self, at_once: usize) -> Option<Found> {
        let aged = self.picker.next_is_aged();
        let mut ready = self.queue.signals().ready_lanes() | self.ahead.lanes();
        // Nothing is more urgent than lane 0: with some of it at hand a segment need not be asked.
        if self.queue.inlets().any() && (aged || self.ahead.lanes() & 1 == 0) {
            ready |= self.queue.inlets().ready_lanes();
        }
        let mut left = ready;
        while left != 0 {
            let lane = select(left, aged);
            if let Some(found) = self.take_from(lane, at_once) {
                return Some(found);
            }
            left &= !(1 << lane);
            if ready != 1 << lane {
                self.settle(lane);
            }
        }
        self.sweep(!ready, at_once)
    }

    /// Looks into lanes whose bit is not set: a producer may be between its cell and the bit, and
    /// "empty" must not depend on it.
    fn sweep(&mut self, lanes: u64, at_once: usize) -> Option<Found> {
        let mut lanes = (0..self.queue.lanes()).filter(|lane| lanes >> lane & 1 == 1);
        lanes.find_map(|lane| self.take_from(lane, at_once))
    }

    #[cold]
    fn find_after_pause(&mut self, at_once: usize) -> Option<Found> {
        self.idle.pause();
        let found = self.find(at_once);
        if found.is_none() {
            if self.queue.inlets().any() {
                self.queue.inlets().tend_idle();
            }
            self.queue.signals().freed_fenced();
        }
        found
    }

    #[cold]
    fn settle(&self, lane: usize) {
        let (place, target) = (&self.places[lane], &self.queue.all_lanes()[lane]);
        self.queue.signals().settle(lane, || place.has_item(target));
    }

    #[inline]
    fn take_from(&mut self, lane: usize, at_once: usize) -> Option<Found> {
        if self.ahead.lanes() != 0 || self.queue.inlets().any() {
            return self.take_in_turn(lane, at_once);
        }
        self.take_own(lane)
    }

    /// As [`take_from`](Self::take_from), and for a lone consumer, where only segments have something, up to `max` of it at
    /// once.
    #[inline]
    fn take_ahead<'a>(
        &mut self,
        queue: &'a TxQueue,
        lane: usize,
        max: usize,
        run: &mut Option<Run<'a>>,
    ) -> Option<Found> {
        if let Some((slot, sequence)) = run.as_mut().and_then(Run::next) {
            return Some(Found { lane, slot, sequence });
        }
        if self.ahead.lanes() == 0 && !queue.inlets().any() {
            return self.take_own(lane);
        }
        if queue.consumers() == Consumers::Many {
            // What one takes ahead another would overtake, or take the queue for ended meanwhile.
            return self.take_in_turn(lane, 1);
        }
        if self.ahead.lanes() != 0 || self.places[lane].has_item(&queue.all_lanes()[lane]) {
            return self.take_in_turn(lane, 1);
        }
        let found = run.insert(queue.inlets().take_run(lane, queue.pool(), max)).next();
        found.map(|(slot, sequence)| Found { lane, slot, sequence }).or_else(|| self.take_own(lane))
    }

    /// From the queue's own lane and from segments, by turns.
    #[cold]
    fn take_in_turn(&mut self, lane: usize, at_once: usize) -> Option<Found> {
        self.shared_first = !self.shared_first;
        if self.shared_first {
            self.take_foreign(lane, at_once).or_else(|| self.take_own(lane))
        } else {
            self.take_own(lane).or_else(|| self.take_foreign(lane, at_once))
        }
    }

    /// From what was taken ahead, else out of a segment: `at_once`, of which all but the first are kept.
    fn take_foreign(&mut self, lane: usize, at_once: usize) -> Option<Found> {
        let Self { queue, ahead, .. } = self;
        let (inlets, pool) = (queue.inlets(), queue.pool());
        let (slot, sequence) = match ahead.pop(lane) {
            Some(taken) => taken,
            None if at_once == 1 => inlets.take(lane, pool)?,
            None => {
                let mut run = inlets.take_run(lane, pool, at_once);
                let first = run.next()?;
                ahead.keep(lane, &mut run);
                first
            }
        };
        Some(Found { lane, slot, sequence })
    }

    #[inline]
    fn take_own(&mut self, lane: usize) -> Option<Found> {
        let (queue, place) = (&*self.queue, &mut self.places[lane]);
        let target = &queue.all_lanes()[lane];
        if place.rest.left() > 0 {
            return place.take_follower(queue, target).map(|(slot, sequence)| Found { lane, slot, sequence });
        }
        let taken = match queue.consumers() {
            Consumers::One => target.ring.take_alone(&mut place.head),
            Consumers::Many => target.ring.take_shared(&mut place.head),
        };
        let Taken::Buffer { index, ticket } = taken else { return None };
        let mut slot = queue.held(index);
        if queue.run_max() > 1 {
            place.rest = queue.pool().open_run(&mut slot);
            if place.rest.left() > 0 {
                target.note_opened(&place.rest, place.followers);
            }
        }
        Some(Found { lane, slot, sequence: ticket + place.followers })
    }

    #[inline]
    fn wrap(&self, found: Found) -> Item {
        let lease = self.queue.pool().lease(found.slot);
        Item::new(lease, lane_id(found.lane), found.sequence)
    }
}

impl Place {
    /// The next follower of the open run, with its sequence.
    #[inline]
    fn take_follower(&mut self, queue: &TxQueue, lane: &Lane) -> Option<(Slot, u64)> {
        let slot = queue.pool().take_rest(&mut self.rest)?;
        self.followers += 1;
        lane.note_opened(&self.rest, self.followers);
        // The first of the run had the ticket before `head`.
        Some((slot, self.head - 1 + self.followers))
    }

    /// True when a taker would find something.
    fn has_item(&self, lane: &Lane) -> bool {
        self.rest.left() > 0 || lane.ring.has_buffer(self.head)
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.ahead.give_back(self.queue.inlets());
        self.queue.signals().freed_fenced();
        self.queue.leave_seat();
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("queue", &self.queue).finish_non_exhaustive()
    }
}
