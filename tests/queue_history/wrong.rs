//! The checker itself: wrong histories and broken queues are refused, right ones are not.

use super::history::{Call, Mark, Step, check_closing};
use super::search::{Spec, Verdict, search};
use super::spec::{Fifo, Freed, Numbered, Shape};
use super::subject::Fault;
use super::{By, Scene, check};

fn call(from: u64, to: u64, steps: &[Step]) -> Call {
    Call { from, to, steps: steps.iter().map(|step| (0, step.clone())).collect(), mark: Mark::None }
}

fn put(value: u64) -> Step {
    Step::Put(vec![value])
}

fn take(value: u64, sequence: u64) -> Step {
    Step::Take { value, sequence }
}

fn is_right<S: Spec>(spec: &S, calls: &[Call]) -> bool {
    match search(spec, calls) {
        Ok(()) => true,
        Err(Verdict::Wrong(_)) => false,
        Err(Verdict::Undecided) => panic!("a small history is decided"),
    }
}

/// Both specifications say the same of calls that follow each other.
fn one_after_the_other(cells: usize, steps: &[Step]) -> bool {
    let calls: Vec<_> =
        (1..).zip(steps).map(|(at, step)| call(at - 1, at, std::slice::from_ref(step))).collect();
    let shape = Shape::of_items(cells);
    let by_value = is_right(&Fifo(shape), &calls);
    let by_number = Numbered::of(shape, &calls).is_ok_and(|spec| is_right(&spec, &calls));
    assert_eq!(by_value, by_number, "{steps:?}");
    by_value
}

#[test]
fn a_right_history_is_accepted() {
    use Step::{Empty, Ended, Full};
    assert!(one_after_the_other(2, &[Empty, put(1), put(2), Full, take(1, 0), take(2, 1), Empty, Ended]));
    assert!(one_after_the_other(1, &[put(1), Full, take(1, 0), put(2), take(2, 1)]));
}

#[test]
fn a_wrong_history_is_refused() {
    use Step::{Empty, Ended, Full};
    let wrong: &[(&str, &[Step])] = &[
        ("reordered", &[put(1), put(2), take(2, 0), take(1, 1)]),
        ("twice", &[put(1), take(1, 0), take(1, 1)]),
        ("from nowhere", &[put(1), take(7, 0), take(1, 1)]),
        ("before it was put", &[take(1, 0), put(1)]),
        ("empty with an item", &[put(1), Empty, take(1, 0)]),
        ("full with room", &[put(1), Full, take(1, 0)]),
        ("full when empty", &[Full]),
        ("more than there are cells", &[put(1), put(2), put(3), take(1, 0), take(2, 1), take(3, 2)]),
        ("after the end", &[Ended, put(1), take(1, 0)]),
        ("ended with an item", &[put(1), Ended, take(1, 0)]),
    ];
    for (what, steps) in wrong {
        assert!(!one_after_the_other(2, steps), "{what}");
    }
}

#[test]
fn a_lost_value_is_noticed_by_the_empty_that_follows_or_by_the_count() {
    assert!(!one_after_the_other(2, &[put(1), put(2), take(2, 0), Step::Empty]));
    let calls = [call(0, 1, &[put(1)])];
    assert!(Numbered::of(Shape::of_items(2), &calls).is_err_and(|why| why.contains("lost")));
}

#[test]
fn numbers_must_fit_even_where_values_do() {
    let calls = [call(0, 1, &[put(1)]), call(1, 2, &[take(1, 1)])];
    assert!(is_right(&Fifo(Shape::of_items(2)), &calls));
    assert!(Numbered::of(Shape::of_items(2), &calls).is_err());
}

#[test]
fn calls_that_overlap_may_take_effect_in_any_order_and_others_may_not() {
    let shape = Shape::of_items(1);
    let full = |from, to| [call(0, 1, &[put(1)]), call(1, 3, &[take(1, 0)]), call(from, to, &[Step::Full])];
    assert!(is_right(&Fifo(shape), &full(2, 4)), "refused before the take took effect");
    assert!(!is_right(&Fifo(shape), &full(3, 4)), "refused after the take was over");
    let empty = |from, to| [call(0, 5, &[put(1)]), call(from, to, &[Step::Empty]), call(5, 6, &[take(1, 0)])];
    assert!(is_right(&Fifo(shape), &empty(1, 2)));
    assert!(!is_right(&Fifo(shape), &empty(5, 7)[..2]));
    // Two puts at the same time, taken in either order; then one more, which has to come last.
    for (first, second) in [(1, 2), (2, 1)] {
        let calls = [
            call(0, 2, &[put(1)]),
            call(1, 3, &[put(2)]),
            call(3, 4, &[put(3)]),
            call(4, 5, &[take(first, 0)]),
            call(5, 6, &[take(second, 1)]),
            call(6, 7, &[take(3, 2)]),
        ];
        assert!(is_right(&Fifo(Shape::of_items(4)), &calls));
        assert!(is_right(&Numbered::of(Shape::of_items(4), &calls).unwrap(), &calls));
    }
}

#[test]
fn an_empty_that_no_instant_allows_is_refused_although_no_single_item_covers_it() {
    // 1 is there until 2 has come, for the whole of the call that says empty.
    let calls = [
        call(0, 1, &[put(1)]),
        call(1, 5, &[Step::Empty]),
        call(1, 2, &[put(2)]),
        call(2, 3, &[take(1, 0)]),
        call(6, 7, &[take(2, 1)]),
    ];
    assert!(!is_right(&Fifo(Shape::of_items(2)), &calls));
    assert!(!is_right(&Numbered::of(Shape::of_items(2), &calls).unwrap(), &calls));
}

#[test]
fn a_run_takes_one_cell_until_it_is_taken() {
    let calls = |refusal_after: u64| {
        let steps = [Step::Put(vec![1, 2]), put(3), take(1, 0), take(2, 1), take(3, 2)];
        let mut calls: Vec<_> =
            (0..).step_by(2).zip(steps).map(|(at, step)| call(at, at + 1, &[step])).collect();
        calls.push(call(refusal_after * 2 - 1, refusal_after * 2, &[Step::Full]));
        calls
    };
    let right = |freed, refusal_after| {
        let (shape, calls) = (Shape { cells: 2, run_max: 2, freed }, calls(refusal_after));
        let by_value = is_right(&Fifo(shape), &calls);
        let by_number = Numbered::of(shape, &calls).is_ok_and(|spec| is_right(&spec, &calls));
        assert_eq!(by_value, by_number);
        by_value
    };
    assert!(!right(Freed::WithFirst, 1) && !right(Freed::WithLast, 1), "one entry of two");
    assert!(right(Freed::WithFirst, 2) && right(Freed::WithLast, 2), "two entries");
    assert!(!right(Freed::WithFirst, 3) && right(Freed::WithLast, 3), "half of the run is taken");
    assert!(!right(Freed::WithLast, 4), "all of it is taken");
}

#[test]
fn closing_is_held_to_its_word() {
    let marked = |from, to, mark| Call { from, to, steps: Vec::new(), mark };
    let close = marked(4, 5, Mark::Closes);
    assert!(check_closing(&[call(0, 1, &[put(1)]), close.clone(), marked(5, 6, Mark::Refused)]).is_ok());
    assert!(check_closing(&[call(3, 7, &[put(1)]), close.clone()]).is_ok(), "begun before");
    assert!(check_closing(&[marked(0, 4, Mark::Refused), close.clone()]).is_err(), "refused before");
    assert!(check_closing(&[close.clone(), call(5, 6, &[put(1)])]).is_err(), "accepted after");
    assert!(check_closing(&[close, call(5, 6, &[Step::Full])]).is_err(), "not told that it is closed");
}

/// Whether a fault is noticed in some history.
fn is_noticed(scene: Scene, by: By, fault: Fault) -> bool {
    let is_refused = |seed: u64| {
        let history = scene.play(seed * 4, Some(fault));
        matches!(check(scene, by, &history), Err(Verdict::Wrong(_)))
    };
    (1..=100).any(is_refused)
}

#[test]
fn a_queue_that_goes_wrong_now_and_then_is_caught() {
    use Fault::{Doubles, FalseEmpty, FalseFull, Loses, Misnumbers, Reorders};
    for (cells, takers, calls) in [(2, 1, 200), (16, 2, 40)] {
        let run_max = if takers == 1 { 4 } else { 1 };
        let scene = Scene { cells, lanes: 1, feeders: 2, takers, calls, run_max };
        for fault in [FalseFull, FalseEmpty, Loses, Doubles, Reorders, Misnumbers] {
            assert!(is_noticed(scene, By::Number, fault), "{fault:?} in {scene:?} by number");
            // Numbers are nothing to who knows values only.
            if fault != Misnumbers {
                assert!(is_noticed(scene, By::Value, fault), "{fault:?} in {scene:?} by value");
            }
        }
    }
}
