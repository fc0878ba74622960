//! The other nodes: who is talked to, and what comes from them.

use super::ReplicaError;
use super::core::Shared;
use crate::env::log::{self, Level};
use crate::net::{Inbox, TcpTransport};
use crate::raft::wire::{Letter, RaftProtocol, RepairRequest};
use crate::raft::{Input, Raft};
use crate::types::NodeId;
use std::collections::BTreeMap;
use std::sync::Weak;

impl Shared {
    pub(super) fn send(&self, to: NodeId, letter: &Letter) {
        if let Some(net) = self.net.get() {
            net.send(to, letter);
        }
    }

    pub(super) fn start(&self, net: TcpTransport<RaftProtocol>) -> Result<(), ReplicaError> {
        let members = linked(&self.core.lock().raft);
        net.set_peers(&with_contacts(&self.contacts, &members))?;
        self.core.lock().members = members;
        let is_first = self.net.set(net).is_ok();
        assert!(is_first, "a replica starts once");
        Ok(())
    }

    /// Tells the transport who the members are. Threads are started, so not under the core's lock. `false` when a
    /// member has no link, and is a stranger here, for want of a thread or a descriptor.
    #[must_use]
    pub(super) fn follow(&self, members: &BTreeMap<NodeId, String>) -> bool {
        let peers = with_contacts(&self.contacts, members);
        let Some(Err(error)) = self.net().map(|net| net.set_peers(&peers)) else { return true };
        log::emit(Level::Error, "log", format_args!("no link to a member: {error}"));
        false
    }

    /// A peer's log is damaged. One request of each is kept, its latest: it asks again and again.
    fn want_repair(&self, from: NodeId, request: RepairRequest) {
        self.core.lock().repairs.insert(from, request);
        self.fetch.notify_one();
    }

    pub(super) fn net(&self) -> Option<&TcpTransport<RaftProtocol>> {
        self.net.get()
    }
}

/// Whom this node has to reach: the members, and until a change is committed those that it leaves out. A leader
/// that is removed needs their answers, and they its frames, to commit just that (Raft §6).
pub(super) fn linked(raft: &Raft) -> BTreeMap<NodeId, String> {
    let mut members = raft.membership_at(raft.commit()).addresses.clone();
    members.extend(raft.membership().addresses.clone());
    members
}

/// What the log says of a member's address is later news than what its host was told.
fn with_contacts(
    contacts: &BTreeMap<NodeId, String>,
    members: &BTreeMap<NodeId, String>,
) -> BTreeMap<NodeId, String> {
    contacts.iter().chain(members).map(|(node, address)| (*node, address.clone())).collect()
}

/// Steps the core with what comes from peers.
#[derive(Debug)]
pub(super) struct RaftInbox(pub(super) Weak<Shared>);

impl Inbox<Letter> for RaftInbox {
    fn received(&self, from: NodeId, letter: Letter) {
        let Some(shared) = self.0.upgrade() else { return };
        shared.own_thread();
        match letter {
            Letter::Message(message) => shared.step(Input::Received { from, message }),
            Letter::Chunk(chunk) => shared.snapshots.came(from, chunk),
            Letter::ChunkReply(reply) => shared.snapshots.replied(from, reply),
            Letter::RepairRequest(request) => shared.want_repair(from, request),
            // Nothing was asked: a log that is open is whole.
            Letter::RepairReply(_) => {}
        }
    }

    fn broken(&self, peer: NodeId) {
        if let Some(shared) = self.0.upgrade() {
            shared.own_thread();
            shared.step(Input::Unreachable(peer));
        }
    }
}
