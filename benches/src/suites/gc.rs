//! What a JVM's collector does while transactions come in: objects beside pooled buffers.
//!
//! # Model
//! Four producers make 240,000 transactions a second with the sizes of a real block; a consumer takes what
//! has come every 100 ms, as a chain does for a block, and verifies identity, order and checksum of each.
//! The load is fixed and so is the heap (256 MiB), so that all sides do the same work in the same room.
//! A side's round is a JVM of its own (`benches/jvm/.../ingest`).
//!
//! Objects: a record and an array for each transaction, in a queue of references. Ours: transactions are
//! written in place into a batch outside the heap, wait in pooled buffers, and are verified in place.
//!
//! # Limits
//! Pauses are safepoints of the collector, from the JVM's own log; a microsecond stands for none at all.
//! Work that the collector does beside the threads is not in them. The p99 is of a few dozen pauses a round
//! at most, so it is the longest. Memory is the process's proportional set, once per page however often the
//! collector maps it.

use super::{Plan, node};
use crate::jvm::Jdk;
use crate::record::{Better, Row};
use crate::sample::{Samples, turns};
use crate::scenario::{OURS, Peer, Scenario, rows};
use crate::{AnyError, artefact, guest, jvm, paths};
use std::path::Path;

const BLOCKING: &str = "objects, ArrayBlockingQueue";
const JCTOOLS: &str = "objects, JCTools MpscArrayQueue";
const SIDES: [&str; 3] = [OURS, BLOCKING, JCTOOLS];

/// Transactions before their sizes repeat.
const SIZES: usize = 1 << 16;

/// 30 % less.
const PAUSE: &[Peer] = &[Peer::new(BLOCKING).ratio_at_least(1.43), Peer::new(JCTOOLS).ratio_at_least(1.43)];
/// 15 % less.
const MEMORY: &[Peer] = &[Peer::new(BLOCKING).ratio_at_least(1.18), Peer::new(JCTOOLS).ratio_at_least(1.18)];
/// Nobody gains by doing less.
const SAME: &[Peer] = &[Peer::new(BLOCKING).ratio_at_least(0.98), Peer::new(JCTOOLS).ratio_at_least(0.98)];
const PLAIN: &[Peer] = &[Peer::new(BLOCKING), Peer::new(JCTOOLS)];

const fn cost(name: &'static str, unit: &'static str, peers: &'static [Peer]) -> Scenario {
    Scenario { name, unit, better: Better::Lower, peers }
}

/// The names are those that `Ingest.java` prints.
macro_rules! scenarios {
    ($jdk:literal, $collector:literal) => {
        [
            cost(concat!($jdk, ", ", $collector, ": pauses, all"), "ms/s", PAUSE),
            cost(concat!($jdk, ", ", $collector, ": pause, p99"), "ms", PAUSE),
            cost(concat!($jdk, ", ", $collector, ": allocation"), "MB/s", PLAIN),
            cost(concat!($jdk, ", ", $collector, ": heap, peak"), "MB", MEMORY),
            cost(concat!($jdk, ", ", $collector, ": memory, peak"), "MB", MEMORY),
            Scenario {
                name: concat!($jdk, ", ", $collector, ": verified"),
                unit: "k/s",
                better: Better::Higher,
                peers: SAME,
            },
        ]
    };
}

/// A JDK, a collector, and what is said about them.
struct Setting {
    jdk: &'static str,
    label: &'static str,
    flag: &'static str,
    scenarios: [Scenario; 6],
}

macro_rules! setting {
    ($jdk:literal, $collector:literal, $flag:literal) => {
        Setting {
            jdk: $jdk,
            label: concat!($jdk, ", ", $collector),
            flag: $flag,
            scenarios: scenarios!($jdk, $collector),
        }
    };
}

const SETTINGS: [Setting; 4] = [
    setting!("JDK 17", "G1", "-XX:+UseG1GC"),
    setting!("JDK 17", "ZGC", "-XX:+UseZGC"),
    setting!("JDK 25", "G1", "-XX:+UseG1GC"),
    setting!("JDK 25", "ZGC", "-XX:+UseZGC"),
];

/// What all rounds share.
struct Bench {
    library: std::path::PathBuf,
    class_path: String,
    sizes: std::path::PathBuf,
    safepoints: std::path::PathBuf,
    millis: &'static str,
}

/// Measures every collector on every JDK.
pub(crate) fn run(plan: Plan) -> Result<Vec<Row>, AnyError> {
    let folder = paths::workshop("gc")?;
    let sizes = folder.join("sizes");
    write_sizes(&sizes)?;
    let bench = Bench {
        library: artefact::jni_library()?,
        class_path: jvm::class_path(&folder)?,
        sizes,
        safepoints: folder.join("safepoints"),
        millis: if plan.quick { "1000" } else { "2500" },
    };
    let jdks = Jdk::all()?;
    let mut samples = Samples::default();
    for round in 0..if plan.quick { 1 } else { 5 } {
        for (setting, jdk) in settings(&jdks) {
            for side in turns(SIDES.len(), round) {
                bench.round(setting, jdk, SIDES[side], &mut samples)?;
            }
        }
    }
    let versions = jvm::versions(&jdks)?;
    for side in SIDES {
        samples.set_version(side, &versions);
    }
    let scenarios: Vec<Scenario> = settings(&jdks).flat_map(|(setting, _)| setting.scenarios).collect();
    rows(&scenarios, &samples)
}

fn settings(jdks: &[Jdk]) -> impl Iterator<Item = (&'static Setting, &Jdk)> {
    const ALL: &[Setting] = &SETTINGS;
    jdks.iter().flat_map(|jdk| {
        ALL.iter().filter(|setting| setting.jdk == jdk.label).map(move |setting| (setting, jdk))
    })
}

fn write_sizes(file: &Path) -> Result<(), AnyError> {
    let lines: Vec<String> = node::real_sizes(SIZES).iter().map(ToString::to_string).collect();
    Ok(std::fs::write(file, lines.join("\n") + "\n")?)
}

impl Bench {
    fn round(&self, setting: &Setting, jdk: &Jdk, side: &str, samples: &mut Samples) -> Result<(), AnyError> {
        let mut command = jdk.java(&self.library, &self.class_path);
        command.args(["-Xms256m", "-Xmx256m", setting.flag, "-Xlog:disable"]);
        command.arg(format!("-Xlog:safepoint:file={}:uptimenanos", self.safepoints.display()));
        command.args(["io.duochain.benches.ingest.Ingest", side, setting.label]);
        command.arg(&self.sizes).arg(&self.safepoints).arg(self.millis);
        guest::measure(command, samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn guest_and_table_use_the_same_names() {
        let folder = paths::root().join("benches/jvm/src/io/duochain/benches/ingest");
        let mut text = String::new();
        for entry in std::fs::read_dir(folder).expect("the guest's folder") {
            text += &std::fs::read_to_string(entry.expect("readable").path()).expect("a source");
        }
        let what = SETTINGS[0].scenarios.map(|scenario| scenario.name.rsplit(": ").next().expect("a name"));
        for word in SIDES.iter().chain(&what) {
            assert!(text.contains(&format!("\"{word}\"")), "Java does not know '{word}'");
        }
    }

    #[test]
    fn every_setting_has_scenarios_of_its_own() {
        let names: BTreeSet<&str> =
            SETTINGS.iter().flat_map(|setting| setting.scenarios).map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), 24);
    }
}
