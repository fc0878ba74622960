//! Seats whose owners say what they like, named by their sin.
//!
//! # Model
//! A liar runs the same core as everybody else, which keeps it informed, and stands between that core and the network: it
//! changes what goes out, for each recipient, adds to it, and holds the keys of its accomplices. So it knows what an honest
//! validator knows, lies about what it likes, and cannot make anybody else's signature. [`Sin::Twins`] need no actor: they are two
//! machines with one key, each of which keeps to the rules.

mod amnesiac;
mod equivocator;
mod garbage;
mod hider;
mod liar;
mod replayer;
mod split;
mod usurper;
mod withholder;

use super::block::Block;
use super::checker::Facts;
use crate::bft::{Claims, Kind, Message, PrePrepare, Proposal, Statement, ViewChange, Vote};
use crate::sim::agenda::Nanos;
use crate::sim::random::{MILLION, Random};
use crate::types::{BlockHash, ValidatorIndex};
use std::fmt;
use std::sync::Arc;

/// What is wrong with a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sin {
    /// It proposes two blocks at a height, to different validators, and votes for everything.
    Equivocator,
    /// In a view change it says that it voted for nothing, or for something else.
    Liar,
    /// It shows no certificates and no proofs.
    Hider,
    /// It begins a view with different claims for each validator.
    Split,
    /// It is two machines that do not know of each other.
    Twins,
    /// It votes when others have given up, or to a few only.
    Withholder,
    /// It forgets what it voted for whenever it starts, which it does often.
    Amnesiac,
    /// It says again what others said, in earlier views, or signed for another chain.
    Replayer,
    /// It sends bytes.
    Garbage,
    /// It has a block certified and forgotten.
    Usurper,
}

impl Sin {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Equivocator,
        Self::Liar,
        Self::Hider,
        Self::Split,
        Self::Twins,
        Self::Withholder,
        Self::Amnesiac,
        Self::Replayer,
        Self::Garbage,
        Self::Usurper,
    ];

    /// Its name in options and traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equivocator => "equivocator",
            Self::Liar => "liar",
            Self::Hider => "hider",
            Self::Split => "split new view",
            Self::Twins => "twins",
            Self::Withholder => "withholder",
            Self::Amnesiac => "amnesiac",
            Self::Replayer => "replayer",
            Self::Garbage => "garbage",
            Self::Usurper => "usurper",
        }
    }

    /// Who commits it.
    pub(super) fn actor(self) -> Option<Box<dyn Actor>> {
        match self {
            Self::Equivocator => Some(Box::<equivocator::Equivocator>::default()),
            Self::Liar => Some(Box::new(liar::Liar)),
            Self::Hider => Some(Box::new(hider::Hider)),
            Self::Split => Some(Box::<split::Split>::default()),
            Self::Twins => None,
            Self::Withholder => Some(Box::new(withholder::Withholder)),
            Self::Amnesiac => Some(Box::new(amnesiac::Amnesiac)),
            Self::Replayer => Some(Box::<replayer::Replayer>::default()),
            Self::Garbage => Some(Box::new(garbage::Garbage)),
            Self::Usurper => Some(Box::<usurper::Usurper>::default()),
        }
    }
}

/// Something that an actor does.
#[derive(Debug)]
pub(super) enum Deed {
    /// Says this, after a while.
    Say(ValidatorIndex, Message, Nanos),
    /// Sends bytes that may be anything.
    Send(ValidatorIndex, Arc<[u8]>),
    /// Puts a block into the world.
    Publish(Block),
    /// Dies, and forgets everything but what is final.
    Forget,
}

/// What an actor sees and can do.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    /// Whose it is.
    pub(super) place: ValidatorIndex,
    pub(super) window: usize,
    pub(super) interval: Nanos,
    pub(super) random: &'a mut Random,
    pub(super) facts: &'a Facts,
    pub(super) deeds: Vec<Deed>,
}

impl Stage<'_> {
    /// Says something to somebody, at once.
    pub(super) fn say(&mut self, to: ValidatorIndex, message: Message) {
        self.deeds.push(Deed::Say(to, message, 0));
    }

    /// Everybody else.
    pub(super) fn others(&self) -> Vec<ValidatorIndex> {
        let all = (0..self.facts.powers.places()).map(|place| ValidatorIndex::new(place as u16));
        all.filter(|place| *place != self.place).collect()
    }

    /// A vote of its own.
    pub(super) fn vote(&self, statement: Statement) -> Vote {
        let signature = self.facts.keys.sign(self.place, &statement);
        Vote { from: self.place, statement, signature }
    }

    /// A proposal of its own.
    pub(super) fn propose(&self, statement: Statement, proposal: Proposal) -> Message {
        let sign = |kind| self.facts.keys.sign(self.place, &Statement { kind, ..statement });
        Message::PrePrepare(Arc::new(PrePrepare {
            from: self.place,
            view: statement.view,
            proposal,
            signature: sign(Kind::PrePrepare),
            prepare: sign(Kind::Prepare),
        }))
    }

    /// Makes a view change whole again after its claims were bent: with its certificates and headers, and signed.
    pub(super) fn claim(&self, change: &ViewChange, bend: impl FnOnce(&mut Claims)) -> Message {
        let mut change = change.clone();
        bend(&mut change.claims);
        let heights = change.claims.low.height.get() + 1..;
        let mut named: Vec<BlockHash> = Vec::new();
        let mut certified = Vec::new();
        for (claim, height) in change.claims.above.iter().zip(heights) {
            certified.extend(claim.certificate.map(|_| height));
            let mut of_height: Vec<BlockHash> =
                [claim.certificate, claim.vote].into_iter().flatten().map(|of| of.hash).collect();
            of_height.sort_unstable();
            of_height.dedup();
            named.extend(of_height);
        }
        change.backing.certificates.retain(|of| certified.contains(&of.height().get()));
        let header = |hash: &BlockHash| self.facts.blocks.get(hash).map(|block| block.proposal.clone());
        change.backing.proposals = named.iter().filter_map(header).collect();
        let claims = &mut change.claims;
        claims.from = self.place;
        claims.signature = self.facts.keys.sign(self.place, &claims.statement());
        Message::ViewChange(Arc::new(change))
    }

    /// Heads or tails.
    pub(super) fn flips(&mut self) -> bool {
        self.random.chance(MILLION / 2)
    }
}

/// Whoever sits between a core and the network.
pub(super) trait Actor: fmt::Debug + Send {
    /// The core says this to somebody: what goes out instead.
    fn say(&mut self, stage: &mut Stage<'_>, to: ValidatorIndex, message: &Message) {
        stage.say(to, message.clone());
    }

    /// This came in, and is verified.
    fn hear(&mut self, _: &mut Stage<'_>, _: &Message) {}

    /// Time passes.
    fn act(&mut self, _: &mut Stage<'_>) {}
}
