//! What the disk holds, as the core wants to hear it.

use super::{ReplicaConfig, ReplicaError};
use crate::frame::Frame;
use crate::raft::{Membership, Recovered, Snapshot, Vote};
use crate::storage::frames::{FrameLog, FrameReader};
use crate::storage::votes::VoteStore;
use crate::types::{ClusterId, Index, NodeId, Term, UnixNanos};
use std::collections::BTreeMap;

impl ReplicaConfig {
    fn is_first(&self) -> bool {
        self.members.addresses.contains_key(&self.raft.id)
    }

    /// Where the log of this node begins: one that is added later learns from the log who is in.
    fn first_members(&self) -> Membership {
        if self.is_first() { self.members.clone() } else { Membership::default() }
    }

    /// Whom a node knows beside those that its log names.
    pub(super) fn contacts(&self) -> BTreeMap<NodeId, String> {
        let mut contacts = if self.is_first() { BTreeMap::new() } else { self.members.addresses.clone() };
        contacts.extend(self.contacts.clone());
        contacts
    }
}

/// The core's part of it, and the last index of the log.
pub(super) fn recover(
    config: &ReplicaConfig,
    votes: &dyn VoteStore,
    log: &dyn FrameLog,
) -> Result<(Recovered, Index), ReplicaError> {
    let (vote, reader) = (votes.load(), log.reader());
    if (vote.term > Term::ORIGIN || log.durable() > Index::ORIGIN)
        && ClusterId(vote.cluster) != config.cluster
    {
        let dir = config.dir.display();
        return Err(ReplicaError::Config(format!("{dir} belongs to another cluster")));
    }
    let (first, last) = (reader.first(), reader.last());
    if first != Index::ORIGIN.next() {
        return Err(ReplicaError::Config(format!("the log begins at {first}, and there is no snapshot")));
    }
    if config.applied > last {
        return Err(ReplicaError::Config(format!("applied is {}, the log ends at {last}", config.applied)));
    }
    let mut terms: Vec<(Term, Index)> = Vec::new();
    reader.heads(first, &mut |head| {
        if terms.last().is_none_or(|(term, _)| *term < head.term) {
            terms.push((head.term, head.base));
        }
        true
    })?;
    // A vote that was lost would be given a second time.
    if let Some((term, _)) = terms.last().filter(|(term, _)| *term > vote.term) {
        let text =
            format!("the log has entries of term {term}, the vote knows {} only: it was lost", vote.term);
        return Err(ReplicaError::Config(text));
    }
    let time = frame_at(&*reader, last)?.map_or(UnixNanos::default(), |frame| frame.time());
    let recovered = Recovered {
        vote: Vote { term: vote.term, candidate: vote.candidate },
        snapshot: Snapshot { membership: config.first_members(), ..Snapshot::default() },
        terms,
        last,
        time,
        memberships: memberships(&*reader)?,
    };
    Ok((recovered, last))
}

fn frame_at(reader: &dyn FrameReader, index: Index) -> Result<Option<Frame>, ReplicaError> {
    // One frame, however large.
    Ok(reader.read(index, 1)?.into_iter().next())
}

fn memberships(reader: &dyn FrameReader) -> Result<Vec<(Index, Membership)>, ReplicaError> {
    let mut found = Vec::new();
    for index in reader.memberships() {
        let frame = frame_at(reader, index)?;
        let entry =
            frame.as_ref().and_then(|frame| frame.entries().next()).map_or(&[][..], |entry| entry.bytes);
        let membership = Membership::decode(entry)
            .map_err(|fault| ReplicaError::Config(format!("the members at {index}: {fault}")))?;
        found.push((index, membership));
    }
    Ok(found)
}
