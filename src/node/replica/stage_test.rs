//! Which entries go when, in which frame, and what is refused.

use super::*;
use crate::frame::{ENTRY_ID_BYTES, Origin};
use crate::node::replica::pending::Waiter;
use std::sync::Arc;
use std::time::Duration;

const LIMITS: BatchLimits = BatchLimits {
    latency: Duration::from_millis(1),
    latency_entries: 4,
    entries: 10,
    bytes: 4 << 10,
    entries_max: 20,
    staged_bytes_max: 16 << 10,
    in_flight_bytes_max: 8 << 10,
};

const NOW: Tick = Tick::ZERO;

fn stage() -> Stage {
    let frame = FrameLimits { body_bytes_max: 8 << 10, entries_max: 20 };
    let mut stage = Stage::new(LIMITS, frame);
    (stage.is_open, stage.is_armed) = (true, true);
    stage
}

/// One call with these entries, a word each.
fn push(stage: &mut Stage, lane: Lane, text: &str) -> Result<(), NotStaged> {
    let entries: Vec<Entry<'_>> =
        text.split(' ').map(|word| Entry { bytes: word.as_bytes(), ..Entry::default() }).collect();
    push_all(stage, lane, &entries)
}

fn push_all(stage: &mut Stage, lane: Lane, entries: &[Entry<'_>]) -> Result<(), NotStaged> {
    let part = |count| Part { waiter: Arc::new(Waiter::default()), count, wait: WaitFor::Quorum };
    stage.push(lane, entries, part, NOW)
}

fn after(millis: u64) -> Tick {
    NOW.after(Duration::from_millis(millis))
}

/// The entries of the frame that goes now, and its cost is under way from here on.
fn go(stage: &mut Stage, now: Tick) -> Option<String> {
    let staged = stage.next(now)?;
    stage.moved(staged.group.cost, 0);
    let words: Vec<_> = staged.body.entries().map(|entry| String::from_utf8_lossy(entry.bytes)).collect();
    Some(words.join(" "))
}

fn all(stage: &mut Stage, now: Tick) -> Vec<String> {
    std::iter::from_fn(|| go(stage, now)).collect()
}

#[test]
fn a_lone_entry_goes_at_once_while_the_writer_is_idle() {
    let mut stage = stage();
    stage.is_idle = true;
    push(&mut stage, Lane::Normal, "a").unwrap();
    assert!(stage.claim(NOW), "the caller lets it go");
    push(&mut stage, Lane::Normal, "b").unwrap();
    assert!(!stage.claim(NOW), "somebody is on the way");
    assert_eq!(all(&mut stage, NOW), ["a b"]);
}

#[test]
fn while_the_writer_is_busy_entries_collect_until_there_are_enough_or_the_time_is_over() {
    let mut stage = stage();
    push(&mut stage, Lane::Normal, "a b c").unwrap();
    assert!(!stage.claim(NOW));
    assert_eq!(stage.deadline(), Some(after(1)));
    assert_eq!(go(&mut stage, NOW), None);
    assert_eq!(go(&mut stage, after(1)).as_deref(), Some("a b c"));
    push(&mut stage, Lane::Normal, "d e f g").unwrap();
    assert!(stage.claim(NOW), "four of them, and little is under way");
    assert_eq!(all(&mut stage, NOW), ["d e f g"]);
    // Much is under way: now only whole frames go before their time.
    stage.moved(LIMITS.bytes, 0);
    push(&mut stage, Lane::Normal, "h i j k l").unwrap();
    assert_eq!(go(&mut stage, NOW), None);
    push(&mut stage, Lane::Normal, "m n o p q").unwrap();
    assert_eq!(all(&mut stage, NOW), ["h i j k l m n o p q"]);
}

#[test]
fn entries_of_one_call_stay_together_and_large_calls_are_frames_of_their_own() {
    let mut stage = stage();
    push(&mut stage, Lane::Normal, "a b").unwrap();
    push(&mut stage, Lane::Normal, "c d e f g h i j k").unwrap();
    let many = ["x"; 20].join(" ");
    push(&mut stage, Lane::Normal, &many).unwrap();
    assert_eq!(all(&mut stage, after(5)), ["a b".to_owned(), "c d e f g h i j k".to_owned(), many]);
}

#[test]
fn frames_are_closed_at_their_bytes_and_identities_stay_with_their_entries() {
    let mut stage = stage();
    let large = vec![7; 3 << 10];
    let id = [3; ENTRY_ID_BYTES];
    let origin = Origin { session: 5, sequence: 1 };
    push_all(&mut stage, Lane::Normal, &[Entry { bytes: &large, origin, id: None }]).unwrap();
    push_all(&mut stage, Lane::Normal, &[Entry { bytes: &large, id: Some(&id), ..Entry::default() }])
        .unwrap();
    let first = stage.next(after(5)).unwrap();
    let second = stage.next(after(5)).unwrap();
    assert_eq!(first.body.entries().map(|entry| entry.origin).collect::<Vec<_>>(), [origin]);
    assert_eq!(second.body.entries().map(|entry| entry.id).collect::<Vec<_>>(), [Some(&id)]);
    assert!(stage.is_empty());
}

#[test]
fn what_is_critical_goes_before_what_is_not_framed_yet_and_order_in_a_lane_is_kept() {
    let mut stage = stage();
    push(&mut stage, Lane::Normal, "a b c d e f g h i j").unwrap();
    push(&mut stage, Lane::Normal, "k").unwrap();
    push(&mut stage, Lane::Critical, "urgent").unwrap();
    push(&mut stage, Lane::Normal, "l").unwrap();
    assert_eq!(all(&mut stage, after(1)), ["urgent", "a b c d e f g h i j", "k l"]);
    push(&mut stage, Lane::Normal, "m").unwrap();
    assert_eq!(go(&mut stage, after(1)).as_deref(), Some("m"));
    push(&mut stage, Lane::Critical, "late").unwrap();
    assert_eq!(go(&mut stage, after(1)).as_deref(), Some("late"), "what has gone is not overtaken");
}

#[test]
fn bytes_under_way_are_capped_and_what_waits_beyond_the_limit_is_refused() {
    let mut stage = stage();
    stage.is_idle = true;
    stage.moved(LIMITS.in_flight_bytes_max, 0);
    let large = "x".repeat(3 << 10);
    (0..3).for_each(|_| push(&mut stage, Lane::Normal, &large).unwrap());
    assert_eq!(push(&mut stage, Lane::Normal, &large), Err(NotStaged::Full));
    assert_eq!(stage.staged_cost(), 3 * ((3 << 10) + ENTRY_COST_BYTES));
    assert_eq!((go(&mut stage, after(9)), stage.deadline()), (None, None), "no room, and no timer for it");
    assert!(!stage.claim(after(9)));
    stage.moved(0, LIMITS.in_flight_bytes_max);
    assert_eq!(all(&mut stage, after(9)).len(), 3, "up to the cap");
    push(&mut stage, Lane::Normal, &large).unwrap();
}

#[test]
fn a_stage_full_of_normal_entries_takes_a_critical_one() {
    let mut stage = stage();
    stage.moved(LIMITS.in_flight_bytes_max, 0);
    let large = "x".repeat(3 << 10);
    while push(&mut stage, Lane::Normal, &large).is_ok() {}
    assert_eq!(push(&mut stage, Lane::Normal, &large), Err(NotStaged::Full));
    push(&mut stage, Lane::Critical, &large).unwrap();
    while push(&mut stage, Lane::Critical, &large).is_ok() {}
    assert!(stage.staged_cost() <= LIMITS.staged_bytes_max, "there is an end to that too");
}

#[test]
fn a_frame_that_the_core_had_no_room_for_stays_the_first_until_something_is_committed() {
    let mut stage = stage();
    push(&mut stage, Lane::Normal, "a").unwrap();
    let bounced = stage.next(after(1)).unwrap();
    push(&mut stage, Lane::Normal, "b").unwrap();
    stage.put_back(bounced);
    assert_eq!(go(&mut stage, after(9)), None);
    stage.unblock();
    assert_eq!(all(&mut stage, after(9)), ["a", "b"]);
}

#[test]
fn who_waits_for_every_voter_is_counted_and_refused_before_the_others() {
    let mut stage = stage();
    stage.waiting_for_all = LIMITS.in_flight_bytes_max / ENTRY_COST_BYTES;
    let part = |count| Part { waiter: Arc::new(Waiter::default()), count, wait: WaitFor::All };
    let refused = stage.push(Lane::Normal, &[Entry::default()], part, NOW);
    assert_eq!(refused, Err(NotStaged::Full));
    push(&mut stage, Lane::Normal, "a").unwrap();
}

#[test]
fn what_no_frame_can_hold_is_refused_and_leaves_nothing() {
    let mut stage = stage();
    let nobody = Origin { session: 0, sequence: 4 };
    let large = vec![0; 8 << 10];
    let refused = [
        push_all(&mut stage, Lane::Normal, &[]),
        push(&mut stage, Lane::Normal, &["x"; 21].join(" ")),
        push_all(&mut stage, Lane::Normal, &[Entry { bytes: &large, ..Entry::default() }]),
        push_all(&mut stage, Lane::Normal, &[Entry::default(), Entry { origin: nobody, ..Entry::default() }]),
    ];
    assert_eq!(refused, [Err(NotStaged::Invalid); 4]);
    assert!(stage.is_empty());
    assert_eq!(stage.staged_cost(), 0);
}

#[test]
fn everything_is_handed_out_when_the_stage_is_cleared() {
    let mut stage = stage();
    push(&mut stage, Lane::Normal, "a b c d e f g h i j").unwrap();
    push(&mut stage, Lane::Normal, "k").unwrap();
    push(&mut stage, Lane::Critical, "l").unwrap();
    assert_eq!(stage.clear().len(), 3);
    assert!(stage.is_empty());
    assert_eq!(stage.staged_cost(), 0);
}
