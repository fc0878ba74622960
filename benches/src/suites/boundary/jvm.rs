//! From Java: JMH, asked for one fork of each side in every round.

use crate::record::Better;
use crate::sample::Samples;
use crate::scenario::{Peer, Scenario};
use crate::suites::Plan;
use crate::{AnyError, artefact, guest, jvm, paths};

const CALL: &str = "empty JNI call";
const JCTOOLS: &str = "JCTools MpscArrayQueue + clone";
const BLOCKING: &str = "ArrayBlockingQueue + clone";

/// The names are those that `Rounds.java` prints.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "Java: enqueue of 256 B",
        unit: "ns",
        better: Better::Lower,
        peers: &[Peer::new(JCTOOLS).ours_at_most(100.0), Peer::new(BLOCKING), Peer::floor(CALL)],
    },
    Scenario {
        name: "Java: enqueue of 256 B, p99 of single calls",
        unit: "ns",
        better: Better::Lower,
        peers: &[Peer::new(JCTOOLS), Peer::new(BLOCKING)],
    },
    Scenario {
        name: "Java: batch of 8 x 256 B, per item",
        unit: "ns",
        better: Better::Lower,
        peers: &[Peer::new(JCTOOLS).ours_at_most(20.0), Peer::new(BLOCKING)],
    },
    Scenario {
        name: "Java: 256 B from one thread to another",
        unit: "M/s",
        better: Better::Higher,
        peers: &[Peer::new(JCTOOLS), Peer::new(BLOCKING)],
    },
];

/// Builds and runs the benchmarks.
pub(super) fn measure(plan: Plan, samples: &mut Samples) -> Result<(), AnyError> {
    let library = artefact::jni_library()?;
    let class_path = jvm::class_path(&paths::workshop("jvm")?)?;
    let mut command = jvm::tool("java");
    // JDK 17 knows the first flag too; newer ones warn without it. Forks inherit both.
    command.arg("--enable-native-access=ALL-UNNAMED").arg(format!("-Dio.duochain.lib={}", library.display()));
    command.arg("-cp").arg(class_path).arg("io.duochain.benches.Rounds");
    command.arg(if plan.quick { "1" } else { "7" });
    guest::measure(command, samples)
}
