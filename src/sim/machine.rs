//! The replicated state machine of the simulated hosts: a list that sessions append to, each operation once.
//!
//! # Model
//! A session is opened by an entry and named by that entry's index, so no two have one name. It remembers
//! its last operation: the same again answers the same, an earlier one is stale. Its time to live is counted
//! in log time, and there are at most [`SESSIONS_MAX`]: all of it is decided by the log alone.
//!
//! Beside that the machine feeds the product's own deduplication, which does not know what a session of this machine
//! is and must come to the same decisions; entries that open a session have an id.

use super::disk::members_of;
use super::random::mix;
use crate::dedup::{Dedup, DedupLimits, Why};
use crate::frame::{self, ENTRY_ID_BYTES, Frame, FrameKind, Origin};
use crate::raft::Membership;
use crate::types::{LogId, UnixNanos};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Sessions that are remembered; the one that is unused for longest makes room.
pub(super) const SESSIONS_MAX: usize = 32;
/// Sessions that the deduplication remembers: more than the machine, so that they can be compared.
pub(super) const DEDUP_SESSIONS_MAX: usize = 1 << 10;
/// Ids that it remembers: few, so that they push each other out.
pub(super) const DEDUP_IDS_MAX: usize = 8;
const ENTRY_BYTES: usize = 1 + 8;

/// What a client asks of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A session, please.
    Open { client: u64 },
    /// `value` at the end of the list, once.
    Append { session: u64, sequence: u64, value: u64 },
}

impl Entry {
    /// Who makes it, for the log.
    pub(super) const fn origin(self) -> Origin {
        match self {
            Self::Open { .. } => Origin::NONE,
            Self::Append { session, sequence, .. } => Origin { session, sequence },
        }
    }

    /// What it is known by if it has no session: who makes it, and in which operation.
    pub(super) fn id(self, operation: u64) -> Option<[u8; ENTRY_ID_BYTES]> {
        let Self::Open { client } = self else { return None };
        let mut id = [0xD0; ENTRY_ID_BYTES];
        id[..8].copy_from_slice(&client.to_le_bytes());
        id[8..16].copy_from_slice(&operation.to_le_bytes());
        Some(id)
    }

    /// Its bytes, made longer by `padding`.
    pub(super) fn bytes(self, padding: usize) -> Vec<u8> {
        let (kind, word) = match self {
            Self::Open { client } => (1, client),
            Self::Append { value, .. } => (2, value),
        };
        let mut bytes = Vec::with_capacity(ENTRY_BYTES + padding);
        bytes.push(kind);
        bytes.extend_from_slice(&word.to_le_bytes());
        bytes.resize(ENTRY_BYTES + padding, 0xA5);
        bytes
    }

    /// Reads what [`Self::bytes`] made; `None` if it is something else.
    pub(super) fn of(entry: frame::Entry<'_>) -> Option<Self> {
        let (kind, rest) = entry.bytes.split_first()?;
        let word = u64::from_le_bytes(*rest.first_chunk()?);
        match (kind, entry.origin) {
            (1, Origin::NONE) => Some(Self::Open { client: word }),
            (2, Origin { session, sequence }) => Some(Self::Append { session, sequence, value: word }),
            _ => None,
        }
    }
}

/// What the machine answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The session is open under this name.
    Opened(u64),
    /// The value has this position, from 1.
    Appended(u64),
    /// This operation was here before and has this position.
    Repeated(u64),
    /// A later operation of the session was here before. This one was not applied now.
    Stale,
    /// No such session any more. This one was not applied now.
    Expired,
    /// The entry says nothing to the machine.
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Session {
    sequence: u64,
    position: u64,
    used: UnixNanos,
}

impl Session {
    fn digest(&self, name: u64) -> u64 {
        [self.sequence, self.position, self.used.get()]
            .into_iter()
            .fold(mix(name), |hash, word| mix(hash ^ word))
    }
}

/// How the list stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    /// Values in it.
    pub(super) length: u64,
    /// Hash of all of them in order.
    pub(super) hash: u64,
}

/// An entry that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) id: LogId,
    /// What the entry said; `None` for blanks and memberships.
    pub(super) entry: Option<Entry>,
    pub(super) outcome: Outcome,
    pub(super) list: List,
    /// Digest of all sessions.
    pub(super) window: u64,
    /// What the deduplication says of it, and the digest of what that remembers behind the frame.
    pub(super) judged: (Option<Why>, [u8; 32]),
}

/// The state.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) applied: LogId,
    pub(super) time: UnixNanos,
    pub(super) membership: Arc<Membership>,
    pub(super) list: List,
    sessions: BTreeMap<u64, Session>,
    window: u64,
    dedup: Dedup,
}

impl Machine {
    /// A machine to which nothing was applied, in a cluster of these members.
    pub(super) fn new(membership: Membership, time_to_live: u64) -> Self {
        Self {
            applied: LogId::default(),
            time: UnixNanos::default(),
            membership: Arc::new(membership),
            list: List::default(),
            sessions: BTreeMap::new(),
            window: 0,
            dedup: Dedup::new(dedup_limits(time_to_live)),
        }
    }

    /// The machine as it comes out of a snapshot: what the deduplication remembers travels as bytes.
    #[must_use]
    pub(super) fn travelled(&self, time_to_live: u64) -> Self {
        let mut bytes = Vec::new();
        self.dedup.encode(&mut bytes);
        let dedup = Dedup::decode(&bytes, dedup_limits(time_to_live)).expect("a node wrote it");
        Self { dedup, ..self.clone() }
    }

    /// Sessions and ids that the deduplication remembers.
    pub(super) fn remembered(&self) -> (usize, usize) {
        (self.dedup.sessions(), self.dedup.ids())
    }

    /// Sessions that are remembered.
    pub(super) fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Digest of all sessions.
    pub(super) const fn window(&self) -> u64 {
        self.window
    }

    /// Applies a frame, at which sessions expire by `clock` and `time_to_live`. `clock` is the frame's log
    /// time, except in a host that makes a mistake.
    pub(super) fn apply(&mut self, frame: &Frame, clock: UnixNanos, time_to_live: u64) -> Vec<Applied> {
        self.time = self.time.max(frame.time());
        self.expire(clock, time_to_live);
        if let Some(membership) = members_of(frame) {
            self.membership = Arc::new(membership);
        }
        let admission = self.dedup.admit_at(frame, clock);
        let digest = self.dedup.digest();
        let is_ours = frame.kind() == FrameKind::Entries;
        let entries = (0..).zip(frame.entries());
        entries
            .map(|(at, entry)| {
                let entry = if is_ours { Entry::of(entry) } else { None };
                let id = LogId::new(frame.term(), frame.base().forward(u64::from(at)));
                Applied { judged: (admission.why(at), digest), ..self.apply_entry(id, entry, clock) }
            })
            .collect()
    }

    fn apply_entry(&mut self, id: LogId, entry: Option<Entry>, clock: UnixNanos) -> Applied {
        self.applied = id;
        let outcome = match entry {
            None => Outcome::Nothing,
            Some(Entry::Open { .. }) => self.open(id.index.get(), clock),
            Some(Entry::Append { session, sequence, value }) => self.append(session, sequence, value, clock),
        };
        let judged = (None, [0; 32]);
        Applied { id: self.applied, entry, outcome, list: self.list, window: self.window, judged }
    }

    fn open(&mut self, name: u64, clock: UnixNanos) -> Outcome {
        if self.sessions.len() >= SESSIONS_MAX {
            let idle = self.sessions.iter().min_by_key(|(name, session)| (session.used, **name));
            let idle = idle.map(|(name, _)| *name);
            idle.into_iter().for_each(|name| self.replace(name, None));
        }
        self.replace(name, Some(Session { sequence: 0, position: 0, used: clock }));
        Outcome::Opened(name)
    }

    fn append(&mut self, name: u64, sequence: u64, value: u64, clock: UnixNanos) -> Outcome {
        match self.sessions.get(&name) {
            None => Outcome::Expired,
            Some(session) if sequence == session.sequence => Outcome::Repeated(session.position),
            Some(session) if sequence < session.sequence => Outcome::Stale,
            Some(_) => {
                self.list.length += 1;
                self.list.hash = hash_with(self.list.hash, value);
                let position = self.list.length;
                self.replace(name, Some(Session { sequence, position, used: clock }));
                Outcome::Appended(position)
            }
        }
    }

    fn expire(&mut self, clock: UnixNanos, time_to_live: u64) {
        let end = |session: &Session| session.used.get().saturating_add(time_to_live);
        let expired: Vec<u64> = self
            .sessions
            .iter()
            .filter(|(_, session)| end(session) < clock.get())
            .map(|(name, _)| *name)
            .collect();
        expired.into_iter().for_each(|name| self.replace(name, None));
    }

    /// Changes a session and the digest of all.
    fn replace(&mut self, name: u64, session: Option<Session>) {
        let before = match session {
            Some(session) => self.sessions.insert(name, session),
            None => self.sessions.remove(&name),
        };
        for session in before.iter().chain(&session) {
            self.window ^= session.digest(name);
        }
    }
}

const fn dedup_limits(time_to_live: u64) -> DedupLimits {
    DedupLimits {
        time_to_live: Duration::from_nanos(time_to_live),
        sessions_max: DEDUP_SESSIONS_MAX as u32,
        ids_max: DEDUP_IDS_MAX as u32,
    }
}

/// Hash of a list with one more value.
pub(super) const fn hash_with(before: u64, value: u64) -> u64 {
    mix(before.rotate_left(7) ^ value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{FrameBuilder, FrameLimits, Seal};
    use crate::types::{Index, LaneId, Term};

    fn frame(base: u64, time: u64, entries: &[Entry]) -> Frame {
        let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::default());
        for entry in entries {
            let bytes = entry.bytes(5);
            let id = entry.id(base);
            builder.push(frame::Entry { bytes: &bytes, origin: entry.origin(), id: id.as_ref() }).unwrap();
        }
        let seal = Seal { term: Term::new(1), base: Index::new(base), time: UnixNanos::new(time) };
        Frame::new(seal, builder.finish().unwrap())
    }

    fn outcomes(machine: &mut Machine, frame: &Frame) -> Vec<Outcome> {
        machine.apply(frame, frame.time(), 100).iter().map(|applied| applied.outcome).collect()
    }

    #[test]
    fn a_repeated_operation_is_applied_once_and_an_earlier_one_not_at_all() {
        let mut machine = Machine::new(Membership::default(), 100);
        let append = |sequence, value| Entry::Append { session: 1, sequence, value };
        let entries = [Entry::Open { client: 4 }, append(1, 10), append(1, 10), append(3, 30), append(2, 20)];
        assert_eq!(
            outcomes(&mut machine, &frame(1, 5, &entries)),
            [
                Outcome::Opened(1),
                Outcome::Appended(1),
                Outcome::Repeated(1),
                Outcome::Appended(2),
                Outcome::Stale
            ]
        );
        assert_eq!(machine.list.length, 2);
        assert_eq!(outcomes(&mut machine, &frame(6, 200, &[append(4, 40)])), [Outcome::Expired]);
        assert_eq!((machine.sessions(), machine.window()), (0, 0));
    }

    #[test]
    fn a_session_too_many_takes_the_place_of_the_idlest() {
        let mut machine = Machine::new(Membership::default(), 100);
        let open = [Entry::Open { client: 1 }];
        for index in 1..=SESSIONS_MAX as u64 + 1 {
            outcomes(&mut machine, &frame(index, index, &open));
        }
        assert_eq!(machine.sessions(), SESSIONS_MAX);
        let append = [Entry::Append { session: 1, sequence: 1, value: 1 }];
        assert_eq!(outcomes(&mut machine, &frame(SESSIONS_MAX as u64 + 2, 90, &append)), [Outcome::Expired]);
    }

    #[test]
    fn an_entry_of_other_bytes_says_nothing() {
        let of = |bytes: &[u8]| Entry::of(frame::Entry { bytes, ..frame::Entry::default() });
        let open = Entry::Open { client: 1 };
        assert_eq!(of(&open.bytes(3)), Some(open));
        assert_eq!(of(&open.bytes(0)[..ENTRY_BYTES - 1]), None);
        assert_eq!(of(&[0; 20]), None);
        assert_eq!(of(&[]), None);
    }
}
