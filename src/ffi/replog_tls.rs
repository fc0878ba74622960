//! Certificates of a replicated log: which files the options name, and reading them again.
#![expect(unsafe_code, reason = "exports C functions and reads texts of the host")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument;
use super::boundary::on;
use super::failure::Failure;
use super::replog::{ReplogObject, duo_replog, duo_replog_options};
use super::status::duo_status;
use crate::net::TlsFiles;
use crate::types::Status;
use std::path::PathBuf;

/// What the options name; `None` when they name nothing.
///
/// # Safety
/// The texts are NULL or readable.
pub(super) unsafe fn files(options: &duo_replog_options) -> Result<Option<TlsFiles>, Failure> {
    let named = [
        (options.tls_certificate, "tls_certificate"),
        (options.tls_key, "tls_key"),
        (options.tls_authority, "tls_authority"),
    ];
    if named.iter().all(|(path, _)| path.is_null()) {
        return Ok(None);
    }
    if let Some((_, missing)) = named.iter().find(|(path, _)| path.is_null()) {
        let message = format!("{missing} is NULL: certificate, key and authority go together");
        return Err(Failure::argument(message));
    }
    // SAFETY: passed on.
    let [certificate, key, authority] =
        named.map(|(path, name)| unsafe { argument::text(path, name) }.map(PathBuf::from));
    Ok(Some(TlsFiles { certificate: certificate?, key: key?, authority: authority? }))
}

/// Reads certificate, key and authority again, at the places where they were when the log was opened, for the
/// connections to come; those that are there live on. `DUO_ERR_CONFIG` for files that are missing or that peers would
/// refuse, which the message names: what was read before stays, and the log goes on. Without TLS it does nothing.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_reload_tls(log: *const duo_replog) -> duo_status {
    on(log, |log: &ReplogObject| {
        log.replica.reload_tls()?;
        Ok(Status::Ok)
    })
}
