//! Who this node is and whom it trusts: read from files, checked, exchanged while it runs.

use super::SEALED_BYTES_MAX;
use super::fault;
use super::session::{Client, Server};
use crate::net::{Refusal, TlsFiles};
use crate::types::{ClusterId, NodeId};
use parking_lot::{Mutex, RwLock};
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::TLS13;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use std::fmt::Write;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What the certificate of a node has to name.
pub(super) fn name_of(cluster: ClusterId, node: NodeId) -> String {
    let mut name = format!("node-{}.", node.get());
    for byte in cluster.0 {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name + ".duochain"
}

/// Whether a certificate names a node, whole and without wildcards; DNS names have no case (T1).
pub(super) fn is_named(certificate: Option<&CertificateDer<'_>>, name: &str) -> bool {
    let certificate = certificate.and_then(|der| webpki::EndEntityCert::try_from(der).ok());
    certificate
        .is_some_and(|certificate| certificate.valid_dns_names().any(|own| own.eq_ignore_ascii_case(name)))
}

#[derive(Debug)]
struct Configs {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

/// One node's credentials.
#[derive(Debug)]
pub(in crate::net) struct Tls {
    files: TlsFiles,
    cluster: ClusterId,
    own: NodeId,
    configs: RwLock<Configs>,
    /// Held while files are read: what was read first does not come last.
    reloading: Mutex<()>,
}

impl Tls {
    /// Reads and checks the files.
    pub(in crate::net) fn load(files: &TlsFiles, cluster: ClusterId, own: NodeId) -> io::Result<Self> {
        let files = settled(files)?;
        let configs = RwLock::new(configs(&files, &name_of(cluster, own))?);
        Ok(Self { files, cluster, own, configs, reloading: Mutex::default() })
    }

    /// Reads the files again, for the connections to come. After an error everything is as it was.
    pub(in crate::net) fn reload(&self) -> io::Result<()> {
        let _alone = self.reloading.lock();
        let configs = configs(&self.files, &name_of(self.cluster, self.own))?;
        *self.configs.write() = configs;
        Ok(())
    }

    /// The dialling end of a connection to `to`.
    pub(in crate::net) fn connect(&self, to: NodeId) -> Result<Client, Refusal> {
        let name = name_of(self.cluster, to);
        let server = ServerName::try_from(name.clone()).map_err(|_| Refusal::Unfit)?;
        let config = Arc::clone(&self.configs.read().client);
        let mut connection =
            ClientConnection::new(config, server).map_err(|error| fault::refusal_of(&error))?;
        connection.set_buffer_limit(Some(SEALED_BYTES_MAX));
        Ok(Client::new(connection, name))
    }

    /// The accepting end of a connection.
    pub(in crate::net) fn accept(&self) -> Result<Server, Refusal> {
        let config = Arc::clone(&self.configs.read().server);
        let connection = ServerConnection::new(config).map_err(|error| fault::refusal_of(&error))?;
        Ok(Server::new(connection, self.cluster))
    }
}

fn invalid(what: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what.to_string())
}

/// The files wherever the process goes. Links are not followed yet: who exchanges files may turn one.
fn settled(files: &TlsFiles) -> io::Result<TlsFiles> {
    let place = |path: &Path, what| {
        std::path::absolute(path).map_err(|error| invalid(format_args!("{what} {path:?}: {error}")))
    };
    Ok(TlsFiles {
        certificate: place(&files.certificate, "certificate")?,
        key: place(&files.key, "key")?,
        authority: place(&files.authority, "authority")?,
    })
}

/// Everything in a PEM file.
fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let failed = |error| invalid(format_args!("{}: {error}", path.display()));
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(failed)?.collect();
    let found = found.map_err(failed)?;
    if found.is_empty() {
        return Err(invalid(format_args!("{}: no certificate in it", path.display())));
    }
    Ok(found)
}

fn configs(files: &TlsFiles, name: &str) -> io::Result<Configs> {
    let chain = certificates(&files.certificate)?;
    let key = || {
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| match error {
            pem::Error::NoItemsFound => {
                invalid(format_args!("{}: no private key without a password in it", files.key.display()))
            }
            error => invalid(format_args!("{}: {error}", files.key.display())),
        })
    };
    let mut roots = RootCertStore::empty();
    for authority in certificates(&files.authority)? {
        roots
            .add(authority)
            .map_err(|error| invalid(format_args!("{}: {error}", files.authority.display())))?;
    }
    let (roots, provider) = (Arc::new(roots), Arc::new(ring::default_provider()));
    let of_servers = WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider));
    let of_servers = of_servers.build().map_err(invalid)?;
    let of_clients = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider));
    let of_clients = of_clients.build().map_err(invalid)?;
    check_own(&chain, name, &*of_servers, &*of_clients)
        .map_err(|error| invalid(format_args!("{}: {error}", files.certificate.display())))?;

    let keyed = |error| invalid(format_args!("{}: {error}", files.key.display()));
    let mut client = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13])
        .map_err(invalid)?
        .with_webpki_verifier(of_servers)
        .with_client_auth_cert(chain.clone(), key()?)
        .map_err(keyed)?;
    client.resumption = Resumption::disabled();
    // The name would go in clear, and there is one service only.
    client.enable_sni = false;
    let mut server = server_builder(provider)?
        .with_client_cert_verifier(of_clients)
        .with_single_cert(chain, key()?)
        .map_err(keyed)?;
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    Ok(Configs { client: Arc::new(client), server: Arc::new(server) })
}

fn server_builder(
    provider: Arc<CryptoProvider>,
) -> io::Result<rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier>> {
    ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13]).map_err(invalid)
}

/// What any peer would say about this node's certificate, said here and now.
fn check_own(
    chain: &[CertificateDer<'static>],
    name: &str,
    of_servers: &dyn ServerCertVerifier,
    of_clients: &dyn ClientCertVerifier,
) -> Result<(), String> {
    let (own, between) = chain.split_first().ok_or("no certificate in it")?;
    if !is_named(Some(own), name) {
        return Err(format!("it does not name {name}"));
    }
    let (server, now) = (ServerName::try_from(name).map_err(|error| error.to_string())?, UnixTime::now());
    of_servers
        .verify_server_cert(own, between, &server, &[], now)
        .map_err(|error| format!("as a server: {error}"))?;
    of_clients
        .verify_client_cert(own, between, now)
        .map_err(|error| format!("as a client: {error}"))
        .map(drop)
}
