//! Messages between nodes: who may talk to whom, and bytes there and back within bounds.
//!
//! # Model
//! ```text
//!  send(to, m) --> outbox of the link --> socket --> peer      one connection in each direction,
//!   caller's thread, without waiting;     ^                    dialled by who sends
//!   what the socket does not take waits --'  sender thread
//!
//!  socket <-- peer: hello (cluster, from, to) is checked, then each message is read whole and handed to
//!  the `Inbox` by the connection's thread; a slow inbox slows its peer, not this node
//! ```
//! What a message is, is the business of a [`Protocol`].
//!
//! # Invariants
//! N1 nothing is handed on that came from a node of another cluster, of another protocol version, from a
//! stranger, or for somebody else. N2 a malformed byte closes its connection and is counted; the inbox never
//! sees it. N3 messages of one urgency to one peer are not reordered while a connection lasts. N4 memory for
//! a peer is bounded by [`Limits`].
//!
//! # Limits
//! [`Limits`]. Threads: one that accepts, one for each peer that sends, one for each connection that comes
//! in, at most [`Limits::inbound_max`] of these. All are named `duo-net-...`.
//!
//! # Caller contract
//! Delivery is at most once: what does not fit or meets a broken connection is dropped and counted, and the
//! inbox hears of the broken link. [`TcpTransport::close`] ends all threads and waits for them, calls of the
//! inbox included, so whoever closes makes that return; dropping closes. In the child of a fork it does nothing any more, and closing leaves the parent's connections alone.

mod admission;
mod hello;
mod inbound;
mod link;
mod outbox;
mod packet;
mod refusal;
mod socket;
mod tcp;

pub use packet::Packet;
pub use refusal::Refusal;
pub use tcp::TcpTransport;

use crate::codec::Malformed;
use crate::types::NodeId;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of the envelope before every message.
pub const ENVELOPE_BYTES: usize = 16;

/// How messages become bytes.
pub trait Protocol: Send + Sync + 'static {
    /// What travels.
    type Message;

    /// Adds the message's bytes, envelope first.
    fn encode(&self, message: &Self::Message, out: &mut Packet);

    /// Bytes that follow an envelope. Called before anything is allocated for them.
    ///
    /// # Errors
    /// When the envelope is none, or says more than a limit.
    fn expect(&self, envelope: &[u8; ENVELOPE_BYTES]) -> Result<usize, Malformed>;

    /// The message behind an envelope that was accepted; `bytes` are as many as it says.
    ///
    /// # Errors
    /// When the bytes are none.
    fn decode(
        &self,
        envelope: &[u8; ENVELOPE_BYTES],
        bytes: &Arc<Vec<u8>>,
    ) -> Result<Self::Message, Malformed>;

    /// Whether it overtakes what waits to be sent: votes and heartbeats do.
    fn is_urgent(&self, message: &Self::Message) -> bool;
}

/// Who takes what comes in. Called by threads of the transport, one for each connection.
pub trait Inbox<M>: Send + Sync + 'static {
    /// A message of a peer.
    fn received(&self, from: NodeId, message: M);

    /// The connection to a peer broke: what was sent last may be lost.
    fn broken(&self, peer: NodeId);
}

/// Bounds of a transport.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes that wait for one peer. More are dropped.
    pub outbox_bytes_max: usize,
    /// Connections that come in at the same time. More are refused.
    pub inbound_max: usize,
    /// For a connection and its hello. Too short refuses nodes that are busy.
    pub hello_timeout: Duration,
    /// Between attempts to connect: from this ...
    pub redial_min: Duration,
    /// ... doubling to this.
    pub redial_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            outbox_bytes_max: 32 << 20,
            inbound_max: 64,
            hello_timeout: Duration::from_secs(2),
            redial_min: Duration::from_millis(20),
            redial_max: Duration::from_secs(1),
        }
    }
}

/// What a transport has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NetStats {
    /// Messages given to the system.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Messages handed to the inbox.
    pub received: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Messages dropped: no connection, or too much waits.
    pub dropped: u64,
    /// Connections made to peers.
    pub connected: u64,
    /// Connections to peers that broke.
    pub broken: u64,
    /// Connections closed for bytes that are no message.
    pub malformed: u64,
    /// Connections refused here, by [`Refusal`] in its order.
    pub refused: [u64; Refusal::COUNT],
}
