//! Where a node of a replicated log stands, and `_native._log_wait_status`: when that changes.

use crate::arguments::timeout;
use crate::boundary::wait;
use crate::replog::ReplicatedLog;
use crate::replog_pending::{is_timeout, raise};
use duochain::node::replica::{ReplicaError, Situation};
use duochain::raft::Role;
use duochain::types::NodeId;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::BTreeMap;

/// As `status` gives it.
pub(crate) fn status_of<'py>(
    py: Python<'py>,
    log: &ReplicatedLog,
    situation: &Situation,
) -> PyResult<Bound<'py, PyDict>> {
    let (now, members) = (&situation.status, &situation.members);
    let role = match now.role {
        Role::Follower => "follower",
        Role::PreCandidate | Role::Candidate => "candidate",
        Role::Leader => "leader",
    };
    let row = PyDict::new(py);
    row.set_item("role", role)?;
    row.set_item("node", log.inner.node().get())?;
    row.set_item("term", now.term.get())?;
    row.set_item("leader", now.leader.map(NodeId::get))?;
    row.set_item("leader_address", situation.leader_address())?;
    row.set_item("first", log.inner.first().get())?;
    row.set_item("last", now.last.index.get())?;
    row.set_item("durable", now.durable.get())?;
    row.set_item("commit", now.commit.get())?;
    row.set_item("snapshot", log.inner.snapshot_index().get())?;
    row.set_item("changes", situation.changes)?;
    row.set_item("uncommitted_bytes", now.uncommitted_bytes)?;
    row.set_item("applied", log.inner.applied().get())?;
    row.set_item("last_term", now.last.term.get())?;
    row.set_item("window_bytes", now.window_bytes)?;
    row.set_item("address", log.inner.address().map(|address| address.to_string()))?;
    let voters = members.addresses.keys().map(|node| (node.get(), members.is_voter(*node)));
    row.set_item("voters", voters.filter(|(_, is)| *is).map(|(node, _)| node).collect::<Vec<_>>())?;
    let addresses = members.addresses.iter().map(|(node, address)| (node.get(), address.as_str()));
    row.set_item("members", addresses.collect::<BTreeMap<_, _>>())?;
    Ok(row)
}

/// The status once its `changes` is another than `seen`; `None` while nothing has changed.
#[pyfunction]
pub(crate) fn _log_wait_status<'py>(
    py: Python<'py>,
    log: &ReplicatedLog,
    seen: u64,
    timeout: Option<f64>,
) -> PyResult<Option<Bound<'py, PyDict>>> {
    log.gate.enter(py, || {
        let limit = self::timeout(py, timeout)?;
        match wait(py, limit, |slice| log.inner.wait_status(seen, slice), is_timeout)? {
            Ok(situation) => status_of(py, log, &situation).map(Some),
            Err(ReplicaError::Timeout) => Ok(None),
            Err(error) => Err(raise(py, &error)),
        }
    })
}
