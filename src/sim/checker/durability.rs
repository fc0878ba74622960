//! What was acknowledged is at its position on every member in the end.

use super::{Checker, End};
use crate::sim::client::Kind;
use crate::sim::machine::hash_with;

/// The check has no state: it looks at the end.
#[derive(Debug)]
pub(super) struct Durability;

impl Checker for Durability {
    fn name(&self) -> &'static str {
        "no acknowledged entry lost"
    }

    fn finish(&mut self, end: &End<'_>) -> Result<(), String> {
        for record in end.history {
            let (Kind::Append(value), Some((_, position, _))) = (record.kind, record.answered) else {
                continue;
            };
            let held = position.checked_sub(1).and_then(|at| end.values.get(usize::try_from(at).ok()?));
            if held != Some(&value) {
                return Err(format!("{value:#x} was acknowledged at {position}, where {held:x?} is"));
            }
        }
        let hash = end.values.iter().fold(0, |hash, value| hash_with(hash, *value));
        match end.lists.iter().find(|list| list.length != end.values.len() as u64 || list.hash != hash) {
            Some(list) => Err(format!("a member ends with {list:?} of {} values", end.values.len())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::client::Record;
    use crate::sim::machine::List;

    #[test]
    fn an_acknowledged_value_that_is_not_there_is_noticed() {
        let record = Record { client: 0, kind: Kind::Append(7), asked: 0, answered: Some((1, 1, 0)) };
        let finish = |values: &[u64]| {
            let hash = values.iter().fold(0, |hash, value| hash_with(hash, *value));
            let lists = [List { length: values.len() as u64, hash }];
            Durability.finish(&End { history: &[record], values, lists: &lists })
        };
        assert!(finish(&[7, 8]).is_ok());
        assert!(finish(&[8]).is_err());
        assert!(finish(&[]).is_err());
    }

    #[test]
    fn a_member_with_another_list_is_noticed() {
        let lists = [List { length: 1, hash: 3 }];
        assert!(Durability.finish(&End { history: &[], values: &[7], lists: &lists }).is_err());
    }
}
