//! `_native.ReplicatedLog`: one machine's part of a replicated log, and the entries that are read of it.

use crate::arguments::{invalid, position, size, timeout};
use crate::boundary::{Gate, Own, wait};
use crate::bytes::with_slices;
use crate::fault::exception;
use duochain::frame::Origin;
use duochain::node::replica::{
    Lane, Pending, PolledReplica, Receipt, ReplicaConfig, ReplicaError, SubmitOptions, WaitFor,
};
use duochain::raft::{Change, Membership, Role};
use duochain::types::{ClusterId, Index, NodeId, Status};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of the log that one read looks at.
const READ_BYTES: usize = 1 << 20;

/// The exception of a failure; who leads stands in its `leader`.
fn raise(py: Python<'_>, error: &ReplicaError) -> PyErr {
    let made = exception(py, error.status(), &error.to_string()).and_then(|object| {
        if error.status() == Status::NotLeader {
            object.setattr("leader", error.leader().map(NodeId::get))?;
        }
        Ok(object)
    });
    made.map_or_else(|error| error, PyErr::from_value)
}

fn node(py: Python<'_>, number: u64) -> PyResult<NodeId> {
    NodeId::new(number).ok_or_else(|| invalid(py, "a node's number is 1 or more"))
}

fn level(py: Python<'_>, name: &str) -> PyResult<WaitFor> {
    match name {
        "local" => Ok(WaitFor::Local),
        "quorum" => Ok(WaitFor::Quorum),
        "all" => Ok(WaitFor::All),
        _ => Err(invalid(py, format!("{name:?} is not 'local', 'quorum' or 'all'"))),
    }
}

fn receipt(receipt: Receipt) -> (u64, u64, u32, u32) {
    (receipt.id.index.get(), receipt.id.term.get(), receipt.repeated, receipt.stale)
}

/// Without limit is 292 years.
fn span(limit: Option<Duration>) -> Duration {
    limit.unwrap_or(Duration::from_nanos(i64::MAX as u64))
}

fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

/// One machine's part of a replicated log.
#[pyclass(frozen, subclass, weakref, module = "duochain._native")]
pub(crate) struct ReplicatedLog {
    gate: Gate,
    inner: Own<Arc<PolledReplica>>,
}

/// A batch on its way.
#[pyclass(frozen, module = "duochain._native")]
pub(crate) struct PendingAppend {
    gate: Gate,
    pending: Pending,
}

/// A committed entry as Python gets it: index, term, time, session, number, bytes.
type Row<'py> = (u64, u64, u64, u64, u64, Bound<'py, PyBytes>);

impl ReplicatedLog {
    fn option_span(py: Python<'_>, seconds: Option<f64>) -> PyResult<Option<Duration>> {
        Ok(match seconds {
            None => None,
            seconds => timeout(py, seconds)?,
        })
    }
}

#[pymethods]
impl ReplicatedLog {
    #[new]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    #[pyo3(signature = (directory, listen, node, members, cluster, heartbeat=None, election_min=None,
        election_max=None, disk_stall_max=None, batch_entries_max=None, batch_bytes_max=None,
        uncommitted_bytes_max=None, segment_bytes=None))]
    fn new(
        py: Python<'_>,
        directory: PathBuf,
        listen: &str,
        node: u64,
        members: BTreeMap<u64, String>,
        cluster: &[u8],
        heartbeat: Option<f64>,
        election_min: Option<f64>,
        election_max: Option<f64>,
        disk_stall_max: Option<f64>,
        batch_entries_max: Option<u32>,
        batch_bytes_max: Option<usize>,
        uncommitted_bytes_max: Option<usize>,
        segment_bytes: Option<usize>,
    ) -> PyResult<Self> {
        let listen: SocketAddr =
            listen.parse().map_err(|_| invalid(py, format!("{listen:?} is not an address to listen on")))?;
        let name = cluster
            .try_into()
            .map_err(|_| invalid(py, format!("the name of a cluster is 16 bytes, not {}", cluster.len())))?;
        let voters = members.into_iter().map(|(number, address)| Ok((self::node(py, number)?, address)));
        let members = Membership::of(voters.collect::<PyResult<Vec<_>>>()?);
        let own = self::node(py, node)?;
        let mut config = ReplicaConfig::new(own, directory, ClusterId(name), listen, members);
        set(&mut config.raft.heartbeat, Self::option_span(py, heartbeat)?);
        set(&mut config.raft.election_min, Self::option_span(py, election_min)?);
        set(&mut config.raft.election_max, Self::option_span(py, election_max)?);
        set(&mut config.raft.disk_stall_max, Self::option_span(py, disk_stall_max)?);
        set(&mut config.raft.frame_entries_max, batch_entries_max);
        set(&mut config.raft.frame_bytes_max, batch_bytes_max);
        set(&mut config.raft.uncommitted_bytes_max, uncommitted_bytes_max);
        set(&mut config.log.segment_bytes, segment_bytes);
        let replica = py.detach(|| PolledReplica::open(config)).map_err(|error| raise(py, &error))?;
        Ok(Self { gate: Gate::new("replicated log"), inner: Own::new(Arc::new(replica)) })
    }

    /// Puts entries into the log, all or none; the answer comes by what is returned.
    fn submit(
        &self,
        py: Python<'_>,
        entries: &Bound<'_, PyAny>,
        session: u64,
        sequence: u64,
        wait_for: &str,
        critical: bool,
    ) -> PyResult<PendingAppend> {
        self.gate.enter(py, || {
            let lane = if critical { Lane::Critical } else { Lane::Normal };
            let options = SubmitOptions { lane, wait: level(py, wait_for)? };
            let origin = Origin { session, sequence };
            let pending = with_slices(py, entries, |items| {
                self.inner.submit_all(items, origin, options).map_err(|error| raise(py, &error))
            })?;
            Ok(PendingAppend { gate: Gate::new("append"), pending })
        })
    }

    /// Committed entries from `start` on, waiting for the first; empty when none came.
    fn _read<'py>(
        &self,
        py: Python<'py>,
        start: i64,
        max: i64,
        timeout: Option<f64>,
    ) -> PyResult<Vec<Row<'py>>> {
        self.gate.enter_closed(py, || {
            let (from, max) = (Index::new(position(py, "start", start)?), size(py, "max", max)?);
            let limit = self::timeout(py, timeout)?;
            let poll = |slice| self.inner.poll(from, READ_BYTES, slice);
            let batch = match wait(py, limit, poll, |error| matches!(error, ReplicaError::Timeout))? {
                Ok(batch) => batch,
                Err(ReplicaError::Timeout) => return Ok(Vec::new()),
                Err(error) => return Err(raise(py, &error)),
            };
            let rows = batch.entries().take(max).map(|committed| {
                let origin = committed.entry.origin;
                let (index, term) = (committed.index.get(), committed.term.get());
                let bytes = PyBytes::new(py, committed.entry.bytes);
                (index, term, committed.time.get(), origin.session, origin.sequence, bytes)
            });
            Ok(rows.collect())
        })
    }

    /// Everything acknowledged before is at or before it, and can be read here.
    #[pyo3(signature = (timeout=None))]
    fn read_index(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<u64> {
        self.gate.enter(py, || {
            let limit = self::timeout(py, timeout)?;
            // A question that got lost is asked again.
            let ask = |slice| self.inner.read_index(slice);
            let index = wait(py, limit, ask, |error| matches!(error, ReplicaError::Timeout))?;
            index.map(Index::get).map_err(|error| raise(py, &error))
        })
    }

    /// Hands leadership over, to `node` or to whoever is furthest; returns once that is on its way.
    #[pyo3(signature = (node=None, timeout=None))]
    fn transfer(&self, py: Python<'_>, node: Option<u64>, timeout: Option<f64>) -> PyResult<()> {
        self.gate.enter(py, || {
            let limit = span(self::timeout(py, timeout)?);
            let to = node.map(|number| self::node(py, number)).transpose()?;
            py.detach(|| self.inner.transfer(to, limit)).map_err(|error| raise(py, &error))
        })
    }

    /// Changes the members, all in one step; returns once that is committed.
    #[pyo3(signature = (add=None, promote=None, demote=None, remove=None, timeout=None))]
    fn change(
        &self,
        py: Python<'_>,
        add: Option<BTreeMap<u64, String>>,
        promote: Option<Vec<u64>>,
        demote: Option<Vec<u64>>,
        remove: Option<Vec<u64>>,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        self.gate.enter(py, || {
            let limit = span(self::timeout(py, timeout)?);
            let nodes = |numbers: Option<Vec<u64>>| -> PyResult<_> {
                numbers.unwrap_or_default().into_iter().map(|number| self::node(py, number)).collect()
            };
            let added = add.unwrap_or_default().into_iter();
            let change = Change {
                add: added
                    .map(|(number, address)| Ok((self::node(py, number)?, address)))
                    .collect::<PyResult<_>>()?,
                promote: nodes(promote)?,
                demote: nodes(demote)?,
                remove: nodes(remove)?,
            };
            py.detach(|| self.inner.change(change, limit)).map(drop).map_err(|error| raise(py, &error))
        })
    }

    /// Where this node stands.
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.gate.enter_closed(py, || {
            let (now, members) = py.detach(|| (self.inner.status(), self.inner.members()));
            let address = now.leader.and_then(|leader| members.addresses.get(&leader));
            let role = match now.role {
                Role::Follower => "follower",
                Role::PreCandidate | Role::Candidate => "candidate",
                Role::Leader => "leader",
            };
            let row = PyDict::new(py);
            row.set_item("role", role)?;
            row.set_item("node", self.inner.node().get())?;
            row.set_item("term", now.term.get())?;
            row.set_item("leader", now.leader.map(NodeId::get))?;
            row.set_item("leader_address", address)?;
            row.set_item("first", self.inner.first().get())?;
            row.set_item("last", now.last.index.get())?;
            row.set_item("durable", now.durable.get())?;
            row.set_item("commit", now.commit.get())?;
            let voters = members.addresses.keys().map(|node| (node.get(), members.is_voter(*node)));
            row.set_item("voters", voters.filter(|(_, is)| *is).map(|(node, _)| node).collect::<Vec<_>>())?;
            let addresses = members.addresses.iter().map(|(node, address)| (node.get(), address.as_str()));
            row.set_item("members", addresses.collect::<BTreeMap<_, _>>())?;
            Ok(row)
        })
    }

    /// The node's figures as a JSON object.
    fn json(&self, py: Python<'_>) -> PyResult<String> {
        self.gate.enter_closed(py, || Ok(py.detach(|| self.inner.json())))
    }

    /// Ends this node's part in order; false when something was left to do after `timeout` seconds.
    #[pyo3(signature = (timeout=10.0))]
    fn shutdown(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        self.gate.enter(py, || {
            let limit = span(self::timeout(py, timeout)?);
            match py.detach(|| self.inner.shutdown(limit)) {
                Ok(()) | Err(ReplicaError::Closed) => Ok(true),
                Err(ReplicaError::Timeout) => Ok(false),
                Err(error) => Err(raise(py, &error)),
            }
        })
    }

    /// Ends this node's part at once. What it had can still be read.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.gate.close(py, || {
            py.detach(|| self.inner.close());
            Ok(())
        })
    }

    /// True once closed.
    #[getter]
    fn closed(&self) -> bool {
        self.gate.is_closed()
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_raised), text_signature = "($self, kind, value, traceback, /)")]
    fn __exit__(&self, py: Python<'_>, _raised: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }
}

#[pymethods]
impl PendingAppend {
    /// Index of the last entry, term, repetitions, entries that came too late.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<(u64, u64, u32, u32)> {
        self.gate.enter(py, || {
            let limit = self::timeout(py, timeout)?;
            let answer = wait(
                py,
                limit,
                |slice| self.pending.wait(slice),
                |error| matches!(error, ReplicaError::Timeout),
            )?;
            answer.map(receipt).map_err(|error| raise(py, &error))
        })
    }

    /// As `wait`, without waiting: `None` while there is no answer.
    fn poll(&self, py: Python<'_>) -> PyResult<Option<(u64, u64, u32, u32)>> {
        self.gate.enter(py, || match self.pending.try_wait() {
            None => Ok(None),
            Some(answer) => answer.map(receipt).map(Some).map_err(|error| raise(py, &error)),
        })
    }
}
