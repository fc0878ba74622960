//! The search for a legal order: Wing and Gong's, in Lowe's just-in-time form with all states remembered.
//!
//! # Model
//! The calls' beginnings and ends are gone through in the order of their stamps. A *case* is one way in which
//! things may have gone so far: the state of the specification, and how many steps of each open call have
//! taken effect. When a call ends, each case is continued by steps of open calls until that call is
//! complete; cases in which it cannot be are given up. When none is left, no legal order exists.
//!
//! A step that changes nothing ("full", "empty") takes effect as soon as it may: a case in which it has can do
//! whatever the same case without it could.
//!
//! # Source
//! Wing and Gong, "Testing and verifying concurrent objects" (JPDC 1993); Lowe, "Testing for linearizability"
//! (Concurrency and Computation 2017).

use super::history::{Call, Step};
use std::collections::HashSet;
use std::hash::Hash;

/// Calls open at the same time, at most.
const OPEN_MAX: usize = 16;
/// Cases at the same time, beyond which a search gives up.
const CASES_MAX: usize = 20_000;

/// What a lane may do, one step after the other.
pub(crate) trait Spec {
    type State: Clone + Eq + Hash;

    fn initial(&self) -> Self::State;

    /// The state after `step`; `None` when it may not happen in `state`.
    fn apply(&self, state: &Self::State, step: &Step) -> Option<Self::State>;
}

/// Why there is no answer "yes".
#[derive(Debug)]
pub(crate) enum Verdict {
    /// No legal order exists.
    Wrong(String),
    /// Too many cases to follow.
    Undecided,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Case<S> {
    state: S,
    done: [u8; OPEN_MAX],
}

/// Is there a legal order of all steps that keeps each inside its call? All calls are of one lane.
pub(crate) fn search<S: Spec>(spec: &S, calls: &[Call]) -> Result<(), Verdict> {
    let mut events: Vec<(u64, bool, usize)> = Vec::with_capacity(calls.len() * 2);
    for (number, call) in calls.iter().enumerate() {
        assert!(call.steps.len() < usize::from(u8::MAX), "steps of one call are counted in eight bits");
        // At the same stamp an end comes before a beginning.
        events.extend([(call.from, true, number), (call.to, false, number)]);
    }
    events.sort_unstable();
    let mut open: [Option<&Call>; OPEN_MAX] = [None; OPEN_MAX];
    let mut place = vec![0; calls.len()];
    let mut cases = HashSet::from([Case { state: spec.initial(), done: [0; OPEN_MAX] }]);
    for (_, begins, number) in events {
        if begins {
            let free = open.iter().position(Option::is_none).expect("as many places as threads");
            (open[free], place[number]) = (Some(&calls[number]), free);
            cases = cases.into_iter().map(|case| settle(spec, &open, case)).collect();
        } else {
            cases = complete(spec, &open, place[number], cases)?;
            open[place[number]] = None;
            if cases.is_empty() {
                return Err(Verdict::Wrong(explain(calls, number)));
            }
        }
    }
    Ok(())
}

/// Continues every case until the call at `place` is complete.
fn complete<S: Spec>(
    spec: &S,
    open: &[Option<&Call>; OPEN_MAX],
    place: usize,
    cases: HashSet<Case<S::State>>,
) -> Result<HashSet<Case<S::State>>, Verdict> {
    let wanted = open[place].map_or(0, |call| call.steps.len());
    let mut ended = HashSet::new();
    let mut seen = cases.clone();
    let mut left: Vec<_> = cases.into_iter().collect();
    while let Some(mut case) = left.pop() {
        if usize::from(case.done[place]) == wanted {
            case.done[place] = 0;
            ended.insert(case);
            continue;
        }
        for (at, call) in open.iter().enumerate() {
            let Some(call) = call else { continue };
            let Some((_, step)) = call.steps.get(usize::from(case.done[at])) else { continue };
            let Some(state) = spec.apply(&case.state, step) else { continue };
            let mut next = Case { state, done: case.done };
            next.done[at] += 1;
            let next = settle(spec, open, next);
            if seen.insert(next.clone()) {
                left.push(next);
            }
        }
        if seen.len() > CASES_MAX {
            return Err(Verdict::Undecided);
        }
    }
    Ok(ended)
}

/// Lets every step take effect that may and that changes nothing.
fn settle<S: Spec>(spec: &S, open: &[Option<&Call>; OPEN_MAX], mut case: Case<S::State>) -> Case<S::State> {
    for (at, call) in open.iter().enumerate() {
        let Some(call) = call else { continue };
        while let Some((_, step)) = call.steps.get(usize::from(case.done[at]))
            && spec.apply(&case.state, step).is_some_and(|state| state == case.state)
        {
            case.done[at] += 1;
        }
    }
    case
}

/// The call that fits nowhere, and what went on around it.
fn explain(calls: &[Call], number: usize) -> String {
    let wrong = &calls[number];
    let mut near: Vec<&Call> =
        calls.iter().filter(|call| call.to + 20 > wrong.from && call.from < wrong.to + 5).collect();
    near.sort_unstable_by_key(|call| call.to);
    let lines: Vec<_> = near.iter().map(|call| format!("  {:?}", call)).collect();
    format!("no order explains {wrong:?}; around it:\n{}", lines.join("\n"))
}
