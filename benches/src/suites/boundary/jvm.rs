//! From Java: JMH, asked for one fork of each side in every round.

use crate::record::Better;
use crate::sample::Samples;
use crate::scenario::{Peer, Scenario};
use crate::suites::Plan;
use crate::{AnyError, artefact, guest, paths};
use std::path::{Path, PathBuf};
use std::process::Command;

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
    let class_path = compile(&paths::workshop("jvm")?)?;
    let mut command = java("java");
    // JDK 17 knows the first flag too; newer ones warn without it. Forks inherit both.
    command.arg("--enable-native-access=ALL-UNNAMED").arg(format!("-Dio.duochain.lib={}", library.display()));
    command.arg("-cp").arg(class_path).arg("io.duochain.benches.Rounds");
    command.arg(if plan.quick { "1" } else { "7" });
    guest::measure(command, samples)
}

/// Compiles the library's classes and the benchmarks; gives the class path to run them with.
fn compile(folder: &Path) -> Result<String, AnyError> {
    let list = folder.join("class-path");
    let mut maven = Command::new("mvn");
    maven.args(["--batch-mode", "--no-transfer-progress", "--quiet", "--file"]);
    maven.arg(paths::root().join("benches/jvm/pom.xml")).arg("dependency:build-classpath");
    maven.arg(format!("-Dmdep.outputFile={}", list.display()));
    guest::answer(&mut maven)?;
    let dependencies = std::fs::read_to_string(&list)?;
    let classes = folder.join("classes");
    // Classes of an earlier build would be found by JMH even when their source is gone.
    let _ = std::fs::remove_dir_all(&classes);
    let mut compiler = java("javac");
    // Named, because newer compilers run no processor that is merely on the class path.
    compiler.args(["--release", "17", "-Xlint:all,-processing,-serial", "-Werror"]);
    compiler.args(["-processor", "org.openjdk.jmh.generators.BenchmarkProcessor"]);
    compiler.args(["-cp", dependencies.trim(), "-d"]).arg(&classes);
    for folder in ["jvm/src/main/java", "benches/jvm/src"] {
        compiler.args(sources(&paths::root().join(folder))?);
    }
    guest::answer(&mut compiler)?;
    Ok(format!("{}:{}", classes.display(), dependencies.trim()))
}

/// A tool of the JDK that deploy/bench chose, or of the one on the path.
fn java(tool: &str) -> Command {
    match std::env::var_os("JAVA_HOME") {
        Some(home) => Command::new(Path::new(&home).join("bin").join(tool)),
        None => Command::new(tool),
    }
}

/// Every source below a folder but the module's declaration, which the benchmarks are no part of.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, AnyError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.append(&mut sources(&path)?);
        } else if path.extension().is_some_and(|kind| kind == "java") && !path.ends_with("module-info.java") {
            found.push(path);
        }
    }
    Ok(found)
}
