//! What one thread leaves for another, within bounds.

use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::mem::ManuallyDrop;
use std::time::Duration;

#[derive(Debug)]
struct Box<T> {
    items: VecDeque<T>,
    /// Items that are being made.
    reserved: usize,
    /// Whoever takes is about an item.
    is_busy: bool,
    is_closed: bool,
}

impl<T> Box<T> {
    fn has_room(&self, max: usize) -> bool {
        self.items.len() + self.reserved < max && !self.is_closed
    }
}

/// A bounded queue with one taker.
#[derive(Debug)]
pub(in crate::node::replica) struct Post<T> {
    inner: Mutex<Box<T>>,
    came: Condvar,
    max: usize,
}

/// Room for an item. Dropped, it is given back.
#[derive(Debug)]
pub(in crate::node::replica) struct Room<'a, T>(&'a Post<T>);

impl<T> Room<'_, T> {
    /// Leaves `item`; `false` when the post was closed meanwhile, and it is gone.
    pub(in crate::node::replica) fn fill(self, item: T) -> bool {
        // Given back here, under the same lock.
        let post = ManuallyDrop::new(self).0;
        let mut inner = post.inner.lock();
        inner.reserved -= 1;
        let is_open = !inner.is_closed;
        if is_open {
            inner.items.push_back(item);
            post.came.notify_one();
        }
        is_open
    }
}

impl<T> Drop for Room<'_, T> {
    fn drop(&mut self) {
        self.0.inner.lock().reserved -= 1;
    }
}

/// What a taker got.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::node::replica) enum Taken<T> {
    Item(T),
    /// The time is over.
    Nothing,
    Closed,
}

impl<T> Post<T> {
    pub(in crate::node::replica) const fn new(max: usize) -> Self {
        let inner = Box { items: VecDeque::new(), reserved: 0, is_busy: false, is_closed: false };
        Self { inner: Mutex::new(inner), came: Condvar::new(), max }
    }

    /// Leaves `item`; `false` when there is no room, and it is gone.
    pub(in crate::node::replica) fn push(&self, item: T) -> bool {
        let mut inner = self.inner.lock();
        let has_room = inner.has_room(self.max);
        if has_room {
            inner.items.push_back(item);
            self.came.notify_one();
        }
        has_room
    }

    /// Room for an item that is made only if there is some.
    pub(in crate::node::replica) fn reserve(&self) -> Option<Room<'_, T>> {
        let mut inner = self.inner.lock();
        inner.has_room(self.max).then(|| {
            inner.reserved += 1;
            Room(self)
        })
    }

    /// Takes out what waits in vain, which is to be dropped where no lock is held.
    pub(in crate::node::replica) fn weed(&self, is_vain: impl Fn(&T) -> bool) -> VecDeque<T> {
        let mut inner = self.inner.lock();
        let (vain, others) = std::mem::take(&mut inner.items).into_iter().partition(is_vain);
        inner.items = others;
        vain
    }

    /// Whether nothing waits or is being made, and nobody is about anything.
    pub(in crate::node::replica) fn is_idle(&self) -> bool {
        let inner = self.inner.lock();
        inner.items.is_empty() && inner.reserved == 0 && !inner.is_busy
    }

    /// The next item, when there is one within `timeout`; whoever asks is done with the one before.
    pub(in crate::node::replica) fn take(&self, timeout: Duration) -> Taken<T> {
        let mut inner = self.inner.lock();
        inner.is_busy = false;
        self.came.wait_while_for(&mut inner, |inner| inner.items.is_empty() && !inner.is_closed, timeout);
        if inner.is_closed {
            return Taken::Closed;
        }
        match inner.items.pop_front() {
            Some(item) => {
                inner.is_busy = true;
                Taken::Item(item)
            }
            None => Taken::Nothing,
        }
    }

    /// Lets some time pass, being about the last item still.
    pub(in crate::node::replica) fn rest(&self, time: Duration) {
        let mut inner = self.inner.lock();
        self.came.wait_while_for(&mut inner, |inner| !inner.is_closed, time);
    }

    pub(in crate::node::replica) fn is_closed(&self) -> bool {
        self.inner.lock().is_closed
    }

    /// Nothing comes any more. Returns what waits, for which there is no taker.
    pub(in crate::node::replica) fn close(&self) -> VecDeque<T> {
        let mut inner = self.inner.lock();
        inner.is_closed = true;
        self.came.notify_all();
        std::mem::take(&mut inner.items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_there_is_room_for_is_refused_and_closing_ends_the_taker() {
        let post = Post::new(1);
        assert!(post.is_idle());
        assert!(post.push(1) && !post.push(2));
        assert_eq!(post.take(Duration::ZERO), Taken::Item(1));
        assert!(!post.is_idle(), "it is being worked on");
        assert_eq!(post.take(Duration::ZERO), Taken::Nothing);
        assert!(post.is_idle());
        assert!(post.push(3));
        assert_eq!(post.close(), [3]);
        assert_eq!(post.take(Duration::MAX), Taken::Closed);
        assert!(!post.push(4));
    }

    #[test]
    fn what_waits_in_vain_makes_room() {
        let post = Post::new(3);
        assert!(post.push(1) && post.push(2) && post.push(3));
        assert_eq!(post.weed(|item| *item == 2), [2]);
        assert!(post.push(4) && !post.push(5));
        assert_eq!(post.close(), [1, 3, 4]);
    }

    #[test]
    fn room_that_is_reserved_is_taken_until_it_is_filled_or_given_back() {
        let post = Post::new(1);
        let room = post.reserve().unwrap();
        assert!(post.reserve().is_none() && !post.push(1) && !post.is_idle());
        drop(room);
        assert!(post.is_idle());
        assert!(post.reserve().unwrap().fill(2));
        assert!(post.reserve().is_none(), "it holds what was put there");
        assert_eq!(post.take(Duration::ZERO), Taken::Item(2));
        let room = post.reserve().unwrap();
        assert!(post.close().is_empty());
        assert!(!room.fill(3) && post.reserve().is_none());
    }
}
