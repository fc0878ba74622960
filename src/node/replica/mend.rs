//! A log with damage in its middle, mended with what peers have before this node takes part.
//!
//! # Model
//! ```text
//! open: Corrupt --damages--> ask every peer for what is missing --frames--> write them where they stood --> open again
//!                                  ^---- every 200 ms, and after each answer ----'
//! ```
//! The node listens and calls, but has no core yet: whatever else comes is dropped, so it neither votes nor
//! acknowledges before it is whole. Peers answer with committed frames only, which are the same bytes on every node.
//!
//! # Limits
//! Memory for the frames of one gap, at most a file of the log; [`REPLIES_MAX`] answers wait. What no peer has, because
//! it is not committed or was cut from their logs, leaves the damage as it was, and the opening refuses it by name.

use super::{ReplicaConfig, ReplicaError};
use crate::env::log::{self, Level};
use crate::env::{Clock, SystemClock};
use crate::frame::Frame;
use crate::net::{Inbox, TcpTransport};
use crate::raft::wire::{Letter, RaftProtocol, RepairReply, RepairRequest, WireLimits};
use crate::storage::Error;
use crate::storage::frames::{Damage, FrameLogOptions, SegmentFrameLog};
use crate::types::{NodeId, Tick};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Answers that wait; more are dropped and asked for again.
const REPLIES_MAX: usize = 16;
/// Between two requests that bring nothing.
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// Opens the log, with the help of the peers where it is damaged.
pub(super) fn open(
    config: &ReplicaConfig,
    options: &FrameLogOptions,
    wire: WireLimits,
) -> Result<SegmentFrameLog, ReplicaError> {
    let dir = config.dir.join("log");
    let corrupt = match SegmentFrameLog::open(&dir, options) {
        Err(error @ Error::Corrupt { .. }) => error,
        outcome => return Ok(outcome?),
    };
    // Where nothing says how far a file went, nobody can say what is missing.
    let damages = SegmentFrameLog::damages(&dir).unwrap_or_default();
    let peers: Vec<NodeId> = config.known().into_keys().filter(|node| *node != config.raft.id).collect();
    if damages.is_empty() || peers.is_empty() || config.repair_within.is_zero() {
        return Err(corrupt.into());
    }
    log::emit(Level::Error, "log", format_args!("{corrupt}; asking {} nodes for it", peers.len()));
    let mut mender = Mender::start(config, wire, peers)?;
    for damage in &damages {
        let frames = mender.fetch(damage).ok_or_else(|| missing(&corrupt, damage, config.repair_within))?;
        damage.mend(&frames).map_err(|error| does_not_fit(&corrupt, damage, &error))?;
        log::emit(Level::Warn, "log", format_args!("mended: {}", what(damage)));
    }
    drop(mender);
    Ok(SegmentFrameLog::open(&dir, options)?)
}

fn what(damage: &Damage) -> String {
    format!("{} to {} in {}", damage.from(), damage.to(), name(damage.path()))
}

fn name(path: &Path) -> std::path::Display<'_> {
    path.display()
}

fn missing(corrupt: &Error, damage: &Damage, within: Duration) -> ReplicaError {
    let text = format!("{corrupt}; no peer gave {} within {within:?}", what(damage));
    ReplicaError::Failed(text.into())
}

fn does_not_fit(corrupt: &Error, damage: &Damage, error: &Error) -> ReplicaError {
    ReplicaError::Failed(format!("{corrupt}; what peers have for {}: {error}", what(damage)).into())
}

struct Mender {
    net: TcpTransport<RaftProtocol>,
    peers: Vec<NodeId>,
    replies: Receiver<RepairReply>,
    clock: SystemClock,
    until: Tick,
}

impl Mender {
    fn start(config: &ReplicaConfig, limits: WireLimits, peers: Vec<NodeId>) -> Result<Self, ReplicaError> {
        let (sender, replies) = sync_channel(REPLIES_MAX);
        let identity = (config.cluster, config.raft.id);
        let protocol = RaftProtocol { limits };
        let inbox = Arc::new(Replies(sender));
        let tls = config.tls.as_ref();
        let net = TcpTransport::listen(config.listen, identity, config.net, tls, protocol, inbox)?;
        net.set_peers(&config.known())?;
        let clock = SystemClock::new();
        Ok(Self { net, peers, replies, until: clock.now().after(config.repair_within), clock })
    }

    /// The frames of a gap, in order; `None` when nobody gave them in time.
    fn fetch(&mut self, damage: &Damage) -> Option<Vec<Frame>> {
        let (mut frames, mut next) = (Vec::new(), damage.from());
        while next <= damage.to() {
            let found = self.ask(RepairRequest { from: next, to: damage.to() })?;
            next = found.last()?.last().index.next();
            frames.extend(found);
        }
        Some(frames)
    }

    /// Some frames from the first that is missing on.
    fn ask(&mut self, request: RepairRequest) -> Option<Vec<Frame>> {
        while self.clock.now() < self.until {
            for peer in &self.peers {
                self.net.send(*peer, &Letter::RepairRequest(request));
            }
            // Answers to earlier requests, and empty ones, bring nothing.
            let asked = self.clock.now();
            while let Some(left) = ASK_AGAIN.checked_sub(self.clock.now().since(asked)) {
                let Ok(reply) = self.replies.recv_timeout(left) else { break };
                if is_answer(&reply, request) {
                    return Some(reply.frames);
                }
            }
        }
        None
    }
}

/// Whether it brings what is wanted, from there on, and no more than that.
fn is_answer(reply: &RepairReply, request: RepairRequest) -> bool {
    let mut next = request.from;
    reply.from == request.from
        && !reply.frames.is_empty()
        && reply.frames.iter().all(|frame| {
            let follows = frame.base() == next && frame.last().index <= request.to;
            next = frame.last().index.next();
            follows
        })
}

/// What comes in, of which only answers are wanted.
struct Replies(SyncSender<RepairReply>);

impl Inbox<Letter> for Replies {
    fn received(&self, _: NodeId, letter: Letter) {
        if let Letter::RepairReply(reply) = letter {
            // One that finds no room is asked for again.
            let _ = self.0.try_send(reply);
        }
    }

    fn broken(&self, _: NodeId) {}
}

/// Where an entry that is missing may be had.
impl ReplicaConfig {
    /// Every node that this one has heard of without its log.
    fn known(&self) -> std::collections::BTreeMap<NodeId, String> {
        let mut known = self.members.addresses.clone();
        known.extend(self.contacts.clone());
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Entry, FrameBuilder, FrameLimits, Seal};
    use crate::types::{Index, LaneId, Term, UnixNanos};

    fn frame(base: u64, count: u64) -> Frame {
        let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::default());
        (0..count).for_each(|_| builder.push(Entry { bytes: b"x", ..Entry::default() }).unwrap());
        let seal = Seal { term: Term::new(1), base: Index::new(base), time: UnixNanos::new(1) };
        Frame::new(seal, builder.finish().unwrap())
    }

    #[test]
    fn only_frames_from_the_first_missing_entry_on_and_within_the_gap_are_an_answer() {
        let request = RepairRequest { from: Index::new(5), to: Index::new(9) };
        let reply = |from: u64, frames: Vec<Frame>| RepairReply { from: Index::new(from), frames };
        let cases = [
            (reply(5, vec![frame(5, 2), frame(7, 3)]), true),
            (reply(5, vec![frame(5, 2)]), true),
            (reply(5, Vec::new()), false),
            (reply(4, vec![frame(4, 2)]), false),
            (reply(5, vec![frame(6, 2)]), false),
            (reply(5, vec![frame(5, 2), frame(8, 1)]), false),
            (reply(5, vec![frame(5, 6)]), false),
        ];
        for (reply, is_one) in cases {
            assert_eq!(is_answer(&reply, request), is_one, "{reply:?}");
        }
    }
}
