//! What owners and delegators do with stake. Each call does all of it or, refused, nothing.
//!
//! Amounts come from and go to accounts that are kept elsewhere: whoever calls has taken what is staked out of the
//! account, and puts in what an epoch's turn releases.

use super::error::{Refusal, Table};
use super::ids::{AccountId, Stake, ValidatorId};
use super::ledger::{Departure, Ledger, Validator, room};
use super::lots::{Kind, Lots};
use super::reputation::Reputation;
use super::set::Keys;
use crate::types::Epoch;

impl Ledger {
    /// Registers a validator with stake of its owner's, which counts from the epoch after the next.
    ///
    /// The caller has seen that whoever registers has the secret keys: a signature by one, a proof by the other, both over
    /// the id.
    ///
    /// # Errors
    /// [`Refusal::Registered`], [`Refusal::Keys`], [`Refusal::KeyInUse`], [`Refusal::Full`], [`Refusal::TooLittle`],
    /// [`Refusal::TooMuch`].
    pub fn register(
        &mut self,
        id: ValidatorId,
        owner: AccountId,
        keys: Keys,
        stake: Stake,
    ) -> Result<(), Refusal> {
        if self.validators.contains_key(&id) {
            return Err(Refusal::Registered(id));
        }
        if self.validators.len() >= self.settings.validators_max as usize {
            return Err(Refusal::Full(Table::Validators));
        }
        at_least(stake, self.settings.own_min)?;
        self.room_for_holding(&(id, owner))?;
        let held = room(self.held, stake)?;
        keys.check()?;
        let new = [keys.vote.as_bytes(), &keys.vrf];
        let uses = |keys: &Keys| new.contains(&keys.vote.as_bytes()) || new.contains(&&keys.vrf);
        if let Some((other, _)) = self.validators.iter().find(|(_, validator)| uses(&validator.keys)) {
            return Err(Refusal::KeyInUse(*other));
        }
        let validator =
            Validator { owner, keys, bonded: Stake::ZERO, jailed: None, reputation: Reputation::FIRST };
        self.validators.insert(id, validator);
        self.held = held;
        self.bond((id, owner), Kind::fresh(self.now), stake);
        Ok(())
    }

    /// Puts stake of an account behind a validator; it counts from the epoch after the next. The owner's is the
    /// validator's own.
    ///
    /// # Errors
    /// [`Refusal::Unknown`], [`Refusal::TooLittle`], [`Refusal::TooMuch`], [`Refusal::Full`].
    pub fn delegate(&mut self, holder: AccountId, to: ValidatorId, stake: Stake) -> Result<(), Refusal> {
        self.registered(&to)?;
        at_least(stake, self.settings.delegation_min)?;
        self.room_for_holding(&(to, holder))?;
        self.held = room(self.held, stake)?;
        self.bond((to, holder), Kind::fresh(self.now), stake);
        Ok(())
    }

    /// Moves stake from one validator to another without unbonding. It backs the first through the next epoch and the
    /// other one after that, and answers for the first as long as evidence counts; until then it moves no further.
    ///
    /// # Errors
    /// [`Refusal::Unknown`], [`Refusal::SameValidator`], [`Refusal::NotEnough`], [`Refusal::StillAnswers`],
    /// [`Refusal::TooLittle`] unless it is all that the account has there, [`Refusal::Full`].
    pub fn redelegate(
        &mut self,
        holder: AccountId,
        from: ValidatorId,
        to: ValidatorId,
        stake: Stake,
    ) -> Result<(), Refusal> {
        self.registered(&to)?;
        if from == to {
            return Err(Refusal::SameValidator);
        }
        self.withdrawable(holder, from, stake)?;
        let movable = self.holdings.get(&(from, holder)).map(Lots::movable).unwrap_or_default();
        if movable < stake {
            return Err(Refusal::StillAnswers { wanted: stake, movable });
        }
        let is_whole = stake == self.stake_of(holder, from);
        if !is_whole {
            // A holding that goes makes room for one that comes.
            self.room_for_holding(&(to, holder))?;
        }
        let now = self.now;
        for (kind, part) in self.unbond_lots((from, holder), stake, |kind| kind.past.is_none()) {
            self.bond((to, holder), kind.moved(from, now), part);
        }
        Ok(())
    }

    /// Takes stake out. It counts through the next epoch, can be slashed for [`Config::unbonding_epochs`] more, and is
    /// released then, by the turn into the returned epoch.
    ///
    /// [`Config::unbonding_epochs`]: super::Config::unbonding_epochs
    ///
    /// # Errors
    /// [`Refusal::Unknown`], [`Refusal::NotEnough`], [`Refusal::TooLittle`] unless it is all that the account has there,
    /// [`Refusal::Full`].
    pub fn unbond(&mut self, holder: AccountId, from: ValidatorId, stake: Stake) -> Result<Epoch, Refusal> {
        self.withdrawable(holder, from, stake)?;
        let lots = self.holdings.get(&(from, holder)).map_or(0, Lots::len);
        if self.departures.len() + lots > self.settings.departures_max as usize {
            return Err(Refusal::Full(Table::Departures));
        }
        let release = self.now.forward(2 + self.settings.unbonding_epochs);
        for (kind, part) in self.unbond_lots((from, holder), stake, |_| true) {
            let departure = Departure { release, holder, validator: from, kind };
            let leaving = self.departures.entry(departure).or_default();
            *leaving = leaving.plus(part);
        }
        Ok(release)
    }

    /// Ends a validator's time in jail. It is in the next set that is fixed, if its stake suffices.
    ///
    /// # Errors
    /// [`Refusal::Unknown`], [`Refusal::NotOwner`], [`Refusal::NotJailed`], [`Refusal::CoolingDown`],
    /// [`Refusal::TooLittle`] if it has too little stake, or too little of its own.
    pub fn unjail(&mut self, owner: AccountId, id: ValidatorId) -> Result<(), Refusal> {
        let validator = self.registered(&id)?;
        if validator.owner != owner {
            return Err(Refusal::NotOwner(owner));
        }
        let until = validator.jailed.ok_or(Refusal::NotJailed)?;
        if self.now < until {
            return Err(Refusal::CoolingDown { until });
        }
        at_least(self.stake_of(owner, id), self.settings.own_min)?;
        at_least(validator.bonded, self.settings.stake_min)?;
        self.validators.entry(id).and_modify(|validator| validator.jailed = None);
        Ok(())
    }

    pub(super) fn registered(&self, id: &ValidatorId) -> Result<&Validator, Refusal> {
        self.validators.get(id).ok_or(Refusal::Unknown(*id))
    }

    /// Whether an account may take `stake` away from a validator.
    fn withdrawable(&self, holder: AccountId, from: ValidatorId, stake: Stake) -> Result<(), Refusal> {
        self.registered(&from)?;
        let available = self.stake_of(holder, from);
        if stake > available {
            return Err(Refusal::NotEnough { wanted: stake, available });
        }
        // What slashing has left may be less than the minimum.
        at_least(stake, self.settings.delegation_min.min(available).max(Stake::new(1)))
    }
}

fn at_least(offered: Stake, minimum: Stake) -> Result<(), Refusal> {
    if offered < minimum { Err(Refusal::TooLittle { offered, minimum }) } else { Ok(()) }
}
