//! The C interface from outside: builds tests/cabi against the shared library and runs it, plainly and,
//! where it is installed, under valgrind. A program that prints anything has failed.

#[path = "support/workshop.rs"]
mod workshop;

use std::path::PathBuf;
use std::process::Command;
use workshop::{Workshop, sources, top};

/// Too slow, with its thousands of handles; and a child that leaks what its parent owns on purpose.
const NOT_UNDER_VALGRIND: &[&str] = &["handle", "fork"];

fn compile(workshop: &Workshop, file: &str, standard: &str) -> PathBuf {
    let source = top().join("tests/cabi").join(file);
    workshop.compile(&file.replace('.', "_"), standard, &["-D_GNU_SOURCE"], &[source])
}

/// Runs a program that must succeed and print nothing.
fn expect_silence(workshop: &Workshop, what: &str, command: Command) {
    let output = workshop.run(command);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{what}: {}\n{out}{err}", output.status);
    assert!(out.is_empty() && err.is_empty(), "{what} printed:\n{out}{err}");
}

fn c_sources() -> Vec<String> {
    let files = sources(&top().join("tests/cabi"), ".c");
    let names: Vec<String> =
        files.iter().filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
    assert!(names.len() > 8);
    names
}

#[test]
fn c_programs_succeed_in_silence() {
    let workshop = Workshop::open("c_abi");
    for source in c_sources() {
        let program = compile(&workshop, &source, "c11");
        expect_silence(&workshop, &source, Command::new(program));
    }
}

#[test]
fn cpp_programs_succeed_in_silence() {
    let workshop = Workshop::open("cpp_abi");
    for standard in ["c++17", "c++20"] {
        let program = compile(&workshop, "wrapper.cpp", standard);
        expect_silence(&workshop, standard, Command::new(program));
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
        let program = compile(&workshop, &source, "c11");
        let mut command = Command::new("valgrind");
        // Blocks that are leaked on purpose stay reachable; a lost one is an error.
        command.args(["-q", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite"]);
        command.arg("--fair-sched=yes").arg(program);
        let output = workshop.run(command);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{source}: {}\n{text}", output.status);
    }
}
