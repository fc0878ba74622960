//! The JVM's way into the library: every native method of `io.duochain.Natives`, and nothing that decides.
//!
//! # Model
//! ```text
//!  Natives.x(owner, handle, ...) ──► guard ──► duo_x ──► boundary, handle table, node
//!                                     │ panic, error: Failures.of(status, message, detail) is thrown
//!                                     └ normal outcome: a number below zero, null or false
//! ```
//! The `jlong` of an object is its C handle, which the C layer checks on every use and keeps alive for
//! the length of a call; closing waits for calls that are inside.
//!
//! # Invariants
//! I1 no panic crosses into the JVM, not even one of this crate ([`guard`]).
//! I2 no critical section: the collector is never held up, however long a call takes.
//! I3 no global or weak reference, no attached thread, no state: unloading needs no clean-up.
//!
//! # Deviations
//! The raw function table is used throughout instead of a safe wrapper: the wrapper costs more than the
//! rest of an enqueue, and `env` is all that is needed of it.
//!
//! # Caller contract
//! `Natives.java`, which states what its callers check.
#![expect(unsafe_code, reason = "exports native methods and calls the C layer")]

mod config;
mod env;
mod guard;
mod lane;
mod library;
mod log;
mod node;
mod pool;
mod queue;
mod registry;
mod replog;
mod replog_snapshot;
mod report;
mod resilience;
mod sub;
mod wire;
