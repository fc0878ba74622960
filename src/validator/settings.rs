//! The rules of a network, as numbers: the same on every node, from its genesis on.

use super::ids::{STAKE_TOTAL_MAX, Stake};
use super::set::MEMBERS_MAX;
use super::slashing::Severity;
use crate::codec::{Malformed, Reader, Writer};

/// Registered validators, at most.
pub const VALIDATORS_CEILING: u32 = 1 << 16;
/// Holdings, and stakes that are leaving, at most.
pub const TABLE_CEILING: u32 = 1 << 24;
/// No time is longer, in epochs.
pub const EPOCHS_CEILING: u64 = 1 << 16;
/// Stake moves two epochs ahead, so evidence of anything it backed has to count as long.
pub const EVIDENCE_EPOCHS_MIN: u64 = 2;

/// How long who was slashed stays without power, in epochs from the one that it was slashed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cooldown {
    /// After [`Severity::Minor`].
    pub minor: u64,
    /// After [`Severity::Moderate`].
    pub moderate: u64,
    /// After [`Severity::Major`].
    pub major: u64,
    /// After [`Severity::Critical`].
    pub critical: u64,
}

impl Cooldown {
    /// After that.
    pub const fn after(&self, severity: Severity) -> u64 {
        match severity {
            Severity::Minor => self.minor,
            Severity::Moderate => self.moderate,
            Severity::Major => self.major,
            Severity::Critical => self.critical,
        }
    }
}

/// The rules as people write them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Validators that may be registered. Too few, and whoever came first keeps others out.
    pub validators_max: u32,
    /// Members of a set. Votes and certificates grow with it; those with the most stake are in.
    pub seats_max: u32,
    /// Pairs of an account and a validator with stake. Bounds memory; more are refused.
    pub holdings_max: u32,
    /// Stakes that are leaving at the same time. Bounds memory; more are refused.
    pub departures_max: u32,
    /// Of a validator, its own and delegated, to be in a set.
    pub stake_min: Stake,
    /// Of a validator's own. Too little, and it has nothing to lose.
    pub own_min: Stake,
    /// Of one delegation. Too little, and tables are cheap to fill.
    pub delegation_min: Stake,
    /// How many epochs after an infraction it can be punished.
    pub evidence_epochs: u64,
    /// How long stake that leaves can be slashed after the last epoch it backs: not shorter than evidence counts.
    pub unbonding_epochs: u64,
    /// How long who was slashed stays without power.
    pub cooldown: Cooldown,
}

impl Config {
    /// The usual values, for units of which a validator has a million.
    pub const USUAL: Self = Self {
        validators_max: 1_000,
        seats_max: 100,
        holdings_max: 1 << 20,
        departures_max: 1 << 18,
        stake_min: Stake::new(1_000_000),
        own_min: Stake::new(100_000),
        delegation_min: Stake::new(100),
        evidence_epochs: 2,
        unbonding_epochs: 2,
        cooldown: Cooldown { minor: 1, moderate: 2, major: 8, critical: 32 },
    };

    /// Checks how the values fit together.
    ///
    /// # Errors
    /// The first rule that does not hold, in words.
    pub fn build(self) -> Result<Settings, Misfit> {
        let cooldowns = Severity::ALL.map(|severity| self.cooldown.after(severity));
        let rules = [
            (self.seats_max == 0, "seats_max is 0"),
            (self.seats_max as usize > MEMBERS_MAX, "seats_max is above 65,536"),
            (self.validators_max < self.seats_max, "validators_max is below seats_max"),
            (self.validators_max > VALIDATORS_CEILING, "validators_max is above 65,536"),
            (self.holdings_max < self.validators_max, "holdings_max is below validators_max"),
            (self.holdings_max > TABLE_CEILING, "holdings_max is above 16,777,216"),
            (self.departures_max == 0, "departures_max is 0"),
            (self.departures_max > TABLE_CEILING, "departures_max is above 16,777,216"),
            (self.delegation_min.is_zero(), "delegation_min is 0"),
            (self.own_min < self.delegation_min, "own_min is below delegation_min"),
            (self.stake_min < self.own_min, "stake_min is below own_min"),
            (self.stake_min > STAKE_TOTAL_MAX, "stake_min is above all stake that there can be"),
            (self.evidence_epochs < EVIDENCE_EPOCHS_MIN, "evidence_epochs is below 2"),
            (self.unbonding_epochs < self.evidence_epochs, "unbonding_epochs is below evidence_epochs"),
            (self.unbonding_epochs > EPOCHS_CEILING, "unbonding_epochs is above 65,536"),
            (cooldowns[0] == 0, "cooldown.minor is 0"),
            (!cooldowns.is_sorted(), "a worse infraction has a shorter cooldown"),
            (cooldowns[3] > EPOCHS_CEILING, "cooldown.critical is above 65,536"),
        ];
        match rules.into_iter().find(|(broken, _)| *broken) {
            Some((_, rule)) => Err(Misfit(rule)),
            None => Ok(Settings(self)),
        }
    }
}

/// Rules that fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings(Config);

impl std::ops::Deref for Settings {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.0
    }
}

/// Two rules that do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Misfit(pub &'static str);

impl Settings {
    /// Each by its name, in the order of their bytes.
    fn numbers(&self) -> [(&'static str, u64); 13] {
        let Cooldown { minor, moderate, major, critical } = self.cooldown;
        [
            ("validators_max", self.validators_max.into()),
            ("seats_max", self.seats_max.into()),
            ("holdings_max", self.holdings_max.into()),
            ("departures_max", self.departures_max.into()),
            ("stake_min", self.stake_min.get()),
            ("own_min", self.own_min.get()),
            ("delegation_min", self.delegation_min.get()),
            ("evidence_epochs", self.evidence_epochs),
            ("unbonding_epochs", self.unbonding_epochs),
            ("cooldown.minor", minor),
            ("cooldown.moderate", moderate),
            ("cooldown.major", major),
            ("cooldown.critical", critical),
        ]
    }

    /// Appends them.
    pub(super) fn encode(&self, writer: &mut Writer<'_>) {
        for (_, number) in self.numbers() {
            writer.u64(number);
        }
    }

    /// Reads past the same ones.
    pub(super) fn expect(&self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        for (name, expected) in self.numbers() {
            let at = reader.clone();
            let found = reader.u64(name)?;
            if found != expected {
                return Err(at.fault(name, format!("{found} instead of {expected}")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_rules_fit_together() {
        assert!(Config::USUAL.build().is_ok());
    }

    #[test]
    fn rules_that_would_let_stake_escape_or_tables_grow_are_refused_by_name() {
        type Change = fn(&mut Config);
        let table: [(Change, &str); 12] = [
            (|rules| rules.unbonding_epochs = 1, "unbonding_epochs is below evidence_epochs"),
            (|rules| rules.evidence_epochs = 1, "evidence_epochs is below 2"),
            (|rules| rules.unbonding_epochs = EPOCHS_CEILING + 1, "unbonding_epochs is above 65,536"),
            (|rules| rules.seats_max = 0, "seats_max is 0"),
            (|rules| rules.seats_max = 2_000, "validators_max is below seats_max"),
            (|rules| rules.validators_max = 1 << 17, "validators_max is above 65,536"),
            (|rules| rules.holdings_max = u32::MAX, "holdings_max is above 16,777,216"),
            (|rules| rules.departures_max = 0, "departures_max is 0"),
            (|rules| rules.delegation_min = Stake::ZERO, "delegation_min is 0"),
            (|rules| rules.own_min = Stake::new(1), "own_min is below delegation_min"),
            (|rules| rules.cooldown.minor = 0, "cooldown.minor is 0"),
            (|rules| rules.cooldown.major = 1, "a worse infraction has a shorter cooldown"),
        ];
        for (change, expected) in table {
            let mut rules = Config::USUAL;
            change(&mut rules);
            assert_eq!(rules.build(), Err(Misfit(expected)));
        }
    }
}
