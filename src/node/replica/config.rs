//! How to open a replica, as a host says it.

use super::{BatchLimits, SnapshotOptions};
use crate::dedup::DedupLimits;
use crate::net;
use crate::raft::{Config, Membership};
use crate::storage::frames::{FrameLogOptions, LogBackend};
use crate::types::{ClusterId, Index, NodeId};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How to open a replica.
#[derive(Clone, Debug)]
pub struct ReplicaConfig {
    /// Where log and vote are kept; nobody else uses it.
    pub dir: PathBuf,
    /// The cluster, which a directory belongs to for ever.
    pub cluster: ClusterId,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Who makes up the cluster when it begins: the same on all of them. Later the log says it. A node that
    /// is not among them is to be added by [`Replica::change`](super::Replica::change); it gives those that are
    /// members then, who are let in until the log says more.
    pub members: Membership,
    /// Nodes that are talked to beside the members that the log of this node names so far: for one that was away
    /// while members changed, and whose leader it does not know. Usually empty.
    pub contacts: BTreeMap<NodeId, String>,
    /// The core.
    pub raft: Config,
    /// What keeps the log. A directory keeps the one that it was begun with; nodes of a cluster may differ. See
    /// [`LogBackend`] for what RocksDB costs.
    pub log_backend: LogBackend,
    /// The log's files. Of one in RocksDB only the limits matter.
    pub log: FrameLogOptions,
    /// The transport.
    pub net: net::Limits,
    /// What is remembered against repetitions. It belongs to the cluster like its id: the same on all nodes, never
    /// changed.
    pub dedup: DedupLimits,
    /// How entries that are submitted become frames.
    pub batch: BatchLimits,
    /// TLS 1.3 between the nodes, with certificates on both ends: the same on all of them. `None`: in clear, and
    /// whoever can connect is believed. Needs a build with the feature `tls`.
    pub tls: Option<net::TlsFiles>,
    /// When snapshots are taken, how much of the log stays, and how they travel.
    pub snapshots: SnapshotOptions,
    /// How long the opening of a log that is damaged in its middle asks peers for what is missing, before it is refused by
    /// name. 0: it does not ask. Too short for peers to connect, or to elect a leader, refuses what could be mended.
    /// A log in RocksDB is never mended: damage to it is refused at once.
    pub repair_within: Duration,
    /// How long closing waits for threads that a disk, the host or a name server holds. Too short, and the directory is
    /// still locked when it is opened again; too long, and a host whose disk does not answer cannot end.
    pub close_within: Duration,
    /// Everything up to here was applied before. A host that is behind the newest snapshot begins with that.
    pub applied: Index,
}

impl ReplicaConfig {
    /// The usual values, for a host that starts with nothing applied.
    pub fn new(
        node: NodeId,
        dir: impl Into<PathBuf>,
        cluster: ClusterId,
        listen: SocketAddr,
        members: Membership,
    ) -> Self {
        Self {
            dir: dir.into(),
            cluster,
            listen,
            members,
            contacts: BTreeMap::new(),
            raft: Config::new(node),
            log_backend: LogBackend::default(),
            log: FrameLogOptions::default(),
            net: net::Limits::default(),
            tls: None,
            dedup: DedupLimits::default(),
            batch: BatchLimits::default(),
            snapshots: SnapshotOptions::default(),
            repair_within: Duration::from_secs(30),
            close_within: net::CLOSE_WITHIN,
            applied: Index::ORIGIN,
        }
    }
}
