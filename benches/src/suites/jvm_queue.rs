//! Queues inside a JVM, on every JDK that is there.
//!
//! # Model
//! A side's round is a JVM of its own (`benches/jvm/.../queues`): single calls on one thread first, then
//! threads that put in for a while and threads that take out until all has arrived. Every item is accounted
//! for. Sides take turns, a round each; each run within a round has a longer one for the compiler before it.
//!
//! Ours copies each item out of the Java heap, through JNI or into a shared lane, and the consumer reads it in
//! place. Of 8 bytes,
//! queues of references get objects that were made beforehand; of 256, a clone each. The two rings of the
//! peers copy as ours does.

use super::Plan;
use crate::jvm::Jdk;
use crate::record::{Better, Row};
use crate::sample::{Samples, turns};
use crate::scenario::{OURS, Peer, Scenario, rows};
use crate::{AnyError, artefact, guest, jvm, paths};

const MPSC: &str = "JCTools MpscArrayQueue";
const MPMC: &str = "JCTools MpmcArrayQueue";
const AGRONA_RING: &str = "Agrona ManyToOneRingBuffer";
const AGRONA_QUEUE: &str = "Agrona ManyToOneConcurrentArrayQueue";
const DISRUPTOR: &str = "LMAX Disruptor";
const BLOCKING: &str = "ArrayBlockingQueue";
const LINKED: &str = "ConcurrentLinkedQueue (unbounded)";

/// Ours again, with scenarios of its own, in which it goes by the name of ours.
const SHARED: &str = "duochain, shared lane";

/// What tells its scenarios from the plain ones.
const SHARED_FORM: &str = ", shared lane";

const SIDES: [&str; 9] = [OURS, SHARED, MPSC, MPMC, AGRONA_RING, AGRONA_QUEUE, DISRUPTOR, BLOCKING, LINKED];
/// They are parts of the JDK.
const OF_THE_JDK: [&str; 3] = [OURS, BLOCKING, LINKED];

/// One consumer.
const MANY_TO_ONE: &[Peer] = &[
    Peer::new(MPSC),
    Peer::new(MPMC),
    Peer::new(AGRONA_RING),
    Peer::new(AGRONA_QUEUE),
    Peer::new(DISRUPTOR),
    Peer::new(BLOCKING),
    Peer::new(LINKED),
];
/// Several consumers that share the items.
const MANY_TO_MANY: &[Peer] = &[Peer::new(MPMC), Peer::new(BLOCKING), Peer::new(LINKED)];
/// Those that take batches.
const BATCHES: &[Peer] = &[Peer::new(MPSC), Peer::new(DISRUPTOR)];
/// What a crossing may cost.
const PUT: &[Peer] = &[
    Peer::new(MPSC).ours_at_most(100.0),
    Peer::new(MPMC),
    Peer::new(AGRONA_RING),
    Peer::new(AGRONA_QUEUE),
    Peer::new(DISRUPTOR),
    Peer::new(BLOCKING),
    Peer::new(LINKED),
];
/// What shared lanes are compared with, by the figures of the plain scenarios.
const NO_CROSSING: &[Peer] = &[Peer::new(MPSC), Peer::new(AGRONA_RING), Peer::new(DISRUPTOR)];
const PUT_SHARED: &[Peer] =
    &[Peer::new(MPSC).ratio_at_least(1.0), Peer::new(AGRONA_RING), Peer::new(DISRUPTOR)];
const PUT_BATCH: &[Peer] = &[Peer::new(MPSC).ours_at_most(15.0), Peer::new(DISRUPTOR)];

const fn time(name: &'static str, peers: &'static [Peer]) -> Scenario {
    Scenario { name, unit: "ns", better: Better::Lower, peers }
}

const fn rate(name: &'static str, peers: &'static [Peer]) -> Scenario {
    Scenario { name, unit: "M/s", better: Better::Higher, peers }
}

/// The names are those that `Queues.java` prints.
macro_rules! scenarios {
    ($jdk:literal) => {
        [
            time(concat!($jdk, ", 8 B: put"), PUT),
            time(concat!($jdk, ", 8 B: take"), MANY_TO_ONE),
            rate(concat!($jdk, ", 8 B: 1P1C"), MANY_TO_ONE),
            rate(concat!($jdk, ", 8 B: 2P1C"), MANY_TO_ONE),
            rate(concat!($jdk, ", 8 B: 4P1C"), MANY_TO_ONE),
            rate(concat!($jdk, ", 8 B: 64P1C"), MANY_TO_ONE),
            rate(concat!($jdk, ", 8 B: 4P4C"), MANY_TO_MANY),
            time(concat!($jdk, ", 8 B by 16: put"), PUT_BATCH),
            rate(concat!($jdk, ", 8 B by 16: 1P1C"), BATCHES),
            rate(concat!($jdk, ", 8 B by 16: 4P1C"), BATCHES),
            time(concat!($jdk, ", 256 B: put"), PUT),
            time(concat!($jdk, ", 256 B: take"), MANY_TO_ONE),
            rate(concat!($jdk, ", 256 B: 1P1C"), MANY_TO_ONE),
            rate(concat!($jdk, ", 256 B: 4P1C"), MANY_TO_ONE),
            time(concat!($jdk, ", 256 B by 16: put"), PUT_BATCH),
            rate(concat!($jdk, ", 256 B by 16: 1P1C"), BATCHES),
            rate(concat!($jdk, ", 256 B by 16: 4P1C"), BATCHES),
            time(concat!($jdk, ", 8 B, shared lane: put"), PUT_SHARED),
            rate(concat!($jdk, ", 8 B, shared lane: 1P1C"), NO_CROSSING),
            rate(concat!($jdk, ", 8 B, shared lane: 4P1C"), NO_CROSSING),
            rate(concat!($jdk, ", 8 B, shared lane: 64P1C"), NO_CROSSING),
            time(concat!($jdk, ", 256 B, shared lane: put"), PUT_SHARED),
            rate(concat!($jdk, ", 256 B, shared lane: 4P1C"), NO_CROSSING),
        ]
    };
}

const ON_17: [Scenario; 23] = scenarios!("JDK 17");
const ON_25: [Scenario; 23] = scenarios!("JDK 25");

/// Measures on all JDKs.
pub(crate) fn run(plan: Plan) -> Result<Vec<Row>, AnyError> {
    let library = artefact::jni_library()?;
    let class_path = jvm::class_path(&paths::workshop("jvm-queue")?)?;
    let jdks = Jdk::all()?;
    let rounds = if plan.quick { 1 } else { 5 };
    let mut samples = Samples::default();
    for round in 0..rounds {
        for jdk in &jdks {
            for side in turns(SIDES.len(), round) {
                let mut command = jdk.java(&library, &class_path);
                command.args(["-Xms2g", "-Xmx2g", "io.duochain.benches.queues.Queues"]);
                command.args([SIDES[side], jdk.label, if plan.quick { "40" } else { "150" }]);
                guest::measure(command, &mut samples)?;
            }
        }
    }
    let versions = jvm::versions(&jdks)?;
    for side in OF_THE_JDK {
        samples.set_version(side, &versions);
    }
    let scenarios = scenarios(&jdks);
    lend_figures(&scenarios, &mut samples)?;
    rows(&scenarios, &samples)
}

/// A peer does the same whichever form of ours it is compared with.
fn lend_figures(scenarios: &[Scenario], samples: &mut Samples) -> Result<(), AnyError> {
    for scenario in scenarios.iter().filter(|scenario| scenario.name.contains(SHARED_FORM)) {
        let plain = scenario.name.replace(SHARED_FORM, "");
        for peer in scenario.peers {
            for value in samples.values(&plain, peer.name)?.to_vec() {
                samples.add(scenario.name, peer.name, value);
            }
        }
    }
    Ok(())
}

fn scenarios(jdks: &[Jdk]) -> Vec<Scenario> {
    let of = |jdk: &Jdk| if jdk.label == "JDK 17" { ON_17 } else { ON_25 };
    jdks.iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn guest_and_table_use_the_same_names_of_sides() {
        let folder = paths::root().join("benches/jvm/src/io/duochain/benches/queues");
        let mut text = String::new();
        for entry in std::fs::read_dir(folder).expect("the guest's folder") {
            text += &std::fs::read_to_string(entry.expect("readable").path()).expect("a source");
        }
        for side in SIDES {
            assert!(text.contains(&format!("\"{side}\"")), "Java does not know '{side}'");
        }
    }

    #[test]
    fn shared_lanes_are_compared_with_figures_of_the_plain_scenarios() {
        let scenarios: Vec<Scenario> = ON_17.to_vec();
        let mut samples = Samples::default();
        for scenario in &scenarios {
            samples.add(scenario.name, OURS, 1.0);
            if !scenario.name.contains(SHARED_FORM) {
                scenario.peers.iter().for_each(|peer| samples.add(scenario.name, peer.name, 2.0));
            }
        }
        SIDES.iter().for_each(|side| samples.set_version(side, "1"));
        lend_figures(&scenarios, &mut samples).expect("every plain scenario is there");
        let rows = rows(&scenarios, &samples).expect("no gap is left");
        assert_eq!(rows.iter().filter(|row| row.scenario.contains(SHARED_FORM)).count(), 18);
    }

    #[test]
    fn scenarios_have_names_of_their_own_and_known_sides() {
        let all = [ON_17, ON_25].concat();
        let names: BTreeSet<&str> = all.iter().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), all.len());
        let peers = all.iter().flat_map(|scenario| scenario.peers);
        assert!(peers.into_iter().all(|peer| SIDES.contains(&peer.name)));
    }
}
