//! The Java side: which JDKs there are, and the classes of the library and the benchmarks.

use crate::{AnyError, guest, paths};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A JDK to measure on.
#[derive(Clone, Debug)]
pub(crate) struct Jdk {
    /// `JDK 17`, as it stands in the names of scenarios.
    pub(crate) label: &'static str,
    home: PathBuf,
    flags: &'static [&'static str],
}

impl Jdk {
    /// JDK 17 and, where the machine has it, JDK 25; deploy/bench looks for them.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn all() -> Result<Vec<Self>, AnyError> {
        let home = |variable| std::env::var_os(variable).filter(|home| !home.is_empty()).map(PathBuf::from);
        let mut all = Vec::new();
        if let Some(home) = home("JAVA_HOME") {
            all.push(Self { label: "JDK 17", home, flags: &[] });
        }
        if let Some(home) = home("JAVA25_HOME") {
            // Peers that use what newer JDKs warn about.
            let flags = &["--sun-misc-unsafe-memory-access=allow"];
            all.push(Self { label: "JDK 25", home, flags });
        }
        if all.is_empty() { Err("no JDK: JAVA_HOME names none".into()) } else { Ok(all) }
    }

    /// As it calls itself: `17.0.15`.
    fn version(&self) -> Result<String, AnyError> {
        let release = std::fs::read_to_string(self.home.join("release"))?;
        let line = release.lines().find_map(|line| line.strip_prefix("JAVA_VERSION="));
        Ok(line.ok_or("the JDK does not say its version")?.trim_matches('"').to_owned())
    }

    /// Its `java`, ready for the library and all peers.
    pub(crate) fn java(&self, library: &Path, class_path: &str) -> Command {
        let mut command = Command::new(self.home.join("bin/java"));
        command.args(self.flags).arg("--enable-native-access=ALL-UNNAMED");
        command.args(["--add-opens", "java.base/jdk.internal.misc=ALL-UNNAMED"]);
        command.arg(format!("-Dio.duochain.lib={}", library.display())).arg("-cp").arg(class_path);
        command
    }
}

/// What stands for the JDKs in a table, for a side that is a part of them.
pub(crate) fn versions(jdks: &[Jdk]) -> Result<String, AnyError> {
    let versions: Result<Vec<String>, AnyError> = jdks.iter().map(Jdk::version).collect();
    Ok(format!("JDK {}", versions?.join(", ")))
}

/// Compiles the library's classes and the benchmarks; gives the class path to run them with.
pub(crate) fn class_path(folder: &Path) -> Result<String, AnyError> {
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
    let mut compiler = tool("javac");
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
pub(crate) fn tool(tool: &str) -> Command {
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
