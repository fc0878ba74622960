//! Encoded blocks and proofs, read without a node.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{bytes, duo_iovec, out, out_array, transaction};
use super::boundary::library;
use super::failure::Failure;
use super::record::{self, OutRecord, Record};
use super::status::duo_status;
use crate::codec::Malformed;
use crate::crypto::hash;
use crate::node::TxProof;
use crate::types::{BlockView, Header, Status};
use std::ffi::c_void;

/// Longest encoded block in bytes.
const BLOCK_BYTES_MAX: usize = Header::BYTES + u32::MAX as usize;
/// Longest encoded proof in bytes: a header and far more steps than any tree has.
const PROOF_BYTES_MAX: usize = 4096;

/// Everything about a block but its transactions.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_block_header_t {
    /// `sizeof(duo_block_header_t)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// Its chain.
    pub chain: u32,
    /// Number of transactions.
    pub tx_count: u32,
    /// Its position in the chain, from 1.
    pub height: u64,
    /// The slot it was proposed in.
    pub slot: u64,
    /// The proposer's clock in nanoseconds since 1970.
    pub time_unix_ns: u64,
    /// Height of the other chain's last final block that the proposer knew; 0: none.
    pub peer_height: u64,
    /// Length of the transactions with their lengths, in bytes.
    pub body_bytes: u64,
    /// Hash of the block itself.
    pub hash: [u8; 32],
    /// Hash of the block before; zero for height 1.
    pub parent: [u8; 32],
    /// Root over the transaction ids.
    pub tx_root: [u8; 32],
    /// State after the parent.
    pub state_root: [u8; 32],
    /// Hash of the other chain's block.
    pub peer_hash: [u8; 32],
}

// SAFETY: integers only, struct_size and flags first.
unsafe impl Record for duo_block_header_t {
    const NAME: &'static str = "duo_block_header_t";
}

impl From<&Header> for duo_block_header_t {
    fn from(header: &Header) -> Self {
        Self {
            struct_size: 0,
            flags: 0,
            chain: u32::from(header.chain.wire()),
            tx_count: header.tx_count,
            height: header.height.get(),
            slot: header.slot,
            time_unix_ns: header.time.get(),
            peer_height: header.peer.height.get(),
            body_bytes: header.body_bytes,
            hash: *hash::block(header).as_bytes(),
            parent: *header.parent.as_bytes(),
            tx_root: *header.tx_root.as_bytes(),
            state_root: *header.state_root.as_bytes(),
            peer_hash: *header.peer.hash.as_bytes(),
        }
    }
}

impl From<Malformed> for Failure {
    fn from(error: Malformed) -> Self {
        Self::of(Status::Corruption, &error)
    }
}

/// Reads the header of an encoded block and checks that all of it is well formed.
/// `DUO_ERR_CORRUPTION` says where it is not.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_block_header(
    block: *const c_void,
    len: usize,
    header: *mut duo_block_header_t,
) -> duo_status {
    library(None, || {
        // SAFETY: the header's contract.
        let (block, header) =
            unsafe { (bytes(block, len, BLOCK_BYTES_MAX, "the block")?, record::out(header)?) };
        header.put((&BlockView::parse(block)?.header).into());
        Ok(Status::Ok)
    })
}

/// Finds the transactions inside an encoded block: `items` get addresses inside `block`, in order, and
/// `n` the number of all of them. `DUO_ERR_TOO_LARGE`, with `n` written, when `cap` is smaller; with
/// `cap` 0 only `n` is written.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_block_transactions(
    block: *const c_void,
    len: usize,
    items: *mut duo_iovec,
    cap: usize,
    n: *mut usize,
) -> duo_status {
    library(None, || {
        // SAFETY: the header's contract.
        let block = unsafe { bytes(block, len, BLOCK_BYTES_MAX, "the block") }?;
        let n = out(n, "n")?;
        let mut items = out_array(items, cap, "items")?;
        let view = BlockView::parse(block)?;
        let count = view.header.tx_count as usize;
        n.put(count);
        if cap == 0 {
            return Ok(Status::Ok);
        }
        if count > cap {
            let message = format!("the block has {count} transactions, items has room for {cap}");
            return Err(Failure::new(Status::TooLarge, message));
        }
        for item in view.transactions() {
            items.push(duo_iovec { data: item.as_ptr().cast(), len: item.len() });
        }
        Ok(Status::Ok)
    })
}

/// Checks an encoded proof against a transaction. `DUO_ERR_CONFLICT` when it proves something else,
/// `DUO_ERR_CORRUPTION` when it is malformed. `header` gets the block's header, whose hash the host
/// compares with one it trusts; it may be NULL.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_proof_verify(
    proof: *const c_void,
    proof_len: usize,
    tx: *const c_void,
    len: usize,
    header: *mut duo_block_header_t,
) -> duo_status {
    library(None, || {
        // SAFETY: the header's contract.
        let (proof, tx) =
            unsafe { (bytes(proof, proof_len, PROOF_BYTES_MAX, "the proof")?, transaction(tx, len)?) };
        // SAFETY: the header's contract.
        let header = unsafe { optional(header) }?;
        let proof = TxProof::decode(proof)?;
        if !proof.verify(tx) {
            return Err(Failure::new(Status::Conflict, "the proof is for another transaction"));
        }
        if let Some(header) = header {
            header.put((&proof.header).into());
        }
        Ok(Status::Ok)
    })
}

/// # Safety
/// As [`record::out`].
unsafe fn optional<T: Record>(pointer: *mut T) -> Result<Option<OutRecord<T>>, Failure> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: passed on.
    unsafe { record::out(pointer) }.map(Some)
}
