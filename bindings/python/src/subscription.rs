//! `_native.Subscription`: one reader of events, without iterators, which the package adds.
//!
//! # Model
//! `wait` reads, everything else writes; all locks are taken without the interpreter lock. `close` wakes
//! a waiter, so it has to wait for a few instructions only.

use crate::arguments::{Chain, position, size, timeout};
use crate::boundary::{Gate, Own, wait};
use crate::fault::{OrRaise, fault};
use crate::node::{Node, start};
use crate::view::Event;
use duochain::node::{self, ChainSelect, SubscribeOptions};
use duochain::types::{ChainId, Sequence, Status};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// A reader of a node's events.
#[pyclass(frozen, subclass, weakref, module = "duochain._native")]
pub(crate) struct Subscription {
    gate: Gate,
    woken: AtomicBool,
    inner: Own<RwLock<Option<node::Subscription>>>,
    /// Keeps the node open while the subscription lives.
    _node: Own<Arc<node::Node>>,
}

/// Why a wait ended without an event.
enum Ended {
    Time,
    Woken,
    Closed,
    Failed(node::Error),
}

impl Subscription {
    fn gone(py: Python<'_>) -> PyErr {
        fault(py, Status::Closed, "the subscription is closed")
    }

    /// Runs `call` on the subscription, without the interpreter lock.
    fn with<R: Send>(
        &self,
        py: Python<'_>,
        call: impl FnOnce(&mut node::Subscription) -> R + Send,
    ) -> PyResult<R> {
        self.gate.enter(py, || {
            let result = py.detach(|| {
                let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
                inner.as_mut().map(call)
            });
            result.ok_or_else(|| Self::gone(py))
        })
    }

    fn pause(&self, slice: std::time::Duration) -> Result<(), Ended> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let Some(subscription) = inner.as_ref().filter(|_| !self.gate.is_closed()) else {
            return Err(Ended::Closed);
        };
        match subscription.wait(slice) {
            Ok(true) => Ok(()),
            // Acquire: pairs with the Release in `wake`.
            Ok(false) if self.woken.swap(false, Ordering::Acquire) => Err(Ended::Woken),
            Ok(false) => Err(Ended::Time),
            Err(error) => Err(Ended::Failed(error)),
        }
    }

    fn rouse(&self) {
        // Release: pairs with the Acquire in `pause`.
        self.woken.store(true, Ordering::Release);
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(subscription) = inner.as_ref() {
            subscription.wake();
        }
    }
}

#[pymethods]
impl Subscription {
    #[new]
    #[pyo3(signature = (node, chain=None, name=None, start=None))]
    fn new(
        py: Python<'_>,
        node: &Node,
        chain: Option<Chain>,
        name: Option<String>,
        start: Option<&str>,
    ) -> PyResult<Self> {
        node.enter(py, || {
            let chains = chain.map_or(ChainSelect::Both, |chain| ChainSelect::One(chain.0));
            let options = SubscribeOptions { chains, start: self::start(py, start, name.is_some())?, name };
            let inner = py.detach(|| node.inner().subscribe(options)).or_raise(py)?;
            Ok(Self {
                gate: Gate::new("subscription"),
                woken: AtomicBool::new(false),
                inner: Own::new(RwLock::new(Some(inner))),
                _node: Own::new(Arc::clone(node.inner())),
            })
        })
    }

    /// Up to `max` events that are there, each chain's in order without gaps.
    #[pyo3(signature = (max=256))]
    fn poll(&self, py: Python<'_>, max: i64) -> PyResult<Vec<Event>> {
        let max = size(py, "max", max)?;
        Ok(self.with(py, |inner| inner.poll(max))?.or_raise(py)?.into_iter().map(Event).collect())
    }

    /// Waits up to `timeout` seconds, or for ever, for an event; false when none came or `wake` was called.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        self.gate.enter(py, || {
            let timeout = self::timeout(py, timeout)?;
            match wait(py, timeout, |slice| self.pause(slice), |ended| matches!(ended, Ended::Time))? {
                Ok(()) => Ok(true),
                Err(Ended::Time | Ended::Woken) => Ok(false),
                Err(Ended::Closed) => Err(Self::gone(py)),
                Err(Ended::Failed(error)) => Err(error).or_raise(py),
            }
        })
    }

    /// Ends a `wait` of another thread, or the next one.
    fn wake(&self, py: Python<'_>) -> PyResult<()> {
        self.gate.enter(py, || {
            py.detach(|| self.rouse());
            Ok(())
        })
    }

    /// Moves the durable cursor: everything of `chain` up to `sequence` has been dealt with.
    fn ack(&self, py: Python<'_>, chain: Chain, sequence: i64) -> PyResult<()> {
        let sequence = Sequence::new(position(py, "sequence", sequence)?);
        self.with(py, |inner| inner.ack(chain.0, sequence))?.or_raise(py)
    }

    /// Goes to an event: the next `poll` begins with it, or with the oldest retained one.
    fn seek(&self, py: Python<'_>, chain: Chain, sequence: i64) -> PyResult<()> {
        let sequence = Sequence::new(position(py, "sequence", sequence)?);
        self.with(py, |inner| inner.seek(chain.0, sequence))?.or_raise(py)
    }

    /// Events of a chain, or of both, that wait to be polled.
    #[pyo3(signature = (chain=None))]
    fn lag(&self, py: Python<'_>, chain: Option<Chain>) -> PyResult<u64> {
        Ok(one_or_both(self.with(py, |inner| inner.lag())?, chain))
    }

    /// Events of a chain, or of both, that were retired before they were polled.
    #[pyo3(signature = (chain=None))]
    fn dropped(&self, py: Python<'_>, chain: Option<Chain>) -> PyResult<u64> {
        Ok(one_or_both(self.with(py, |inner| inner.dropped())?, chain))
    }

    /// A descriptor that is readable while events may be there; the library's own.
    fn event_fd(&self, py: Python<'_>) -> PyResult<i32> {
        self.with(py, |inner| inner.event_fd())?.or_raise(py)
    }

    /// Ends the subscription and a `wait` of another thread. May be repeated.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.gate.close(py, || {
            py.detach(|| {
                self.rouse();
                drop(self.inner.write().unwrap_or_else(PoisonError::into_inner).take());
            });
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

fn one_or_both(counts: [u64; 2], chain: Option<Chain>) -> u64 {
    chain.map_or_else(|| counts.iter().sum(), |chain| counts[ChainId::index(chain.0)])
}
