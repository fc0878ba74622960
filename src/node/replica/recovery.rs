//! What the disk holds, as the core wants to hear it.
//!
//! # Model
//! ```text
//! older snapshot | log                       the usual state: the core begins at the older one (T1 of `snapshots`)
//!        newest snapshot | ...               host and deduplication begin at the newer one
//!
//! log |   newest snapshot                    a crash before the log was reset behind it, or in the middle of that:
//!                                            it is reset now
//! ```
//! A snapshot that is damaged is missed only where the log does not go on from an older one, or from its beginning.

use super::snapshots::{read_dedup, read_members};
use super::{ReplicaConfig, ReplicaError};
use crate::dedup::{Dedup, DedupLimits};
use crate::env::log::{self, Level};
use crate::frame::Frame;
use crate::net;
use crate::raft::wire::WireLimits;
use crate::raft::{ADDRESS_BYTES_MAX, MEMBERS_MAX, Membership, Recovered, Snapshot, Vote};
use crate::storage::frames::{FrameLog, FrameReader, follow_snapshot};
use crate::storage::snapshots::{SnapshotFile, SnapshotShelf, Stored};
use crate::storage::votes::{self, VoteStore};
use crate::types::{ClusterId, Index, NodeId, Term};
use std::collections::BTreeMap;

impl ReplicaConfig {
    fn is_first(&self) -> bool {
        self.members.addresses.contains_key(&self.raft.id)
    }

    /// Others would take such members for bytes that were changed on the way.
    pub(super) fn check_members(&self) -> Result<(), ReplicaError> {
        if self.members.addresses.is_empty() || self.members.is_sound() {
            return Ok(());
        }
        let text = format!(
            "these cannot be members together: there is a voter among them, they are at most {MEMBERS_MAX}, and an \
             address has at most {ADDRESS_BYTES_MAX} bytes"
        );
        Err(ReplicaError::Config(text))
    }

    /// Whether the largest message finds room where messages wait.
    pub(super) fn check_outbox(&self, wire: &WireLimits) -> Result<(), ReplicaError> {
        let message = wire.message_bytes_max.max(self.snapshots.message_bytes());
        let room = self.net.outbox_bytes_max;
        if room < message + net::ENVELOPE_BYTES {
            let text = format!("outbox_bytes_max is {room}, and the largest message has {message} bytes");
            return Err(ReplicaError::Config(text));
        }
        Ok(())
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

/// Where a node stands when it starts.
#[derive(Debug)]
pub(super) struct Standing {
    /// The core's part of it.
    pub(super) recovered: Recovered,
    /// The last entry of the log, or that the state in the snapshot stands for where it ends before that.
    pub(super) last: Index,
    /// What the host begins with, if it is behind that, and the last entry that its state in it stands for.
    pub(super) newest: Option<(SnapshotFile, Index)>,
    pub(super) shelf: SnapshotShelf,
}

/// Puts together what log, votes and snapshots say.
pub(super) fn recover(
    config: &ReplicaConfig,
    votes: &dyn VoteStore,
    log: &mut dyn FrameLog,
    (shelf, stored): (SnapshotShelf, Stored),
) -> Result<Standing, ReplicaError> {
    let vote = votes.load();
    if vote.term > Term::ORIGIN || log.durable() > Index::ORIGIN {
        check_cluster(config, vote)?;
    }
    miss_damaged(&shelf, &stored, log)?;
    let newest = stored.newest;
    let mut position = Index::ORIGIN;
    if let Some(file) = &newest {
        position = check(config, file, vote.term)?;
        if follow_snapshot(log, file.head.last)? {
            shelf.prune(file.head.last.index, 1)?;
        }
    }
    let reader = log.reader();
    let last = reader.last().max(newest.as_ref().map_or(Index::ORIGIN, |file| file.head.last.index));
    let end = last.max(position);
    if config.applied > end {
        return Err(ReplicaError::Config(format!("applied is {}, the log ends at {end}", config.applied)));
    }
    let base = base(config, &shelf, (&newest, &stored.older), &*reader)?;
    let terms = terms(&*reader, base.last.index.next())?;
    // A vote that was lost would be given a second time.
    if let Some((term, _)) = terms.last().filter(|(term, _)| *term > vote.term) {
        return Err(ReplicaError::Config(lost_vote(*term, vote.term)));
    }
    let time = frame_at(&*reader, last)?.map_or(base.time, |frame| frame.time());
    let memberships = memberships(&*reader, base.last.index)?;
    let vote = Vote { term: vote.term, candidate: vote.candidate };
    // Without a log behind the newest one, the core begins there.
    let recovered = Recovered { vote, snapshot: base, terms, last, time, memberships };
    Ok(Standing { recovered, last: end, newest: newest.map(|file| (file, position)), shelf })
}

pub(super) fn lost_vote(term: Term, known: Term) -> String {
    format!("the log has entries of term {term}, the vote knows {known} only: it was lost")
}

/// Whether a directory that is in use is one of this cluster.
pub(super) fn check_cluster(config: &ReplicaConfig, vote: votes::Vote) -> Result<(), ReplicaError> {
    if ClusterId(vote.cluster) == config.cluster {
        return Ok(());
    }
    Err(ReplicaError::Config(format!("{} belongs to another cluster", config.dir.display())))
}

/// Damaged snapshots go, if nothing is missed without them.
fn miss_damaged(shelf: &SnapshotShelf, stored: &Stored, log: &dyn FrameLog) -> Result<(), ReplicaError> {
    let start = stored.newest.as_ref().map_or(Index::ORIGIN, |file| file.head.last.index);
    for (index, error) in &stored.damaged {
        if log.first() > start.next() || log.last() < *index {
            let text =
                format!("{error}; without it the log, {} to {}, is not whole", log.first(), log.last());
            return Err(ReplicaError::Failed(text.into()));
        }
        log::emit(Level::Warn, "log", format_args!("a snapshot is given up: {error}"));
        shelf.remove(*index)?;
    }
    Ok(())
}

/// Answers the last entry that the host's state in it stands for.
fn check(config: &ReplicaConfig, file: &SnapshotFile, term: Term) -> Result<Index, ReplicaError> {
    let path = file.path().display();
    if file.head.cluster != config.cluster {
        return Err(ReplicaError::Config(format!("{path} belongs to another cluster")));
    }
    if file.head.last.term > term {
        let known = file.head.last.term;
        return Err(ReplicaError::Config(format!("{path} is of term {known}, the vote knows {term} only")));
    }
    check_dedup(&config.dedup, file)
}

/// Whether it was written under these limits, which belong to the cluster.
fn check_dedup(limits: &DedupLimits, file: &SnapshotFile) -> Result<Index, ReplicaError> {
    let path = file.path().display();
    let mut blocks = file.read()?;
    let read = read_members(&mut blocks).and_then(|_| read_dedup(&mut blocks));
    let (bytes, position) = read.map_err(|error| ReplicaError::Failed(format!("{path}: {error}").into()))?;
    Dedup::check_limits(&bytes, limits)
        .map_err(|fault| ReplicaError::Config(format!("{path} was written under other limits: {fault}")))?;
    Ok(position)
}

/// Where the core's log begins: at the oldest snapshot that the log goes on from, so that as much of it as is there
/// serves followers; without snapshots at the beginning.
fn base(
    config: &ReplicaConfig,
    shelf: &SnapshotShelf,
    (newest, older): (&Option<SnapshotFile>, &[Index]),
    reader: &dyn FrameReader,
) -> Result<Snapshot, ReplicaError> {
    let first = reader.first();
    let Some(newest) = newest else {
        if first != Index::ORIGIN.next() {
            return Err(ReplicaError::Config(format!("the log begins at {first}, and there is no snapshot")));
        }
        return Ok(Snapshot { membership: config.first_members(), ..Snapshot::default() });
    };
    if first > newest.head.last.index.next() {
        let (path, end) = (newest.path().display(), newest.head.last.index);
        return Err(ReplicaError::Config(format!("the log begins at {first}, {path} ends at {end}")));
    }
    for index in older.iter().filter(|index| index.next() >= first) {
        // Nobody vouches for an older one: one that is not sound is not used.
        let found = shelf.peek(*index).ok().and_then(|mut blocks| read_members(&mut blocks).ok());
        let is_there = |snapshot: &Snapshot| {
            let term = reader.term_at(*index);
            snapshot.last.index == *index && term.is_none_or(|term| term == snapshot.last.term)
        };
        if let Some(snapshot) = found.filter(is_there) {
            return Ok(snapshot);
        }
    }
    let unreadable = |source| {
        let path = newest.path().display();
        ReplicaError::Failed(format!("{path}: {source}").into())
    };
    read_members(&mut newest.read()?).map_err(unreadable)
}

fn terms(reader: &dyn FrameReader, from: Index) -> Result<Vec<(Term, Index)>, ReplicaError> {
    let mut terms: Vec<(Term, Index)> = Vec::new();
    if from > reader.last() {
        return Ok(terms);
    }
    reader.heads(from, &mut |head| {
        if terms.last().is_none_or(|(term, _)| *term < head.term) {
            terms.push((head.term, head.base));
        }
        true
    })?;
    Ok(terms)
}

fn frame_at(reader: &dyn FrameReader, index: Index) -> Result<Option<Frame>, ReplicaError> {
    // One frame, however large.
    Ok(reader.read(index, 1)?.into_iter().next())
}

/// The membership entries after `base`.
fn memberships(reader: &dyn FrameReader, base: Index) -> Result<Vec<(Index, Membership)>, ReplicaError> {
    let mut found = Vec::new();
    for index in reader.memberships().into_iter().filter(|index| *index > base) {
        let frame = frame_at(reader, index)?;
        let entry =
            frame.as_ref().and_then(|frame| frame.entries().next()).map_or(&[][..], |entry| entry.bytes);
        let membership = Membership::decode(entry)
            .map_err(|fault| ReplicaError::Config(format!("the members at {index}: {fault}")))?;
        found.push((index, membership));
    }
    Ok(found)
}
