//! The main job in Rust, C and C++: the same bytes from the generator, and the same exit statuses, verdicts
//! and words on good and on broken input.
//!
//! Java and Python are held to `generated.txt` and to the same words by their own suites.

mod expect;
#[expect(unreachable_pub, reason = "a program's module, which marks what its parts use of each other")]
#[path = "../../examples/run/generator.rs"]
mod generator;
#[path = "../support/workshop.rs"]
mod workshop;

use generator::Generator;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use workshop::{Workshop, libraries, sources, top};

/// What `compile` needs to know of a language.
struct Language {
    name: &'static str,
    standard: &'static str,
}

const C: Language = Language { name: "c", standard: "c11" };
const CPP: Language = Language { name: "cpp", standard: "c++17" };

/// Compiles as strictly as the compilers can.
fn compile(workshop: &Workshop, program: &str, standard: &str, files: &[PathBuf]) -> PathBuf {
    workshop.compile(program, standard, &["-Wpedantic"], files)
}

/// The example of a language, in a workshop of its own.
fn example(language: &Language) -> (Workshop, PathBuf) {
    let Language { name, standard } = language;
    let workshop = Workshop::open(&format!("main_job_{name}"));
    let files = sources(&top().join("examples").join(name), &format!(".{name}"));
    let program = compile(&workshop, "run", standard, &files);
    (workshop, program)
}

/// Parts of the example behind a command line of their own.
fn parts(language: &Language) -> (Workshop, PathBuf) {
    let Language { name, standard } = language;
    let workshop = Workshop::open(&format!("main_job_parts_{name}"));
    let mut files = sources(&top().join("examples").join(name), &format!(".{name}"));
    files.retain(|path| !path.ends_with(format!("main.{name}")));
    files.push(top().join(format!("tests/main_job/parts.{name}")));
    let program = compile(&workshop, "parts", standard, &files);
    (workshop, program)
}

/// Runs a command on `input`.
fn feed(command: &mut Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    // A program that refuses its arguments does not read.
    let _ = child.stdin.take().expect("piped").write_all(input);
    child.wait_with_output().expect("the program ends")
}

fn sha256sum(input: &[u8]) -> String {
    let output = feed(&mut Command::new("sha256sum"), input);
    String::from_utf8_lossy(&output.stdout).chars().take(64).collect()
}

/// Seed, count and digest of each line of `generated.txt`.
fn vectors() -> Vec<(u64, u64, String)> {
    let text = include_str!("generated.txt").lines().filter(|line| !line.starts_with('#'));
    let vector = |line: &str| -> Option<(u64, u64, String)> {
        let mut words = line.split(' ');
        Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?.to_owned()))
    };
    let vectors: Vec<_> =
        text.map(|line| vector(line).unwrap_or_else(|| panic!("malformed: {line}"))).collect();
    assert!(vectors.len() > 2);
    vectors
}

#[test]
fn the_rust_generator_gives_the_bytes_of_every_language() {
    for (seed, count, digest) in vectors() {
        let mut generator = Generator::new(seed);
        let bytes: Vec<u8> = (0..count).flat_map(|_| generator.transaction()).collect();
        assert_eq!(sha256sum(&bytes), digest, "seed {seed}");
    }
}

fn generates_and_hashes(language: &Language) {
    let (workshop, program) = parts(language);
    let run = |arguments: &[&str], input: &[u8]| {
        let mut command = Command::new(&program);
        workshop.prepare(command.args(arguments));
        let output = feed(&mut command, input);
        assert!(output.status.success(), "{command:?}: {}", output.status);
        output.stdout
    };
    for (seed, count, digest) in vectors() {
        let bytes = run(&["generated", &seed.to_string(), &count.to_string()], &[]);
        assert_eq!(sha256sum(&bytes), digest, "seed {seed}");
    }
    // Around the lengths at which the padding takes another block.
    for length in [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 121, 128, 1_000, 65_537] {
        let input: Vec<u8> = (0..length).map(|at: u32| (at % 251) as u8).collect();
        assert_eq!(String::from_utf8_lossy(&run(&["sha256"], &input)), sha256sum(&input), "{length} bytes");
    }
}

#[test]
fn the_c_generator_gives_the_bytes_of_every_language() {
    generates_and_hashes(&C);
}

#[test]
fn the_cpp_generator_gives_the_bytes_of_every_language() {
    generates_and_hashes(&CPP);
}

#[test]
fn the_c_checks_find_what_is_lost_double_foreign_or_out_of_order() {
    let (workshop, program) = parts(&C);
    let mut command = Command::new(program);
    workshop.prepare(command.arg("tally"));
    let output = feed(&mut command, &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_c_example_is_also_c99() {
    let workshop = Workshop::open("main_job_c99");
    compile(&workshop, "run", "c99", &sources(&top().join("examples/c"), ".c"));
}

#[test]
fn the_rust_example_says_what_every_language_says() {
    let program = libraries().with_file_name("examples").join("run");
    assert!(program.exists(), "{} is missing: cargo build --example run", program.display());
    expect::main_job(&Workshop::open("main_job_rust"), &program);
}

#[test]
fn the_c_example_says_what_every_language_says() {
    let (workshop, program) = example(&C);
    expect::main_job(&workshop, &program);
}

#[test]
fn the_cpp_example_says_what_every_language_says() {
    let (workshop, program) = example(&CPP);
    expect::main_job(&workshop, &program);
}
