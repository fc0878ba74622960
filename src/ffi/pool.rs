//! `duo_pool`: pooled buffers.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(non_camel_case_types, reason = "named as C sees them")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{DUO_BATCH_MAX, array, out, out_array};
use super::boundary::{destroy, library, on};
use super::failure::Failure;
use super::handle::{self, Kind, Object};
use super::pool_options::{duo_pool_options, settings, upkeep};
use super::record::{self, Record};
use super::status::duo_status;
use crate::env::{Clock, SystemClock};
use crate::pool::{BufferPool, Error, Handle, Lease, PoolStats, Site};
use crate::types::{Status, Tick};
use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

/// A pool of buffers.
pub struct duo_pool {
    _private: [u8; 0],
}

/// Buffers of a batch that are handled together.
const PART: usize = 256;

pub(super) struct PoolObject {
    pub(super) pool: Arc<BufferPool>,
    /// For hosts that leave the time of `duo_pool_maintain` to the library.
    clock: SystemClock,
}

impl PoolObject {
    pub(super) fn new(pool: Arc<BufferPool>) -> Self {
        Self { pool, clock: SystemClock::new() }
    }

    pub(super) fn now(&self) -> Tick {
        self.clock.now()
    }
}

impl Object for PoolObject {
    const KIND: Kind = Kind::Pool;
    type Opaque = duo_pool;
    const MAY_REFUSE: bool = true;

    /// Buffers that are out point into the pool: freeing it would leave the host with dead pointers.
    fn may_destroy(&self) -> Result<(), Failure> {
        match self.pool.stats().in_use {
            0 => Ok(()),
            out => {
                let what = format!("{out} buffers of the pool are not released{}", oldest(&self.pool));
                Err(Failure::new(Status::Busy, what))
            }
        }
    }
}

/// Who has had a buffer for longest, where that is known.
fn oldest(pool: &BufferPool) -> String {
    let held = pool.held(Duration::ZERO).unwrap_or_default();
    held.first().map_or_else(String::new, |held| format!("; the first was acquired at {}", held.site))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::of(error.status(), &error)
    }
}

/// A buffer that the host holds until it releases it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_buf {
    /// First byte.
    pub data: *mut c_void,
    /// Bytes asked for.
    pub len: usize,
    /// Bytes that may be used, `len` at least.
    pub cap: usize,
    /// Names the buffer for the release.
    pub handle: u64,
}

/// What a pool did and holds.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct duo_pool_stats_t {
    /// `sizeof(duo_pool_stats_t)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// Buffers checked out now.
    pub in_use: u64,
    /// Most buffers ever checked out at once; up to 64 more for each thread, which are at hand there.
    pub in_use_high: u64,
    /// Buffers that were used before and can be used again, with or without memory at the moment, and up to 31 a
    /// thread that lie ready for a first use.
    pub free_buffers: u64,
    /// Memory reserved for classes, in bytes.
    pub reserved_bytes: u64,
    /// Buffers handed out so far.
    pub acquired: u64,
    /// Buffers given back so far.
    pub released: u64,
    /// Requests refused for want of a buffer.
    pub exhausted: u64,
    /// Singly allocated buffers checked out now.
    pub overflow_in_use: u64,
    /// Singly allocated buffers handed out so far.
    pub overflow_acquired: u64,
    /// Memory of singly allocated buffers now, in bytes.
    pub overflow_bytes: u64,
    /// Releases refused because the buffer was not checked out.
    pub stale_refused: u64,
    /// Buffers of the classes with memory behind them.
    pub resident_buffers: u64,
    /// Slabs that are there.
    pub slabs: u64,
    /// Slabs given back to the system so far.
    pub evictions: u64,
    /// 1 when the system took the advice to use huge pages for all slabs, else 0.
    pub huge_pages: u64,
    /// Slabs given back of which the system took the memory and refused the addresses, because the process has
    /// as many mappings as it may (`vm.max_map_count`). Later slabs use these addresses.
    pub unmaps_refused: u64,
}

// SAFETY: integers only, struct_size and flags first.
unsafe impl Record for duo_pool_stats_t {
    const NAME: &'static str = "duo_pool_stats_t";
}

impl From<&PoolStats> for duo_pool_stats_t {
    fn from(stats: &PoolStats) -> Self {
        Self {
            struct_size: 0,
            flags: 0,
            in_use: stats.in_use,
            in_use_high: stats.in_use_high,
            free_buffers: stats.free,
            reserved_bytes: stats.reserved_bytes,
            acquired: stats.acquired,
            released: stats.released,
            exhausted: stats.exhausted,
            overflow_in_use: stats.overflow_in_use,
            overflow_acquired: stats.overflow_acquired,
            overflow_bytes: stats.overflow_bytes,
            stale_refused: stats.stale_refused,
            resident_buffers: stats.resident,
            slabs: stats.slabs,
            evictions: stats.evictions,
            huge_pages: u64::from(stats.huge_pages),
            unmaps_refused: stats.unmaps_refused,
        }
    }
}

pub(super) fn lend(mut lease: Lease) -> duo_buf {
    let data = lease.as_mut_ptr().cast();
    let (len, cap) = (lease.len(), lease.capacity());
    duo_buf { data, len, cap, handle: lease.into_handle().get() }
}

/// Makes a pool. No buffer is allocated before it is needed.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_pool_create(
    options: *const duo_pool_options,
    pool: *mut *mut duo_pool,
) -> duo_status {
    library(Some(Kind::Pool), || {
        // SAFETY: the header's contract.
        let options = unsafe { record::read(options) }?;
        // SAFETY: as above.
        let (settings, upkeep) = unsafe { (settings(&options)?, upkeep(&options)?) };
        let pool = out(pool, "pool")?;
        let made = BufferPool::with_upkeep(settings, &upkeep)?;
        pool.put(handle::insert(PoolObject::new(made))?);
        Ok(Status::Ok)
    })
}

/// Frees a pool and its memory. `DUO_ERR_BUSY`, and nothing happens, while buffers are checked out. A
/// poisoned pool goes away in any case, but the memory behind buffers that are checked out stays for ever,
/// since it cannot be known when the host is done with them. NULL is accepted.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_pool_destroy(pool: *mut duo_pool) -> duo_status {
    destroy::<PoolObject>(pool)
}

/// Checks out a buffer of `len` bytes or more. Its content is undefined. `DUO_ERR_NO_MEMORY` at the
/// pool's bound, `DUO_ERR_TOO_LARGE` above its largest buffer.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_pool_acquire(
    pool: *const duo_pool,
    len: usize,
    buf: *mut duo_buf,
) -> duo_status {
    on(pool, |pool: &PoolObject| {
        let buf = out(buf, "buf")?;
        buf.put(lend(pool.pool.acquire_at(len, || Site::named("duo_pool_acquire"))?));
        Ok(Status::Ok)
    })
}

/// Checks out up to `n` buffers of `len` bytes each; `got` says how many. `DUO_PARTIAL` when they were
/// fewer than `n`.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_pool_acquire_batch(
    pool: *const duo_pool,
    len: usize,
    bufs: *mut duo_buf,
    n: usize,
    got: *mut usize,
) -> duo_status {
    on(pool, |pool: &PoolObject| {
        let got = out(got, "got")?;
        let mut bufs = out_array(bufs, n, "bufs")?;
        // A part at a time: the host's `n` is no size for an array of ours.
        let mut leases = Vec::new();
        while bufs.filled() < n {
            let wanted = (n - bufs.filled()).min(PART);
            match pool.pool.acquire_batch(len, wanted, &mut leases) {
                Ok(_) => {}
                Err(error) if bufs.filled() == 0 => return Err(error.into()),
                Err(_) => break,
            }
            let short = leases.len() < wanted;
            leases.drain(..).for_each(|lease| bufs.push(lend(lease)));
            if short {
                break;
            }
        }
        got.put(bufs.filled());
        Ok(if bufs.filled() == n { Status::Ok } else { Status::Partial })
    })
}

/// Gives a buffer back. `DUO_ERR_BAD_HANDLE` when it is not checked out, such as after a release. Only
/// `handle` is looked at.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_pool_release(pool: *const duo_pool, buf: *const duo_buf) -> duo_status {
    on(pool, |pool: &PoolObject| {
        // SAFETY: the header's contract.
        let buf = unsafe { one(buf) }?;
        pool.pool.release(Handle::from_raw(buf.handle))?;
        Ok(Status::Ok)
    })
}

/// Gives buffers back in order, up to the first that is not checked out; `released` says how many.
/// `DUO_PARTIAL` when that is not all of them.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_pool_release_batch(
    pool: *const duo_pool,
    bufs: *const duo_buf,
    n: usize,
    released: *mut usize,
) -> duo_status {
    on(pool, |pool: &PoolObject| {
        let released = out(released, "released")?;
        // SAFETY: the header's contract.
        let bufs = unsafe { array(bufs, n, DUO_BATCH_MAX, "bufs") }?;
        let mut done = 0;
        for part in bufs.chunks(PART) {
            let handles = part.iter().map(|buf| Handle::from_raw(buf.handle)).collect::<Vec<_>>();
            let now = match pool.pool.release_batch(&handles) {
                Ok(now) => now,
                Err(error) if done == 0 => return Err(error.into()),
                Err(_) => 0,
            };
            done += now;
            if now < part.len() {
                break;
            }
        }
        released.put(done);
        Ok(if done == n { Status::Ok } else { Status::Partial })
    })
}

/// Gives memory of free buffers back to the system, keeping at least `keep_free` free buffers per class;
/// `trimmed` says how many bytes went. `trimmed` may be NULL.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_pool_trim(
    pool: *const duo_pool,
    keep_free: usize,
    trimmed: *mut usize,
) -> duo_status {
    on(pool, |pool: &PoolObject| {
        let target = if trimmed.is_null() { None } else { Some(out(trimmed, "trimmed")?) };
        let count = pool.pool.trim(keep_free);
        if let Some(target) = target {
            target.put(count);
        }
        Ok(Status::Ok)
    })
}

/// What the pool did and holds.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_pool_stats(pool: *const duo_pool, stats: *mut duo_pool_stats_t) -> duo_status {
    on(pool, |pool: &PoolObject| {
        // SAFETY: the header's contract.
        let target = unsafe { record::out(stats) }?;
        target.put((&pool.pool.stats()).into());
        Ok(Status::Ok)
    })
}

/// # Safety
/// `buf` is NULL or readable.
unsafe fn one(buf: *const duo_buf) -> Result<duo_buf, Failure> {
    if buf.is_null() {
        return Err(Failure::argument("buf is NULL"));
    }
    // SAFETY: not NULL; read bytewise, so alignment does not matter.
    Ok(unsafe { buf.read_unaligned() })
}
