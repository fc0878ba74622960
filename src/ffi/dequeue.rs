//! `duo_queue`: the side that takes out, and its statistics.
//!
//! # Limits
//! As many threads take out at the same time as the queue has consumers: one, or
//! [`DUO_CONSUMERS_MAX`]. One more gets `DUO_ERR_BUSY`.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, OutArray, out, out_array};
use super::boundary::{Outcome, on};
use super::consuming::Taking;
use super::failure::Failure;
use super::queue::{QueueObject, duo_queue};
use super::record::{self, Record};
use super::status::duo_status;
use crate::pool::Meta;
use crate::queue::{Consumer, Deadline, Error, Item, LaneStats, TxQueue};
use crate::types::{LaneId, Status};
use std::ffi::c_void;
use std::ops::ControlFlow;
use std::time::Duration;

/// Most threads that take out of one queue at the same time.
pub const DUO_CONSUMERS_MAX: usize = 64;

/// A transaction taken out of a queue.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_item {
    /// Where it begins in the buffer.
    pub offset: usize,
    /// Its length in bytes.
    pub len: usize,
    /// The tag it was put in with.
    pub tag: u64,
    /// Its position in the lane, from 0; for shared lanes, of its segment in the lane.
    pub sequence: u64,
    /// The lane it came from.
    pub lane: u32,
    /// 0.
    pub reserved: u32,
}

/// What happened in one lane.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_lane_stats_t {
    /// `sizeof(duo_lane_stats_t)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// Transactions put in so far.
    pub accepted: u64,
    /// Transactions refused so far because the lane was full.
    pub refused: u64,
    /// Transactions taken out so far.
    pub dequeued: u64,
    /// Transactions in it now.
    pub depth: u64,
    /// Most transactions that were in it.
    pub depth_high: u64,
}

// SAFETY: integers only, struct_size and flags first.
unsafe impl Record for duo_lane_stats_t {
    const NAME: &'static str = "duo_lane_stats_t";
}

impl From<&LaneStats> for duo_lane_stats_t {
    fn from(stats: &LaneStats) -> Self {
        Self {
            struct_size: 0,
            flags: 0,
            accepted: stats.accepted,
            refused: stats.refused,
            dequeued: stats.dequeued,
            depth: stats.depth,
            depth_high: stats.depth_high,
        }
    }
}

fn take(
    object: &QueueObject,
    consumer: &mut Consumer,
    taking: &Taking<'_>,
    timeout: Option<Duration>,
) -> Result<Item, Failure> {
    let deadline = timeout.map(Deadline::after);
    loop {
        if let Some(item) = object.consuming.take_held() {
            return Ok(item);
        }
        let found = match &deadline {
            Some(deadline) => consumer.dequeue_until(deadline, || object.consuming.held_count() > 0),
            None => Ok(consumer.dequeue()),
        };
        match found {
            Ok(Some(item)) => return Ok(item),
            // Another call holds something, or held it a moment ago.
            Ok(None) if deadline.is_some() => {}
            Ok(None) => {
                if let Some(failure) = nothing_left(object, consumer, taking) {
                    return Err(failure);
                }
            }
            Err(Error::Ended) if !taking.is_last() => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// What to say when nothing was found; `None`: to look again, because a late enqueue won the cell that was to
/// mark the end, or another call may hold what it has. "Nothing yet" after a close would be taken for the end, and
/// what was accepted be left behind.
fn nothing_left(object: &QueueObject, consumer: &Consumer, taking: &Taking<'_>) -> Option<Failure> {
    if consumer.is_ended() {
        return taking.is_last().then(|| Failure::new(Status::End, ""));
    }
    let later = !object.queue.is_closed() || consumer.is_starved();
    later.then(|| Failure::new(Status::Again, ""))
}

/// Copies an item behind what is in the buffer, or holds it for the next call.
fn place(object: &QueueObject, item: Item, buffer: &mut OutArray<u8>) -> Result<duo_item, Failure> {
    let room = buffer.capacity() - buffer.filled();
    if item.len() > room {
        let len = item.len();
        object.consuming.put_back(&object.queue, item);
        let message = format!("the next transaction has {len} bytes, buf has room for {room}");
        return Err(Failure::new(Status::TooLarge, message));
    }
    Ok(describe(&item, item.meta(), item.sequence(), item.lane(), buffer))
}

/// Copies a transaction that fits behind what is in the buffer.
fn describe(bytes: &[u8], meta: Meta, sequence: u64, lane: LaneId, buffer: &mut OutArray<u8>) -> duo_item {
    let described = duo_item {
        offset: buffer.filled(),
        len: bytes.len(),
        tag: meta.tag,
        sequence,
        lane: u32::from(lane.get()),
        reserved: 0,
    };
    buffer.extend(bytes);
    described
}

fn dequeue(
    object: &QueueObject,
    buffer: *mut c_void,
    capacity: usize,
    item: *mut duo_item,
    timeout: Option<Duration>,
) -> Outcome {
    let target = out(item, "item")?;
    let mut buffer = out_array(buffer.cast::<u8>(), capacity, "buf")?;
    let mut slot = object.consuming.enter(&object.queue)?;
    let consumer = slot.as_mut().expect("enter fills the slot");
    let taking = Taking::begin(&object.consuming);
    let item = take(object, consumer, &taking, timeout)?;
    target.put(place(object, item, &mut buffer)?);
    Ok(Status::Ok)
}

/// Takes the next transaction out and copies it into `buf`. `DUO_AGAIN` when there is none, `DUO_END`
/// when there will be none, `DUO_ERR_TOO_LARGE` when `buf` is too small: the transaction then comes
/// with the next call. `DUO_ERR_BUSY` when all consumers are inside a call. At the end of a closed
/// queue with several consumers, calls wait for each other: what one puts back is not the end.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_queue_dequeue(
    queue: *const duo_queue,
    buf: *mut c_void,
    cap: usize,
    item: *mut duo_item,
) -> duo_status {
    on(queue, |object: &QueueObject| dequeue(object, buf, cap, item, None))
}

/// As `duo_queue_dequeue`, waiting up to `timeout_ns`: `DUO_TIMEOUT`.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_queue_dequeue_wait(
    queue: *const duo_queue,
    buf: *mut c_void,
    cap: usize,
    timeout_ns: i64,
    item: *mut duo_item,
) -> duo_status {
    on(queue, |object: &QueueObject| dequeue(object, buf, cap, item, Some(argument::timeout(timeout_ns))))
}

/// Takes up to `max` transactions out, one behind the other in `buf`; `n` says how many. Ends early
/// when the queue is empty or the next one does not fit. Otherwise as `duo_queue_dequeue`.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_queue_dequeue_batch(
    queue: *const duo_queue,
    buf: *mut c_void,
    cap: usize,
    items: *mut duo_item,
    max: usize,
    n: *mut usize,
) -> duo_status {
    on(queue, |object: &QueueObject| {
        let n = out(n, "n")?;
        let mut items = out_array(items, max, "items")?;
        let mut buffer = out_array(buf.cast::<u8>(), cap, "buf")?;
        let mut slot = object.consuming.enter(&object.queue)?;
        let consumer = slot.as_mut().expect("enter fills the slot");
        let taking = Taking::begin(&object.consuming);
        match fill(object, consumer, &taking, &mut items, &mut buffer) {
            Some(failure) if items.filled() == 0 && failure.status.is_error() => Err(failure),
            Some(failure) if items.filled() == 0 => {
                n.put(0);
                Ok(failure.status)
            }
            _ => {
                n.put(items.filled());
                Ok(Status::Ok)
            }
        }
    })
}

/// Fills the arrays from the queue; answers why it ended before `items` was full.
fn fill(
    object: &QueueObject,
    consumer: &mut Consumer,
    taking: &Taking<'_>,
    items: &mut OutArray<duo_item>,
    buffer: &mut OutArray<u8>,
) -> Option<Failure> {
    loop {
        while items.filled() < items.capacity()
            && let Some(held) = object.consuming.take_held()
        {
            match place(object, held, buffer) {
                Ok(item) => items.push(item),
                Err(failure) => return Some(failure),
            }
        }
        let room = items.capacity() - items.filled();
        let mut misfit = None;
        let taken = consumer.drain_until(room, |item| {
            if item.len() > buffer.capacity() - buffer.filled() {
                misfit = place(object, item.into_item(), buffer).err();
                return ControlFlow::Break(());
            }
            items.push(describe(&item, item.meta(), item.sequence(), item.lane(), buffer));
            ControlFlow::Continue(())
        });
        if misfit.is_some() || taken == room {
            return misfit;
        }
        if items.filled() > 0 {
            return Some(Failure::new(Status::Again, ""));
        }
        if let Some(failure) = nothing_left(object, consumer, taking) {
            return Some(failure);
        }
    }
}

/// Number of transactions in the queue, all lanes together.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_queue_len(queue: *const duo_queue, len: *mut u64) -> duo_status {
    on(queue, |object: &QueueObject| {
        let held = object.consuming.held_count();
        out(len, "len")?.put((object.queue.len() + held) as u64);
        Ok(Status::Ok)
    })
}

/// What happened in one lane. `DUO_NOT_FOUND` when the queue has no such lane.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_queue_lane_stats(
    queue: *const duo_queue,
    lane: u32,
    stats: *mut duo_lane_stats_t,
) -> duo_status {
    // SAFETY: the header's contract.
    on(queue, |object: &QueueObject| unsafe { lane_stats(&object.queue, lane, stats) })
}

/// # Safety
/// As [`record::out`].
pub(super) unsafe fn lane_stats(queue: &TxQueue, lane: u32, stats: *mut duo_lane_stats_t) -> Outcome {
    // SAFETY: passed on.
    let target = unsafe { record::out(stats) }?;
    let all = queue.stats();
    let Some(lane) = all.lanes.get(lane as usize) else {
        return Ok(Status::NotFound);
    };
    target.put(lane.into());
    Ok(Status::Ok)
}

/// What the pool behind the queue did and holds.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_queue_pool_stats(
    queue: *const duo_queue,
    stats: *mut super::pool::duo_pool_stats_t,
) -> duo_status {
    on(queue, |object: &QueueObject| {
        // SAFETY: the header's contract.
        let target = unsafe { record::out(stats) }?;
        target.put((&object.queue.stats().pool).into());
        Ok(Status::Ok)
    })
}
