//! The flag that ends a handle after a failed write or sync (I4 of `storage`).

use super::Error;
use std::sync::OnceLock;

/// Set once, by the first failure.
#[derive(Debug, Default)]
pub(super) struct Poison(OnceLock<String>);

impl Poison {
    /// Fails when an earlier mutation failed.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.0.get() {
            None => Ok(()),
            Some(reason) => Err(Error::Poisoned { reason: reason.clone() }),
        }
    }

    /// Passes a mutation's outcome on and remembers its failure.
    pub(super) fn guard<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &outcome {
            self.0.get_or_init(|| error.to_string());
        }
        outcome
    }
}
