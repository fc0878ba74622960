//! Whether a leader stays one at full load while disks stall: three processes of ours on loopback, for ten minutes.
//!
//! Every tenth flush of each of them takes 100 ms longer. Whoever leads takes batches of 1,000 entries of 256 B, 16 under way,
//! without a pause. One leader needs one term, so a second term is an election that nobody needed. The rate stands beside
//! that of the same processes without stalls, for a fifth of the time, which shows that the load was a load.

mod node;

use super::Plan;
use crate::record::{Better, Row};
use crate::sample::Samples;
use crate::scenario::{self, OURS, Peer, Scenario};
use crate::scratch::Scratch;
use crate::{AnyError, versions};
pub(crate) use node::{NODE, run as run_node};
use node::{Node, Report};
use std::io::Write;
use std::thread;
use std::time::Duration;

const NODES: usize = 3;
/// Seconds under load.
const SECONDS: usize = 600;
/// Until the first leader is settled, and what each node had to make ready is made.
const SETTLE: Duration = Duration::from_secs(5);
/// Between two looks.
const LOOK_SECONDS: usize = 30;
const DELAY: Duration = Duration::from_millis(100);
/// One flush of so many is slow.
const EVERY: usize = 10;

const ONE: &str = "one leader";
const SMOOTH: &str = "disks without stalls";

// G6b of the replicated log.
const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "terms, disks that stall for 100 ms",
        unit: "terms",
        better: Better::Lower,
        peers: &[Peer::floor(ONE).ours_at_most(1.0)],
    },
    Scenario {
        name: "batches of 1,000, disks that stall for 100 ms",
        unit: "entries/s",
        better: Better::Higher,
        peers: &[Peer::floor(SMOOTH)],
    },
    // One thread sends to one peer: at 100 % it is what holds the log up.
    Scenario {
        name: "busiest sender, disks that stall for 100 ms",
        unit: "% of its time",
        better: Better::Lower,
        peers: &[Peer::floor(SMOOTH)],
    },
];

/// Watches a leader, with stalls and without.
pub(crate) fn run(plan: Plan) -> Result<Vec<Row>, AnyError> {
    let mut samples = Samples::default();
    [ONE, SMOOTH].iter().try_for_each(|side| {
        samples.set_version(side, &versions::locked("duochain")?);
        Ok::<_, AnyError>(())
    })?;
    let seconds = plan.count(SECONDS);
    let seen = watch(DELAY, seconds)?;
    samples.add(SCENARIOS[0].name, OURS, seen.terms);
    samples.add(SCENARIOS[0].name, ONE, 1.0);
    samples.add(SCENARIOS[1].name, OURS, seen.entries_a_second);
    samples.add(SCENARIOS[2].name, OURS, seen.sending_percent);
    let seen = watch(Duration::ZERO, seconds / 5)?;
    samples.add(SCENARIOS[1].name, SMOOTH, seen.entries_a_second);
    samples.add(SCENARIOS[2].name, SMOOTH, seen.sending_percent);
    scenario::rows(SCENARIOS, &samples)
}

/// What a run shows.
struct Seen {
    terms: f64,
    entries_a_second: f64,
    sending_percent: f64,
}

/// Three processes under load for that time.
fn watch(delay: Duration, seconds: usize) -> Result<Seen, AnyError> {
    let scratch = Scratch::new("stability")?;
    let addresses = super::replication::addresses(NODES)?;
    let library = super::replication::slow_sync(&scratch)?;
    let start = |number| Node::start(&scratch, number, &addresses, (&library, delay, EVERY));
    let mut nodes = (1..=addresses.len()).map(start).collect::<Result<Vec<_>, _>>()?;
    for node in &mut nodes {
        node.wait_up()?;
    }
    thread::sleep(SETTLE);
    let first = furthest(&mut nodes)?;
    let mut last = first;
    for looked in (0..seconds).step_by(LOOK_SECONDS) {
        let span = LOOK_SECONDS.min(seconds - looked);
        thread::sleep(Duration::from_secs(span as u64));
        last = furthest(&mut nodes)?;
        let (at, terms) = (looked + span, last.term - first.term + 1);
        writeln!(std::io::stderr(), "stability: {at} of {seconds} s, {terms} terms, entry {}", last.commit)?;
    }
    // One that has stopped leaves its share of the machine to the others.
    for node in &mut nodes {
        if node.report()?.commit <= first.commit {
            return Err("a node does not follow any more".into());
        }
    }
    let sending = last.sending.saturating_sub(first.sending).as_secs_f64();
    Ok(Seen {
        terms: (last.term - first.term + 1) as f64,
        entries_a_second: (last.commit - first.commit) as f64 / seconds as f64,
        sending_percent: 100.0 * sending / seconds as f64,
    })
}

/// The latest term, the furthest commit and the busiest sender of all.
fn furthest(nodes: &mut [Node]) -> Result<Report, AnyError> {
    let mut furthest = Report::default();
    for node in nodes {
        let report = node.report()?;
        furthest.term = furthest.term.max(report.term);
        furthest.commit = furthest.commit.max(report.commit);
        furthest.sending = furthest.sending.max(report.sending);
    }
    Ok(furthest)
}
