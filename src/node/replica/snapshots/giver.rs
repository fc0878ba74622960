//! The thread that sends snapshots to peers that are behind the log.
//!
//! # Model
//! ```text
//! acked <= next <= acked + what may be under way
//!   Next(offset)  acked = offset; more is sent
//!   silence       next = acked, one chunk as a question; after SILENCES_MAX of these it did not arrive
//! ```
//! One that came half way goes on where it stopped when the link is there again, since its receiver says how far
//! it has got. Peers take turns, a chunk each.

use super::post::Taken;
use crate::env::Clock;
use crate::env::log::{self, Level};
use crate::node::replica::core::Shared;
use crate::raft::Input;
use crate::raft::wire::{Chunk, ChunkAnswer, ChunkReply, Letter};
use crate::storage::Error;
use crate::storage::snapshots::SnapshotFile;
use crate::types::{LogId, NodeId, Term, Tick};
use std::collections::BTreeMap;
use std::fs::File;
use std::time::Duration;

/// A peer that says nothing for so many times `resend_after` does not get it.
const SILENCES_MAX: u32 = 20;

/// What there is to do.
#[derive(Debug)]
pub(super) enum News {
    Wanted { to: NodeId, term: Term },
    Replied { from: NodeId, reply: ChunkReply },
}

/// A snapshot on its way.
#[derive(Debug)]
struct Way {
    term: Term,
    snapshot: SnapshotFile,
    file: File,
    /// It has everything before this.
    acked: u64,
    next: u64,
    /// When it was last heard, or asked.
    since: Tick,
    silences: u32,
}

pub(super) fn run(shared: &Shared) {
    let mut ways: BTreeMap<NodeId, Way> = BTreeMap::new();
    loop {
        let idle = if ways.is_empty() { Duration::MAX } else { shared.snapshots.options.resend_after };
        // While a chunk can leave, news are only looked at.
        let patience = if ways.values().any(|way| way.has_room(shared)) { Duration::ZERO } else { idle };
        match shared.snapshots.news.take(patience) {
            Taken::Item(News::Wanted { to, term }) => begin(shared, &mut ways, to, term),
            Taken::Item(News::Replied { from, reply }) => hear(shared, &mut ways, from, reply),
            Taken::Nothing => {}
            Taken::Closed => return,
        }
        let mut over = Vec::new();
        for (to, way) in &mut ways {
            if let Err(error) = way.go_on(shared, *to) {
                log::emit(Level::Warn, "log", format_args!("no snapshot for {to}: {error}"));
                over.push(*to);
            }
        }
        over.into_iter().for_each(|to| end(shared, &mut ways, to, None));
    }
}

fn begin(shared: &Shared, ways: &mut BTreeMap<NodeId, Way>, to: NodeId, term: Term) {
    let snapshot = shared.snapshots.latest();
    let opened = snapshot.and_then(|snapshot| snapshot.open().ok().map(|file| (snapshot, file)));
    match opened {
        Some((snapshot, file)) => {
            let since = shared.clock.now();
            ways.insert(to, Way { term, snapshot, file, acked: 0, next: 0, since, silences: 0 });
        }
        None => end(shared, ways, to, None),
    }
}

fn hear(shared: &Shared, ways: &mut BTreeMap<NodeId, Way>, from: NodeId, reply: ChunkReply) {
    let Some(way) = ways.get_mut(&from).filter(|way| way.snapshot.digest == reply.digest) else { return };
    match reply.answer {
        _ if reply.term > way.term => end(shared, ways, from, None),
        ChunkAnswer::Next(offset) => way.acknowledge(offset, shared.clock.now()),
        ChunkAnswer::Whole => {
            let last = way.snapshot.head.last;
            end(shared, ways, from, Some(last));
        }
        ChunkAnswer::Refused => end(shared, ways, from, None),
    }
}

fn end(shared: &Shared, ways: &mut BTreeMap<NodeId, Way>, to: NodeId, arrived: Option<LogId>) {
    ways.remove(&to);
    shared.step(Input::SnapshotSent { to, arrived });
}

impl Way {
    fn has_room(&self, shared: &Shared) -> bool {
        let options = &shared.snapshots.options;
        let under_way = (options.chunk_bytes * options.chunks_inflight_max) as u64;
        self.silences == 0 && self.next < self.snapshot.bytes && self.next < self.acked + under_way
    }

    /// The receiver has everything before `offset`. An answer to an earlier chunk than one that was answered
    /// changes nothing, unless the receiver has lost what it had.
    fn acknowledge(&mut self, offset: u64, now: Tick) {
        if offset > self.acked && offset <= self.snapshot.bytes {
            (self.acked, self.next) = (offset, self.next.max(offset));
            (self.since, self.silences) = (now, 0);
        } else if offset == 0 && self.silences > 0 {
            (self.acked, self.next, self.since) = (0, 0, now);
        }
    }

    /// Sends what may be sent now.
    fn go_on(&mut self, shared: &Shared, to: NodeId) -> Result<(), Error> {
        let (now, options) = (shared.clock.now(), &shared.snapshots.options);
        if now.since(self.since) >= options.resend_after {
            self.silences += 1;
            if self.silences > SILENCES_MAX || !shared.leads_in(self.term) {
                let silence = std::io::Error::from(std::io::ErrorKind::TimedOut);
                let (operation, path) = ("send", self.snapshot.path().to_path_buf());
                return Err(Error::Io { operation, path, source: silence });
            }
            (self.next, self.since) = (self.acked.min(self.snapshot.bytes - 1), now);
            return self.send_one(shared, to);
        }
        if self.has_room(shared) {
            self.send_one(shared, to)?;
        }
        Ok(())
    }

    fn send_one(&mut self, shared: &Shared, to: NodeId) -> Result<(), Error> {
        let snapshot = &self.snapshot;
        let data = snapshot.read_at(&self.file, self.next, shared.snapshots.options.chunk_bytes)?;
        let offset = self.next;
        self.next += data.len() as u64;
        let (term, last, bytes, digest) = (self.term, snapshot.head.last, snapshot.bytes, snapshot.digest);
        shared.send(to, &Letter::Chunk(Chunk { term, last, bytes, digest, offset, data }));
        Ok(())
    }
}
