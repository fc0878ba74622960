//! How well a chain does, judged by the lateness of finality.
//!
//! # Model
//! The table in [`crate::dual`]. The machine is told when a block became final and when time passed; it
//! answers with at most one transition.

use super::ChainSettings;
use crate::types::Tick;
use std::time::Duration;

/// Service of one chain, best first. The numbers are permanent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum HealthState {
    /// As it should be.
    Healthy = 1,
    /// Catching up after a fault.
    Recovering = 2,
    /// Finality is late; blocks are of half size.
    Degraded = 3,
    /// Finality does not advance.
    Stalled = 4,
}

impl HealthState {
    /// From its number; `None` for any other.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Healthy),
            2 => Some(Self::Recovering),
            3 => Some(Self::Degraded),
            4 => Some(Self::Stalled),
            _ => None,
        }
    }

    /// Its name in every language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Recovering => "recovering",
            Self::Degraded => "degraded",
            Self::Stalled => "stalled",
        }
    }
}

/// A change of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The state before.
    pub from: HealthState,
    /// The state after.
    pub to: HealthState,
    /// Why.
    pub reason: String,
}

impl Transition {
    /// True unless service got better: a chain that fails again while it is stalled got no better.
    pub fn is_worse(&self) -> bool {
        self.to >= self.from
    }
}

/// The health of one chain.
#[derive(Clone, Debug)]
pub struct HealthMachine {
    interval: Duration,
    degraded: Duration,
    stalled: Duration,
    recovery_blocks: u64,
    state: HealthState,
    on_time: u64,
    due: Tick,
}

impl HealthMachine {
    /// A chain that starts at `now`. Its first final block is due after `finality_depth` + 1 intervals.
    /// A chain that comes back from a failure starts as Stalled, one that was not well when its process
    /// ended as Recovering, any other as Healthy.
    pub fn new(settings: &ChainSettings, now: Tick, state: HealthState) -> Self {
        let intervals =
            |count: u64| settings.interval.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        Self {
            interval: settings.interval,
            degraded: intervals(settings.degraded_intervals),
            stalled: intervals(settings.stalled_intervals),
            recovery_blocks: settings.recovery_blocks,
            state,
            on_time: 0,
            due: now.after(intervals(settings.finality_depth + 1)),
        }
    }

    /// The current state.
    pub const fn state(&self) -> HealthState {
        self.state
    }

    /// A block became final.
    pub fn on_finalized(&mut self, now: Tick) -> Option<Transition> {
        let on_time = now.since(self.due) <= self.degraded;
        self.due = now.after(self.interval);
        self.on_time = if on_time { self.on_time + 1 } else { 0 };
        match self.state {
            HealthState::Degraded | HealthState::Stalled => {
                self.on_time = 0;
                self.enter(HealthState::Recovering, "finality advances again".into())
            }
            HealthState::Recovering if self.on_time >= self.recovery_blocks => {
                let reason = format!("{} final blocks on time", self.on_time);
                self.enter(HealthState::Healthy, reason)
            }
            _ => None,
        }
    }

    /// Time passed.
    pub fn on_time(&mut self, now: Tick) -> Option<Transition> {
        let late = now.since(self.due);
        let to = if late > self.stalled {
            HealthState::Stalled
        } else if late > self.degraded {
            HealthState::Degraded
        } else {
            return None;
        };
        if to <= self.state {
            return None;
        }
        self.on_time = 0;
        self.enter(to, format!("finality is late by {late:.1?}"))
    }

    fn enter(&mut self, to: HealthState, reason: String) -> Option<Transition> {
        let from = std::mem::replace(&mut self.state, to);
        Some(Transition { from, to, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ChainId;

    fn machine(state: HealthState) -> HealthMachine {
        let settings = ChainSettings {
            chain: ChainId::Delta,
            interval: Duration::from_secs(3),
            finality_depth: 3,
            skew: Duration::from_millis(500),
            degraded_intervals: 3,
            stalled_intervals: 10,
            recovery_blocks: 16,
        };
        HealthMachine::new(&settings, Tick::ZERO, state)
    }

    fn second(second: u64) -> Tick {
        Tick::from_nanos(second * 1_000_000_000)
    }

    #[test]
    fn lateness_degrades_then_stalls_and_finality_leads_back() {
        let mut machine = machine(HealthState::Healthy);
        assert_eq!(machine.on_time(second(12 + 9)), None);
        let transition = machine.on_time(second(12 + 10)).expect("late");
        assert_eq!((transition.from, transition.to), (HealthState::Healthy, HealthState::Degraded));
        assert!(transition.is_worse());
        assert_eq!(machine.on_time(second(12 + 30)), None);
        assert_eq!(machine.on_time(second(12 + 31)).expect("very late").to, HealthState::Stalled);
        assert_eq!(machine.on_finalized(second(50)).expect("back").to, HealthState::Recovering);
        for block in 1..16 {
            assert_eq!(machine.on_finalized(second(50 + 3 * block)), None);
        }
        let transition = machine.on_finalized(second(50 + 48)).expect("16 on time");
        assert_eq!(transition.to, HealthState::Healthy);
        assert!(!transition.is_worse());
    }

    #[test]
    fn a_late_block_while_recovering_starts_the_count_again() {
        let mut machine = machine(HealthState::Stalled);
        machine.on_finalized(second(12));
        for block in 1..16 {
            machine.on_finalized(second(12 + 3 * block));
        }
        assert_eq!(machine.on_finalized(second(57 + 13)), None);
        assert_eq!(machine.state(), HealthState::Recovering);
    }
}
