//! What one thread leaves for another, within bounds.

use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::time::Duration;

#[derive(Debug)]
struct Box<T> {
    items: VecDeque<T>,
    /// Whoever takes is about an item.
    is_busy: bool,
    is_closed: bool,
}

/// A bounded queue with one taker.
#[derive(Debug)]
pub(in crate::node::replica) struct Post<T> {
    inner: Mutex<Box<T>>,
    came: Condvar,
    max: usize,
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
        let inner = Box { items: VecDeque::new(), is_busy: false, is_closed: false };
        Self { inner: Mutex::new(inner), came: Condvar::new(), max }
    }

    /// Leaves `item`; `false` when there is no room, and it is gone.
    pub(in crate::node::replica) fn push(&self, item: T) -> bool {
        let mut inner = self.inner.lock();
        let has_room = inner.items.len() < self.max && !inner.is_closed;
        if has_room {
            inner.items.push_back(item);
            self.came.notify_one();
        }
        has_room
    }

    /// Whether nothing waits and nobody is about anything.
    pub(in crate::node::replica) fn is_idle(&self) -> bool {
        let inner = self.inner.lock();
        inner.items.is_empty() && !inner.is_busy
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
}
