//! Collecting on the producer's side, publishing in runs.

use super::{Error, ItemRef, TxQueue};
use crate::env::{Clock, SystemClock};
use crate::pool::{Meta, Run};
use crate::types::{LaneId, Tick};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// When a [`Stage`] publishes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageSettings {
    /// Once so many are staged: 1 to the queue's [`run_max`](super::QueueSettings::run_max).
    pub count: usize,
    /// Once the oldest is staged for so long, looked at during calls; zero: never, and no call reads the clock.
    pub age: Duration,
}

/// Stages transactions of one producer for one lane and publishes them together, by one compare-and-swap.
///
/// A staged transaction is copied and has its buffer, but is not accepted yet: no consumer sees it, and a
/// queue that closes leaves it here. It is accepted by the [`flush`](Self::flush) that publishes it, which
/// happens on count, on age (when some call comes; a producer that pauses calls
/// [`flush_aged`](Self::flush_aged)), on demand, and as far as the lane lets it when the stage is dropped.
/// A stage belongs to one thread at a time.
pub struct Stage {
    queue: Arc<TxQueue>,
    lane: LaneId,
    hint: u64,
    settings: StageSettings,
    run: Run,
    clock: SystemClock,
    /// When the first of `run` came, if age counts.
    begun: Option<Tick>,
}

impl Stage {
    pub(super) fn new(queue: Arc<TxQueue>, lane: LaneId, settings: StageSettings) -> Result<Self, Error> {
        queue.lane(lane)?;
        if !(1..=queue.run_max()).contains(&settings.count) {
            let (count, most) = (settings.count, queue.run_max());
            return Err(Error::Config(format!("a stage of {count}, not in 1..={most}, the queue's run_max")));
        }
        let (run, clock) = (Run::default(), SystemClock::new());
        Ok(Self { queue, lane, hint: 0, settings, run, clock, begun: None })
    }

    /// Stages a copy, and publishes if it is time to.
    ///
    /// # Errors
    /// As [`TxQueue::enqueue`]; the transaction is not staged then. [`Error::Full`] only when the stage is full
    /// and the lane refuses it. A refusal after the transaction was staged is no error: it is tried again with
    /// the next call.
    #[inline]
    pub fn enqueue(&mut self, bytes: &[u8], meta: Meta) -> Result<(), Error> {
        self.queue.admit(bytes.len())?;
        if self.run.len() == self.settings.count {
            self.flush()?;
        }
        let mut slot = match self.queue.pool().take(bytes.len()) {
            Ok(slot) => slot,
            Err(error) => return Err(self.exhausted(error.into())),
        };
        let pool = self.queue.pool();
        pool.fill(&mut slot, bytes, meta);
        pool.extend_run(&mut self.run, slot);
        if self.run.len() == self.settings.count || self.is_of_age() {
            let _tried_again_later = self.publish();
        }
        Ok(())
    }

    /// What is staged may hold the very buffers that are missing: a consumer has to see them.
    #[cold]
    fn exhausted(&mut self, error: Error) -> Error {
        let _tried_again_later = self.publish();
        self.count_refusal(error)
    }

    /// Publishes what is staged; answers how many.
    ///
    /// # Errors
    /// [`Error::Full`] and [`Error::Closed`]: everything stays staged.
    #[inline]
    pub fn flush(&mut self) -> Result<usize, Error> {
        self.publish().map_err(|error| self.count_refusal(error))
    }

    fn count_refusal(&self, error: Error) -> Error {
        if let (Error::Full | Error::NoMemory, Ok(target)) = (&error, self.queue.lane(self.lane)) {
            target.note_refused();
        }
        error
    }

    /// One attempt, without counting a refusal.
    fn publish(&mut self) -> Result<usize, Error> {
        let Self { queue, lane, hint, run, .. } = self;
        if queue.is_closed() {
            return Err(Error::Closed);
        }
        let target = queue.lane(*lane)?;
        match queue.append_run(target, hint, *lane, std::mem::take(run)) {
            Ok(count) => {
                self.begun = None;
                Ok(count)
            }
            Err((refused, error)) => {
                *run = refused;
                Err(error)
            }
        }
    }

    /// Publishes what is staged if the oldest is of age; answers how many.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub fn flush_aged(&mut self) -> Result<usize, Error> {
        if self.is_of_age() { self.flush() } else { Ok(0) }
    }

    fn is_of_age(&mut self) -> bool {
        if self.is_empty() || self.settings.age.is_zero() {
            return false;
        }
        let now = self.clock.now();
        now.since(*self.begun.get_or_insert(now)) >= self.settings.age
    }

    /// Hands what is staged back to the caller, oldest first, and forgets it.
    pub fn take_back(&mut self, mut f: impl FnMut(&[u8], Meta)) -> usize {
        self.begun = None;
        let mut count = 0;
        // The rest stays staged should the caller's code panic.
        while let Some(slot) = self.queue.pool().shift_run(&mut self.run) {
            let item = ItemRef::new(&self.queue, slot, self.lane, count as u64);
            f(&item, item.meta());
            count += 1;
        }
        count
    }

    /// How many are staged.
    pub fn len(&self) -> usize {
        self.run.len()
    }

    /// True when nothing is staged.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The lane it publishes to.
    pub const fn lane(&self) -> LaneId {
        self.lane
    }

    /// The queue it feeds.
    pub fn queue(&self) -> &Arc<TxQueue> {
        &self.queue
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if self.publish().is_err() {
            self.queue.pool().give_run(std::mem::take(&mut self.run));
        }
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").field("lane", &self.lane).field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(modelled)))]
mod tests {
    use super::super::{Consumers, QueueSettings};
    use super::*;
    use crate::pool::{ClassSettings, OverflowSettings, PoolSettings};

    const L0: LaneId = LaneId::new(0);

    fn queue(cells: usize) -> Arc<TxQueue> {
        TxQueue::new(QueueSettings {
            lane_cells: vec![cells],
            consumers: Consumers::One,
            ageing: 0,
            run_max: 8,
            transaction_bytes_max: 64,
            pool: PoolSettings {
                classes: vec![ClassSettings { buffer_bytes: 64, count_max: 64 }],
                overflow: OverflowSettings::default(),
            },
        })
        .unwrap()
    }

    fn stage(queue: &Arc<TxQueue>, count: usize, age: Duration) -> Stage {
        queue.stage(L0, StageSettings { count, age }).unwrap()
    }

    fn drain(queue: &Arc<TxQueue>) -> Vec<u8> {
        let mut seen = Vec::new();
        queue.consumer().unwrap().drain(usize::MAX, |item| seen.extend_from_slice(&item));
        seen
    }

    #[test]
    fn what_is_staged_shows_when_it_is_flushed() {
        let queue = queue(4);
        let mut stage = stage(&queue, 3, Duration::ZERO);
        for byte in b"abcde" {
            stage.enqueue(&[*byte], Meta::default()).unwrap();
        }
        assert_eq!((stage.len(), queue.len()), (2, 3));
        assert_eq!(drain(&queue), b"abc");
        assert_eq!((stage.flush(), stage.flush()), (Ok(2), Ok(0)));
        assert_eq!(drain(&queue), b"de");
        stage.enqueue(b"f", Meta::default()).unwrap();
        drop(stage);
        assert_eq!(drain(&queue), b"f");
    }

    #[test]
    fn age_publishes_with_the_next_call() {
        let queue = queue(4);
        let mut patient = stage(&queue, 8, Duration::MAX);
        patient.enqueue(b"x", Meta::default()).unwrap();
        assert_eq!((patient.flush_aged(), patient.len()), (Ok(0), 1));
        let mut eager = stage(&queue, 8, Duration::from_nanos(1));
        eager.enqueue(b"a", Meta::default()).unwrap();
        while eager.flush_aged().unwrap() == 0 && !eager.is_empty() {}
        assert_eq!(drain(&queue), b"a");
    }

    #[test]
    fn a_full_lane_leaves_everything_staged_and_refuses_beyond_that() {
        let queue = queue(1);
        queue.enqueue(L0, b"-", Meta::default()).unwrap();
        let mut stage = stage(&queue, 2, Duration::ZERO);
        for byte in b"ab" {
            stage.enqueue(&[*byte], Meta::default()).unwrap();
        }
        assert_eq!(stage.enqueue(b"c", Meta::default()), Err(Error::Full));
        assert_eq!((stage.flush(), stage.len()), (Err(Error::Full), 2));
        assert_eq!(drain(&queue), b"-");
        stage.enqueue(b"c", Meta::default()).unwrap();
        assert_eq!((drain(&queue), stage.len()), (b"ab".to_vec(), 1));
    }

    #[test]
    fn what_a_closed_queue_does_not_take_can_be_had_back() {
        let queue = queue(4);
        let mut stage = stage(&queue, 8, Duration::ZERO);
        for (tag, byte) in b"abc".iter().enumerate() {
            stage.enqueue(&[*byte], Meta { tag: tag as u64, stamp: 1 }).unwrap();
        }
        queue.close();
        assert_eq!(stage.enqueue(b"d", Meta::default()), Err(Error::Closed));
        assert_eq!((stage.flush(), stage.len()), (Err(Error::Closed), 3));
        let mut back = Vec::new();
        assert_eq!(stage.take_back(|bytes, meta| back.push((bytes[0], meta.tag))), 3);
        assert_eq!(back, [(b'a', 0), (b'b', 1), (b'c', 2)]);
        assert_eq!((stage.take_back(|_, _| ()), queue.stats().pool.in_use), (0, 0));
    }

    #[test]
    fn a_dry_pool_makes_the_stage_publish() {
        let queue = queue(64);
        let mut first = stage(&queue, 8, Duration::ZERO);
        first.enqueue(b"a", Meta::default()).unwrap();
        while queue.enqueue(L0, b"-", Meta::default()).is_ok() {}
        assert_eq!(first.enqueue(b"b", Meta::default()), Err(Error::NoMemory));
        assert!(first.is_empty());
        assert_eq!(drain(&queue).last(), Some(&b'a'));
        first.enqueue(b"b", Meta::default()).unwrap();
    }

    #[test]
    fn only_what_the_caller_is_told_of_counts_as_refused() {
        let queue = queue(1);
        queue.enqueue(L0, b"-", Meta::default()).unwrap();
        let mut stage = stage(&queue, 2, Duration::ZERO);
        stage.enqueue(b"a", Meta::default()).unwrap();
        stage.enqueue(b"b", Meta::default()).unwrap();
        assert_eq!(queue.stats().lanes[0].refused, 0);
        stage.enqueue(b"c", Meta::default()).unwrap_err();
        stage.flush().unwrap_err();
        assert_eq!(queue.stats().lanes[0].refused, 2);
    }

    #[test]
    fn a_panic_of_the_caller_leaves_the_rest_staged() {
        let queue = queue(4);
        let mut stage = stage(&queue, 8, Duration::ZERO);
        for byte in b"abc" {
            stage.enqueue(&[*byte], Meta::default()).unwrap();
        }
        let take = || stage.take_back(|bytes, _| assert_ne!(bytes, b"b"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(take)).is_err());
        assert_eq!((stage.len(), queue.stats().pool.in_use), (1, 1));
    }

    #[test]
    fn buffers_of_a_refused_stage_go_back_when_it_is_dropped() {
        let queue = queue(1);
        queue.enqueue(L0, b"-", Meta::default()).unwrap();
        let mut stage = stage(&queue, 8, Duration::ZERO);
        stage.enqueue(b"a", Meta::default()).unwrap();
        drop(stage);
        assert_eq!(queue.stats().pool.in_use, 1);
    }

    #[test]
    fn wrong_settings_and_transactions_are_refused() {
        let queue = queue(4);
        for count in [0, 9] {
            let refused = queue.stage(L0, StageSettings { count, age: Duration::ZERO }).unwrap_err();
            assert!(refused.to_string().contains("1..=8"), "{refused}");
        }
        let settings = StageSettings { count: 2, age: Duration::ZERO };
        assert!(matches!(queue.stage(LaneId::new(1), settings), Err(Error::NoSuchLane { .. })));
        let mut stage = stage(&queue, 2, Duration::ZERO);
        assert_eq!(stage.enqueue(b"", Meta::default()), Err(Error::Empty));
        assert_eq!(stage.enqueue(&[0; 65], Meta::default()), Err(Error::TooLarge { len: 65, max: 64 }));
        assert!(stage.is_empty());
    }
}
