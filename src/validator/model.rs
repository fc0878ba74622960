//! The rules of staking in the most naive form: coins that remember everywhere they ever were.
//!
//! Nothing is forgotten, merged or summed up here. What a coin backed in an epoch is read off its whole history, and so
//! is who answers for an infraction. Only where the rules round, coins with the same future are counted together.

use super::testing::{RULES, stake};
use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// Time at one validator.
#[derive(Clone, Copy, Debug)]
struct Stint {
    at: ValidatorId,
    from: u64,
    /// The last epoch, once it has left.
    until: Option<u64>,
}

impl Stint {
    fn backed(&self, validator: ValidatorId, epoch: u64) -> bool {
        self.at == validator && self.from <= epoch && self.until.is_none_or(|until| epoch <= until)
    }
}

#[derive(Clone, Debug)]
struct Coin {
    holder: AccountId,
    units: u64,
    stints: Vec<Stint>,
    release: Option<u64>,
}

/// Coins with the same key have the same future. Ordered as the latest goes first, backwards.
type Key = (Option<u64>, AccountId, ValidatorId, u64, Option<(ValidatorId, u64, u64)>);

impl Coin {
    fn key(&self, oldest: u64) -> Key {
        let (last, before) = self.stints.split_last().expect("it came somewhere");
        let past = before.last().and_then(|stint| {
            let until = stint.until.expect("it left");
            (until >= oldest).then_some((stint.at, stint.from.max(oldest), until))
        });
        (self.release, self.holder, last.at, last.from.max(oldest), past)
    }

    fn lies_with(&self, validator: ValidatorId) -> bool {
        self.release.is_none() && self.stints.last().is_some_and(|stint| stint.at == validator)
    }
}

pub(super) struct Model {
    pub(super) now: u64,
    coins: Vec<Coin>,
    owners: BTreeMap<ValidatorId, AccountId>,
    pub(super) jailed: BTreeMap<ValidatorId, u64>,
    /// What everybody could decide with in each epoch, and the next two.
    pub(super) sets: Vec<BTreeMap<ValidatorId, u64>>,
    punished: BTreeSet<(u64, ValidatorId, InfractionId)>,
    pub(super) slashed: u64,
    pub(super) released: u64,
    pub(super) taken_in: u64,
}

type Outcome<T> = Result<T, ()>;

fn hold(rule: bool) -> Outcome<()> {
    if rule { Ok(()) } else { Err(()) }
}

impl Model {
    pub(super) fn new(founders: &[Founder]) -> Self {
        let mut model = Self {
            now: 0,
            coins: Vec::new(),
            owners: BTreeMap::new(),
            jailed: BTreeMap::new(),
            sets: Vec::new(),
            punished: BTreeSet::new(),
            slashed: 0,
            released: 0,
            taken_in: 0,
        };
        for founder in founders {
            model.owners.insert(founder.id, founder.owner);
            model.come(founder.owner, founder.id, founder.stake.get(), 0);
        }
        let first = model.seats();
        model.sets = vec![first.clone(), first];
        model
    }

    fn oldest(&self) -> u64 {
        self.now.saturating_sub(RULES.evidence_epochs)
    }

    fn come(&mut self, holder: AccountId, at: ValidatorId, units: u64, from: u64) {
        self.taken_in += units;
        self.coins.push(Coin { holder, units, stints: vec![Stint { at, from, until: None }], release: None });
    }

    pub(super) fn stake_of(&self, holder: AccountId, at: ValidatorId) -> u64 {
        let here = |coin: &&Coin| coin.holder == holder && coin.lies_with(at);
        self.coins.iter().filter(here).map(|coin| coin.units).sum()
    }

    pub(super) fn bonded(&self, at: ValidatorId) -> u64 {
        self.coins.iter().filter(|coin| coin.lies_with(at)).map(|coin| coin.units).sum()
    }

    pub(super) fn leaving(&self, holder: AccountId) -> u64 {
        let leaves = |coin: &&Coin| coin.holder == holder && coin.release.is_some();
        self.coins.iter().filter(leaves).map(|coin| coin.units).sum()
    }

    pub(super) fn held(&self) -> u64 {
        self.coins.iter().map(|coin| coin.units).sum()
    }

    fn keys(&self, of: impl Fn(&Coin) -> bool) -> BTreeSet<Key> {
        self.coins
            .iter()
            .filter(|coin| coin.units > 0 && of(coin))
            .map(|coin| coin.key(self.oldest()))
            .collect()
    }

    fn has_room(&self, holder: AccountId, at: ValidatorId) -> bool {
        let pairs: BTreeSet<_> =
            self.keys(|coin| coin.release.is_none()).into_iter().map(|key| (key.1, key.2)).collect();
        pairs.contains(&(holder, at)) || pairs.len() < RULES.holdings_max as usize
    }

    pub(super) fn register(&mut self, id: ValidatorId, owner: AccountId, units: u64) -> Outcome<()> {
        hold(!self.owners.contains_key(&id) && self.owners.len() < RULES.validators_max as usize)?;
        hold(units >= RULES.own_min.get() && self.has_room(owner, id))?;
        self.owners.insert(id, owner);
        self.come(owner, id, units, self.now + 2);
        Ok(())
    }

    pub(super) fn delegate(&mut self, holder: AccountId, to: ValidatorId, units: u64) -> Outcome<()> {
        hold(self.owners.contains_key(&to) && units >= RULES.delegation_min.get())?;
        hold(self.has_room(holder, to))?;
        self.come(holder, to, units, self.now + 2);
        Ok(())
    }

    /// Coins of these `units`, the latest first, out of those that `may` be taken.
    fn take(
        &mut self,
        holder: AccountId,
        from: ValidatorId,
        units: u64,
        may: impl Fn(&Key) -> bool,
    ) -> Vec<Coin> {
        let oldest = self.oldest();
        let mut order: Vec<usize> = (0..self.coins.len()).collect();
        order.retain(|at| {
            let coin = &self.coins[*at];
            coin.holder == holder && coin.lies_with(from) && may(&coin.key(oldest))
        });
        order.sort_by_key(|at| std::cmp::Reverse(self.coins[*at].key(oldest)));
        let (mut rest, mut taken) = (units, Vec::new());
        for at in order {
            let part = rest.min(self.coins[at].units);
            self.coins[at].units -= part;
            rest -= part;
            taken.push(Coin { units: part, ..self.coins[at].clone() });
        }
        assert_eq!(rest, 0);
        taken.retain(|coin| coin.units > 0);
        taken
    }

    fn may_take(&self, holder: AccountId, from: ValidatorId, units: u64) -> Outcome<()> {
        let has = self.stake_of(holder, from);
        hold(self.owners.contains_key(&from) && units <= has)?;
        hold(units > 0 && units >= RULES.delegation_min.get().min(has))
    }

    pub(super) fn redelegate(
        &mut self,
        holder: AccountId,
        from: ValidatorId,
        to: ValidatorId,
        units: u64,
    ) -> Outcome<()> {
        hold(self.owners.contains_key(&to) && from != to)?;
        self.may_take(holder, from, units)?;
        let oldest = self.oldest();
        let here =
            |coin: &&Coin| coin.holder == holder && coin.lies_with(from) && coin.key(oldest).4.is_none();
        hold(self.coins.iter().filter(here).map(|coin| coin.units).sum::<u64>() >= units)?;
        hold(units == self.stake_of(holder, from) || self.has_room(holder, to))?;
        for mut coin in self.take(holder, from, units, |key| key.4.is_none()) {
            self.leave(&mut coin);
            coin.stints.push(Stint { at: to, from: self.now + 2, until: None });
            self.coins.push(coin);
        }
        Ok(())
    }

    /// It backs where it was through the next epoch; if it never backed it, it was not there.
    fn leave(&self, coin: &mut Coin) {
        let last = coin.stints.last_mut().expect("it came somewhere");
        last.until = Some(self.now + 1);
        if last.from > self.now + 1 {
            coin.stints.pop();
        }
    }

    pub(super) fn unbond(&mut self, holder: AccountId, from: ValidatorId, units: u64) -> Outcome<u64> {
        self.may_take(holder, from, units)?;
        let lots = self.keys(|coin| coin.holder == holder && coin.lies_with(from)).len();
        let leaving = self.keys(|coin| coin.release.is_some()).len();
        hold(leaving + lots <= RULES.departures_max as usize)?;
        let release = self.now + 2 + RULES.unbonding_epochs;
        for mut coin in self.take(holder, from, units, |_| true) {
            coin.stints.last_mut().expect("it came somewhere").until = Some(self.now + 1);
            coin.release = Some(release);
            self.coins.push(coin);
        }
        Ok(release)
    }

    pub(super) fn unjail(&mut self, owner: AccountId, id: ValidatorId) -> Outcome<()> {
        hold(self.owners.get(&id) == Some(&owner))?;
        hold(self.jailed.get(&id).is_some_and(|until| *until <= self.now))?;
        hold(self.stake_of(owner, id) >= RULES.own_min.get() && self.bonded(id) >= RULES.stake_min.get())?;
        self.jailed.remove(&id);
        Ok(())
    }

    pub(super) fn slash(&mut self, infraction: &Infraction) -> Outcome<u64> {
        let Infraction { id, validator, severity, .. } = *infraction;
        let epoch = infraction.epoch.get();
        let oldest = self.oldest();
        hold((oldest..=self.now).contains(&epoch) && self.owners.contains_key(&validator))?;
        let power = self.sets[epoch as usize].get(&validator).copied().unwrap_or_default();
        hold(power > 0)?;
        hold(self.punished.insert((epoch, validator, id)))?;
        let backed = |coin: &Coin| coin.stints.iter().any(|stint| stint.backed(validator, epoch));
        let backing: u64 = self.coins.iter().filter(|coin| backed(coin)).map(|coin| coin.units).sum();
        let price = power * u64::from(severity.permille());
        let price = price.div_ceil(1_000).min(backing);
        let mut paid = 0;
        for key in self.keys(backed) {
            let mut coins: Vec<&mut Coin> =
                self.coins.iter_mut().filter(|coin| coin.units > 0 && coin.key(oldest) == key).collect();
            let sum: u64 = coins.iter().map(|coin| coin.units).sum();
            let mut rest = (u128::from(sum) * u128::from(price)).div_ceil(u128::from(backing)) as u64;
            paid += rest;
            for coin in &mut coins {
                let part = rest.min(coin.units);
                coin.units -= part;
                rest -= part;
            }
        }
        self.slashed += paid;
        let until = self.now + RULES.cooldown.after(severity);
        let before = self.jailed.get(&validator).copied().unwrap_or_default();
        self.jailed.insert(validator, until.max(before));
        Ok(paid)
    }

    fn seats(&self) -> BTreeMap<ValidatorId, u64> {
        let mut seats: Vec<(ValidatorId, u64)> = self
            .owners
            .iter()
            .filter(|(id, owner)| {
                !self.jailed.contains_key(id)
                    && stake(self.bonded(**id)) >= RULES.stake_min
                    && stake(self.stake_of(**owner, **id)) >= RULES.own_min
            })
            .map(|(id, _)| (*id, self.bonded(*id)))
            .collect();
        seats.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        seats.truncate(RULES.seats_max as usize);
        seats.into_iter().collect()
    }

    /// What each account gets back.
    pub(super) fn end_epoch(&mut self) -> BTreeMap<AccountId, u64> {
        let seats = self.seats();
        let following = if seats.is_empty() { self.sets[self.now as usize + 1].clone() } else { seats };
        self.sets.push(following);
        self.now += 1;
        let begins = &mut self.sets[self.now as usize];
        if begins.keys().any(|id| !self.jailed.contains_key(id)) {
            begins
                .iter_mut()
                .filter(|(id, _)| self.jailed.contains_key(id))
                .for_each(|(_, power)| *power = 0);
        }
        let mut back = BTreeMap::new();
        for coin in &mut self.coins {
            if coin.units > 0 && coin.release.is_some_and(|release| release <= self.now) {
                *back.entry(coin.holder).or_insert(0) += coin.units;
                self.released += coin.units;
                coin.units = 0;
            }
        }
        self.coins.retain(|coin| coin.units > 0);
        self.retire();
        back
    }

    fn retire(&mut self) {
        let first = self.oldest() as usize;
        let power: BTreeSet<ValidatorId> = self.sets[first..self.now as usize]
            .iter()
            .flat_map(|set| set.iter().filter(|(_, power)| **power > 0).map(|(id, _)| *id))
            .chain(self.sets[self.now as usize..].iter().flat_map(|set| set.keys().copied()))
            .collect();
        let stay = |id: &ValidatorId| {
            power.contains(id)
                || self.bonded(*id) > 0
                || self.jailed.get(id).is_some_and(|until| *until > self.now)
        };
        let gone: Vec<ValidatorId> = self.owners.keys().filter(|id| !stay(id)).copied().collect();
        for id in gone {
            self.owners.remove(&id);
            self.jailed.remove(&id);
        }
    }

    pub(super) fn registered(&self) -> Vec<ValidatorId> {
        self.owners.keys().copied().collect()
    }
}
