//! Bytes that claim to be a ledger of stake, a key or a proof, and calls on a ledger that was read from damaged bytes.

use super::{Script, heap};
use duochain::crypto::{ed25519, vrf};
use duochain::types::Epoch;
use duochain::validator::{
    AccountId, Config, Founder, Infraction, InfractionId, Keys, Ledger, Performance, Settings, Severity,
    Stake, ValidatorId,
};
use std::sync::LazyLock;

const VALIDATORS: u8 = 4;
/// For each byte that is there; the words of a refusal come on top.
const HEAP_PER_BYTE: usize = 32;
const HEAP_BYTES: usize = 64 << 10;

fn settings() -> Settings {
    let rules =
        Config { validators_max: 8, seats_max: 4, holdings_max: 64, departures_max: 64, ..Config::USUAL };
    rules.build().expect("they fit together")
}

fn keys(name: u8) -> Keys {
    static KEYS: LazyLock<Vec<Keys>> = LazyLock::new(|| {
        let vote = |name: u8| ed25519::SigningKey::from_seed(&[name; 32]).public_key();
        let vrf = |name: u8| *vrf::SecretKey::from_seed(&[name + 100; 32]).public_key().as_bytes();
        (0..16).map(|name| Keys { vote: vote(name), vrf: vrf(name) }).collect()
    });
    KEYS[usize::from(name % 16)]
}

const fn validator(name: u8) -> ValidatorId {
    ValidatorId::new([name; 32])
}

const fn account(name: u8) -> AccountId {
    AccountId::new([name; 32])
}

/// A ledger with something in each of its lists.
fn busy() -> Ledger {
    let founder = |name| Founder {
        id: validator(name),
        owner: account(name),
        keys: keys(name),
        stake: Stake::new(1_000_000 + u64::from(name)),
    };
    let founders: Vec<Founder> = (1..=VALIDATORS).map(founder).collect();
    let mut ledger = Ledger::new(settings(), &founders).expect("a network");
    ledger.delegate(account(9), validator(1), Stake::new(500_000)).expect("room");
    for _ in 0..3 {
        end_epoch(&mut ledger);
    }
    ledger.redelegate(account(9), validator(1), validator(2), Stake::new(100_000)).expect("there");
    ledger.unbond(account(9), validator(1), Stake::new(50_000)).expect("there");
    ledger.slash(&infraction(1, 3, 3, Severity::Major)).expect("proven");
    end_epoch(&mut ledger);
    ledger
}

fn end_epoch(ledger: &mut Ledger) {
    let performances = vec![Performance { done: 1, due: 2 }; ledger.current().len()];
    ledger.end_epoch(&performances).expect("as many as places");
}

fn infraction(number: u8, name: u8, epoch: u64, severity: Severity) -> Infraction {
    Infraction {
        id: InfractionId([number; 32]),
        validator: validator(name),
        epoch: Epoch::new(epoch),
        severity,
    }
}

/// Plays what `data` says: as bytes of a ledger, as damage to those of one, and as a key with a proof.
///
/// # Panics
/// When reading panics or takes more memory than the bytes are worth, when a state has two encodings, or when a call on
/// what was read breaks an invariant.
pub(crate) fn play(data: &[u8]) {
    static STATE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut bytes = Vec::new();
        busy().encode(&mut bytes);
        bytes
    });
    drop(judge(data));
    prove(data);
    let mut script = Script::new(data);
    let mut damaged = STATE.clone();
    for _ in 0..script.roll(4) {
        let (at, byte) = (script.roll(damaged.len()), script.word() as u8);
        damaged[at] = byte;
    }
    let Some(mut ledger) = judge(&damaged) else { return };
    for _ in 0..40 {
        if !script.goes_on() {
            break;
        }
        call(&mut ledger, &mut script);
        assert_eq!(ledger.check(), Ok(()));
    }
    let mut bytes = Vec::new();
    ledger.encode(&mut bytes);
    assert_eq!(judge(&bytes), Some(ledger), "what was written is read back");
}

fn judge(bytes: &[u8]) -> Option<Ledger> {
    let (outcome, allocated) = heap::counted(|| Ledger::decode(bytes, settings()));
    assert!(allocated <= HEAP_BYTES + HEAP_PER_BYTE * bytes.len(), "{allocated} bytes for {}", bytes.len());
    let ledger = outcome.ok()?;
    let mut again = Vec::new();
    ledger.encode(&mut again);
    assert_eq!(again, bytes, "one state has one encoding");
    Some(ledger)
}

/// No bytes make a key or a proof panic, and no bytes that nobody proved are a proof.
fn prove(data: &[u8]) {
    let Some((key, rest)) = data.split_first_chunk::<32>() else { return };
    let Ok(key) = vrf::PublicKey::from_bytes(key) else { return };
    if let Ok(proof) = vrf::Proof::try_from(&rest[..rest.len().min(80)]) {
        assert!(key.verify(b"slot", &proof).is_err());
    }
}

/// One call, refused or not: what it must not do is break an invariant.
fn call(ledger: &mut Ledger, script: &mut Script<'_>) {
    let (name, other, holder) =
        (1 + script.roll(6) as u8, 1 + script.roll(6) as u8, account(1 + script.roll(12) as u8));
    let (id, to) = (validator(name), validator(other));
    let stake = match script.roll(3) {
        0 => ledger.stake_of(holder, id),
        1 => Stake::new(script.word()),
        _ => Stake::new(script.word() % 2_000_000),
    };
    let held = ledger.held();
    let _ = match script.roll(8) {
        0 => ledger.register(id, holder, keys(name), stake),
        1 => ledger.delegate(holder, id, stake),
        2 => ledger.redelegate(holder, id, to, stake),
        3 => ledger.unbond(holder, id, stake).map(drop),
        4 => ledger.unjail(holder, id),
        5 | 6 => {
            let epoch = (ledger.epoch().get() + 1).saturating_sub(script.roll(5) as u64);
            let severity = Severity::ALL[script.roll(4)];
            let slashed = ledger.slash(&infraction(script.roll(4) as u8, name, epoch, severity));
            let amount = slashed.map_or(Stake::ZERO, |slashed| slashed.amount);
            assert_eq!(ledger.held().plus(amount), held, "nothing else is lost");
            slashed.map(drop)
        }
        _ => {
            end_epoch(ledger);
            Ok(())
        }
    };
}
