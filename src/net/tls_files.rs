//! Where a node's certificate, its key and the authority are.

use std::path::PathBuf;

/// The files of one node, all PEM. They are read when the transport is opened and when it is told to load them
/// anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The node's certificate, and behind it those between it and the authority, if any.
    pub certificate: PathBuf,
    /// Its private key: PKCS #8, PKCS #1 or SEC 1. ECDSA P-256 or P-384, Ed25519, or RSA of 2048 bits and more.
    /// Whoever reads it can be this node.
    pub key: PathBuf,
    /// The authority's certificate. Several are taken, so that a new one can be introduced before the old one goes.
    pub authority: PathBuf,
}
