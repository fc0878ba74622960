//! PBFT with a fast path: validators, some of whom lie, never decide two blocks at one height. A state machine without a
//! clock, thread, disk, socket or key.
//!
//! # Model
//! ```text
//!   proposal --> prepare votes --+-- all but the slack ------------------------------> final   2 delays
//!                                '-- slow quorum: certificate --> commits, slow quorum -> final   3 delays
//!   view change: claims of all but the faulty --> select --> the blocks that the new view has to prepare again
//! ```
//! [`Engine::step`] takes one [`Input`], a fact, and appends [`Effect`]s, what the host must do, in order. `input.rs` and
//! `effect.rs` are the whole surface. There is one engine for each chain and epoch. What comes from others is verified before: only
//! [`verify`] makes what an engine takes. A block is a place in a chain of hashes here; bodies travel apart.
//!
//! A validator votes for a block at a height, in a view. What it signed it keeps, in records that are durable before they are
//! signed, and tells in the claims with which it leaves the view. [`select()`] computes from the claims what the next view begins
//! with; its coordinator sends the claims along, and everybody computes it again. [`invariants`] has what a validator asks
//! itself before it signs: pure functions of what they are given, as the quorums of
//! [`Thresholds`](crate::types::Thresholds), in power, are.
//!
//! # Invariants
//! I1 in a view, at most one block of a height gets a certificate or is final by the fast path.
//! I2 a validator signs at most one block for a view, height and kind of vote, and nothing below its view. It prepares
//! nothing where a block is final for it: no view binds it at or below the tip that it begins with.
//! I3 a block that is final in a view is chosen by every selection for a later one, and so are its ancestors.
//! I4 two finality proofs for one height name the same block; a block with one has a parent that could have one.
//! I5 any reports have one selection, whatever their order: two who select from the same reports choose the same.
//! I6 nothing is signed that is not durable, and a validator never contradicts its records: no honest one is ever blamed.
//!
//! # Limits
//! At most [`WINDOW_MAX`] heights are agreed on at a time, and a selection is no longer. Its cost is the number of reports for each
//! height, and grows to the square of it where liars report ever later views. Votes are counted for twice the window and for
//! 18 views; of each validator one vote of a kind for each view and height, one proposal, and its latest claims are kept.
//!
//! # Caller contract
//! One thread. First [`Input::Started`]. Effects are carried out in order; records may overtake nothing that was asked before.
//! A body is durable before its block is said to be valid or built, and is kept and served until its height is final: a new view may select
//! it, and then nobody goes on without it. After a
//! failed write the engine must be dropped. The vote log is cut below what the chain's store has made final, never above. Who
//! lost its log or finds it damaged other than by a torn end gives no place: it observes until the next epoch.
//! The same inputs give the same effects, byte for byte.
//!
//! # Deviations
//! - PBFT (§4.4) chooses from certificates. Prepares alone may make a block final here, so reports name votes too.
//! - SBFT signs a share for each path. One prepare vote serves both paths here, so that a certificate and a
//!   fast proof differ in power only.
//! - A new view does not say what was selected (PBFT's set O): everybody computes it, so nobody can lie about it.
//! - Claims carry no leader's signature under a vote: a candidate takes more reporters than lie, so one of them saw it.
//! - A coordinator may begin one view twice, with other claims: either is safe, so it is no offence.
//! - Who finds a leader's block invalid reports it; that proves nothing to others, and leaves the punishment to the host.
//! - A validator may claim twice for one view, as its tip rises or it is restarted. Liars may, too; no proof depends on it.
//! - A proof moves the tip to its height at once: ancestors follow from the hashes, and need no proofs of their own.
//! - Who left a view alone is joined by the others after a number of heights: see `view_change.rs`.
//! - Heights are pipelined: a vote for a child does not wait for its parent to be final. Guards P and C replace that
//!   wait. A validator that has a proof of another parent follows it, whatever it signed itself.
//!
//! # Source
//! Castro and Liskov, Practical Byzantine Fault Tolerance (OSDI 1999), cited as "PBFT"; Gueta et al., SBFT (arXiv
//! 1804.01626); Abraham et al., Revisiting Fast Practical Byzantine Fault Tolerance (arXiv 1712.01367), on what goes
//! wrong. The proof is in `docs/agreement.md`, and `tests/bft_adversary` looks for a schedule that breaks it.

mod again;
mod blame;
mod certificate;
mod check;
mod config;
mod effect;
mod engine;
mod evidence;
mod health;
mod input;
pub mod invariants;
mod message;
mod mutant;
mod normal;
mod pace;
mod power;
mod record;
mod report;
mod select;
mod statement;
mod tally;
mod undecided;
pub mod verify;
mod view_change;
pub mod wire;

pub use certificate::{Certificate, FinalityProof, Votes};
pub use check::{Held, Violation};
pub use config::{Config, Elector, Misfit, Recovered, Settings};
pub use effect::Effect;
pub use engine::Engine;
pub use evidence::{Evidence, equivocation, false_claims};
pub use health::Mode;
pub use input::{Input, Timer};
pub use message::{
    Backing, Claim, Claims, HEADER_BYTES_MAX, Message, NewView, PrePrepare, Proposal, Status, ViewChange,
    Vote,
};
#[cfg(any(test, feature = "sim"))]
#[cfg(any(test, feature = "sim"))]
pub use mutant::Mutant;
pub use power::{PowerError, Powers};
pub use record::{Record, RecordId};
pub use report::{HeightReport, InView, Report, Tip, Unfit, check_reports};
pub use select::{Chosen, Reason, Selection, Stop, UnknownParent, WINDOW_MAX, select};
pub use statement::{Domain, Kind, Statement};

#[cfg(test)]
mod counterexamples_test;
#[cfg(test)]
mod engine_test;
#[cfg(test)]
mod recovery_test;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod testing;
