//! Who is told what, and when.

use super::*;
use crate::dedup::{Dedup, DedupLimits};
use crate::frame::{Entry, Frame, FrameBuilder, FrameLimits, Origin, Seal};
use crate::node::replica::batching::BatchLimits;
use crate::node::replica::stage::Lane;
use crate::types::{LaneId, Tick, UnixNanos};

const TERM: Term = Term::new(3);
const ORIGIN: Origin = Origin { session: 1, sequence: 1 };

fn id(index: u64) -> LogId {
    LogId::new(TERM, Index::new(index))
}

/// A group whose parts have so many entries and wait for that; and the waiters.
fn group(parts: &[(u32, WaitFor)], has_identities: bool) -> (Group, Vec<Arc<Waiter>>) {
    let waiters: Vec<Arc<Waiter>> = parts.iter().map(|_| Arc::default()).collect();
    let part = |((count, wait), waiter): (&(u32, WaitFor), &Arc<Waiter>)| Part {
        waiter: Arc::clone(waiter),
        count: *count,
        wait: *wait,
    };
    (Group::new(parts.iter().zip(&waiters).map(part).collect(), has_identities, 100), waiters)
}

/// What the waiters are told now, by their numbers.
fn told(waiting: &mut Waiting, waiters: &[Arc<Waiter>]) -> Vec<(usize, Outcome)> {
    let number = |waiter: &Arc<Waiter>| waiters.iter().position(|other| Arc::ptr_eq(other, waiter)).unwrap();
    waiting.told.drain(..).map(|(waiter, outcome)| (number(&waiter), outcome)).collect()
}

fn receipts(told: Vec<(usize, Outcome)>) -> Vec<(usize, u64, u32)> {
    let receipt = |(number, outcome): (usize, Outcome)| {
        let Receipt { id, repeated, .. } = outcome.unwrap();
        (number, id.index.get(), repeated)
    };
    told.into_iter().map(receipt).collect()
}

/// Of a frame of six entries, from its third on they were there before.
fn admission() -> Admission {
    let frame = |base: u64, sequence: u64, count: u64| {
        let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::default());
        for at in 0..count {
            let origin = Origin { sequence: sequence + at, ..ORIGIN };
            builder.push(Entry { origin, ..Entry::default() }).unwrap();
        }
        let seal = Seal { term: TERM, base: Index::new(base), time: UnixNanos::new(1) };
        Frame::new(seal, builder.finish().unwrap())
    };
    let mut dedup = Dedup::new(DedupLimits::default());
    dedup.admit(&frame(1, 3, 4));
    dedup.admit(&frame(5, 1, 6))
}

#[test]
fn each_caller_of_a_frame_gets_the_place_of_its_own_entries_and_its_own_repetitions() {
    let mut waiting = Waiting::new(0);
    let (group, waiters) = group(&[(1, WaitFor::Quorum), (3, WaitFor::Quorum), (2, WaitFor::Quorum)], true);
    let ticket = waiting.ask(group);
    waiting.accepted(ticket, id(10));
    waiting.committed(Index::new(9), |_| Some(TERM));
    waiting.committed(Index::new(10), |_| Some(TERM));
    assert!(told(&mut waiting, &waiters).is_empty(), "not judged yet");
    assert!(!waiting.is_settled());
    waiting.judged(Index::new(10), &admission());
    assert_eq!(receipts(told(&mut waiting, &waiters)), [(0, 5, 0), (1, 8, 2), (2, 10, 2)]);
    assert!(waiting.is_settled());
}

#[test]
fn each_level_is_told_when_it_is_reached_and_once() {
    let mut waiting = Waiting::new(0);
    let (group, waiters) = group(&[(1, WaitFor::All), (1, WaitFor::Local), (1, WaitFor::Quorum)], false);
    let ticket = waiting.ask(group);
    waiting.accepted(ticket, id(7));
    waiting.durable(Index::new(6), |_| Some(TERM));
    assert!(told(&mut waiting, &waiters).is_empty());
    waiting.durable(Index::new(7), |_| Some(TERM));
    assert_eq!(receipts(told(&mut waiting, &waiters)), [(1, 6, 0)]);
    waiting.committed(Index::new(7), |_| Some(TERM));
    assert_eq!(receipts(told(&mut waiting, &waiters)), [(2, 7, 0)]);
    assert!(waiting.is_for_all());
    waiting.held_by_all(Some(Index::new(6)));
    assert!(told(&mut waiting, &waiters).is_empty());
    waiting.held_by_all(Some(Index::new(7)));
    assert_eq!(receipts(told(&mut waiting, &waiters)), [(0, 5, 0)]);
    assert!(!waiting.is_for_all() && waiting.is_settled());
}

#[test]
fn a_leader_that_is_none_any_more_says_what_it_knows() {
    let mut waiting = Waiting::new(0);
    let (committed, one) = group(&[(1, WaitFor::All)], false);
    let ticket = waiting.ask(committed);
    waiting.accepted(ticket, id(7));
    waiting.committed(Index::new(7), |_| Some(TERM));
    waiting.held_by_all(None);
    let told_one = told(&mut waiting, &one);
    assert!(matches!(told_one[..], [(0, Err(ReplicaError::NotEverywhere(_)))]), "{told_one:?}");

    let (replaced, two) = group(&[(1, WaitFor::Quorum), (1, WaitFor::Local)], false);
    let ticket = waiting.ask(replaced);
    waiting.accepted(ticket, id(9));
    waiting.committed(Index::new(9), |_| Some(Term::new(4)));
    let told_two = told(&mut waiting, &two);
    assert!(told_two.iter().all(|(_, outcome)| matches!(outcome, Err(ReplicaError::Superseded))));
    assert!(two.iter().enumerate().all(|(number, _)| told_two.iter().any(|(told, _)| *told == number)));
}

#[test]
fn what_the_log_has_forgotten_is_not_said_to_be_superseded() {
    let mut waiting = Waiting::new(0);
    let (group, waiters) = group(&[(1, WaitFor::Quorum)], false);
    let ticket = waiting.ask(group);
    waiting.accepted(ticket, id(9));
    waiting.committed(Index::new(20), |_| None);
    let told = told(&mut waiting, &waiters);
    assert!(matches!(told[..], [(0, Err(ReplicaError::Timeout))]), "nobody knows: {told:?}");
}

#[test]
fn callers_over_an_installed_snapshot_are_told_that_nobody_knows_and_those_behind_it_what_is_known() {
    let mut waiting = Waiting::new(0);
    let mut all = Vec::new();
    for (index, has_identities) in [(5, true), (7, false), (9, false), (11, false)] {
        let (group, waiters) = group(&[(1, WaitFor::Quorum), (1, WaitFor::Local)], has_identities);
        let ticket = waiting.ask(group);
        waiting.accepted(ticket, id(index));
        all.extend(waiters);
    }
    waiting.committed(Index::new(5), |_| Some(TERM));
    assert_eq!(receipts(told(&mut waiting, &all)), [(1, 5, 0)]);
    assert_eq!(waiting.released_cost, 0, "the first waits for the word on repetitions");
    waiting.replaced(LogId::new(Term::new(4), Index::new(9)));
    let told = told(&mut waiting, &all);
    let numbers = |is_so: fn(&ReplicaError) -> bool| -> Vec<usize> {
        let errors = told.iter().filter(|(_, outcome)| outcome.as_ref().is_err_and(is_so));
        let mut numbers: Vec<usize> = errors.map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        numbers
    };
    assert_eq!(numbers(|error| matches!(error, ReplicaError::Timeout)), [0, 1, 2, 3, 4, 5]);
    assert_eq!(numbers(|error| matches!(error, ReplicaError::Superseded)), [6, 7]);
    assert!(waiting.is_settled());
    assert_eq!(waiting.released_cost, 400);
}

#[test]
fn any_commit_makes_room_for_a_frame_that_the_core_refused() {
    let frame = FrameLimits::default();
    let mut stage = Stage::new(BatchLimits::default(), frame);
    let mut waiting = Waiting::new(0);
    let part = |count| Part { waiter: Arc::default(), count, wait: WaitFor::Quorum };
    stage.is_idle = true;
    stage.push(Lane::Normal, &[Entry::default()], part, Tick::ZERO).unwrap();
    let staged = stage.next(Tick::ZERO).unwrap();
    stage.put_back(staged);
    waiting.report_to(&mut stage);
    assert!(stage.next(Tick::ZERO).is_none());
    // A batch that was appended by itself, for example.
    waiting.committed(Index::new(5), |_| Some(TERM));
    waiting.report_to(&mut stage);
    assert!(stage.next(Tick::ZERO).is_some());
}

#[test]
fn everybody_is_told_of_the_end() {
    let mut waiting = Waiting::new(0);
    let levels = [(1, WaitFor::Quorum), (1, WaitFor::Local), (1, WaitFor::All)];
    let (group, waiters) = group(&levels, true);
    let ticket = waiting.ask(group);
    waiting.accepted(ticket, id(3));
    waiting.end(&ReplicaError::Closed);
    for (waiter, outcome) in waiting.told.drain(..) {
        waiter.tell(outcome);
    }
    for waiter in &waiters {
        assert!(matches!(waiter.wait(std::time::Duration::ZERO), Err(ReplicaError::Closed)));
    }
    assert!(waiting.is_settled());
}
