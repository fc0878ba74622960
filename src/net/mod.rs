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
//! stranger, or for somebody else. With TLS a certificate proves it; without, everyone who can connect is
//! believed, so the network has to be the operator's own. N2 a malformed byte closes its connection, is counted by
//! [`Flaw`], and the log says whose and what; the inbox never sees it. N3 messages of one urgency to one peer are not reordered while a connection lasts. N4 memory for
//! a peer is bounded by [`Limits`]; a message of a few bytes takes some 250 more while it waits.
//!
//! N5 whoever connects holds a place for [`Limits::hello_timeout`] at most unless it is welcome, however its
//! bytes drip; a peer that is welcome holds [`INBOUND_PER_PEER_MAX`] at most, of which one serves. N6 urgent
//! messages are never held back by a policy: while a connection lasts they wait for each other and for what the
//! system has taken already, which on a slow way may be megabytes (`tcp_wmem`), and overtake the rest. N7 a
//! connection that is over is noticed at once where its end is told, and within seconds where it is not, also when
//! nothing is sent.
//!
//! # Limits
//! [`Limits`]. Threads: one that accepts, one for each peer that sends, one for each connection that comes
//! in: at most [`Limits::inbound_max`] without and [`INBOUND_PER_PEER_MAX`] of each peer with a name. All are
//! named `duo-net-...`. Descriptors: a socket for each of them, and one more for each peer. Memory for a peer: [`Limits::outbox_bytes_max`] on its way out; on its way in, 64 KiB
//! and one message, whose length the protocol has accepted, for each of its connections.
//!
//! # Timeout, retry, breaker
//! | | here | above, in `raft` |
//! |---|---|---|
//! | timeout | [`Limits::hello_timeout`] for connecting; 6 s for a peer that confirms nothing | what was sent and not received in an election timeout counts as lost |
//! | retry | of connections: [`RetryPolicy`](crate::resilience::RetryPolicy)'s delays with jitter, for ever | of appends: the same entries at the same places, after a probe |
//! | breaker | the link: without a connection everything is dropped at once, and each attempt to connect is a probe | a follower that does not answer gets heartbeats, and one append at a time |
//!
//! A message is never sent twice here, so an append whose fate is unknown is repeated by the core alone, under
//! the term and index that it has: a follower that took it the first time finds it there. A further breaker,
//! one that counts slow answers, would add nothing and could do harm: it cannot tell a vote's or a heartbeat's
//! way from an append's, and a core that is kept from probing does not learn that a follower is back. What
//! waits for a slow peer is bounded by bytes in the outbox and by the core's bytes in flight. The link's state is
//! in [`PeerNet`].
//!
//! # Caller contract
//! Delivery is at most once: what does not fit, meets a broken connection or waits when it breaks is dropped and
//! counted, and the inbox hears of the broken link. [`TcpTransport::close`] ends all threads and waits for them, calls of the
//! inbox included, so whoever closes makes that return: for [`CLOSE_WITHIN`], after which they are left to themselves. Dropping
//! closes. In the child of a fork it does nothing any more, and closing leaves the parent's connections alone.

mod admission;
mod flaw;
pub mod hello;
mod inbound;
mod line;
mod link;
#[cfg(not(feature = "tls"))]
mod no_tls;
mod outbox;
mod packet;
mod refusal;
mod socket;
mod stats;
mod tcp;
#[cfg(feature = "tls")]
mod tls;
mod tls_files;

#[cfg(not(feature = "tls"))]
use no_tls as tls;

pub use flaw::Flaw;
pub use packet::Packet;
pub use refusal::Refusal;
pub use stats::{NetStats, PeerNet};
pub use tcp::TcpTransport;
pub use tls_files::TlsFiles;

use crate::codec::Malformed;
use crate::resilience::SPAN_MAX;
use crate::types::NodeId;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of the envelope before every message.
pub const ENVELOPE_BYTES: usize = 16;

/// Connections of one peer at the same time: one that serves, and one that it has given up and whose thread is
/// still with the inbox. More are refused.
pub const INBOUND_PER_PEER_MAX: usize = 2;

/// How long closing waits for threads that a name server, a peer or the inbox holds.
pub const CLOSE_WITHIN: Duration = Duration::from_secs(30);

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

    /// What kind of fault [`Self::expect`] or [`Self::decode`] found with that envelope or behind it, for the count.
    fn flaw(&self, envelope: &[u8; ENVELOPE_BYTES], fault: &Malformed) -> Flaw;

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
    /// Bytes that wait for one peer, at least 1. More are dropped.
    pub outbox_bytes_max: usize,
    /// Connections at the same time of whom it is not known yet who they are, at least 1. More are refused.
    pub inbound_max: usize,
    /// For a connection and its whole hello, at least 1 ms; name lookups are not counted. Too short refuses nodes
    /// that are busy, too long lets strangers hold places.
    pub hello_timeout: Duration,
    /// Between attempts to connect: from this, at least 1 ms ...
    pub redial_min: Duration,
    /// ... doubling to this, each a quarter longer or shorter. At most a day. A connection that does not last so long
    /// counts as a failed attempt.
    pub redial_max: Duration,
}

impl Limits {
    /// # Errors
    /// Which rule they break.
    pub fn check(&self) -> Result<(), &'static str> {
        const SPAN_MIN: Duration = Duration::from_millis(1);
        let rules = [
            (self.outbox_bytes_max == 0, "outbox_bytes_max is 0"),
            (self.inbound_max == 0, "inbound_max is 0"),
            (self.hello_timeout < SPAN_MIN, "hello_timeout is below 1 ms"),
            (self.redial_min < SPAN_MIN, "redial_min is below 1 ms"),
            (self.redial_max < self.redial_min, "redial_max is below redial_min"),
            (self.redial_max > SPAN_MAX, "redial_max is above a day"),
        ];
        rules.into_iter().find(|(is_broken, _)| *is_broken).map_or(Ok(()), |(_, rule)| Err(rule))
    }
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
