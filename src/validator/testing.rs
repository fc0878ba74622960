//! Networks for tests: a few validators with real keys, and accounts.

use super::*;
use crate::crypto::{ed25519::SigningKey, vrf};
use crate::types::Epoch;
use std::sync::LazyLock;

/// SplitMix64.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// From 1 to 2^`bits`, small ones as likely as large ones.
    pub(super) fn magnitude(&mut self, bits: u64) -> u64 {
        let bits = self.below(bits + 1);
        1 + self.below(1 << bits)
    }
}

pub(super) const fn validator(name: u8) -> ValidatorId {
    ValidatorId::new([name; 32])
}

/// The owner of the validator of that number, or a delegator.
pub(super) const fn account(name: u8) -> AccountId {
    AccountId::new([name; 32])
}

pub(super) const fn stake(units: u64) -> Stake {
    Stake::new(units)
}

/// The keys of the validator of that number; making them is what takes long.
pub(super) fn keys(name: u8) -> Keys {
    static KEYS: LazyLock<Vec<Keys>> = LazyLock::new(|| {
        let vrf = |name: u8| *vrf::SecretKey::from_seed(&[name; 32]).public_key().as_bytes();
        let vote = |name: u8| SigningKey::from_seed(&[name; 32]).public_key();
        (0..20).map(|name| Keys { vote: vote(name), vrf: vrf(name + 100) }).collect()
    });
    KEYS[usize::from(name)]
}

/// Small numbers, so that limits are met.
pub(super) const RULES: Config = Config {
    validators_max: 6,
    seats_max: 4,
    holdings_max: 16,
    departures_max: 12,
    stake_min: stake(100),
    own_min: stake(10),
    delegation_min: stake(5),
    evidence_epochs: 2,
    unbonding_epochs: 3,
    cooldown: Cooldown { minor: 1, moderate: 1, major: 2, critical: 4 },
};

/// Founders 1, 2, ... with these stakes, each owned by the account of its number.
pub(super) fn founders(stakes: &[u64]) -> Vec<Founder> {
    let named = (1..).zip(stakes);
    named
        .map(|(name, units)| Founder {
            id: validator(name),
            owner: account(name),
            keys: keys(name),
            stake: stake(*units),
        })
        .collect()
}

pub(super) fn network(rules: Config, stakes: &[u64]) -> Ledger {
    Ledger::new(rules.build().expect("they fit together"), &founders(stakes)).expect("a network")
}

/// Ends epochs in which nobody did anything.
pub(super) fn pass(ledger: &mut Ledger, epochs: u64) -> Turn {
    let mut turn = Turn::default();
    for _ in 0..epochs {
        turn = ledger.end_epoch(&vec![Performance::default(); ledger.current().len()]).expect("as many");
        assert_eq!(ledger.check(), Ok(()));
    }
    turn
}

/// An infraction like no other of that number.
pub(super) fn infraction(number: u8, name: u8, epoch: u64, severity: Severity) -> Infraction {
    Infraction {
        id: InfractionId([number; 32]),
        validator: validator(name),
        epoch: Epoch::new(epoch),
        severity,
    }
}

/// What each member of a set weighs, by the number of its name.
pub(super) fn powers(set: &ValidatorSet) -> Vec<(u8, u64)> {
    set.members().iter().zip(set.powers()).map(|(member, power)| (member.id.as_bytes()[0], power)).collect()
}

pub(super) fn bytes(ledger: &Ledger) -> Vec<u8> {
    let mut bytes = Vec::new();
    ledger.encode(&mut bytes);
    bytes
}
