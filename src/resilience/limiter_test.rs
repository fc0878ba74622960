//! The limiter beside a token bucket in exact arithmetic, and its ends.

use super::*;
use crate::env::Clock;
use crate::resilience::chance::{Chance, ManualClock};
use crate::resilience::{Error, LimitedWait};

fn limiter(tokens: u32, period: Duration, burst: u32) -> Limiter {
    Limiter::new(LimiterSettings { tokens, period, burst }).expect("valid")
}

const fn at(nanos: u64) -> Tick {
    Tick::from_nanos(nanos)
}

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// Tokens times the period, so that nothing is rounded.
struct Bucket {
    level: u128,
    last: u64,
    settings: LimiterSettings,
}

impl Bucket {
    fn per_token(&self) -> u128 {
        self.settings.period.as_nanos()
    }

    fn acquire(&mut self, now: u64, n: u32) -> (bool, u128) {
        let full = u128::from(self.settings.burst) * self.per_token();
        let come = u128::from(now - self.last) * u128::from(self.settings.tokens);
        self.level = (self.level + come).min(full);
        self.last = now;
        let cost = u128::from(n) * self.per_token();
        let margin = self.level.abs_diff(cost);
        let granted = self.level >= cost;
        if granted {
            self.level -= cost;
        }
        (granted, margin)
    }
}

#[test]
fn decisions_are_those_of_an_exact_token_bucket() {
    for seed in 1..=40 {
        let mut chance = Chance(seed);
        let settings = LimiterSettings {
            tokens: chance.magnitude(24),
            period: Duration::from_nanos((1 << 24) + chance.below(1 << 40)),
            burst: chance.magnitude(16),
        };
        let ours = Limiter::new(settings).expect("valid");
        let mut exact =
            Bucket { level: u128::from(settings.burst) * settings.period.as_nanos(), last: 0, settings };
        let (mut now, mut granted) = (0_u64, 0);
        for _ in 0..2_000 {
            now += chance.below(2 * settings.period.as_nanos() as u64 / u64::from(settings.tokens) + 2);
            let n = 1 + chance.below(u64::from(settings.burst)) as u32;
            let (expected, margin) = exact.acquire(now, n);
            let answer = ours.acquire(at(now), n);
            if answer.is_ok() != expected {
                // Units are a little coarser than exact arithmetic.
                assert!(margin <= exact.per_token() >> 20, "seed {seed}: {answer:?} at {now}");
                break;
            }
            if let Err(Limited::Until(until)) = answer {
                assert!(until > at(now), "seed {seed}");
                assert_eq!(ours.ready_at(at(now), n), Ok(until), "seed {seed}");
            }
            granted += u32::from(expected);
        }
        assert!(granted > 0, "seed {seed} granted nothing");
    }
}

#[test]
fn tokens_are_there_when_the_refusal_said_and_not_before() {
    let limiter = limiter(7, SECOND, 3);
    assert_eq!(limiter.acquire(at(0), 3), Ok(()));
    let Err(Limited::Until(until)) = limiter.acquire(at(0), 2) else { panic!("over the burst") };
    assert!(limiter.acquire(at(until.as_nanos() - 1), 2).is_err());
    assert_eq!(limiter.acquire(until, 2), Ok(()));
    assert_eq!(limiter.stats(until).refused, 2);
}

#[test]
fn more_than_the_burst_is_refused_by_name_and_nothing_is_taken() {
    let limiter = limiter(10, SECOND, 5);
    assert_eq!(limiter.acquire(at(0), 6), Err(Limited::OverBurst { asked: 6, burst: 5 }));
    assert_eq!(limiter.ready_at(at(0), u32::MAX), Err(Limited::OverBurst { asked: u32::MAX, burst: 5 }));
    assert_eq!((limiter.stats(at(0)).available, limiter.stats(at(0)).refused), (5, 0));
    assert_eq!(limiter.acquire(at(0), 0), Ok(()));
}

#[test]
fn one_a_day_and_a_thousand_million_a_second_keep_their_rate() {
    let daily = limiter(1, DAY, 1);
    let day = DAY.as_nanos() as u64;
    for n in 0..1_000 {
        assert_eq!(daily.acquire(at(n * day), 1), Ok(()), "day {n}");
        assert!(daily.acquire(at(n * day + day - 2_000), 1).is_err(), "day {n}");
    }
    let fast = limiter(1_000_000_000, SECOND, 1_000);
    assert_eq!(fast.acquire(at(5_000), 1_000), Ok(()));
    let granted = (5_001..105_001).filter(|now| fast.acquire(at(*now), 1).is_ok()).count();
    assert!((99_999..=100_000).contains(&granted), "{granted} in 100 us");
}

#[test]
fn a_clock_that_goes_backwards_gains_nothing() {
    let limiter = limiter(1_000, SECOND, 10);
    assert_eq!(limiter.acquire(at(1_000_000_000), 10), Ok(()));
    assert!(limiter.acquire(at(0), 1).is_err());
    assert_eq!(limiter.acquire(at(0), 0), Ok(()));
    assert_eq!(limiter.stats(at(0)).available, 0);
    assert!(limiter.acquire(at(1_000_000_000), 1).is_err());
    assert_eq!(limiter.acquire(at(1_001_000_001), 1), Ok(()));
}

#[test]
fn at_the_last_tick_time_stands_still_and_nothing_is_granted_for_ever() {
    for (tokens, period) in [(1_000_000_000, SECOND), (1, DAY), (3, SECOND)] {
        let limiter = limiter(tokens, period, 1_000);
        let granted = (0..5_000).filter(|_| limiter.acquire(at(u64::MAX), 1).is_ok()).count();
        assert!(granted <= 1_001, "{granted}");
        assert!(limiter.ready_at(at(u64::MAX), 1).is_ok());
    }
}

#[test]
fn settings_outside_of_their_range_are_named() {
    let cases = [
        ("limiter tokens", 0, SECOND, 1),
        ("limiter tokens", 2, Duration::from_nanos(1), 1),
        ("limiter period", 1, Duration::ZERO, 1),
        ("limiter period", 1, PERIOD_MAX + SECOND, 1),
        ("limiter burst", 1, SECOND, 0),
        ("limiter burst", 1, SECOND, BURST_MAX + 1),
    ];
    for (name, tokens, period, burst) in cases {
        let result = Limiter::new(LimiterSettings { tokens, period, burst });
        let Err(Error::Config { setting, .. }) = result else { panic!("{name} was accepted") };
        assert_eq!(setting, name);
    }
    for (tokens, period) in [(1, PERIOD_MAX), (u32::MAX, Duration::from_nanos(u64::from(u32::MAX)))] {
        let limiter = limiter(tokens, period, BURST_MAX);
        assert_eq!(limiter.acquire(at(0), BURST_MAX), Ok(()));
        assert!(limiter.acquire(at(0), 1).is_err());
    }
}

#[test]
fn threads_together_get_no_more_than_the_burst_and_the_rate() {
    let limiter = limiter(1, DAY, 1_000);
    let granted: usize = std::thread::scope(|scope| {
        let take = || (0..2_000).filter(|_| limiter.acquire(at(9), 1).is_ok()).count();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    assert_eq!(granted, 1_000);
}

#[test]
fn a_blocking_call_waits_as_long_as_needed_and_never_past_its_time() {
    let clock = ManualClock::default();
    let limiter = limiter(10, SECOND, 1);
    let wait = |n, millis| limiter.acquire_blocking(&clock, n, Duration::from_millis(millis));
    assert_eq!(wait(1, 0), Ok(()));
    assert_eq!(wait(1, 99), Err(LimitedWait::Timeout));
    assert_eq!(clock.now(), Tick::ZERO, "what comes too late is not waited for");
    assert_eq!(wait(1, 101), Ok(()));
    assert!(clock.now().as_nanos().abs_diff(100_000_000) < 10, "{:?}", clock.now());
    assert!(matches!(wait(2, 1_000), Err(LimitedWait::Limited(Limited::OverBurst { .. }))));
}
