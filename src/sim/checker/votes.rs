//! A node votes once in a term (Raft §5.2), and no vote is told before it is durable (Raft, figure 2).

use super::{Checker, Name, Seen};
use crate::raft::{Message, Vote};
use crate::sim::node::Seat;
use crate::types::{NodeId, Term};
use std::collections::BTreeMap;

/// Whom each node voted for in each term.
#[derive(Debug, Default)]
pub(super) struct Votes(BTreeMap<(Seat, Term), NodeId>);

impl Checker for Votes {
    fn name(&self) -> &'static str {
        "votes"
    }

    fn is_rule(&self) -> bool {
        true
    }

    fn see(&mut self, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Sent { seat, to, message: Message::VoteReply { term, granted: true, pre: false }, vote } =
            seen
        else {
            return Ok(());
        };
        match self.0.insert((*seat, *term), *to).filter(|before| before != to) {
            Some(before) => Err(format!("{} votes for {before} and {to} in term {term}", Name(*seat))),
            // A later vote may be durable by now; an earlier one would be forgotten by a crash.
            None if *vote == (Vote { term: *term, candidate: Some(*to) }) || vote.term > *term => Ok(()),
            None => Err(format!(
                "{} tells of its vote for {to} in term {term} and forgets it in a crash",
                Name(*seat)
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(checker: &mut Votes, to: u64, durable: Option<u64>) -> Result<(), String> {
        let (to, candidate) = (NodeId::new(to).unwrap(), durable.and_then(NodeId::new));
        let message = Message::VoteReply { term: Term::new(4), granted: true, pre: false };
        let vote = Vote { term: Term::new(4), candidate };
        checker.see(&Seen::Sent { seat: 0, to, message: &message, vote })
    }

    #[test]
    fn a_second_vote_and_a_vote_that_is_not_durable_are_noticed() {
        let mut checker = Votes::default();
        assert!(sent(&mut checker, 2, Some(2)).is_ok());
        assert!(sent(&mut checker, 2, Some(2)).is_ok());
        assert!(sent(&mut checker, 3, Some(3)).is_err());
        assert!(sent(&mut Votes::default(), 2, None).is_err());
    }
}
