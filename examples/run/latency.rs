//! A histogram of times with 3 % resolution and fixed memory.

use std::time::Duration;

/// Buckets per doubling.
const STEPS: usize = 32;
/// Doublings from 1 microsecond: up to 9 hours.
const DOUBLINGS: usize = 35;

/// Counts of times.
#[derive(Clone, Debug)]
pub struct Latency {
    buckets: Vec<u64>,
    count: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Self { buckets: vec![0; STEPS * DOUBLINGS], count: 0 }
    }
}

impl Latency {
    /// Adds one time.
    pub fn record(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1);
        let doubling = micros.ilog2() as usize;
        let step = ((u128::from(micros) * STEPS as u128) >> doubling) as usize - STEPS;
        let last = self.buckets.len() - 1;
        self.buckets[(doubling * STEPS + step).min(last)] += 1;
        self.count += 1;
    }

    /// The time that `share` of all are not above; zero when there are none.
    pub fn quantile(&self, share: f64) -> Duration {
        let wanted = (self.count as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                let (doubling, step) = (bucket / STEPS, bucket % STEPS);
                return Duration::from_micros((((STEPS + step) as u128) << doubling) as u64 / STEPS as u64);
            }
        }
        Duration::ZERO
    }
}
