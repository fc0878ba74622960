//! Cryptographic building blocks: one file per scheme, no primitive of our own.

pub mod ed25519;
pub mod hash;
mod point;
pub mod vrf;

pub use point::KeyFault;
