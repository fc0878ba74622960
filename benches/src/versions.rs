//! Versions of the crates that were built in.

use crate::{AnyError, paths};

/// The version of a crate in Cargo.lock.
pub(crate) fn locked(package: &str) -> Result<String, AnyError> {
    let text = std::fs::read_to_string(paths::root().join("Cargo.lock"))?;
    Ok(find(&text, package).ok_or_else(|| format!("Cargo.lock has no '{package}'"))?.to_owned())
}

fn find<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    // What follows a plus sign names a source, not a version.
    rest.split(['"', '+']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_belongs_to_the_whole_name() {
        let lock = "[[package]]\nname = \"queue-more\"\nversion = \"9\"\n\n[[package]]\nname = \"queue\"\nversion = \"1.2+x\"\n";
        assert_eq!(find(lock, "queue"), Some("1.2"));
        assert_eq!(find(lock, "more"), None);
        assert!(locked("crossbeam-queue").is_ok());
    }
}
