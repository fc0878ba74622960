//! Who lies at a point of the line, by bisection, by tree, and by walking along it.

use super::ROUNDS;
use crate::record::Better;
use crate::sample::{Samples, turns};
use crate::scenario::{OURS, Peer, Scenario};
use crate::suites::Plan;
use duochain::env::{Clock, SystemClock};
use duochain::types::{ChainId, Epoch, Height, View};
use duochain::validator::{Election, Fenwick, Lottery, PrefixSums, Seed};
use sha2::{Digest, Sha512};
use std::hint::black_box;

pub(super) const LINEAR: &str = "walk along the line";
pub(super) const TREE: &str = "Fenwick tree, ours";
pub(super) const REBUILT: &str = "sums made anew";
pub(super) const HASH_ALONE: &str = "SHA-512 alone";

const fn nanos(name: &'static str, peers: &'static [Peer]) -> Scenario {
    Scenario { name, unit: "ns", better: Better::Lower, peers }
}

pub(super) const SCENARIOS: &[Scenario] = &[
    nanos("leader: 100 validators", &[Peer::new(LINEAR).ours_at_most(100.0), Peer::new(TREE)]),
    nanos("leader: 10,000 validators", &[Peer::new(LINEAR), Peer::new(TREE)]),
    nanos("leader: 1,000,000 validators", &[Peer::new(LINEAR).ours_at_most(400.0), Peer::new(TREE)]),
    nanos("leader and its hash: 100 validators", &[Peer::floor(HASH_ALONE)]),
    nanos("a weight changes: 100 validators", &[Peer::new(REBUILT)]),
    nanos("a weight changes: 10,000 validators", &[Peer::new(REBUILT)]),
    nanos("a weight changes: 1,000,000 validators", &[Peer::new(REBUILT)]),
];

const SIZES: [usize; 3] = [100, 10_000, 1_000_000];

/// SplitMix64.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A line of one size, and points of it.
struct Line {
    weights: Vec<u64>,
    sums: PrefixSums,
    tree: Fenwick,
    points: Vec<u64>,
}

impl Line {
    fn new(places: usize) -> Self {
        let mut state = 5;
        let weights: Vec<u64> = (0..places).map(|_| 1 + random(&mut state) % 1_000_000).collect();
        let sums = PrefixSums::new(weights.iter().copied()).expect("fits");
        let tree = Fenwick::new(weights.iter().copied()).expect("fits");
        let points = (0..1 << 16).map(|_| random(&mut state) % sums.total()).collect();
        Self { weights, sums, tree, points }
    }

    fn point(&self, call: usize) -> u64 {
        self.points[call % self.points.len()]
    }

    fn walk(&self, point: u64) -> usize {
        let mut end = 0;
        let is_there = |weight: &u64| {
            end += weight;
            end > point
        };
        self.weights.iter().position(is_there).unwrap_or(self.weights.len())
    }
}

fn nanos_each(calls: usize, mut call: impl FnMut(usize)) -> f64 {
    let clock = SystemClock::new();
    (0..calls).for_each(&mut call);
    clock.now().as_nanos() as f64 / calls as f64
}

/// Measures all of it.
pub(super) fn measure(plan: Plan, samples: &mut Samples) {
    for (size, places) in SIZES.into_iter().enumerate() {
        let mut line = Line::new(places);
        let (quick, slow) = (plan.count(2_000_000), plan.count((400_000_000 / places).min(2_000_000)));
        for round in 0..plan.rounds(ROUNDS) {
            for turn in turns(3, round) {
                let side = [OURS, LINEAR, TREE][turn];
                samples.add(SCENARIOS[size].name, side, find(&line, side, [quick, slow, quick][turn]));
            }
            for turn in turns(2, round) {
                let side = [OURS, REBUILT][turn];
                let calls = [quick, plan.count((40_000_000 / places).max(8))][turn];
                samples.add(SCENARIOS[4 + size].name, side, change(&mut line, side, calls));
            }
        }
    }
    let line = Line::new(100);
    for round in 0..plan.rounds(ROUNDS) {
        for turn in turns(2, round) {
            let side = [OURS, HASH_ALONE][turn];
            samples.add(SCENARIOS[3].name, side, draw(&line, side, plan.count(500_000)));
        }
    }
}

fn find(line: &Line, side: &str, calls: usize) -> f64 {
    nanos_each(calls, |call| {
        let point = line.point(call);
        black_box(match side {
            OURS => line.sums.place(point),
            TREE => line.tree.place(point),
            _ => line.walk(point),
        });
    })
}

fn change(line: &mut Line, side: &str, calls: usize) -> f64 {
    let Line { weights, tree, points, .. } = line;
    nanos_each(calls, |call| {
        let point = points[call % points.len()];
        let (place, weight) = (point as usize % weights.len(), point % 1_000_000);
        if side == OURS {
            tree.set_weight(place, weight).expect("fits");
        } else {
            weights[place] = weight;
            black_box(PrefixSums::new(weights.iter().copied()).expect("fits"));
        }
    })
}

fn draw(line: &Line, side: &str, calls: usize) -> f64 {
    let election = Election::new(ChainId::Alpha, Epoch::new(1), Seed::new([1; 32]), line.sums.clone());
    nanos_each(calls, |call| {
        if side == OURS {
            black_box(election.leader(Height::new(call as u64), View::ORIGIN));
        } else {
            // As many bytes as a leader's draw hashes.
            black_box(Sha512::digest(black_box([call as u8; 72])));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_side_finds_the_same() {
        let line = Line::new(1_000);
        for point in &line.points[..500] {
            assert_eq!(line.walk(*point), line.sums.place(*point));
            assert_eq!(line.walk(*point), line.tree.place(*point));
        }
        assert_eq!(line.walk(line.sums.total()), 1_000);
    }

    #[test]
    fn every_side_does_every_job() {
        let mut line = Line::new(100);
        for side in [OURS, LINEAR, TREE] {
            assert!(find(&line, side, 1_000) > 0.0);
        }
        for side in [OURS, REBUILT] {
            assert!(change(&mut line, side, 1_000) > 0.0);
        }
        for side in [OURS, HASH_ALONE] {
            assert!(draw(&line, side, 1_000) > 0.0);
        }
    }
}
