//! Who waits for a permit, in order of arrival.
//!
//! # Model
//! Entries of a slab linked both ways, so that a waiter in the middle leaves in constant time. A key
//! carries the entry's generation. Memory is kept for as many waiters as there were at a time, no more than
//! the bulkhead's `queue_max`.

use std::task::Waker;

const NONE: u32 = u32::MAX;

/// Names a waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) index: u32,
    pub(super) generation: u32,
}

#[derive(Debug)]
enum Entry {
    Waiting { wake: Option<Waker>, before: u32, after: u32 },
    Granted,
    Free { after: u32 },
}

/// What became of a waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Waiting,
    Granted,
    /// The key was given up, or never given out.
    Unknown,
}

#[derive(Debug)]
pub(super) struct WaitList {
    entries: Vec<(u32, Entry)>,
    front: u32,
    back: u32,
    free: u32,
}

impl WaitList {
    pub(super) const fn new() -> Self {
        Self { entries: Vec::new(), front: NONE, back: NONE, free: NONE }
    }

    /// Appends a waiter.
    pub(super) fn push(&mut self, wake: Option<Waker>) -> Key {
        let entry = Entry::Waiting { wake, before: self.back, after: NONE };
        let index = self.free;
        let index = match self.entries.get_mut(index as usize) {
            Some((_, place)) => {
                let Entry::Free { after } = std::mem::replace(place, entry) else {
                    unreachable!("the free list holds free entries");
                };
                self.free = after;
                index
            }
            None => {
                self.entries.push((0, entry));
                self.entries.len() as u32 - 1
            }
        };
        match self.links(self.back) {
            Some((_, after)) => *after = index,
            None => self.front = index,
        }
        self.back = index;
        Key { index, generation: self.entries[index as usize].0 }
    }

    fn links(&mut self, index: u32) -> Option<(&mut u32, &mut u32)> {
        match self.entries.get_mut(index as usize) {
            Some((_, Entry::Waiting { before, after, .. })) => Some((before, after)),
            _ => None,
        }
    }

    fn unlink(&mut self, before: u32, after: u32) {
        match self.links(before) {
            Some((_, next)) => *next = after,
            None => self.front = after,
        }
        match self.links(after) {
            Some((previous, _)) => *previous = before,
            None => self.back = before,
        }
    }

    /// Grants the waiter in front its permit; `None` when nobody waits.
    pub(super) fn grant_front(&mut self) -> Option<Option<Waker>> {
        let (_, place) = self.entries.get_mut(self.front as usize)?;
        let Entry::Waiting { wake, before, after } = std::mem::replace(place, Entry::Granted) else {
            unreachable!("the line holds waiting entries");
        };
        self.unlink(before, after);
        Some(wake)
    }

    /// What became of `key`; one that waits is woken by `wake` from now on.
    pub(super) fn look(&mut self, key: Key, new: Option<&Waker>) -> Standing {
        match self.entry(key) {
            Some(Entry::Waiting { wake, .. }) => {
                match (wake, new) {
                    (Some(wake), Some(new)) => wake.clone_from(new),
                    (wake, new) => *wake = new.cloned(),
                }
                Standing::Waiting
            }
            Some(Entry::Granted) => Standing::Granted,
            _ => Standing::Unknown,
        }
    }

    /// Ends a key and says what it was.
    pub(super) fn take(&mut self, key: Key) -> Standing {
        let Some(place) = self.entry(key) else { return Standing::Unknown };
        let standing = match place {
            Entry::Waiting { before, after, .. } => {
                let (before, after) = (*before, *after);
                self.unlink(before, after);
                Standing::Waiting
            }
            Entry::Granted => Standing::Granted,
            Entry::Free { .. } => return Standing::Unknown,
        };
        let after = std::mem::replace(&mut self.free, key.index);
        let (generation, place) = &mut self.entries[key.index as usize];
        *generation = generation.wrapping_add(1);
        *place = Entry::Free { after };
        standing
    }

    fn entry(&mut self, key: Key) -> Option<&mut Entry> {
        let (generation, entry) = self.entries.get_mut(key.index as usize)?;
        (*generation == key.generation).then_some(entry)
    }
}

#[cfg(all(test, not(modelled)))]
mod tests {
    use super::*;

    #[test]
    fn waiters_are_granted_in_order_and_leave_from_anywhere() {
        let mut list = WaitList::new();
        let keys: Vec<Key> = (0..4).map(|_| list.push(None)).collect();
        assert_eq!(list.take(keys[1]), Standing::Waiting);
        assert_eq!(list.take(keys[1]), Standing::Unknown);
        assert!(list.grant_front().is_some());
        assert_eq!(list.look(keys[0], None), Standing::Granted);
        assert_eq!(list.look(keys[2], None), Standing::Waiting);
        assert_eq!(list.take(keys[0]), Standing::Granted);
        assert_eq!(list.take(keys[3]), Standing::Waiting);
        let again = list.push(None);
        assert_ne!(again, keys[3]);
        assert!(list.grant_front().is_some());
        assert_eq!(
            (list.look(keys[2], None), list.look(again, None)),
            (Standing::Granted, Standing::Waiting)
        );
        assert!(list.grant_front().is_some());
        assert!(list.grant_front().is_none());
        assert_eq!(list.entries.len(), 4, "entries are used again");
    }
}
