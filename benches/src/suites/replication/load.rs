//! What is asked of a replicated log: batches, so many under way, from one thread.

use super::{MIB, Side};
use crate::AnyError;
use crate::sample::quantile;
use duochain::env::{Clock, SystemClock};
use duochain::types::Tick;
use std::collections::VecDeque;
use std::time::Duration;

pub(super) const ENTRY_BYTES: usize = 256;

/// One kind of load.
#[derive(Clone, Copy)]
pub(super) struct Load {
    /// Entries of a batch.
    pub(super) batch: usize,
    /// Batches under way.
    pub(super) window: usize,
    /// Batches of a repetition.
    pub(super) count: usize,
    /// Entries a second at a fixed pace; `None`: as fast as the window allows.
    pub(super) pace: Option<f64>,
}

/// What came of it.
pub(super) struct Figures {
    pub(super) entries_a_second: f64,
    /// From the handing over of a batch to its commit.
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    /// The most that the leader held.
    pub(super) held_mib: f64,
}

struct Run<'a> {
    side: &'a mut dyn Side,
    clock: SystemClock,
    /// Place and begin of what is under way.
    under_way: VecDeque<(u64, Tick)>,
    committed: u64,
    millis: Vec<f64>,
    held: usize,
}

impl Run<'_> {
    /// Waits until the oldest batch is committed.
    fn wait(&mut self) -> Result<(), AnyError> {
        self.committed = self.side.wait(self.committed)?;
        let now = self.clock.now();
        let done = self.under_way.partition_point(|(place, _)| *place <= self.committed);
        for (_, begun) in self.under_way.drain(..done) {
            self.millis.push(now.since(begun).as_secs_f64() * 1e3);
        }
        Ok(())
    }
}

/// Batches between two looks at what the leader holds.
const HELD_EVERY: u64 = 16;

/// 512 MiB go first, so that files are used again instead of laid out, as they are for most of a node's life.
const WARM_UP: Load = Load { batch: 1_000, window: 16, count: 2_000, pace: None };

/// Runs the load behind what makes files ready.
pub(super) fn run(side: &mut dyn Side, load: Load) -> Result<Figures, AnyError> {
    run_once(side, WARM_UP)?;
    run_once(side, load)
}

/// Runs the load alone. A tenth of it goes before, for caches and connections.
pub(super) fn run_once(side: &mut dyn Side, load: Load) -> Result<Figures, AnyError> {
    let payload: Vec<u8> = (0..load.batch * ENTRY_BYTES).map(|at| (at * 31 % 251) as u8).collect();
    let entries: Vec<&[u8]> = payload.chunks(ENTRY_BYTES).collect();
    let clock = SystemClock::new();
    let mut run = Run { side, clock, under_way: VecDeque::new(), committed: 0, millis: Vec::new(), held: 0 };
    let before = load.count / 10 + load.window;
    let mut begun = run.clock.now();
    for number in 0..before + load.count {
        if number == before {
            while !run.under_way.is_empty() {
                run.wait()?;
            }
            run.millis.clear();
            begun = run.clock.now();
        }
        while run.under_way.len() >= load.window {
            run.wait()?;
        }
        if let (Some(pace), Some(at)) = (load.pace, number.checked_sub(before)) {
            // Late ones are not left out, and count from when they were due.
            let due = begun.after(Duration::from_secs_f64((at * load.batch) as f64 / pace));
            while run.clock.now() < due {
                match run.under_way.is_empty() {
                    true => std::thread::yield_now(),
                    false => run.wait()?,
                }
            }
            run.submit(&entries, due)?;
        } else {
            let now = run.clock.now();
            run.submit(&entries, now)?;
        }
    }
    while !run.under_way.is_empty() {
        run.wait()?;
    }
    let seconds = run.clock.now().since(begun).as_secs_f64();
    run.side.settle()?;
    run.millis.sort_by(f64::total_cmp);
    let at = |share| quantile(&run.millis, share).ok_or("no batch was committed");
    Ok(Figures {
        entries_a_second: (load.count * load.batch) as f64 / seconds,
        p50_ms: at(0.5)?,
        p99_ms: at(0.99)?,
        held_mib: run.held as f64 / MIB,
    })
}

impl Run<'_> {
    fn submit(&mut self, entries: &[&[u8]], begun: Tick) -> Result<(), AnyError> {
        let place = self.side.submit(entries)?;
        self.under_way.push_back((place, begun));
        if place.is_multiple_of(HELD_EVERY) {
            self.held = self.held.max(self.side.held());
        }
        Ok(())
    }
}
