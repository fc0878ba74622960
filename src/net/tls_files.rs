//! Where a node's certificate, its key and the authority are.

use super::tls::Tls;
use crate::types::{ClusterId, NodeId};
use std::io;
use std::path::PathBuf;

/// The files of one node, all PEM. They are read when the transport is opened and when it is told to load them
/// anew: at the same places, also when the process has another working directory by then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The node's certificate, and behind it those between it and the authority, if any.
    pub certificate: PathBuf,
    /// Its private key, without a password: PKCS #8, PKCS #1 or SEC 1. ECDSA P-256 or P-384, Ed25519, or RSA of 2048 bits and more.
    /// Whoever reads it can be this node.
    pub key: PathBuf,
    /// The authority's certificate. Several are taken, so that a new one can be introduced before the old one goes.
    pub authority: PathBuf,
}

impl TlsFiles {
    /// What an opening as node `own` of `cluster` would say of them now.
    ///
    /// # Errors
    /// `InvalidInput` naming the file that is missing, none, of somebody else or refused by the rules that peers judge
    /// by; `Unsupported` in a build without the feature `tls`.
    pub fn check(&self, cluster: ClusterId, own: NodeId) -> io::Result<()> {
        Tls::load(self, cluster, own).map(drop)
    }
}
