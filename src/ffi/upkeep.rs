//! Memory of pools that follows demand, who has their buffers, and the managed pools.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, out, out_array};
use super::boundary::{library, on};
use super::config::{ConfigObject, duo_config};
use super::failure::Failure;
use super::handle::{self, Kind};
use super::log::fixed;
use super::pool::{PoolObject, duo_buf, duo_pool, lend};
use super::pool_options::DUO_POOL_KEEP_ADDRESSES;
use super::record::{self, Record};
use super::status::duo_status;
use crate::node::Config;
use crate::pool::{ClassStats, Held, Maintenance, PoolKind, Site};
use crate::types::{Status, Tick};
use std::ffi::c_char;

/// `duo_pool_create_managed`: transactions on their way in; 5,000 buffers initially.
pub const DUO_POOL_TRANSACTION_REQUEST: u32 = 1;
/// `duo_pool_create_managed`: headers and what they list; 2,000 buffers initially.
pub const DUO_POOL_BLOCK_PROPOSAL: u32 = 2;
/// `duo_pool_create_managed`: votes and certificates; 10,000 buffers initially.
pub const DUO_POOL_CONSENSUS_MESSAGE: u32 = 3;
/// `duo_pool_create_managed`: entries of a replicated log; 20,000 buffers initially.
pub const DUO_POOL_LOG_ENTRY: u32 = 4;

/// `duo_pool_maintain`: the time of the library's own clock.
pub const DUO_NOW: i64 = -1;

/// Most buffers that one `duo_pool_held` lists.
const HELD_MAX: usize = 65536;

/// Figures of one class of a pool.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct duo_pool_class_stats_t {
    /// `sizeof(duo_pool_class_stats_t)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// Size of a buffer in bytes.
    pub buffer_bytes: u64,
    /// Most buffers.
    pub count_max: u64,
    /// Buffers whose memory `duo_pool_maintain` never gives back.
    pub initial: u64,
    /// Buffers checked out now.
    pub in_use: u64,
    /// Most buffers ever checked out at once; up to 64 more for each thread, which are at hand there.
    pub in_use_high: u64,
    /// Buffers that were used before and can be used again, and up to 31 a thread that lie ready for a first use.
    pub free_buffers: u64,
    /// Buffers with memory behind them.
    pub resident_buffers: u64,
    /// Slabs that are there.
    pub slabs: u64,
    /// Their memory in bytes.
    pub reserved_bytes: u64,
    /// Buffers handed out so far.
    pub acquired: u64,
    /// Buffers given back so far.
    pub released: u64,
    /// Slabs given back to the system so far.
    pub evictions: u64,
}

// SAFETY: integers only, struct_size and flags first.
unsafe impl Record for duo_pool_class_stats_t {
    const NAME: &'static str = "duo_pool_class_stats_t";
}

impl From<ClassStats> for duo_pool_class_stats_t {
    fn from(stats: ClassStats) -> Self {
        Self {
            struct_size: 0,
            flags: 0,
            buffer_bytes: stats.buffer_bytes,
            count_max: stats.count_max,
            initial: stats.initial,
            in_use: stats.in_use,
            in_use_high: stats.in_use_high,
            free_buffers: stats.free,
            resident_buffers: stats.resident,
            slabs: stats.slabs,
            reserved_bytes: stats.reserved_bytes,
            acquired: stats.acquired,
            released: stats.released,
            evictions: stats.evictions,
        }
    }
}

/// What one `duo_pool_maintain` did.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct duo_pool_maintenance_t {
    /// `sizeof(duo_pool_maintenance_t)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// Buffers that got memory ahead of demand.
    pub grown_buffers: u64,
    /// Slabs given back to the system.
    pub evicted_slabs: u64,
    /// Their memory in bytes.
    pub evicted_bytes: u64,
}

// SAFETY: integers only, struct_size and flags first.
unsafe impl Record for duo_pool_maintenance_t {
    const NAME: &'static str = "duo_pool_maintenance_t";
}

impl From<Maintenance> for duo_pool_maintenance_t {
    fn from(done: Maintenance) -> Self {
        Self {
            struct_size: 0,
            flags: 0,
            grown_buffers: done.grown,
            evicted_slabs: done.evicted,
            evicted_bytes: done.evicted_bytes as u64,
        }
    }
}

/// A buffer that is checked out.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_held {
    /// Names the buffer, as in `duo_buf`.
    pub handle: u64,
    /// Bytes that were asked for.
    pub len: u64,
    /// Time since it was acquired, in nanoseconds.
    pub age_ns: i64,
    /// Who acquired it: the `site` of `duo_pool_acquire_at`, or a place in the library. NUL-terminated.
    pub site: [c_char; 120],
}

impl From<&Held> for duo_held {
    fn from(held: &Held) -> Self {
        Self {
            handle: held.handle.get(),
            len: held.len as u64,
            age_ns: i64::try_from(held.age.as_nanos()).unwrap_or(i64::MAX),
            site: fixed(&held.site.to_string()),
        }
    }
}

/// Makes the pool of a managed kind, `DUO_POOL_*`. Its sizes are those of the keys `pool.<kind>.initial` and
/// `pool.<kind>.max`; `pool.warm_up`, `pool.shrink_after_ms`, `pool.huge_pages` and `pool.leak_tracking` hold
/// for it too. `config` may be NULL: then all keys have their defaults. Keys of other subjects do not matter.
/// `flags` is 0 or `DUO_POOL_KEEP_ADDRESSES`.
/// `DUO_ERR_UNSUPPORTED` when huge pages are required and the system gives none.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_pool_create_managed(
    config: *const duo_config,
    kind: u32,
    flags: u32,
    pool: *mut *mut duo_pool,
) -> duo_status {
    let create = |config: &Config| {
        let pool = out(pool, "pool")?;
        if flags & !DUO_POOL_KEEP_ADDRESSES != 0 {
            return Err(Failure::argument(format!("unknown flags {flags:#x}")));
        }
        let known = PoolKind::from_code(kind);
        let kind = known.ok_or_else(|| Failure::argument(format!("{kind} is not a kind of pool")))?;
        let mut settings = config.managed_pools()?;
        settings.upkeep.keep_addresses = flags & DUO_POOL_KEEP_ADDRESSES != 0;
        let made = settings.pool(kind)?;
        pool.put(handle::insert(PoolObject::new(made))?);
        Ok(Status::Ok)
    };
    if config.is_null() {
        return library(Some(Kind::Pool), || create(&Config::new()));
    }
    on(config, |config: &ConfigObject| create(&config.current()))
}

/// Takes memory for `count` buffers, in use or not, of the class that serves `len`, and touches it, so that
/// acquiring them waits for nothing. Memory comes in whole slabs; `committed` says how many buffers got some
/// now: fewer when the system refuses, none when there was enough. `committed` may be NULL.
/// `DUO_ERR_TOO_LARGE` when no class serves `len`.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_pool_warm_up(
    pool: *const duo_pool,
    len: usize,
    count: usize,
    committed: *mut u64,
) -> duo_status {
    on(pool, |pool: &PoolObject| {
        let target = if committed.is_null() { None } else { Some(out(committed, "committed")?) };
        let done = pool.pool.warm_up(len, count)?;
        if let Some(target) = target {
            target.put(done);
        }
        Ok(Status::Ok)
    })
}

/// Lets the pool's memory follow demand; to be called every second or so by any one thread. A class that is
/// nearly used up gets a quarter more memory; one whose demand stayed low for `shrink_after_ns` gives back
/// the slabs that were not used for longest, down to its initial size. `now_ns` is any monotonic time, always
/// of one clock for one pool, or `DUO_NOW`. `done` may be NULL.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_pool_maintain(
    pool: *const duo_pool,
    now_ns: i64,
    done: *mut duo_pool_maintenance_t,
) -> duo_status {
    on(pool, |pool: &PoolObject| {
        let target = if done.is_null() {
            None
        } else {
            // SAFETY: the header's contract.
            Some(unsafe { record::out(done) }?)
        };
        let now = match u64::try_from(now_ns) {
            Ok(nanos) => Tick::from_nanos(nanos),
            Err(_) if now_ns == DUO_NOW => pool.now(),
            Err(_) => return Err(Failure::argument(format!("a time of {now_ns} ns"))),
        };
        let maintenance = pool.pool.maintain(now);
        if let Some(target) = target {
            target.put(maintenance.into());
        }
        Ok(Status::Ok)
    })
}

/// As `duo_pool_acquire`, noting the place `site` for `duo_pool_held`, such as `__FILE__ ":12"`, when the pool
/// tracks leaks. It is copied, and cut after 119 bytes.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_pool_acquire_at(
    pool: *const duo_pool,
    len: usize,
    site: *const c_char,
    buf: *mut duo_buf,
) -> duo_status {
    on(pool, |pool: &PoolObject| {
        let buf = out(buf, "buf")?;
        // SAFETY: the header's contract.
        let site = unsafe { argument::text(site, "site") }?;
        buf.put(lend(pool.pool.acquire_at(len, || Site::named(site))?));
        Ok(Status::Ok)
    })
}

/// Lists buffers that have been checked out for `older_than_ns` or longer, longest first; 0 lists all, such as
/// before the pool is destroyed. `n` says how many were written. `DUO_PARTIAL` when there are more than `cap`.
/// `DUO_ERR_UNSUPPORTED` when the pool does not track leaks.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_pool_held(
    pool: *const duo_pool,
    older_than_ns: i64,
    held: *mut duo_held,
    cap: usize,
    n: *mut usize,
) -> duo_status {
    on(pool, |pool: &PoolObject| {
        let n = out(n, "n")?;
        let mut target = out_array(held, cap.min(HELD_MAX), "held")?;
        if older_than_ns < 0 {
            return Err(Failure::argument(format!("an age of {older_than_ns} ns")));
        }
        let all = pool.pool.held(argument::timeout(older_than_ns))?;
        let fits = all.len().min(cap.min(HELD_MAX));
        all[..fits].iter().for_each(|held| target.push(held.into()));
        n.put(fits);
        Ok(if fits == all.len() { Status::Ok } else { Status::Partial })
    })
}

/// Figures of one class, smallest buffers first. `DUO_NOT_FOUND` when there is no such class.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_pool_class_stats(
    pool: *const duo_pool,
    class_index: u32,
    stats: *mut duo_pool_class_stats_t,
) -> duo_status {
    on(pool, |pool: &PoolObject| {
        // SAFETY: the header's contract.
        let target = unsafe { record::out(stats) }?;
        let Some(stats) = pool.pool.class_stats().into_iter().nth(class_index as usize) else {
            return Ok(Status::NotFound);
        };
        target.put(stats.into());
        Ok(Status::Ok)
    })
}
