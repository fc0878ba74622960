//! What one lane is: a bounded queue, first in first out, whose "full" and "empty" are exact.
//!
//! Two forms, for one search. [`Fifo`] knows values only and believes nothing; the number of its cases grows
//! fast, so it gets short histories. [`Numbered`] takes the sequence numbers that the queue gives to its
//! items for the order of both enqueues and dequeues, and looks whether instants for that order exist: its
//! state is two numbers, so a history may be long. A queue whose numbers lie is refused by it as well.

use super::history::{Call, Step};
use super::search::Spec;
use std::collections::{HashMap, VecDeque};

/// When a cell that holds several items is free again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freed {
    /// With the first item: the taker has the rest in hand.
    WithFirst,
    /// With the last item.
    WithLast,
}

/// What "full" means for a lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Entries that a lane holds.
    pub(crate) cells: usize,
    /// Items of one batch that make up one entry, at most.
    pub(crate) run_max: usize,
    pub(crate) freed: Freed,
}

impl Shape {
    /// Every item is an entry.
    pub(crate) const fn of_items(cells: usize) -> Self {
        Self { cells, run_max: 1, freed: Freed::WithLast }
    }

    /// Whether the item at `position` of a run of `len` frees the cell when it is taken.
    fn frees(self, position: usize, len: usize) -> bool {
        position == if self.freed == Freed::WithFirst { 0 } else { len - 1 }
    }
}

/// A bounded queue of values.
pub(crate) struct Fifo(pub(crate) Shape);

/// Values that wait, each with whether taking it frees a cell, and how many cells are in use.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Waiting {
    values: VecDeque<(u64, bool)>,
    used: usize,
    ended: bool,
}

impl Spec for Fifo {
    type State = Waiting;

    fn initial(&self) -> Waiting {
        Waiting { values: VecDeque::new(), used: 0, ended: false }
    }

    fn apply(&self, state: &Waiting, step: &Step) -> Option<Waiting> {
        let allowed = match step {
            Step::Put(_) => state.used < self.0.cells && !state.ended,
            Step::Take { value, .. } => state.values.front().is_some_and(|(front, _)| front == value),
            Step::Full => state.used == self.0.cells,
            Step::Empty | Step::Ended => state.values.is_empty(),
        };
        if !allowed {
            return None;
        }
        let mut next = state.clone();
        match step {
            Step::Put(values) => {
                let marked = |(at, value): (usize, &u64)| (*value, self.0.frees(at, values.len()));
                next.values.extend(values.iter().enumerate().map(marked));
                next.used += 1;
            }
            Step::Take { .. } => {
                next.used -= usize::from(next.values.pop_front().is_some_and(|(_, frees)| frees));
            }
            Step::Ended => next.ended = true,
            Step::Full | Step::Empty => {}
        }
        Some(next)
    }
}

/// A bounded queue of which it is known who was the how-manieth.
pub(crate) struct Numbered {
    cells: usize,
    sequence_of: HashMap<u64, u64>,
    /// By number of items: entries that so many items belong to, as put and as taken.
    entries: Vec<u64>,
    freed: Vec<u64>,
}

/// Items put and taken so far.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Counts {
    put: u64,
    taken: u64,
    ended: bool,
}

impl Numbered {
    /// Reads the numbers off the takes of a lane's complete history.
    ///
    /// # Errors
    /// A value put or taken twice, taken without having been put, or lost; a number given twice or left out.
    pub(crate) fn of(shape: Shape, calls: &[Call]) -> Result<Self, String> {
        let mut sequence_of = HashMap::new();
        let mut runs = Vec::new();
        for (_, step) in calls.iter().flat_map(|call| &call.steps) {
            match step {
                Step::Take { value, sequence } => {
                    if sequence_of.insert(*value, *sequence).is_some() {
                        return Err(format!("{value} was taken twice"));
                    }
                }
                Step::Put(values) => runs.push(values),
                Step::Full | Step::Empty | Step::Ended => {}
            }
        }
        let count = runs.iter().map(|run| run.len()).sum::<usize>();
        let mut places = vec![None; count];
        for run in runs {
            for (at, value) in run.iter().enumerate() {
                let sequence = *sequence_of.get(value).ok_or(format!("{value} was lost"))?;
                let place = places.get_mut(sequence as usize);
                let free = place.filter(|place| place.is_none());
                let place = free.ok_or(format!("{value} has the number {sequence} out of {count}"))?;
                *place = Some((at == 0, shape.frees(at, run.len())));
            }
        }
        if sequence_of.len() != count {
            return Err(format!("{} items taken, {count} put", sequence_of.len()));
        }
        let sums = |pick: fn(&(bool, bool)) -> bool| {
            let mut sum = 0;
            let counted = places.iter().map(|place| {
                sum += u64::from(place.as_ref().is_some_and(pick));
                sum
            });
            std::iter::once(0).chain(counted).collect()
        };
        let (entries, freed) = (sums(|(first, _)| *first), sums(|(_, frees)| *frees));
        Ok(Self { cells: shape.cells, sequence_of, entries, freed })
    }

    fn used(&self, state: &Counts) -> usize {
        (self.entries[state.put as usize] - self.freed[state.taken as usize]) as usize
    }

    fn is_next(&self, value: u64, sequence: u64) -> bool {
        self.sequence_of.get(&value) == Some(&sequence)
    }
}

impl Spec for Numbered {
    type State = Counts;

    fn initial(&self) -> Counts {
        Counts { put: 0, taken: 0, ended: false }
    }

    fn apply(&self, state: &Counts, step: &Step) -> Option<Counts> {
        let mut next = state.clone();
        let allowed = match step {
            Step::Put(values) => {
                let numbered = values.iter().zip(state.put..);
                next.put += values.len() as u64;
                !state.ended
                    && self.used(state) < self.cells
                    && numbered.into_iter().all(|(value, sequence)| self.is_next(*value, sequence))
            }
            Step::Take { value, .. } => {
                next.taken += 1;
                state.taken < state.put && self.is_next(*value, state.taken)
            }
            Step::Full => self.used(state) == self.cells,
            Step::Empty => state.taken == state.put,
            Step::Ended => {
                next.ended = true;
                state.taken == state.put
            }
        };
        allowed.then_some(next)
    }
}
