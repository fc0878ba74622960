//! The bytes of a saved breaker, byte for byte, and bytes that are not one.

use super::*;
use crate::resilience::chance::Chance;
use crate::resilience::{BreakerSettings, Decision, Outcome};

const fn at(seconds: u64) -> Tick {
    Tick::from_nanos(seconds * 1_000_000_000)
}

const fn wall(seconds: u64) -> UnixNanos {
    UnixNanos::new(seconds * 1_000_000_000)
}

fn breaker() -> Breaker {
    Breaker::new(BreakerSettings { min_requests: 1, ..BreakerSettings::default() }).expect("valid")
}

/// Open since second 100, for 5 s.
fn open() -> Breaker {
    let breaker = breaker();
    breaker.trip(at(100));
    breaker
}

fn rejects_until(breaker: &Breaker, now: Tick) -> Option<Tick> {
    match breaker.ask(now) {
        Decision::Reject { until } => Some(until),
        _ => None,
    }
}

#[test]
fn the_bytes_are_the_ones_that_were_released() {
    let mut expected = vec![1, 1];
    expected.extend(7_000_000_000_u64.to_le_bytes());
    expected.extend(3_000_000_000_u64.to_le_bytes());
    expected.extend([0; 8]);
    expected.extend(1_u64.to_le_bytes());
    assert_eq!(open().save(at(102), wall(7)), expected);
    assert_eq!(expected.len(), SAVED_BYTES);
}

#[test]
fn the_time_between_counts_as_open_time() {
    let bytes = open().save(at(102), wall(1_000)); // 3 s left
    for (wall_now, left) in [(1_000, 3), (1_001, 2), (999, 3)] {
        let restored = breaker();
        restored.restore(at(2), wall(wall_now), &bytes).expect("good bytes");
        assert_eq!(rejects_until(&restored, at(2)), Some(at(2 + left)));
        assert_eq!(restored.stats(at(2)).opened, 1);
    }
    let restored = breaker();
    restored.restore(at(2), wall(1_003), &bytes).expect("good bytes");
    assert!(matches!(restored.ask(at(2)), Decision::Probe(_)), "its time is over");
}

#[test]
fn a_half_open_breaker_comes_back_with_probes_and_a_closed_one_closed() {
    let half_open = open();
    let probe = half_open.ask_ticket(at(105)).expect("a probe");
    let restored = breaker();
    restored.restore(at(1), wall(50), &half_open.save(at(106), wall(50))).expect("good bytes");
    restored.report(at(1), probe, Outcome::Success);
    assert!(matches!(restored.ask(at(1)), Decision::Probe(_)));
    let closed = breaker();
    restored.restore(at(2), wall(60), &closed.save(at(1), wall(50))).expect("good bytes");
    assert!(matches!(restored.ask(at(2)), Decision::Allow(_)));
}

#[test]
fn no_breaker_stays_open_for_longer_than_its_own_timeout() {
    let mut bytes = open().save(at(100), wall(0));
    bytes[10..18].copy_from_slice(&(3_600_000_000_000_u64).to_le_bytes());
    let restored = breaker();
    restored.restore(at(1), wall(0), &bytes).expect("within the range");
    assert_eq!(rejects_until(&restored, at(1)), Some(at(6)));
}

#[test]
fn bytes_that_are_not_a_breaker_are_refused_and_change_nothing() {
    let good = open().save(at(102), wall(7));
    let changed = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        bytes
    };
    let cases = [
        (Vec::new(), "version"),
        (changed(0, 2), "version"),
        (changed(1, 2), "state"),
        (changed(1, 0), "open_for"),
        (changed(17, 0xff), "open_for"),
        (good[..33].to_vec(), "opened"),
        ([&good[..], &[0]].concat(), "end"),
    ];
    let breaker = breaker();
    for (bytes, field) in cases {
        let Err(Error::Saved(malformed)) = breaker.restore(at(0), wall(0), &bytes) else {
            panic!("{field} was accepted")
        };
        assert_eq!(malformed.field, field);
    }
    assert!(matches!(breaker.ask(at(0)), Decision::Allow(_)));
}

#[test]
fn random_bytes_never_panic_and_never_keep_it_open_for_long() {
    let mut chance = Chance(5);
    let good = open().save(at(102), wall(7));
    for _ in 0..20_000 {
        let mut bytes = good.clone();
        for _ in 0..=chance.below(4) {
            bytes[chance.below(SAVED_BYTES as u64) as usize] = chance.next() as u8;
        }
        let breaker = breaker();
        if breaker.restore(at(9), UnixNanos::new(chance.next()), &bytes).is_ok() {
            assert!(breaker.rejects_for(at(9)) <= breaker.settings().timeout);
        }
    }
}
