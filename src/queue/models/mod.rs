//! Every interleaving of small uses of the ring, the signals and the queue.
//!
//! `make test-models`
//!
//! A model that never uses a cell in a second lap, or never meets a full ring or a late producer, would
//! pass a broken ring. So cells are used up before the threads start, and each model counts in how many
//! executions its situation came up. The mutants prove that the models can fail.

mod handles;
mod rings;
mod signals;

use super::ring::{Ring, Taken};
use crate::sync::UnsafeCell;
use loom::model::Builder;
use loom::thread;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const ITEMS_MAX: usize = 16;

/// A ring of numbers below [`ITEMS_MAX`], each with contents that loom guards.
struct Rig {
    ring: Ring,
    contents: Vec<UnsafeCell<u32>>,
}

impl Rig {
    /// `start` tickets are already used up, so that a few items reach a later lap.
    fn new(cells: usize, start: u64) -> Arc<Self> {
        let ring = Ring::new(cells);
        let (mut hint, mut head) = (0, 0);
        for _ in 0..start {
            ring.push(&mut hint, 0).unwrap();
            assert!(matches!(ring.take_alone(&mut head), Taken::Buffer { .. }));
        }
        Arc::new(Self { ring, contents: (0..ITEMS_MAX).map(|_| UnsafeCell::new(0)).collect() })
    }

    fn write(&self, item: u32) {
        // SAFETY: the model checks that nobody else looks before the item is published.
        self.contents[item as usize].with_mut(|content| unsafe { *content = item + 1 });
    }

    fn read(&self, item: u32) {
        // SAFETY: the model checks that the producer is done with it.
        let content = self.contents[item as usize].with(|content| unsafe { *content });
        assert_eq!(content, item + 1, "contents arrived");
    }

    fn push_or_wait(&self, hint: &mut u64, item: u32) {
        self.write(item);
        while self.ring.push(hint, item).is_err() {
            thread::yield_now();
        }
    }
}

/// Explores executions with up to `preemptions` switches away from a thread that could go on. Loops that
/// wait for another thread need more branches than usual.
pub(in crate::queue) fn bounded(preemptions: usize) -> Builder {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 20_000;
    builder
}

/// How many executions there were, and in how many the wanted situation came up. Outside of the model.
#[derive(Default)]
pub(in crate::queue) struct Coverage {
    runs: AtomicUsize,
    wanted: AtomicUsize,
}

impl Coverage {
    pub(in crate::queue) fn note(&self, wanted: bool) {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.wanted.fetch_add(usize::from(wanted), Ordering::Relaxed);
    }

    /// Shows the coverage (`--nocapture`) and refuses a model that proves nothing.
    pub(in crate::queue) fn report(&self, what: &str) {
        use std::io::Write;
        let (runs, wanted) = (self.runs.load(Ordering::Relaxed), self.wanted.load(Ordering::Relaxed));
        let _ = writeln!(std::io::stderr(), "{what}: {runs} executions, {wanted} reached the situation");
        assert!(runs > 100, "{runs} executions of {what}");
        assert!(wanted * 20 > runs, "{wanted} of {runs} executions of {what} reached the situation");
    }
}
