//! The breaker beside a naive one that keeps every outcome, and its corners.

use super::*;
use crate::resilience::chance::Chance;

const fn at(nanos: u64) -> Tick {
    Tick::from_nanos(nanos)
}

/// Powers of two, so that the naive breaker's buckets need no rounding.
const WINDOW: u64 = 1 << 34;
const TIMEOUT: u64 = 1 << 31;

fn settings() -> BreakerSettings {
    BreakerSettings {
        window: Duration::from_nanos(WINDOW),
        min_requests: 4,
        threshold_per_mille: 500,
        timeout: Duration::from_nanos(TIMEOUT),
        probes_max: 2,
        successes_to_close: 3,
        adaptive: None,
    }
}

fn breaker(settings: BreakerSettings) -> Breaker {
    Breaker::new(settings).expect("valid")
}

fn call(breaker: &Breaker, now: u64, outcome: Outcome) -> bool {
    match breaker.ask(at(now)) {
        Decision::Allow(permit) | Decision::Probe(permit) => {
            permit.report(at(now), outcome);
            true
        }
        Decision::Reject { .. } => false,
    }
}

/// Opens by failures at `now`.
fn fail(breaker: &Breaker, now: u64) {
    while breaker.state() != BreakerState::Open {
        assert!(call(breaker, now, Outcome::Failure));
    }
}

/// Keeps everything and computes from scratch.
struct Naive {
    settings: BreakerSettings,
    state: BreakerState,
    until: u64,
    generation: u64,
    outcomes: Vec<(u64, bool)>,
    probes: u32,
    successes: u32,
}

impl Naive {
    fn change(&mut self, state: BreakerState) {
        self.state = state;
        self.generation += 1;
        (self.probes, self.successes) = (0, 0);
    }

    fn ask(&mut self, now: u64) -> Result<(u64, bool), u64> {
        match self.state {
            BreakerState::Closed => return Ok((self.generation, false)),
            BreakerState::HalfOpen if self.probes < self.settings.probes_max => {}
            _ if now >= self.until => {
                self.change(BreakerState::HalfOpen);
                self.until = self.until.max(now + TIMEOUT);
            }
            _ => return Err(self.until),
        }
        self.probes += 1;
        Ok((self.generation, true))
    }

    fn report(&mut self, now: u64, (generation, probe): (u64, bool), outcome: Outcome) {
        if generation != self.generation || (outcome == Outcome::Abandoned && !probe) {
            return;
        }
        let failed = outcome == Outcome::Failure;
        if probe {
            self.probes -= 1;
            self.successes += u32::from(outcome == Outcome::Success);
            if self.successes == self.settings.successes_to_close {
                self.change(BreakerState::Closed);
                self.outcomes.clear();
            }
        } else {
            self.outcomes.push((now, failed));
        }
        if failed && (probe || self.is_too_much(now)) {
            self.change(BreakerState::Open);
            self.until = self.until.max(now + TIMEOUT);
        }
    }

    fn is_too_much(&self, now: u64) -> bool {
        let bucket = |time: u64| time / (WINDOW / 16);
        let within: Vec<_> =
            self.outcomes.iter().filter(|(time, _)| bucket(*time) + 16 > bucket(now)).collect();
        let failures = within.iter().filter(|(_, failed)| *failed).count();
        within.len() >= self.settings.min_requests as usize
            && failures * 1_000 >= within.len() * self.settings.threshold_per_mille as usize
    }
}

#[test]
fn decisions_are_those_of_a_breaker_that_keeps_every_outcome() {
    let mut seen = [0_u32; 3];
    for seed in 1..=60 {
        let mut chance = Chance(seed);
        let settings = BreakerSettings {
            min_requests: 1 + chance.below(12) as u32,
            threshold_per_mille: 1 + chance.below(1_000) as u32,
            probes_max: 1 + chance.below(3) as u32,
            successes_to_close: 1 + chance.below(4) as u32,
            ..settings()
        };
        let ours = breaker(settings);
        let mut naive = Naive {
            settings,
            state: BreakerState::Closed,
            until: 0,
            generation: 0,
            outcomes: Vec::new(),
            probes: 0,
            successes: 0,
        };
        let failing = 1 + chance.below(9);
        let mut out = Vec::new();
        let mut now = 0;
        for step in 0..1_500 {
            now += chance.below(WINDOW / 64);
            if chance.below(2) == 0 || out.is_empty() {
                let (mine, theirs) = (ours.ask_ticket(at(now)), naive.ask(now));
                assert_eq!(mine.map(Ticket::is_probe).map_err(Tick::as_nanos), theirs.map(|t| t.1));
                if let (Ok(mine), Ok(theirs)) = (mine, theirs) {
                    out.push((mine, theirs));
                }
            } else {
                let (mine, theirs) = out.swap_remove(chance.below(out.len() as u64) as usize);
                let outcome = match chance.below(10) {
                    0 => Outcome::Abandoned,
                    n if n <= failing => Outcome::Failure,
                    _ => Outcome::Success,
                };
                ours.report(at(now), mine, outcome);
                naive.report(now, theirs, outcome);
            }
            assert_eq!(ours.state(), naive.state, "seed {seed} step {step}");
            seen[naive.state as usize] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count > 1_000), "a state was hardly visited: {seen:?}");
}

#[test]
fn few_requests_never_open_it_and_enough_at_the_threshold_do() {
    let breaker = breaker(settings());
    for n in 0..3 {
        assert!(call(&breaker, n, Outcome::Failure));
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    call(&breaker, 4, Outcome::Failure);
    assert_eq!(breaker.state(), BreakerState::Open);
    assert!(matches!(breaker.ask(at(5)), Decision::Reject { until } if until == at(4 + TIMEOUT)));
    assert_eq!(breaker.rejects_for(at(5)), Duration::from_nanos(TIMEOUT - 1));
    let stats = breaker.stats(at(5));
    assert_eq!((stats.opened, stats.rejected, stats.failures), (1, 1, 4));
}

#[test]
fn one_failure_among_probes_opens_it_again() {
    let breaker = breaker(settings());
    fail(&breaker, 10);
    let later = 10 + TIMEOUT;
    let Decision::Probe(first) = breaker.ask(at(later)) else { panic!("no probe") };
    let Decision::Probe(second) = breaker.ask(at(later)) else { panic!("no second probe") };
    assert!(matches!(breaker.ask(at(later)), Decision::Reject { .. }), "only two at a time");
    first.report(at(later + 1), Outcome::Failure);
    assert_eq!(breaker.state(), BreakerState::Open);
    second.report(at(later + 2), Outcome::Success);
    assert_eq!(breaker.state(), BreakerState::Open, "of an earlier generation");
}

#[test]
fn enough_successes_close_it_and_the_window_is_forgotten() {
    let breaker = breaker(settings());
    fail(&breaker, 10);
    let later = 10 + TIMEOUT;
    for _ in 0..3 {
        assert!(call(&breaker, later, Outcome::Success));
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    assert_eq!(breaker.stats(at(later)).window_calls, 0);
    for _ in 0..3 {
        call(&breaker, later, Outcome::Failure);
    }
    assert_eq!(breaker.state(), BreakerState::Closed, "three are too few");
}

#[test]
fn a_dropped_probe_is_given_back_and_says_nothing() {
    let breaker = breaker(BreakerSettings { probes_max: 1, ..settings() });
    fail(&breaker, 0);
    for _ in 0..5 {
        let Decision::Probe(permit) = breaker.ask(at(TIMEOUT)) else { panic!("no probe") };
        drop(permit);
    }
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
}

#[test]
fn probes_that_never_come_back_are_given_up_after_the_timeout() {
    let breaker = breaker(BreakerSettings { probes_max: 1, ..settings() });
    fail(&breaker, 0);
    let lost = breaker.ask_ticket(at(TIMEOUT)).expect("a probe");
    assert_eq!(breaker.ask_ticket(at(2 * TIMEOUT - 1)), Err(at(2 * TIMEOUT)));
    let probe = breaker.ask_ticket(at(2 * TIMEOUT)).expect("another probe");
    breaker.report(at(2 * TIMEOUT), lost, Outcome::Failure);
    assert_eq!(breaker.state(), BreakerState::HalfOpen, "the lost one is of an earlier generation");
    breaker.report(at(2 * TIMEOUT), probe, Outcome::Failure);
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn a_clock_that_goes_backwards_keeps_it_open_for_longer() {
    let breaker = breaker(settings());
    fail(&breaker, WINDOW);
    assert!(matches!(breaker.ask(at(0)), Decision::Reject { until } if until == at(WINDOW + TIMEOUT)));
    let at_the_end = Breaker::new(settings()).expect("valid");
    fail(&at_the_end, u64::MAX - 1);
    assert!(matches!(at_the_end.ask(at(u64::MAX - 1)), Decision::Reject { .. }));
    assert!(matches!(at_the_end.ask(at(u64::MAX)), Decision::Probe(_)), "the last tick is not skipped");
}

#[test]
fn a_peer_that_has_just_come_back_is_trusted_less() {
    let adaptive = Some(Adaptive { floor_per_mille: 100, recovery: Duration::from_nanos(1_000) });
    let breaker = breaker(BreakerSettings { adaptive, ..settings() });
    assert_eq!(breaker.threshold_per_mille(at(5)), 500, "until it was open once");
    fail(&breaker, 10);
    let later = 10 + TIMEOUT;
    for _ in 0..3 {
        call(&breaker, later, Outcome::Success);
    }
    let thresholds = [0, 500, 1_000, 5_000].map(|after| breaker.threshold_per_mille(at(later + after)));
    assert_eq!(thresholds, [100, 300, 500, 500]);
    for _ in 0..9 {
        call(&breaker, later, Outcome::Success);
    }
    call(&breaker, later, Outcome::Failure);
    assert_eq!(breaker.state(), BreakerState::Open, "one of ten is its threshold now");
}

#[test]
fn by_hand_it_is_opened_for_its_timeout_and_closed_at_once() {
    let breaker = breaker(settings());
    breaker.trip(at(7));
    assert!(matches!(breaker.ask(at(8)), Decision::Reject { until } if until == at(7 + TIMEOUT)));
    breaker.reset();
    assert!(matches!(breaker.ask(at(8)), Decision::Allow(_)));
}

#[test]
fn settings_outside_of_their_range_are_named() {
    let good = settings();
    let adaptive = |floor_per_mille| Some(Adaptive { floor_per_mille, recovery: Duration::ZERO });
    let endless = Some(Adaptive { floor_per_mille: 1, recovery: Duration::MAX });
    let cases = [
        ("breaker window", BreakerSettings { window: Duration::from_millis(9), ..good }),
        ("breaker window", BreakerSettings { window: Duration::MAX, ..good }),
        ("breaker min_requests", BreakerSettings { min_requests: 0, ..good }),
        ("breaker min_requests", BreakerSettings { min_requests: 20_001, ..good }),
        ("breaker threshold_per_mille", BreakerSettings { threshold_per_mille: 0, ..good }),
        ("breaker threshold_per_mille", BreakerSettings { threshold_per_mille: 1_001, ..good }),
        ("breaker timeout", BreakerSettings { timeout: Duration::ZERO, ..good }),
        ("breaker probes_max", BreakerSettings { probes_max: 0, ..good }),
        ("breaker probes_max", BreakerSettings { probes_max: 1_001, ..good }),
        ("breaker successes_to_close", BreakerSettings { successes_to_close: 1_001, ..good }),
        ("breaker adaptive floor_per_mille", BreakerSettings { adaptive: adaptive(501), ..good }),
        ("breaker adaptive recovery", BreakerSettings { adaptive: endless, ..good }),
    ];
    for (name, settings) in cases {
        let Err(Error::Config { setting, .. }) = Breaker::new(settings) else {
            panic!("{name} was accepted")
        };
        assert_eq!(setting, name);
    }
}

#[test]
fn a_million_calls_on_four_threads_are_all_counted() {
    let breaker = breaker(BreakerSettings { threshold_per_mille: 1_000, ..settings() });
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..250_000_u64 {
                    let outcome = if n % 4 == 0 { Outcome::Failure } else { Outcome::Success };
                    assert!(call(&breaker, n * 65_536, outcome));
                }
            });
        }
    });
    let stats = breaker.stats(at(250_000 * 65_536));
    assert_eq!((stats.calls, stats.failures), (1_000_000, 250_000));
}
