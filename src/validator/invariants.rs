//! What holds of the ledger after each call.

use super::ids::{STAKE_TOTAL_MAX, Stake};
use super::ledger::Ledger;
use super::lots::Kind;
use super::set::ValidatorSet;
use super::slashing::INFRACTIONS_MAX;
use crate::types::Epoch;
use std::collections::{BTreeMap, BTreeSet};

/// A broken invariant: its number in the head of the module, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Violation(pub &'static str);

impl Ledger {
    /// Looks at everything.
    ///
    /// # Errors
    /// The first invariant that is broken.
    pub fn check(&self) -> Result<(), Violation> {
        let fault = self.check_stake().or_else(|| self.check_lots()).or_else(|| self.check_epochs());
        match fault.or_else(|| self.check_validators()) {
            Some(fault) => Err(Violation(fault)),
            None => Ok(()),
        }
    }

    fn check_stake(&self) -> Option<&'static str> {
        let mut bonded = BTreeMap::new();
        for ((id, _), lots) in &self.holdings {
            let sum: &mut Stake = bonded.entry(*id).or_default();
            *sum = sum.plus(lots.total());
        }
        let all: Stake = bonded.values().chain(self.departures.values()).copied().sum();
        let differs = self
            .validators
            .iter()
            .any(|(id, validator)| bonded.remove(id).unwrap_or_default() != validator.bonded);
        let rules = [
            (differs, "a validator's stake is the sum of what accounts have with it (I1)"),
            (!bonded.is_empty(), "stake is with registered validators (I1)"),
            (all != self.held, "what is held is the sum of what is bonded and what leaves (I1)"),
            (all.max(self.slashed_now) > STAKE_TOTAL_MAX, "there is no more stake than there can be (I1)"),
        ];
        first(&rules)
    }

    fn check_lots(&self) -> Option<&'static str> {
        let oldest = self.oldest();
        let held = self
            .holdings
            .iter()
            .flat_map(|((at, _), lots)| lots.iter().map(|(kind, stake)| (*at, kind, stake, None::<Epoch>)));
        let wait = 2 + self.settings.unbonding_epochs;
        let times = self.now.next().max(Epoch::new(wait))..=self.now.forward(wait);
        let leaving = self
            .departures
            .iter()
            .map(|(departure, stake)| (departure.validator, departure.kind, *stake, Some(departure.release)));
        for (at, kind, stake, release) in held.chain(leaving) {
            let untimely = release.is_some_and(|release| !times.contains(&release));
            let own_past = kind.past.is_some_and(|past| past.validator == at);
            let rules = [
                (stake.is_zero(), "no lot is empty (I2)"),
                (untimely, "what leaves is released when it has waited long enough (I2)"),
                (own_past, "nothing comes from where it is (I2)"),
                (kind.forget(oldest) != kind, "what evidence cannot reach is forgotten (I3)"),
                (!is_ordered(&kind, self.now), "a lot backs one validator in an epoch (I2)"),
            ];
            if let Some(fault) = first(&rules) {
                return Some(fault);
            }
        }
        None
    }

    fn check_epochs(&self) -> Option<&'static str> {
        let oldest = self.oldest();
        let kept = |epoch: &Epoch| (oldest..self.now).contains(epoch);
        let is_whole = self.past.len() as u64 == self.now.get() - oldest.get();
        let mut per_validator = BTreeMap::new();
        for (epoch, infractions) in &self.punished {
            infractions.iter().for_each(|(id, _)| *per_validator.entry((epoch, id)).or_insert(0) += 1);
        }
        let many = per_validator.values().any(|count| *count > INFRACTIONS_MAX);
        let empty = self.punished.values().any(BTreeSet::is_empty);
        let silent = self.past.values().flatten().any(|(_, power)| *power == 0);
        let rules = [
            (self.current.epoch() != self.now, "the current set is that of this epoch (I4)"),
            (self.next.epoch() != self.now.next(), "the next set is that of the next epoch (I4)"),
            (!self.next.jailed().is_empty(), "who is jailed loses power when a set begins (I4)"),
            (!self.past.keys().all(kept) || !is_whole, "powers are kept as long as evidence counts (I4)"),
            (silent, "only power is kept (I4)"),
            (
                !self.punished.keys().all(|epoch| kept(epoch) || *epoch == self.now),
                "punishments are kept as long as evidence counts (I5)",
            ),
            (many || empty, "no more is punished than there is (I5)"),
        ];
        first(&rules)
    }

    fn check_validators(&self) -> Option<&'static str> {
        let mut keys = BTreeSet::new();
        let mut is_shared = false;
        for validator in self.validators.values() {
            is_shared |= !keys.insert(validator.keys.vote.as_bytes()) | !keys.insert(&validator.keys.vrf);
        }
        let unknown = |set: &ValidatorSet| {
            set.members().iter().any(|member| {
                self.validators.get(&member.id).is_none_or(|validator| validator.keys != member.keys)
            })
        };
        let settings = &self.settings;
        let rules = [
            (is_shared, "nobody shares a key (I6)"),
            (unknown(&self.current) || unknown(&self.next), "members are registered with their keys (I6)"),
            (self.next.len() > settings.seats_max as usize, "no set has more members than seats (I6)"),
            (
                self.validators.len() > settings.validators_max as usize,
                "the table of validators is bounded (I6)",
            ),
            (self.holdings.len() > settings.holdings_max as usize, "the table of holdings is bounded (I6)"),
            (
                self.departures.len() > settings.departures_max as usize,
                "the table of departures is bounded (I6)",
            ),
        ];
        first(&rules)
    }
}

/// Whether the epochs of a lot follow each other, and begin no later than stake that comes now.
fn is_ordered(kind: &Kind, now: Epoch) -> bool {
    let past_fits = kind.past.is_none_or(|past| past.from <= past.until && past.until < kind.from);
    past_fits && kind.from <= now.forward(2)
}

fn first(rules: &[(bool, &'static str)]) -> Option<&'static str> {
    rules.iter().find(|(broken, _)| *broken).map(|(_, rule)| *rule)
}
