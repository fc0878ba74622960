//! Where things are.

use std::path::{Path, PathBuf};

/// The top of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate lies inside the project")
}

/// Where outcomes go.
pub(crate) fn out() -> PathBuf {
    root().join("target/bench")
}

/// Cargo's folder of finished release artefacts.
pub(crate) fn release() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    root().join(target).join("release")
}

/// A folder for what is built for one suite.
pub(crate) fn workshop(name: &str) -> std::io::Result<PathBuf> {
    let folder = out().join(name);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
