//! Bytes in, valid values out; and the reverse. One little-endian grammar for disk and wire.
//!
//! # Model
//! [`Writer`] appends fixed-width little-endian integers and length-prefixed tails to a `Vec<u8>`;
//! [`Reader`] takes them off a slice. Every length is checked against what is left before anything
//! is read or allocated, so hostile bytes cost nothing and never panic.
//!
//! # Limits
//! A length prefix is 32 bits; the caller of [`Reader::tail`] states the largest length it accepts.

#[cfg(test)]
pub(crate) mod dump;
mod reader;
mod writer;

pub use reader::{Malformed, Reader};
pub use writer::Writer;
