//! The embeds in README.md, taken out of it, compiled, and run twice from an empty directory on.
//!
//! Those in Java and Python are run by `tests/package/run`, from the finished jars and wheel; here they
//! are only measured.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const LANGUAGES: &[&str] = &["rust", "c", "cpp", "java", "python"];
/// "Fifteen lines": what fits beside the other languages without scrolling.
const LINES_MAX: usize = 18;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The block behind `<!-- embed: language -->`.
fn embed(readme: &str, language: &str) -> Option<String> {
    let marker = format!("<!-- embed: {language} -->\n```{language}\n");
    let start = readme.find(&marker)? + marker.len();
    let end = readme[start..].find("\n```")?;
    Some(format!("{}\n", &readme[start..start + end]))
}

fn readme_embed(language: &str) -> String {
    let readme = std::fs::read_to_string(top().join("README.md")).expect("README.md");
    embed(&readme, language).unwrap_or_else(|| panic!("README.md has no embed in {language}"))
}

/// An empty directory with the embed in it and the shared library under its soname.
fn workshop(language: &str, file: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("readme-{language}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("lib")).expect("a folder for the program");
    std::fs::write(folder.join(file), readme_embed(language)).expect("the embed as a file");
    for name in ["libduochain.so", "libduochain.so.0"] {
        std::os::unix::fs::symlink(libraries().join("libduochain.so"), folder.join("lib").join(name))
            .expect("a link to the library");
    }
    folder
}

/// Where cargo puts the library and everything it depends on.
fn libraries() -> PathBuf {
    let this = std::env::current_exe().expect("the path of this test");
    this.parent().expect("tests lie in a folder").to_owned()
}

fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    output
}

/// Runs it once; what it said besides the status.
fn run(folder: &Path, status: &str) -> String {
    let output = succeed(Command::new("./embed").current_dir(folder));
    assert!(output.stderr.is_empty(), "a guest prints nothing");
    let said = String::from_utf8(output.stdout).expect("a line of text");
    let place = said.strip_suffix(&format!(" ({status})\n"));
    place.unwrap_or_else(|| panic!("{status} expected, it said: {said}")).to_owned()
}

/// Twice in the same folder, as a curious reader does.
fn runs(folder: &Path) {
    let first = run(folder, "OK");
    let height = first.strip_prefix("final at height ").and_then(|height| height.parse::<u64>().ok());
    assert!(height.is_some_and(|height| height > 0), "it said: {first}");
    assert_eq!(run(folder, "DUPLICATE"), first, "the original's height");
}

/// Compiles with the compiler that `variable` names, or the system's.
fn compile_native(language: &str, variable: &str, system: &str, standard: &str) -> PathBuf {
    let file = format!("embed.{language}");
    let folder = workshop(language, &file);
    let compiler = std::env::var(variable).unwrap_or_else(|_| system.to_owned());
    succeed(
        Command::new(compiler)
            .args([standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", &file, "-o", "embed", "-I"])
            .arg(top().join("include"))
            .args(["-Llib", "-lduochain", "-Wl,-rpath,$ORIGIN/lib"])
            .current_dir(&folder),
    );
    folder
}

#[test]
fn the_embed_in_rust_runs() {
    let folder = workshop("rust", "embed.rs");
    let deps = libraries();
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    succeed(
        Command::new(rustc)
            .args(["--edition", "2024", "-D", "warnings", "embed.rs", "--extern"])
            .arg(format!("duochain={}", deps.join("libduochain.rlib").display()))
            .arg("-L")
            .arg(format!("dependency={}", deps.display()))
            .current_dir(&folder),
    );
    runs(&folder);
}

#[test]
fn the_embed_in_c_runs() {
    runs(&compile_native("c", "CC", "cc", "-std=c11"));
}

#[test]
fn the_embed_in_cpp_runs() {
    runs(&compile_native("cpp", "CXX", "c++", "-std=c++17"));
}

#[test]
fn embeds_are_short() {
    for language in LANGUAGES {
        let lines = readme_embed(language).lines().filter(|line| !line.trim().is_empty()).count();
        assert!(lines <= LINES_MAX, "{language}: {lines} lines");
    }
}

#[test]
fn an_embed_is_found_by_its_marker() {
    let readme = "a\n\n<!-- embed: c -->\n```c\nint x;\n```\n\n```c\nother\n```\n";
    assert_eq!(embed(readme, "c").as_deref(), Some("int x;\n"));
    assert_eq!(embed(readme, "rust"), None);
}
