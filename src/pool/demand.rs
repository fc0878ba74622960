//! When a class takes memory ahead of demand, and when it gives memory back.
//!
//! # Model
//! ```text
//!      memory  ────────────────────────────────────────────
//!   high mark 7/8 . . . . . . . . . . . . . . . . . . . . .   demand above: grow by a quarter
//!                  nothing happens between the marks
//!   low mark  1/2 . . . . . . . . . . . . . . . . . . . . .   demand below for a whole window: shrink to
//!      0      ────────────────────────────────────────────    1.5 times the window's peak
//! ```
//! Told the time and the figures, it answers with an [`Action`]; it has no clock and touches no buffer.
//!
//! # Invariants
//! D1 both actions end between the marks, so demand that stays as it is causes no second action. After
//!    growing, 7/8 of the old memory are 0.7 of the new; after shrinking, the peak is 2/3 or less.
//! D2 a shrink never goes below the initial size.
//! D3 a shrink begins a window after the demand fell, never earlier: each rise above the low mark begins
//!    the window anew.
//!
//! # Limits
//! Demand is what each call is told. A peak between two calls counts only by the memory that it made the
//! class take.

use crate::types::Tick;
use std::time::Duration;

/// Of the memory in eighths: demand from here on makes a class grow.
const HIGH_EIGHTHS: u64 = 7;
/// A class grows by its size divided by this.
const GROW_PART: u64 = 4;
/// Slabs that nothing used are noted so often in a window.
const LOOKS_PER_WINDOW: u32 = 4;

const _: () = {
    // D1 with 1,000 buffers of memory, in buffers.
    let grown = 1_000 + 1_000 / GROW_PART;
    assert!(1_000 * HIGH_EIGHTHS / 8 * 8 < grown * HIGH_EIGHTHS, "no second growth");
    assert!(1_000 * HIGH_EIGHTHS / 8 * 2 > grown, "no shrink after a growth");
};

/// What is fixed for a class. All in buffers, but for the time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Memory never shrinks below this.
    pub(super) initial: u64,
    /// Most buffers.
    pub(super) max: u64,
    /// Buffers of a slab: memory comes and goes in these.
    pub(super) slab: u64,
    /// How long demand has to stay low. Zero: memory is never given back.
    pub(super) window: Duration,
}

/// A class at one instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    /// Buffers with memory.
    pub(super) resident: u64,
    /// Buffers checked out.
    pub(super) in_use: u64,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing.
    Hold,
    /// Note which slabs are used: memory may be given back soon.
    Look,
    /// Take memory for this many buffers in all.
    Grow(u64),
    /// Give memory back until there is some for this many buffers.
    Shrink(u64),
}

impl Action {
    /// There is something left to do, and demand will lie between the marks after it (D1).
    fn fits(self, Level { resident, in_use }: Level) -> bool {
        match self {
            Self::Hold | Self::Look => false,
            Self::Grow(to) => resident < to && in_use * 2 > to,
            Self::Shrink(to) => resident > to && in_use * 3 <= to * 2,
        }
    }
}

/// A stretch of low demand.
#[derive(Clone, Copy, Debug)]
struct Low {
    since: Tick,
    looked: Tick,
    peak: u64,
}

/// The policy of one class.
#[derive(Debug)]
pub(super) struct Demand {
    bounds: Bounds,
    low: Option<Low>,
    /// What was cut short.
    rest: Option<Action>,
}

impl Demand {
    pub(super) const fn new(bounds: Bounds) -> Self {
        Self { bounds, low: None, rest: None }
    }

    pub(super) const fn initial(&self) -> u64 {
        self.bounds.initial
    }

    /// What to do at `now`, which never goes back.
    pub(super) fn step(&mut self, now: Tick, level: Level) -> Action {
        let rest = self.rest.take();
        match self.judge(now, level) {
            other @ (Action::Hold | Action::Look) => rest.filter(|rest| rest.fits(level)).unwrap_or(other),
            action => action,
        }
    }

    /// The last action was carried out in part: the next step goes on with it while demand allows.
    pub(super) fn cut_short(&mut self, action: Action) {
        self.rest = Some(action);
    }

    fn judge(&mut self, now: Tick, level: Level) -> Action {
        let Level { resident, in_use } = level;
        if resident > 0 && in_use * 8 >= resident * HIGH_EIGHTHS {
            self.low = None;
            return self.grow(resident);
        }
        // Less than a slab above the initial size there is nothing to give back.
        if in_use * 2 > resident || resident < self.bounds.initial + self.bounds.slab {
            self.low = None;
            return Action::Hold;
        }
        if self.bounds.window.is_zero() { Action::Hold } else { self.low(now, level) }
    }

    fn grow(&self, resident: u64) -> Action {
        let to = (resident + resident.div_ceil(GROW_PART).max(self.bounds.slab)).min(self.bounds.max);
        if to > resident { Action::Grow(to) } else { Action::Hold }
    }

    fn low(&mut self, now: Tick, level: Level) -> Action {
        let Bounds { initial, slab, window, .. } = self.bounds;
        let begun = Low { since: now, looked: now, peak: level.in_use };
        let Some(low) = &mut self.low else {
            self.low = Some(begun);
            return Action::Look;
        };
        low.peak = low.peak.max(level.in_use);
        if now.since(low.since) >= window {
            let to = (low.peak + low.peak.div_ceil(2)).max(initial).next_multiple_of(slab);
            self.low = Some(begun);
            return if to < level.resident { Action::Shrink(to) } else { Action::Hold };
        }
        if now.since(low.looked) >= window / LOOKS_PER_WINDOW {
            low.looked = now;
            return Action::Look;
        }
        Action::Hold
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::{Grow, Hold, Look, Shrink};

    const WINDOW: u64 = 60;

    fn policy(initial: u64) -> Demand {
        let window = Duration::from_secs(WINDOW);
        Demand::new(Bounds { initial, max: 1_000, slab: 10, window })
    }

    fn at(seconds: u64) -> Tick {
        Tick::ZERO.after(Duration::from_secs(seconds))
    }

    /// Rows of (second, resident, in use, expected).
    fn play(demand: &mut Demand, rows: &[(u64, u64, u64, Action)]) {
        for (row, (second, resident, in_use, expected)) in rows.iter().enumerate() {
            let level = Level { resident: *resident, in_use: *in_use };
            assert_eq!(demand.step(at(*second), level), *expected, "row {row}: {level:?} at {second} s");
        }
    }

    #[test]
    fn high_demand_grows_by_a_quarter_and_by_a_slab_at_least_up_to_the_maximum() {
        play(
            &mut policy(0),
            &[
                (0, 0, 0, Hold),
                (1, 400, 349, Hold),
                (2, 400, 350, Grow(500)),
                (3, 500, 350, Hold),
                (4, 20, 20, Grow(30)),
                (5, 960, 900, Grow(1_000)),
                (6, 1_000, 1_000, Hold),
            ],
        );
    }

    #[test]
    fn demand_that_stays_low_for_a_window_shrinks_to_its_peak_and_a_half() {
        play(
            &mut policy(0),
            &[
                (0, 400, 100, Look),
                (1, 400, 120, Hold),
                (15, 400, 100, Look),
                (29, 400, 10, Hold),
                (30, 400, 10, Look),
                (59, 400, 10, Look),
                (60, 400, 10, Shrink(180)),
                // The next window begins at once, and what it sees is lower.
                (61, 180, 10, Hold),
                (75, 180, 10, Look),
                (119, 180, 10, Look),
                (120, 180, 10, Shrink(20)),
            ],
        );
    }

    #[test]
    fn an_action_that_was_cut_short_goes_on_while_demand_allows() {
        let mut demand = policy(0);
        play(&mut demand, &[(0, 400, 380, Grow(500))]);
        demand.cut_short(Grow(500));
        play(&mut demand, &[(1, 440, 380, Grow(500)), (2, 440, 380, Hold)]);
        demand.cut_short(Grow(500));
        play(&mut demand, &[(3, 460, 250, Hold), (4, 460, 300, Hold)]);
        demand.cut_short(Grow(500));
        play(&mut demand, &[(5, 460, 450, Grow(575)), (6, 575, 450, Hold)]);
        let mut demand = policy(0);
        play(&mut demand, &[(0, 400, 40, Look), (60, 400, 40, Shrink(60))]);
        demand.cut_short(Shrink(60));
        play(&mut demand, &[(61, 300, 40, Shrink(60))]);
        demand.cut_short(Shrink(60));
        play(&mut demand, &[(62, 60, 40, Hold)]);
        demand.cut_short(Shrink(60));
        play(&mut demand, &[(63, 300, 41, Look), (64, 300, 40, Hold)]);
    }

    #[test]
    fn a_rise_above_the_low_mark_begins_the_window_anew() {
        play(
            &mut policy(0),
            &[
                (0, 400, 100, Look),
                (59, 400, 201, Hold),
                (60, 400, 100, Look),
                (119, 400, 100, Look),
                (120, 400, 100, Shrink(150)),
            ],
        );
    }

    #[test]
    fn nothing_goes_below_the_initial_size() {
        play(&mut policy(300), &[(0, 400, 0, Look), (60, 400, 0, Shrink(300)), (61, 300, 0, Hold)]);
        play(&mut policy(300), &[(0, 309, 0, Hold), (600, 309, 0, Hold)]);
    }

    #[test]
    fn a_window_of_zero_never_shrinks() {
        let mut demand = Demand::new(Bounds { initial: 0, max: 1_000, slab: 10, window: Duration::ZERO });
        play(&mut demand, &[(0, 400, 0, Hold), (1_000_000, 400, 0, Hold), (1_000_001, 400, 350, Grow(500))]);
    }

    #[test]
    fn demand_that_does_not_change_causes_one_action_at_most() {
        for slab in [1, 7, 10, 64] {
            for in_use in 0..=1_000_u64 {
                for resident in [in_use.max(slab), in_use + in_use / 3, in_use * 3, 1_000] {
                    let resident = resident.next_multiple_of(slab);
                    let bounds = Bounds { initial: 0, max: 1_024, slab, window: Duration::from_secs(WINDOW) };
                    let actions = run(Demand::new(bounds), resident, in_use);
                    assert!(actions <= 1, "slab {slab}, {in_use} of {resident}: {actions} actions");
                }
            }
        }
    }

    /// Actions in ten windows of constant demand.
    fn run(mut demand: Demand, mut resident: u64, in_use: u64) -> u32 {
        let mut actions = 0;
        for second in (0..WINDOW * 10).step_by(5) {
            match demand.step(at(second), Level { resident, in_use }) {
                Hold | Look => {}
                Grow(to) | Shrink(to) => {
                    resident = to;
                    actions += 1;
                }
            }
        }
        actions
    }
}
