//! Who may decide, with what power: stake, the sets that follow from it, leaders, and what misconduct costs.
//!
//! # Model
//! ```text
//!   register, delegate, redelegate, unbond, unjail        proven infraction
//!                      |                                         |
//!                      v                                         v
//!   accounts <---> [Ledger: holdings -> departures]  <-----  slash, jail
//!                      | end of epoch e
//!                      '--> set of e + 2 --> set of e + 1 --> set of e --> Election: leader(height, view)
//!                                                                              ^ seed of e
//!   finalised blocks --> [Randomness of each chain] ---------------------------'
//! ```
//! [`Ledger`] is the state of one network, [`Randomness`] that of one chain. Both are pure: the same calls in the same
//! order give the same bytes on every machine. [`ValidatorSet`] is what an epoch decides with; [`Election`] draws
//! from it.
//!
//! # Invariants
//! I1 no stake is made or lost but by slashing: what was taken in is bonded, leaving, released or slashed; a validator has
//! the sum of what accounts have with it.
//! I2 a unit of stake backs one validator in an epoch at most, and answers for it as long as evidence counts, wherever it
//! goes. I3 what evidence cannot reach is forgotten, so one state has one encoding.
//! I4 the set of an epoch is fixed one epoch before it begins, but for who is jailed then, and does not change in it.
//! I5 one slash for one infraction. I6 tables are bounded; no key belongs to two.
//!
//! Each test ends its steps with [`Ledger::check`]; the predicates are in `invariants.rs`.
//!
//! # Limits
//! [`Config`] has them all. What is full refuses with [`Refusal::Full`]. Amounts are whole numbers of 64 bits, all together
//! at most [`STAKE_TOTAL_MAX`], so sums cannot overflow; products have 128 bits. Slashing and the turn of an epoch look at
//! every holding; everything else takes a logarithm of steps, but for [`Ledger::register`], which looks at all keys.
//!
//! # Caller contract
//! Calls come from finalised transactions and evidence, in their order, and from the end of each epoch. A refused call has
//! changed nothing. Whoever calls moves amounts from and to accounts, has verified evidence and the possession of
//! registered keys, and gives [`Ledger::end_epoch`] what finalised blocks say of each member's work.
//!
//! # Deviations
//! - Slashing takes its price from the power of the infraction's epoch, and lets pay what gave that power. Cosmos also
//!   takes from stake that came between and backed nothing.
//! - Stake that was redelegated moves no further as long as it answers for where it came from, as in Cosmos.
//! - The hash of a set does not say who was jailed after it was fixed: both chains have to know it an epoch ahead. The block
//!   that ends an epoch says who is jailed.
//! - No punishment leaves a network without anybody who can decide: the last set with power goes on, and says so
//!   ([`SetShrunk::is_held`]).
//!
//! # Source
//! David, Gazi, Kiayias, Russell, Ouroboros Praos (2018), for the order of stake and seed; the Cosmos SDK's staking and
//! slashing modules, for what answers for an infraction. `docs/validators.md` has the rules with a worked example.

mod encoding;
mod error;
mod ids;
mod invariants;
mod leader;
mod ledger;
mod lots;
mod randomness;
mod reputation;
mod set;
mod settings;
mod slashing;
mod stake;
mod turn;

#[cfg(test)]
mod encoding_test;
#[cfg(test)]
mod example_test;
#[cfg(test)]
mod ledger_test;
#[cfg(test)]
mod model;
#[cfg(test)]
mod model_test;
#[cfg(test)]
mod refusals_test;
#[cfg(test)]
mod testing;

pub use error::{Refusal, Table};
pub use ids::{AccountId, STAKE_TOTAL_MAX, Stake, ValidatorId};
pub use invariants::Violation;
pub use leader::{Election, Fenwick, Lottery, PrefixSums, TooHeavy, point};
pub use ledger::{Founder, GenesisFault, Ledger, Validator};
pub use randomness::{ALPHA_BYTES, Randomness, Seed, TooShort};
pub use reputation::{Performance, Reputation};
pub use set::{Keys, KeysFault, MEMBERS_MAX, Member, SetFault, ValidatorSet};
pub use settings::{
    Config, Cooldown, EPOCHS_CEILING, EVIDENCE_EPOCHS_MIN, Misfit, Settings, TABLE_CEILING,
    VALIDATORS_CEILING,
};
pub use slashing::{INFRACTIONS_MAX, Infraction, InfractionId, Severity, Slashed};
pub use turn::{Cause, SetShrunk, Turn};
