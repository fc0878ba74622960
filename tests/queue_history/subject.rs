//! The queue as the recorder uses it, and queues that go wrong now and then, to be caught.

use duochain::pool::{ClassSettings, Meta, OverflowSettings, PoolSettings};
use duochain::queue::{Consumer, Consumers, Error, Producer, QueueSettings, TxQueue};
use duochain::types::LaneId;
use std::sync::Arc;

/// What came out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) lane: u8,
    pub(crate) value: u64,
    pub(crate) sequence: u64,
}

/// Why not all of it went in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Closed,
}

/// The side of one thread that puts in.
pub(crate) trait Feeds {
    /// Puts values in, in order, up to the first that is refused; answers how many.
    fn put(&mut self, lane: u8, values: &[u64]) -> (usize, Option<Refused>);
}

/// The side of one thread that takes out.
pub(crate) trait Takes {
    /// Takes up to `max` items. Fewer say that every lane was empty.
    fn take(&mut self, max: usize) -> Vec<Taken>;
    /// Closed, and everything handed out.
    fn is_ended(&mut self) -> bool;
}

/// SplitMix64.
#[derive(Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

pub(crate) fn queue(lane_cells: &[usize], consumers: Consumers, run_max: usize) -> Arc<TxQueue> {
    TxQueue::new(QueueSettings {
        lane_cells: lane_cells.to_vec(),
        consumers,
        ageing: 3,
        run_max,
        transaction_bytes_max: 64,
        pool: PoolSettings {
            // More than lanes and threads can hold: here a refusal has to be the lane's.
            classes: vec![ClassSettings { buffer_bytes: 64, count_max: 4096 }],
            overflow: OverflowSettings::default(),
        },
    })
    .expect("valid settings")
}

/// Uses every way in, as the dice say.
pub(crate) struct Feeder {
    queue: Arc<TxQueue>,
    producer: Producer,
    dice: Dice,
}

impl Feeder {
    pub(crate) fn new(queue: &Arc<TxQueue>, seed: u64) -> Self {
        Self { queue: Arc::clone(queue), producer: queue.producer(), dice: Dice(seed) }
    }

    fn put_one(&mut self, lane: LaneId, value: u64) -> Result<(), Error> {
        let (bytes, meta) = (value.to_le_bytes(), Meta { tag: value, stamp: 0 });
        match self.dice.roll(3) {
            0 => self.producer.enqueue(lane, &bytes, meta),
            1 => self.queue.enqueue(lane, &bytes, meta),
            _ => {
                let mut claim = self.queue.claim(bytes.len(), lane)?;
                claim.copy_from_slice(&bytes);
                claim.commit(meta).map_err(|(_, error)| error)
            }
        }
    }

    fn put_all(&mut self, lane: LaneId, values: &[u64]) -> (usize, Option<Error>) {
        let bytes: Vec<[u8; 8]> = values.iter().map(|value| value.to_le_bytes()).collect();
        let items: Vec<&[u8]> = bytes.iter().map(|bytes| &bytes[..]).collect();
        let metas = |at: usize| Meta { tag: values[at], stamp: 0 };
        if self.dice.roll(2) == 0 {
            self.producer.enqueue_batch(lane, &items, metas)
        } else {
            self.queue.enqueue_batch(lane, &items, metas)
        }
    }
}

impl Feeds for Feeder {
    fn put(&mut self, lane: u8, values: &[u64]) -> (usize, Option<Refused>) {
        let lane = LaneId::new(lane);
        let (count, error) = match values {
            [value] => self.put_one(lane, *value).map_or_else(|error| (0, Some(error)), |()| (1, None)),
            values => self.put_all(lane, values),
        };
        let refused = error.map(|error| match error {
            Error::Full => Refused::Full,
            Error::Closed => Refused::Closed,
            other => panic!("{other}"),
        });
        (count, refused)
    }
}

impl Takes for Consumer {
    fn take(&mut self, max: usize) -> Vec<Taken> {
        let mut taken = Vec::new();
        let mut keep = |item: duochain::queue::Item| {
            let value = item.meta().tag;
            assert_eq!(&*item, value.to_le_bytes(), "bytes and words are of one item");
            taken.push(Taken { lane: item.lane().get(), value, sequence: item.sequence() });
        };
        if max == 1 {
            self.dequeue().into_iter().for_each(&mut keep);
        } else {
            self.drain(max, |item| keep(item.into_item()));
        }
        taken
    }

    fn is_ended(&mut self) -> bool {
        Consumer::is_ended(self)
    }
}

/// How a queue goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It says full without looking.
    FalseFull,
    /// It says empty without looking.
    FalseEmpty,
    /// It accepts a value and forgets it.
    Loses,
    /// It hands a value out twice.
    Doubles,
    /// It hands two values out in the wrong order, and numbers them as it hands them out.
    Reorders,
    /// It numbers items wrongly, in the right order.
    Misnumbers,
}

/// Every how-manieth call goes wrong.
const FAULTY_ONE_IN: u64 = 12;

/// One side of a queue with a fault.
pub(crate) struct Broken<T> {
    inner: T,
    fault: Fault,
    dice: Dice,
    again: Vec<Taken>,
}

impl<T> Broken<T> {
    pub(crate) fn new(inner: T, fault: Fault, seed: u64) -> Self {
        Self { inner, fault, dice: Dice(!seed), again: Vec::new() }
    }

    fn strikes(&mut self, fault: Fault) -> bool {
        self.fault == fault && self.dice.roll(FAULTY_ONE_IN) == 0
    }
}

impl<T: Feeds> Feeds for Broken<T> {
    fn put(&mut self, lane: u8, values: &[u64]) -> (usize, Option<Refused>) {
        if self.strikes(Fault::FalseFull) {
            return (0, Some(Refused::Full));
        }
        if values.len() == 1 && self.strikes(Fault::Loses) {
            return (1, None);
        }
        self.inner.put(lane, values)
    }
}

impl<T: Takes> Takes for Broken<T> {
    fn take(&mut self, max: usize) -> Vec<Taken> {
        if !self.again.is_empty() {
            return std::mem::take(&mut self.again);
        }
        if self.strikes(Fault::FalseEmpty) {
            return Vec::new();
        }
        let mut taken = self.inner.take(max);
        if self.strikes(Fault::Doubles) {
            self.again = taken.iter().take(1).copied().collect();
        }
        if self.strikes(Fault::Misnumbers)
            && let Some(first) = taken.first_mut()
        {
            first.sequence += 1;
        }
        if max == 1
            && self.strikes(Fault::Reorders)
            && let [first] = taken[..]
            && let [second] = self.inner.take(1)[..]
        {
            if first.lane != second.lane {
                self.again = vec![second];
                return taken;
            }
            self.again = vec![Taken { sequence: second.sequence, ..first }];
            return vec![Taken { sequence: first.sequence, ..second }];
        }
        taken
    }

    fn is_ended(&mut self) -> bool {
        self.again.is_empty() && self.inner.is_ended()
    }
}
