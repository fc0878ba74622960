//! What a queue has to offer to be measured: ours, and the peers that are Rust crates.

use concurrent_queue::ConcurrentQueue;
use crossbeam_queue::ArrayQueue;
use duochain::queue::{Consumers, HandleConsumer, HandleProducer, HandleQueue, HandleSettings};
use lfqueue::AllocBoundedQueue;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;

/// Most items that a consumer takes in one go.
pub(super) const TAKE_MAX: usize = 64;

/// A bounded queue of numbers.
pub(super) trait Side: Sync {
    /// The producing end of one thread.
    type In<'a>: Push
    where
        Self: 'a;
    /// The consuming end of one thread.
    type Out<'a>: Take
    where
        Self: 'a;

    /// With room for `cells` items, for that many consumers.
    fn new(cells: usize, consumers: usize) -> Self;
    fn producer(&self) -> Self::In<'_>;
    fn consumer(&self) -> Self::Out<'_>;
}

/// Puts items in.
pub(super) trait Push: Send {
    /// False when there is no room.
    fn push(&mut self, item: u32) -> bool;

    /// As many of the items, in order, as there is room for; how many.
    #[inline]
    fn push_run(&mut self, items: &[u32]) -> usize {
        items.iter().take_while(|item| self.push(**item)).count()
    }
}

/// Takes items out.
pub(super) trait Take: Send {
    /// Up to [`TAKE_MAX`] of what is there; how many.
    fn take(&mut self, found: impl FnMut(u32)) -> usize;
}

#[inline]
fn take_one_by_one(mut pop: impl FnMut() -> Option<u32>, mut found: impl FnMut(u32)) -> usize {
    let mut count = 0;
    while count < TAKE_MAX
        && let Some(item) = pop()
    {
        found(item);
        count += 1;
    }
    count
}

/// A queue whose both ends are references to it.
macro_rules! shared_side {
    ($queue:ty, |$cells:ident| $new:expr, |$at:ident, $item:ident| $push:expr, |$from:ident| $pop:expr) => {
        impl Side for $queue {
            type In<'a> = &'a Self;
            type Out<'a> = &'a Self;

            fn new($cells: usize, _consumers: usize) -> Self {
                $new
            }

            fn producer(&self) -> &Self {
                self
            }

            fn consumer(&self) -> &Self {
                self
            }
        }

        impl Push for &$queue {
            #[inline]
            fn push(&mut self, $item: u32) -> bool {
                let $at = *self;
                $push
            }
        }

        impl Take for &$queue {
            #[inline]
            fn take(&mut self, found: impl FnMut(u32)) -> usize {
                let $from = *self;
                take_one_by_one(|| $pop, found)
            }
        }
    };
}

shared_side!(ArrayQueue<u32>, |cells| Self::new(cells), |queue, item| queue.push(item).is_ok(), |queue| {
    queue.pop()
});
shared_side!(
    ConcurrentQueue<u32>,
    |cells| Self::bounded(cells),
    |queue, item| queue.push(item).is_ok(),
    |queue| queue.pop().ok()
);
shared_side!(
    AllocBoundedQueue<u32>,
    |cells| Self::new(cells),
    |queue, item| queue.enqueue(item).is_ok(),
    |queue| queue.dequeue()
);

/// A ring under a lock, as one writes it by hand.
pub(super) struct Locked {
    items: Mutex<VecDeque<u32>>,
    cells: usize,
}

shared_side!(
    Locked,
    |cells| Self { items: Mutex::new(VecDeque::with_capacity(cells)), cells },
    |queue, item| {
        let mut items = queue.items.lock();
        let fits = items.len() < queue.cells;
        if fits {
            items.push_back(item);
        }
        fits
    },
    |queue| queue.items.lock().pop_front()
);

/// A channel: senders are cloned, and so are receivers where there may be several.
macro_rules! channel_side {
    ($side:ident, $sender:ty, $receiver:ty, $new:path, |$at:ident, $item:ident| $push:expr,
     |$from:ident, $found:ident| $take:expr) => {
        pub(super) struct $side {
            sender: $sender,
            receiver: Mutex<Option<$receiver>>,
        }

        impl Side for $side {
            type In<'a> = $sender;
            type Out<'a> = $receiver;

            fn new(cells: usize, _consumers: usize) -> Self {
                let (sender, receiver) = $new(cells);
                Self { sender, receiver: Mutex::new(Some(receiver)) }
            }

            fn producer(&self) -> $sender {
                self.sender.clone()
            }

            fn consumer(&self) -> $receiver {
                Self::another(&mut self.receiver.lock())
            }
        }

        impl Push for $sender {
            #[inline]
            fn push(&mut self, $item: u32) -> bool {
                let $at = &*self;
                $push
            }
        }

        impl Take for $receiver {
            #[inline]
            fn take(&mut self, mut $found: impl FnMut(u32)) -> usize {
                let $from = &*self;
                $take
            }
        }
    };
}

type MpscIn = crossfire::MTx<crossfire::mpsc::Array<u32>>;
type MpscOut = crossfire::Rx<crossfire::mpsc::Array<u32>>;
type MpmcIn = crossfire::MTx<crossfire::mpmc::Array<u32>>;
type MpmcOut = crossfire::MRx<crossfire::mpmc::Array<u32>>;

channel_side!(
    CrossfireMpsc,
    MpscIn,
    MpscOut,
    crossfire::mpsc::bounded_blocking,
    |sender, item| sender.try_send(item).is_ok(),
    |receiver, found| take_one_by_one(|| receiver.try_recv().ok(), &mut found)
);
channel_side!(
    CrossfireMpmc,
    MpmcIn,
    MpmcOut,
    crossfire::mpmc::bounded_blocking,
    |sender, item| sender.try_send(item).is_ok(),
    |receiver, found| take_one_by_one(|| receiver.try_recv().ok(), &mut found)
);
channel_side!(
    Flume,
    flume::Sender<u32>,
    flume::Receiver<u32>,
    flume::bounded,
    |sender, item| sender.try_send(item).is_ok(),
    // Its own way to take what is there under one lock.
    |receiver, found| receiver.drain().map(&mut found).count()
);
impl CrossfireMpsc {
    fn another(receiver: &mut Option<MpscOut>) -> MpscOut {
        receiver.take().expect("one consumer")
    }
}

impl CrossfireMpmc {
    fn another(receiver: &mut Option<MpmcOut>) -> MpmcOut {
        receiver.clone().expect("it stays")
    }
}

impl Flume {
    fn another(receiver: &mut Option<flume::Receiver<u32>>) -> flume::Receiver<u32> {
        receiver.clone().expect("it stays")
    }
}

/// Its way to take what is there under one lock fills a vector.
pub(super) struct Kanal {
    sender: kanal::Sender<u32>,
    receiver: kanal::Receiver<u32>,
}

impl Side for Kanal {
    type In<'a> = kanal::Sender<u32>;
    type Out<'a> = (kanal::Receiver<u32>, Vec<u32>);

    fn new(cells: usize, _consumers: usize) -> Self {
        let (sender, receiver) = kanal::bounded(cells);
        Self { sender, receiver }
    }

    fn producer(&self) -> kanal::Sender<u32> {
        self.sender.clone()
    }

    fn consumer(&self) -> Self::Out<'_> {
        (self.receiver.clone(), Vec::new())
    }
}

impl Push for kanal::Sender<u32> {
    #[inline]
    fn push(&mut self, item: u32) -> bool {
        self.try_send(item).unwrap_or(false)
    }
}

impl Take for (kanal::Receiver<u32>, Vec<u32>) {
    #[inline]
    fn take(&mut self, found: impl FnMut(u32)) -> usize {
        let (receiver, items) = self;
        let count = receiver.drain_into(items).unwrap_or(0);
        items.drain(..).for_each(found);
        count
    }
}

/// Ours, one handle at a time.
pub(super) struct Single(Arc<HandleQueue>);
/// Ours, with runs.
pub(super) struct Runs(Arc<HandleQueue>);

/// Items of a run.
pub(super) const RUN: usize = 16;
/// Numbers that may be in a queue with runs.
pub(super) const HANDLES: usize = 1 << 22;

macro_rules! our_side {
    ($side:ident, |$cells:ident, $consumers:ident| $new:expr) => {
        impl Side for $side {
            type In<'a> = HandleProducer;
            type Out<'a> = HandleConsumer;

            fn new($cells: usize, consumers: usize) -> Self {
                let $consumers = if consumers == 1 { Consumers::One } else { Consumers::Many };
                Self($new.expect("a power of two"))
            }

            fn producer(&self) -> HandleProducer {
                self.0.producer()
            }

            fn consumer(&self) -> HandleConsumer {
                self.0.consumer().expect("the seat is free")
            }
        }
    };
}

our_side!(Single, |cells, consumers| HandleQueue::new(cells, consumers));
// A cell carries a run, so the same number of items has room.
our_side!(Runs, |cells, consumers| HandleQueue::with_settings(HandleSettings {
    cells: cells / RUN,
    consumers,
    handles: HANDLES
}));

impl Push for HandleProducer {
    #[inline]
    fn push(&mut self, item: u32) -> bool {
        Self::push(self, item).is_ok()
    }

    #[inline]
    fn push_run(&mut self, items: &[u32]) -> usize {
        self.push_batch(items).0
    }
}

impl Take for HandleConsumer {
    #[inline]
    fn take(&mut self, found: impl FnMut(u32)) -> usize {
        self.drain(TAKE_MAX, found)
    }
}
