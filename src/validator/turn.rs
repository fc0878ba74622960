//! From one epoch to the next.
//!
//! # Model
//! ```text
//! epoch e ends
//!   set of e      its powers are kept for as long as evidence counts
//!   set of e + 1  begins; who is jailed has no power in it
//!   set of e + 2  is fixed: from the stake of now, without who is jailed
//! ```
//! So stake that moves in `e` counts from `e + 2` on, and both chains know the hash of a set one epoch before they need
//! it. Who is jailed is decided when the set begins, by the same block that ends the epoch.

use super::error::Refusal;
use super::ids::{AccountId, Stake, ValidatorId};
use super::ledger::{Departure, Ledger, seats};
use super::reputation::Performance;
use super::set::ValidatorSet;
use crate::types::{Epoch, Thresholds, ValidatorIndex};
use std::collections::BTreeMap;

/// What made a set weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Stake was taken.
    Slashing,
    /// Power was taken until the next unjail.
    Jailing,
}

/// Punishment has taken more out of a set than the faults it was made for, or has left it so that the fault of a single
/// member is too much. That is no reason not to punish; it is one to look, and to bring in stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetShrunk {
    /// What did it.
    pub cause: Cause,
    /// Of the set.
    pub epoch: Epoch,
    /// Its power before.
    pub total: u128,
    /// How much of it was lost, or of the stake behind it.
    pub lost: u128,
    /// Nobody would have had power. The set was left as it was.
    pub is_held: bool,
}

/// What the turn into an epoch did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// What goes back to accounts, by account.
    pub released: Vec<(AccountId, Stake)>,
    /// Validators without stake that nothing can happen to any more; their names and keys are free.
    pub retired: Vec<ValidatorId>,
    /// What jailing did to the set that begins.
    pub shrunk: Option<SetShrunk>,
}

impl Departure {
    /// The last epoch that the stake backs its validator in.
    pub(super) fn last_backed(&self, unbonding_epochs: u64) -> Epoch {
        self.release.back(unbonding_epochs + 1).expect("it left two epochs before that")
    }
}

impl Ledger {
    /// Ends the epoch. `performances` has one for each place of its set.
    ///
    /// # Errors
    /// [`Refusal::Performances`] when it has not.
    pub fn end_epoch(&mut self, performances: &[Performance]) -> Result<Turn, Refusal> {
        let places = self.current.len();
        if performances.len() != places {
            return Err(Refusal::Performances { given: performances.len(), places });
        }
        self.rate(performances);
        let begins = self.now.next();
        let fixed = self.fix(begins.next());
        let mut next = std::mem::replace(&mut self.next, fixed);
        let shrunk = self.jail(&mut next);
        let over = std::mem::replace(&mut self.current, next);
        let powers = over.members().iter().map(|member| member.id).zip(over.powers());
        self.past.insert(over.epoch(), powers.filter(|(_, power)| *power > 0).collect());
        self.now = begins;
        self.slashed_now = Stake::ZERO;
        self.forget();
        let turn = Turn { released: self.release(), retired: self.retire(), shrunk };
        debug_assert_eq!(self.check(), Ok(()));
        Ok(turn)
    }

    fn rate(&mut self, performances: &[Performance]) {
        for (member, performance) in self.current.members().iter().zip(performances) {
            let Some(share) = performance.share() else { continue };
            if let Some(validator) = self.validators.get_mut(&member.id) {
                validator.reputation = validator.reputation.after(share);
            }
        }
    }

    /// The set of `epoch`, from the stake of now. If nobody has enough, the one before it goes on.
    fn fix(&self, epoch: Epoch) -> ValidatorSet {
        let members = seats(&self.settings, &self.validators, &self.holdings);
        ValidatorSet::new(epoch, members).unwrap_or_else(|_| self.next.again(epoch))
    }

    /// Takes the power of who is jailed in the set that begins.
    fn jail(&self, set: &mut ValidatorSet) -> Option<SetShrunk> {
        let total = set.total();
        let was_safe = bears_one(set);
        let is_jailed =
            |id: &ValidatorId| self.validators.get(id).is_some_and(|validator| validator.jailed.is_some());
        let outcome = set.jail(is_jailed);
        let (lost, is_held) = match outcome {
            Ok(lost) => (u128::from(lost), false),
            Err(lost) => (u128::from(lost), true),
        };
        let is_weak = lost > faulty(total) || (was_safe && !bears_one(set));
        let shrunk = SetShrunk { cause: Cause::Jailing, epoch: set.epoch(), total, lost, is_held };
        (lost > 0 && is_weak).then_some(shrunk)
    }

    /// Drops what evidence can no longer reach.
    fn forget(&mut self) {
        let oldest = self.oldest();
        self.past = self.past.split_off(&oldest);
        self.punished = self.punished.split_off(&oldest);
        self.holdings.values_mut().for_each(|lots| lots.forget(oldest));
        let mut kept = BTreeMap::new();
        for (departure, stake) in std::mem::take(&mut self.departures) {
            let departure = Departure { kind: departure.kind.forget(oldest), ..departure };
            let leaving: &mut Stake = kept.entry(departure).or_default();
            *leaving = leaving.plus(stake);
        }
        self.departures = kept;
    }

    /// Takes out what has waited long enough.
    fn release(&mut self) -> Vec<(AccountId, Stake)> {
        let mut released: BTreeMap<AccountId, Stake> = BTreeMap::new();
        while let Some(first) = self.departures.first_entry().filter(|first| first.key().release <= self.now)
        {
            let (departure, stake) = first.remove_entry();
            let sum = released.entry(departure.holder).or_default();
            *sum = sum.plus(stake);
            self.held = self.held.minus(stake);
        }
        released.into_iter().collect()
    }

    /// Takes out validators that have no stake, no power in an epoch that is still punished, and no time left in jail.
    fn retire(&mut self) -> Vec<ValidatorId> {
        let (now, current, next, past) = (self.now, &self.current, &self.next, &self.past);
        let has_power = |id: &ValidatorId| {
            let was = |powers: &Vec<(ValidatorId, u64)>| {
                powers.binary_search_by_key(id, |(member, _)| *member).is_ok()
            };
            current.place(id).is_some() || next.place(id).is_some() || past.values().any(was)
        };
        let retired = self.validators.extract_if(.., |id, validator| {
            let is_free = validator.jailed.is_none_or(|until| until <= now);
            validator.bonded.is_zero() && is_free && !has_power(id)
        });
        retired.map(|(id, _)| id).collect()
    }
}

fn faulty(total: u128) -> u128 {
    Thresholds::new(total, 0).expect("a set has power").faulty()
}

/// Whether the set goes on when any one member fails.
fn bears_one(set: &ValidatorSet) -> bool {
    let power = |place: ValidatorIndex| u128::from(set.power(place));
    set.places().map(power).max().is_some_and(|largest| largest <= faulty(set.total()))
}
