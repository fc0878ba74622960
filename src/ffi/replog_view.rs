//! `duo_replog`: what a node tells about itself and the others.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, out, out_array};
use super::boundary::on;
use super::failure::Failure;
use super::log::fixed;
use super::record::{self, Record};
use super::replog::{ReplogObject, duo_replog};
use super::status::duo_status;
use crate::node::replica::{ReplicaError, Situation};
use crate::raft::{ADDRESS_BYTES_MAX, Membership, Role};
use crate::types::{NodeId, Status};
use std::ffi::c_char;

/// `duo_replog_status_t`: takes entries from a leader, or waits for one.
pub const DUO_REPLOG_FOLLOWER: u32 = 1;
/// `duo_replog_status_t`: asks for votes.
pub const DUO_REPLOG_CANDIDATE: u32 = 2;
/// `duo_replog_status_t`: decides what is in the log.
pub const DUO_REPLOG_LEADER: u32 = 3;

/// `duo_replog_member_t`: its vote counts.
pub const DUO_REPLOG_VOTER: u32 = 1;
/// `duo_replog_member_t`: its vote counts until the change under way is over.
pub const DUO_REPLOG_OUTGOING: u32 = 2;
/// `duo_replog_member_t`: takes the log only.
pub const DUO_REPLOG_LEARNER: u32 = 4;
/// `duo_replog_member_t`: a learner once the change under way is over.
pub const DUO_REPLOG_DEMOTED: u32 = 8;

/// Room for an address with its NUL.
const ADDRESS_ROOM: usize = 264;
const _: () = assert!(ADDRESS_BYTES_MAX < ADDRESS_ROOM);

/// Where a node stands.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_replog_status_t {
    /// `sizeof(duo_replog_status_t)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// `DUO_REPLOG_FOLLOWER`, `_CANDIDATE` or `_LEADER`.
    pub role: u32,
    /// How many members there are.
    pub members: u32,
    /// This node.
    pub node: u64,
    /// Its term.
    pub term: u64,
    /// Who leads, as far as it knows; 0: nobody.
    pub leader: u64,
    /// The oldest entry that it still has.
    pub first: u64,
    /// The end of its log.
    pub last: u64,
    /// Everything up to here is on its disk.
    pub durable: u64,
    /// Everything up to here is committed.
    pub commit: u64,
    /// Bytes that wait to be committed; of a leader.
    pub uncommitted_bytes: u64,
    /// Where the leader is found, NUL-terminated; empty when nobody leads.
    pub leader_address: [c_char; 264],
    /// The last entry in its newest snapshot; 0: it has none.
    pub snapshot: u64,
    /// Everything up to here can be read here; 0 while an opening goes through its log.
    pub applied: u64,
    /// The term of the last entry of its log.
    pub last_term: u64,
    /// Bytes of the log that are in memory.
    pub window_bytes: u64,
    /// Where it listens, NUL-terminated: with the port that the system chose, where the options said 0.
    pub address: [c_char; 64],
    /// Counts changes of role, term, leader and members, from 1 when the log was opened; for `duo_replog_wait_status`.
    pub changes: u64,
}

// SAFETY: integers and arrays of them, struct_size and flags first.
unsafe impl Record for duo_replog_status_t {
    const NAME: &'static str = "duo_replog_status_t";
}

/// What a leader knows of another member.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_replog_peer {
    /// Which.
    pub node: u64,
    /// Everything up to here is on its disk.
    pub matched: u64,
    /// What is sent next.
    pub next: u64,
    /// Bytes on their way.
    pub inflight_bytes: u64,
    /// Time since it answered.
    pub silent_ns: u64,
    /// Not 0 while it takes a snapshot.
    pub in_snapshot: u32,
    /// 0.
    pub reserved: u32,
}

/// A member, as a node's log says.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_replog_member_t {
    /// Its number.
    pub node: u64,
    /// `DUO_REPLOG_VOTER`, `_OUTGOING`, `_LEARNER` and `_DEMOTED` bits.
    pub parts: u32,
    /// 0.
    pub reserved: u32,
    /// Where it is found, NUL-terminated.
    pub address: [c_char; 264],
}

const fn role(role: Role) -> u32 {
    match role {
        Role::Follower => DUO_REPLOG_FOLLOWER,
        Role::PreCandidate | Role::Candidate => DUO_REPLOG_CANDIDATE,
        Role::Leader => DUO_REPLOG_LEADER,
    }
}

fn parts(members: &Membership, node: NodeId) -> u32 {
    let parts = [
        (&members.voters, DUO_REPLOG_VOTER),
        (&members.outgoing, DUO_REPLOG_OUTGOING),
        (&members.learners, DUO_REPLOG_LEARNER),
        (&members.demoted, DUO_REPLOG_DEMOTED),
    ];
    parts.into_iter().filter(|(part, _)| part.contains(&node)).map(|(_, bit)| bit).sum()
}

/// Where this node stands. Works on a closed log too: as it was.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_status(
    log: *const duo_replog,
    status: *mut duo_replog_status_t,
) -> duo_status {
    on(log, |log: &ReplogObject| {
        // SAFETY: the header's contract.
        let target = unsafe { record::out(status) }?;
        target.put(log.status(&log.replica.situation()));
        Ok(Status::Ok)
    })
}

/// Waits until `changes` of `status` is another number than `seen`, and fills that in: somebody else leads or nobody does,
/// this node has another role or term, or other members are in. With a `seen` of 0 it returns at once; then ask with the
/// number that came, and no change is missed between two calls. Changes that come close together may be told as one.
/// `DUO_TIMEOUT` while there was none; `DUO_ERR_CLOSED` and `DUO_ERR_POISONED` when the node has ended.
///
/// It is about what this node knows: one that was cut off leads in its own eyes until it steps down, while another one does
/// already. What must be done by one node alone goes through the log.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_wait_status(
    log: *const duo_replog,
    seen: u64,
    timeout_ns: i64,
    status: *mut duo_replog_status_t,
) -> duo_status {
    on(log, |log: &ReplogObject| {
        // SAFETY: the header's contract.
        let target = unsafe { record::out(status) }?;
        match log.replica.wait_status(seen, argument::timeout(timeout_ns)) {
            Ok(situation) => target.put(log.status(&situation)),
            Err(ReplicaError::Timeout) => return Ok(Status::Timeout),
            Err(error) => return Err(error.into()),
        }
        Ok(Status::Ok)
    })
}

impl ReplogObject {
    fn status(&self, situation: &Situation) -> duo_replog_status_t {
        let (now, members) = (&situation.status, &situation.members);
        let address = self.replica.address().map_or(String::new(), |address| address.to_string());
        duo_replog_status_t {
            struct_size: 0,
            flags: 0,
            role: role(now.role),
            members: members.addresses.len() as u32,
            node: self.replica.node().get(),
            term: now.term.get(),
            leader: now.leader.map_or(0, NodeId::get),
            first: self.replica.first().get(),
            last: now.last.index.get(),
            durable: now.durable.get(),
            commit: now.commit.get(),
            uncommitted_bytes: now.uncommitted_bytes as u64,
            leader_address: fixed(situation.leader_address().unwrap_or_default()),
            snapshot: self.replica.snapshot_index().get(),
            applied: self.replica.applied().get(),
            last_term: now.last.term.get(),
            window_bytes: now.window_bytes as u64,
            address: fixed(&address),
            changes: situation.changes,
        }
    }
}

/// What a leader knows of the other members, in the order of their numbers; none on a follower. `n` gets
/// their number, also with `DUO_ERR_TOO_LARGE` when `cap` is smaller; with `cap` 0 only `n` is written.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_peers(
    log: *const duo_replog,
    peers: *mut duo_replog_peer,
    cap: usize,
    n: *mut usize,
) -> duo_status {
    on(log, |log: &ReplogObject| {
        let known = log.replica.status().peers;
        let peers_of = known.iter().map(|peer| duo_replog_peer {
            node: peer.node.get(),
            matched: peer.matched.get(),
            next: peer.next.get(),
            inflight_bytes: peer.inflight_bytes as u64,
            silent_ns: u64::try_from(peer.silent.as_nanos()).unwrap_or(u64::MAX),
            in_snapshot: u32::from(peer.is_in_snapshot),
            reserved: 0,
        });
        put_all(peers_of, peers, cap, n, "peers")
    })
}

/// Who is in the cluster as this node's log says, in the order of their numbers. Otherwise as
/// `duo_replog_peers`.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_members(
    log: *const duo_replog,
    members: *mut duo_replog_member_t,
    cap: usize,
    n: *mut usize,
) -> duo_status {
    on(log, |log: &ReplogObject| {
        let known = log.replica.members();
        let all = known.addresses.iter().map(|(node, address)| duo_replog_member_t {
            node: node.get(),
            parts: parts(&known, *node),
            reserved: 0,
            address: fixed(address),
        });
        put_all(all, members, cap, n, "members")
    })
}

fn put_all<T: Copy>(
    values: impl ExactSizeIterator<Item = T>,
    first: *mut T,
    cap: usize,
    n: *mut usize,
    name: &'static str,
) -> Result<Status, Failure> {
    let n = out(n, "n")?;
    let mut target = out_array(first, cap, name)?;
    let count = values.len();
    n.put(count);
    if cap == 0 {
        return Ok(Status::Ok);
    }
    if count > cap {
        return Err(Failure::new(Status::TooLarge, format!("there are {count} {name}, room for {cap}")));
    }
    values.for_each(|value| target.push(value));
    Ok(Status::Ok)
}

/// The node's figures as a JSON object. `len` gets the length without the NUL; a `capacity` of 0 asks for it
/// only.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_json(
    log: *const duo_replog,
    buf: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> duo_status {
    on(log, |log: &ReplogObject| argument::put_text(&log.replica.json(), buf, capacity, len))
}

/// The node's figures in Prometheus's text format, each with the label `node`. Otherwise as `duo_replog_json`.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_prometheus(
    log: *const duo_replog,
    buf: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> duo_status {
    on(log, |log: &ReplogObject| argument::put_text(&log.replica.stats().prometheus(), buf, capacity, len))
}
