//! Where the frames of one file are: each of them, or every n-th once there are many.

use crate::types::Index;

/// Places kept for one file; 16 bytes each, so 64 KiB at most.
pub(super) const PLACES_MAX: usize = 4096;

/// Ascending places, and how far apart they may be.
#[derive(Clone, Debug)]
pub(super) struct Places {
    kept: Vec<(Index, u32)>,
    /// One of so many frames is kept.
    stride: u32,
    /// Frames that go by before the next one is kept.
    skip: u32,
}

impl Default for Places {
    fn default() -> Self {
        Self { kept: Vec::new(), stride: 1, skip: 0 }
    }
}

impl Places {
    /// The next frame.
    pub(super) fn push(&mut self, base: Index, at: u32) {
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        if self.kept.len() == PLACES_MAX {
            let mut number = 0;
            self.kept.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.stride = self.stride.saturating_mul(2);
        }
        self.kept.push((base, at));
        self.skip = self.stride - 1;
    }

    /// Forgets frames behind `keep_to`.
    pub(super) fn cut_back(&mut self, keep_to: Index) {
        let keep = self.kept.partition_point(|(base, _)| *base <= keep_to);
        self.kept.truncate(keep);
        self.skip = 0;
    }

    /// The place of the last kept frame that does not begin after `index`.
    pub(super) fn before(&self, index: Index) -> Option<u32> {
        let after = self.kept.partition_point(|(base, _)| *base <= index);
        Some(self.kept.get(after.checked_sub(1)?)?.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_near_however_many_frames_there_are() {
        let mut places = Places::default();
        let count = 10 * PLACES_MAX as u32;
        (0..count).for_each(|at| places.push(Index::new(1 + u64::from(at)), at));
        assert!(places.kept.len() <= PLACES_MAX && places.stride == 16);
        for index in 1..=count {
            let at = places.before(Index::new(u64::from(index))).unwrap();
            assert!((index - 1).checked_sub(at).unwrap() < 16, "{index} after {at}");
        }
        assert_eq!(places.before(Index::ORIGIN), None);
        places.cut_back(Index::new(100));
        assert!(places.before(Index::new(u64::MAX)).unwrap() < 100);
    }
}
