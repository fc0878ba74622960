//! A peer, a disk and a host that say anything, mostly things that are nearly right.

use duochain::frame::{Body, Entry, Frame, FrameBuilder, FrameLimits, Seal};
use duochain::raft::{
    Change, Config, Effect, Input, Membership, Message, Outcome, Raft, Recovered, Role, Snapshot, Ticket,
    Timer, WriteId,
};
use duochain::types::{Index, LaneId, LogId, NodeId, Term, Tick, UnixNanos};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Says a number below `sides`.
pub(crate) type Roll<'a> = &'a mut dyn FnMut(u64) -> u64;

fn n(number: u64) -> NodeId {
    NodeId::new(number).expect("not 0")
}

fn members(count: u64) -> Membership {
    Membership::of((1..=count).map(|number| (n(number), format!("n{number}"))))
}

/// One node among garbage, and what it must not do whatever it is told.
pub(crate) struct Besieged {
    raft: Raft,
    now: Tick,
    /// The last write that it asked for.
    asked: u64,
    installs: VecDeque<LogId>,
    fetches: VecDeque<NodeId>,
    /// To whom it gave its vote, by term.
    votes: BTreeMap<Term, NodeId>,
    told: LogId,
}

impl Besieged {
    pub(crate) fn new(roll: Roll<'_>) -> Self {
        let snapshot = Snapshot { membership: members(1 + roll(5)), ..Snapshot::default() };
        let recovered = Recovered { snapshot, ..Recovered::default() };
        let tight = Config {
            inflight_appends_max: 3,
            reads_max: 3,
            append_bytes_max: 400,
            inflight_bytes_max: 800,
            frame_bytes_max: 16 << 10,
            uncommitted_bytes_max: 16 << 10,
            window_bytes_max: 16 << 10,
            ..Config::new(n(1))
        };
        let raft = Raft::new(tight.build().expect("they fit together"), recovered);
        let mut besieged = Self {
            raft,
            now: Tick::from_nanos(1),
            asked: 0,
            installs: VecDeque::new(),
            fetches: VecDeque::new(),
            votes: BTreeMap::new(),
            told: LogId::ORIGIN,
        };
        besieged.take(Input::Started);
        besieged
    }

    /// What it is, and what it has told its host to apply.
    pub(crate) fn face(&self) -> (Role, LogId) {
        (self.raft.role(), self.told)
    }

    /// One more input.
    ///
    /// # Panics
    /// When an invariant is broken, a vote given twice, or a commit taken back.
    pub(crate) fn step(&mut self, roll: Roll<'_>) {
        self.now = self.now.after(Duration::from_millis([0, 1, 20, 400][roll(4) as usize]));
        let input = self.input(roll);
        self.take(input);
    }

    fn take(&mut self, input: Input) {
        let mut effects = Vec::new();
        self.raft.step(self.now, input, &mut effects);
        assert_eq!(self.raft.check(), Ok(()));
        for effect in effects {
            match effect {
                Effect::Write(write) => self.asked = write.id.0,
                Effect::Install(snapshot) => self.installs.push_back(snapshot.last),
                Effect::Fetch { to, .. } => self.fetches.push_back(to),
                Effect::Send { to, message: Message::VoteReply { term, granted: true, pre: false } } => {
                    assert_eq!(*self.votes.entry(term).or_insert(to), to, "one vote in term {term}");
                }
                Effect::Commit(id) => {
                    assert!(id.index > self.told.index, "{id} after {}", self.told);
                    self.told = id;
                }
                _ => {}
            }
        }
    }

    fn input(&mut self, roll: Roll<'_>) -> Input {
        match roll(32) {
            0..=2 => Input::Expired(Timer::Election),
            3 => Input::Expired(Timer::Heartbeat),
            4..=9 => Input::Written(WriteId(self.asked.saturating_sub(roll(3)))),
            10..=11 => self.proposal(roll),
            12 => Input::Read(Ticket(roll(9))),
            13 => self.change(roll),
            14 => Input::Transferred { ticket: Ticket(1), to: (roll(2) == 0).then(|| n(1 + roll(6))) },
            15 => Input::Unreachable(n(1 + roll(6))),
            16 => Input::Compacted(self.snapshot(roll)),
            17 => {
                let (from, term) = (n(1 + roll(6)), self.term(roll));
                Input::SnapshotReceived { from, term, snapshot: self.snapshot(roll) }
            }
            18 => Input::Installed(self.installs.pop_front().unwrap_or_else(|| self.place(roll))),
            19 => {
                Input::SnapshotSent { to: n(1 + roll(6)), arrived: (roll(2) == 0).then(|| self.place(roll)) }
            }
            20 => {
                let to = self.fetches.pop_front().unwrap_or_else(|| n(1 + roll(6)));
                let prev = self.place(roll);
                Input::Fetched { to, frames: self.frames(prev, roll) }
            }
            _ => Input::Received { from: n(1 + roll(6)), message: self.message(roll) },
        }
    }

    fn proposal(&self, roll: Roll<'_>) -> Input {
        let body = match roll(5) {
            0 => Body::blank(),
            1 => Body::membership(b"nobody"),
            _ => batch(1 + roll(4), roll(400)),
        };
        Input::Proposed { ticket: Ticket(roll(9)), time: UnixNanos::new(roll(99)), body }
    }

    fn change(&self, roll: Roll<'_>) -> Input {
        let node = n(1 + roll(7));
        let change = match roll(4) {
            0 => Change { add: [(node, "x".to_owned())].into(), ..Change::default() },
            1 => Change { promote: [node].into(), ..Change::default() },
            2 => Change { demote: [node].into(), ..Change::default() },
            _ => Change { remove: [node].into(), ..Change::default() },
        };
        Input::Changed { ticket: Ticket(roll(9)), time: UnixNanos::new(roll(99)), change }
    }

    fn snapshot(&self, roll: Roll<'_>) -> Snapshot {
        let membership = members(1 + roll(5));
        let last = self.place(roll);
        Snapshot { last, time: UnixNanos::new(roll(99)), membership }
    }

    fn term(&self, roll: Roll<'_>) -> Term {
        let own = self.raft.term().get();
        Term::new(match roll(40) {
            0 => u64::MAX,
            1 => 1 << 57,
            2 => 0,
            3..=5 => own.saturating_sub(1),
            6..=9 => own + 1,
            10 => own + 2,
            _ => own,
        })
    }

    fn index(&self, roll: Roll<'_>) -> Index {
        let (last, commit) = (self.raft.last().index.get(), self.raft.commit().get());
        Index::new(match roll(20) {
            0 => u64::MAX,
            1 => 0,
            2..=6 => commit + roll(3),
            7..=9 => last + 1 + roll(2),
            10..=12 => last.saturating_sub(roll(4)),
            13 => roll(last.max(1)),
            _ => last,
        })
    }

    /// A position, most often one of its log.
    fn place(&self, roll: Roll<'_>) -> LogId {
        let index = self.index(roll);
        match self.raft.term_at(index) {
            Some(term) if roll(8) > 0 => LogId::new(term, index),
            _ => LogId::new(self.term(roll), index),
        }
    }

    fn frames(&self, prev: LogId, roll: Roll<'_>) -> Vec<Frame> {
        let (mut base, mut frames) = (prev.index.get().min(u64::MAX - 99), Vec::new());
        let mut term = prev.term.max(Term::new(1));
        for _ in 0..roll(4) {
            if roll(4) == 0 {
                term = self.term(roll).max(Term::new(1));
            }
            base += if roll(12) == 0 { roll(3) } else { 1 };
            let body = if roll(5) == 0 { membership(roll) } else { batch(1 + roll(3), roll(50)) };
            let seal = Seal { term, base: Index::new(base.max(1)), time: UnixNanos::new(roll(99)) };
            let frame = Frame::new(seal, body);
            base = frame.last().index.get();
            frames.push(frame);
        }
        frames
    }

    fn message(&self, roll: Roll<'_>) -> Message {
        let term = self.term(roll);
        match roll(12) {
            0 => Message::VoteRequest {
                term,
                last: self.place(roll),
                pre: roll(2) == 0,
                transfer: roll(2) == 0,
            },
            1..=3 => Message::VoteReply { term, granted: roll(4) > 0, pre: roll(2) == 0 },
            4..=6 => {
                let prev = self.place(roll);
                Message::Append { term, prev, commit: self.index(roll), frames: self.frames(prev, roll) }
            }
            7 => {
                let (prev, commit) = (self.place(roll), self.index(roll));
                Message::Heartbeat { term, prev, commit, round: roll(20) }
            }
            8..=9 => Message::AppendReply {
                term,
                outcome: self.outcome(roll),
                round: [0, 1, 2, u64::MAX][roll(4) as usize],
            },
            10 => Message::TimeoutNow { term },
            _ if roll(2) == 0 => Message::ReadRequest { term, ticket: Ticket(roll(9)) },
            _ => Message::ReadReply { term, ticket: Ticket(roll(9)), index: Some(self.index(roll)) },
        }
    }

    fn outcome(&self, roll: Roll<'_>) -> Outcome {
        if roll(3) == 0 {
            return Outcome::Conflict { prev: self.index(roll), hint: self.place(roll) };
        }
        let received = self.index(roll);
        let durable = if roll(3) == 0 { self.index(roll) } else { received };
        Outcome::Matched { durable, received }
    }
}

fn batch(count: u64, bytes: u64) -> Body {
    let mut builder = FrameBuilder::new(FrameLimits::CEILING, LaneId::default());
    let bytes = vec![0; bytes as usize];
    for _ in 0..count {
        builder.push(Entry { bytes: &bytes, ..Entry::default() }).expect("it is small");
    }
    builder.finish().expect("it is not empty")
}

fn membership(roll: Roll<'_>) -> Body {
    let mut bytes = Vec::new();
    members(1 + roll(5)).encode(&mut bytes);
    if roll(4) == 0 {
        bytes.truncate(roll(bytes.len() as u64) as usize);
    }
    Body::membership(&bytes)
}
