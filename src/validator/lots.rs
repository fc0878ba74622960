//! Pieces of stake, and which infractions they answer for.
//!
//! # Model
//! What an account has with a validator consists of lots: stake that came in the same epoch from the same place. Stake
//! moved in epoch `e` counts from `e + 2` on, where it goes, and up to `e + 1` where it was:
//!
//! ```text
//! epoch             e          e + 1         e + 2
//! was at V      backs V       backs V
//! goes to U                                  backs U ...
//! ```
//! A lot answers for an infraction if it backed that validator in that epoch: where it lies (`from`), where it came
//! from ([`Past`]), or what it is leaving (`until`).
//!
//! # Invariants
//! I1 a lot backs one validator in an epoch at most.
//! I2 lots of one holding differ in their [`Kind`], ascend by it, and are not empty.
//! I3 what evidence can no longer reach is not remembered: `from` is not before the oldest epoch that is still punished,
//! and a past that ended before it is gone. So an account has a bounded number of lots, and equal histories are equal bytes.

use super::ids::{Stake, ValidatorId};
use crate::types::Epoch;

/// Where a lot was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Past {
    pub(super) validator: ValidatorId,
    /// The first epoch in which it backed that one.
    pub(super) from: Epoch,
    /// The last one.
    pub(super) until: Epoch,
}

/// What a lot answers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Kind {
    /// The first epoch in which it backs the validator that it lies with.
    pub(super) from: Epoch,
    pub(super) past: Option<Past>,
}

impl Kind {
    /// Stake that comes from outside in `now`.
    pub(super) const fn fresh(now: Epoch) -> Self {
        Self { from: now.forward(2), past: None }
    }

    /// The same after it moves away from `validator` in `now`.
    pub(super) fn moved(self, validator: ValidatorId, now: Epoch) -> Self {
        debug_assert!(self.past.is_none(), "a lot has one past");
        let until = now.next();
        // What came in this epoch has backed nobody.
        let past = (self.from <= until).then_some(Past { validator, from: self.from, until });
        Self { past, ..Self::fresh(now) }
    }

    /// Whether it backed `culprit` in `epoch`, if it lies with `at`, up to `until` if it is leaving.
    pub(super) fn answers(
        &self,
        at: ValidatorId,
        until: Option<Epoch>,
        culprit: ValidatorId,
        epoch: Epoch,
    ) -> bool {
        let is_here = at == culprit && self.from <= epoch && until.is_none_or(|until| epoch <= until);
        let was_there = |past: Past| past.validator == culprit && past.from <= epoch && epoch <= past.until;
        is_here || self.past.is_some_and(was_there)
    }

    /// Without what evidence of `oldest` and later cannot reach.
    pub(super) fn forget(self, oldest: Epoch) -> Self {
        let past = self.past.filter(|past| past.until >= oldest);
        Self {
            from: self.from.max(oldest),
            past: past.map(|past| Past { from: past.from.max(oldest), ..past }),
        }
    }
}

/// What an account has with a validator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lots(Vec<(Kind, Stake)>);

impl Lots {
    pub(super) fn iter(&self) -> impl Iterator<Item = (Kind, Stake)> + '_ {
        self.0.iter().copied()
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn total(&self) -> Stake {
        self.iter().map(|(_, stake)| stake).sum()
    }

    /// What may be moved to another validator.
    pub(super) fn movable(&self) -> Stake {
        self.iter().filter(|(kind, _)| kind.past.is_none()).map(|(_, stake)| stake).sum()
    }

    pub(super) fn add(&mut self, kind: Kind, stake: Stake) {
        if stake.is_zero() {
            return;
        }
        match self.0.binary_search_by_key(&kind, |(kind, _)| *kind) {
            Ok(at) => self.0[at].1 = self.0[at].1.plus(stake),
            Err(at) => {
                // Most have one: no room for others before they come.
                self.0.reserve_exact(1);
                self.0.insert(at, (kind, stake));
            }
        }
    }

    /// Takes `stake` out of those that `may`, the latest first; it is there.
    pub(super) fn take(&mut self, stake: Stake, may: impl Fn(&Kind) -> bool) -> Vec<(Kind, Stake)> {
        let (mut rest, mut taken) = (stake, Vec::new());
        for (kind, has) in self.0.iter_mut().rev().filter(|(kind, _)| may(kind)) {
            let part = rest.min(*has);
            if part.is_zero() {
                break;
            }
            (rest, *has) = (rest.minus(part), has.minus(part));
            taken.push((*kind, part));
        }
        assert!(rest.is_zero(), "{rest} more than there is");
        self.0.retain(|(_, has)| !has.is_zero());
        taken
    }

    /// Lets each pay what `price` says of it; returns what they paid.
    pub(super) fn pay(&mut self, price: impl Fn(&Kind, Stake) -> Stake) -> Stake {
        let mut paid = Stake::ZERO;
        for (kind, has) in &mut self.0 {
            let part = price(kind, *has);
            (paid, *has) = (paid.plus(part), has.minus(part));
        }
        self.0.retain(|(_, has)| !has.is_zero());
        paid
    }

    /// [`Kind::forget`] for each, and together what is the same then.
    pub(super) fn forget(&mut self, oldest: Epoch) {
        if self.iter().all(|(kind, _)| kind.forget(oldest) == kind) {
            return;
        }
        let mut kept = Self::default();
        self.iter().for_each(|(kind, stake)| kept.add(kind.forget(oldest), stake));
        *self = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V: ValidatorId = ValidatorId::new([1; 32]);
    const U: ValidatorId = ValidatorId::new([2; 32]);

    fn epochs(answers: impl Fn(Epoch) -> bool) -> Vec<u64> {
        (0..20).filter(|epoch| answers(Epoch::new(*epoch))).collect()
    }

    #[test]
    fn moved_stake_backs_one_validator_in_each_epoch() {
        let lot = Kind::fresh(Epoch::new(3)).moved(V, Epoch::new(8));
        assert_eq!(epochs(|epoch| lot.answers(U, None, V, epoch)), [5, 6, 7, 8, 9]);
        assert_eq!(epochs(|epoch| lot.answers(U, None, U, epoch)), (10..20).collect::<Vec<_>>());
        let leaving = Some(Epoch::new(12));
        assert_eq!(epochs(|epoch| lot.answers(U, leaving, U, epoch)), [10, 11, 12]);
        assert_eq!(epochs(|epoch| lot.answers(U, leaving, V, epoch)), [5, 6, 7, 8, 9]);
    }

    #[test]
    fn stake_that_moves_on_at_once_has_backed_nobody() {
        let now = Epoch::new(3);
        assert_eq!(Kind::fresh(now).moved(V, now), Kind::fresh(now));
        let next = Kind::fresh(now).moved(V, now.next());
        assert_eq!(
            epochs(|epoch| next.answers(U, None, V, epoch)),
            [5],
            "it was there when the set of 5 was fixed"
        );
        let later = Kind::fresh(now).moved(V, Epoch::new(5));
        assert_eq!(epochs(|epoch| later.answers(U, None, V, epoch)), [5, 6]);
    }

    #[test]
    fn lots_that_evidence_cannot_tell_apart_become_one() {
        let mut lots = Lots::default();
        for epoch in [3, 1, 2, 3] {
            lots.add(Kind::fresh(Epoch::new(epoch)), Stake::new(10));
        }
        lots.add(Kind::fresh(Epoch::new(1)).moved(V, Epoch::new(4)), Stake::new(5));
        assert_eq!((lots.len(), lots.total(), lots.movable()), (4, Stake::new(45), Stake::new(40)));
        lots.forget(Epoch::new(4));
        assert_eq!(lots.len(), 3, "those from 3 and 4 are from 4 on now");
        lots.forget(Epoch::new(6));
        assert_eq!(lots.len(), 1, "and the past is over");
        assert_eq!((lots.total(), lots.movable()), (Stake::new(45), Stake::new(45)));
    }

    #[test]
    fn the_latest_goes_first() {
        let mut lots = Lots::default();
        for epoch in 1..=3 {
            lots.add(Kind::fresh(Epoch::new(epoch)), Stake::new(10));
        }
        let kind = |epoch| Kind::fresh(Epoch::new(epoch));
        let taken = lots.take(Stake::new(15), |_| true);
        assert_eq!(taken, [(kind(3), Stake::new(10)), (kind(2), Stake::new(5))]);
        assert_eq!(lots.iter().collect::<Vec<_>>(), [(kind(1), Stake::new(10)), (kind(2), Stake::new(5))]);
    }
}
