//! Settings of a replicated log, from the keywords of `ReplicatedLog`.

use crate::arguments::{invalid, timeout};
use crate::replog::listed;
use duochain::net::TlsFiles;
use duochain::node::replica::ReplicaConfig;
use duochain::storage::frames::LogBackend;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use std::path::PathBuf;
use std::time::Duration;

/// What no clock can count, and for ever: 292 years.
pub(crate) const FOR_EVER: Duration = Duration::from_nanos(i64::MAX as u64);

/// A `LogTls` of the package.
fn tls(value: &Bound<'_, PyAny>) -> PyResult<TlsFiles> {
    let path = |name| {
        let path = value.getattr(name).map_err(|_| PyTypeError::new_err("it has to be a LogTls"))?;
        path.extract::<PathBuf>()
    };
    let [certificate, key, authority] = ["certificate", "key", "authority"].map(path);
    Ok(TlsFiles { certificate: certificate?, key: key?, authority: authority? })
}

fn span(value: &Bound<'_, PyAny>) -> PyResult<Duration> {
    let seconds = value.extract()?;
    Ok(timeout(value.py(), Some(seconds))?.unwrap_or(FOR_EVER))
}

fn backend(value: &Bound<'_, PyAny>) -> PyResult<LogBackend> {
    let name: String = value.extract()?;
    let unknown = || invalid(value.py(), format!("{name:?} is not 'segments' or 'rocksdb'"));
    LogBackend::parse(&name).ok_or_else(unknown)
}

/// Sets what the keyword says, as long as that has the right type; the rest is checked at the opening.
pub(crate) fn set(config: &mut ReplicaConfig, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    try_set(config, name, value).map_err(|error| {
        let py = value.py();
        if error.is_instance_of::<PyTypeError>(py) {
            PyTypeError::new_err(format!("argument '{name}': {}", error.value(py)))
        } else {
            error
        }
    })
}

fn try_set(config: &mut ReplicaConfig, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let ReplicaConfig { contacts, raft, log, net, dedup, batch, tls, snapshots, repair_within, .. } = config;
    match name {
        "heartbeat" => raft.heartbeat = span(value)?,
        "election_min" => raft.election_min = span(value)?,
        "election_max" => raft.election_max = span(value)?,
        "disk_stall_max" => raft.disk_stall_max = span(value)?,
        "batch_entries_max" => raft.frame_entries_max = value.extract()?,
        "batch_bytes_max" => raft.frame_bytes_max = value.extract()?,
        "uncommitted_bytes_max" => raft.uncommitted_bytes_max = value.extract()?,
        "segment_bytes" => log.segment_bytes = value.extract()?,
        "log_backend" => config.log_backend = backend(value)?,
        "tls" => *tls = Some(self::tls(value)?),
        "tail_entries" => snapshots.tail_entries = value.extract()?,
        "contacts" => *contacts = listed(value.py(), value.extract()?)?,
        "repair_within" => *repair_within = span(value)?,
        "close_within" => config.close_within = span(value)?,
        "time_to_live" => dedup.time_to_live = span(value)?,
        "sessions_max" => dedup.sessions_max = value.extract()?,
        "ids_max" => dedup.ids_max = value.extract()?,
        "hello_timeout" => net.hello_timeout = span(value)?,
        "batch_latency" => batch.latency = span(value)?,
        "batch_staged_bytes_max" => batch.staged_bytes_max = value.extract()?,
        "batch_inflight_bytes_max" => batch.in_flight_bytes_max = value.extract()?,
        "peer_inflight_bytes_max" => raft.inflight_bytes_max = value.extract()?,
        "window_bytes_max" => raft.window_bytes_max = value.extract()?,
        "reads_max" => raft.reads_max = value.extract()?,
        "snapshot_chunk_bytes" => snapshots.chunk_bytes = value.extract()?,
        "snapshot_chunks_inflight_max" => snapshots.chunks_inflight_max = value.extract()?,
        _ => return Err(PyTypeError::new_err("there is no such setting")),
    }
    Ok(())
}
