//! Authorities and certificates, made for one test.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test binary uses its own part")]

use duochain::net::TlsFiles;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;

/// Who signs.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

/// A certificate and its key, as PEM.
pub struct Issued {
    pub certificate: String,
    pub key: String,
}

/// What a node of the cluster of sevens is called.
pub fn name(node: u64) -> String {
    name_in(7, node)
}

pub fn name_in(cluster: u8, node: u64) -> String {
    name_of(&[cluster; 16], node)
}

/// What a node of a cluster is called.
pub fn name_of(cluster: &[u8; 16], node: u64) -> String {
    let cluster: String = cluster.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("node-{node}.{cluster}.duochain")
}

impl Authority {
    /// They all have one name: what tells them apart is the key.
    pub fn new() -> Self {
        Self::named("authority of a test")
    }

    pub fn named(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    pub fn issue(&self, name: &str) -> Issued {
        self.issue_with(name, |_| {})
    }

    pub fn issue_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

pub fn expired(params: &mut CertificateParams) {
    params.not_after = date_time_ymd(2001, 1, 1);
}

pub fn not_yet(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(4000, 1, 1);
}

pub fn servers_only(params: &mut CertificateParams) {
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
}

pub fn clients_only(params: &mut CertificateParams) {
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
}

impl Issued {
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(self.certificate.as_bytes()).map(Result::unwrap).collect()
    }

    pub fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap()
    }
}

/// Writes what a node reads.
pub fn write(dir: &Path, issued: &Issued, authority: &str) -> TlsFiles {
    std::fs::create_dir_all(dir).unwrap();
    let put = |name: &str, text: &str| {
        std::fs::write(dir.join(name), text).unwrap();
        dir.join(name)
    };
    TlsFiles {
        certificate: put("node.pem", &issued.certificate),
        key: put("node.key", &issued.key),
        authority: put("authority.pem", authority),
    }
}
