//! The other implementation: `raft` 0.7, with pre-vote, without its check of the quorum, without ticks.

use crate::members::Members;
use crate::side::{CHANGE, Down, Log, Side, State};
use crate::store::Store;
use duochain::raft::Change;
use protobuf::Message as _;
use raft::eraftpb::{
    ConfChangeSingle, ConfChangeTransition, ConfChangeType, ConfChangeV2, ConfState, Entry, EntryType,
    HardState, Message, MessageType, Snapshot,
};
use raft::{Config, Error, RawNode, SnapshotStatus, StateRole};
use std::collections::{BTreeMap, BTreeSet};

/// What one `Ready` wants durable, and what may leave once it is.
struct Write {
    number: u64,
    snapshot: Option<Snapshot>,
    entries: Vec<Entry>,
    hard: Option<HardState>,
    messages: Vec<Message>,
}

impl Write {
    fn to(&self, store: &mut Store) {
        if let Some(snapshot) = &self.snapshot {
            store.install(snapshot);
        }
        store.append(&self.entries);
        if let Some(hard) = &self.hard {
            store.hard = hard.clone();
        }
    }
}

struct Node {
    raw: RawNode<Store>,
    disk: Store,
    /// Writes that wait; `None` writes at once.
    waiting: Option<Vec<Write>>,
    answers: Vec<(u64, u64)>,
}

pub(crate) struct Theirs {
    nodes: BTreeMap<u64, Node>,
    wire: Vec<Message>,
    /// How many snapshots came where they were needed.
    pub(crate) installed: u64,
}

fn start(node: u64, disk: Store) -> Node {
    let mut store = disk.clone();
    // The paper's commit index is volatile (figure 2), and so is ours; but here what was applied to the members is
    // remembered, since no entry of the log says who they are.
    store.hard.commit = store.applied;
    let config = Config {
        id: node,
        applied: store.applied,
        pre_vote: true,
        check_quorum: false,
        max_size_per_msg: 1 << 20,
        max_inflight_msgs: 64,
        ..Config::default()
    };
    let logger = slog::Logger::root(slog::Discard, slog::o!());
    let raw = RawNode::new(&config, store, &logger).expect("a configuration that fits");
    Node { raw, disk, waiting: None, answers: Vec::new() }
}

impl Node {
    /// The host applies what is committed; only members are of interest.
    fn apply(&mut self, committed: &[Entry]) {
        for entry in committed {
            self.raw.mut_store().applied = entry.index;
            if entry.get_entry_type() == EntryType::EntryConfChangeV2 {
                let mut change = ConfChangeV2::default();
                change.merge_from_bytes(&entry.data).expect("one of this host's changes");
                let members =
                    self.raw.apply_conf_change(&change).expect("it was possible when it was proposed");
                self.raw.mut_store().members = members.clone();
                (self.disk.applied, self.disk.members) = (entry.index, members);
            }
        }
        self.raw.advance_apply();
        // Whoever is no voter any more goes on leading here, unless its host ends that.
        if self.raw.raft.state == StateRole::Leader && !self.raw.raft.promotable() {
            self.step_down();
        }
    }

    fn step_down(&mut self) {
        let term = self.raw.raft.term;
        self.raw.raft.become_follower(term, 0);
    }
}

/// A change of voters goes through a joint state, which ends by itself; of learners there is one at a time.
fn translated(change: &Change, voters: &[u64]) -> ConfChangeV2 {
    let mut translated = ConfChangeV2::default();
    let mut gone = change.demote.iter().chain(&change.remove);
    if !change.promote.is_empty() || gone.any(|node| voters.contains(&node.get())) {
        translated.set_transition(ConfChangeTransition::Implicit);
    }
    let parts = [
        (change.add.keys().collect::<Vec<_>>(), ConfChangeType::AddLearnerNode),
        (change.promote.iter().collect(), ConfChangeType::AddNode),
        (change.demote.iter().collect(), ConfChangeType::AddLearnerNode),
        (change.remove.iter().collect(), ConfChangeType::RemoveNode),
    ];
    for (nodes, kind) in parts {
        for node in nodes {
            let mut one = ConfChangeSingle { node_id: node.get(), ..ConfChangeSingle::default() };
            one.set_change_type(kind);
            translated.mut_changes().push(one);
        }
    }
    translated
}

impl Theirs {
    /// Voters from 1 to `count`, and behind them nodes that may be added later.
    pub(crate) fn new(count: u64, spares: u64) -> Self {
        // No entry names the first voters, so a node that is to be added later has to know them.
        let members = ConfState { voters: (1..=count).collect(), ..ConfState::default() };
        let disk = Store { members, ..Store::default() };
        let nodes = (1..=count + spares).map(|node| (node, start(node, disk.clone()))).collect();
        Self { nodes, wire: Vec::new(), installed: 0 }
    }

    fn node(&mut self, node: u64) -> &mut Node {
        self.nodes.get_mut(&node).expect("a node")
    }

    /// Whether it may campaign when its time comes.
    pub(crate) fn is_promotable(&self, node: u64) -> bool {
        self.nodes[&node].raw.raft.promotable()
    }

    pub(crate) fn leads(&self, node: u64) -> bool {
        self.nodes[&node].raw.raft.state == StateRole::Leader
    }

    pub(crate) fn term(&self, node: u64) -> u64 {
        self.nodes[&node].raw.raft.term
    }

    pub(crate) fn commit(&self, node: u64) -> u64 {
        self.nodes[&node].raw.raft.raft_log.committed
    }

    /// The members by which this node decides.
    pub(crate) fn members(&self, node: u64) -> Members {
        (&self.nodes[&node].raw.store().members).into()
    }

    /// What this node has applied.
    pub(crate) fn applied(&self, node: u64) -> u64 {
        self.nodes[&node].raw.store().applied
    }

    /// Carries out what a node asks for.
    fn host(&mut self, node: u64) {
        let node = self.nodes.get_mut(&node).expect("a node");
        while node.raw.has_ready() {
            let mut ready = node.raw.ready();
            self.wire.extend(ready.take_messages());
            let snapshot = (!ready.snapshot().is_empty()).then(|| ready.snapshot().clone());
            self.installed += u64::from(snapshot.is_some());
            let write = Write {
                number: ready.number(),
                snapshot,
                entries: ready.take_entries(),
                hard: ready.hs().cloned(),
                messages: ready.take_persisted_messages(),
            };
            let reads = ready.take_read_states().into_iter().map(|read| {
                let number = read.request_ctx.as_slice().try_into().map_or(0, u64::from_le_bytes);
                (number, read.index)
            });
            node.answers.extend(reads);
            let committed = ready.take_committed_entries();
            // It has to be able to read what is not durable yet.
            write.to(node.raw.mut_store());
            node.raw.advance_append_async(ready);
            match &mut node.waiting {
                Some(waiting) => waiting.push(write),
                None => {
                    write.to(&mut node.disk);
                    self.wire.extend(write.messages);
                    node.raw.on_persist_ready(write.number);
                }
            }
            node.apply(&committed);
        }
    }

    /// A snapshot comes, or its stream ends before.
    fn stream(&mut self, message: Message, down: &Down) {
        let (from, to) = (message.from, message.to);
        let comes = !down.contains(&(from, to)) && self.node(to).waiting.is_none();
        if comes {
            self.node(to).raw.step(message).expect("a peer's snapshot");
            self.host(to);
        }
        let has_arrived = comes && !down.contains(&(to, from));
        let status = if has_arrived { SnapshotStatus::Finish } else { SnapshotStatus::Failure };
        self.node(from).raw.report_snapshot(to, status);
        self.host(from);
    }
}

impl Side for Theirs {
    /// Its clock would not ask who is no voter.
    fn campaign(&mut self, node: u64) {
        if self.is_promotable(node) {
            self.node(node).raw.campaign().expect("it may campaign");
            self.host(node);
        }
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

    fn read(&mut self, node: u64, number: u64) {
        self.node(node).raw.read_index(number.to_le_bytes().to_vec());
        self.host(node);
    }

    fn answers(&mut self) -> BTreeSet<(u64, u64, u64)> {
        let nodes = self.nodes.iter_mut();
        let answers = nodes.flat_map(|(node, host)| {
            std::mem::take(&mut host.answers).into_iter().map(|(number, index)| (*node, number, index))
        });
        answers.collect()
    }

    /// An empty entry would take the place of a change that is refused, so it is not even proposed.
    fn change(&mut self, node: u64, change: &Change) -> bool {
        let raft = &self.node(node).raw.raft;
        let is_refused = raft.state != StateRole::Leader
            || raft.has_pending_conf()
            || raft.lead_transferee.is_some()
            || !self.node(node).raw.store().members.voters_outgoing.is_empty();
        if !is_refused {
            let change = translated(change, &self.node(node).raw.store().members.voters);
            self.node(node).raw.propose_conf_change(Vec::new(), change).expect("a leader takes it");
            self.host(node);
        }
        !is_refused
    }

    fn compact(&mut self, node: u64, index: u64) {
        let node = self.node(node);
        node.raw.mut_store().compact(index);
        node.disk.compact(index);
        if node.disk.applied < index {
            // The members are those of the last change, which is before.
            node.disk.applied = index;
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
        let disk = self.node(node).disk.clone();
        self.nodes.insert(node, start(node, disk));
    }

    fn stall(&mut self, node: u64) {
        self.node(node).waiting.get_or_insert_with(Vec::new);
    }

    fn recover(&mut self, node: u64) {
        for write in self.node(node).waiting.take().into_iter().flatten() {
            let node = self.nodes.get_mut(&node).expect("a node");
            write.to(&mut node.disk);
            node.raw.on_persist_ready(write.number);
            self.wire.extend(write.messages);
        }
        self.host(node);
    }

    fn step_down(&mut self, node: u64) {
        self.node(node).step_down();
        self.host(node);
    }

    fn deliver(&mut self, down: &Down) -> bool {
        let mut round = std::mem::take(&mut self.wire);
        round.sort_by_key(|message| (message.to, message.from));
        let is_any = !round.is_empty();
        let is_stream = |message: &Message| message.get_msg_type() == MessageType::MsgSnapshot;
        let (streams, messages): (Vec<_>, Vec<_>) = round.into_iter().partition(is_stream);
        for message in messages {
            let to = message.to;
            if !down.contains(&(message.from, to)) {
                match self.node(to).raw.step(message) {
                    // An answer of somebody who has left.
                    Ok(()) | Err(Error::StepPeerNotFound) => {}
                    Err(why) => panic!("a peer's message: {why}"),
                }
                self.host(to);
            }
        }
        for message in streams {
            self.stream(message, down);
        }
        is_any
    }

    fn see(&self, node: u64) -> State {
        let Node { raw, disk, .. } = &self.nodes[&node];
        let payload = |entry: &Entry| match entry.get_entry_type() {
            EntryType::EntryNormal => entry.data.as_ref().try_into().map_or(0, u64::from_le_bytes),
            _ => CHANGE,
        };
        let (start, store) = (raw.store().start, raw.store());
        let entries = store.entries.iter().map(|entry| (entry.term, payload(entry))).collect();
        State {
            leads: self.leads(node),
            term: raw.raft.term,
            vote: disk.hard.vote,
            leader: raw.raft.leader_id,
            log: Log { start: start.0, entries, term: store.term_at(store.last()).expect("its end") },
            commit: self.commit(node),
            members: self.members(node),
        }
    }
}
