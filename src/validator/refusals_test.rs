//! Each refusal, and that it changes nothing.

use super::testing::*;
use super::*;
use crate::crypto::KeyFault;
use crate::crypto::ed25519::PublicKey;

type Call = fn(&mut Ledger) -> Result<(), Refusal>;

/// Each call is refused so, and leaves no trace.
fn refused(ledger: &Ledger, calls: &[(Call, Refusal)]) {
    for (number, (call, expected)) in calls.iter().enumerate() {
        let mut after = ledger.clone();
        assert_eq!(call(&mut after), Err(*expected), "call {number}");
        assert_eq!(&after, ledger, "call {number} changed something");
    }
}

fn register(ledger: &mut Ledger, name: u8, keys: Keys, units: u64) -> Result<(), Refusal> {
    ledger.register(validator(name), account(name), keys, stake(units))
}

#[test]
fn who_cannot_register_hears_why() {
    let calls: [(Call, Refusal); 8] = [
        (|ledger| register(ledger, 1, keys(9), 50), Refusal::Registered(validator(1))),
        (
            |ledger| register(ledger, 5, keys(5), 9),
            Refusal::TooLittle { offered: stake(9), minimum: stake(10) },
        ),
        (
            |ledger| register(ledger, 5, keys(5), (1 << 62) - 3_999),
            Refusal::TooMuch { offered: stake((1 << 62) - 3_999), held: stake(4_000) },
        ),
        (|ledger| register(ledger, 5, keys(2), 50), Refusal::KeyInUse(validator(2))),
        (
            |ledger| register(ledger, 5, Keys { vrf: keys(3).vrf, ..keys(5) }, 50),
            Refusal::KeyInUse(validator(3)),
        ),
        (
            // A VRF key as vote key: the same secret would sign both.
            |ledger| register(ledger, 5, Keys { vote: PublicKey::new(keys(3).vrf), ..keys(5) }, 50),
            Refusal::KeyInUse(validator(3)),
        ),
        (
            |ledger| register(ledger, 5, Keys { vrf: *keys(5).vote.as_bytes(), ..keys(5) }, 50),
            Refusal::Keys(KeysFault::Same),
        ),
        (
            |ledger| register(ledger, 5, Keys { vrf: [0xff; 32], ..keys(5) }, 50),
            Refusal::Keys(KeysFault::Vrf(KeyFault::NotAPoint)),
        ),
    ];
    refused(&network(RULES, &[1_000; 4]), &calls);
}

#[test]
fn who_cannot_move_stake_hears_why() {
    let unknown = Refusal::Unknown(validator(9));
    let little = Refusal::TooLittle { offered: stake(4), minimum: stake(5) };
    let nothing = Refusal::TooLittle { offered: stake(0), minimum: stake(5) };
    let calls: [(Call, Refusal); 13] = [
        (|ledger| ledger.delegate(account(8), validator(9), stake(50)), unknown),
        (|ledger| ledger.delegate(account(8), validator(1), stake(4)), little),
        (
            |ledger| ledger.delegate(account(8), validator(1), stake(1 << 62)),
            Refusal::TooMuch { offered: stake(1 << 62), held: stake(4_006) },
        ),
        (
            |ledger| ledger.delegate(account(8), validator(1), stake(u64::MAX)),
            Refusal::TooMuch { offered: stake(u64::MAX), held: stake(4_006) },
        ),
        (|ledger| ledger.unbond(account(1), validator(9), stake(50)).map(drop), unknown),
        (
            |ledger| ledger.unbond(account(1), validator(2), stake(50)).map(drop),
            Refusal::NotEnough { wanted: stake(50), available: stake(0) },
        ),
        (
            |ledger| ledger.unbond(account(1), validator(1), stake(1_001)).map(drop),
            Refusal::NotEnough { wanted: stake(1_001), available: stake(1_000) },
        ),
        (|ledger| ledger.unbond(account(1), validator(1), stake(4)).map(drop), little),
        (|ledger| ledger.unbond(account(7), validator(1), stake(0)).map(drop), nothing),
        (|ledger| ledger.redelegate(account(1), validator(1), validator(9), stake(50)), unknown),
        (|ledger| ledger.redelegate(account(1), validator(9), validator(1), stake(50)), unknown),
        (
            |ledger| ledger.redelegate(account(1), validator(1), validator(1), stake(50)),
            Refusal::SameValidator,
        ),
        (
            |ledger| ledger.redelegate(account(7), validator(1), validator(2), stake(7)),
            Refusal::NotEnough { wanted: stake(7), available: stake(6) },
        ),
    ];
    let mut ledger = network(RULES, &[1_000; 4]);
    ledger.delegate(account(7), validator(1), stake(6)).expect("room");
    refused(&ledger, &calls);
}

#[test]
fn what_slashing_has_left_can_leave_although_it_is_below_the_minimum() {
    let mut ledger = network(RULES, &[1_000; 4]);
    ledger.delegate(account(7), validator(1), stake(6)).expect("room");
    pass(&mut ledger, 2);
    ledger.slash(&infraction(1, 1, 2, Severity::Critical)).expect("proven");
    assert_eq!(ledger.stake_of(account(7), validator(1)), stake(3));
    assert_eq!(
        ledger.unbond(account(7), validator(1), stake(2)),
        Err(Refusal::TooLittle { offered: stake(2), minimum: stake(3) })
    );
    assert!(ledger.unbond(account(7), validator(1), stake(3)).is_ok());
}

#[test]
fn full_tables_refuse_and_go_on_with_what_they_have() {
    let mut ledger = network(RULES, &[1_000; 4]);
    for name in 0..12 {
        ledger.delegate(account(20 + name), validator(1), stake(50)).expect("16 have room");
    }
    let calls: [(Call, Refusal); 3] = [
        (|ledger| ledger.delegate(account(50), validator(1), stake(50)), Refusal::Full(Table::Holdings)),
        (|ledger| register(ledger, 5, keys(5), 50), Refusal::Full(Table::Holdings)),
        (
            |ledger| ledger.redelegate(account(20), validator(1), validator(2), stake(20)),
            Refusal::Full(Table::Holdings),
        ),
    ];
    refused(&ledger, &calls);
    ledger.delegate(account(20), validator(1), stake(50)).expect("it is there already");
    ledger.redelegate(account(20), validator(1), validator(2), stake(100)).expect("one goes, one comes");
    for name in 0..12 {
        ledger
            .unbond(account(20 + name), validator(1 + u8::from(name == 0)), stake(30))
            .expect("12 have room");
    }
    let calls: [(Call, Refusal); 1] = [(
        |ledger| ledger.unbond(account(1), validator(1), stake(30)).map(drop),
        Refusal::Full(Table::Departures),
    )];
    refused(&ledger, &calls);
}

#[test]
fn a_network_that_cannot_begin_hears_why() {
    let settings = RULES.build().expect("they fit together");
    let fault = |founders: &[Founder]| Ledger::new(settings, founders).expect_err("no network");
    assert_eq!(fault(&[]), GenesisFault::Set(SetFault::NoPower));
    assert_eq!(fault(&founders(&[99])), GenesisFault::Set(SetFault::NoPower), "below stake_min");
    let little = Refusal::TooLittle { offered: stake(9), minimum: stake(10) };
    assert_eq!(fault(&founders(&[100, 9])), GenesisFault::Founder(validator(2), little));
    let many = GenesisFault::Founder(validator(7), Refusal::Full(Table::Validators));
    assert_eq!(fault(&founders(&[100; 7])), many);
    let mut twice = founders(&[100, 100]);
    twice[1].keys.vrf = twice[0].keys.vrf;
    assert_eq!(fault(&twice), GenesisFault::Founder(validator(2), Refusal::KeyInUse(validator(2))));
    let mut twice = founders(&[100, 100]);
    twice[1].id = twice[0].id;
    assert_eq!(fault(&twice), GenesisFault::Founder(validator(1), Refusal::Registered(validator(1))));
}
