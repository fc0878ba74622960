//! `raft` 0.7, three nodes in one process, messages through channels: no sockets and no encoding, in its favour.
//!
//! Each node is a thread that takes everything that has come, then makes its entries durable with one synced write:
//! in `raft-engine` or in RocksDB, or in memory.

use super::Side;
use super::kept::{Disk, Kept};
use crate::AnyError;
use crate::scratch::Scratch;
use parking_lot::{Condvar, Mutex};
use raft::eraftpb::{ConfState, Entry, Message};
use raft::storage::MemStorage;
use raft::{Config, RawNode, StateRole};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

const TICK: Duration = Duration::from_millis(20);
/// As many entries as ours keeps.
const KEPT: u64 = 200_000;
/// Applied entries after which the front is cut.
const CUT_EVERY: u64 = 100_000;
/// More than is ever under way; what does not fit is lost, as any message may be.
const INPUTS_MAX: usize = 1 << 16;

enum Input {
    Message(Box<Message>),
    /// One batch, and its number.
    Batch(Vec<Vec<u8>>, u64),
    Over,
}

#[derive(Default)]
struct State {
    leader: Option<usize>,
    committed: u64,
    is_over: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    progress: Condvar,
}

struct Node {
    raw: RawNode<MemStorage>,
    kept: Kept,
    peers: Vec<SyncSender<Input>>,
    shared: Arc<Shared>,
    cut: u64,
}

impl Node {
    fn open(
        number: u64,
        dir: &Path,
        peers: Vec<SyncSender<Input>>,
        shared: Arc<Shared>,
        disk: Disk,
    ) -> Result<Self, AnyError> {
        let config = Config {
            id: number,
            // Its heartbeats wait for its disk, which is slow at times; nobody else is to lead then.
            election_tick: 100,
            heartbeat_tick: 3,
            max_size_per_msg: 1 << 20,
            max_inflight_msgs: 256,
            pre_vote: true,
            check_quorum: true,
            ..Config::default()
        };
        let voters = ConfState { voters: vec![1, 2, 3], ..ConfState::default() };
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let raw = RawNode::new(&config, MemStorage::new_with_conf_state(voters), &logger)?;
        Ok(Self { raw, kept: Kept::open(disk, dir)?, peers, shared, cut: 0 })
    }

    fn run(&mut self, inputs: &Receiver<Input>) -> Result<(), AnyError> {
        loop {
            match inputs.recv_timeout(TICK) {
                Ok(input) => {
                    let mut next = Some(input);
                    while let Some(input) = next {
                        if !self.take(input)? {
                            return Ok(());
                        }
                        next = inputs.try_recv().ok();
                    }
                }
                Err(RecvTimeoutError::Timeout) => drop(self.raw.tick()),
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            while self.raw.has_ready() {
                self.ready()?;
            }
        }
    }

    fn take(&mut self, input: Input) -> Result<bool, AnyError> {
        match input {
            // A message to a node that has just lost its leader is nothing to stop for.
            Input::Message(message) => drop(self.raw.step(*message)),
            Input::Batch(entries, number) => {
                let last = entries.len() - 1;
                for (at, entry) in entries.into_iter().enumerate() {
                    let context = if at == last { number.to_le_bytes().to_vec() } else { Vec::new() };
                    self.raw.propose(context, entry)?;
                }
            }
            Input::Over => return Ok(false),
        }
        Ok(true)
    }

    fn ready(&mut self) -> Result<(), AnyError> {
        let mut ready = self.raw.ready();
        self.send(ready.take_messages());
        self.apply(&ready.take_committed_entries())?;
        let store = self.raw.raft.raft_log.store.clone();
        store.wl().append(ready.entries())?;
        if let Some(hard) = ready.hs() {
            store.wl().set_hardstate(hard.clone());
        }
        self.kept.write(ready.entries(), ready.hs(), ready.must_sync())?;
        self.send(ready.take_persisted_messages());
        let mut light = self.raw.advance(ready);
        if let Some(commit) = light.commit_index() {
            store.wl().mut_hard_state().set_commit(commit);
        }
        self.send(light.take_messages());
        self.apply(&light.take_committed_entries())?;
        self.raw.advance_apply();
        let leads = self.raw.raft.state == StateRole::Leader;
        let own = usize::try_from(self.raw.raft.id)? - 1;
        let mut state = self.shared.state.lock();
        if leads != (state.leader == Some(own)) {
            state.leader = leads.then_some(own);
            self.shared.progress.notify_all();
        }
        Ok(())
    }

    fn send(&self, messages: Vec<Message>) {
        for message in messages {
            let to = message.to as usize - 1;
            // A node that has ended needs none.
            let _ = self.peers[to].try_send(Input::Message(Box::new(message)));
        }
    }

    fn apply(&mut self, entries: &[Entry]) -> Result<(), AnyError> {
        let Some(last) = entries.last().map(|entry| entry.index) else { return Ok(()) };
        if self.raw.raft.state == StateRole::Leader
            && let Some(entry) = entries.iter().rev().find(|entry| entry.context.len() == 8)
        {
            let number = u64::from_le_bytes(entry.context[..].try_into()?);
            let mut state = self.shared.state.lock();
            state.committed = state.committed.max(number);
            self.shared.progress.notify_all();
        }
        if last > self.cut + KEPT + CUT_EVERY {
            self.cut = last - KEPT;
            self.raw.raft.raft_log.store.wl().compact(self.cut)?;
            self.kept.cut(self.cut)?;
        }
        Ok(())
    }
}

pub(super) struct Tikv {
    shared: Arc<Shared>,
    leader: usize,
    nodes: Vec<SyncSender<Input>>,
    threads: Vec<JoinHandle<Result<(), String>>>,
    submitted: u64,
}

impl Tikv {
    pub(super) fn start(scratch: &Scratch, disk: Disk) -> Result<Self, AnyError> {
        let shared = Arc::new(Shared::default());
        let (nodes, inputs): (Vec<_>, Vec<_>) = (0..3).map(|_| sync_channel(INPUTS_MAX)).unzip();
        let mut threads = Vec::new();
        for (number, inputs) in (1u64..).zip(inputs) {
            let dir = scratch.path().join(format!("tikv-{number}"));
            let (peers, shared) = (nodes.clone(), Arc::clone(&shared));
            threads.push(std::thread::spawn(move || {
                let run = || Node::open(number, &dir, peers, Arc::clone(&shared), disk)?.run(&inputs);
                let outcome = run().map_err(|error: AnyError| error.to_string());
                shared.state.lock().is_over = true;
                shared.progress.notify_all();
                outcome
            }));
        }
        let leader = {
            let mut state = shared.state.lock();
            shared.progress.wait_while(&mut state, |state| !state.is_over && state.leader.is_none());
            state.leader
        };
        match leader {
            Some(leader) => Ok(Self { shared, leader, nodes, threads, submitted: 0 }),
            None => Err(ended(threads).into()),
        }
    }
}

/// Why the nodes have ended.
fn ended(threads: Vec<JoinHandle<Result<(), String>>>) -> String {
    let outcomes = threads.into_iter().filter_map(|thread| thread.join().ok());
    outcomes.filter_map(Result::err).collect::<Vec<_>>().join("; ")
}

impl Side for Tikv {
    fn submit(&mut self, entries: &[&[u8]]) -> Result<u64, AnyError> {
        self.submitted += 1;
        let entries = entries.iter().map(|entry| entry.to_vec()).collect();
        self.nodes[self.leader]
            .send(Input::Batch(entries, self.submitted))
            .map_err(|_| "the leader has ended")?;
        Ok(self.submitted)
    }

    fn wait(&mut self, after: u64) -> Result<u64, AnyError> {
        let mut state = self.shared.state.lock();
        let leader = Some(self.leader);
        let is_waiting =
            |state: &mut State| !state.is_over && state.leader == leader && state.committed <= after;
        self.shared.progress.wait_while(&mut state, is_waiting);
        match state.committed > after {
            true => Ok(state.committed),
            false => Err("the leader of raft has ended, or leads no more".into()),
        }
    }
}

impl Drop for Tikv {
    fn drop(&mut self) {
        for node in &self.nodes {
            // Who has ended already needs no word.
            let _ = node.send(Input::Over);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
