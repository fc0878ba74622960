//! What a transport has done, in all and for each peer.

use super::{Flaw, Refusal};
use crate::types::NodeId;
use std::time::Duration;

/// What a transport has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NetStats {
    /// Messages given to the system.
    pub sent: u64,
    /// Bytes of messages that were taken for sending.
    pub sent_bytes: u64,
    /// Messages handed to the inbox.
    pub received: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Messages dropped: no connection, one that broke while they waited, or too much waits.
    pub dropped: u64,
    /// Connections made to peers.
    pub connected: u64,
    /// Connections to peers that broke.
    pub broken: u64,
    /// Connections closed for bytes that are no message, by [`Flaw`] in its order.
    pub malformed: [u64; Flaw::COUNT],
    /// Connections refused here, by [`Refusal`] in its order.
    pub refused: [u64; Refusal::COUNT],
    /// Connections to peers that were not made, by who refused what: the peer by its answer, or this node for
    /// what the peer showed. By [`Refusal`] in its order.
    pub turned_away: [u64; Refusal::COUNT],
    /// Connections lost for want of descriptors or threads.
    pub unaccepted: u64,
    /// Attempts to connect that ended in silence: nobody listens, no way there, no answer in time.
    pub unreachable: u64,
}

/// The way to one peer at one moment. It is the breaker of that peer (see the head of `net`): closed while
/// connected, open between attempts, and each attempt is a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerNet {
    /// Which.
    pub node: NodeId,
    /// Messages can be sent.
    pub is_connected: bool,
    /// Attempts to connect that failed, and connections that broke within
    /// [`Limits::redial_max`](super::Limits::redial_max), in a row; 0 while connected.
    pub failures: u32,
    /// Time to the next attempt; zero while connected or connecting.
    pub redial_in: Duration,
    /// Why the last attempt was refused; `None` when it succeeded, or nobody answered.
    pub refusal: Option<Refusal>,
    /// Bytes that wait for the socket, at most [`Limits::outbox_bytes_max`](super::Limits::outbox_bytes_max).
    pub outbox_bytes: usize,
    /// Most bytes that waited at a time.
    pub outbox_bytes_high: usize,
    /// Messages given to the system.
    pub sent: u64,
    /// Bytes of messages that were taken for sending.
    pub sent_bytes: u64,
    /// Messages dropped: no connection, one that broke while they waited, or too much waits.
    pub dropped: u64,
    /// Time spent in sending: system calls, and encryption where there is some. Its growth over a span of time
    /// is the sender's utilisation.
    pub busy: Duration,
    /// Time in which something waited and the socket took nothing: the peer or the network is the slower one.
    pub stalled: Duration,
}
