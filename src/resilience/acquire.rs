//! Waiting for a permit: as a future, or blocking a thread.
//!
//! # Model
//! [`Acquire`] joins the line when it is first polled. It needs no runtime: it is woken through the waker
//! that it is polled with. Dropped, it leaves the line; a permit that it was handed meanwhile goes on.

use super::blocking::Sleep;
use super::bulkhead::{Bulkhead, Crowded, Joined, OwnedSlot, Slot};
use super::timeout::Deadline;
use super::waiters::Key;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// A place in a bulkhead's line, or none yet.
#[derive(Debug)]
#[must_use = "a future does nothing unless polled"]
pub struct Acquire {
    bulkhead: Arc<Bulkhead>,
    place: Option<Key>,
}

impl Bulkhead {
    /// A permit when there is one, in order of arrival. The line is joined at the first poll; polled again
    /// after it was ready, the future starts again.
    ///
    /// # Errors
    /// The future's output: [`Crowded::LineFull`].
    pub fn acquire(self: &Arc<Self>) -> Acquire {
        Acquire { bulkhead: Arc::clone(self), place: None }
    }

    /// Waits for a permit with the thread, in order of arrival, up to `timeout`.
    ///
    /// # Errors
    /// [`Crowded::LineFull`] at once, [`Crowded::Timeout`].
    pub fn acquire_blocking(&self, clock: &dyn Sleep, timeout: Duration) -> Result<Slot<'_>, Crowded> {
        if self.take() {
            return Ok(Slot::of(self));
        }
        if timeout.is_zero() {
            return Err(self.refuse(Crowded::Busy));
        }
        let wake = Waker::from(Arc::new(Unpark(std::thread::current())));
        let Joined::Place(key) = self.join(Some(&wake))? else { return Ok(Slot::of(self)) };
        let end = Deadline::after(clock.now(), timeout);
        let mut place = Place { bulkhead: self, key: Some(key) };
        while !place.is_served(Some(&wake)) {
            let now = clock.now();
            if end.is_over(now) {
                return Err(Crowded::Timeout);
            }
            clock.park(end.left(now));
        }
        Ok(Slot::of(self))
    }
}

/// Permits and places for callers that cannot hold a reference: whoever takes one gives it back by number.
impl Bulkhead {
    /// Takes a permit (then `None`), or a place in line.
    ///
    /// # Errors
    /// [`Crowded::LineFull`].
    pub fn line_up(&self) -> Result<Option<u64>, Crowded> {
        Ok(match self.join(None)? {
            Joined::Permit => None,
            Joined::Place(Key { index, generation }) => Some(u64::from(generation) << 32 | u64::from(index)),
        })
    }

    /// Waits with the thread for the turn of a place, up to `timeout`. `Some(true)`: the permit is the
    /// caller's and the place is gone. `Some(false)`: it keeps its place. `None`: there is no such place.
    pub fn await_turn(&self, place: u64, clock: &dyn Sleep, timeout: Duration) -> Option<bool> {
        let key = key_of(place);
        if timeout.is_zero() {
            return self.is_served(key, None);
        }
        let wake = Waker::from(Arc::new(Unpark(std::thread::current())));
        let end = Deadline::after(clock.now(), timeout);
        loop {
            if self.is_served(key, Some(&wake))? {
                return Some(true);
            }
            let now = clock.now();
            if end.is_over(now) {
                return Some(false);
            }
            clock.park(end.left(now));
        }
    }

    /// Gives up a place. False when there is no such place.
    pub fn leave_line(&self, place: u64) -> bool {
        self.leave(key_of(place))
    }

    /// Gives one permit back, of those that were taken by number. False when none is out.
    pub fn release_one(&self) -> bool {
        self.give_back_checked()
    }

    /// Takes a permit for [`Bulkhead::release_one`].
    ///
    /// # Errors
    /// [`Crowded::Busy`].
    pub fn take_one(&self) -> Result<(), Crowded> {
        self.try_acquire().map(Slot::keep)
    }
}

const fn key_of(place: u64) -> Key {
    Key { index: place as u32, generation: (place >> 32) as u32 }
}

/// A place that is left when dropped.
struct Place<'a> {
    bulkhead: &'a Bulkhead,
    key: Option<Key>,
}

impl Place<'_> {
    fn is_served(&mut self, wake: Option<&Waker>) -> bool {
        let Some(key) = self.key else { return true };
        // A place that is not there any more was served: only this waiter ends it.
        let served = self.bulkhead.is_served(key, wake).unwrap_or(true);
        if served {
            self.key = None;
        }
        served
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.bulkhead.leave(key);
        }
    }
}

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Acquire {
    /// True once it stands in line.
    pub const fn is_waiting(&self) -> bool {
        self.place.is_some()
    }

    fn poll_with(&mut self, wake: &Waker) -> Poll<Result<OwnedSlot, Crowded>> {
        let bulkhead = &self.bulkhead;
        let served = match self.place {
            Some(key) => bulkhead.is_served(key, Some(wake)).unwrap_or(false),
            None if bulkhead.take() => true,
            None => match bulkhead.join(Some(wake)) {
                Err(crowded) => return Poll::Ready(Err(crowded)),
                Ok(Joined::Permit) => true,
                Ok(Joined::Place(key)) => {
                    self.place = Some(key);
                    false
                }
            },
        };
        if !served {
            return Poll::Pending;
        }
        self.place = None;
        Poll::Ready(Ok(OwnedSlot::of(Arc::clone(bulkhead))))
    }
}

impl Future for Acquire {
    type Output = Result<OwnedSlot, Crowded>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_with(context.waker())
    }
}

impl Drop for Acquire {
    fn drop(&mut self) {
        if let Some(key) = self.place.take() {
            self.bulkhead.leave(key);
        }
    }
}
