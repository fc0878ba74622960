//! TLS 1.3 between nodes: both ends show a certificate, and a certificate names its node.
//!
//! # Model
//! The operator is the authority: a key pair that signs one certificate for each node. A node's certificate has
//! the DNS name `node-<number>.<cluster in 32 hex digits>.duochain` among its alternative names; no resolver is
//! ever asked for it. The names are compared whole, so a wildcard names nobody.
//! ```text
//!  dialler                                              acceptor
//!  -- ClientHello, without the name that it calls -->
//!  <-- certificate, signed by the authority, of the node that is called, valid now
//!  -- certificate, likewise; then the hello of `hello.rs` -->  is it that of the hello's `from`?
//!  <-- answer of `hello.rs`, or an alert
//! ```
//!
//! # Invariants
//! T1 no message passes before both certificates were checked: issued by the authority, valid now, fit for the
//! purpose, and of the very node that the connection is to or from. T2 no earlier version than TLS 1.3, no
//! resumption, no early data: each connection checks anew, with the files of the last load. T3 what is
//! encrypted and not sent yet is at most [`SEALED_BYTES_MAX`]; urgent messages overtake everything else (N3).
//!
//! # Limits
//! Revocation lists are not read: a node whose key was stolen is removed from the cluster and comes back under
//! a new number. Connections live on when certificates are loaded anew or expire: they were checked when made.
//! Memory for a connection, beside that of `net`: [`SEALED_BYTES_MAX`] on its way out, 64 KiB on its way in.
//!
//! # Source
//! RFC 8446; RFC 9525 for names. rustls, with the algorithms of ring.

mod credentials;
mod fault;
mod session;

pub(super) use credentials::Tls;
pub(super) use session::{Client, Server};

/// Bytes that are encrypted ahead of the socket, about. More would be in the way of what is urgent, less would
/// cost more system calls.
const SEALED_BYTES_MAX: usize = 64 << 10;
