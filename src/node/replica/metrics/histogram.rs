//! How long something takes, in fixed steps.

use crate::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the steps, in microseconds: three to each power of ten, from the sync of a fast disk to the
/// longest election.
pub const STEPS_US: [u64; 16] = [
    50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
    2_000_000, 5_000_000,
];

/// Spans counted by step. Statistics: orders nothing.
#[derive(Debug, Default)]
pub(in crate::node::replica) struct Histogram {
    /// The last one holds what is longer than every step.
    counts: [AtomicU64; STEPS_US.len() + 1],
    nanos: AtomicU64,
}

/// A histogram at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    /// How many took at most so long as [`STEPS_US`] says and longer than the step before; the last: longer.
    pub counts: [u64; STEPS_US.len() + 1],
    /// All of them together.
    pub total: Duration,
}

impl Histogram {
    pub(in crate::node::replica) fn add(&self, span: Duration) {
        let micros = span.as_nanos().div_ceil(1_000);
        let step = STEPS_US.iter().position(|step| micros <= u128::from(*step)).unwrap_or(STEPS_US.len());
        self.counts[step].fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    pub(in crate::node::replica) fn spans(&self) -> Spans {
        Spans {
            counts: self.counts.each_ref().map(|count| count.load(Ordering::Relaxed)),
            total: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)),
        }
    }
}

impl Spans {
    /// How many spans there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// A bound that this share of the spans, in thousandths, does not exceed: the end of the step that holds it.
    /// `None` when there are none, or it is longer than every step.
    pub fn at_most(&self, thousandths: u64) -> Option<Duration> {
        let wanted = (self.count() * thousandths).div_ceil(1_000).max(1);
        let mut seen = 0;
        let step = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        STEPS_US.get(step).map(|micros| Duration::from_micros(*micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_fall_into_the_step_that_ends_with_them_or_behind_it() {
        let histogram = Histogram::default();
        for nanos in [0, 50_000, 50_001, 100_000, 6_000_000_000] {
            histogram.add(Duration::from_nanos(nanos));
        }
        let spans = histogram.spans();
        assert_eq!((spans.counts[0], spans.counts[1], spans.counts[STEPS_US.len()]), (2, 2, 1));
        assert_eq!((spans.count(), spans.total), (5, Duration::from_nanos(6_000_200_001)));
    }

    #[test]
    fn a_share_of_spans_is_bounded_by_the_end_of_its_step() {
        let histogram = Histogram::default();
        assert_eq!(histogram.spans().at_most(500), None);
        (0..99).for_each(|_| histogram.add(Duration::from_micros(70)));
        histogram.add(Duration::from_micros(1_500));
        let spans = histogram.spans();
        assert_eq!(spans.at_most(500), Some(Duration::from_micros(100)));
        assert_eq!(spans.at_most(990), Some(Duration::from_micros(100)));
        assert_eq!(spans.at_most(999), Some(Duration::from_millis(2)));
        histogram.add(Duration::from_secs(60));
        assert_eq!(histogram.spans().at_most(1_000), None);
    }
}
