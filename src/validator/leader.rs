//! Follow the satoshi: each unit of power is drawn as often as any other, in a logarithm of steps.
//!
//! # Model
//! Powers lie one behind the other on a line of length W, in the order of the set. A draw is a point of it; whoever's power
//! lies there is drawn. [`PrefixSums`] finds it by bisection and never changes; [`Fenwick`] does too, and changes with
//! one power. For an epoch's set, which does not change, the sums are the simpler.
//!
//! ```text
//! leader(height, view):   r = SHA-512("duochain/fts/v1" | chain u8 | epoch u64 | seed [32] | height u64 | view u64)
//! coordinator(view):      r = SHA-512("duochain/fts/view/v1" | chain u8 | epoch u64 | seed [32] | view u64)
//!                         first 16 bytes, little-endian; the point is r mod W
//! ```
//! A remainder alone would prefer small points: numbers at or above the greatest multiple of W are drawn again, the same
//! bytes with the number of the attempt (u32, from 1) behind them.
//!
//! # Invariants
//! I1 both find the same place for each point. I2 nobody without power is drawn.
//!
//! # Source
//! Bentov, Gabizon, Mizrahi, Cryptocurrencies without Proof of Work (2014), for the name and idea; Fenwick, A new data
//! structure for cumulative frequency tables (1994).

use super::randomness::Seed;
use super::set::ValidatorSet;
use crate::types::{ChainId, Epoch, Height, ValidatorIndex, View};
use sha2::{Digest, Sha512};

/// Who lies where on the line.
pub trait Lottery {
    /// Number of places.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Length of the line.
    fn total(&self) -> u64;

    /// The first place behind whose end `point` does not lie; `len` for points that are not below `total`.
    fn place(&self, point: u64) -> usize;
}

/// Weights that do not fit 64 bits together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more weight than fits 64 bits")]
pub struct TooHeavy;

/// The ends of all places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixSums(Box<[u64]>);

impl PrefixSums {
    /// Of these weights.
    ///
    /// # Errors
    /// [`TooHeavy`].
    pub fn new(weights: impl IntoIterator<Item = u64>) -> Result<Self, TooHeavy> {
        let mut sum = 0_u64;
        let ends = weights.into_iter().map(|weight| {
            sum = sum.checked_add(weight).ok_or(TooHeavy)?;
            Ok(sum)
        });
        ends.collect::<Result<_, _>>().map(Self)
    }
}

impl Lottery for PrefixSums {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn total(&self) -> u64 {
        self.0.last().copied().unwrap_or_default()
    }

    fn place(&self, point: u64) -> usize {
        self.0.partition_point(|end| *end <= point)
    }
}

/// Sums of runs of places, whose lengths are powers of two: one weight changes in a logarithm of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fenwick {
    /// At `i`, from 1, the weights of the places `i - lowest_bit(i)..i`.
    runs: Box<[u64]>,
    total: u64,
}

impl Fenwick {
    /// Of these weights.
    ///
    /// # Errors
    /// [`TooHeavy`].
    pub fn new(weights: impl IntoIterator<Item = u64>) -> Result<Self, TooHeavy> {
        let mut runs: Vec<u64> = std::iter::once(0).chain(weights).collect();
        let mut total = 0_u64;
        for at in 1..runs.len() {
            // The weight of this place, and what the shorter runs below have added.
            let below: u64 = children(at).map(|child| runs[child]).sum();
            total = total.checked_add(runs[at]).ok_or(TooHeavy)?;
            runs[at] += below;
        }
        Ok(Self { runs: runs.into(), total })
    }

    /// The weight of a place; 0 outside.
    pub fn weight(&self, place: usize) -> u64 {
        if place >= self.len() {
            return 0;
        }
        let below: u64 = children(place + 1).map(|child| self.runs[child]).sum();
        self.runs[place + 1] - below
    }

    /// Gives a place another weight.
    ///
    /// # Errors
    /// [`TooHeavy`], and nothing changed.
    ///
    /// # Panics
    /// When there is no such place.
    pub fn set_weight(&mut self, place: usize, weight: u64) -> Result<(), TooHeavy> {
        assert!(place < self.len(), "place {place} of {}", self.len());
        let before = self.weight(place);
        self.total = (self.total - before).checked_add(weight).ok_or(TooHeavy)?;
        let mut at = place + 1;
        while let Some(run) = self.runs.get_mut(at) {
            *run = *run - before + weight;
            at += lowest_bit(at);
        }
        Ok(())
    }
}

impl Lottery for Fenwick {
    fn len(&self) -> usize {
        self.runs.len() - 1
    }

    fn total(&self) -> u64 {
        self.total
    }

    fn place(&self, point: u64) -> usize {
        let (mut at, mut rest) = (0, point);
        let mut step = if self.is_empty() { 0 } else { 1 << self.len().ilog2() };
        while step > 0 {
            if let Some(run) = self.runs.get(at + step).filter(|run| **run <= rest) {
                at += step;
                rest -= run;
            }
            step >>= 1;
        }
        at
    }
}

const fn lowest_bit(at: usize) -> usize {
    at & at.wrapping_neg()
}

/// The runs that lie side by side in the run `at`, before its last place.
fn children(at: usize) -> impl Iterator<Item = usize> {
    let first = at - lowest_bit(at);
    std::iter::successors(Some(at - 1), |child| Some(child - lowest_bit(*child)))
        .take_while(move |child| *child > first)
}

/// A number below `total`, each as likely as any other, from draws of 128 bits. `draw` is told which attempt it is, from 0.
///
/// # Panics
/// When `total` is 0.
pub fn point(total: u128, mut draw: impl FnMut(u32) -> u128) -> u128 {
    assert!(total > 0, "a point of nothing");
    let zone = u128::MAX - u128::MAX % total;
    // At least half of all draws are below the zone, so nobody sees the last attempt.
    let drawn = (0..=u32::MAX).map(&mut draw).find(|drawn| *drawn < zone);
    drawn.expect("one of 2^32 draws is below the zone") % total
}

/// The draws of one chain in one epoch.
#[derive(Clone, Debug)]
pub struct Election<L = PrefixSums> {
    chain: ChainId,
    epoch: Epoch,
    seed: Seed,
    lottery: L,
}

impl Election {
    /// Among the members of an epoch's set, by the seed of that epoch.
    pub fn of(set: &ValidatorSet, chain: ChainId, seed: Seed) -> Self {
        let lottery = PrefixSums::new(set.powers()).expect("the power of a set fits 64 bits");
        Self::new(chain, set.epoch(), seed, lottery)
    }
}

impl<L: Lottery> Election<L> {
    /// By any lottery.
    ///
    /// # Panics
    /// When nobody can be drawn, or whoever is drawn has no [`ValidatorIndex`].
    pub fn new(chain: ChainId, epoch: Epoch, seed: Seed, lottery: L) -> Self {
        assert!(lottery.total() > 0, "somebody has power");
        assert!(lottery.len() <= super::set::MEMBERS_MAX, "{} places", lottery.len());
        Self { chain, epoch, seed, lottery }
    }

    /// Who proposes at a height, in a view.
    pub fn leader(&self, height: Height, view: View) -> ValidatorIndex {
        let numbers = [height.get().to_le_bytes(), view.get().to_le_bytes()];
        self.draw(b"duochain/fts/v1", numbers.as_flattened())
    }

    /// Who begins a view: of the view alone, so that whoever counts votes for it knows whom to tell.
    pub fn coordinator(&self, view: View) -> ValidatorIndex {
        self.draw(b"duochain/fts/view/v1", &view.get().to_le_bytes())
    }

    fn draw(&self, domain: &[u8], numbers: &[u8]) -> ValidatorIndex {
        let hasher = Sha512::new_with_prefix(domain)
            .chain_update([self.chain.wire()])
            .chain_update(self.epoch.get().to_le_bytes())
            .chain_update(self.seed.as_bytes())
            .chain_update(numbers);
        let total = self.lottery.total();
        let point = point(u128::from(total), |attempt| {
            let mut hasher = hasher.clone();
            if attempt > 0 {
                hasher.update(attempt.to_le_bytes());
            }
            let hashed: [u8; 64] = hasher.finalize().into();
            u128::from_le_bytes(*hashed.first_chunk().expect("64 bytes"))
        });
        let place = self.lottery.place(point as u64);
        debug_assert!(place < self.lottery.len(), "the point lies on the line");
        ValidatorIndex::new(place as u16)
    }
}

#[cfg(test)]
#[path = "leader_test.rs"]
mod tests;
