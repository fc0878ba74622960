//! Compiles the header with every compiler and standard that the machine has.

use crate::tools;
use std::fs;
use std::path::Path;
use std::process::Command;

const STRICT: &[&str] = &["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"];
const C: &[&str] = &["c99", "c11", "c17", "c2x"];
const CPP: &[&str] = &["c++11", "c++17", "c++20"];
/// The wrapper needs C++17.
const CPP_WRAPPER: &[&str] = &["c++17", "c++20"];

pub(crate) fn all(root: &Path) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("header_compile");
    fs::create_dir_all(&folder).expect("temporary folder");
    let initialisers = initialisers(&fs::read_to_string(root.join("include/duochain.h")).expect("committed"));
    assert!(initialisers.len() > 8, "only {initialisers:?}");
    let c = folder.join("twice.c");
    let cpp = folder.join("twice.cpp");
    let wrapper = folder.join("wrapper.cpp");
    let mut body = String::from("#include \"duochain.h\"\n#include \"duochain.h\"\nint main(void) {\n");
    for (position, (name, value)) in initialisers.iter().enumerate() {
        body.push_str(&format!("    {name} v{position} = {value};\n    (void)v{position};\n"));
    }
    body.push_str("    return duo_abi_version() == DUO_ABI_VERSION ? 0 : DUO_ERR_ABI_MISMATCH;\n}\n");
    fs::write(&c, &body).expect("writable");
    fs::write(&cpp, &body).expect("writable");
    fs::write(&wrapper, "#include \"duochain.hpp\"\n#include \"duochain.hpp\"\nint main() { return 0; }\n")
        .expect("writable");
    // Each part of the wrapper, by itself.
    let parts = fs::read_dir(root.join("include/duochain")).expect("readable");
    let parts: Vec<_> =
        parts.map(|entry| entry.expect("readable").file_name().into_string().expect("ASCII")).collect();
    assert!(parts.len() > 4, "{parts:?}");
    for part in &parts {
        let include = format!("#include \"duochain/{part}\"\n");
        fs::write(
            folder.join(format!("{part}.cpp")),
            format!("{include}{include}int main() {{ return 0; }}\n"),
        )
        .expect("writable");
    }
    let parts: Vec<_> = parts.iter().map(|part| folder.join(format!("{part}.cpp"))).collect();
    let mut compiled = 0;
    for (compiler, cpp_compiler) in [("gcc", "g++"), ("clang", "clang++")] {
        if !tools::has(compiler) || !tools::has(cpp_compiler) {
            continue;
        }
        let runs = C.iter().map(|standard| (compiler, standard, &c));
        let runs = runs.chain(CPP.iter().map(|standard| (cpp_compiler, standard, &cpp)));
        let runs = runs.chain(CPP_WRAPPER.iter().map(|standard| (cpp_compiler, standard, &wrapper)));
        // What a part lacks, each compiler would miss: one is enough.
        let parts = parts.iter().filter(|_| compiler == "gcc");
        let runs = runs.chain(parts.map(|part| (cpp_compiler, &CPP_WRAPPER[0], part)));
        compiled += runs.filter(|(compiler, standard, file)| compile(root, compiler, standard, file)).count();
    }
    assert!(compiled >= C.len() + CPP.len() + CPP_WRAPPER.len(), "no compiler knows all standards");
}

/// False when the compiler does not know the standard yet.
fn compile(root: &Path, compiler: &str, standard: &str, file: &Path) -> bool {
    let standard = format!("-std={standard}");
    let known = Command::new(compiler).args([&standard, "-E", "-x", "c", "/dev/null"]).output();
    let known = known.is_ok_and(|output| output.status.success() || compiler.ends_with("++"));
    if !known {
        return false;
    }
    for defines in [&[][..], &["-DDUO_FAULTS"]] {
        let output = Command::new(compiler)
            .arg(&standard)
            .args(STRICT)
            .args(defines)
            .arg("-I")
            .arg(root.join("include"))
            .arg(file)
            .output()
            .expect("the compiler runs");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{compiler} {standard} {}:\n{text}", file.display());
    }
    true
}

/// Struct names with their initialisers.
fn initialisers(header: &str) -> Vec<(String, String)> {
    let macros = header.lines().filter_map(|line| line.strip_prefix("#define "));
    let macros = macros.filter_map(|line| line.split_once("_INIT { sizeof("));
    macros
        .filter_map(|(name, rest)| {
            let kind = rest.split_once(')')?.0;
            Some((kind.to_owned(), format!("{name}_INIT")))
        })
        .collect()
}
