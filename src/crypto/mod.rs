//! Cryptographic building blocks: one file per scheme, no primitive of our own.

pub mod hash;
