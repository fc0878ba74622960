//! Many seeds on all cores: progress, violations with their options, a summary.

use crate::options::Options;
use duochain::sim::Report;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Violations that are printed with their options; more are only counted.
const PRINTED_MAX: u64 = 10;

/// What the runs so far were like.
#[derive(Default)]
struct Tally {
    done: u64,
    /// How often each checker spoke, and the first seed.
    violations: BTreeMap<&'static str, (u64, u64)>,
    counts: BTreeMap<&'static str, u64>,
    events: u64,
    results: u64,
    virtual_time: Duration,
    slowest: Duration,
    printed: Option<Instant>,
}

/// Runs every seed of the range. `false` if a checker spoke.
pub fn run(
    seeds: Range<u64>,
    simulate: impl Fn(u64) -> Report + Sync,
    options: &Options,
) -> io::Result<bool> {
    // A panic of a run is a violation like others; where it was is part of the trace of its seed.
    std::panic::set_hook(Box::new(|_| {}));
    let begun = now();
    let next = AtomicU64::new(seeds.start);
    let tally = Mutex::new(Tally::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                // Relaxed: each number is taken once, whatever the order.
                while let Some(seed) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < seeds.end)
                {
                    let report = simulate(seed);
                    let mut tally = tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    tally.add(seed, &report, seeds.end - seeds.start, begun);
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    tally.print(begun.elapsed(), options.world.words().0)?;
    Ok(tally.violations.is_empty())
}

#[expect(clippy::disallowed_methods, reason = "progress of a program, not of a simulated one")]
fn now() -> Instant {
    Instant::now()
}

impl Tally {
    fn add(&mut self, seed: u64, report: &Report, of: u64, begun: Instant) {
        self.done += 1;
        self.events += report.events;
        self.results += report.results;
        self.virtual_time += report.virtual_time;
        self.slowest = self.slowest.max(report.convergence.unwrap_or_default());
        for (what, times) in &report.counts {
            *self.counts.entry(what).or_default() += times;
        }
        if let Some(violation) = &report.violation {
            let (count, first) = self.violations.entry(violation.checker).or_insert((0, seed));
            (*count, *first) = (*count + 1, seed.min(*first));
            if self.failed() <= PRINTED_MAX {
                let _ = writeln!(io::stdout(), "VIOLATION seed {seed}: {violation}\n{}\n", report.options);
            }
        }
        let is_due = self.printed.is_none_or(|at| at.elapsed() > Duration::from_secs(1));
        if is_due || self.done == of {
            self.printed = Some(now());
            let end = if io::stderr().is_terminal() { '\r' } else { '\n' };
            let found = self.failed();
            let seconds = begun.elapsed().as_secs_f64();
            let _ =
                write!(io::stderr(), "{}/{of} seeds, {found} violations, {seconds:.0} s   {end}", self.done);
        }
    }

    /// Runs that a checker spoke about.
    fn failed(&self) -> u64 {
        self.violations.values().map(|(count, _)| count).sum()
    }

    fn print(&self, took: Duration, results: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let rate = self.events as f64 / took.as_secs_f64() / 1e6;
        writeln!(
            out,
            "{} seeds in {:.1} s: {} events ({rate:.2} M/s), {:.0} virtual seconds, {} {results}, slowest \
             convergence {:.1} s",
            self.done,
            took.as_secs_f64(),
            self.events,
            self.virtual_time.as_secs_f64(),
            self.results,
            self.slowest.as_secs_f64()
        )?;
        let happened: Vec<String> =
            self.counts.iter().map(|(what, times)| format!("{what} {times}")).collect();
        writeln!(out, "what happened: {}", happened.join(", "))?;
        for (checker, (count, first)) in &self.violations {
            writeln!(out, "{count} violations by {checker}, first at seed {first}")?;
        }
        let failed = self.failed();
        writeln!(out, "{} passed, {failed} failed", self.done - failed)
    }
}
