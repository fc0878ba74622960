//! The ledger's bytes: read back whole, and nothing else is read.

use super::testing::*;
use super::*;

/// A ledger with something in each list.
fn busy() -> Ledger {
    let mut ledger = network(RULES, &[1_000, 900, 800, 700]);
    ledger.delegate(account(9), validator(1), stake(300)).expect("room");
    pass(&mut ledger, 3);
    ledger.redelegate(account(9), validator(1), validator(2), stake(100)).expect("there");
    ledger.unbond(account(9), validator(1), stake(50)).expect("there");
    ledger.slash(&infraction(1, 3, 2, Severity::Major)).expect("proven");
    pass(&mut ledger, 1);
    ledger.slash(&infraction(2, 4, 4, Severity::Minor)).expect("proven");
    ledger
}

#[test]
fn a_state_is_read_back_from_its_bytes() {
    let ledger = busy();
    let state = bytes(&ledger);
    assert_eq!(Ledger::decode(&state, *ledger.settings()), Ok(ledger));
}

#[test]
fn a_state_of_other_rules_is_refused_by_the_rule() {
    let rules = Config { unbonding_epochs: 4, ..RULES }.build().expect("they fit together");
    let error = Ledger::decode(&bytes(&busy()), rules).expect_err("other rules");
    assert_eq!((error.field, error.fault.as_str()), ("unbonding_epochs", "3 instead of 4"));
}

#[test]
fn a_part_of_a_state_or_more_than_one_is_refused() {
    let ledger = busy();
    let mut state = bytes(&ledger);
    for length in 0..state.len() {
        assert!(Ledger::decode(&state[..length], *ledger.settings()).is_err(), "{length} bytes");
    }
    state.push(0);
    assert!(Ledger::decode(&state, *ledger.settings()).is_err());
}

#[test]
fn damaged_bytes_are_refused_or_are_the_bytes_of_another_state() {
    let ledger = busy();
    let state = bytes(&ledger);
    let mut random = Random(5);
    let (mut refused, mut others) = (0, 0);
    for round in 0..4_000 {
        let mut damaged = state.clone();
        for _ in 0..=random.below(2) {
            let at = random.below(damaged.len() as u64) as usize;
            damaged[at] = match random.below(3) {
                0 => 0,
                1 => 0xff,
                _ => damaged[at] ^ 1 << random.below(8),
            };
        }
        match Ledger::decode(&damaged, *ledger.settings()) {
            Err(_) => refused += 1,
            Ok(mut read) => {
                assert_eq!(bytes(&read), damaged, "round {round}: one state, one encoding");
                others += 1;
                // Whatever it is, it goes on.
                let _ = read.slash(&infraction(9, 1, read.epoch().get(), Severity::Critical));
                pass(&mut read, 1);
            }
        }
    }
    assert!(refused > 500 && others > 500, "{refused} refused, {others} of another state");
}

#[test]
fn a_count_beyond_the_bytes_makes_no_room() {
    let ledger = network(RULES, &[1_000; 4]);
    let state = bytes(&ledger);
    // Behind the version, 13 rules, and two numbers.
    let at = 1 + 13 * 8 + 2 * 8;
    let mut large = state.clone();
    large[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let error = Ledger::decode(&large, *ledger.settings()).expect_err("too many");
    assert_eq!((error.field, error.offset), ("validators", at));
}

#[test]
fn the_bytes_of_a_state_do_not_change_between_versions() {
    // Whoever changes this number changes what every node compares: a decision, with a new version byte.
    let digest: String = busy().digest().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, "8234e54ffa5fa066");
}
