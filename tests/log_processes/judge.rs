//! Is a history linearizable? Complete for this object, in one pass.
//!
//! # Model
//! Each answer says itself where its operation stands: an append at place p is the p-th of all, a read of length n is
//! after the n-th and before the next. So there is one order to try, and two questions: do the answers fit the
//! list that there is in the end, and does nobody stand before an operation that had returned before he called?
//! Operations without an answer count where their value is in the list, from their call on; if it is not there, they
//! have not happened yet.
//!
//! That this is the same as to search for an order is a test: [`search`] tries them all (Wing and Gong, "Testing and
//! verifying concurrent objects", JPDC 1993), on small histories, right and wrong ones.

use super::history::{Operation, Outcome, Record, digest};
use std::collections::{HashMap, HashSet};

/// Checks a history against the list that was found on all nodes after it.
///
/// # Errors
/// What cannot be, with the operation.
pub(crate) fn judge(records: &[Record], list: &[u64]) -> Result<(), String> {
    let places = places(records, list)?;
    let mut digests = vec![0];
    for value in list {
        digests.push(digest(digests[digests.len() - 1], *value));
    }
    // Twice the place, and one more for a read, which is between two places.
    let mut points: Vec<(u64, u64, u64, &Record)> = Vec::with_capacity(records.len());
    for record in records {
        let found = match record.operation {
            Operation::Append(value) => places.get(&value).copied(),
            Operation::Read => None,
        };
        let point = match (&record.outcome, found) {
            (Outcome::Appended { place, .. }, Some(found)) if *place == found => 2 * found,
            (Outcome::Appended { .. }, found) => return Err(format!("is at {found:?}: {}", record.line())),
            (Outcome::Failed(_), Some(_)) => return Err(format!("happened: {}", record.line())),
            (Outcome::Seen { length, digest }, _) => {
                if digests.get(*length as usize) != Some(digest) {
                    return Err(format!("was never the list: {}", record.line()));
                }
                2 * length + 1
            }
            (Outcome::Unknown(_), Some(found)) => 2 * found,
            (Outcome::Failed(_) | Outcome::Unknown(_), None) => continue,
        };
        let returned = if record.is_ok() { record.returned } else { u64::MAX };
        points.push((record.call, returned, point, record));
    }
    in_time(points)
}

/// Place of each value, from 1. Each is there once, and somebody has appended it.
fn places(records: &[Record], list: &[u64]) -> Result<HashMap<u64, u64>, String> {
    let mut asked = HashSet::new();
    for record in records {
        if let Operation::Append(value) = record.operation
            && !asked.insert(value)
        {
            return Err(format!("{value} is appended by two operations"));
        }
    }
    let mut places = HashMap::new();
    for (place, value) in (1..).zip(list) {
        if !asked.contains(value) {
            return Err(format!("nobody appended {value}, which is at {place}"));
        }
        if let Some(before) = places.insert(*value, place) {
            return Err(format!("{value} is at {before} and at {place}"));
        }
    }
    Ok(places)
}

/// Whoever calls after another has returned stands behind it.
fn in_time(mut points: Vec<(u64, u64, u64, &Record)>) -> Result<(), String> {
    let mut by_return = points.clone();
    by_return.sort_by_key(|(_, returned, ..)| *returned);
    points.sort_by_key(|(call, ..)| *call);
    let mut over = by_return.into_iter().peekable();
    let mut latest: Option<(u64, &Record)> = None;
    for (call, _, point, record) in points {
        while let Some((_, _, before, earlier)) = over.next_if(|(_, returned, ..)| *returned < call) {
            if latest.is_none_or(|(point, _)| before > point) {
                latest = Some((before, earlier));
            }
        }
        if let Some((before, earlier)) = latest.filter(|(before, _)| *before > point) {
            let (line, point) = (record.line(), point / 2);
            return Err(format!(
                "at {point} is {line}, which begins after {} at {}",
                earlier.line(),
                before / 2
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tries all orders in which the operations can have happened, ending in `list`.
    fn search(records: &[Record], list: &[u64]) -> bool {
        let all: Vec<&Record> =
            records.iter().filter(|record| !matches!(record.outcome, Outcome::Failed(_))).collect();
        extend(&all, &mut vec![false; all.len()], (0, 0), list)
    }

    /// State: how long the list is, and its digest. Steps are in the order of `list` or of reads.
    fn extend(all: &[&Record], done: &mut Vec<bool>, state: (u64, u64), list: &[u64]) -> bool {
        let open = |at: &usize| !done[*at] && all[*at].is_ok();
        let first_return = (0..all.len()).filter(open).map(|at| all[at].returned).min();
        if first_return.is_none() && state.0 == list.len() as u64 {
            return true;
        }
        for at in 0..all.len() {
            // Nobody goes before one that had returned before he called.
            if done[at] || first_return.is_some_and(|first| first < all[at].call) {
                continue;
            }
            let next = match (all[at].operation, &all[at].outcome) {
                (Operation::Append(value), outcome) if list.get(state.0 as usize) == Some(&value) => {
                    let place = state.0 + 1;
                    let fits = !matches!(outcome, Outcome::Appended { place: told, .. } if *told != place);
                    fits.then(|| (place, digest(state.1, value)))
                }
                (Operation::Read, Outcome::Seen { length, digest }) => {
                    ((*length, *digest) == state).then_some(state)
                }
                _ => None,
            };
            if let Some(next) = next {
                done[at] = true;
                if extend(all, done, next, list) {
                    return true;
                }
                done[at] = false;
            }
        }
        false
    }

    fn append(call: u64, returned: u64, value: u64, place: u64) -> Record {
        let outcome = match place {
            0 => Outcome::Unknown("no answer".to_owned()),
            place => Outcome::Appended { place, index: place },
        };
        Record { process: value, operation: Operation::Append(value), call, returned, outcome }
    }

    fn read(call: u64, returned: u64, list: &[u64]) -> Record {
        let digest = list.iter().fold(0, |before, value| digest(before, *value));
        let outcome = Outcome::Seen { length: list.len() as u64, digest };
        Record { process: 0, operation: Operation::Read, call, returned, outcome }
    }

    fn both(records: &[Record], list: &[u64]) -> bool {
        let verdict = judge(records, list);
        assert_eq!(verdict.is_ok(), search(records, list), "{verdict:?} of {records:#?} with {list:?}");
        verdict.is_ok()
    }

    #[test]
    fn right_histories_are_accepted() {
        assert!(both(&[], &[]));
        assert!(both(&[append(1, 2, 7, 1), read(3, 4, &[7]), append(5, 6, 8, 2)], &[7, 8]));
        // At the same time, in either order; and a read beside an append sees it or not.
        assert!(both(&[append(1, 9, 7, 2), append(2, 8, 8, 1)], &[8, 7]));
        assert!(both(&[append(1, 9, 7, 1), read(2, 8, &[]), read(3, 7, &[7])], &[7]));
        // No answer: never, at once, or long after.
        assert!(both(&[append(1, 2, 7, 0)], &[]));
        assert!(both(&[append(1, 2, 7, 0), read(5, 6, &[]), append(7, 8, 8, 1)], &[8, 7]));
    }

    #[test]
    fn wrong_histories_are_refused() {
        let wrong: &[(&str, Vec<Record>, &[u64])] = &[
            ("an acknowledged append is lost", vec![append(1, 2, 7, 1)], &[]),
            ("it is elsewhere", vec![append(1, 9, 7, 2), append(1, 9, 8, 1)], &[7, 8]),
            ("a stale read", vec![append(1, 2, 7, 1), read(3, 4, &[])], &[7]),
            ("a read of what was never there", vec![append(1, 9, 7, 1), read(3, 4, &[8])], &[7]),
            ("a read of what comes later", vec![read(1, 2, &[7]), append(3, 4, 7, 1)], &[7]),
            ("reads go back", vec![append(1, 9, 7, 1), read(2, 3, &[7]), read(4, 5, &[])], &[7]),
            ("later at an earlier place", vec![append(1, 2, 7, 2), append(3, 4, 8, 1)], &[8, 7]),
            ("without an answer, before it was asked", vec![append(1, 2, 7, 2), append(3, 4, 8, 0)], &[8, 7]),
            ("a value from nowhere", vec![], &[7]),
        ];
        for (what, records, list) in wrong {
            assert!(!both(records, list), "{what}");
        }
    }

    #[test]
    fn what_is_there_twice_or_was_refused_and_is_there_is_found() {
        assert!(judge(&[append(1, 2, 7, 1)], &[7, 7]).is_err_and(|why| why.contains("7 is at 1 and at 2")));
        let refused = Record { outcome: Outcome::Failed("busy".to_owned()), ..append(1, 2, 7, 1) };
        assert!(judge(&[refused], &[7]).is_err_and(|why| why.starts_with("happened")));
        assert!(judge(&[append(1, 2, 7, 1), append(1, 2, 7, 0)], &[7]).is_err());
    }

    /// Small histories of all kinds, most of them wrong: both ways of looking agree.
    #[test]
    fn the_short_way_and_the_search_agree() {
        let mut state = 1_u64;
        let mut roll = |sides: u64| {
            state = digest(state, state);
            state % sides
        };
        let (mut right, mut wrong) = (0, 0);
        for _ in 0..20_000 {
            let list: Vec<u64> = (1..=roll(4)).collect();
            let mut records = Vec::new();
            for value in 1..=roll(4).max(list.len() as u64) {
                let call = roll(12);
                records.push(append(
                    call,
                    call + 1 + roll(8),
                    value,
                    if roll(6) == 0 { roll(4) } else { value },
                ));
            }
            for _ in 0..roll(3) {
                let (call, length) = (roll(12), roll(list.len() as u64 + 1) as usize);
                records.push(read(call, call + 1 + roll(8), &list[..length]));
            }
            if both(&records, &list) { right += 1 } else { wrong += 1 }
        }
        assert!(right > 1_000 && wrong > 1_000, "{right} right, {wrong} wrong");
    }
}
