//! What was done to a queue, when, and with what outcome.
//!
//! # Model
//! A call lies between two readings of one shared counter: `from` is read before it begins, `to` is counted
//! up after it has returned. Call A precedes call B when `A.to <= B.from`: then B read what A had written
//! after its last access, so A happens before B in the sense of the memory model. The time stamp counter of
//! the processor would not do: a return may be stamped before its stores can be seen by others.
//!
//! A call is a list of steps, each of which has to take effect at one instant of the call, in this order. A
//! batch is several steps, because others may enqueue in between; "empty" is one step in each lane, because
//! every lane is looked at at an instant of its own.

use std::sync::atomic::{AtomicU64, Ordering};

/// Something that takes effect at one instant in one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// These values were published together.
    Put(Vec<u64>),
    /// This value was taken; the queue says that it was the lane's `sequence`-th.
    Take { value: u64, sequence: u64 },
    /// Refused: as many entries wait as there are cells.
    Full,
    /// Nothing to take.
    Empty,
    /// Nothing to take, and nothing will ever come.
    Ended,
}

/// What a call has to do with the end of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    None,
    /// This call closed the queue.
    Closes,
    /// This call was refused because the queue is closed.
    Refused,
}

/// One call with its outcome.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// Steps, each with its lane.
    pub(crate) steps: Vec<(u8, Step)>,
    pub(crate) mark: Mark,
}

/// The shared counter.
#[derive(Default)]
pub(crate) struct Stamps(AtomicU64);

impl Stamps {
    /// Runs `call` and notes what it answers, between two readings.
    pub(crate) fn around(&self, call: impl FnOnce() -> (Vec<(u8, Step)>, Mark)) -> Call {
        // Acquire: pairs with the Release part below; no access of the call moves up here.
        let from = self.0.load(Ordering::Acquire);
        let (steps, mark) = call();
        // Release part: pairs with the Acquire above of whoever reads this number or a later one.
        let to = self.0.fetch_add(1, Ordering::AcqRel) + 1;
        Call { from, to, steps, mark }
    }
}

/// The calls of one lane, for a search. A queue is linearizable when each of its lanes is (Herlihy and Wing,
/// theorem 1).
pub(crate) fn of_lane(history: &[Call], lane: u8) -> Vec<Call> {
    let mut calls: Vec<Call> = history.to_vec();
    for call in &mut calls {
        call.steps.retain(|(at, _)| *at == lane);
    }
    calls.retain(|call| !call.steps.is_empty());
    calls
}

/// What closing promises, which no lane can tell: who begins after it is refused, and nobody is refused
/// before it.
pub(crate) fn check_closing(history: &[Call]) -> Result<(), String> {
    let close = history.iter().find(|call| call.mark == Mark::Closes);
    for call in history {
        let puts = call.steps.iter().any(|(_, step)| matches!(step, Step::Put(_) | Step::Full));
        if call.mark == Mark::Refused && close.is_none_or(|close| call.to <= close.from) {
            return Err(format!("closed before anybody closed it: {call:?}"));
        }
        if puts && close.is_some_and(|close| close.to <= call.from) {
            return Err(format!("not refused after the queue was closed: {call:?}"));
        }
    }
    Ok(())
}
