//! All stake: who has how much with whom, what is leaving, and the sets that follow from it.

use super::error::{Refusal, Table};
use super::ids::{AccountId, STAKE_TOTAL_MAX, Stake, ValidatorId};
use super::lots::{Kind, Lots};
use super::reputation::Reputation;
use super::set::{Keys, Member, SetFault, ValidatorSet};
use super::settings::Settings;
use super::slashing::InfractionId;
use crate::types::Epoch;
use std::collections::{BTreeMap, BTreeSet};

/// A validator, as registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    pub(super) owner: AccountId,
    pub(super) keys: Keys,
    /// The sum of what accounts have with it.
    pub(super) bonded: Stake,
    /// While it is jailed: the first epoch in which it can be unjailed.
    pub(super) jailed: Option<Epoch>,
    pub(super) reputation: Reputation,
}

impl Validator {
    /// Whose stake is its own.
    pub const fn owner(&self) -> AccountId {
        self.owner
    }

    /// What it signs and draws with.
    pub const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Its own stake and that delegated to it, without what is leaving.
    pub const fn bonded(&self) -> Stake {
        self.bonded
    }

    /// While it is jailed: the first epoch in which it can be unjailed.
    pub const fn jailed(&self) -> Option<Epoch> {
        self.jailed
    }

    /// How well it did its work.
    pub const fn reputation(&self) -> Reputation {
        self.reputation
    }
}

/// A stake that is leaving; those that are the same in all of this are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Departure {
    /// The epoch at whose beginning it is its holder's again.
    pub(super) release: Epoch,
    pub(super) holder: AccountId,
    pub(super) validator: ValidatorId,
    pub(super) kind: Kind,
}

/// A validator of a network's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Founder {
    /// Its name.
    pub id: ValidatorId,
    /// Whose stake it is.
    pub owner: AccountId,
    /// What it signs and draws with.
    pub keys: Keys,
    /// Its own, which counts from epoch 0 on.
    pub stake: Stake,
}

/// Why a network cannot begin so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenesisFault {
    /// A founder that could not register.
    #[error("founder {0}: {1}")]
    Founder(ValidatorId, Refusal),
    /// Too little stake for a first set.
    #[error("the first set: {0}")]
    Set(#[from] SetFault),
}

/// All stake of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    pub(super) settings: Settings,
    pub(super) now: Epoch,
    pub(super) validators: BTreeMap<ValidatorId, Validator>,
    pub(super) holdings: BTreeMap<(ValidatorId, AccountId), Lots>,
    pub(super) departures: BTreeMap<Departure, Stake>,
    pub(super) current: ValidatorSet,
    pub(super) next: ValidatorSet,
    /// Who had which power, in epochs that are over and still punished.
    pub(super) past: BTreeMap<Epoch, Vec<(ValidatorId, u64)>>,
    pub(super) punished: BTreeMap<Epoch, BTreeSet<(ValidatorId, InfractionId)>>,
    /// All of `holdings` and `departures`.
    pub(super) held: Stake,
    /// What was slashed in this epoch.
    pub(super) slashed_now: Stake,
}

impl Ledger {
    /// A network in epoch 0, whose set and that of epoch 1 are the founders.
    ///
    /// # Errors
    /// [`GenesisFault`].
    pub fn new(settings: Settings, founders: &[Founder]) -> Result<Self, GenesisFault> {
        let mut keys_seen = BTreeSet::new();
        let mut validators = BTreeMap::new();
        let mut holdings = BTreeMap::new();
        let mut held = Stake::ZERO;
        for Founder { id, owner, keys, stake } in founders {
            let fault = |refusal| GenesisFault::Founder(*id, refusal);
            keys.check().map_err(|key| fault(key.into()))?;
            if !keys_seen.insert(*keys.vote.as_bytes()) | !keys_seen.insert(keys.vrf) {
                return Err(fault(Refusal::KeyInUse(*id)));
            }
            if *stake < settings.own_min {
                return Err(fault(Refusal::TooLittle { offered: *stake, minimum: settings.own_min }));
            }
            held = room(held, *stake).map_err(fault)?;
            if validators.len() == settings.validators_max as usize {
                return Err(fault(Refusal::Full(Table::Validators)));
            }
            let founder = Validator {
                owner: *owner,
                keys: *keys,
                bonded: *stake,
                jailed: None,
                reputation: Reputation::FIRST,
            };
            if validators.insert(*id, founder).is_some() {
                return Err(fault(Refusal::Registered(*id)));
            }
            let mut lots = Lots::default();
            lots.add(Kind { from: Epoch::ORIGIN, past: None }, *stake);
            holdings.insert((*id, *owner), lots);
        }
        let current = ValidatorSet::new(Epoch::ORIGIN, seats(&settings, &validators, &holdings))?;
        Ok(Self {
            settings,
            now: Epoch::ORIGIN,
            validators,
            holdings,
            departures: BTreeMap::new(),
            next: current.again(Epoch::ORIGIN.next()),
            current,
            past: BTreeMap::new(),
            punished: BTreeMap::new(),
            held,
            slashed_now: Stake::ZERO,
        })
    }

    /// The rules.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The epoch under way.
    pub const fn epoch(&self) -> Epoch {
        self.now
    }

    /// The set of this epoch.
    pub const fn current(&self) -> &ValidatorSet {
        &self.current
    }

    /// The set of the next epoch. Its members and their powers are fixed; who is jailed before it begins has none then.
    pub const fn next(&self) -> &ValidatorSet {
        &self.next
    }

    /// A registered validator.
    pub fn validator(&self, id: &ValidatorId) -> Option<&Validator> {
        self.validators.get(id)
    }

    /// All registered validators, by id.
    pub fn validators(&self) -> impl Iterator<Item = (&ValidatorId, &Validator)> {
        self.validators.iter()
    }

    /// What an account has with a validator, without what is leaving.
    pub fn stake_of(&self, holder: AccountId, validator: ValidatorId) -> Stake {
        self.holdings.get(&(validator, holder)).map(Lots::total).unwrap_or_default()
    }

    /// What an account has that is leaving.
    pub fn leaving(&self, holder: AccountId) -> Stake {
        self.departures
            .iter()
            .filter(|(departure, _)| departure.holder == holder)
            .map(|(_, stake)| *stake)
            .sum()
    }

    /// Everything staked, what is leaving included.
    pub const fn held(&self) -> Stake {
        self.held
    }

    /// The oldest epoch whose infractions are still punished.
    pub fn oldest(&self) -> Epoch {
        self.now.back(self.settings.evidence_epochs).unwrap_or(Epoch::ORIGIN)
    }

    /// The power that a validator had, or has, in an epoch that is still punished.
    pub(super) fn power_in(&self, epoch: Epoch, id: &ValidatorId) -> u64 {
        if epoch == self.now {
            return self.current.place(id).map_or(0, |place| self.current.power(place));
        }
        let Some(powers) = self.past.get(&epoch) else { return 0 };
        powers.binary_search_by_key(id, |(member, _)| *member).map_or(0, |at| powers[at].1)
    }

    /// Whether a holding of this account and validator exists or has room.
    pub(super) fn room_for_holding(&self, key: &(ValidatorId, AccountId)) -> Result<(), Refusal> {
        let is_full = self.holdings.len() >= self.settings.holdings_max as usize;
        if is_full && !self.holdings.contains_key(key) { Err(Refusal::Full(Table::Holdings)) } else { Ok(()) }
    }

    /// Adds to a holding and to what its validator has.
    pub(super) fn bond(&mut self, key: (ValidatorId, AccountId), kind: Kind, stake: Stake) {
        self.holdings.entry(key).or_default().add(kind, stake);
        let validator = self.validators.get_mut(&key.0).expect("the validator is registered");
        validator.bonded = validator.bonded.plus(stake);
    }

    /// Takes from a holding that has as much, the latest first, and from what its validator has.
    pub(super) fn unbond_lots(
        &mut self,
        key: (ValidatorId, AccountId),
        stake: Stake,
        may: impl Fn(&Kind) -> bool,
    ) -> Vec<(Kind, Stake)> {
        let lots = self.holdings.get_mut(&key).expect("the holding is there");
        let taken = lots.take(stake, may);
        if lots.len() == 0 {
            self.holdings.remove(&key);
        }
        let validator = self.validators.get_mut(&key.0).expect("the validator is registered");
        validator.bonded = validator.bonded.minus(stake);
        taken
    }
}

/// `held` with `offered` on top.
pub(super) fn room(held: Stake, offered: Stake) -> Result<Stake, Refusal> {
    match held.get().checked_add(offered.get()) {
        Some(sum) if sum <= STAKE_TOTAL_MAX.get() => Ok(Stake::new(sum)),
        _ => Err(Refusal::TooMuch { offered, held }),
    }
}

/// Who has a seat if a set is fixed now: of those with enough stake and not jailed, those with the most; of two with as
/// much, the one whose id is smaller.
pub(super) fn seats(
    settings: &Settings,
    validators: &BTreeMap<ValidatorId, Validator>,
    holdings: &BTreeMap<(ValidatorId, AccountId), Lots>,
) -> Vec<Member> {
    let own = |id: &ValidatorId, owner| holdings.get(&(*id, owner)).map(Lots::total).unwrap_or_default();
    let mut seats: Vec<Member> = validators
        .iter()
        .filter(|(id, validator)| {
            validator.jailed.is_none()
                && validator.bonded >= settings.stake_min
                && own(id, validator.owner) >= settings.own_min
        })
        .map(|(id, validator)| Member { id: *id, power: validator.bonded.get(), keys: validator.keys })
        .collect();
    seats.sort_unstable_by_key(|member| (std::cmp::Reverse(member.power), member.id));
    seats.truncate(settings.seats_max as usize);
    seats
}
