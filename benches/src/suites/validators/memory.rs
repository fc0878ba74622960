//! What a validator takes in memory, as the allocator counts it.

use crate::AnyError;
use crate::record::Better;
use crate::sample::Samples;
use crate::scenario::{OURS, Peer, Scenario};
use crate::suites::Plan;
use duochain::crypto::{ed25519, vrf};
use duochain::types::ChainId;
use duochain::validator::{
    AccountId, Config, Election, Founder, Keys, Ledger, Performance, Seed, Stake, ValidatorId,
};

pub(super) const FACTS: &str = "id, owner, two keys and a stake";

pub(super) const SCENARIOS: &[Scenario] = &[Scenario {
    name: "memory: a validator of 10,000, in every set",
    unit: "B",
    better: Better::Lower,
    peers: &[Peer::floor(FACTS).ours_at_most(1_023.0)],
}];

const VALIDATORS: u32 = 10_000;

fn founders(count: u32) -> Vec<Founder> {
    let seed = |number: u32, kind: u8| {
        let mut seed = [kind; 32];
        seed[..4].copy_from_slice(&number.to_le_bytes());
        seed
    };
    let vote = |number, kind| ed25519::SigningKey::from_seed(&seed(number, kind)).public_key();
    (0..count)
        .map(|number| {
            // A name that says nothing about its neighbours, as hashes do.
            let name = *vote(number, 1).as_bytes();
            let vrf = *vrf::SecretKey::from_seed(&seed(number, 3)).public_key().as_bytes();
            Founder {
                id: ValidatorId::new(name),
                owner: AccountId::new(name),
                keys: Keys { vote: vote(number, 2), vrf },
                stake: Stake::new(1_000_000 + u64::from(number)),
            }
        })
        .collect()
}

/// Bytes that are out, by glibc's own count, its headers included.
#[expect(unsafe_code, reason = "a function of the C library")]
fn out() -> usize {
    // SAFETY: it takes nothing, returns numbers, and locks what it reads.
    let info = unsafe { libc::mallinfo2() };
    info.uordblks + info.hblkhd
}

/// Bytes of each.
fn each(founders: &[Founder]) -> Result<f64, AnyError> {
    let count = founders.len() as u32;
    let settings = Config { validators_max: count, seats_max: count, ..Config::USUAL }.build()?;
    let before = out();
    let mut ledger = Ledger::new(settings, founders)?;
    for _ in 0..4 {
        for founder in founders {
            ledger.delegate(founder.owner, founder.id, Stake::new(1_000))?;
        }
        ledger.end_epoch(&vec![Performance::default(); ledger.current().len()])?;
    }
    let elections = ChainId::ALL.map(|chain| Election::of(ledger.current(), chain, Seed::new([1; 32])));
    let bytes = out() - before;
    drop((ledger, elections));
    Ok(bytes as f64 / f64::from(count))
}

/// Measures it.
pub(super) fn measure(plan: Plan, samples: &mut Samples) -> Result<(), AnyError> {
    let founders = founders(plan.count(VALIDATORS as usize) as u32);
    for _ in 0..plan.rounds(3) {
        samples.add(SCENARIOS[0].name, OURS, each(&founders)?);
        samples.add(SCENARIOS[0].name, FACTS, (4 * 32 + 8) as f64);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_validator_is_counted() {
        let bytes = each(&founders(500)).expect("a network");
        assert!((136.0..10_000.0).contains(&bytes), "{bytes}");
    }
}
