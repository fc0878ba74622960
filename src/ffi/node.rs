//! `duo_node`: a running node, the side that submits and reads.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(non_camel_case_types, reason = "named as C sees them")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, DUO_BATCH_MAX, OutArray, array, duo_iovec, out, out_array};
use super::batch::{Chunks, Progress};
use super::boundary::{destroy, library, on};
use super::config::{ConfigObject, duo_config};
use super::failure::Failure;
use super::handle::{self, Kind, Object};
use super::queue::{duo_claim, read_claim};
use super::status::duo_status;
use crate::node::{Completion, Error, Node, NodeClaim};
use crate::pool::Handle;
use crate::types::{ChainId, LaneId, OpId, Status};
use std::ffi::c_void;
use std::time::Duration;

/// A node: both chains over one data directory.
pub struct duo_node {
    _private: [u8; 0],
}

pub(super) struct NodeObject(pub(super) Node);

impl Object for NodeObject {
    const KIND: Kind = Kind::Node;
    type Opaque = duo_node;

    fn close(&self) {
        // Wakes everybody; a chain that is still busy is waited for when the node is dropped.
        let _ = self.0.close(Duration::ZERO);
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::of(error.status(), &error)
    }
}

/// What became of a submission.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_completion {
    /// The operation number that the submission returned.
    pub op: u64,
    /// Height of its block; 0 when it is in none.
    pub height: u64,
    /// When it was accepted, in nanoseconds on the node's clock.
    pub submitted_ns: u64,
    /// When its outcome was known, on the same clock.
    pub finalized_ns: u64,
    /// `DUO_OK`: final. `DUO_ERR_DUPLICATE`: submitted before, and final. `DUO_ERR_CANCELLED`: the node closed.
    pub status: i32,
    /// A `DUO_CHAIN_*`.
    pub chain: u32,
    /// Position in its block.
    pub index: u32,
    /// 0.
    pub reserved: u32,
    /// Id of the transaction; zero when it was cancelled.
    pub tx: [u8; 32],
}

impl From<&Completion> for duo_completion {
    fn from(completion: &Completion) -> Self {
        Self {
            op: completion.op.get(),
            height: completion.height.get(),
            submitted_ns: completion.submitted.as_nanos(),
            finalized_ns: completion.finalized.as_nanos(),
            status: completion.status.code(),
            chain: u32::from(completion.chain.wire()),
            index: completion.index,
            reserved: 0,
            tx: *completion.tx.as_bytes(),
        }
    }
}

/// Opens or creates the data directory that `config` names, brings both chains up and starts them. The
/// configuration is copied. `DUO_ERR_BUSY` when another process has the directory.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_open(config: *const duo_config, node: *mut *mut duo_node) -> duo_status {
    library(Some(Kind::Node), || {
        let node = out(node, "node")?;
        // Pinned for the copy only: a panic while opening is no fault of the configuration.
        let settings = handle::with(config.addr() as u64, ConfigObject::build)??;
        node.put(handle::insert(NodeObject(Node::open(settings)?))?);
        Ok(Status::Ok)
    })
}

/// Stops accepting, wakes waiting calls, stops both chains and releases the directory. Submissions in
/// no final block complete as `DUO_ERR_CANCELLED`. `DUO_TIMEOUT` when a chain is still busy: call
/// again. The handle stays valid, for completions and reads of heads, until it is destroyed.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_close(node: *const duo_node, timeout_ns: i64) -> duo_status {
    on(node, |node: &NodeObject| {
        node.0.close(argument::timeout(timeout_ns))?;
        Ok(Status::Ok)
    })
}

/// Closes a node if it is open, lets waiting calls return, and frees it. In a forked process it is
/// leaked on purpose: `DUO_ERR_FORKED`. NULL is accepted.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_destroy(node: *mut duo_node) -> duo_status {
    destroy::<NodeObject>(node)
}

/// Copies a transaction into a lane of a chain; `op` gets a number that its completion carries.
/// `DUO_AGAIN` when the lane is full or too many completions wait to be polled.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_submit(
    node: *const duo_node,
    chain: u32,
    lane: u32,
    tx: *const c_void,
    len: usize,
    op: *mut u64,
) -> duo_status {
    on(node, |node: &NodeObject| {
        // SAFETY: the header's contract.
        let bytes = unsafe { argument::transaction(tx, len) }?;
        let op = out(op, "op")?;
        op.put(node.0.submit(argument::chain(chain)?, argument::lane(lane)?, bytes)?.get());
        Ok(Status::Ok)
    })
}

/// As `duo_node_submit`, without a completion.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_submit_detached(
    node: *const duo_node,
    chain: u32,
    lane: u32,
    tx: *const c_void,
    len: usize,
) -> duo_status {
    on(node, |node: &NodeObject| {
        // SAFETY: the header's contract.
        let bytes = unsafe { argument::transaction(tx, len) }?;
        node.0.submit_detached(argument::chain(chain)?, argument::lane(lane)?, bytes)?;
        Ok(Status::Ok)
    })
}

/// As `duo_node_submit`, waiting for room up to `timeout_ns`: `DUO_TIMEOUT`.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_submit_wait(
    node: *const duo_node,
    chain: u32,
    lane: u32,
    tx: *const c_void,
    len: usize,
    timeout_ns: i64,
    op: *mut u64,
) -> duo_status {
    on(node, |node: &NodeObject| {
        // SAFETY: the header's contract.
        let bytes = unsafe { argument::transaction(tx, len) }?;
        let op = out(op, "op")?;
        let (chain, lane) = (argument::chain(chain)?, argument::lane(lane)?);
        op.put(node.0.submit_wait(chain, lane, bytes, argument::timeout(timeout_ns))?.get());
        Ok(Status::Ok)
    })
}

/// Copies `n` transactions into a lane of a chain, in order, up to the first that is refused; `done`
/// says how many, `ops` gets their numbers. `DUO_PARTIAL` when some were refused, the reason itself when
/// all were.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_submit_batch(
    node: *const duo_node,
    chain: u32,
    lane: u32,
    items: *const duo_iovec,
    n: usize,
    ops: *mut u64,
    done: *mut usize,
) -> duo_status {
    on(node, |node: &NodeObject| {
        let (chain, lane) = (argument::chain(chain)?, argument::lane(lane)?);
        let (mut ops, done) = (out_array(ops, n, "ops")?, out(done, "done")?);
        // SAFETY: the header's contract.
        let items = unsafe { array(items, n, DUO_BATCH_MAX, "items") }?;
        // SAFETY: as above.
        let items = items.iter().map(|item| unsafe { argument::transaction(item.data, item.len) });
        node.submit_all(chain, lane, items, &mut ops)?.finish(done, n)
    })
}

/// As `duo_node_submit_batch` with all items in one buffer: item i has `lens[i]` bytes and begins at
/// `i * stride`; with `stride` 0 they follow each other.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_submit_flat(
    node: *const duo_node,
    chain: u32,
    lane: u32,
    bytes: *const c_void,
    stride: usize,
    lens: *const u32,
    n: usize,
    ops: *mut u64,
    done: *mut usize,
) -> duo_status {
    on(node, |node: &NodeObject| {
        let (chain, lane) = (argument::chain(chain)?, argument::lane(lane)?);
        let (mut ops, done) = (out_array(ops, n, "ops")?, out(done, "done")?);
        // SAFETY: the header's contract.
        let lens = unsafe { array(lens, n, DUO_BATCH_MAX, "lens") }?;
        // SAFETY: as above.
        let items = unsafe { argument::flat(bytes, stride, lens) }?;
        node.submit_all(chain, lane, items, &mut ops)?.finish(done, n)
    })
}

impl NodeObject {
    fn submit_all<'a>(
        &self,
        chain: ChainId,
        lane: LaneId,
        items: impl Iterator<Item = Result<&'a [u8], Failure>>,
        ops: &mut OutArray<u64>,
    ) -> Result<Progress, Failure> {
        let mut accepted: Vec<OpId> = Vec::new();
        Chunks::run(items, |_, chunk| {
            accepted.clear();
            let result = self.0.submit_batch(chain, lane, chunk, &mut accepted);
            accepted.iter().for_each(|op| ops.push(op.get()));
            (accepted.len(), result.err().map(Failure::from))
        })
    }
}

/// Takes a buffer of exactly `len` bytes to write a transaction in place. A full lane shows at the
/// commit.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_claim(
    node: *const duo_node,
    chain: u32,
    lane: u32,
    len: usize,
    claim: *mut duo_claim,
) -> duo_status {
    on(node, |node: &NodeObject| {
        let target = out(claim, "claim")?;
        let mut claim = node.0.claim(argument::chain(chain)?, argument::lane(lane)?, len)?;
        let data = claim.as_mut_ptr().cast();
        target.put(duo_claim { data, len, handle: claim.into_handle().get(), lane, chain });
        Ok(Status::Ok)
    })
}

/// Submits a claimed buffer. On `DUO_AGAIN` the claim stays as it is and can be committed again.
/// `DUO_ERR_BAD_HANDLE` when it was committed or aborted before. Only `handle`, `lane` and `chain` are
/// looked at.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_commit(
    node: *const duo_node,
    claim: *const duo_claim,
    op: *mut u64,
) -> duo_status {
    on(node, |node: &NodeObject| {
        let op = out(op, "op")?;
        // SAFETY: the header's contract.
        let claim = unsafe { adopt(&node.0, claim) }?;
        let number = claim.commit().map_err(|(claim, error)| {
            // The same handle comes out again: a generation ends only when its buffer is given back.
            let _ = claim.into_handle();
            Failure::from(error)
        })?;
        op.put(number.get());
        Ok(Status::Ok)
    })
}

/// Gives a claimed buffer back. `DUO_ERR_BAD_HANDLE` when it was committed or aborted before.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_abort(node: *const duo_node, claim: *const duo_claim) -> duo_status {
    on(node, |node: &NodeObject| {
        // SAFETY: the header's contract.
        drop(unsafe { adopt(&node.0, claim) }?);
        Ok(Status::Ok)
    })
}

/// # Safety
/// `claim` is NULL or readable.
unsafe fn adopt(node: &Node, claim: *const duo_claim) -> Result<NodeClaim, Failure> {
    // SAFETY: passed on.
    let claim = unsafe { read_claim(claim) }?;
    let (chain, lane) = (argument::chain(claim.chain)?, argument::lane(claim.lane)?);
    Ok(node.adopt_claim(chain, lane, Handle::from_raw(claim.handle))?)
}

/// Takes up to `cap` completions, waiting up to `timeout_ns` for the first; `n` says how many.
/// `DUO_TIMEOUT` when none came, `DUO_END` when the node is closed and all were handed out. Several
/// threads may poll; each completion goes to one of them.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_poll_completions(
    node: *const duo_node,
    completions: *mut duo_completion,
    cap: usize,
    timeout_ns: i64,
    n: *mut usize,
) -> duo_status {
    on(node, |node: &NodeObject| {
        let n = out(n, "n")?;
        let mut target = out_array(completions, cap, "completions")?;
        let mut polled = Vec::new();
        let max = cap.min(DUO_BATCH_MAX);
        let status = match node.0.poll_completions(&mut polled, max, argument::timeout(timeout_ns)) {
            Ok(()) => Status::Ok,
            Err(error) if error.status().is_error() => return Err(error.into()),
            Err(error) => error.status(),
        };
        polled.iter().for_each(|completion| target.push(completion.into()));
        n.put(target.filled());
        Ok(status)
    })
}

/// A descriptor that is readable while completions may be there; for poll(2) and epoll(7). It belongs
/// to the node: neither read nor close it.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_node_completion_fd(node: *const duo_node, fd: *mut i32) -> duo_status {
    on(node, |node: &NodeObject| {
        out(fd, "fd")?.put(node.0.completion_fd()?);
        Ok(Status::Ok)
    })
}
