//! PBFT with a fast path: the rules by which validators, some of whom lie, never decide two blocks at one height.
//!
//! # Model
//! ```text
//!   propose --> prepare votes --+-- all but the slack ------------------------------> final   2 delays
//!                               '-- slow quorum: certificate --> commits, slow quorum -> final   3 delays
//!   view change: reports of all but the faulty --> select --> the blocks that the new view has to prepare again
//! ```
//! A validator votes for a block at a height, in a view. What it signed it keeps, and tells in the report with which it
//! leaves the view. [`select()`] computes from the reports what the next view begins with; the leader sends the reports
//! along, and everybody computes it again. [`invariants`] has what a validator asks itself before it signs. All of it
//! is pure functions of what they are given: quorums are those of [`Thresholds`](crate::types::Thresholds), in power.
//!
//! # Invariants
//! I1 in a view, at most one block of a height gets a certificate or is final by the fast path.
//! I2 a validator signs at most one block for a view, height and kind of vote, and nothing below its view.
//! I3 a block that is final in a view is chosen by every selection for a later one, and so are its ancestors.
//! I4 two finality proofs for one height name the same block; a block with one has a parent that could have one.
//! I5 any reports have one selection, whatever their order: two who select from the same reports choose the same.
//!
//! # Limits
//! A selection is of at most [`WINDOW_MAX`] heights. Its cost is the number of reports for each height, and grows to the
//! square of it where liars report ever later views.
//!
//! # Deviations
//! - PBFT (§4.4) chooses from certificates. Prepares alone may make a block final here, so reports name votes too.
//! - SBFT signs a share for each path. One prepare vote serves both paths here, so that a certificate and a
//!   fast proof differ in power only.
//! - Heights are pipelined: a vote for a child does not wait for its parent to be final. Guards P and C replace that
//!   wait. A validator that has a proof of another parent follows it, whatever it signed itself.
//!
//! # Source
//! Castro and Liskov, Practical Byzantine Fault Tolerance (OSDI 1999), cited as "PBFT"; Gueta et al., SBFT (arXiv
//! 1804.01626); Abraham et al., Revisiting Fast Practical Byzantine Fault Tolerance (arXiv 1712.01367), on what goes
//! wrong. The proof is in `docs/agreement.md`, and `tests/bft_adversary` looks for a schedule that breaks it.

mod certificate;
mod config;
mod effect;
mod evidence;
mod input;
pub mod invariants;
mod message;
mod power;
mod record;
mod report;
mod select;
mod statement;
pub mod verify;
pub mod wire;

pub use certificate::{Certificate, FinalityProof, Votes};
pub use config::{Config, Elector, Misfit, Recovered, Settings};
pub use effect::Effect;
pub use evidence::{Evidence, equivocation, false_claims};
pub use input::{Input, Timer};
pub use message::{
    Backing, Claim, Claims, HEADER_BYTES_MAX, Message, NewView, PrePrepare, Proposal, Status, ViewChange,
    Vote,
};
pub use power::{PowerError, Powers};
pub use record::{Record, RecordId};
pub use report::{HeightReport, InView, Report, Tip, Unfit, check_reports};
pub use select::{Chosen, Reason, Selection, Stop, UnknownParent, WINDOW_MAX, select};
pub use statement::{Domain, Kind, Statement};

#[cfg(test)]
mod counterexamples_test;
#[cfg(test)]
mod testing;
