//! The consumers of a queue between calls, and items that did not fit the buffer they were asked into.
//!
//! # Invariants
//! I1 an item that did not fit is the next one to be taken, by whoever asks.
//! I2 the end is told only when no call has an item that it may still put back ([`Taking`]).
#![cfg_attr(test, expect(unsafe_code, reason = "plays a C program"))]

use super::dequeue::DUO_CONSUMERS_MAX;
use super::failure::Failure;
use crate::queue::{Consumer, Consumers, Item, TxQueue};
use crate::types::Status;
use parking_lot::{Mutex, MutexGuard};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The consumers of a queue, and items that did not fit the buffer they were asked into.
pub(super) struct Consuming {
    slots: Box<[Mutex<Option<Consumer>>]>,
    held: Mutex<VecDeque<Item>>,
    /// Length of `held`, so that nobody takes its lock for nothing.
    held_count: AtomicUsize,
    /// Calls that may have an item in hand and hold it yet. While there are any, nobody can say that the end has
    /// come. Counted where there is more than one consumer.
    undecided: AtomicUsize,
}

/// A call that takes out, from before it looks for an item until it is settled where the item goes.
pub(super) struct Taking<'a>(&'a Consuming);

impl Consuming {
    pub(super) fn new(consumers: Consumers) -> Self {
        let count = if consumers == Consumers::One { 1 } else { DUO_CONSUMERS_MAX };
        Self {
            slots: (0..count).map(|_| Mutex::new(None)).collect(),
            held: Mutex::new(VecDeque::new()),
            held_count: AtomicUsize::new(0),
            undecided: AtomicUsize::new(0),
        }
    }

    /// Items that are held.
    pub(super) fn held_count(&self) -> usize {
        // Acquire pairs with the Release of `hold`.
        self.held_count.load(Ordering::Acquire)
    }

    fn is_for_many(&self) -> bool {
        self.slots.len() > 1
    }

    /// A consumer for the length of one call.
    pub(super) fn enter(&self, queue: &Arc<TxQueue>) -> Result<MutexGuard<'_, Option<Consumer>>, Failure> {
        let free = self.slots.iter().find_map(Mutex::try_lock);
        let mut slot = free.ok_or_else(|| {
            let message = format!("{} threads are taking out of this queue already", self.slots.len());
            Failure::new(Status::Busy, message)
        })?;
        if slot.is_none() {
            *slot = Some(queue.consumer()?);
        }
        Ok(slot)
    }

    /// Keeps an item of the queue that did not fit, for whoever asks next.
    pub(super) fn put_back(&self, queue: &TxQueue, item: Item) {
        self.hold(item);
        if self.is_for_many() {
            queue.nudge();
        }
    }

    fn hold(&self, item: Item) {
        let mut held = self.held.lock();
        held.push_front(item);
        // Release pairs with the Acquire of take_held.
        self.held_count.store(held.len(), Ordering::Release);
    }

    pub(super) fn take_held(&self) -> Option<Item> {
        if self.held_count() == 0 {
            return None;
        }
        let mut held = self.held.lock();
        let item = held.pop_front();
        self.held_count.store(held.len(), Ordering::Release);
        item
    }
}

impl<'a> Taking<'a> {
    pub(super) fn begin(consuming: &'a Consuming) -> Self {
        if consuming.is_for_many() {
            // Relaxed: taking the item from its cell (Release, with the Acquire of `Ring::consumed`), or from `held`
            // under its lock, carries it on to whoever finds that nothing is left.
            consuming.undecided.fetch_add(1, Ordering::Relaxed);
        }
        Self(consuming)
    }

    /// Asked of a queue that has ended, with nothing in hand: true when no other call has an item that it may still
    /// hold, false when one is held. Waits for calls that are about to settle it.
    pub(super) fn is_last(&self) -> bool {
        let Self(consuming) = self;
        if !consuming.is_for_many() {
            return true;
        }
        // All the time that it waits: two that ask at the same time must not wait for each other.
        consuming.undecided.fetch_sub(1, Ordering::Release);
        let last = loop {
            // Within the lock: who puts an item back is counted until it lies there, and who takes it away is
            // counted before.
            let held = consuming.held.lock();
            if !held.is_empty() {
                break false;
            }
            // Acquire pairs with the Release of a call that ends.
            if consuming.undecided.load(Ordering::Acquire) == 0 {
                break true;
            }
            drop(held);
            std::thread::yield_now();
        };
        consuming.undecided.fetch_add(1, Ordering::Relaxed);
        last
    }
}

impl Drop for Taking<'_> {
    fn drop(&mut self) {
        if self.0.is_for_many() {
            // Release pairs with the Acquire in `is_last`.
            self.0.undecided.fetch_sub(1, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dequeue::{duo_item, duo_queue_dequeue, duo_queue_dequeue_wait};
    use super::super::queue::{
        DUO_CONSUMERS_MANY, duo_queue, duo_queue_close, duo_queue_create, duo_queue_destroy,
        duo_queue_enqueue, duo_queue_options,
    };
    use super::super::status::duo_status;
    use super::*;
    use crate::pool::{ClassSettings, Meta, OverflowSettings, PoolSettings};
    #[cfg(not(any(miri, modelled)))]
    use crate::queue::Deadline;
    use crate::queue::QueueSettings;
    use crate::types::LaneId;
    use std::ptr;
    use std::sync::Barrier;
    #[cfg(not(any(miri, modelled)))]
    use std::time::Duration;

    const L0: LaneId = LaneId::new(0);

    /// For many consumers, with room for four.
    fn lone() -> Arc<TxQueue> {
        let classes = vec![ClassSettings { buffer_bytes: 64, count_max: 4 }];
        TxQueue::new(QueueSettings {
            lane_cells: vec![4],
            consumers: Consumers::Many,
            ageing: 0,
            run_max: 1,
            transaction_bytes_max: 64,
            pool: PoolSettings { classes, overflow: OverflowSettings::default() },
        })
        .unwrap()
    }

    #[test]
    fn the_end_is_not_told_while_another_call_may_put_its_item_back() {
        let queue = lone();
        queue.enqueue(L0, b"the last", Meta::default()).unwrap();
        queue.close();
        let consuming = Consuming::new(Consumers::Many);
        let (here, there) = (Taking::begin(&consuming), Taking::begin(&consuming));
        let item = queue.consumer().unwrap().dequeue().unwrap();
        assert!(queue.consumer().unwrap().is_ended());
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| here.is_last());
            while consuming.undecided.load(Ordering::Acquire) > 1 {
                std::thread::yield_now();
            }
            assert!(!asking.is_finished());
            consuming.put_back(&queue, item);
            drop(there);
            assert!(!asking.join().unwrap(), "one is held");
        });
        assert_eq!(&*consuming.take_held().unwrap(), b"the last");
        assert!(here.is_last());
    }

    #[cfg(not(any(miri, modelled)))]
    #[test]
    fn an_item_that_is_put_back_wakes_who_sleeps() {
        let queue = lone();
        let consuming = Consuming::new(Consumers::Many);
        let mut narrow = queue.consumer().unwrap();
        for round in 0..100 {
            queue.enqueue(L0, b"wide", Meta::default()).unwrap();
            let item = narrow.dequeue().unwrap();
            std::thread::scope(|scope| {
                let sleeper = scope.spawn(|| {
                    let mut consumer = queue.consumer().unwrap();
                    let deadline = Deadline::after(Duration::from_secs(20));
                    consumer
                        .dequeue_until(&deadline, || consuming.held_count() > 0)
                        .map(|item| item.is_none())
                });
                while !queue.has_sleeper() {
                    std::thread::yield_now();
                }
                // It is asleep or about to be; both have to do.
                (0..round).for_each(|_| std::thread::yield_now());
                consuming.put_back(&queue, item);
                assert_eq!(sleeper.join().unwrap(), Ok(true));
            });
            assert_eq!(&*consuming.take_held().unwrap(), b"wide");
        }
    }

    #[test]
    fn all_that_ask_at_the_same_time_are_told_the_end() {
        let consuming = Consuming::new(Consumers::Many);
        let all: Vec<_> = (0..8).map(|_| Taking::begin(&consuming)).collect();
        std::thread::scope(|scope| {
            for taking in all {
                scope.spawn(move || assert!(taking.is_last()));
            }
        });
        assert_eq!(consuming.undecided.load(Ordering::Acquire), 0);
    }

    /// Takes until the end or until it does not fit; true when it got the item.
    fn take_last(queue: usize, cap: usize, wait: bool) -> (duo_status, bool) {
        let queue: *const duo_queue = ptr::without_provenance(queue);
        let (mut room, mut got) = ([0_u8; 64], false);
        let mut item = duo_item { offset: 0, len: 0, tag: 0, sequence: 0, lane: 0, reserved: 0 };
        loop {
            let first = room.as_mut_ptr().cast();
            // SAFETY: a live queue, and as much room as stated.
            let status = unsafe {
                if wait {
                    duo_queue_dequeue_wait(queue, first, cap, -1, &mut item)
                } else {
                    duo_queue_dequeue(queue, first, cap, &mut item)
                }
            };
            match status {
                duo_status::DUO_OK => got = true,
                status => return (status, got),
            }
        }
    }

    /// For many consumers, with room for two.
    fn many() -> *mut duo_queue {
        let options = duo_queue_options {
            struct_size: size_of::<duo_queue_options>() as u32,
            flags: 0,
            lane_cells: &2,
            lane_count: 1,
            consumers: DUO_CONSUMERS_MANY,
            ageing: 0,
            transaction_bytes_max: 64,
            pool: ptr::null(),
            run_max: 1,
        };
        let mut queue = ptr::null_mut();
        // SAFETY: the options state their size.
        assert_eq!(unsafe { duo_queue_create(&options, &mut queue) }, duo_status::DUO_OK);
        queue
    }

    fn wait_for(queue: usize, cap: usize, timeout_ns: i64) -> duo_status {
        let (mut room, queue) = ([0_u8; 64], ptr::without_provenance(queue));
        let mut item = duo_item { offset: 0, len: 0, tag: 0, sequence: 0, lane: 0, reserved: 0 };
        // SAFETY: a live queue, and as much room as stated.
        unsafe { duo_queue_dequeue_wait(queue, room.as_mut_ptr().cast(), cap, timeout_ns, &mut item) }
    }

    #[cfg(not(miri))]
    #[test]
    fn who_sleeps_is_woken_for_an_item_that_did_not_fit_elsewhere() {
        let mut misfits = 0;
        for _ in 0..200 {
            let queue = many();
            let word = queue.addr();
            std::thread::scope(|scope| {
                let wide = scope.spawn(move || wait_for(word, 64, 20_000_000_000));
                // SAFETY: a live queue and 64 bytes.
                let status = unsafe { duo_queue_enqueue(queue, 0, [7_u8; 64].as_ptr().cast(), 64, 0) };
                assert_eq!(status, duo_status::DUO_OK);
                // Mostly we are here before the other is awake; else it has the item already.
                let narrow = wait_for(word, 8, 0);
                assert!(
                    matches!(narrow, duo_status::DUO_ERR_TOO_LARGE | duo_status::DUO_TIMEOUT),
                    "{narrow:?}"
                );
                misfits += usize::from(narrow == duo_status::DUO_ERR_TOO_LARGE);
                assert_eq!(wide.join().unwrap(), duo_status::DUO_OK);
            });
            // SAFETY: nobody uses it any more.
            assert_eq!(unsafe { duo_queue_destroy(queue) }, duo_status::DUO_OK);
        }
        assert!(misfits > 0, "the narrow one never came first");
    }

    #[test]
    fn an_item_that_did_not_fit_is_seen_by_the_others_before_the_end() {
        let rounds = if cfg!(miri) { 10 } else { 2000 };
        for round in 0..rounds {
            let queue = many();
            // SAFETY: the queue lives until the end of the round.
            unsafe {
                assert_eq!(
                    duo_queue_enqueue(queue, 0, [7_u8; 64].as_ptr().cast(), 64, 0),
                    duo_status::DUO_OK
                );
                assert_eq!(duo_queue_close(queue), duo_status::DUO_OK);
            }
            let (word, barrier) = (queue.addr(), Barrier::new(2));
            let (wide, narrow) = std::thread::scope(|scope| {
                let narrow = scope.spawn(|| {
                    barrier.wait();
                    take_last(word, 63, false)
                });
                barrier.wait();
                (take_last(word, 64, round % 2 == 0), narrow.join().unwrap())
            });
            assert_eq!(wide, (duo_status::DUO_END, true), "the narrow one ended with {narrow:?}");
            // SAFETY: nobody uses it any more.
            assert_eq!(unsafe { duo_queue_destroy(queue) }, duo_status::DUO_OK);
        }
    }
}
