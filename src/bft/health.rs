//! Whether waiting for the fast path pays. The answer moves the moment of a commit vote and nothing else: it can cost time,
//! never safety, and validators need not agree on it.
//!
//! # Model
//! ```text
//!           three misses in a row, few fast blocks, loss, evidence
//!   Fast ----------------------------------------------------------> Normal: 64 heights, then one of 8 waits
//!     ^--------------------- four of those were fast, no evidence ------'
//! ```

use crate::types::Height;

/// How many of the last heights count for the share of fast ones.
const SAMPLES: u32 = 32;
/// At least so many of them are fast.
const FAST_MIN: u32 = SAMPLES * 80 / 100;
/// So many misses in a row end it.
const MISSES_MAX: u32 = 3;
/// For so many heights the fast path is not waited for, and evidence counts.
const PAUSE: u64 = 64;
/// Afterwards one of so many heights tries.
const PROBE_EVERY: u64 = 8;
/// So many fast tries in a row begin it again.
const PROBES: u32 = 4;
/// Beyond the slack, so much of the power may be missing, in thousandths.
const LOSS_EXTRA: u32 = 20;

/// When to send a commit vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A while after the certificate, in case that the block is final by then.
    Fast,
    /// With the certificate.
    Normal,
}

/// What the last heights were like.
#[derive(Clone, Debug)]
pub(super) struct Health {
    /// One bit for each of the last heights, set where it was fast; the newest is the lowest.
    fast: u32,
    misses: u32,
    /// Missing prepares on average, in thousandths of the power.
    loss: u32,
    loss_max: u32,
    normal_since: Option<Height>,
    probes: u32,
    evidence_at: Option<Height>,
}

impl Health {
    /// `slack` of `total` may be silent on the fast path.
    pub(super) fn new(slack: u128, total: u128) -> Self {
        let slack = u32::try_from(slack.saturating_mul(1_000) / total.max(1)).unwrap_or(1_000);
        let loss_max = slack + LOSS_EXTRA;
        Self {
            fast: u32::MAX,
            misses: 0,
            loss: 0,
            loss_max,
            normal_since: None,
            probes: 0,
            evidence_at: None,
        }
    }

    /// Whether the fast path is waited for at `height`.
    pub(super) fn mode_at(&self, height: Height) -> Mode {
        let Some(since) = self.normal_since else { return Mode::Fast };
        let is_probe =
            height.get() >= since.get().saturating_add(PAUSE) && height.get().is_multiple_of(PROBE_EVERY);
        if is_probe { Mode::Fast } else { Mode::Normal }
    }

    /// The mode, apart from single tries.
    pub(super) const fn mode(&self) -> Mode {
        if self.normal_since.is_some() { Mode::Normal } else { Mode::Fast }
    }

    /// `height` is final. `missing` thousandths of the power were not heard in time.
    pub(super) fn finalized(&mut self, height: Height, fast: bool, missing: u32) {
        let waited = self.mode_at(height) == Mode::Fast;
        self.loss = (9 * self.loss + missing) / 10;
        if !waited {
            return;
        }
        self.fast = self.fast << 1 | u32::from(fast);
        self.misses = if fast { 0 } else { self.misses + 1 };
        self.probes = if fast { self.probes + 1 } else { 0 };
        let has_evidence = self.evidence_at.is_some_and(|at| height.get() < at.get().saturating_add(PAUSE));
        match self.normal_since {
            None if self.misses >= MISSES_MAX
                || self.fast.count_ones() < FAST_MIN
                || self.loss > self.loss_max
                || has_evidence =>
            {
                self.pause(height);
            }
            Some(_) if self.probes >= PROBES && !has_evidence => {
                self.normal_since = None;
                self.fast = u32::MAX;
                self.loss = 0;
            }
            _ => {}
        }
    }

    /// Somebody was shown to lie.
    pub(super) fn evidence(&mut self, height: Height) {
        self.evidence_at = Some(height);
        self.pause(height);
    }

    fn pause(&mut self, height: Height) {
        self.normal_since = Some(height);
        self.misses = 0;
        self.probes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(health: &mut Health, heights: std::ops::Range<u64>, fast: bool) {
        for height in heights {
            health.finalized(Height::new(height), fast, 0);
        }
    }

    #[test]
    fn three_misses_in_a_row_end_the_fast_mode_and_two_do_not() {
        let mut health = Health::new(0, 4);
        run(&mut health, 1..3, false);
        assert_eq!(health.mode(), Mode::Fast);
        run(&mut health, 3..4, true);
        run(&mut health, 4..6, false);
        assert_eq!(health.mode(), Mode::Fast);
        run(&mut health, 6..7, false);
        assert_eq!(health.mode(), Mode::Normal);
    }

    #[test]
    fn after_a_pause_one_of_eight_heights_tries_and_four_fast_ones_begin_it_again() {
        let mut health = Health::new(0, 4);
        run(&mut health, 1..4, false);
        let waiting = |health: &Health, heights: std::ops::Range<u64>| {
            heights.filter(|height| health.mode_at(Height::new(*height)) == Mode::Fast).collect::<Vec<_>>()
        };
        assert_eq!(waiting(&health, 4..90), [72, 80, 88]);
        run(&mut health, 4..96, true);
        assert_eq!(health.mode(), Mode::Normal, "three of them were fast");
        run(&mut health, 96..97, true);
        assert_eq!(health.mode(), Mode::Fast);
    }

    #[test]
    fn a_flapping_peer_does_not_make_the_mode_flap() {
        let mut health = Health::new(0, 4);
        let mut changes = 0;
        let mut before = health.mode();
        for height in 1..2_000u64 {
            health.finalized(Height::new(height), height % 8 != 0 && height / 16 % 2 == 0, 0);
            changes += u32::from(health.mode() != before);
            before = health.mode();
        }
        assert!(changes <= 2, "{changes}");
    }

    #[test]
    fn few_fast_blocks_loss_and_evidence_end_it() {
        let mut health = Health::new(0, 4);
        for height in 1..=40 {
            health.finalized(Height::new(height), height % 3 != 0, 0);
        }
        assert_eq!(health.mode(), Mode::Normal, "two of three are fast");
        let mut health = Health::new(1, 10);
        (1..10).for_each(|height| health.finalized(Height::new(height), true, 100));
        assert_eq!(health.mode(), Mode::Fast, "the slack is silent");
        (10..100).for_each(|height| health.finalized(Height::new(height), true, 200));
        assert_eq!(health.mode(), Mode::Normal);
        let mut health = Health::new(0, 4);
        health.evidence(Height::new(5));
        assert_eq!(health.mode(), Mode::Normal);
    }
}
