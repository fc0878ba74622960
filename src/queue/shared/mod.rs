//! Shared lanes: producers in other processes and other runtimes put into a file mapping, the queue's
//! consumer takes out.
//!
//! # Model
//! ```text
//! process A, JVM, C   SharedProducer --- copy ---> its part of the segment
//!                          |                              |
//!                          +-- one compare-and-swap --> [ring of lane n] ---> Inlet --- one copy ---> pool
//!                                                                               |
//!                                          the queue's own lane n  ---------> Consumer -> Item
//! ```
//! A segment holds one ring a lane, as `queue::ring`, and a part for each seat. A producer takes a seat,
//! writes records into its own part, and publishes a record by one compare-and-swap on a cell: there is no
//! free list that all share, and nothing to repair when a producer dies. `layout` has the bytes, `part` what
//! becomes of a dead producer's room, `inlet` what the consumer believes (nothing), and
//! `docs/shared-lanes.md` all that a producer in another language needs.
//!
//! # Invariants
//! I1 what a producer committed is handed out exactly once, in order within its lane across all producers of
//!    the segment, also when the producer is killed right after.
//! I2 what it did not commit is never handed out, and its room is used again by the next owner of the seat.
//! I3 a producer stopped or killed at any instruction keeps neither the consumer nor another producer from
//!    going on.
//! I4 whatever anybody writes into a segment, the consumer neither panics nor touches memory outside of it,
//!    nor stalls for good; what makes no sense is counted and passed over.
//!
//! # Limits
//! [`SHARED_SEGMENTS_MAX`] segments a queue, [`SHARED_SEATS_MAX`] seats a segment, as many lanes as the queue
//! has, of [`SHARED_LANE_CELLS_MAX`] cells, [`SHARED_SEGMENT_BYTES_MAX`] bytes. A transaction is at most as
//! large as a part less 32 bytes. A segment ends with the process of its queue: what that had not taken
//! out is lost with it, as is what waits in the queue itself. All processes run as one user in one namespace
//! of process numbers. Who can write to the segment can falsify what it carries: only users of the
//! same account can, and they could stop the process as well.
//!
//! # Caller contract
//! The order of two transactions holds within one lane of one segment. Transactions of the queue's own lane
//! and of the segments' lanes of the same number take turns.

#[cfg(modelled)]
mod absent;
mod error;
mod inlet;
#[cfg(not(modelled))]
mod inlets;
#[cfg(not(modelled))]
mod lanes;
mod layout;
mod memory;
mod owner;
mod part;
#[cfg(not(modelled))]
mod pause;
#[cfg(not(modelled))]
mod producer;
mod room;
#[cfg(all(test, not(any(modelled, miri))))]
mod room_test;
#[cfg(not(modelled))]
mod run;
#[cfg(all(test, not(any(modelled, miri))))]
mod run_test;
mod segment;
mod settings;

#[cfg(all(test, not(any(modelled, miri))))]
mod hostile_test;
#[cfg(all(test, not(any(modelled, miri))))]
mod life_test;
#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(any(modelled, miri))))]
mod tests;

pub use error::SharedError;
#[cfg(not(modelled))]
pub use inlets::{SHARED_NAP, SHARED_SEGMENTS_MAX};
#[cfg(not(modelled))]
pub use lanes::SharedLanes;
pub use layout::{SHARED_LANE_CELLS_MAX, SHARED_SEATS_MAX, SHARED_SEGMENT_BYTES_MAX};
#[cfg(not(modelled))]
pub use pause::SharedPause;
#[cfg(all(feature = "capi", not(modelled)))]
pub(crate) use producer::SharedWriting;
#[cfg(not(modelled))]
pub use producer::{SharedClaim, SharedProducer};
pub use settings::SharedStats;
#[cfg(not(modelled))]
pub use settings::{SharedPlace, SharedSettings};

#[cfg(modelled)]
pub(super) use absent::{Inlets, Run};
#[cfg(not(modelled))]
pub(super) use inlets::Inlets;
#[cfg(not(modelled))]
pub(super) use run::Run;
