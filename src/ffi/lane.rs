//! `duo_lane`: shared lanes, the side of the queue. That of the producers is in `lane_producer`.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(non_camel_case_types, reason = "named as C sees them")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, out};
use super::boundary::{destroy, on};
use super::failure::Failure;
use super::handle::{self, Kind, Object};
use super::queue::{QueueObject, duo_queue};
use super::record::{self, Record};
use super::status::duo_status;
use crate::queue::{SharedLanes, SharedPlace, SharedSettings, SharedStats};
use crate::types::Status;
use std::ffi::{c_char, c_int, c_void};
use std::os::fd::{AsFd, AsRawFd};

/// Lanes of a queue that other processes put into.
pub struct duo_lane {
    _private: [u8; 0],
}

struct LaneObject(SharedLanes);

impl Object for LaneObject {
    const KIND: Kind = Kind::Lane;
    type Opaque = duo_lane;

    fn close(&self) {
        self.0.close();
    }
}

/// Shape of a segment of shared lanes. All zero means in memory, 4096 cells a lane, 16 seats of 1 MiB each.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_lane_options {
    /// `sizeof(duo_lane_options)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// File to make, removed when the lanes are closed; NULL: in memory, sealed. Read during the call only.
    pub path: *const c_char,
    /// Cells of each lane, a power of two up to 2^20; 0: 4096.
    pub lane_cells: usize,
    /// Producers that can be attached at the same time, up to 1024; 0: 16.
    pub seats: usize,
    /// Bytes of the room of each producer, a multiple of 64, which also bounds its largest transaction
    /// (less 32); 0: 1 MiB.
    pub part_bytes: usize,
}

// SAFETY: integers and a raw pointer, struct_size and flags first.
unsafe impl Record for duo_lane_options {
    const NAME: &'static str = "duo_lane_options";
}

/// What happened on shared lanes so far.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_lane_counts_t {
    /// `sizeof(duo_lane_counts_t)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// Transactions taken out.
    pub accepted: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Words that made no sense, passed over or written again.
    pub corrupt: u64,
    /// Places in a lane passed over because later ones were filled.
    pub gaps: u64,
    /// Times that a tail was corrected.
    pub tails: u64,
    /// Seats for producers.
    pub seats: u64,
    /// Seats that are taken.
    pub seats_taken: u64,
    /// Seats taken over from processes that had ended.
    pub seats_recovered: u64,
}

// SAFETY: integers only, struct_size and flags first.
unsafe impl Record for duo_lane_counts_t {
    const NAME: &'static str = "duo_lane_counts_t";
}

impl From<SharedStats> for duo_lane_counts_t {
    fn from(stats: SharedStats) -> Self {
        Self {
            struct_size: 0,
            flags: 0,
            accepted: stats.accepted,
            bytes: stats.bytes,
            corrupt: stats.corrupt,
            gaps: stats.gaps,
            tails: stats.tails,
            seats: stats.seats,
            seats_taken: stats.seats_taken,
            seats_recovered: stats.seats_recovered,
        }
    }
}

/// # Safety
/// The pointers in `options` are readable.
unsafe fn settings(options: &duo_lane_options) -> Result<SharedSettings, Failure> {
    let default = SharedSettings::default();
    let or = |value: usize, default: usize| if value == 0 { default } else { value };
    let place = if options.path.is_null() {
        SharedPlace::Memory
    } else {
        // SAFETY: passed on.
        SharedPlace::File(unsafe { argument::text(options.path, "path") }?.into())
    };
    Ok(SharedSettings {
        place,
        lane_cells: or(options.lane_cells, default.lane_cells),
        seats: or(options.seats, default.seats),
        part_bytes: or(options.part_bytes, default.part_bytes),
    })
}

/// Opens shared lanes on a queue, as many as it has lanes: what other processes put into lane n comes out
/// of the queue with its own transactions of lane n. `options` may be NULL. `DUO_ERR_CONFIG` beyond a limit,
/// `DUO_ERR_BUSY` when the queue has 8 already, `DUO_ERR_IO` when the file is there, `DUO_ERR_CLOSED`.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_queue_lane_open(
    queue: *const duo_queue,
    options: *const duo_lane_options,
    lane: *mut *mut duo_lane,
) -> duo_status {
    on(queue, |object: &QueueObject| {
        let lane = out(lane, "lane")?;
        // SAFETY: the header's contract.
        let settings = unsafe { settings(&record::read(options)?) }?;
        let opened = object.queue.open_shared(&settings)?;
        lane.put(handle::insert(LaneObject(opened))?);
        Ok(Status::Ok)
    })
}

/// Closes shared lanes and frees the handle: producers are refused from then on, and what they had committed
/// still comes out of the queue. NULL is accepted.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_lane_close(lane: *mut duo_lane) -> duo_status {
    destroy::<LaneObject>(lane)
}

/// The path by which producers attach: the file, or `/proc/PID/fd/N` for lanes in memory, which is good for
/// processes that see the same `/proc`. `len` gets its length. A capacity of 0 asks for the length only.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_lane_path(
    lane: *const duo_lane,
    buf: *mut c_char,
    cap: usize,
    len: *mut usize,
) -> duo_status {
    on(lane, |object: &LaneObject| argument::put_text(&object.0.path().to_string_lossy(), buf, cap, len))
}

/// The mapping itself, for a host that brings producers of its own (docs/shared-lanes.md), and its
/// descriptor, to pass on. All three end with the handle.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_lane_map(
    lane: *const duo_lane,
    base: *mut *const c_void,
    len: *mut usize,
    fd: *mut c_int,
) -> duo_status {
    on(lane, |object: &LaneObject| {
        let (base, len, fd) = (out(base, "base")?, out(len, "len")?, out(fd, "fd")?);
        base.put(object.0.as_ptr().cast());
        len.put(object.0.bytes());
        fd.put(object.0.as_fd().as_raw_fd());
        Ok(Status::Ok)
    })
}

/// What happened so far.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_lane_counts(
    lane: *const duo_lane,
    counts: *mut duo_lane_counts_t,
) -> duo_status {
    on(lane, |object: &LaneObject| {
        // SAFETY: the header's contract.
        let target = unsafe { record::out(counts) }?;
        target.put(object.0.stats().into());
        Ok(Status::Ok)
    })
}
