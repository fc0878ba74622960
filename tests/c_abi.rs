//! The C interface from outside: builds tests/cabi against the shared library and runs it, plainly and,
//! where it is installed, under valgrind. A program that prints anything has failed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Too slow, with its thousands of handles; and a child that leaks what its parent owns on purpose.
const NOT_UNDER_VALGRIND: &[&str] = &["handle", "fork"];

struct Workshop {
    folder: PathBuf,
    sources: PathBuf,
    include: PathBuf,
}

impl Workshop {
    /// A folder with the library under its soname, which cargo's own file name is not.
    fn open(name: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).expect("temporary folder");
        let deps = std::env::current_exe().expect("path of the test").parent().expect("folder").to_owned();
        let library = deps.join("libduochain.so");
        assert!(library.exists(), "{} was not built", library.display());
        for link in ["libduochain.so", "libduochain.so.0"] {
            let link = folder.join(link);
            let _ = fs::remove_file(&link);
            std::os::unix::fs::symlink(&library, link).expect("a link");
        }
        Self { folder, sources: root.join("tests/cabi"), include: root.join("include") }
    }

    fn compile(&self, file: &str, standard: &str) -> PathBuf {
        let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let mut build = cc::Build::new();
        build.cpp(file.ends_with(".cpp")).opt_level(1).out_dir(&self.folder).target(&host).host(&host);
        build.cargo_metadata(false).debug(true);
        let program = self.folder.join(file.replace('.', "_"));
        let mut command = build.get_compiler().to_command();
        command.arg(format!("-std={standard}")).args(["-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE"]);
        if cfg!(feature = "faults") {
            command.arg("-DDUO_FAULTS");
        }
        command.arg("-I").arg(&self.include).arg(self.sources.join(file)).arg("-o").arg(&program);
        command.arg("-L").arg(&self.folder).args(["-lduochain", "-lpthread"]);
        let output = command.output().expect("the compiler runs");
        assert!(output.status.success(), "{file}:\n{}", String::from_utf8_lossy(&output.stderr));
        program
    }

    fn run(&self, mut command: Command) -> Output {
        let command = command.env("LD_LIBRARY_PATH", &self.folder).env("RUST_BACKTRACE", "1");
        command.current_dir(&self.folder).output().expect("the program runs")
    }

    /// Runs a program that must succeed and print nothing.
    fn expect_silence(&self, what: &str, command: Command) {
        let output = self.run(command);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{what}: {}\n{out}{err}", output.status);
        assert!(out.is_empty() && err.is_empty(), "{what} printed:\n{out}{err}");
    }
}

fn c_sources() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cabi");
    let entries = fs::read_dir(folder).expect("tests/cabi exists");
    let names = entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".c")).collect();
    names.sort();
    assert!(names.len() > 8);
    names
}

#[test]
fn c_programs_succeed_in_silence() {
    let workshop = Workshop::open("c_abi");
    for source in c_sources() {
        let program = workshop.compile(&source, "c11");
        workshop.expect_silence(&source, Command::new(program));
    }
}

#[test]
fn cpp_programs_succeed_in_silence() {
    let workshop = Workshop::open("cpp_abi");
    for standard in ["c++17", "c++20"] {
        let program = workshop.compile("wrapper.cpp", standard);
        workshop.expect_silence(standard, Command::new(program));
    }
}

#[test]
fn valgrind_finds_no_error_and_no_leak() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return;
    }
    let workshop = Workshop::open("valgrind_abi");
    for source in c_sources() {
        let name = source.trim_end_matches(".c");
        if NOT_UNDER_VALGRIND.contains(&name) {
            continue;
        }
        let program = workshop.compile(&source, "c11");
        let mut command = Command::new("valgrind");
        // Blocks that are leaked on purpose stay reachable; a lost one is an error.
        command.args(["-q", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite"]);
        command.arg("--fair-sched=yes").arg(program);
        let output = workshop.run(command);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{source}: {}\n{text}", output.status);
    }
}
