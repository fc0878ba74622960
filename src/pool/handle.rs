//! A buffer by number, for callers that cannot hold a Rust value.

use super::header::{GENERATION_MASK, INDEX_BITS, INDEX_MASK};
use std::fmt;

/// Names one checked-out buffer: generation in the upper 40 bits, index in the lower 24.
///
/// A handle is good for exactly one [`adopt`](super::BufferPool::adopt) or
/// [`release`](super::BufferPool::release); later ones are refused. The generation counts how often
/// the buffer was given back, so an old handle could match again only after 2^40 reuses of one buffer
/// (12 days at a million reuses a second of that very buffer).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Handle(u64);

impl Handle {
    pub(super) const fn new(generation: u64, index: u32) -> Self {
        Self((generation & GENERATION_MASK) << INDEX_BITS | index as u64)
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// From its number. Any number is safe: the pool checks it.
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    pub(super) const fn generation(self) -> u64 {
        self.0 >> INDEX_BITS
    }

    /// Which buffer of the pool.
    pub const fn index(self) -> u32 {
        (self.0 & INDEX_MASK) as u32
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({}@{})", self.index(), self.generation())
    }
}

/// Two words that travel with a buffer and mean what the caller wants, such as an operation id and the
/// tick of its submission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// First word.
    pub tag: u64,
    /// Second word.
    pub stamp: u64,
}
