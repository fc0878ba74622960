//! The queue against plain queues of items, one thread.

use super::Script;
use duochain::pool::{ClassSettings, Handle, Meta, OverflowSettings, PoolSettings};
use duochain::queue::{Claim, Consumer, Consumers, Error, Item, Producer, QueueSettings, TxQueue};
use duochain::types::LaneId;
use std::collections::VecDeque;
use std::sync::Arc;

const BYTES_MAX: usize = 48;

/// What a lane holds: items, each with whether it is the first in its cell.
type Waiting = VecDeque<(Meta, bool)>;

struct Play {
    queue: Arc<TxQueue>,
    producers: [Producer; 2],
    consumer: Option<Consumer>,
    lanes: Vec<Waiting>,
    cells: Vec<usize>,
    buffers: usize,
    run_max: usize,
    held: Vec<Item>,
    claims: Vec<Handle>,
    closed: bool,
    number: u64,
}

/// Plays what `data` says.
///
/// # Panics
/// When the queue does anything else than the plain queues.
pub(crate) fn play(data: &[u8]) {
    let mut script = Script::new(data);
    let mut play = Play::begin(&mut script);
    while script.goes_on() {
        play.step(&mut script);
        play.compare();
    }
    play.end();
}

fn payload(meta: Meta, len: usize) -> Vec<u8> {
    (0..len).map(|at| (meta.tag as usize * 7 + at) as u8).collect()
}

impl Play {
    fn begin(script: &mut Script<'_>) -> Self {
        let cells: Vec<usize> = (0..1 + script.roll(3)).map(|_| 1 << script.roll(4)).collect();
        let consumers = if script.roll(2) == 0 { Consumers::One } else { Consumers::Many };
        let run_max = if consumers == Consumers::One { 1 + script.roll(5) } else { 1 };
        let buffers = 1 + script.roll(24);
        let queue = TxQueue::new(QueueSettings {
            lane_cells: cells.clone(),
            consumers,
            ageing: 0,
            run_max,
            transaction_bytes_max: BYTES_MAX,
            pool: PoolSettings {
                classes: vec![ClassSettings { buffer_bytes: BYTES_MAX, count_max: buffers }],
                overflow: OverflowSettings::default(),
            },
        })
        .expect("valid settings");
        Self {
            producers: [queue.producer(), queue.producer()],
            consumer: Some(queue.consumer().expect("a free seat")),
            lanes: vec![Waiting::new(); cells.len()],
            cells,
            buffers,
            run_max,
            held: Vec::new(),
            claims: Vec::new(),
            closed: false,
            number: 0,
            queue,
        }
    }

    fn step(&mut self, script: &mut Script<'_>) {
        match script.roll(16) {
            0..=3 => self.enqueue(script),
            4 | 5 => self.batch(script),
            6 => self.claim(script),
            7 | 8 => self.settle_claim(script),
            9 | 10 => self.dequeue(),
            11 | 12 => self.drain(script.roll(6)),
            13 => drop((!self.held.is_empty()).then(|| self.held.swap_remove(script.roll(self.held.len())))),
            14 => {
                // Another consumer goes on where this one stopped.
                self.consumer = None;
                self.consumer = Some(self.queue.consumer().expect("the seat is free again"));
            }
            _ if script.roll(8) == 0 => {
                self.queue.close();
                self.closed = true;
            }
            _ => {}
        }
    }

    fn in_use(&self) -> usize {
        self.lanes.iter().map(VecDeque::len).sum::<usize>() + self.held.len() + self.claims.len()
    }

    fn used(&self, lane: usize) -> usize {
        self.lanes[lane].iter().filter(|(_, first)| *first).count()
    }

    fn meta(&mut self) -> Meta {
        self.number += 1;
        Meta { tag: self.number, stamp: !self.number }
    }

    /// Whether an answer of a single enqueue is the right one.
    fn judge(&self, lane: usize, len: usize, answer: Result<(), Error>) {
        let full = self.lanes.get(lane).is_some() && self.used(lane) == self.cells[lane];
        let allowed = match answer {
            Err(Error::NoSuchLane { .. }) => lane >= self.cells.len(),
            Err(Error::Empty) => lane < self.cells.len() && len == 0,
            Err(Error::TooLarge { .. }) => lane < self.cells.len() && len > BYTES_MAX,
            Err(Error::Closed) => self.closed,
            Err(Error::Full) => full,
            Err(Error::NoMemory) => self.in_use() == self.buffers,
            Ok(()) => !self.closed && !full && self.in_use() < self.buffers && (1..=BYTES_MAX).contains(&len),
            ref other => panic!("{other:?}"),
        };
        assert!(allowed, "{answer:?} to {len} bytes for lane {lane}");
    }

    fn enqueue(&mut self, script: &mut Script<'_>) {
        // One lane too many, and lengths beyond both ends.
        let (lane, len) = (script.roll(self.cells.len() + 1), script.roll(BYTES_MAX + 2));
        let meta = self.meta();
        let (id, bytes) = (LaneId::new(lane as u8), payload(meta, len));
        let answer = match script.roll(3) {
            2 => self.queue.enqueue(id, &bytes, meta),
            n => self.producers[n].enqueue(id, &bytes, meta),
        };
        self.judge(lane, len, answer.clone());
        if answer.is_ok() {
            self.lanes[lane].push_back((meta, true));
        }
    }

    fn batch(&mut self, script: &mut Script<'_>) {
        let (lane, count) = (script.roll(self.cells.len()), script.roll(12));
        let metas: Vec<Meta> = (0..count).map(|_| self.meta()).collect();
        let bytes: Vec<Vec<u8>> =
            metas.iter().map(|meta| payload(*meta, 1 + script.roll(BYTES_MAX))).collect();
        let items: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
        let id = LaneId::new(lane as u8);
        let (done, refused) = match script.roll(3) {
            2 => self.queue.enqueue_batch(id, &items, |n| metas[n]),
            n => self.producers[n].enqueue_batch(id, &items, |at| metas[at]),
        };
        for (position, meta) in metas[..done].iter().enumerate() {
            self.lanes[lane].push_back((*meta, position % self.run_max == 0));
        }
        assert!(self.used(lane) <= self.cells[lane], "more than there are cells");
        match refused {
            None => assert_eq!(done, count),
            Some(error) => {
                assert!(done < count);
                assert!(error == Error::Full || done == 0 || !self.closed, "{error}");
                self.judge(lane, 1, Err(error));
            }
        }
    }

    fn claim(&mut self, script: &mut Script<'_>) {
        let (lane, len) = (script.roll(self.cells.len() + 1), script.roll(BYTES_MAX + 2));
        match self.queue.claim(len, LaneId::new(lane as u8)) {
            Ok(claim) => {
                assert!(lane < self.cells.len() && !self.closed && claim.len() == len);
                self.claims.push(claim.into_handle());
            }
            Err(error) => {
                assert_ne!(error, Error::Full, "only a commit can tell");
                self.judge(lane, len, Err(error));
            }
        }
    }

    /// Commits, aborts, or offers a number that is no handle.
    fn settle_claim(&mut self, script: &mut Script<'_>) {
        if self.claims.is_empty() || script.roll(4) == 0 {
            let wrong = Handle::from_raw(script.word());
            if !self.claims.contains(&wrong) {
                assert!(Claim::adopt_as_claimed(&self.queue, wrong).is_err());
            }
            return;
        }
        let handle = self.claims.swap_remove(script.roll(self.claims.len()));
        let lane = script.roll(self.cells.len());
        let mut claim = Claim::adopt(&self.queue, handle, LaneId::new(lane as u8)).expect("a handle of ours");
        assert!(Claim::adopt_as_claimed(&self.queue, handle).is_err(), "adopted twice");
        if script.roll(3) == 0 {
            return;
        }
        let (len, meta) = (script.roll(BYTES_MAX) + 1, self.meta());
        claim.set_len(len).expect("within the maximum");
        claim.copy_from_slice(&payload(meta, len));
        match claim.commit(meta) {
            Ok(()) => {
                assert!(!self.closed && self.used(lane) < self.cells[lane]);
                self.lanes[lane].push_back((meta, true));
            }
            Err((claim, error)) => {
                let right = if self.closed { Error::Closed } else { Error::Full };
                assert!(error == right && (self.closed || self.used(lane) == self.cells[lane]), "{error}");
                self.claims.push(claim.into_handle());
            }
        }
    }

    /// The most urgent lane that has something.
    fn next(&mut self) -> Option<Meta> {
        self.lanes.iter_mut().find_map(VecDeque::pop_front).map(|(meta, _)| meta)
    }

    fn dequeue(&mut self) {
        let found = self.consumer.as_mut().and_then(Consumer::dequeue);
        assert_eq!(found.as_ref().map(Item::meta), self.next());
        if let Some(item) = found {
            assert_eq!(&*item, payload(item.meta(), item.len()));
            self.held.push(item);
        }
    }

    fn drain(&mut self, max: usize) {
        let mut found = Vec::new();
        let keep = |item: duochain::queue::ItemRef<'_>| {
            assert_eq!(&*item, payload(item.meta(), item.len()));
            found.push(item.meta());
        };
        let count = self.consumer.as_mut().map_or(0, |consumer| consumer.drain(max, keep));
        assert_eq!(count, found.len());
        // A lane is drained before the next, so this is the order of single takes too.
        let expected: Vec<Meta> = (0..max).map_while(|_| self.next()).collect();
        assert_eq!(found, expected);
    }

    fn compare(&self) {
        for (lane, waiting) in self.lanes.iter().enumerate() {
            assert_eq!(self.queue.lane_len(LaneId::new(lane as u8)), waiting.len());
        }
        let stats = self.queue.stats();
        assert_eq!(stats.pool.in_use, self.in_use() as u64);
        assert!(stats.lanes.iter().all(|lane| lane.accepted - lane.dequeued == lane.depth));
        let ended = self.consumer.as_ref().is_some_and(Consumer::is_ended);
        assert_eq!(ended, self.closed && self.queue.is_empty());
    }

    fn end(mut self) {
        self.drain(self.queue.len() + 1);
        for handle in std::mem::take(&mut self.claims) {
            self.queue.pool().release(handle).expect("a handle of ours");
        }
        self.held.clear();
        self.compare();
    }
}
