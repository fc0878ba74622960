//! Blocks and inclusion proofs.

use crate::boundary::caught;
use crate::bytes::BytesLike;
use crate::fault::OrRaise;
use crate::tables;
use duochain::crypto::hash;
use duochain::{node, types};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

/// A block: header fields and transactions.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct Block(pub(crate) types::Block);

#[pymethods]
impl Block {
    /// The chain it belongs to.
    #[getter]
    fn chain(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        tables::chain(py, self.0.header.chain)
    }

    /// Its position, from 1.
    #[getter]
    fn height(&self) -> u64 {
        self.0.header.height.get()
    }

    /// The slot it was proposed in.
    #[getter]
    fn slot(&self) -> u64 {
        self.0.header.slot
    }

    /// The proposer's clock, in nanoseconds since 1970.
    #[getter]
    fn time_ns(&self) -> u64 {
        self.0.header.time.get()
    }

    /// Hash of its header.
    #[getter]
    fn hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, hash::block(&self.0.header).as_bytes())
    }

    /// Hash of the block before; zero for height 1.
    #[getter]
    fn parent<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.header.parent.as_bytes())
    }

    /// Merkle root over the transaction ids.
    #[getter]
    fn tx_root<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.header.tx_root.as_bytes())
    }

    /// State after the parent.
    #[getter]
    fn state_root<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.header.state_root.as_bytes())
    }

    /// Height of the other chain's final block that the proposer knew; 0 when none.
    #[getter]
    fn peer_height(&self) -> u64 {
        self.0.header.peer.height.get()
    }

    /// Hash of that block.
    #[getter]
    fn peer_hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.header.peer.hash.as_bytes())
    }

    /// Number of transactions.
    #[getter]
    fn tx_count(&self) -> u32 {
        self.0.header.tx_count
    }

    /// The transactions, in order: a new list each time.
    #[getter]
    fn transactions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for transaction in self.0.transactions() {
            list.append(PyBytes::new(py, transaction))?;
        }
        Ok(list)
    }

    /// The canonical encoding.
    fn encode<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.as_bytes())
    }

    fn __len__(&self) -> usize {
        self.0.header.tx_count as usize
    }

    fn __repr__(&self) -> String {
        let header = &self.0.header;
        format!("Block(chain={}, height={}, tx_count={})", header.chain, header.height, header.tx_count)
    }
}

/// Proof that a transaction is in a block: verifies without a node.
#[pyclass(frozen, module = "duochain")]
pub(crate) struct Proof(pub(crate) node::TxProof);

#[pymethods]
impl Proof {
    /// Reads what `encode` wrote.
    #[staticmethod]
    fn decode(py: Python<'_>, encoded: BytesLike<'_, '_>) -> PyResult<Self> {
        caught(py, || node::TxProof::decode(encoded.as_slice(py)).or_raise(py).map(Self))?
    }

    /// True when `transaction` is in the block with this header. Compare `block_hash` with one you trust.
    fn verify(&self, py: Python<'_>, transaction: BytesLike<'_, '_>) -> PyResult<bool> {
        caught(py, || self.0.verify(transaction.as_slice(py)))
    }

    /// The encoding.
    fn encode<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.encode())
    }

    /// The chain of the block.
    #[getter]
    fn chain(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        tables::chain(py, self.0.header.chain)
    }

    /// Height of the block.
    #[getter]
    fn height(&self) -> u64 {
        self.0.header.height.get()
    }

    /// Position of the transaction in the block.
    #[getter]
    fn index(&self) -> u32 {
        self.0.proof.index()
    }

    /// Hash of the block.
    #[getter]
    fn block_hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, hash::block(&self.0.header).as_bytes())
    }

    /// The root that the proof leads to.
    #[getter]
    fn tx_root<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.header.tx_root.as_bytes())
    }

    fn __repr__(&self) -> String {
        format!(
            "Proof(chain={}, height={}, index={})",
            self.0.header.chain,
            self.0.header.height,
            self.index()
        )
    }
}
