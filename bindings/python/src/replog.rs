//! `_native.ReplicatedLog`: one machine's part of a replicated log, and the entries that are read of it.

use crate::arguments::{invalid, position, size, timeout};
use crate::boundary::{Aside, Gate, Own, caught, wait};
use crate::bytes::with_detached;
use crate::replog_ids::Ids;
use crate::replog_options::{FOR_EVER, set};
use crate::replog_pending::{PendingAppend, is_timeout, raise};
use crate::replog_status::status_of;
use duochain::frame::Origin;
use duochain::node::replica::{
    Asked, Identities, Lane, PolledReplica, ReplicaConfig, ReplicaError, SubmitOptions, WaitFor,
};
use duochain::raft::{Change, Membership};
use duochain::types::{ClusterId, Index, LogId, NodeId};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of the log that one read looks at.
const READ_BYTES: usize = 1 << 20;

fn node(py: Python<'_>, number: u64) -> PyResult<NodeId> {
    NodeId::new(number).ok_or_else(|| invalid(py, "a node's number is 1 or more"))
}

/// Nodes and their addresses.
pub(crate) fn listed<T: FromIterator<(NodeId, String)>>(
    py: Python<'_>,
    nodes: BTreeMap<u64, String>,
) -> PyResult<T> {
    nodes.into_iter().map(|(number, address)| Ok((node(py, number)?, address))).collect()
}

fn level(py: Python<'_>, name: &str) -> PyResult<WaitFor> {
    match name {
        "local" => Ok(WaitFor::Local),
        "quorum" => Ok(WaitFor::Quorum),
        "all" => Ok(WaitFor::All),
        _ => Err(invalid(py, format!("{name:?} is not 'local', 'quorum' or 'all'"))),
    }
}

/// Asks once, and waits in slices.
fn answer(
    py: Python<'_>,
    limit: Option<Duration>,
    ask: impl FnOnce() -> Result<Asked, ReplicaError> + Send,
) -> PyResult<LogId> {
    let asked = py.detach(ask).map_err(|error| raise(py, &error))?;
    let outcome = wait(py, limit, |slice| asked.wait(slice), is_timeout);
    // It takes a lock to forget what was asked.
    py.detach(|| drop(asked));
    outcome?.map_err(|error| raise(py, &error))
}

/// One machine's part of a replicated log.
#[pyclass(frozen, subclass, weakref, module = "duochain._native")]
pub(crate) struct ReplicatedLog {
    pub(crate) gate: Gate,
    pub(crate) inner: Own<Arc<PolledReplica>>,
}

/// A committed entry as Python gets it: index, term, time, session, number, bytes, id.
type Row<'py> = (u64, u64, u64, u64, u64, Bound<'py, PyBytes>, Option<Bound<'py, PyBytes>>);

/// What a leader knows of a member: number, matched, next, bytes on their way, seconds of silence, in a snapshot.
type PeerRow = (u64, u64, u64, usize, f64, bool);

/// A member: number, address, what it is.
type MemberRow = (u64, String, Vec<&'static str>);

impl ReplicatedLog {
    /// Aside: a signal ends the wait for it, however long the disk takes.
    fn end<T: Send + 'static>(
        &self,
        how: impl FnOnce(&PolledReplica) -> T + Send + 'static,
    ) -> std::io::Result<Aside<T>> {
        let replica = Arc::clone(&self.inner);
        Aside::start("duo-log-end", move || {
            let outcome = how(&replica);
            // Whoever is told may be the last to hold the log.
            drop(replica);
            outcome
        })
    }
}

#[pymethods]
impl ReplicatedLog {
    #[new]
    fn new(
        py: Python<'_>,
        directory: PathBuf,
        listen: &str,
        node: u64,
        members: BTreeMap<u64, String>,
        cluster: &[u8],
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let listen: SocketAddr =
            listen.parse().map_err(|_| invalid(py, format!("{listen:?} is not an address to listen on")))?;
        let name = cluster
            .try_into()
            .map_err(|_| invalid(py, format!("the name of a cluster is 16 bytes, not {}", cluster.len())))?;
        let members = Membership::of(listed::<Vec<_>>(py, members)?);
        let own = self::node(py, node)?;
        let mut config = ReplicaConfig::new(own, directory, ClusterId(name), listen, members);
        for (name, value) in options.iter().filter(|(_, value)| !value.is_none()) {
            set(&mut config, name.cast::<PyString>()?.to_str()?, &value)?;
        }
        // Aside: reading a long log, or mending it, takes its time. After a signal it is dropped, which closes it.
        let opened = caught(py, || {
            let opener = Aside::start("duo-log-open", || PolledReplica::open(config));
            opener.map_err(|error| raise(py, &error.into()))?.wait(py)
        });
        let replica = opened??.map_err(|error| raise(py, &error))?;
        Ok(Self { gate: Gate::new("replicated log"), inner: Own::new(Arc::new(replica)) })
    }

    /// Puts entries into the log, all or none; the answer comes by what is returned.
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn _submit(
        &self,
        py: Python<'_>,
        entries: &Bound<'_, PyAny>,
        session: u64,
        sequence: u64,
        ids: Option<Ids>,
        wait_for: &str,
        critical: bool,
    ) -> PyResult<PendingAppend> {
        self.gate.enter(py, || {
            let lane = if critical { Lane::Critical } else { Lane::Normal };
            let options = SubmitOptions { lane, wait: level(py, wait_for)? };
            let (first, ids) = (Origin { session, sequence }, ids.map(|ids| ids.0));
            let submit = |items: &[&[u8]]| match &ids {
                // An empty list would pass for no ids at all.
                Some(ids) if ids.len() != items.len() => Err(ids.len()),
                ids => {
                    let ids = ids.as_deref().unwrap_or_default();
                    Ok(self.inner.submit_all(items, Identities { first, ids }, options))
                }
            };
            let pending = with_detached(py, entries, submit)?
                .map_err(|count| invalid(py, format!("{count} ids, and another number of entries")))?
                .map_err(|error| raise(py, &error))?;
            Ok(PendingAppend::new(pending))
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
            if from == Index::ORIGIN || max == 0 {
                return Err(invalid(py, "entries count from 1, and one has to fit"));
            }
            let limit = self::timeout(py, timeout)?;
            let poll = |slice| self.inner.poll(from, READ_BYTES, slice);
            let batch = match wait(py, limit, poll, is_timeout)? {
                Ok(batch) => batch,
                Err(ReplicaError::Timeout) => return Ok(Vec::new()),
                Err(error) => return Err(raise(py, &error)),
            };
            let rows = batch.entries().take(max).map(|committed| {
                let origin = committed.entry.origin;
                let (index, term) = (committed.index.get(), committed.term.get());
                let bytes = PyBytes::new(py, committed.entry.bytes);
                let id = committed.entry.id.map(|id| PyBytes::new(py, id));
                (index, term, committed.time.get(), origin.session, origin.sequence, bytes, id)
            });
            Ok(rows.collect())
        })
    }

    /// Everything acknowledged before is at or before it, and can be read here.
    #[pyo3(signature = (timeout=None))]
    fn read_index(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<u64> {
        self.gate.enter(py, || {
            let limit = self::timeout(py, timeout)?;
            answer(py, limit, || self.inner.ask_read()).map(|id| id.index.get())
        })
    }

    /// Hands leadership over, to `node` or to whoever is furthest; returns once that is on its way, which is at once.
    #[pyo3(signature = (node=None, timeout=None))]
    fn transfer(&self, py: Python<'_>, node: Option<u64>, timeout: Option<f64>) -> PyResult<()> {
        self.gate.enter(py, || {
            let limit = self::timeout(py, timeout)?.unwrap_or(FOR_EVER);
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
            let limit = self::timeout(py, timeout)?;
            let nodes = |numbers: Option<Vec<u64>>| -> PyResult<_> {
                numbers.unwrap_or_default().into_iter().map(|number| self::node(py, number)).collect()
            };
            let change = Change {
                add: listed(py, add.unwrap_or_default())?,
                promote: nodes(promote)?,
                demote: nodes(demote)?,
                remove: nodes(remove)?,
            };
            answer(py, limit, || self.inner.ask_change(change)).map(drop)
        })
    }

    /// Where this node stands.
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.gate.enter_closed(py, || status_of(py, self, &py.detach(|| self.inner.situation())))
    }

    /// Who is in the cluster, as this node's log says.
    fn _members(&self, py: Python<'_>) -> PyResult<Vec<MemberRow>> {
        self.gate.enter_closed(py, || {
            let known = py.detach(|| self.inner.members());
            let sets = [
                (&known.voters, "voter"),
                (&known.outgoing, "outgoing"),
                (&known.learners, "learner"),
                (&known.demoted, "demoted"),
            ];
            let rows = known.addresses.iter().map(|(node, address)| {
                let parts = sets.iter().filter(|(set, _)| set.contains(node)).map(|(_, name)| *name);
                (node.get(), address.clone(), parts.collect())
            });
            Ok(rows.collect())
        })
    }

    /// What a leader knows of the other members; none on a follower.
    fn _peers(&self, py: Python<'_>) -> PyResult<Vec<PeerRow>> {
        self.gate.enter_closed(py, || {
            let known = py.detach(|| self.inner.status().peers);
            let rows = known.iter().map(|peer| {
                let (matched, next) = (peer.matched.get(), peer.next.get());
                let silent = peer.silent.as_secs_f64();
                (peer.node.get(), matched, next, peer.inflight_bytes, silent, peer.is_in_snapshot)
            });
            Ok(rows.collect())
        })
    }

    /// The node's figures as a JSON object.
    fn json(&self, py: Python<'_>) -> PyResult<String> {
        self.gate.enter_closed(py, || Ok(py.detach(|| self.inner.json())))
    }

    /// The node's figures in Prometheus's text format, each with the label `node`.
    fn prometheus(&self, py: Python<'_>) -> PyResult<String> {
        self.gate.enter_closed(py, || Ok(py.detach(|| self.inner.stats().prometheus())))
    }

    /// Reads the files of `tls` again, where they were when the log was opened, for connections to come. After a
    /// `ConfigError`, which names the file, those that were read before stay, and the log goes on. Without TLS it does
    /// nothing.
    fn reload_tls(&self, py: Python<'_>) -> PyResult<()> {
        self.gate.enter(py, || py.detach(|| self.inner.reload_tls()).map_err(|error| raise(py, &error)))
    }

    /// Ends this node's part in order; false when something was left to do after `timeout` seconds.
    #[pyo3(signature = (timeout=10.0))]
    fn shutdown(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        self.gate.enter(py, || {
            let limit = self::timeout(py, timeout)?.unwrap_or(FOR_EVER);
            let ending = self.end(move |replica| replica.shutdown(limit));
            match ending.map_err(|error| raise(py, &error.into()))?.wait(py)? {
                Ok(()) | Err(ReplicaError::Closed) => Ok(true),
                Err(ReplicaError::Timeout) => Ok(false),
                Err(error) => Err(raise(py, &error)),
            }
        })
    }

    /// Ends this node's part at once. What it had can still be read, but for a log in RocksDB. After a signal it goes on in
    /// the background.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.gate.close(py, || match self.end(|replica| replica.close()) {
            Ok(ending) => ending.wait(py).map(drop),
            // Better late than never.
            Err(_) => {
                py.detach(|| self.inner.close());
                Ok(())
            }
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
