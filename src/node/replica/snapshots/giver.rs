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
//!
//! A peer that did not get its snapshot, or did not take it, gets none for a while, which grows with each failure in a
//! row: most reasons for that (a full disk there, a limit, a version) do not pass by asking. Where it refused after it
//! had all of it, or where the file cannot be read here, the file is verified, and forgotten if it is damaged.

use super::post::Taken;
use crate::env::Clock;
use crate::env::log::{self, Level};
use crate::node::replica::core::Shared;
use crate::raft::Input;
use crate::raft::wire::{Chunk, ChunkAnswer, ChunkReply, Letter};
use crate::resilience::Backoff;
use crate::storage::Error;
use crate::storage::snapshots::SnapshotFile;
use crate::types::{LogId, NodeId, Term, Tick};
use std::collections::BTreeMap;
use std::fs::File;
use std::time::Duration;

/// A peer that says nothing for so many times `resend_after` does not get it.
const SILENCES_MAX: u32 = 20;
/// Longest rest of a peer, unless `resend_after` is longer.
const REST_MAX: Duration = Duration::from_secs(60);

/// What there is to do.
#[derive(Debug)]
pub(super) enum News {
    /// Somebody wants one: see `Snapshots::wishes`.
    Wanted,
    Replied {
        from: NodeId,
        reply: ChunkReply,
    },
}

/// The state of the thread.
struct Giver<'a> {
    shared: &'a Shared,
    ways: BTreeMap<NodeId, Way>,
    /// Who wants one, asked for in which term.
    wanted: BTreeMap<NodeId, Term>,
    /// Whose last one did not arrive.
    rests: BTreeMap<NodeId, Rest>,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    failures: u32,
    until: Tick,
}

/// Why a snapshot does not go on.
#[derive(Debug)]
enum Halt {
    Silence,
    Unreadable(Error),
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
    let mut giver = Giver { shared, ways: BTreeMap::new(), wanted: BTreeMap::new(), rests: BTreeMap::new() };
    loop {
        match shared.snapshots.news.take(giver.patience()) {
            Taken::Item(News::Replied { from, reply }) => giver.hear(from, reply),
            Taken::Item(News::Wanted) | Taken::Nothing => {}
            Taken::Closed => return,
        }
        giver.wanted.append(&mut shared.snapshots.wishes());
        giver.begin_due();
        giver.go_on();
    }
}

impl Giver<'_> {
    /// How long there is nothing to do unless somebody says something.
    fn patience(&self) -> Duration {
        let options = &self.shared.snapshots.options;
        // While a chunk can leave, news are only looked at.
        if self.ways.values().any(|way| way.has_room(self.shared)) {
            return Duration::ZERO;
        }
        let now = self.shared.clock.now();
        let rest = |to| self.rests.get(to).map_or(Duration::ZERO, |rest: &Rest| rest.until.since(now));
        let resend = if self.ways.is_empty() { Duration::MAX } else { options.resend_after };
        self.wanted.keys().map(rest).min().unwrap_or(Duration::MAX).min(resend)
    }

    fn begin_due(&mut self) {
        let now = self.shared.clock.now();
        let is_due = |to: &NodeId| self.rests.get(to).is_none_or(|rest| rest.until <= now);
        let due: Vec<_> = self.wanted.keys().copied().filter(is_due).collect();
        for to in due {
            if let Some(term) = self.wanted.remove(&to) {
                self.begin(to, term);
            }
        }
    }

    fn begin(&mut self, to: NodeId, term: Term) {
        let snapshots = &self.shared.snapshots;
        // Whoever was deposed since then may have a snapshot by now that is of a later term than its own was.
        if !self.shared.leads_in(term) {
            self.rests.remove(&to);
            return;
        }
        let Some(snapshot) = snapshots.latest() else {
            snapshots.miss();
            return self.fail(to);
        };
        match snapshot.open() {
            Ok(file) => {
                let since = self.shared.clock.now();
                self.ways.insert(to, Way { term, snapshot, file, acked: 0, next: 0, since, silences: 0 });
            }
            Err(error) => {
                log::emit(Level::Warn, "log", format_args!("no snapshot for {to}: {error}"));
                self.fail(to);
            }
        }
    }

    fn hear(&mut self, from: NodeId, reply: ChunkReply) {
        let Some(way) = self.ways.get_mut(&from).filter(|way| way.snapshot.digest == reply.digest) else {
            return;
        };
        match reply.answer {
            _ if reply.term > way.term => self.end(from, None),
            ChunkAnswer::Next(offset) => way.acknowledge(offset, self.shared.clock.now()),
            ChunkAnswer::Whole => {
                let last = way.snapshot.head.last;
                self.rests.remove(&from);
                self.end(from, Some(last));
            }
            ChunkAnswer::Refused => {
                let (snapshot, was_sent) = (way.snapshot.clone(), way.next == way.snapshot.bytes);
                let (path, bytes) = (snapshot.path().display(), snapshot.bytes);
                log::emit(Level::Warn, "log", format_args!("{from} does not take {path}, {bytes} bytes"));
                if was_sent {
                    self.inspect(&snapshot);
                }
                self.fail(from);
            }
        }
    }

    /// Sends what may be sent now.
    fn go_on(&mut self) {
        let shared = self.shared;
        let halted = |(to, way): (&NodeId, &mut Way)| {
            let halt = way.go_on(shared, *to).err()?;
            Some((*to, way.snapshot.clone(), halt))
        };
        let halted: Vec<_> = self.ways.iter_mut().filter_map(halted).collect();
        for (to, snapshot, halt) in halted {
            match halt {
                Halt::Silence => {
                    log::emit(Level::Warn, "log", format_args!("no snapshot for {to}, which says nothing"));
                }
                Halt::Unreadable(error) => {
                    log::emit(Level::Warn, "log", format_args!("no snapshot for {to}: {error}"));
                    self.inspect(&snapshot);
                }
            }
            self.fail(to);
        }
    }

    /// Verifies a file that a peer may have refused for what is in it. Others wait meanwhile.
    fn inspect(&self, snapshot: &SnapshotFile) {
        let path = snapshot.path().display();
        match snapshot.is_damaged(&|| self.shared.snapshots.is_over()) {
            Ok(false) => {}
            Ok(true) => {
                let what = format_args!("{path} is not what was written; the host is asked for another");
                log::emit(Level::Error, "log", what);
                self.shared.snapshots.forget(snapshot);
            }
            Err(error) => log::emit(Level::Warn, "log", format_args!("{path} was not verified: {error}")),
        }
    }

    /// It did not arrive: the next one has to wait.
    fn fail(&mut self, to: NodeId) {
        let min = self.shared.snapshots.options.resend_after;
        let backoff = Backoff { min, max: REST_MAX.max(min), multiplier: 2 };
        let failures = self.rests.get(&to).map_or(1, |rest| rest.failures.saturating_add(1));
        let until = self.shared.clock.now().after(backoff.delay(failures));
        self.rests.insert(to, Rest { failures, until });
        self.end(to, None);
    }

    fn end(&mut self, to: NodeId, arrived: Option<LogId>) {
        self.ways.remove(&to);
        self.shared.step(Input::SnapshotSent { to, arrived });
    }
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
    fn go_on(&mut self, shared: &Shared, to: NodeId) -> Result<(), Halt> {
        let (now, options) = (shared.clock.now(), &shared.snapshots.options);
        if now.since(self.since) >= options.resend_after {
            self.silences += 1;
            if self.silences > SILENCES_MAX || !shared.leads_in(self.term) {
                return Err(Halt::Silence);
            }
            (self.next, self.since) = (self.acked.min(self.snapshot.bytes - 1), now);
            return self.send_one(shared, to);
        }
        if self.has_room(shared) {
            self.send_one(shared, to)?;
        }
        Ok(())
    }

    fn send_one(&mut self, shared: &Shared, to: NodeId) -> Result<(), Halt> {
        let snapshot = &self.snapshot;
        let data = snapshot.read_at(&self.file, self.next, shared.snapshots.options.chunk_bytes);
        let data = data.map_err(Halt::Unreadable)?;
        let offset = self.next;
        self.next += data.len() as u64;
        let (term, last, bytes, digest) = (self.term, snapshot.head.last, snapshot.bytes, snapshot.digest);
        shared.send(to, &Letter::Chunk(Chunk { term, last, bytes, digest, offset, data }));
        Ok(())
    }
}
