//! Stacks by name: the one place that knows all of them.
//!
//! # Model
//! A stack is registered once and looked up once; whoever uses it keeps its `Arc`, so that no map is on the
//! way of a call. Reports ([`report`](super::report)) and saved state walk over all of them.
//!
//! # Limits
//! [`STACKS_MAX`] stacks; names of 1 to [`NAME_BYTES_MAX`] of `A-Z a-z 0-9 _ - . : /`, so that no report
//! has to escape anything.

use super::Error;
use super::error::in_range;
use super::saved::{SAVED_BYTES, Saved};
use super::stack::Stack;
use crate::codec::{Reader, Writer};
use crate::types::{Tick, UnixNanos};
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most stacks of a registry.
pub const STACKS_MAX: usize = 1_024;
/// Longest name.
pub const NAME_BYTES_MAX: usize = 64;
/// Version of a registry's saved state.
const VERSION: u8 = 1;

/// Stacks by name. Share it by reference or `Arc`.
#[derive(Debug, Default)]
pub struct Registry {
    stacks: RwLock<BTreeMap<String, Arc<Stack>>>,
}

/// What [`Registry::restore`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Breakers that got their state back.
    pub restored: usize,
    /// Names that are not registered, or have no breaker now.
    pub unknown: usize,
}

fn check_name(name: &str) -> Result<(), Error> {
    in_range("name length", name.len(), 1, NAME_BYTES_MAX)?;
    let wrong = name.chars().find(|c| !(c.is_ascii_alphanumeric() || "_-.:/".contains(*c)));
    wrong.map_or(Ok(()), |c| {
        let fault = format!("{c:?} in {name:?} is none of A-Z a-z 0-9 _ - . : /");
        Err(Error::Config { setting: "name", fault })
    })
}

impl Registry {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a stack.
    ///
    /// # Errors
    /// [`Error::Config`] for a bad name, [`Error::NameTaken`], [`Error::RegistryFull`].
    pub fn register(&self, name: &str, stack: Stack) -> Result<Arc<Stack>, Error> {
        check_name(name)?;
        let mut stacks = self.stacks.write();
        if stacks.contains_key(name) {
            return Err(Error::NameTaken(name.to_owned()));
        }
        if stacks.len() >= STACKS_MAX {
            return Err(Error::RegistryFull { max: STACKS_MAX });
        }
        let stack = Arc::new(stack);
        stacks.insert(name.to_owned(), Arc::clone(&stack));
        Ok(stack)
    }

    /// The stack of that name. Look it up once and keep it.
    pub fn get(&self, name: &str) -> Option<Arc<Stack>> {
        self.stacks.read().get(name).cloned()
    }

    /// Forgets a name; whoever has the stack goes on with it.
    pub fn remove(&self, name: &str) -> Option<Arc<Stack>> {
        self.stacks.write().remove(name)
    }

    /// All of them, by name.
    pub fn all(&self) -> Vec<(String, Arc<Stack>)> {
        self.stacks.read().iter().map(|(name, stack)| (name.clone(), Arc::clone(stack))).collect()
    }

    /// The state of all breakers: a version byte, a count, and for each its name and its
    /// [saved state](super::Breaker::save), both with their lengths.
    pub fn save(&self, now: Tick, wall: UnixNanos) -> Vec<u8> {
        let all = self.all();
        let breakers: Vec<_> = all
            .iter()
            .filter_map(|(name, stack)| stack.breaker.as_ref().map(|breaker| (name, breaker)))
            .collect();
        let mut bytes = Vec::with_capacity(5 + breakers.len() * (NAME_BYTES_MAX + SAVED_BYTES + 8));
        let mut writer = Writer::new(&mut bytes);
        writer.u8(VERSION).u32(breakers.len() as u32);
        for (name, breaker) in breakers {
            writer.tail(name.as_bytes()).tail(&breaker.save(now, wall));
        }
        bytes
    }

    /// Restores breakers by name.
    ///
    /// # Errors
    /// [`Error::Saved`] for anything but what [`Registry::save`] writes; no breaker has changed then.
    pub fn restore(&self, now: Tick, wall: UnixNanos, bytes: &[u8]) -> Result<Restored, Error> {
        let saved = read(bytes)?;
        let stacks = self.stacks.read();
        let mut done = Restored::default();
        for (name, saved) in saved {
            match stacks.get(name).and_then(|stack| stack.breaker.as_ref()) {
                Some(breaker) => {
                    saved.apply(breaker, now, wall);
                    done.restored += 1;
                }
                None => done.unknown += 1,
            }
        }
        Ok(done)
    }
}

fn read(bytes: &[u8]) -> Result<Vec<(&str, Saved)>, Error> {
    let mut reader = Reader::new(bytes);
    let at = reader.clone();
    let version = reader.u8("version")?;
    if version != VERSION {
        return Err(at.fault("version", format!("{version} is not {VERSION}")).into());
    }
    let at = reader.clone();
    let count = reader.u32("count")? as usize;
    if count > STACKS_MAX {
        return Err(at.fault("count", format!("{count} is over the limit of {STACKS_MAX}")).into());
    }
    let mut all = Vec::new();
    for _ in 0..count {
        let at = reader.clone();
        let name = str::from_utf8(reader.tail("name", NAME_BYTES_MAX)?)
            .map_err(|error| at.fault("name", error.to_string()))?;
        all.push((name, Saved::read(reader.tail("breaker", SAVED_BYTES)?)?));
    }
    reader.finish("end")?;
    Ok(all)
}

#[cfg(all(test, not(modelled)))]
#[path = "registry_test.rs"]
mod tests;
