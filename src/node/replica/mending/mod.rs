//! A log with damage in its middle, mended with what peers prove to be the same, before this node takes part.
//!
//! # Model
//! ```text
//! entries here   1 ..... from-1 | from ... to | to+1 ..... end         the gap: durable once, lost now
//! their terms           before  |      ?      | behind
//!
//! open: Corrupt --> ask one peer after the other --frames--> write them where they stood --> open again
//!                       ^---- ever more slowly, until `repair_within` is over ----'
//! ```
//! Damages side by side are one gap. The node listens and calls, but has no core yet: whatever else comes is dropped, so
//! it neither votes, nor campaigns, nor acknowledges before it is whole. A peer answers from `fetcher`, by the
//! predicates of [`proof`]. What follows speaks of this node's log as it was before the damage.
//!
//! # Invariants
//! E1 a peer speaks of its committed log only: of the entries from `from - 1` to `to + 1`, or to `to` where nothing
//! stands behind the gap. What is committed at an index is the same everywhere and for ever (Raft §5.4.3, State Machine
//! Safety), so an answer stays true however late it comes, and answers of several peers are about one log. Each names
//! the question that it answers.
//!
//! E2 before: the entry at `from - 1` has the same term there. Two logs with an entry of the same index and term are the
//! same up to it (Raft §5.3, Log Matching), so this log is the committed one up to the gap. Where this log begins with
//! `from`, what is before it was in a snapshot of this node, and committed for that.
//!
//! E3 behind: the entry at `to + 1` has the same term there. By Log Matching both logs are the same up to *that*, so
//! the frames that come are exactly those that stood in the gap: after the repair the log is what it was, and to the others
//! nothing has happened. E2 alone does not do, nor that terms do not fall: what stands behind the gap may be left over
//! from a leader that never had what is committed in it, though its term is a later one (Raft §5.4.2, figure 8), and
//! joining the two would make a log that no leader ever had. Such a tail is refused, not cut: its node is replaced.
//!
//! E3' where nothing stands behind the gap, the log becomes a beginning of the committed one (E1, E2), which is a log that
//! leaders had. If other entries stood in the gap, no majority ever held or will hold them, since what is committed at their
//! indexes is something else; so that this node once acknowledged them decides nothing, and all that it
//! acknowledged and that is or will be committed, it still has.
//!
//! E4 no frame is taken whose term is later than that of this node's vote: it never heard of that term, so it cannot have
//! lost an entry of it, and whoever has entries of a term has a vote of it. E5 the directory is one of
//! this cluster, and locked, before anything is asked or changed.
//!
//! # Limits
//! Memory for the frames of one gap, at most a file of the log for each damage in it; [`REPLIES_MAX`](mender::REPLIES_MAX)
//! answers wait. Peers know what is committed only while a majority is up, so nothing is mended in a cluster of two, or
//! where a majority is damaged. What peers have in snapshots only, and what is not committed, leaves the damage as it
//! was: the opening refuses it with file, offset and entries, and says what each peer answered.
//!
//! # Source
//! Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm", 2014, §5.3 and §5.4.

mod mender;
pub(super) mod proof;
#[cfg(test)]
mod proof_test;

use super::{ReplicaConfig, ReplicaError, recovery};
use crate::env::log::{self, Level};
use crate::frame::Frame;
use crate::raft::wire::{RepairRequest, WireLimits};
use crate::storage::Error;
use crate::storage::frames::{Damage, FrameLogOptions, SegmentFrameLog};
use crate::storage::votes::Vote;
use crate::types::NodeId;
use mender::Mender;
use std::collections::BTreeMap;
use std::path::Path;

/// Opens the log in `dir`, with the help of peers where it is damaged. The caller holds the directory's lock.
pub(super) fn open(
    config: &ReplicaConfig,
    dir: &Path,
    options: &FrameLogOptions,
    wire: WireLimits,
    vote: Vote,
) -> Result<SegmentFrameLog, ReplicaError> {
    let corrupt = match SegmentFrameLog::open(dir, options) {
        Err(error @ Error::Corrupt { .. }) => error,
        outcome => return Ok(outcome?),
    };
    recovery::check_cluster(config, vote)?;
    // Where nothing says how far a file went, nobody can say what is missing.
    let damages = SegmentFrameLog::damages(dir).unwrap_or_default();
    let peers: Vec<NodeId> = config.known().into_keys().filter(|node| *node != config.raft.id).collect();
    if damages.is_empty() || peers.is_empty() || config.repair_within.is_zero() {
        return Err(corrupt.into());
    }
    log::emit(Level::Error, "log", format_args!("{corrupt}; asking {} nodes for it", peers.len()));
    let mut mender = Mender::start(config, wire, peers, vote.term)?;
    for gap in damages.chunk_by(|one, next| one.to().next() == next.from()) {
        let request = request(gap);
        let frames = mender.fetch(request).map_err(|why| gap[0].error(&format!("not mended: {why}")))?;
        mend(gap, &frames)?;
        let path = gap[0].path().display();
        log::emit(Level::Warn, "log", format_args!("mended: {} to {} in {path}", request.from, request.to));
    }
    // Its port is wanted again.
    drop(mender);
    Ok(SegmentFrameLog::open(dir, options)?)
}

/// What peers are asked about damages side by side.
fn request(gap: &[Damage]) -> RepairRequest {
    let (first, last) = (&gap[0], &gap[gap.len() - 1]);
    RepairRequest {
        from: first.from(),
        to: last.to(),
        before: first.term_before().unwrap_or_default(),
        behind: last.term_behind().unwrap_or_default(),
    }
}

/// Each damage with its part of the frames.
fn mend(gap: &[Damage], frames: &[Frame]) -> Result<(), ReplicaError> {
    let mut rest = frames;
    for damage in gap {
        let count = rest.partition_point(|frame| frame.base() <= damage.to());
        let (its, others) = rest.split_at(count);
        damage.mend(its).map_err(|error| match error {
            Error::OutOfOrder(what) => damage.error(&format!("what is committed does not fit: {what}")),
            error => error,
        })?;
        rest = others;
    }
    Ok(())
}

/// Where an entry that is missing may be had.
impl ReplicaConfig {
    /// Every node that this one has heard of without its log.
    fn known(&self) -> BTreeMap<NodeId, String> {
        let mut known = self.members.addresses.clone();
        known.extend(self.contacts.clone());
        known
    }
}
