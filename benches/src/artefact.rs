//! What is measured: the libraries as they are shipped, built by cargo in its release profile.

use crate::{AnyError, paths};
use std::path::PathBuf;
use std::process::Command;

/// The shared library, under its soname as well, and the folder that both are in.
pub(crate) fn shared_library(folder: PathBuf) -> Result<PathBuf, AnyError> {
    // Alone, for with several crate types in one call cargo leaves out the link-time optimisation.
    cargo(&["rustc", "--package", "duochain", "--lib", "--crate-type", "cdylib"])?;
    link(&paths::release().join("libduochain.so"), &folder.join("libduochain.so"))?;
    link(&paths::release().join("libduochain.so"), &folder.join("libduochain.so.0"))?;
    Ok(folder)
}

/// The library behind the Java classes.
pub(crate) fn jni_library() -> Result<PathBuf, AnyError> {
    cargo(&["build", "--package", "duochain-jni"])?;
    Ok(paths::release().join("libduochain_jni.so"))
}

/// A folder with the Python package inside, its native part included.
pub(crate) fn python_package(folder: PathBuf) -> Result<PathBuf, AnyError> {
    cargo(&["build", "--package", "duochain-python"])?;
    let package = folder.join("duochain");
    std::fs::create_dir_all(&package)?;
    for entry in std::fs::read_dir(paths::root().join("python/duochain"))? {
        let file = entry?.path();
        // Not the native part that may lie there: it is of some other build.
        if let (Some(name), Some("py")) = (file.file_name(), file.extension().and_then(|e| e.to_str())) {
            link(&file, &package.join(name))?;
        }
    }
    link(&paths::release().join("lib_native.so"), &package.join("_native.abi3.so"))?;
    Ok(folder)
}

fn link(target: &PathBuf, name: &PathBuf) -> Result<(), AnyError> {
    match std::fs::remove_file(name) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(std::os::unix::fs::symlink(target, name)?),
    }
}

fn cargo(arguments: &[&str]) -> Result<(), AnyError> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).args(["--release", "--locked", "--quiet"]).current_dir(paths::root());
    // An extension leaves the interpreter's symbols to the interpreter that loads it.
    command.env("PYO3_BUILD_EXTENSION_MODULE", "1");
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}").into()) }
}
