//! Head docs, length of files, and what may stand at the top level.

use crate::tree::File;

/// No hand-written file is longer.
const LINES_MAX: usize = 600;
/// Longer than this needs a reason in [`LONG`].
const LINES_USUAL: usize = 400;
/// Files between the two limits, each with why it is not split.
const LONG: &[(&str, &str)] = &[
    ("python/duochain/_native.pyi", "one stub for one native module, signatures only"),
    ("src/validator/encoding.rs", "both ways of one encoding, field by field beside each other"),
];

/// Everything that may stand beside `src`.
const TOP_LEVEL: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "src",
    "include",
    "bindings",
    "jvm",
    "python",
    "benches",
    "tests",
    "build.rs",
    "README.md",
    "Makefile",
    "examples",
    "docs",
    "fuzz",
    "models",
    "deploy",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "CHANGELOG.md",
    "rustfmt.toml",
    "clippy.toml",
];

/// A library file opens with `//!` and a sentence, not a label.
pub(crate) fn check_head(file: &File) -> Vec<String> {
    let first = file.text.lines().next().unwrap_or_default();
    match first.strip_prefix("//! ") {
        Some(sentence) if sentence.split_whitespace().count() >= 2 => Vec::new(),
        _ => vec![format!("{}:1: open with a head doc: `//! <what it is, one sentence.>`", file.path)],
    }
}

/// Limits on the number of lines.
pub(crate) fn check_length(file: &File) -> Vec<String> {
    let lines = file.text.lines().count();
    let excused = LONG.iter().any(|(path, _)| *path == file.path);
    if lines > LINES_MAX {
        vec![format!("{}: {lines} lines; the limit is {LINES_MAX}: split it", file.path)]
    } else if lines > LINES_USUAL && !excused {
        vec![format!("{}: {lines} lines; over {LINES_USUAL} needs a reason in {}", file.path, file!())]
    } else {
        Vec::new()
    }
}

/// Entries of the list of long files that no longer need to be there.
pub(crate) fn stale_exceptions(files: &[File]) -> Vec<&'static str> {
    let is_long =
        |path: &str| files.iter().any(|file| file.path == path && file.text.lines().count() > LINES_USUAL);
    LONG.iter().map(|(path, _)| *path).filter(|path| !is_long(path)).collect()
}

/// Top-level entries that were not agreed on. Names with a leading dot are settings of tools.
pub(crate) fn top_level_strangers(files: &[File]) -> Vec<&str> {
    let mut extra: Vec<&str> = files
        .iter()
        .filter_map(|file| file.path.split('/').next())
        .filter(|name| !name.starts_with('.') && !TOP_LEVEL.contains(name))
        .collect();
    extra.dedup();
    extra
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_head_doc_is_named() {
        assert_eq!(check_head(&File::sample("src/a.rs", "use std::io;\n")).len(), 1);
        assert_eq!(check_head(&File::sample("src/a.rs", "//! Log.\n")).len(), 1);
        assert_eq!(check_head(&File::sample("src/a.rs", "")).len(), 1);
        assert!(check_head(&File::sample("src/a.rs", "//! A log of blocks.\n")).is_empty());
    }

    #[test]
    fn a_long_file_needs_a_reason_and_a_very_long_one_has_none() {
        let lines = |count: usize| File::sample("src/a.rs", &"x\n".repeat(count));
        assert!(check_length(&lines(LINES_USUAL)).is_empty());
        assert!(check_length(&lines(LINES_USUAL + 1))[0].contains("needs a reason"));
        assert!(check_length(&lines(LINES_MAX + 1))[0].contains("split it"));
    }

    #[test]
    fn an_entry_beside_the_agreed_ones_is_named() {
        let files =
            [File::sample("src/lib.rs", ""), File::sample("notes/a.md", ""), File::sample(".gitignore", "")];
        assert_eq!(top_level_strangers(&files), ["notes"]);
    }
}
