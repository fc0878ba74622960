//! Atomics and cells: the standard ones, or loom's when a model runs (`--cfg loom`).
//!
//! Lock-free modules import from here and nowhere else, so that the code that is modelled is the code
//! that ships.

#[cfg(not(loom))]
pub(crate) use std::sync::atomic;

#[cfg(loom)]
pub(crate) use loom::sync::atomic;
