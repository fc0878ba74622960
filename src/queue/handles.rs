//! The ring bare: numbers instead of transactions, for hosts that keep their own slabs.
//!
//! # Model
//! ```text
//! HandleProducer::push(h) ------> [cell] \
//! HandleProducer::push_batch ---> [cell] -> link -> link   >  HandleConsumer::pop, drain -> h
//! ```
//! One [`ring`](super::ring), without pool, lanes or sleepers. A cell carries an entry: a handle, or, where the
//! queue was made with room for links, the first of a run of up to [`HandleQueue::RUN_MAX`] handles (`chain`),
//! which one compare-and-swap publishes.
//!
//! # Invariants
//! As those of the ring. Handles of one `push_batch` may be interleaved with others between runs, never
//! inside of one.
//!
//! # Limits
//! 1 to 2^23 cells; handles from 0 to 2^24 - 3. Full is exact, and counted in entries. With several consumers
//! there are no runs: handles of a batch are published one by one, so that their order stays that of the
//! tickets.
//!
//! # Caller contract
//! A handle means nothing here. Where runs are used, a handle is in the queue at most once at a time: one
//! pushes what one owns. A host that breaks this loses or doubles handles, or, with runs
//! of two producers at the same time, gets the same ones again and again.

use super::Error;
use super::chain::{END, Links};
use super::ring::{Refusal, Ring, Taken};
use super::settings::{Consumers, HandleSettings};
use super::wait::Idle;
use crate::pool::RUN_MAX;
use crate::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use crate::sync::{Mutant, has_mutant};
use crossbeam::utils::CachePadded;
use std::fmt;
use std::sync::Arc;

/// A bounded queue of handles, many producers, one or many consumers. Shared by reference.
pub struct HandleQueue {
    ring: Ring,
    links: Links,
    handle_max: u32,
    consumers: Consumers,
    closed: AtomicBool,
    seat: CachePadded<Seat>,
}

/// What one consumer leaves to the next.
struct Seat {
    taken: AtomicBool,
    /// The rest of a run that was begun.
    rest: AtomicU32,
}

impl HandleQueue {
    /// The largest handle of a queue without runs.
    pub const HANDLE_MAX: u32 = HandleSettings::HANDLE_MAX;
    /// Most handles that one entry carries.
    pub const RUN_MAX: usize = RUN_MAX;

    /// An empty queue of single handles; `cells` is a power of two from 1 to 2^23.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn new(cells: usize, consumers: Consumers) -> Result<Arc<Self>, Error> {
        Self::with_settings(HandleSettings { cells, consumers, handles: 0 })
    }

    /// An empty queue.
    ///
    /// # Errors
    /// [`Error::Config`] when a value is out of its range.
    pub fn with_settings(settings: HandleSettings) -> Result<Arc<Self>, Error> {
        settings.check()?;
        let runs = if settings.consumers == Consumers::One { settings.handles } else { 0 };
        Ok(Arc::new(Self {
            ring: Ring::new(settings.cells),
            links: Links::new(runs),
            handle_max: settings.handle_max(),
            consumers: settings.consumers,
            closed: AtomicBool::new(false),
            seat: CachePadded::new(Seat { taken: AtomicBool::new(false), rest: AtomicU32::new(END) }),
        }))
    }

    /// A producer. Any number may exist.
    pub fn producer(self: &Arc<Self>) -> HandleProducer {
        HandleProducer { queue: Arc::clone(self), hint: 0 }
    }

    /// A consumer. Dropping the one consumer frees the seat for another, which goes on where it stopped.
    ///
    /// # Errors
    /// [`Error::ConsumerTaken`] when the queue is for one and has it.
    pub fn consumer(self: &Arc<Self>) -> Result<HandleConsumer, Error> {
        // Acquire: pairs with the Release in the drop of the consumer before.
        if self.consumers == Consumers::One && self.seat.taken.swap(true, Ordering::Acquire) {
            return Err(Error::ConsumerTaken);
        }
        let next = self.seat.rest.load(Ordering::Relaxed);
        let head = self.ring.consumed();
        Ok(HandleConsumer { queue: Arc::clone(self), head, next, idle: Idle::new(self.capacity()) })
    }

    /// Refuses further handles. What was accepted can still be taken.
    pub fn close(&self) {
        // Relaxed: whether a late push is accepted is decided in the ring (I5).
        self.closed.store(true, Ordering::Relaxed);
    }

    /// True once closed.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Entries waiting, at an instant during the call. The rest of a run that a consumer has begun is not
    /// among them.
    pub fn len(&self) -> usize {
        self.ring.len() as usize
    }

    /// True when no entry is waiting.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Most entries that wait at a time.
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// The largest handle that this queue takes.
    pub const fn handle_max(&self) -> u32 {
        self.handle_max
    }

    #[inline]
    fn admit(&self, handle: u32) -> Result<(), Error> {
        if handle > self.handle_max {
            return Err(Error::NoSuchHandle { handle, max: self.handle_max });
        }
        if self.is_closed() { Err(Error::Closed) } else { Ok(()) }
    }

    #[inline]
    fn publish(&self, hint: &mut u64, run: &[u32]) -> Result<(), Refusal> {
        if !self.links.are_used() {
            return self.ring.push(hint, run[0]);
        }
        if has_mutant(Mutant::LinksLate) {
            let published = self.ring.push(hint, run[0]);
            self.links.join(run);
            return published;
        }
        self.links.join(run);
        self.ring.push(hint, run[0])
    }
}

impl fmt::Debug for HandleQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandleQueue")
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

fn explain(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Full => Error::Full,
        Refusal::Closed => Error::Closed,
    }
}

/// The way in, of one thread at a time. It remembers where it last succeeded.
pub struct HandleProducer {
    queue: Arc<HandleQueue>,
    hint: u64,
}

impl HandleProducer {
    /// Appends a handle, which stays the caller's when it is refused.
    ///
    /// # Errors
    /// [`Error::NoSuchHandle`], [`Error::Closed`], [`Error::Full`]; looked for in this order.
    #[inline]
    pub fn push(&mut self, handle: u32) -> Result<(), Error> {
        self.queue.admit(handle)?;
        self.queue.publish(&mut self.hint, &[handle]).map_err(explain)
    }

    /// Appends handles in order, up to the first that is refused, in runs where the queue has them. Answers how
    /// many were accepted and why the next one was not.
    pub fn push_batch(&mut self, handles: &[u32]) -> (usize, Option<Error>) {
        let run_max = if self.queue.links.are_used() { RUN_MAX } else { 1 };
        let mut accepted = 0;
        while let Some(first) = handles.get(accepted) {
            if let Err(error) = self.queue.admit(*first) {
                return (accepted, Some(error));
            }
            let rest = &handles[accepted..handles.len().min(accepted + run_max)];
            let fits = |handle: &u32| *handle <= self.queue.handle_max;
            let run = &rest[..rest.iter().take_while(|handle| fits(handle)).count()];
            if let Err(refusal) = self.queue.publish(&mut self.hint, run) {
                return (accepted, Some(explain(refusal)));
            }
            accepted += run.len();
        }
        (accepted, None)
    }

    /// The queue it feeds.
    pub fn queue(&self) -> &Arc<HandleQueue> {
        &self.queue
    }
}

impl fmt::Debug for HandleProducer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandleProducer").field("queue", &self.queue).finish_non_exhaustive()
    }
}

/// The way out, of one thread at a time.
pub struct HandleConsumer {
    queue: Arc<HandleQueue>,
    /// With one consumer the next ticket, with several a lower bound of it.
    head: u64,
    /// The rest of the run that is being handed out.
    next: u32,
    idle: Idle,
}

impl HandleConsumer {
    /// The oldest handle, or `None` when the queue was found empty.
    ///
    /// On an empty queue it pauses, for 0.3 us or under load up to 17 us, and looks once more: a consumer that keeps
    /// polling the cell that a producer writes slows that producer down.
    #[inline]
    pub fn pop(&mut self) -> Option<u32> {
        let handle = self.take().or_else(|| self.take_after_pause())?;
        self.idle.found(1);
        Some(handle)
    }

    /// Hands up to `max` handles to `f`, without waiting; answers how many. The cheapest way to take.
    pub fn drain(&mut self, max: usize, mut f: impl FnMut(u32)) -> usize {
        let mut count = 0;
        while count < max {
            let handle =
                if count == 0 { self.take().or_else(|| self.take_after_pause()) } else { self.take() };
            let Some(handle) = handle else { break };
            f(handle);
            count += 1;
        }
        self.idle.found(count);
        count
    }

    /// True once the queue is closed and everything it accepted has been handed out; from then on it stays
    /// true. With several consumers, handed out to any of them.
    pub fn is_ended(&self) -> bool {
        // Sealing decides it: afterwards no producer, however late, can append (ring, I5).
        self.queue.is_closed() && self.next == END && self.queue.ring.seal(self.queue.ring.consumed())
    }

    /// The queue it takes from.
    pub fn queue(&self) -> &Arc<HandleQueue> {
        &self.queue
    }

    #[inline]
    fn take(&mut self) -> Option<u32> {
        let handle = if self.next == END { self.take_entry()? } else { self.next };
        // Before the handle goes out (chain, C2).
        self.next = self.queue.links.after(handle);
        Some(handle)
    }

    #[inline]
    fn take_entry(&mut self) -> Option<u32> {
        let ring = &self.queue.ring;
        let taken = match self.queue.consumers {
            Consumers::One => ring.take_alone(&mut self.head),
            Consumers::Many => ring.take_shared(&mut self.head),
        };
        match taken {
            Taken::Buffer { index, .. } => Some(index),
            Taken::Empty | Taken::Ended => None,
        }
    }

    #[cold]
    fn take_after_pause(&mut self) -> Option<u32> {
        self.idle.pause();
        self.take()
    }
}

impl Drop for HandleConsumer {
    fn drop(&mut self) {
        if self.queue.consumers == Consumers::One {
            self.queue.seat.rest.store(self.next, Ordering::Relaxed);
            // Release: pairs with the Acquire in `consumer`.
            self.queue.seat.taken.store(false, Ordering::Release);
        }
    }
}

impl fmt::Debug for HandleConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandleConsumer").field("queue", &self.queue).finish_non_exhaustive()
    }
}
