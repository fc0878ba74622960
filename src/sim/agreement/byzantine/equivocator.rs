//! Two blocks at a height, each to a part of the validators, and votes for everything that anybody proposes.

use super::{Actor, Deed, Stage};
use crate::bft::{Kind, Message, Statement};
use crate::sim::agreement::block::{Block, Making};
use crate::types::{Height, ValidatorIndex, View};
use std::collections::{BTreeMap, BTreeSet};

/// Who gets which block of a leader.
#[derive(Debug)]
struct Forked {
    second: Block,
    /// A bit for each validator.
    sides: u64,
}

#[derive(Debug, Default)]
pub(super) struct Equivocator {
    forks: BTreeMap<(View, Height), Forked>,
    voted: BTreeSet<Statement>,
}

impl Actor for Equivocator {
    fn say(&mut self, stage: &mut Stage<'_>, to: ValidatorIndex, message: &Message) {
        let Message::PrePrepare(of) = message else { return stage.say(to, message.clone()) };
        let (view, proposal) = (of.view, &of.proposal);
        if of.from != stage.place {
            return stage.say(to, message.clone());
        }
        let fork = self.forks.entry((view, proposal.height)).or_insert_with(|| {
            let is_valid = stage.random.below(8) > 0;
            let making = Making { maker: stage.place, view, salt: stage.random.next(), is_valid };
            let second = Block::new(proposal.height, proposal.parent, making);
            stage.deeds.push(Deed::Publish(second.clone()));
            Forked { second, sides: stage.random.next() }
        });
        if fork.sides >> to.get() & 1 == 0 {
            return stage.say(to, message.clone());
        }
        let second = fork.second.proposal.clone();
        let statement = Statement::new(Kind::PrePrepare, view, second.height, second.hash);
        let message = stage.propose(statement, second);
        stage.say(to, message);
    }

    fn hear(&mut self, stage: &mut Stage<'_>, message: &Message) {
        let statement = match message {
            Message::PrePrepare(of) => of.statement(Kind::Prepare),
            Message::Vote(vote) => vote.statement,
            _ => return,
        };
        for kind in [Kind::Prepare, Kind::Commit] {
            let statement = Statement { kind, ..statement };
            if self.voted.insert(statement) {
                let vote = stage.vote(statement);
                for to in stage.others() {
                    if stage.flips() {
                        stage.say(to, Message::Vote(vote));
                    }
                }
            }
        }
    }

    fn act(&mut self, stage: &mut Stage<'_>) {
        // Both blocks to everybody, once it has done its harm; nobody may have noticed by then.
        let Some(((view, height), fork)) = self.forks.pop_first().filter(|_| stage.flips()) else { return };
        let statement = Statement::new(Kind::PrePrepare, view, height, fork.second.proposal.hash);
        let message = stage.propose(statement, fork.second.proposal);
        for to in stage.others() {
            stage.say(to, message.clone());
        }
    }
}
