//! The C interface from outside: builds tests/cabi against the shared library and runs it, plainly and
//! under valgrind. A program that prints anything has failed. Every compiler and standard that a host may
//! use takes the same programs without a warning.

#[path = "support/tls.rs"]
mod tls;
#[path = "support/tools.rs"]
mod tools;
#[path = "support/workshop.rs"]
mod workshop;

use std::path::PathBuf;
use std::process::Command;
use workshop::{Workshop, sources, top};

/// Its child leaks what its parent owns, on purpose.
const NOT_UNDER_VALGRIND: &[&str] = &["fork.c"];

const STRICT: &[&str] = &["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-D_GNU_SOURCE"];

fn compile(workshop: &Workshop, file: &str, standard: &str, options: &[&str]) -> PathBuf {
    let source = top().join("tests/cabi").join(file);
    workshop.compile(&file.replace('.', "_"), standard, &[STRICT, options].concat(), &[source])
}

/// The certificates of the nodes of `replog.h`, and of a foreign authority one for the third node, in the folder that
/// programs run in.
fn make_certificates(workshop: &Workshop) {
    let folder = workshop.folder().join("tls");
    std::fs::create_dir_all(&folder).expect("a folder for certificates");
    let put = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("there is room");
    let issue = |authority: &tls::Authority, who: &str, node: u64| {
        let issued = authority.issue(&tls::name_of(b"log of the tests", node));
        put(&format!("{who}.pem"), &issued.certificate);
        put(&format!("{who}.key"), &issued.key);
    };
    let (own, foreign) = (tls::Authority::new(), tls::Authority::new());
    put("authority.pem", &own.pem);
    put("foreign.pem", &foreign.pem);
    for node in 1..=3 {
        issue(&own, &format!("node-{node}"), node);
    }
    issue(&foreign, "stranger", 3);
}

/// Where programs find the library and what they read.
fn open(name: &str) -> Workshop {
    let workshop = Workshop::open(name);
    make_certificates(&workshop);
    workshop
}

/// Runs a program that must succeed and print nothing.
fn expect_silence(workshop: &Workshop, what: &str, command: Command) {
    let output = workshop.run(command);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{what}: {}\n{out}{err}", output.status);
    assert!(out.is_empty() && err.is_empty(), "{what} printed:\n{out}{err}");
}

fn names(end: &str) -> Vec<String> {
    let files = sources(&top().join("tests/cabi"), end);
    files.iter().filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect()
}

fn c_sources() -> Vec<String> {
    let names = names(".c");
    assert!(names.len() > 8);
    names
}

/// Programs on the wrapper.
fn cpp_sources() -> Vec<String> {
    let names = names(".cpp");
    assert!(names.len() > 1);
    names
}

#[test]
fn c_programs_succeed_in_silence() {
    let workshop = open("c_abi");
    for source in c_sources() {
        let program = compile(&workshop, &source, "c11", &[]);
        expect_silence(&workshop, &source, Command::new(program));
    }
}

/// Runs the first program in C of a page, which prints OK.
fn expect_ok_from_page(name: &str) {
    let page = std::fs::read_to_string(top().join(format!("docs/{name}.md"))).expect("the page");
    let (_, example) = page.split_once("\n```c\n").expect("an example in C");
    let (example, _) = example.split_once("\n```\n").expect("the end of the example");
    let name = format!("{name}_page");
    let workshop = Workshop::open(&name);
    let source = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.c"));
    std::fs::write(&source, format!("{example}\n")).expect("the example as a file");
    let program = workshop.compile(&name, "c11", STRICT, &[source]);
    let output = workshop.run(Command::new(program));
    assert!(output.status.success() && output.stdout == b"OK\n", "{output:?}");
}

#[test]
fn the_examples_of_the_pages_run() {
    expect_ok_from_page("resilience");
    expect_ok_from_page("replication");
}

/// The features of a build decide what these two do; `deploy/test` runs them in both.
#[cfg(not(feature = "tls"))]
#[test]
fn programs_of_certificates_meet_a_build_without_tls() {
    let workshop = open("c_abi_without_tls");
    for (source, standard) in [("replog_tls.c", "c11"), ("replog_tls.cpp", "c++17")] {
        let program = compile(&workshop, source, standard, &[]);
        expect_silence(&workshop, source, Command::new(program));
    }
}

#[test]
fn cpp_programs_succeed_in_silence() {
    let workshop = open("cpp_abi");
    for source in cpp_sources() {
        for standard in ["c++17", "c++20"] {
            let program = compile(&workshop, &source, standard, &[]);
            expect_silence(&workshop, &format!("{source} as {standard}"), Command::new(program));
        }
    }
}

/// Compiles `files` as `standard`, without making a program.
fn check(compiler: &str, standard: &str, files: &[String]) {
    let language = if standard.starts_with("c++") { "c++" } else { "c" };
    let mut command = Command::new(compiler);
    command.current_dir(top().join("tests/cabi")).arg("-I").arg(top().join("include"));
    command.args(["-fsyntax-only", "-DDUO_FAULTS", "-x", language]).arg(format!("-std={standard}"));
    let output = command.args(STRICT).args(files).output().expect("the compiler runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{compiler} -std={standard}:\n{text}");
}

#[test]
fn every_compiler_takes_the_programs_as_every_standard() {
    for (compiler, cpp_compiler) in [("gcc", "g++"), ("clang", "clang++")] {
        if !tools::has(compiler) || !tools::has(cpp_compiler) {
            continue;
        }
        for standard in ["c99", "c11", "c17"] {
            check(compiler, standard, &c_sources());
        }
        check(cpp_compiler, "c++17", &c_sources());
        for standard in ["c++17", "c++20"] {
            check(cpp_compiler, standard, &cpp_sources());
        }
    }
}

#[test]
fn valgrind_finds_no_error_and_no_leak() {
    if !tools::has("valgrind") {
        return;
    }
    let workshop = open("valgrind_abi");
    let mut sources = c_sources();
    sources.retain(|source| !NOT_UNDER_VALGRIND.contains(&source.as_str()));
    sources.extend(cpp_sources());
    for source in sources {
        let standard = if source.ends_with(".cpp") { "c++17" } else { "c11" };
        let program = compile(&workshop, &source, standard, &["-DSLOW"]);
        let mut command = Command::new("valgrind");
        // Blocks that are leaked on purpose stay reachable; a lost one is an error.
        command.args(["-q", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite"]);
        command.arg(format!("--suppressions={}", top().join("tests/cabi/valgrind.supp").display()));
        command.arg("--fair-sched=yes").arg(program);
        let output = workshop.run(command);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{source}: {}\n{text}", output.status);
    }
}
