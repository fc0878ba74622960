//! Who signs: a key for each validator, and what is led by whom.

use crate::bft::verify::{Ed25519, Scheme};
use crate::bft::{Domain, Elector, Statement};
use crate::crypto::ed25519::{Signature, SigningKey};
use crate::sim::random::{mix, mix_bytes};
use crate::types::{ChainId, Epoch, Height, SetHash, ValidatorIndex, View};
use std::fmt;
use std::sync::Arc;

enum Secrets {
    /// Who has the secret makes and verifies the signature, and nobody else guesses it.
    Cheap(Vec<u64>),
    /// The real thing.
    Ed25519(Vec<SigningKey>, Ed25519),
}

/// The keys of all validators.
#[derive(Clone)]
pub(super) struct Keys {
    secrets: Arc<Secrets>,
    domain: Domain,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({:?})", self.domain)
    }
}

impl Keys {
    pub(super) fn new(seed: u64, count: usize, is_ed25519: bool) -> Self {
        let cheap: Vec<u64> = (0..count as u64).map(|place| mix(seed ^ mix(place + 1))).collect();
        let secrets = if is_ed25519 {
            let seed_of = |secret: &u64| {
                let mut bytes = [0; 32];
                bytes[..8].copy_from_slice(&secret.to_le_bytes());
                bytes
            };
            let keys: Vec<SigningKey> =
                cheap.iter().map(|secret| SigningKey::from_seed(&seed_of(secret))).collect();
            let public: Vec<_> = keys.iter().map(SigningKey::public_key).collect();
            Secrets::Ed25519(keys, Ed25519::new(public))
        } else {
            Secrets::Cheap(cheap)
        };
        let (network, chain, epoch) = ([7; 32], ChainId::Delta, Epoch::new(1));
        let domain = Domain { network, chain, epoch, set: SetHash::new([3; 32]) };
        Self { secrets: Arc::new(secrets), domain }
    }

    /// For which agreement they sign.
    pub(super) const fn domain(&self) -> Domain {
        self.domain
    }

    /// Signs as a validator.
    pub(super) fn sign(&self, place: ValidatorIndex, statement: &Statement) -> Signature {
        self.sign_bytes(place, &self.domain.sign_bytes(statement))
    }

    /// Signs as a validator, on another chain.
    pub(super) fn sign_elsewhere(&self, place: ValidatorIndex, statement: &Statement) -> Signature {
        let domain = Domain { chain: self.domain.chain.peer(), ..self.domain };
        self.sign_bytes(place, &domain.sign_bytes(statement))
    }

    fn sign_bytes(&self, place: ValidatorIndex, bytes: &[u8]) -> Signature {
        match &*self.secrets {
            Secrets::Cheap(secrets) => {
                let mut signature = [0; Signature::BYTES];
                let hash = mix_bytes(secrets[place.index()], bytes);
                signature[..8].copy_from_slice(&hash.to_le_bytes());
                Signature::new(signature)
            }
            Secrets::Ed25519(keys, _) => keys[place.index()].sign(bytes),
        }
    }
}

impl Scheme for Keys {
    fn verify_batch(&self, claims: &[(ValidatorIndex, &[u8], Signature)]) -> Result<(), Vec<usize>> {
        let secrets = match &*self.secrets {
            Secrets::Cheap(secrets) => secrets,
            Secrets::Ed25519(_, scheme) => return scheme.verify_batch(claims),
        };
        let is_bad = |(place, bytes, signature): &(ValidatorIndex, &[u8], Signature)| {
            place.index() >= secrets.len() || self.sign_bytes(*place, bytes) != *signature
        };
        let bad: Vec<usize> =
            claims.iter().enumerate().filter(|(_, claim)| is_bad(claim)).map(|(at, _)| at).collect();
        if bad.is_empty() { Ok(()) } else { Err(bad) }
    }
}

/// Who leads: everybody in turn, or by lot and power.
#[derive(Clone, Debug)]
pub(super) struct Lots {
    seed: u64,
    powers: Vec<u64>,
    is_in_turn: bool,
}

impl Lots {
    pub(super) fn new(seed: u64, powers: Vec<u64>, is_in_turn: bool) -> Self {
        Self { seed, powers, is_in_turn }
    }

    fn draw(&self, number: u64, what: u64) -> ValidatorIndex {
        if self.is_in_turn {
            return ValidatorIndex::new((number % self.powers.len() as u64) as u16);
        }
        let total: u64 = self.powers.iter().sum();
        let mut point = mix(mix(self.seed ^ what) ^ number) % total;
        for (place, power) in self.powers.iter().enumerate() {
            match point.checked_sub(*power) {
                Some(rest) => point = rest,
                None => return ValidatorIndex::new(place as u16),
            }
        }
        unreachable!("the point is below the sum of the powers")
    }
}

impl Elector for Lots {
    fn leader(&self, height: Height, view: View) -> ValidatorIndex {
        // Slower than coordinators, or some would never begin a view in which somebody else leads who is well.
        let turn = view.get() + view.get() / self.powers.len() as u64;
        self.draw(height.get().wrapping_add(turn), view.get() << 1 | 1)
    }

    fn coordinator(&self, view: View) -> ValidatorIndex {
        self.draw(view.get(), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_follow_power_and_turns_reach_everybody() {
        let lots = Lots::new(5, vec![1, 0, 6, 3], false);
        let mut counts = [0; 4];
        for height in 0..4_000 {
            counts[lots.leader(Height::new(height), View::new(height % 3)).index()] += 1;
        }
        assert_eq!(counts[1], 0, "no power, no lead");
        for (place, expected) in [(0, 400), (2, 2_400), (3, 1_200)] {
            assert!((expected * 8 / 10..expected * 12 / 10).contains(&counts[place]), "{counts:?}");
        }
        let turns = Lots::new(5, vec![1; 4], true);
        let leaders: Vec<u16> =
            (0..5).map(|view| turns.leader(Height::new(3), View::new(view)).get()).collect();
        assert_eq!(leaders, [3, 0, 1, 2, 0]);
    }

    #[test]
    fn a_signature_is_of_one_key_and_one_statement() {
        let place = ValidatorIndex::new;
        let vote = |view| {
            let hash = crate::types::BlockHash::new([1; 32]);
            Statement::new(crate::bft::Kind::Prepare, View::new(view), Height::new(2), hash)
        };
        for keys in [Keys::new(1, 3, false), Keys::new(1, 3, true)] {
            let signature = keys.sign(place(0), &vote(1));
            assert_eq!(signature, keys.sign(place(0), &vote(1)));
            let of = |by, view| {
                let bytes = keys.domain().sign_bytes(&vote(view));
                keys.verify_batch(&[(place(by), &bytes, signature)])
            };
            assert_eq!([of(0, 1), of(1, 1), of(0, 2)], [Ok(()), Err(vec![0]), Err(vec![0])]);
        }
    }
}
