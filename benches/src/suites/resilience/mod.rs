//! What policies add to a call that succeeds: ours beside those of other crates.
//!
//! A call is let through and reported; nothing is refused. The time is that of a thread, so that with two
//! threads at the same policy it shows what they cost each other. Ours read the system's clock once per call
//! where they need it; the others read what they read by themselves. Through the C interface a breaker is asked and told
//! in two calls, each of which reads the clock, and so it is in what that stands beside.

mod from_c;
mod load;
mod report;
mod side;

use super::Plan;
use crate::record::{Better, Row};
use crate::sample::{Samples, turns};
use crate::scenario::{self, OURS, Peer, Scenario};
use crate::{AnyError, versions};
use load::{cost, p99};
use side::{ClockAlone, Failsafe, OurBreaker, OurBulkhead, OurLimiter, OurStack, TheirStack};

const ROUNDS: usize = 9;
/// Calls of one thread in a repetition.
const CALLS: usize = 2_000_000;

const GOVERNOR: &str = "governor";
const RECLOSER: &str = "recloser";
const FAILSAFE: &str = "failsafe";
const TOKIO: &str = "tokio Semaphore";
const CRATES: &str = "recloser + governor + tokio";
const CLOCK: &str = "clock alone";

const fn nanos(name: &'static str, peers: &'static [Peer]) -> Scenario {
    Scenario { name, unit: "ns", better: Better::Lower, peers }
}

const CLOCK_FLOOR: Peer = Peer::floor(CLOCK);

const SCENARIOS: &[Scenario] = &[
    nanos("rate limiter: 1 thread", &[Peer::new(GOVERNOR).ours_at_most(24.0), CLOCK_FLOOR]),
    nanos("rate limiter: 2 threads", &[Peer::new(GOVERNOR).ours_at_most(54.0), CLOCK_FLOOR]),
    nanos("breaker: 1 thread", &[Peer::new(RECLOSER).ours_at_most(24.0), Peer::new(FAILSAFE), CLOCK_FLOOR]),
    nanos("breaker: 2 threads", &[Peer::new(RECLOSER).ours_at_most(58.0), Peer::new(FAILSAFE), CLOCK_FLOOR]),
    nanos("bulkhead: 1 thread", &[Peer::new(TOKIO).ours_at_most(18.0)]),
    nanos("bulkhead: 2 threads", &[Peer::new(TOKIO).ours_at_most(50.0)]),
    nanos("circuit + rate + bulkhead: 1 thread", &[Peer::new(CRATES).ours_at_most(45.0), CLOCK_FLOOR]),
    nanos("circuit + rate + bulkhead: 2 threads", &[Peer::new(CRATES).ours_at_most(160.0), CLOCK_FLOOR]),
    nanos("circuit + rate + bulkhead: p99", &[Peer::new(CRATES).ratio_at_least(1.0)]),
];

/// Nanoseconds of one call, from so many of them.
type Measure = fn(usize) -> f64;

/// A scenario's sides, and how each is measured with so many calls.
struct Part {
    scenario: usize,
    sides: &'static [(&'static str, Measure)],
}

macro_rules! sides {
    ($threads:literal: $($name:expr => $side:ty),+) => {
        &[$(($name, |calls| cost::<$side>($threads, calls))),+]
    };
}

type Semaphore = tokio::sync::Semaphore;
type Recloser = recloser::Recloser;

const PARTS: &[Part] = &[
    Part {
        scenario: 0,
        sides: sides!(1: OURS => OurLimiter, GOVERNOR => side::Governor, CLOCK => ClockAlone),
    },
    Part {
        scenario: 1,
        sides: sides!(2: OURS => OurLimiter, GOVERNOR => side::Governor, CLOCK => ClockAlone),
    },
    Part {
        scenario: 2,
        sides: sides!(1: OURS => OurBreaker, RECLOSER => Recloser, FAILSAFE => Failsafe, CLOCK => ClockAlone),
    },
    Part {
        scenario: 3,
        sides: sides!(2: OURS => OurBreaker, RECLOSER => Recloser, FAILSAFE => Failsafe, CLOCK => ClockAlone),
    },
    Part { scenario: 4, sides: sides!(1: OURS => OurBulkhead, TOKIO => Semaphore) },
    Part { scenario: 5, sides: sides!(2: OURS => OurBulkhead, TOKIO => Semaphore) },
    Part { scenario: 6, sides: sides!(1: OURS => OurStack, CRATES => TheirStack, CLOCK => ClockAlone) },
    Part { scenario: 7, sides: sides!(2: OURS => OurStack, CRATES => TheirStack, CLOCK => ClockAlone) },
    Part { scenario: 8, sides: &[(OURS, p99::<OurStack>), (CRATES, p99::<TheirStack>)] },
];

/// Measures everything, the sides of each scenario in turns.
pub(crate) fn run(plan: Plan) -> Result<Vec<Row>, AnyError> {
    let mut samples = Samples::default();
    for (side, package) in
        [(GOVERNOR, "governor"), (RECLOSER, "recloser"), (FAILSAFE, "failsafe"), (TOKIO, "tokio")]
    {
        samples.set_version(side, &versions::locked(package)?);
    }
    let crates = ["recloser", "governor", "tokio"].map(versions::locked);
    let crates: Vec<String> = crates.into_iter().collect::<Result<_, _>>()?;
    samples.set_version(CRATES, &crates.join(" + "));
    samples.set_version(CLOCK, "std");
    for Part { scenario, sides } in PARTS {
        for round in 0..plan.rounds(ROUNDS) {
            for turn in turns(sides.len(), round) {
                let (side, measure) = sides[turn];
                samples.add(SCENARIOS[*scenario].name, side, measure(plan.count(CALLS)));
            }
        }
    }
    from_c::measure(plan, &mut samples)?;
    report::measure(plan, &mut samples);
    scenario::rows(&[SCENARIOS, from_c::SCENARIOS, report::SCENARIOS].concat(), &samples)
}
