//! Asking peers for what a log misses, one after the other, until one has it or the time is over.

use super::proof;
use crate::env::{Clock, SystemClock};
use crate::frame::Frame;
use crate::net::{Inbox, TcpTransport};
use crate::node::replica::{ReplicaConfig, ReplicaError};
use crate::raft::wire::{Letter, RaftProtocol, RepairAnswer, RepairReply, RepairRequest, WireLimits};
use crate::types::{NodeId, Term, Tick};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Answers that wait; more are dropped and asked for again.
pub(super) const REPLIES_MAX: usize = 4;
/// For an answer of one peer, and between two rounds: from this, since connections take a moment to be made ...
const PATIENCE_MIN: Duration = Duration::from_millis(200);
/// ... doubling with each round to this.
const PATIENCE_MAX: Duration = Duration::from_secs(2);

/// An answer, and whose it is.
type Heard = (NodeId, RepairReply);

/// What a peer said last, instead of giving frames.
#[derive(Debug)]
enum Said {
    No(RepairAnswer),
    /// It gave what does not fit.
    Wrong(String),
}

/// Talks to the others in the name of a node that is not up yet.
pub(super) struct Mender {
    net: TcpTransport<RaftProtocol>,
    peers: Vec<NodeId>,
    said: BTreeMap<NodeId, Said>,
    replies: Receiver<Heard>,
    clock: SystemClock,
    until: Tick,
    within: Duration,
    /// That of the vote (E4).
    term: Term,
}

impl Mender {
    pub(super) fn start(
        config: &ReplicaConfig,
        limits: WireLimits,
        peers: Vec<NodeId>,
        term: Term,
    ) -> Result<Self, ReplicaError> {
        let (sender, replies) = sync_channel(REPLIES_MAX);
        let identity = (config.cluster, config.raft.id);
        let protocol = RaftProtocol { limits };
        let inbox = Arc::new(Replies(sender));
        let tls = config.tls.as_ref();
        let net = TcpTransport::listen(config.listen, identity, config.net, tls, protocol, inbox)?;
        net.set_peers(&config.known())?;
        let (clock, within) = (SystemClock::new(), config.repair_within);
        let until = clock.now().after(within);
        Ok(Self { net, peers, said: BTreeMap::new(), replies, clock, until, within, term })
    }

    /// The frames of a gap, in order; else what everybody said to it.
    pub(super) fn fetch(&mut self, gap: RepairRequest) -> Result<Vec<Frame>, String> {
        let (mut frames, mut request) = (Vec::new(), gap);
        loop {
            let found = self.ask(request).ok_or_else(|| self.answers())?;
            let last = found[found.len() - 1].last();
            frames.extend(found);
            if last.index == request.to {
                return Ok(frames);
            }
            request = RepairRequest { from: last.index.next(), before: last.term, ..request };
        }
    }

    /// Frames from the first that is missing on, one at least; `None` when nobody has them, or in time.
    fn ask(&mut self, request: RepairRequest) -> Option<Vec<Frame>> {
        self.said.clear();
        let mut patience = PATIENCE_MIN;
        while self.left() > Duration::ZERO && !self.is_hopeless() {
            for peer in self.peers.clone() {
                self.net.send(peer, &Letter::RepairRequest(request));
                if let Some(frames) = self.wait(request, patience, Some(peer)) {
                    return Some(frames);
                }
            }
            if !self.is_hopeless()
                && let Some(frames) = self.wait(request, patience, None)
            {
                return Some(frames);
            }
            patience = (patience * 2).min(PATIENCE_MAX);
        }
        None
    }

    /// Frames, whoever has them; `None` once `asked` has said no, or the time is over.
    fn wait(
        &mut self,
        request: RepairRequest,
        patience: Duration,
        asked: Option<NodeId>,
    ) -> Option<Vec<Frame>> {
        let since = self.clock.now();
        loop {
            let left = patience.saturating_sub(self.clock.now().since(since)).min(self.left());
            let (peer, reply) = self.replies.recv_timeout(left).ok()?;
            // One to an earlier question; or of an earlier opening, which asked for something else (E1).
            if reply.request != request {
                continue;
            }
            let said = match reply.answer {
                RepairAnswer::Frames(frames) => match proof::check(&request, &frames, self.term) {
                    Ok(()) => return Some(frames),
                    Err(why) => Said::Wrong(why),
                },
                no => Said::No(no),
            };
            self.said.insert(peer, said);
            if asked == Some(peer) {
                return None;
            }
        }
    }

    fn left(&self) -> Duration {
        self.until.since(self.clock.now())
    }

    /// Whether no further answer can bring anything: what is committed differs from what is here (E1: everywhere), or
    /// nobody's log reaches back so far, and none will again.
    fn is_hopeless(&self) -> bool {
        let differs =
            |said: &Said| matches!(said, Said::No(RepairAnswer::OtherBefore | RepairAnswer::OtherBehind));
        let has_forgotten = |peer| matches!(self.said.get(peer), Some(Said::No(RepairAnswer::Forgotten)));
        self.said.values().any(differs) || self.peers.iter().all(has_forgotten)
    }

    /// What everybody said last.
    fn answers(&self) -> String {
        let answer = |peer: &NodeId| match self.said.get(peer) {
            None => format!("{peer} gave no answer within {:?}", self.within),
            Some(Said::Wrong(why)) => format!("{peer} {why}"),
            Some(Said::No(answer)) => format!("{peer} {}", meaning(answer)),
        };
        self.peers.iter().map(answer).collect::<Vec<_>>().join(", ")
    }
}

const fn meaning(answer: &RepairAnswer) -> &'static str {
    match answer {
        RepairAnswer::Frames(_) => "has it",
        RepairAnswer::Uncommitted => "does not know all of it to be committed",
        RepairAnswer::Forgotten => "has it in a snapshot only",
        RepairAnswer::OtherBefore => "has another entry committed before it",
        RepairAnswer::OtherBehind => "has another entry committed behind it",
        RepairAnswer::Unreadable => "cannot read it",
    }
}

/// What comes in, of which only answers are wanted.
struct Replies(SyncSender<Heard>);

impl Inbox<Letter> for Replies {
    fn received(&self, from: NodeId, letter: Letter) {
        if let Letter::RepairReply(reply) = letter {
            // One that finds no room is asked for again.
            let _ = self.0.try_send((from, reply));
        }
    }

    fn broken(&self, _: NodeId) {}
}
