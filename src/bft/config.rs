//! What an engine needs to know of its epoch and of its place in it.

use super::{FinalityProof, Powers, Record, Tip, WINDOW_MAX};
use crate::types::{Height, ValidatorIndex, View};
use std::fmt;
use std::time::Duration;

/// Who proposes what. The same on every validator, and the same each time it is asked.
pub trait Elector: Send + Sync {
    /// Who proposes at a height, in a view.
    fn leader(&self, height: Height, view: View) -> ValidatorIndex;

    /// Who begins a view: of the view alone, so that whoever wants the view knows whom to tell.
    fn coordinator(&self, view: View) -> ValidatorIndex;
}

/// One chain's agreement in one epoch, as one validator or observer sees it.
#[derive(Clone)]
pub struct Config {
    /// This validator's place; `None` for an observer, which says nothing and learns what is final.
    pub place: Option<ValidatorIndex>,
    /// Who votes with how much power.
    pub powers: Powers,
    /// The block with which the epoch begins: the last one of the epoch before.
    pub base: Tip,
    /// How many heights are agreed on at the same time, 1 to [`WINDOW_MAX`]. More of them hide round trips; each costs memory
    /// and a place in every view change.
    pub window: usize,
    /// Time between two blocks. With the round trips and `execution` it is how long a leader is waited for: set too short, leaders that
    /// are well are replaced.
    pub interval: Duration,
    /// How long a body may take to arrive and to be checked.
    pub execution: Duration,
    /// What a round trip is taken for before any was measured.
    pub round_trip: Duration,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Config(place {:?} of {}, base {:?})", self.place, self.powers.places(), self.base)
    }
}

/// Why a configuration cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misfit {
    /// Nobody has this place.
    #[error("{0} is not in the set")]
    NoSuchPlace(ValidatorIndex),
    /// Who is jailed observes: nobody takes what it signs.
    #[error("{0} has no power in this epoch")]
    NoPower(ValidatorIndex),
    /// Too few or too many heights.
    #[error("a window of {0} heights is not between 1 and {WINDOW_MAX}")]
    Window(usize),
    /// A time that has to pass is none.
    #[error("{0} is zero")]
    Zero(&'static str),
}

impl Config {
    /// Checks what can be checked alone.
    ///
    /// # Errors
    /// The first thing that cannot be.
    pub fn build(self) -> Result<Settings, Misfit> {
        match self.place.map(|place| (place, self.powers.of(place))) {
            Some((place, None)) => return Err(Misfit::NoSuchPlace(place)),
            Some((place, Some(0))) => return Err(Misfit::NoPower(place)),
            _ => {}
        }
        if !(1..=WINDOW_MAX).contains(&self.window) {
            return Err(Misfit::Window(self.window));
        }
        let times = [("interval", self.interval), ("round_trip", self.round_trip)];
        if let Some((name, _)) = times.into_iter().find(|(_, time)| time.is_zero()) {
            return Err(Misfit::Zero(name));
        }
        Ok(Settings(self))
    }
}

/// A configuration that can be.
#[derive(Clone, Debug)]
pub struct Settings(Config);

impl std::ops::Deref for Settings {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.0
    }
}

/// What the disk holds.
#[derive(Clone, Debug, Default)]
pub struct Recovered {
    /// The highest block of the epoch that the chain's store holds with its proof.
    pub tip: Option<FinalityProof>,
    /// The log of votes, in its order.
    pub records: Vec<Record>,
}
