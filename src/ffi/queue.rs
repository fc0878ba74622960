//! `duo_queue`: a transaction queue, the side that puts in.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(non_camel_case_types, reason = "named as C sees them")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, DUO_BATCH_MAX, array, duo_iovec, out};
use super::batch::{Chunks, Progress};
use super::boundary::{destroy, library, on, on_thread};
use super::consuming::Consuming;
use super::failure::Failure;
use super::handle::{self, Kind, Object};
use super::pool_options::{duo_pool_options, settings as pool_settings, upkeep};
use super::record::{self, Record};
use super::status::duo_status;
use super::thread::Thread;
use crate::pool::{ClassSettings, Handle, Meta, OverflowSettings, PoolSettings, Upkeep};
use crate::queue::{Claim, Consumers, Error, QueueSettings, TxQueue};
use crate::types::{LANES_MAX, LaneId, Status, TRANSACTION_BYTES_MAX_DEFAULT};
use std::ffi::c_void;
use std::sync::Arc;

/// `duo_queue_options`: one thread takes out at a time.
pub const DUO_CONSUMERS_ONE: u32 = 0;
/// `duo_queue_options`: many threads take out at the same time.
pub const DUO_CONSUMERS_MANY: u32 = 1;

/// Cells of the lane that a queue has by default.
const CELLS_DEFAULT: usize = 65536;

/// A transaction queue.
pub struct duo_queue {
    _private: [u8; 0],
}

pub(super) struct QueueObject {
    pub(super) queue: Arc<TxQueue>,
    pub(super) consuming: Consuming,
}

impl Object for QueueObject {
    const KIND: Kind = Kind::Queue;
    type Opaque = duo_queue;

    fn close(&self) {
        self.queue.close();
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::of(error.status(), &error)
    }
}

/// Shape of a queue. All zero means one lane of 65536 cells, one consumer, strict priorities, 1 MiB
/// transactions, and a pool to fit.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_queue_options {
    /// `sizeof(duo_queue_options)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// Cells of each lane, a power of two each, most urgent lane first. Read during the call only.
    pub lane_cells: *const usize,
    /// Number of lanes; 0: one with the default.
    pub lane_count: usize,
    /// `DUO_CONSUMERS_ONE` or `DUO_CONSUMERS_MANY`.
    pub consumers: u32,
    /// 1 of every so many is taken from the least urgent lane that has any; 0: strict priorities.
    pub ageing: u32,
    /// Largest transaction in bytes; 0: 1 MiB.
    pub transaction_bytes_max: usize,
    /// The buffers behind the queue; NULL: sizes that fit the lanes. Read during the call only.
    pub pool: *const duo_pool_options,
    /// Most transactions of a batch that share a cell, up to 32; 0 or 1: each takes one, so that a lane
    /// holds as many transactions as it has cells. With more, batches cost less, cells bound runs, and the
    /// pool alone bounds transactions. Only with `DUO_CONSUMERS_ONE`.
    pub run_max: usize,
}

// SAFETY: integers and raw pointers, struct_size and flags first.
unsafe impl Record for duo_queue_options {
    const NAME: &'static str = "duo_queue_options";
}

/// A buffer of a queue's pool, for a transaction that is written in place. Must be committed or aborted.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_claim {
    /// First byte to fill. Valid until the commit, the abort, or the end of the queue or node.
    pub data: *mut c_void,
    /// Bytes to fill, all of them.
    pub len: usize,
    /// Names the claim.
    pub handle: u64,
    /// Lane it goes to.
    pub lane: u32,
    /// Chain it goes to; 0 for a queue of its own.
    pub chain: u32,
}

impl QueueObject {
    /// # Safety
    /// The pointers in `options` are readable.
    unsafe fn new(options: &duo_queue_options) -> Result<Self, Failure> {
        // SAFETY: passed on.
        let lanes = unsafe { array(options.lane_cells, options.lane_count, LANES_MAX, "lane_cells") }?;
        let lane_cells = if lanes.is_empty() { vec![CELLS_DEFAULT] } else { lanes.to_vec() };
        let consumers = match options.consumers {
            DUO_CONSUMERS_ONE => Consumers::One,
            DUO_CONSUMERS_MANY => Consumers::Many,
            other => return Err(Failure::argument(format!("{other} is not a number of consumers"))),
        };
        let transaction_bytes_max = match options.transaction_bytes_max {
            0 => TRANSACTION_BYTES_MAX_DEFAULT,
            bytes => bytes,
        };
        let (pool, upkeep) = if options.pool.is_null() {
            (fitting_pool(&lane_cells, transaction_bytes_max), Upkeep::default())
        } else {
            // SAFETY: passed on.
            let options = unsafe { record::read(options.pool) }?;
            // SAFETY: passed on.
            unsafe { (pool_settings(&options)?, upkeep(&options)?) }
        };
        let ageing = options.ageing;
        let run_max = options.run_max.max(1);
        let settings = QueueSettings { lane_cells, consumers, ageing, run_max, transaction_bytes_max, pool };
        let queue = TxQueue::with_upkeep(settings, &upkeep)?;
        Ok(Self { queue, consuming: Consuming::new(consumers) })
    }
}

/// Buffers for full lanes of small transactions and for some large ones. They are made when needed.
fn fitting_pool(lane_cells: &[usize], transaction_bytes_max: usize) -> PoolSettings {
    let cells = lane_cells.iter().fold(0_usize, |sum, cells| sum.saturating_add(*cells)).min(1 << 22);
    let class = |(buffer_bytes, share): (usize, usize)| ClassSettings {
        buffer_bytes,
        count_max: (cells / share).max(64),
    };
    let sizes = [(256, 1), (1024, 2), (4096, 8), (65536, 64)];
    PoolSettings {
        classes: sizes.into_iter().map(class).collect(),
        overflow: OverflowSettings {
            buffer_bytes_max: transaction_bytes_max,
            total_bytes_max: transaction_bytes_max.saturating_mul(64).max(64 << 20),
        },
    }
}

const fn meta(tag: u64) -> Meta {
    Meta { tag, stamp: 0 }
}

/// Makes a queue. `options` may be NULL.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_queue_create(
    options: *const duo_queue_options,
    queue: *mut *mut duo_queue,
) -> duo_status {
    library(Some(Kind::Queue), || {
        let queue = out(queue, "queue")?;
        // SAFETY: the header's contract.
        let object = unsafe { QueueObject::new(&record::read(options)?) }?;
        queue.put(handle::insert(object)?);
        Ok(Status::Ok)
    })
}

/// Closes a queue if it is open, lets waiting calls return, and frees it with everything in it. NULL is
/// accepted.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_queue_destroy(queue: *mut duo_queue) -> duo_status {
    destroy::<QueueObject>(queue)
}

/// Refuses everything new from now on and wakes waiting calls. What is in the queue can still be taken
/// out, until `DUO_END`.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_queue_close(queue: *const duo_queue) -> duo_status {
    on(queue, |object: &QueueObject| {
        object.queue.close();
        Ok(Status::Ok)
    })
}

/// Copies a transaction into a lane. `tag` comes back with it. `DUO_AGAIN` when the lane is full,
/// `DUO_ERR_NO_MEMORY` when the buffers are used up, `DUO_ERR_TOO_LARGE`, `DUO_ERR_INVALID_TX` when
/// empty, `DUO_ERR_CLOSED`.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_queue_enqueue(
    queue: *const duo_queue,
    lane: u32,
    tx: *const c_void,
    len: usize,
    tag: u64,
) -> duo_status {
    on_thread(queue, |thread, object: &QueueObject| {
        // SAFETY: the header's contract.
        let bytes = unsafe { argument::transaction(tx, len) }?;
        object.queue.enqueue_hinted(&thread.hints, argument::lane(lane)?, bytes, meta(tag))?;
        Ok(Status::Ok)
    })
}

/// As `duo_queue_enqueue`, waiting for room up to `timeout_ns`: `DUO_TIMEOUT`.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_queue_enqueue_wait(
    queue: *const duo_queue,
    lane: u32,
    tx: *const c_void,
    len: usize,
    tag: u64,
    timeout_ns: i64,
) -> duo_status {
    on(queue, |object: &QueueObject| {
        // SAFETY: the header's contract.
        let bytes = unsafe { argument::transaction(tx, len) }?;
        let timeout = argument::timeout(timeout_ns);
        object.queue.enqueue_wait(argument::lane(lane)?, bytes, meta(tag), timeout)?;
        Ok(Status::Ok)
    })
}

/// Copies `n` transactions into a lane, in order, up to the first that is refused; `done` says how many.
/// Item i gets the tag `first_tag + i`. `DUO_PARTIAL` when some were refused, the reason itself when all
/// were.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_queue_enqueue_batch(
    queue: *const duo_queue,
    lane: u32,
    items: *const duo_iovec,
    n: usize,
    first_tag: u64,
    done: *mut usize,
) -> duo_status {
    on_thread(queue, |thread, object: &QueueObject| {
        let done = out(done, "done")?;
        // SAFETY: the header's contract.
        let items = unsafe { array(items, n, DUO_BATCH_MAX, "items") }?;
        // SAFETY: as above.
        let items = items.iter().map(|item| unsafe { argument::transaction(item.data, item.len) });
        object.enqueue_all(thread, argument::lane(lane)?, items, first_tag)?.finish(done, n)
    })
}

/// As `duo_queue_enqueue_batch` with all items in one buffer: item i has `lens[i]` bytes and begins at
/// `i * stride`; with `stride` 0 they follow each other.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_queue_enqueue_flat(
    queue: *const duo_queue,
    lane: u32,
    bytes: *const c_void,
    stride: usize,
    lens: *const u32,
    n: usize,
    first_tag: u64,
    done: *mut usize,
) -> duo_status {
    on_thread(queue, |thread, object: &QueueObject| {
        let done = out(done, "done")?;
        // SAFETY: the header's contract.
        let lens = unsafe { array(lens, n, DUO_BATCH_MAX, "lens") }?;
        // SAFETY: as above.
        let items = unsafe { argument::flat(bytes, stride, lens) }?;
        object.enqueue_all(thread, argument::lane(lane)?, items, first_tag)?.finish(done, n)
    })
}

impl QueueObject {
    fn enqueue_all<'a>(
        &self,
        thread: &Thread,
        lane: LaneId,
        items: impl Iterator<Item = Result<&'a [u8], Failure>>,
        first_tag: u64,
    ) -> Result<Progress, Failure> {
        Chunks::run(items, |done, chunk| {
            let first = first_tag.wrapping_add(done as u64);
            let metas = |index| meta(first.wrapping_add(index as u64));
            let (accepted, error) = self.queue.enqueue_batch_hinted(&thread.hints, lane, chunk, metas);
            (accepted, error.map(Failure::from))
        })
    }
}

/// Takes a buffer of exactly `len` bytes to write a transaction in place. A full lane shows at the
/// commit.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_queue_claim(
    queue: *const duo_queue,
    lane: u32,
    len: usize,
    claim: *mut duo_claim,
) -> duo_status {
    on(queue, |object: &QueueObject| {
        let target = out(claim, "claim")?;
        let mut claim = object.queue.claim(len, argument::lane(lane)?)?;
        let data = claim.as_mut_ptr().cast();
        target.put(duo_claim { data, len, handle: claim.into_handle().get(), lane, chain: 0 });
        Ok(Status::Ok)
    })
}

/// Puts a claimed buffer into its lane. On `DUO_AGAIN` the claim stays as it is and can be committed
/// again. `DUO_ERR_BAD_HANDLE` when it was committed or aborted before. Only `handle` and `lane` are
/// looked at.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_queue_commit(
    queue: *const duo_queue,
    claim: *const duo_claim,
    tag: u64,
) -> duo_status {
    on(queue, |object: &QueueObject| {
        // SAFETY: the header's contract.
        let claim = unsafe { adopt(&object.queue, claim) }?;
        claim.commit(meta(tag)).map_err(|(claim, error)| {
            // The same handle comes out again: a generation ends only when its buffer is given back.
            let _ = claim.into_handle();
            Failure::from(error)
        })?;
        Ok(Status::Ok)
    })
}

/// Gives a claimed buffer back. `DUO_ERR_BAD_HANDLE` when it was committed or aborted before.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_queue_abort(queue: *const duo_queue, claim: *const duo_claim) -> duo_status {
    on(queue, |object: &QueueObject| {
        // SAFETY: the header's contract.
        drop(unsafe { adopt(&object.queue, claim) }?);
        Ok(Status::Ok)
    })
}

/// # Safety
/// `claim` is NULL or readable.
unsafe fn adopt(queue: &Arc<TxQueue>, claim: *const duo_claim) -> Result<Claim, Failure> {
    // SAFETY: passed on.
    let claim = unsafe { read_claim(claim) }?;
    Ok(Claim::adopt(queue, Handle::from_raw(claim.handle), argument::lane(claim.lane)?)?)
}

/// # Safety
/// `claim` is NULL or readable.
pub(super) unsafe fn read_claim(claim: *const duo_claim) -> Result<duo_claim, Failure> {
    if claim.is_null() {
        return Err(Failure::argument("claim is NULL"));
    }
    // SAFETY: not NULL; read bytewise, so alignment does not matter.
    Ok(unsafe { claim.read_unaligned() })
}
