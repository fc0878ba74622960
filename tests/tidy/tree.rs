//! The project's own files: what git tracks or would track.

use std::path::Path;
use std::process::Command;

/// One file, with its path from the top of the project.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Written by a program from another file; rules for hand-written text do not apply.
const GENERATED: &[&str] = &["Cargo.lock", "include/duochain.h", "tests/abi/duochain.abi"];
/// Quoted word for word.
const QUOTED: &[&str] = &["LICENSE-MIT", "LICENSE-APACHE"];
const CODE: &[&str] = &["rs", "java", "py", "pyi", "c", "h", "cpp", "hpp"];
const PROSE: &[&str] = &[
    "md",
    "toml",
    "xml",
    "txt",
    "svg",
    "html",
    "sh",
    "cmake",
    "in",
    "yml",
    "yaml",
    "json",
    "properties",
    "cfg",
];

impl File {
    #[cfg(test)]
    pub(crate) fn sample(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    fn extension(&self) -> Option<&str> {
        Path::new(&self.path).extension()?.to_str()
    }

    /// Part of the library.
    pub(crate) fn is_library(&self) -> bool {
        self.path.starts_with("src/") && self.extension() == Some("rs")
    }

    /// Rust of a member crate or of the build.
    pub(crate) fn is_binding(&self) -> bool {
        (self.path.starts_with("bindings/") || self.path.starts_with("benches/") || self.path == "build.rs")
            && self.extension() == Some("rs")
    }

    /// Hand-written program text in any of the languages.
    pub(crate) fn is_code(&self) -> bool {
        self.is_text() && self.extension().is_some_and(|extension| CODE.contains(&extension))
    }

    /// Hand-written text of any kind, scripts without an extension included.
    pub(crate) fn is_text(&self) -> bool {
        let own = !GENERATED.contains(&self.path.as_str()) && !QUOTED.contains(&self.path.as_str());
        own && match self.extension() {
            Some(extension) => CODE.contains(&extension) || PROSE.contains(&extension),
            None => true,
        }
    }
}

/// Every file of the project that is UTF-8; data in other encodings is nobody's prose.
///
/// # Panics
/// Without git or outside its work tree: a rule that silently sees no file would hold nothing.
pub(crate) fn files() -> Vec<File> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listing = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(top)
        .output()
        .expect("git lists the project's files");
    assert!(listing.status.success(), "{}", String::from_utf8_lossy(&listing.stderr));
    let paths = String::from_utf8(listing.stdout).expect("paths are UTF-8");
    let read = |path: &str| -> Option<File> {
        // A path that git knows and that is gone is a removal not yet committed.
        let text = String::from_utf8(std::fs::read(top.join(path)).ok()?).ok()?;
        Some(File { path: path.to_owned(), text })
    };
    paths.split('\0').filter(|path| !path.is_empty()).filter_map(read).collect()
}
