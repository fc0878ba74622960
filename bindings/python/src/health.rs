//! Health and metrics.

use crate::tables;
use duochain::node;
use duochain::types::ChainId;
use pyo3::prelude::*;

/// Health of one chain.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct ChainHealth(node::ChainHealth);

#[pymethods]
impl ChainHealth {
    /// Which chain.
    #[getter]
    fn chain(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        tables::chain(py, self.0.chain)
    }

    /// How it does.
    #[getter]
    fn state(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        tables::health_state(py, self.0.state)
    }

    /// Why; empty while healthy from the start.
    #[getter]
    fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Blocks that are not final yet.
    #[getter]
    fn final_lag_blocks(&self) -> u64 {
        self.0.final_lag_blocks
    }

    /// Seconds since the last block.
    #[getter]
    fn since_block(&self) -> f64 {
        self.0.since_block.as_secs_f64()
    }

    /// How often its thread was started again.
    #[getter]
    fn restarts(&self) -> u64 {
        self.0.restarts
    }

    /// Height of the last block.
    #[getter]
    fn height(&self) -> u64 {
        self.0.height.get()
    }

    fn __repr__(&self) -> String {
        let (chain, state) = (self.0.chain, self.0.state.name());
        format!("ChainHealth(chain={chain}, state={state}, reason={:?})", self.0.reason)
    }
}

/// Health of a node.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct Health(pub(crate) node::Health);

impl Health {
    fn of(&self, chain: ChainId) -> ChainHealth {
        ChainHealth(self.0.chains[chain.index()].clone())
    }
}

#[pymethods]
impl Health {
    /// The worse of the two chains' states.
    #[getter]
    fn state(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        tables::health_state(py, self.0.state)
    }

    /// Health of Alpha.
    #[getter]
    fn alpha(&self) -> ChainHealth {
        self.of(ChainId::Alpha)
    }

    /// Health of Delta.
    #[getter]
    fn delta(&self) -> ChainHealth {
        self.of(ChainId::Delta)
    }

    /// True when the chains run apart by more than the ratio of their intervals allows.
    #[getter]
    fn ratio_alarm(&self) -> bool {
        self.0.ratio_alarm
    }

    fn __repr__(&self) -> String {
        let [alpha, delta] = &self.0.chains;
        let state = self.0.state.name();
        format!("Health(state={state}, alpha={}, delta={})", alpha.state.name(), delta.state.name())
    }
}

/// One value.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct Metric(pub(crate) node::Metric);

#[pymethods]
impl Metric {
    /// Its name.
    #[getter]
    fn name(&self) -> &'static str {
        self.0.name
    }

    /// The chain it is about; `None` for the node.
    #[getter]
    fn chain(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.0.chain.map(|chain| tables::chain(py, chain)).transpose()
    }

    /// "counter" or "gauge".
    #[getter]
    fn kind(&self) -> &'static str {
        match self.0.kind {
            node::MetricKind::Counter => "counter",
            node::MetricKind::Gauge => "gauge",
        }
    }

    /// The value.
    #[getter]
    fn value(&self) -> f64 {
        self.0.value
    }

    /// What it is, with its unit.
    #[getter]
    fn help(&self) -> &'static str {
        self.0.help
    }

    fn __repr__(&self) -> String {
        let chain = self.0.chain.map_or("None", ChainId::name);
        format!("Metric(name={:?}, chain={chain}, value={})", self.0.name, self.0.value)
    }
}
