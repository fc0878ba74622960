//! Seeded draws: SplitMix64, one stream for each concern.
//!
//! A draw that is added for one concern moves no draw of another, so a change of the simulator leaves
//! most of what a seed stands for as it was. Probabilities are whole numbers: no rounding of a floating
//! point unit decides a run.

/// What a stream of draws is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Concern {
    Options = 1,
    Network,
    Disk,
    Clock,
    Faults,
    Clients,
    Hosts,
    Operator,
    Actors,
}

/// One stream.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

/// One in a million, the unit of probabilities.
pub(super) const MILLION: u32 = 1_000_000;

impl Random {
    /// The stream of `concern` in the run of `seed`.
    pub(super) fn of(seed: u64, concern: Concern) -> Self {
        let mut stream = Self(seed ^ mix(concern as u64));
        stream.next();
        stream
    }

    /// 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number below `limit`; 0 if there is none.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    /// A number of `min..=max`.
    pub(super) fn between(&mut self, min: u64, max: u64) -> u64 {
        debug_assert!(min <= max, "{min}..={max}");
        min + self.below((max - min).saturating_add(1))
    }

    /// A number of `min..=max` whose magnitude is uniform: small ones are as frequent as large ones.
    pub(super) fn skewed(&mut self, min: u64, max: u64) -> u64 {
        let doublings = u64::from((max / min.max(1)).max(1).ilog2());
        let ceiling = min.max(1) << self.between(0, doublings);
        self.between(min, max.min(ceiling.saturating_mul(2)))
    }

    /// True `per_million` times in a million.
    pub(super) fn chance(&mut self, per_million: u32) -> bool {
        self.below(u64::from(MILLION)) < u64::from(per_million)
    }

    /// One of `choices`, which are not none.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// The finalizer of SplitMix64: each bit of the answer depends on each bit of `word`.
pub(super) const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// A hash of `bytes` that follows `before`.
pub(super) fn mix_bytes(before: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut hash = words.iter().fold(before, |hash, word| mix(hash ^ u64::from_le_bytes(*word)));
    for byte in rest {
        hash = mix(hash ^ u64::from(*byte));
    }
    mix(hash ^ bytes.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_one_seed_differ_and_repeat() {
        let draw = |concern| Random::of(7, concern).next();
        assert_eq!(draw(Concern::Disk), draw(Concern::Disk));
        assert_ne!(draw(Concern::Disk), draw(Concern::Network));
        assert_ne!(draw(Concern::Disk), Random::of(8, Concern::Disk).next());
    }

    #[test]
    fn draws_stay_in_their_range_and_reach_its_ends() {
        let mut random = Random::of(1, Concern::Options);
        let drawn: Vec<u64> = (0..1_000).map(|_| random.between(3, 6)).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&3), Some(&6)));
        let skewed: Vec<u64> = (0..1_000).map(|_| random.skewed(10, 10_000)).collect();
        assert!(skewed.iter().all(|value| (10..=10_000).contains(value)));
        assert!(skewed.iter().filter(|value| **value < 100).count() > 100, "small ones are not rare");
        let lucky = (0..10_000).filter(|_| random.chance(MILLION / 10)).count();
        assert!((800..1_200).contains(&lucky), "{lucky} of 10,000 at a tenth");
    }
}
