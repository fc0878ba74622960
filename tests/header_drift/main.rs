//! The committed header is the one that the sources give, and it keeps its promises.
//!
//! `DUO_UPDATE=1 cargo test --test header_drift` rewrites it.

mod compile;
mod generate;
mod read;
#[path = "../support/tools.rs"]
mod tools;

use read::Header;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn committed() -> Header {
    let path = root().join("include/duochain.h");
    Header::new(fs::read_to_string(path).expect("include/duochain.h is committed"))
}

/// Symbols `duo_*` that the shared library exports.
fn exported() -> BTreeSet<String> {
    let deps = std::env::current_exe().expect("path of the test").parent().expect("folder").to_owned();
    let library: PathBuf = deps.join("libduochain.so");
    let output = Command::new("nm").args(["-D", "--defined-only"]).arg(&library).output().expect("nm runs");
    assert!(output.status.success(), "nm {}: {}", library.display(), String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("ASCII");
    let symbols = text.lines().filter_map(|line| line.split_whitespace().last()).map(str::to_owned);
    symbols.filter(|symbol| symbol.starts_with("duo_")).collect()
}

#[test]
fn the_header_is_what_the_sources_give() {
    let path = root().join("include/duochain.h");
    let generated = generate::header();
    let committed = fs::read_to_string(&path).unwrap_or_default();
    if generated == committed {
        return;
    }
    assert!(
        std::env::var_os("DUO_UPDATE").is_some_and(|value| value == "1"),
        "include/duochain.h is not what src/ffi gives; run this test with DUO_UPDATE=1 and read the difference"
    );
    fs::write(&path, generated).expect("include/ is writable");
}

#[test]
fn header_and_library_name_the_same_functions() {
    let header = committed();
    let mut declared: BTreeSet<String> = header.functions().map(|function| function.name).collect();
    if !cfg!(feature = "faults") {
        declared.retain(|name| !name.starts_with("duo_test_"));
    }
    assert_eq!(declared, exported());
}

#[test]
fn every_function_says_which_threads_may_call_it_and_since_when() {
    for function in committed().functions() {
        let tags = ["[any-thread]", "[one-thread]"].iter().filter(|tag| function.doc.contains(**tag)).count();
        assert_eq!(tags, 1, "{} needs exactly one thread tag", function.name);
        assert!(function.doc.contains("Since: 0."), "{} does not say since when it exists", function.name);
        let waits = function.parameters.contains("timeout_ns");
        assert!(!waits || function.doc.contains("[blocks]"), "{} waits without saying so", function.name);
    }
}

#[test]
fn parameters_are_of_types_that_every_language_has() {
    for function in committed().functions() {
        for word in ["bool", "duo_status ", "unsigned ", "long ", "enum "] {
            assert!(!function.parameters.contains(word), "{}: {word}", function.name);
        }
    }
}

#[test]
fn every_function_has_a_c_test() {
    let sources = read::c_tests(&root().join("tests/cabi"));
    for function in committed().functions() {
        let call = format!("{}(", function.name);
        assert!(sources.contains(&call), "{} is called by no test in tests/cabi", function.name);
    }
}

#[test]
fn every_source_of_the_interface_has_a_c_test_of_its_name() {
    for source in generate::sources() {
        let name = source.file_stem().expect("a file").to_string_lossy().into_owned();
        if generate::exports(&source) {
            let test = root().join(format!("tests/cabi/{name}.c"));
            assert!(test.exists(), "{} is missing", test.display());
        }
    }
}

#[test]
fn the_header_compiles_everywhere_and_twice() {
    compile::all(root());
}
