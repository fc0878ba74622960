//! `duo_replog`: one machine's part of a replicated log, opened and ended.
//!
//! # Model
//! A host polls: `duo_replog_read` shows what is committed behind a position that the host keeps, and waits
//! for it. No thread of the library calls the host, which therefore needs no callback.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(non_camel_case_types, reason = "named as C sees them")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, out};
use super::boundary::{destroy, library, on};
use super::failure::Failure;
use super::handle::{self, Kind, Object};
use super::record::{self, Record};
use super::replog_pending::PendingTable;
use super::replog_snapshot::Opened;
use super::replog_tls;
use super::status::duo_status;
use crate::node::replica::{PolledReplica, ReplicaConfig, ReplicaError};
use crate::raft::{Config, MEMBERS_MAX, Membership};
use crate::storage::frames::LogBackend;
use crate::types::{ClusterId, NodeId, Status};
use std::collections::BTreeMap;
use std::ffi::c_char;
use std::net::SocketAddr;
use std::time::Duration;

/// Length of the name of a cluster in bytes.
pub const DUO_CLUSTER_BYTES: usize = 16;
/// Most members of a replicated log.
pub const DUO_REPLOG_MEMBERS_MAX: usize = 32;

const _: () = assert!(DUO_REPLOG_MEMBERS_MAX == MEMBERS_MAX);
const _: () = assert!(DUO_CLUSTER_BYTES == size_of::<ClusterId>());

/// Files of the library's own format, the one to use: damage is named, and mended from the other members.
pub const DUO_LOG_BACKEND_SEGMENTS: u32 = 0;
/// A database of RocksDB, in a library with `DUO_FEATURE_ROCKSDB`: several times slower, and never mended.
pub const DUO_LOG_BACKEND_ROCKSDB: u32 = 1;

/// One machine's part of a replicated log.
pub struct duo_replog {
    _private: [u8; 0],
}

pub(super) struct ReplogObject {
    pub(super) replica: PolledReplica,
    pub(super) pending: PendingTable,
    pub(super) opened: Opened,
}

impl ReplogObject {
    /// Ends it in order, as far as there is time.
    pub(super) fn shut(&self, timeout: Duration) -> Result<Status, Failure> {
        match self.replica.shutdown(timeout) {
            Ok(()) | Err(ReplicaError::Closed) => Ok(Status::Ok),
            Err(ReplicaError::Timeout) => Ok(Status::Timeout),
            Err(error) => Err(error.into()),
        }
    }
}

impl Object for ReplogObject {
    const KIND: Kind = Kind::Replog;
    type Opaque = duo_replog;

    fn close(&self) {
        // Lets everybody out; its threads are waited for, once, when it is dropped.
        self.replica.stop();
    }
}

impl From<ReplicaError> for Failure {
    fn from(error: ReplicaError) -> Self {
        Self::of(error.status(), &error).with_detail(error.leader().map_or(0, NodeId::get))
    }
}

/// A member and where the others find it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_replog_member {
    /// Its number, from 1; never used again for another machine.
    pub node: u64,
    /// `host:port`, such as "10.0.0.1:7400". Read during the call only.
    pub address: *const c_char,
}

/// How to open a replicated log. 0 stands for the default of a setting; all members should have the same.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_replog_options {
    /// `sizeof(duo_replog_options)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// Directory for log and vote, made when it is not there; nobody else uses it.
    pub dir: *const c_char,
    /// Where to listen, `address:port`.
    pub listen: *const c_char,
    /// Who makes up the cluster when it begins: the same on all of them. Later the log says it. A node that is
    /// not among them is to be added by `duo_replog_change`; it gives those that are members then.
    pub members: *const duo_replog_member,
    /// How many.
    pub members_len: usize,
    /// This node's number.
    pub node: u64,
    /// The cluster, which a directory belongs to for ever.
    pub cluster: [u8; 16],
    /// Time between two heartbeats; default 50 ms.
    pub heartbeat_ns: u64,
    /// A follower that hears no leader campaigns after a random time between this ...
    pub election_min_ns: u64,
    /// ... and this; default 150 ms and 300 ms.
    pub election_max_ns: u64,
    /// A leader whose disk does not answer for longer steps down; default 1 s.
    pub disk_stall_max_ns: u64,
    /// Bytes of a batch, from 16 KiB to 30 MiB, with 52 for each entry and 96 for the batch counted in; default 8 MiB.
    pub batch_bytes_max: u64,
    /// Bytes that wait to be committed before appends get `DUO_AGAIN`, from `batch_bytes_max` to `window_bytes_max`; default
    /// 32 MiB.
    pub uncommitted_bytes_max: u64,
    /// Bytes of one file of the log; default 64 MiB. Nothing to a log in RocksDB.
    pub segment_bytes: u64,
    /// Entries of a batch, up to 10,000, which is the default.
    pub batch_entries_max: u32,
    /// `DUO_LOG_BACKEND_*`: what keeps the log, which a directory keeps for ever.
    pub log_backend: u32,
    /// PEM file with this node's certificate, behind it those between it and the authority, if any. With the two
    /// below, every connection between nodes is TLS 1.3 with certificates on both ends: the same on all members. All
    /// three or none. NULL: in clear, and whoever can connect is believed. Needs a library with `DUO_FEATURE_TLS`.
    pub tls_certificate: *const c_char,
    /// PEM file with its private key, without a password.
    pub tls_key: *const c_char,
    /// PEM file with the authority's certificate, or several.
    pub tls_authority: *const c_char,
    /// Entries before the newest snapshot that the log keeps at least, for nodes that were away for a moment; default
    /// 100,000.
    pub tail_entries: u64,
    /// Nodes that are talked to beside the members that the log of this node names so far: for one that was away while
    /// members changed, and whose leader it does not know. Usually none.
    pub contacts: *const duo_replog_member,
    /// How many.
    pub contacts_len: usize,
    /// How long the opening of a log that is damaged in its middle asks the others for what is missing, before it is refused
    /// by name; default 30 s. With 1 it is refused at once. Too short for them to connect, or to elect a leader, refuses
    /// what could be mended.
    pub repair_within_ns: u64,
    /// How long closing and destroying wait for threads that a disk that does not answer, or the look-up of a member's name,
    /// holds; default 30 s. Too short, and the directory is still locked when it is opened again; too long, and a host whose
    /// disk does not answer cannot end.
    pub close_within_ns: u64,
    /// A session is remembered for so long after its last entry, in log time; default 1 h. Too short, and what is appended
    /// again after that is read twice. It belongs to the cluster like its name, as the next two do: the same on all nodes,
    /// never changed.
    pub time_to_live_ns: u64,
    /// Sessions that are remembered, up to 1,048,576; default 65,536. Each takes about 150 bytes, 1 KiB more with gaps.
    pub sessions_max: u32,
    /// Ids that are remembered, up to 16,777,216; default 262,144.
    pub ids_max: u32,
    /// For a connection to another node and its whole hello; default 2 s. Too short refuses nodes that are busy, too long
    /// lets strangers hold places.
    pub hello_timeout_ns: u64,
    /// Longest wait of an entry for others to go with while the disk is busy, up to 1 s; default 1 ms. Longer ones make
    /// larger batches and slower answers.
    pub batch_latency_ns: u64,
    /// Bytes of entries that wait to go with others, with 128 for each, before appends get `DUO_AGAIN`; default 16 MiB. Less
    /// than a whole batch and what is kept free for critical entries is as much as these.
    pub batch_staged_bytes_max: u64,
    /// Bytes of appends that are not committed yet, counted alike, before others wait, from 256 KiB; default 8 MiB. More
    /// costs latency; too few are slow where a commit takes long.
    pub batch_inflight_bytes_max: u64,
    /// Bytes of the log under way to one follower, from 1 MiB; default 8 MiB. Too few are slow where the way is long.
    pub peer_inflight_bytes_max: u64,
    /// Bytes of the log's end in memory for followers, from `uncommitted_bytes_max`; default 64 MiB. What is older is read
    /// from disk.
    pub window_bytes_max: u64,
    /// Reads that wait for a majority before more get `DUO_AGAIN`; default 4,096.
    pub reads_max: u64,
    /// Bytes of one piece of a snapshot on its way to another node, up to 1 MiB; default 256 KiB. A heartbeat may wait for
    /// the pieces under way: together they should pass in a small part of `election_min_ns`.
    pub snapshot_chunk_bytes: u32,
    /// Pieces under way to one node, up to 64; default 8. Too few are slow where the way is long.
    pub snapshot_chunks_inflight_max: u32,
}

// SAFETY: integers, raw pointers and an array of bytes, struct_size and flags first.
unsafe impl Record for duo_replog_options {
    const NAME: &'static str = "duo_replog_options";
}

pub(super) fn node(number: u64) -> Result<NodeId, Failure> {
    NodeId::new(number).ok_or_else(|| Failure::argument("a node's number is 1 or more"))
}

fn set<T, V: Default + PartialEq>(target: &mut T, value: V, convert: impl FnOnce(V) -> T) {
    if value != V::default() {
        *target = convert(value);
    }
}

/// One that does not fit is refused by what it stands for.
fn bytes(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn backend(number: u32) -> Result<LogBackend, Failure> {
    match number {
        DUO_LOG_BACKEND_SEGMENTS => Ok(LogBackend::Segments),
        DUO_LOG_BACKEND_ROCKSDB => Ok(LogBackend::RocksDb),
        _ => Err(Failure::argument(format!("{number} is not a DUO_LOG_BACKEND_*"))),
    }
}

impl duo_replog_options {
    /// # Safety
    /// The texts and members are NULL or readable.
    unsafe fn config(&self) -> Result<ReplicaConfig, Failure> {
        // SAFETY: passed on.
        let (dir, listen) =
            unsafe { (argument::text(self.dir, "dir")?, argument::text(self.listen, "listen")?) };
        let listen: SocketAddr = listen
            .parse()
            .map_err(|_| Failure::argument(format!("{listen:?} is not an address to listen on")))?;
        // SAFETY: passed on.
        let (members, contacts) = unsafe {
            (
                listed(self.members, self.members_len, "members")?,
                listed(self.contacts, self.contacts_len, "contacts")?,
            )
        };
        let (cluster, members) = (ClusterId(self.cluster), Membership::of(members));
        let mut config = ReplicaConfig::new(node(self.node)?, dir, cluster, listen, members);
        config.contacts = contacts;
        self.set_raft(&mut config.raft);
        self.set_rest(&mut config);
        config.log_backend = backend(self.log_backend)?;
        // SAFETY: passed on.
        config.tls = unsafe { replog_tls::files(self) }?;
        Ok(config)
    }

    fn set_raft(&self, raft: &mut Config) {
        set(&mut raft.heartbeat, self.heartbeat_ns, Duration::from_nanos);
        set(&mut raft.election_min, self.election_min_ns, Duration::from_nanos);
        set(&mut raft.election_max, self.election_max_ns, Duration::from_nanos);
        set(&mut raft.disk_stall_max, self.disk_stall_max_ns, Duration::from_nanos);
        set(&mut raft.frame_bytes_max, self.batch_bytes_max, bytes);
        set(&mut raft.uncommitted_bytes_max, self.uncommitted_bytes_max, bytes);
        set(&mut raft.frame_entries_max, self.batch_entries_max, |entries| entries);
        set(&mut raft.inflight_bytes_max, self.peer_inflight_bytes_max, bytes);
        set(&mut raft.window_bytes_max, self.window_bytes_max, bytes);
        set(&mut raft.reads_max, self.reads_max, bytes);
    }

    fn set_rest(&self, config: &mut ReplicaConfig) {
        let ReplicaConfig { log, net, dedup, batch, snapshots, repair_within, close_within, .. } = config;
        set(&mut log.segment_bytes, self.segment_bytes, bytes);
        set(&mut net.hello_timeout, self.hello_timeout_ns, Duration::from_nanos);
        set(&mut dedup.time_to_live, self.time_to_live_ns, Duration::from_nanos);
        set(&mut dedup.sessions_max, self.sessions_max, |sessions| sessions);
        set(&mut dedup.ids_max, self.ids_max, |ids| ids);
        set(&mut batch.latency, self.batch_latency_ns, Duration::from_nanos);
        set(&mut batch.staged_bytes_max, self.batch_staged_bytes_max, bytes);
        set(&mut batch.in_flight_bytes_max, self.batch_inflight_bytes_max, bytes);
        set(&mut snapshots.tail_entries, self.tail_entries, |entries| entries);
        set(&mut snapshots.chunk_bytes, self.snapshot_chunk_bytes.into(), bytes);
        set(&mut snapshots.chunks_inflight_max, self.snapshot_chunks_inflight_max.into(), bytes);
        set(repair_within, self.repair_within_ns, Duration::from_nanos);
        set(close_within, self.close_within_ns, Duration::from_nanos);
    }
}

/// Numbers and addresses, of which none is there twice.
///
/// # Safety
/// They are NULL or readable, and so are their texts.
unsafe fn listed(
    first: *const duo_replog_member,
    count: usize,
    what: &'static str,
) -> Result<BTreeMap<NodeId, String>, Failure> {
    let mut listed = BTreeMap::new();
    // SAFETY: passed on.
    for member in unsafe { argument::array(first, count, DUO_REPLOG_MEMBERS_MAX, what) }? {
        // SAFETY: passed on.
        let address = unsafe { argument::text(member.address, "the address of a member") }?;
        if listed.insert(node(member.node)?, address.to_owned()).is_some() {
            return Err(Failure::argument(format!("two {what} have the same number")));
        }
    }
    Ok(listed)
}

/// Opens or makes the log in its directory, listens, and takes part. `DUO_ERR_BUSY` when another process has
/// the directory; `DUO_ERR_CONFIG` for settings that do not fit together, a directory of another cluster or with the other
/// `log_backend`, or files of TLS that are missing or that peers would refuse, which the message names;
/// `DUO_ERR_UNSUPPORTED` for TLS or RocksDB in a library without it; `DUO_ERR_IO` when it cannot listen there.
///
/// The disk has to hold all that is appended since the snapshot before the newest one that the host gave
/// (`duo_replog_snapshot`); all that is ever appended, where it gives none. A full disk ends the node. Behind its opening
/// it goes through that log again, and `duo_replog_read` gives `DUO_TIMEOUT` until it is there. Repetitions that are left
/// out cost 32 bytes of memory for each run of them in it.
///
/// A log that is damaged in its middle is mended first, with what the other members prove to be the same; until then the
/// node neither votes nor acknowledges. Then this blocks for up to `repair_within_ns`, and gives `DUO_ERR_CORRUPTION`, with
/// the file, the entries and what each member said, where none of them has what is missing; at once for a log in RocksDB.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_open(
    options: *const duo_replog_options,
    log: *mut *mut duo_replog,
) -> duo_status {
    library(Some(Kind::Replog), || {
        let target = out(log, "log")?;
        // SAFETY: the header's contract.
        let config = unsafe { record::read(options)?.config() }?;
        let replica = PolledReplica::open(config)?;
        let object = ReplogObject { replica, pending: PendingTable::default(), opened: Opened::default() };
        target.put(handle::insert(object)?);
        Ok(Status::Ok)
    })
}

/// Waits until this node may answer a read: everything that was acknowledged anywhere before the call is at
/// or before `index`, and can be read here. A follower asks the leader, and again after `election_max_ns`, since the
/// question may have got lost. `DUO_ERR_NOT_LEADER`: nobody is known to lead; ask again.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_read_index(
    log: *const duo_replog,
    timeout_ns: i64,
    index: *mut u64,
) -> duo_status {
    on(log, |log: &ReplogObject| {
        let target = out(index, "index")?;
        target.put(log.replica.read_index(argument::timeout(timeout_ns))?.get());
        Ok(Status::Ok)
    })
}

/// Hands leadership over to node `to`, or with 0 to whoever is furthest; returns once that is on its way.
/// `DUO_ERR_NOT_LEADER`: this one does not lead.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_transfer(log: *const duo_replog, to: u64, timeout_ns: i64) -> duo_status {
    on(log, |log: &ReplogObject| {
        log.replica.transfer(NodeId::new(to), argument::timeout(timeout_ns))?;
        Ok(Status::Ok)
    })
}

/// Ends the node's part in order: takes no more entries, waits until those it has are committed and on disk, and
/// hands leadership over, all in `timeout_ns`. Then it is closed in any case, which takes as long as a write that is
/// under way on its disk and at most `close_within_ns`, and waiting calls return `DUO_ERR_CLOSED`; `DUO_TIMEOUT` when
/// something was left to do. The directory can be opened again. What is committed can still be read until it is destroyed,
/// but for a log in RocksDB: `DUO_ERR_CLOSED`. Again it does nothing.
///
/// A thread that is busy for longer than `close_within_ns` is left: it begins nothing new, and ends when the disk, or
/// whoever looks a name up, answers. Until then the directory may stay locked, the library must not be unloaded, and each
/// further close waits for it and gives `DUO_TIMEOUT`.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_close(log: *const duo_replog, timeout_ns: i64) -> duo_status {
    on(log, |log: &ReplogObject| log.shut(argument::timeout(timeout_ns)))
}

/// Closes the log if it is open, lets waiting calls return, and frees it; waits for a write that is under way on its
/// disk, as `duo_replog_close` does, and for calls that read from it. In a forked process it is leaked on purpose: `DUO_ERR_FORKED`. NULL is accepted.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_destroy(log: *mut duo_replog) -> duo_status {
    destroy::<ReplogObject>(log)
}
