//! What an infraction costs, and who pays.
//!
//! # Model
//! The price is a share of the power that the validator had in the epoch of the infraction, rounded up. All stake that
//! backed it then pays in proportion, wherever it is now: still there, leaving, or moved to another validator, each lot
//! rounded up ([`lots`](super::lots)). Stake that came later did not back it and pays nothing.
//!
//! # Invariants
//! I1 one slash for one infraction. I2 together, what backed an epoch pays at least the price of each infraction of it,
//! until nothing is left: nothing that is unbonded or moved escapes.
//!
//! # Limits
//! Of one validator and epoch [`INFRACTIONS_MAX`] are punished. Each costs at least a hundredth of the same power, so
//! nothing is left then.

use super::error::Refusal;
use super::ids::{Stake, ValidatorId};
use super::ledger::Ledger;
use super::lots::Kind;
use super::reputation::Reputation;
use super::turn::{Cause, SetShrunk};
use crate::types::{Epoch, Thresholds};

/// Infractions of one validator in one epoch.
pub const INFRACTIONS_MAX: usize = 100;
// Each takes one part in as many: see the head.
const _: () = assert!(INFRACTIONS_MAX * Severity::Minor.permille() as usize >= 1_000);

/// How bad an infraction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Too little was signed in a window of heights.
    Minor,
    /// An invalid proposal was signed.
    Moderate,
    /// Two statements were signed that exclude each other.
    Major,
    /// A second final block, a false beginning of a view, a false word to the other chain.
    Critical,
}

impl Severity {
    /// All, from the least on.
    pub const ALL: [Self; 4] = [Self::Minor, Self::Moderate, Self::Major, Self::Critical];

    /// Its price, in thousandths of power.
    pub const fn permille(self) -> u16 {
        match self {
            Self::Minor => 10,
            Self::Moderate => 50,
            Self::Major => 200,
            Self::Critical => 500,
        }
    }
}

/// Names an infraction: a hash of what makes it this one and no other, such as kind, height and view, and not of the
/// evidence, of which there may be many for one infraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InfractionId(pub [u8; 32]);

/// A proven infraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Infraction {
    /// Which one.
    pub id: InfractionId,
    /// Whose.
    pub validator: ValidatorId,
    /// In which epoch's set.
    pub epoch: Epoch,
    /// How bad.
    pub severity: Severity,
}

/// What a slash did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slashed {
    /// What was taken, from all who backed it together.
    pub amount: Stake,
    /// The first epoch in which the validator can be unjailed.
    pub jailed_until: Epoch,
    /// This epoch's slashes together are more than its set can bear.
    pub shrunk: Option<SetShrunk>,
}

impl Ledger {
    /// Punishes a proven infraction: takes stake, and jails from the next epoch's beginning on.
    ///
    /// # Errors
    /// [`Refusal::NotYet`], [`Refusal::TooOld`], [`Refusal::Unknown`], [`Refusal::NoPower`], [`Refusal::Punished`],
    /// [`Refusal::NothingLeft`].
    pub fn slash(&mut self, infraction: &Infraction) -> Result<Slashed, Refusal> {
        let Infraction { id, validator, epoch, severity } = *infraction;
        let power = self.punishable(infraction)?;
        let permille = u64::from(severity.permille());
        let price = Stake::new(power).share_up(permille, 1_000);
        let amount = self.collect(validator, epoch, price);
        self.punished.entry(epoch).or_default().insert((validator, id));
        let until = self.now.forward(self.settings.cooldown.after(severity));
        let culprit = self.validators.get_mut(&validator).expect("it is registered");
        let jailed_until = culprit.jailed.map_or(until, |before| before.max(until));
        culprit.jailed = Some(jailed_until);
        culprit.reputation = culprit.reputation.after(Reputation::new(0).expect("in range"));
        let shrunk = self.note_slashed(amount);
        Ok(Slashed { amount, jailed_until, shrunk })
    }

    /// The power that is punished.
    fn punishable(&self, infraction: &Infraction) -> Result<u64, Refusal> {
        let Infraction { id, validator, epoch, .. } = *infraction;
        let oldest = self.oldest();
        if epoch > self.now {
            return Err(Refusal::NotYet { epoch });
        }
        if epoch < oldest {
            return Err(Refusal::TooOld { epoch, oldest });
        }
        self.registered(&validator)?;
        let power = self.power_in(epoch, &validator);
        if power == 0 {
            return Err(Refusal::NoPower { epoch });
        }
        if let Some(punished) = self.punished.get(&epoch) {
            if punished.contains(&(validator, id)) {
                return Err(Refusal::Punished);
            }
            let range = (validator, InfractionId([0; 32]))..=(validator, InfractionId([0xff; 32]));
            if punished.range(range).count() >= INFRACTIONS_MAX {
                return Err(Refusal::NothingLeft { epoch });
            }
        }
        Ok(power)
    }

    /// Takes `price` from all that backed the validator in that epoch; less if there is less.
    fn collect(&mut self, culprit: ValidatorId, epoch: Epoch, price: Stake) -> Stake {
        let backing = self.backing(culprit, epoch);
        let price = price.min(backing);
        let mut collected = Stake::ZERO;
        for ((at, _), lots) in &mut self.holdings {
            let part = lots.pay(|kind, stake| match kind.answers(*at, None, culprit, epoch) {
                true => stake.share_up(price.get(), backing.get()),
                false => Stake::ZERO,
            });
            if !part.is_zero() {
                let validator = self.validators.get_mut(at).expect("it is registered");
                validator.bonded = validator.bonded.minus(part);
                collected = collected.plus(part);
            }
        }
        self.holdings.retain(|_, lots| lots.len() > 0);
        let unbonding = self.settings.unbonding_epochs;
        for (departure, stake) in &mut self.departures {
            let until = departure.last_backed(unbonding);
            if departure.kind.answers(departure.validator, Some(until), culprit, epoch) {
                let part = stake.share_up(price.get(), backing.get());
                (*stake, collected) = (stake.minus(part), collected.plus(part));
            }
        }
        self.departures.retain(|_, stake| !stake.is_zero());
        self.held = self.held.minus(collected);
        collected
    }

    /// All that backed a validator in an epoch, as much as is left of it.
    fn backing(&self, culprit: ValidatorId, epoch: Epoch) -> Stake {
        let held = self.holdings.iter().flat_map(|((at, _), lots)| {
            let answers = move |(kind, _): &(Kind, Stake)| kind.answers(*at, None, culprit, epoch);
            lots.iter().filter(answers).map(|(_, stake)| stake)
        });
        let unbonding = self.settings.unbonding_epochs;
        let leaving = self.departures.iter().filter(|(departure, _)| {
            let until = departure.last_backed(unbonding);
            departure.kind.answers(departure.validator, Some(until), culprit, epoch)
        });
        held.chain(leaving.map(|(_, stake)| *stake)).sum()
    }

    /// Says when the slashes of this epoch exceed what its set tolerates: once, with the one that does.
    fn note_slashed(&mut self, amount: Stake) -> Option<SetShrunk> {
        let total = self.current.total();
        let faulty = Thresholds::new(total, 0).expect("a set has power").faulty();
        let before = u128::from(self.slashed_now.get());
        self.slashed_now = self.slashed_now.plus(amount);
        let lost = u128::from(self.slashed_now.get());
        (before <= faulty && lost > faulty).then_some(SetShrunk {
            cause: Cause::Slashing,
            epoch: self.now,
            total,
            lost,
            is_held: false,
        })
    }
}
