//! Both lotteries find the same, and draw as often as power says.

use super::*;
use crate::validator::{Keys, Member, ValidatorId};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// What both must find: a walk along the line.
fn walk(weights: &[u64], point: u64) -> usize {
    let mut end = 0;
    weights
        .iter()
        .take_while(|weight| {
            end += *weight;
            end <= point
        })
        .count()
}

fn weights(random: &mut Random, count: usize) -> Vec<u64> {
    // A third without power, some with little, some with much.
    let mut weights: Vec<u64> = (0..count)
        .map(|_| match random.next() % 3 {
            0 => 0,
            1 => random.next() % 4,
            _ => random.next() % 1_000_000_007,
        })
        .collect();
    if let Some(first) = weights.first_mut() {
        *first += 1;
    }
    weights
}

#[test]
fn both_find_the_same_place_for_4096_points_of_each_size() {
    let mut random = Random(1);
    for count in [1, 2, 3, 4, 5, 7, 8, 9, 100, 1_000, 1_023, 1_024, 1_025, 10_000] {
        let weights = weights(&mut random, count);
        let sums = PrefixSums::new(weights.iter().copied()).expect("fits");
        let tree = Fenwick::new(weights.iter().copied()).expect("fits");
        let total: u64 = weights.iter().sum();
        assert_eq!((sums.total(), tree.total()), (total, total));
        assert_eq!((sums.len(), tree.len()), (count, count));
        for number in 0..4_096 {
            // Both ends of the line too.
            let point = match number {
                0 => 0,
                1 => total - 1,
                _ => random.next() % total,
            };
            let place = sums.place(point);
            assert_eq!(tree.place(point), place, "point {point} of {total}, {count} places (I1)");
            assert!(weights[place] > 0, "drawn without power (I2)");
            if count <= 1_025 {
                assert_eq!(place, walk(&weights, point));
            }
        }
        assert_eq!((sums.place(total), tree.place(total)), (count, count), "behind the end");
    }
}

#[test]
fn after_each_change_of_a_weight_the_tree_is_the_one_of_the_new_weights() {
    let mut random = Random(2);
    for count in [1, 2, 5, 64, 100] {
        let mut weights = weights(&mut random, count);
        let mut tree = Fenwick::new(weights.iter().copied()).expect("fits");
        for _ in 0..300 {
            let (place, weight) = (random.next() as usize % count, random.next() % 1_000);
            weights[place] = weight;
            tree.set_weight(place, weight).expect("fits");
            assert_eq!(tree, Fenwick::new(weights.iter().copied()).expect("fits"));
            assert_eq!((0..count).map(|place| tree.weight(place)).collect::<Vec<_>>(), weights);
        }
        assert_eq!(tree.weight(count), 0);
    }
}

#[test]
fn what_does_not_fit_64_bits_is_refused_and_changes_nothing() {
    assert_eq!(PrefixSums::new([u64::MAX, 1]), Err(TooHeavy));
    assert_eq!(Fenwick::new([u64::MAX, 1]), Err(TooHeavy));
    let mut tree = Fenwick::new([u64::MAX - 1, 1, 0]).expect("fits");
    let before = tree.clone();
    assert_eq!(tree.set_weight(2, 1), Err(TooHeavy));
    assert_eq!(tree, before);
    assert_eq!(tree.place(u64::MAX - 1), 1);
    assert_eq!(PrefixSums::new([]).expect("fits").total(), 0);
    assert!(Fenwick::new([]).expect("fits").is_empty());
    assert_eq!(Fenwick::new([]).expect("fits").place(0), 0);
}

#[test]
fn numbers_that_would_prefer_small_points_are_drawn_again() {
    // Of 2^127 + 1, everything from there on is above the only multiple.
    let total = (1_u128 << 127) + 1;
    let draws = [u128::MAX, total, total + 5, total - 1];
    let mut attempts = Vec::new();
    let found = point(total, |attempt| {
        attempts.push(attempt);
        draws[attempt as usize]
    });
    assert_eq!((found, attempts), (total - 1, vec![0, 1, 2, 3]));
    assert_eq!(point(7, |_| 700 * 7 + 3), 3);
    // 2^128 - 1 is a multiple of 5 with nothing left over: the last number of the zone and the first behind it.
    assert_eq!(u128::MAX % 5, 0);
    assert_eq!(point(5, |attempt| u128::MAX - u128::from(attempt)), 4);
}

fn set(powers: &[u64]) -> ValidatorSet {
    let members = powers.iter().enumerate().map(|(at, power)| {
        let mut id = [0; 32];
        id[..2].copy_from_slice(&(at as u16).to_be_bytes());
        let keys = Keys { vote: crate::crypto::ed25519::PublicKey::new(id), vrf: [1; 32] };
        Member { id: ValidatorId::new(id), power: *power, keys }
    });
    ValidatorSet::new(Epoch::new(2), members.collect()).expect("a set")
}

#[test]
fn a_million_draws_follow_power_within_five_sigma() {
    // Skewed like stake is: the n-th has a share of 1/n, and some have none.
    let powers: Vec<u64> = (1..=40).map(|rank| if rank % 9 == 0 { 0 } else { 1_000_000 / rank }).collect();
    let election = Election::of(&set(&powers), ChainId::Delta, Seed::new([7; 32]));
    const DRAWS: u64 = 1_000_000;
    let mut drawn = vec![0_u64; powers.len()];
    for number in 0..DRAWS {
        drawn[election.leader(Height::new(number / 4), View::new(number % 4)).index()] += 1;
    }
    let total: u64 = powers.iter().sum();
    let (mut squares, mut kinds) = (0.0, 0.0);
    for (power, found) in powers.iter().zip(&drawn) {
        let share = *power as f64 / total as f64;
        let (expected, sigma) = (DRAWS as f64 * share, (DRAWS as f64 * share * (1.0 - share)).sqrt());
        let off = (*found as f64 - expected).abs();
        assert!(off <= 5.0 * sigma, "power {power}: {found} draws instead of {expected}, sigma {sigma}");
        if *power > 0 {
            squares += off * off / expected;
            kinds += 1.0;
        }
    }
    // Chi-square of k kinds: k - 1 on average, with a variance of twice that.
    let (mean, sigma) = (kinds - 1.0, f64::sqrt(2.0 * (kinds - 1.0)));
    assert!((squares - mean).abs() <= 5.0 * sigma, "chi-square {squares} of {kinds} kinds");
}

#[test]
fn draws_differ_by_chain_epoch_seed_height_view_and_purpose() {
    let set = set(&[1; 1_000]);
    let sums = || PrefixSums::new(set.powers()).expect("fits");
    let draws = |chain, epoch, seed: u8, first: u64| -> Vec<ValidatorIndex> {
        let election = Election::new(chain, Epoch::new(epoch), Seed::new([seed; 32]), sums());
        (first..first + 20).map(|number| election.leader(Height::new(number), View::new(1))).collect()
    };
    let base = draws(ChainId::Alpha, 1, 1, 0);
    assert_eq!(base, draws(ChainId::Alpha, 1, 1, 0));
    for other in [
        draws(ChainId::Delta, 1, 1, 0),
        draws(ChainId::Alpha, 2, 1, 0),
        draws(ChainId::Alpha, 1, 2, 0),
        draws(ChainId::Alpha, 1, 1, 20),
    ] {
        assert_ne!(base, other);
    }
    let election = Election::new(ChainId::Alpha, Epoch::new(1), Seed::new([1; 32]), sums());
    let of = |draw: &dyn Fn(u64) -> ValidatorIndex| -> Vec<ValidatorIndex> { (0..20).map(draw).collect() };
    let by_view = of(&|number| election.leader(Height::new(1), View::new(number)));
    let coordinators = of(&|number| election.coordinator(View::new(number)));
    assert_ne!(by_view, coordinators);
    assert_ne!(by_view, of(&|number| election.leader(Height::new(number), View::new(1))));
}

#[test]
fn draws_are_the_same_on_every_machine() {
    // The formulas of the head, as numbers: whoever changes one forks every chain.
    let election = Election::of(&set(&[10, 0, 20, 30, 40]), ChainId::Alpha, Seed::new([9; 32]));
    let leaders: Vec<u16> =
        (1..=12).map(|height| election.leader(Height::new(height), View::ORIGIN).get()).collect();
    let coordinators: Vec<u16> = (1..=12).map(|view| election.coordinator(View::new(view)).get()).collect();
    assert_eq!((leaders, coordinators), (LEADERS.to_vec(), COORDINATORS.to_vec()));
    // The same through a tree.
    let tree = Fenwick::new([10, 0, 20, 30, 40]).expect("fits");
    let by_tree = Election::new(ChainId::Alpha, Epoch::new(2), Seed::new([9; 32]), tree);
    for height in 0..500 {
        let at = (Height::new(height), View::new(height % 3));
        assert_eq!(election.leader(at.0, at.1), by_tree.leader(at.0, at.1));
    }
}

const LEADERS: [u16; 12] = [3, 0, 3, 3, 0, 2, 4, 0, 2, 4, 3, 3];
const COORDINATORS: [u16; 12] = [4, 2, 3, 3, 2, 2, 4, 3, 4, 4, 0, 4];
