//! The C interface: translation, and nothing that decides.
//!
//! # Model
//! ```text
//!  host ── duo_x(handle, …) ──► boundary ──► handle table ──► object ──► node, queue, pool
//!                                 │ fork, re-entry, panic      (pinned for the length of the call)
//!                                 └ duo_status, last error of the thread
//! ```
//! A handle is not an address: it names a kind, a table entry and that entry's generation (`handle`).
//! Every exported function runs inside [`boundary`], which turns a panic into a status.
//!
//! # Invariants
//! I1 no panic and no unwinding crosses an exported function.
//! I2 an object is dropped only after its entry was retired and no thread pins it any more.
//! I3 outputs are written last, and only on success.
//! I4 nothing is printed; panics inside the library go to the log.
//!
//! # Limits
//! `DUO_HANDLES_MAX` live handles per process, `DUO_BATCH_MAX` items per batch call.
//!
//! # Caller contract
//! The opening of `include/duochain.h`, which is generated from these files.

#![allow(rustdoc::broken_intra_doc_links, reason = "tags of the C header such as [blocks] look like links")]

pub mod boundary;
pub mod failure;
pub mod fork;
pub mod status;

mod thread;

#[cfg(feature = "capi")]
pub mod argument;
#[cfg(feature = "capi")]
mod batch;
#[cfg(feature = "capi")]
pub mod block;
#[cfg(feature = "capi")]
pub mod breaker;
#[cfg(feature = "capi")]
pub mod bulkhead;
#[cfg(feature = "capi")]
pub mod config;
#[cfg(feature = "capi")]
mod consuming;
#[cfg(feature = "capi")]
pub mod dequeue;
#[cfg(feature = "capi")]
pub mod faults;
#[cfg(feature = "capi")]
mod handle;
#[cfg(feature = "capi")]
mod kind;
#[cfg(feature = "capi")]
// Mappings and processes are not the models'.
#[cfg(not(modelled))]
pub mod lane;
#[cfg(feature = "capi")]
#[cfg(not(modelled))]
pub mod lane_producer;
#[cfg(feature = "capi")]
pub mod library;
#[cfg(feature = "capi")]
pub mod limiter;
#[cfg(feature = "capi")]
pub mod log;
#[cfg(feature = "capi")]
pub mod node;
#[cfg(feature = "capi")]
mod pin;
#[cfg(feature = "capi")]
pub mod pool;
#[cfg(feature = "capi")]
pub mod pool_options;
#[cfg(feature = "capi")]
pub mod queue;
#[cfg(feature = "capi")]
mod record;
#[cfg(feature = "capi")]
pub mod registry;
#[cfg(feature = "capi")]
pub mod replog;
#[cfg(feature = "capi")]
pub mod replog_append;
#[cfg(feature = "capi")]
pub mod replog_pending;
#[cfg(feature = "capi")]
pub mod replog_pieces;
#[cfg(feature = "capi")]
pub mod replog_read;
#[cfg(feature = "capi")]
pub mod replog_snapshot;
#[cfg(feature = "capi")]
pub mod replog_tls;
#[cfg(feature = "capi")]
pub mod replog_view;
#[cfg(feature = "capi")]
pub mod retry;
#[cfg(feature = "capi")]
pub mod stack;
#[cfg(feature = "capi")]
pub mod stage;
#[cfg(feature = "capi")]
pub mod sub;
#[cfg(feature = "capi")]
pub mod upkeep;
#[cfg(feature = "capi")]
pub mod view;
