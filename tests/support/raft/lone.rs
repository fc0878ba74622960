//! One node under test, always node 1: the test plays its peers, its disk and its clock.

use super::{Seen, log_of, matched, n, pre_vote, vote};
use duochain::raft::{Config, Effect, Input, Message, Raft, Recovered, Role, Ticket, Timer, WriteId};
use duochain::types::{Index, Tick, UnixNanos};
use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) struct Lone {
    pub(crate) raft: Raft,
    pub(crate) now: Tick,
    timers: BTreeMap<Timer, Tick>,
    /// The last write that it asked for.
    asked: WriteId,
    answered: WriteId,
}

impl Lone {
    /// Of `voters`, with an empty log.
    pub(crate) fn new(voters: u64) -> Self {
        Self::recovered(log_of(voters, &[]))
    }

    pub(crate) fn recovered(recovered: Recovered) -> Self {
        Self::configured(Config::new(n(1)), recovered)
    }

    pub(crate) fn configured(config: Config, recovered: Recovered) -> Self {
        let raft = Raft::new(config.build().expect("they fit together"), recovered);
        let (now, timers) = (Tick::from_nanos(1_000_000_000), BTreeMap::new());
        let mut lone = Self { raft, now, timers, asked: WriteId(0), answered: WriteId(0) };
        let _ = lone.step(Input::Started);
        lone
    }

    /// The leader of `voters`, in the term after those of its log; its first entry is durable here only.
    pub(crate) fn leader(voters: u64, terms: &[u64]) -> Self {
        let mut lone = Self::recovered(log_of(voters, terms));
        lone.win();
        lone
    }

    /// The same, and all the others have its first entry.
    pub(crate) fn steady_leader(voters: u64) -> Self {
        let mut lone = Self::leader(voters, &[]);
        lone.all_have(voters, 1);
        lone
    }

    /// All voters but this one say that they have the log up to `index`.
    pub(crate) fn all_have(&mut self, voters: u64, index: u64) -> Seen {
        let term = self.raft.term().get();
        let mut seen = Seen::default();
        for peer in 2..=voters {
            seen.0.extend(self.take(peer, matched(term, index, index)).0);
        }
        seen
    }

    /// Everyone votes for it.
    pub(crate) fn win(&mut self) {
        let voters: Vec<u64> = self.raft.membership().members().map(|node| node.get()).collect();
        let _ = self.expire(Timer::Election);
        let peers = || voters.iter().filter(|peer| **peer != 1);
        for peer in peers() {
            let _ = self.take(*peer, pre_vote(self.raft.term().get() + 1, true));
        }
        for peer in peers() {
            let _ = self.take(*peer, vote(self.raft.term().get(), true));
        }
        assert_eq!(self.raft.role(), Role::Leader);
    }

    /// One input. The disk does not answer.
    pub(crate) fn step(&mut self, input: Input) -> Seen {
        let mut effects = Vec::new();
        self.raft.step(self.now, input, &mut effects);
        assert_eq!(self.raft.check(), Ok(()));
        for effect in &effects {
            match effect {
                Effect::Write(write) => self.asked = write.id,
                Effect::SetTimer { timer, at } => drop(self.timers.insert(*timer, *at)),
                _ => {}
            }
        }
        Seen(effects)
    }

    /// The disk answers what it was asked.
    pub(crate) fn write(&mut self) -> Seen {
        let mut seen = Seen::default();
        while self.answered < self.asked {
            self.answered = self.asked;
            seen.0.extend(self.step(Input::Written(self.asked)).0);
        }
        seen
    }

    /// One input, and the disk answers at once.
    pub(crate) fn run(&mut self, input: Input) -> Seen {
        let mut seen = self.step(input);
        seen.0.extend(self.write().0);
        seen
    }

    /// A message while the disk waits.
    pub(crate) fn hear(&mut self, from: u64, message: Message) -> Seen {
        self.step(Input::Received { from: n(from), message })
    }

    /// A message, and the disk answers at once.
    pub(crate) fn take(&mut self, from: u64, message: Message) -> Seen {
        self.run(Input::Received { from: n(from), message })
    }

    pub(crate) fn propose(&mut self, ticket: u64, count: u32) -> Seen {
        let (ticket, time) = (Ticket(ticket), UnixNanos::new(self.now.as_nanos()));
        self.run(Input::Proposed { ticket, time, body: super::batch(count) })
    }

    pub(crate) fn pass(&mut self, millis: u64) {
        self.now = self.now.after(Duration::from_millis(millis));
    }

    /// Time passes until a timer runs out; the disk answers at once. A timer that was only put off, because a
    /// leader was heard meanwhile, runs out again.
    pub(crate) fn expire(&mut self, timer: Timer) -> Seen {
        let mut seen = Seen::default();
        for _ in 0..2 {
            let at = self.timers.remove(&timer).expect("it is armed");
            self.now = self.now.max(at);
            seen = self.step(Input::Expired(timer));
            if !matches!(&seen.0[..], [Effect::SetTimer { .. }]) {
                break;
            }
        }
        seen.0.extend(self.write().0);
        seen
    }

    pub(crate) fn role(&self) -> Role {
        self.raft.role()
    }

    pub(crate) fn term(&self) -> u64 {
        self.raft.term().get()
    }

    pub(crate) fn commit(&self) -> u64 {
        self.raft.commit().get()
    }

    /// The terms of its log, from the first entry that it still has.
    pub(crate) fn terms(&self) -> Vec<u64> {
        let first = self.raft.status(self.now).snapshot.index.get() + 1;
        let last = self.raft.last().index.get();
        (first..=last)
            .filter_map(|index| self.raft.term_at(Index::new(index)))
            .map(|term| term.get())
            .collect()
    }

    /// What it sends next to a peer.
    pub(crate) fn next(&self, peer: u64) -> u64 {
        let status = self.raft.status(self.now);
        status.peers.iter().find(|one| one.node == n(peer)).expect("a peer").next.get()
    }
}
