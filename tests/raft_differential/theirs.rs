//! The other implementation: `raft` 0.7, with pre-vote, without its check of the quorum, without ticks.

use crate::side::{Down, Side, State};
use raft::eraftpb::{ConfState, Entry, HardState, Message, MessageType};
use raft::storage::MemStorage;
use raft::{Config, RawNode, StateRole};
use std::collections::BTreeMap;

/// What is durable.
#[derive(Clone, Default)]
struct Disk {
    entries: Vec<Entry>,
    hard: HardState,
}

impl Disk {
    fn write(&mut self, write: &Write) {
        if let Some(first) = write.entries.first() {
            self.entries.retain(|entry| entry.index < first.index);
            self.entries.extend(write.entries.iter().cloned());
        }
        if let Some(hard) = &write.hard {
            self.hard = hard.clone();
        }
    }
}

/// What one `Ready` wants durable, and what may leave once it is.
struct Write {
    number: u64,
    entries: Vec<Entry>,
    hard: Option<HardState>,
    messages: Vec<Message>,
}

struct Node {
    raw: RawNode<MemStorage>,
    disk: Disk,
    /// Writes that wait; `None` writes at once.
    waiting: Option<Vec<Write>>,
}

pub(crate) struct Theirs {
    nodes: BTreeMap<u64, Node>,
    wire: Vec<Message>,
}

fn start(node: u64, count: u64, disk: Disk) -> Node {
    let store =
        MemStorage::new_with_conf_state(ConfState { voters: (1..=count).collect(), ..ConfState::default() });
    store.wl().append(&disk.entries).expect("they are dense");
    // The paper's commit index is volatile (figure 2), and so is ours.
    let hard = HardState { commit: 0, ..disk.hard.clone() };
    store.wl().set_hardstate(hard);
    let config = Config {
        id: node,
        pre_vote: true,
        check_quorum: false,
        max_size_per_msg: 1 << 20,
        max_inflight_msgs: 64,
        ..Config::default()
    };
    let logger = slog::Logger::root(slog::Discard, slog::o!());
    let raw = RawNode::new(&config, store, &logger).expect("a configuration that fits");
    Node { raw, disk, waiting: None }
}

impl Theirs {
    pub(crate) fn new(count: u64) -> Self {
        let nodes = (1..=count).map(|node| (node, start(node, count, Disk::default()))).collect();
        Self { nodes, wire: Vec::new() }
    }

    fn node(&mut self, node: u64) -> &mut Node {
        self.nodes.get_mut(&node).expect("a node")
    }

    /// Carries out what a node asks for.
    fn host(&mut self, node: u64) {
        let node = self.nodes.get_mut(&node).expect("a node");
        while node.raw.has_ready() {
            let mut ready = node.raw.ready();
            self.wire.extend(ready.take_messages());
            let write = Write {
                number: ready.number(),
                entries: ready.take_entries(),
                hard: ready.hs().cloned(),
                messages: ready.take_persisted_messages(),
            };
            // It has to be able to read what is not durable yet.
            node.raw.store().wl().append(&write.entries).expect("they are dense");
            if let Some(hard) = &write.hard {
                node.raw.store().wl().set_hardstate(hard.clone());
            }
            node.raw.advance_append_async(ready);
            match &mut node.waiting {
                Some(waiting) => waiting.push(write),
                None => {
                    node.disk.write(&write);
                    self.wire.extend(write.messages);
                    node.raw.on_persist_ready(write.number);
                }
            }
            node.raw.advance_apply();
        }
    }
}

impl Side for Theirs {
    fn campaign(&mut self, node: u64) {
        self.node(node).raw.campaign().expect("it may campaign");
        self.host(node);
    }

    fn propose(&mut self, node: u64, count: u32, payload: u64) {
        let entry = Entry { data: payload.to_le_bytes().to_vec().into(), ..Entry::default() };
        let mut message = Message { from: node, ..Message::default() };
        message.set_msg_type(MessageType::MsgPropose);
        message.set_entries(vec![entry; count as usize].into());
        // Whoever does not lead would pass it on; of ours it refuses.
        if self.node(node).raw.raft.state == StateRole::Leader {
            // Refused while leadership is handed over.
            let _ = self.node(node).raw.raft.step(message);
            self.host(node);
        }
    }

    fn beat(&mut self, node: u64) {
        self.node(node).raw.ping();
        self.host(node);
    }

    fn transfer(&mut self, from: u64, to: u64) {
        self.node(from).raw.transfer_leader(to);
        self.host(from);
    }

    fn give_up_transfer(&mut self, node: u64) {
        self.node(node).raw.raft.abort_leader_transfer();
    }

    fn restart(&mut self, node: u64) {
        let (count, disk) = (self.nodes.len() as u64, self.node(node).disk.clone());
        self.nodes.insert(node, start(node, count, disk));
    }

    fn stall(&mut self, node: u64) {
        self.node(node).waiting.get_or_insert_with(Vec::new);
    }

    fn recover(&mut self, node: u64) {
        for write in self.node(node).waiting.take().into_iter().flatten() {
            let node = self.nodes.get_mut(&node).expect("a node");
            node.disk.write(&write);
            node.raw.on_persist_ready(write.number);
            self.wire.extend(write.messages);
        }
        self.host(node);
    }

    fn step_down(&mut self, node: u64) {
        let raft = &mut self.node(node).raw.raft;
        let term = raft.term;
        raft.become_follower(term, 0);
        self.host(node);
    }

    fn deliver(&mut self, down: &Down) -> bool {
        let mut round = std::mem::take(&mut self.wire);
        round.sort_by_key(|message| (message.to, message.from));
        let is_any = !round.is_empty();
        for message in round {
            let to = message.to;
            if !down.contains(&(message.from, to)) {
                self.node(to).raw.step(message).expect("a peer's message");
                self.host(to);
            }
        }
        is_any
    }

    fn see(&self, node: u64) -> State {
        let Node { raw, disk, .. } = &self.nodes[&node];
        let payload = |entry: &Entry| entry.data.as_ref().try_into().map_or(0, u64::from_le_bytes);
        let log = raw.raft.raft_log.all_entries();
        State {
            leads: raw.raft.state == StateRole::Leader,
            term: raw.raft.term,
            vote: disk.hard.vote,
            leader: raw.raft.leader_id,
            log: log.iter().map(|entry| (entry.term, payload(entry))).collect(),
            commit: raw.raft.raft_log.committed,
        }
    }
}
