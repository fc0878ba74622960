//! Snapshots of a replica: taken of the host's state, sent to who is behind the log, put in place of a log.
//!
//! # Model
//! ```text
//! "duo-log-apply": state, at the end of a frame --> "duo-log-snap": file --> Compacted --> the log's front is cut
//! SendSnapshot --> "duo-log-give": chunks --> peer's "duo-log-get": draft, verified --> SnapshotReceived
//!        ^------ chunk replies -----------------------'                                  | Install
//!                     "duo-log-write": draft gets its name, the log is reset <-----------'
//!                            `--> Installed, and "duo-log-apply": the host's `restore`
//! ```
//! A host that is polled gives its state itself, and "duo-log-snap" makes a snapshot of it: see `given`. What is in a
//! snapshot says `sections`.
//!
//! # Invariants
//! T1 the log reaches back to the older of two snapshots: one that turns out to be damaged costs nothing. After a
//! snapshot of a peer took the log's place there is only that one.
//! T2 a snapshot is durable before anything that it stands for goes: before the log's front is cut, before the log
//! is reset, before the snapshots before it are removed. A crash in between is recovered at the next opening.
//! T3 what came from a peer is verified as a whole, its digest, its cluster and its members included, before the
//! core hears of it.
//! T4 neither votes nor heartbeats nor the appends of others wait for a chunk that the system has not taken yet: chunks
//! go behind everything urgent, and at most `chunks_inflight_max` are under way that their receiver has not acknowledged.
//!
//! # Limits
//! [`SnapshotOptions`]. Memory for a peer that is sent to: the chunks under way; for one that sends: the same, at
//! most [`CHUNKS_WAITING_MAX`] of them. One snapshot is taken and one is taken in at a time.

mod due;
mod given;
mod giver;
mod lending;
mod post;
mod receiver;
mod sections;
mod steps;
mod taker;

pub(super) use due::Due;
pub(super) use given::Given;
pub(super) use post::{Post, Room, Taken};
pub(super) use receiver::Received;
pub(super) use sections::{HOST, read_dedup, read_members, skip_to_position};
pub(super) use taker::{Take, Work};

use super::ReplicaError;
use super::core::Shared;
use crate::raft::wire::{CHUNK_BYTES_MAX, Chunk, ChunkReply, Kind};
use crate::storage::Error;
use crate::storage::snapshots::{SnapshotFile, SnapshotShelf};
use crate::types::{Index, NodeId, Term};
use giver::News;
use lending::Lending;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::time::Duration;

/// Snapshots that are kept.
pub(super) const KEPT: usize = 2;
/// Chunks that wait for the disk of who takes them in; more are dropped and sent again.
const CHUNKS_WAITING_MAX: usize = 64;
/// Answers that wait for who sends; more are dropped, as any message may be.
const NEWS_MAX: usize = 4_096;

/// When snapshots are taken, how much of the log stays, and how they travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotOptions {
    /// Entries after which the host is asked for another snapshot. Too few, and the node does little else; too
    /// many, and opening replays for long.
    pub every_entries: u64,
    /// Bytes of frames after which it is. The log takes about twice as many on disk, one file, and what comes while
    /// two snapshots are written.
    pub every_bytes: u64,
    /// Entries before the newest snapshot that the log keeps at least, for followers that were away for a moment:
    /// frames are sent faster than a whole state.
    pub tail_entries: u64,
    /// Bytes of one chunk, up to [`CHUNK_BYTES_MAX`]. A heartbeat may wait for one.
    pub chunk_bytes: usize,
    /// Chunks under way to one peer, up to 64. Too few are slow where the way is long; too many
    /// delay heartbeats where it is slow, since what the system has taken is not overtaken.
    pub chunks_inflight_max: usize,
    /// Chunks that bring nothing for so long are sent again, the first of them as a question.
    pub resend_after: Duration,
    /// Largest snapshot that is taken in from a peer, in bytes.
    pub bytes_max: u64,
}

impl Default for SnapshotOptions {
    fn default() -> Self {
        Self {
            every_entries: 10_000_000,
            every_bytes: 512 << 20,
            tail_entries: 100_000,
            chunk_bytes: 256 << 10,
            chunks_inflight_max: 8,
            resend_after: Duration::from_millis(500),
            bytes_max: 1 << 40,
        }
    }
}

impl SnapshotOptions {
    /// Bytes of a message with a chunk, behind its envelope.
    pub(super) const fn message_bytes(&self) -> usize {
        Kind::Chunk.fixed_bytes() + self.chunk_bytes.next_multiple_of(8)
    }

    pub(super) fn check(&self) -> Result<(), ReplicaError> {
        let rules = [
            (self.every_entries == 0, "snapshots.every_entries is 0"),
            (self.every_bytes == 0, "snapshots.every_bytes is 0"),
            (self.chunk_bytes == 0, "snapshots.chunk_bytes is 0"),
            (self.chunk_bytes > CHUNK_BYTES_MAX, "snapshots.chunk_bytes is above 1 MiB"),
            (self.chunks_inflight_max == 0, "snapshots.chunks_inflight_max is 0"),
            (self.chunks_inflight_max > CHUNKS_WAITING_MAX, "snapshots.chunks_inflight_max is above 64"),
            (self.resend_after.is_zero(), "snapshots.resend_after is 0"),
            (self.bytes_max == 0, "snapshots.bytes_max is 0"),
        ];
        match rules.into_iter().find(|(broken, _)| *broken) {
            Some((_, rule)) => Err(ReplicaError::Config(rule.to_owned())),
            None => Ok(()),
        }
    }
}

/// The newest snapshot of this node.
#[derive(Debug, Default)]
struct Newest {
    file: Option<SnapshotFile>,
    /// The last entry that the host's state in it stands for: that of the file, or one in the frame behind it.
    position: Index,
    /// One that turned out to be damaged. It stays until there is another: nothing goes before that is durable (T2).
    damaged: Option<Index>,
    /// The next one is due at once.
    is_missed: bool,
}

/// What the threads that carry snapshots share.
#[derive(Debug)]
pub(super) struct Snapshots {
    pub(super) options: SnapshotOptions,
    pub(super) shelf: SnapshotShelf,
    newest: Mutex<Newest>,
    /// What is to be written; at most one.
    takes: Post<Work>,
    /// For a state that is given where no snapshot is sound.
    pub(super) lending: Lending,
    news: Post<News>,
    /// Who wants a snapshot, and in which term: one for each member, so that none is dropped.
    wishes: Mutex<BTreeMap<NodeId, Term>>,
    chunks: Post<(NodeId, Chunk)>,
}

impl Newest {
    fn of(file: SnapshotFile, position: Index) -> Self {
        Self { file: Some(file), position, ..Self::default() }
    }

    fn end(&self) -> Index {
        self.file.as_ref().map_or(Index::ORIGIN, |file| file.head.last.index)
    }
}

impl Snapshots {
    /// `latest` is the newest one, and the last entry that the host's state in it stands for.
    pub(super) fn new(
        options: SnapshotOptions,
        shelf: SnapshotShelf,
        latest: Option<(SnapshotFile, Index)>,
    ) -> Self {
        let newest = latest.map_or_else(Newest::default, |(file, position)| Newest::of(file, position));
        Self {
            options,
            shelf,
            newest: Mutex::new(newest),
            takes: Post::new(1),
            lending: Lending::new(),
            news: Post::new(NEWS_MAX),
            wishes: Mutex::default(),
            chunks: Post::new(CHUNKS_WAITING_MAX),
        }
    }

    pub(super) fn latest(&self) -> Option<SnapshotFile> {
        self.newest.lock().file.clone()
    }

    /// The same, with the last entry that the host's state in it stands for.
    pub(super) fn latest_state(&self) -> Option<(SnapshotFile, Index)> {
        let newest = self.newest.lock();
        newest.file.clone().map(|file| (file, newest.position))
    }

    /// The end of the newest one.
    pub(super) fn end(&self) -> Index {
        self.newest.lock().end()
    }

    /// The last entry that the host's state in the newest one stands for.
    pub(super) fn position(&self) -> Index {
        self.newest.lock().position
    }

    /// Makes `file` the newest one, unless there is a newer one meanwhile. Returns the end of the one before, and the
    /// damaged one that it stands in for.
    fn renew(&self, file: &SnapshotFile, position: Index) -> Option<(Index, Option<Index>)> {
        let mut newest = self.newest.lock();
        let (before, last) = (newest.end(), file.head.last.index);
        (before < last).then(|| {
            let damaged = newest.damaged.filter(|damaged| *damaged < last);
            *newest = Newest::of(file.clone(), position);
            (before, damaged)
        })
    }

    /// `file` is damaged: it is not sent any more, and the host is asked for another.
    fn forget(&self, file: &SnapshotFile) {
        let mut newest = self.newest.lock();
        if newest.file.as_ref() == Some(file) {
            let damaged = Some(file.head.last.index);
            *newest = Newest { damaged, is_missed: true, ..Newest::default() };
        }
    }

    /// Somebody wants a snapshot, and there is none.
    fn miss(&self) {
        self.newest.lock().is_missed = true;
    }

    /// Whether a snapshot is wanted before it is due.
    pub(super) fn is_missed(&self) -> bool {
        self.newest.lock().is_missed
    }

    /// The host was asked; once is enough, until somebody misses one again.
    pub(super) fn asked(&self) {
        self.newest.lock().is_missed = false;
    }

    /// Whether a snapshot can be taken now.
    pub(super) fn is_idle(&self) -> bool {
        self.takes.is_idle()
    }

    pub(super) fn take(&self, take: Take) {
        // One that finds no room is left out: there will be another.
        self.takes.push(Work::Take(take));
    }

    /// Room for a state that a host gives; none when another one waits already, or the end has come. One that was given
    /// up takes none.
    pub(super) fn reserve(&self) -> Option<Room<'_, Work>> {
        drop(self.takes.weed(Work::is_given_up));
        self.takes.reserve()
    }

    /// A peer needs a snapshot, says the core.
    pub(super) fn send(&self, to: NodeId, term: Term) {
        self.wishes.lock().insert(to, term);
        // Where there is no room for it, whoever takes the others looks at the wishes too.
        self.news.push(News::Wanted);
    }

    /// Who wants one since the last time.
    fn wishes(&self) -> BTreeMap<NodeId, Term> {
        std::mem::take(&mut *self.wishes.lock())
    }

    pub(super) fn replied(&self, from: NodeId, reply: ChunkReply) {
        self.news.push(News::Replied { from, reply });
    }

    /// Dropped when too many wait: its sender sends it again.
    pub(super) fn came(&self, from: NodeId, chunk: Chunk) {
        self.chunks.push((from, chunk));
    }

    /// Puts a snapshot of a peer in place: its file, durably. The caller resets the log next.
    pub(super) fn adopt(&self, received: Received) -> Result<SnapshotFile, Error> {
        let file = received.draft.keep(&received.file)?;
        *self.newest.lock() = Newest::of(file.clone(), received.position);
        Ok(file)
    }

    /// Whether the replica has ended, so that nobody wants more of a snapshot that is written or read.
    pub(super) fn is_over(&self) -> bool {
        self.takes.is_closed()
    }

    /// Ends the threads. What waited to be written comes back, to be dropped where no lock is held: its host is told.
    pub(super) fn close(&self) -> impl Sized + use<> {
        self.news.close();
        self.chunks.close();
        (self.takes.close(), self.lending.close())
    }
}

type Body = fn(&Shared);

/// The bodies of the threads, by name.
pub(super) const THREADS: [(&str, Body); 3] =
    [("duo-log-snap", taker::run), ("duo-log-give", giver::run), ("duo-log-get", receiver::run)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_kept_where_answers_have_taken_all_the_room() {
        let dir = std::env::temp_dir().join(format!("duochain-wishes-{}", std::process::id()));
        let (shelf, _) = SnapshotShelf::open(&dir).unwrap();
        let snapshots = Snapshots::new(SnapshotOptions::default(), shelf, None);
        let (to, term) = (NodeId::new(2).unwrap(), Term::new(3));
        let reply = ChunkReply { term, digest: [0; 32], answer: crate::raft::wire::ChunkAnswer::Whole };
        (0..=NEWS_MAX).for_each(|_| snapshots.replied(to, reply));
        snapshots.send(to, term);
        snapshots.send(to, term.next());
        assert_eq!(snapshots.wishes(), [(to, term.next())].into());
        assert!(snapshots.wishes().is_empty(), "once");
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn options_that_cannot_be_are_named() {
        let usual = SnapshotOptions::default();
        assert!(usual.check().is_ok());
        let table = [
            (SnapshotOptions { every_entries: 0, ..usual }, "every_entries"),
            (SnapshotOptions { every_bytes: 0, ..usual }, "every_bytes"),
            (SnapshotOptions { chunk_bytes: 0, ..usual }, "chunk_bytes"),
            (SnapshotOptions { chunk_bytes: CHUNK_BYTES_MAX + 1, ..usual }, "chunk_bytes"),
            (SnapshotOptions { chunks_inflight_max: 0, ..usual }, "chunks_inflight_max"),
            (SnapshotOptions { chunks_inflight_max: CHUNKS_WAITING_MAX + 1, ..usual }, "chunks_inflight_max"),
            (SnapshotOptions { resend_after: Duration::ZERO, ..usual }, "resend_after"),
            (SnapshotOptions { bytes_max: 0, ..usual }, "bytes_max"),
        ];
        for (options, name) in table {
            let error = options.check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("snapshots.{name} ")), "{error}");
        }
    }
}
