//! Each operation of a client takes effect at one moment between question and answer.
//!
//! # Model
//! The object is a list: an append answers its position, a read the length and a hash of all values. So an
//! operation says itself where it stands: append `p` is the `p`-th change, a read of `n` comes between
//! changes `n` and `n + 1`. The only order that can explain the answers is that of these places; what is
//! left to check is that it keeps the order of time: who was answered before another asked has no later
//! place. That is one pass over both orders, complete and sound for this object, where a general check is
//! exponential.
//!
//! Operations without an answer: an append that is in the list took effect some time after it was asked
//! for; one that is not there, and a read, constrain nothing.

use super::{Checker, End};
use crate::sim::agenda::Nanos;
use crate::sim::client::{Kind, Record};
use crate::sim::machine::hash_with;
use std::collections::BTreeMap;

/// The check has no state: it looks at the history as a whole.
#[derive(Debug)]
pub(super) struct Linearizability;

/// Where an operation stands among the changes: an append before the reads that see it.
type Place = (u64, bool);

struct Operation {
    asked: Nanos,
    answered: Option<Nanos>,
    place: Place,
}

impl Checker for Linearizability {
    fn name(&self) -> &'static str {
        "linearizability"
    }

    fn finish(&mut self, end: &End<'_>) -> Result<(), String> {
        judge(end.history, end.values)
    }
}

/// Whether a history is linearizable, when the list ended like this.
fn judge(history: &[Record], values: &[u64]) -> Result<(), String> {
    let positions: BTreeMap<u64, u64> = values.iter().copied().zip(1..).collect();
    let hashes: Vec<u64> = std::iter::once(0)
        .chain(values.iter().scan(0, |hash, value| {
            *hash = hash_with(*hash, *value);
            Some(*hash)
        }))
        .collect();
    let mut operations = Vec::new();
    for record in history {
        let answered = record.answered.map(|(at, ..)| at);
        let place = match (record.kind, record.answered) {
            (Kind::Append(value), _) => positions.get(&value).map(|position| (*position, false)),
            (Kind::Read, Some((_, length, hash))) => {
                let expected = usize::try_from(length).ok().and_then(|length| hashes.get(length));
                if expected != Some(&hash) {
                    return Err(format!(
                        "c{} read {length} values that never were the list",
                        record.client + 1
                    ));
                }
                Some((length, true))
            }
            (Kind::Read, None) => None,
        };
        operations.extend(place.map(|place| Operation { asked: record.asked, answered, place }));
    }
    in_order_of_time(&operations)
}

/// Nobody who was answered before another asked has a later place.
fn in_order_of_time(operations: &[Operation]) -> Result<(), String> {
    let mut answered: Vec<(Nanos, Place)> =
        operations.iter().filter_map(|operation| Some((operation.answered?, operation.place))).collect();
    answered.sort_unstable();
    let mut asked: Vec<&Operation> = operations.iter().collect();
    asked.sort_unstable_by_key(|operation| operation.asked);
    let (mut seen, mut furthest) = (0, (0, false));
    for operation in asked {
        while let Some((at, place)) = answered.get(seen).filter(|(at, _)| *at < operation.asked) {
            debug_assert!(*at < operation.asked);
            furthest = furthest.max(*place);
            seen += 1;
        }
        if operation.place < furthest {
            let (place, asked) = (operation.place, operation.asked);
            return Err(format!(
                "asked at {asked} ns, place {place:?}, after place {furthest:?} was answered"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: [u64; 3] = [10, 20, 30];

    fn append(value: u64, asked: Nanos, answered: Option<(Nanos, u64)>) -> Record {
        let answered = answered.map(|(at, position)| (at, position, 0));
        Record { client: 0, kind: Kind::Append(value), asked, answered }
    }

    fn read(asked: Nanos, answered: Nanos, length: u64) -> Record {
        let seen = &VALUES[..usize::try_from(length).unwrap()];
        let hash = seen.iter().fold(0, |hash, value| hash_with(hash, *value));
        Record { client: 1, kind: Kind::Read, asked, answered: Some((answered, length, hash)) }
    }

    #[test]
    fn concurrent_operations_may_take_either_order() {
        let history =
            [append(10, 0, Some((10, 1))), append(20, 5, Some((20, 2))), read(6, 9, 0), read(7, 30, 2)];
        assert_eq!(judge(&history, &VALUES[..2]), Ok(()));
    }

    #[test]
    fn a_stale_read_is_noticed() {
        let history = [append(10, 0, Some((10, 1))), read(11, 12, 0)];
        assert!(judge(&history, &VALUES[..1]).is_err());
    }

    #[test]
    fn a_read_that_goes_back_is_noticed() {
        let history = [append(10, 0, None), read(5, 6, 1), read(7, 8, 0)];
        assert!(judge(&history, &VALUES[..1]).is_err());
    }

    #[test]
    fn an_append_that_takes_effect_before_it_was_asked_for_is_noticed() {
        let history = [append(20, 0, Some((10, 2))), append(10, 20, None)];
        assert!(judge(&history, &VALUES[..2]).is_err());
    }

    #[test]
    fn an_append_without_an_answer_may_be_there_or_not() {
        let history =
            [append(10, 0, Some((10, 1))), append(20, 11, None), append(77, 11, None), read(50, 60, 2)];
        assert_eq!(judge(&history, &VALUES[..2]), Ok(()));
    }

    #[test]
    fn a_read_of_values_that_never_were_is_noticed() {
        let mut wrong = read(0, 5, 2);
        wrong.answered = Some((5, 2, 1));
        assert!(judge(&[wrong], &VALUES).is_err());
        wrong.answered = Some((5, 9, 1));
        assert!(judge(&[wrong], &VALUES).is_err());
    }
}
