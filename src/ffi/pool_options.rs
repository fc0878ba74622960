//! `duo_pool_options`: the shape of a pool.
#![expect(unsafe_code, reason = "reads structs of the host")]

use super::argument::array;
use super::failure::Failure;
use super::record::Record;
use crate::pool::{ClassSettings, HugePages, OverflowSettings, PoolSettings, Upkeep};
use std::time::Duration;

/// `duo_pool_options`: small pages.
pub const DUO_HUGE_PAGES_OFF: u32 = 0;
/// `duo_pool_options`: huge pages where the system gives them; `duo_pool_stats_t` tells.
pub const DUO_HUGE_PAGES_TRY: u32 = 1;
/// `duo_pool_options`: huge pages, or no pool.
pub const DUO_HUGE_PAGES_REQUIRE: u32 = 2;

/// Flag of `duo_pool_options` and `duo_pool_create_managed`: memory that is given back keeps its addresses.
/// Whoever looks at a buffer after releasing it finds zeros or another's bytes, and does not crash. No buffer
/// is allocated singly then.
pub const DUO_POOL_KEEP_ADDRESSES: u32 = 1;

/// `duo_pool_options`: note who acquires each buffer in debug builds of the library only.
pub const DUO_LEAK_TRACKING_AUTO: u32 = 0;
/// `duo_pool_options`: note nothing.
pub const DUO_LEAK_TRACKING_OFF: u32 = 1;
/// `duo_pool_options`: note who acquires each buffer, for `duo_pool_held`.
pub const DUO_LEAK_TRACKING_ON: u32 = 2;

/// Most classes of one pool.
const CLASSES_MAX: usize = 64;

/// One size of buffer.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_pool_class {
    /// Size of a buffer in bytes.
    pub buffer_bytes: usize,
    /// Most buffers of this size.
    pub count_max: usize,
}

/// Shape of a pool.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_pool_options {
    /// `sizeof(duo_pool_options)`.
    pub struct_size: u32,
    /// 0 or `DUO_POOL_KEEP_ADDRESSES`.
    pub flags: u32,
    /// Sizes of buffers, ascending. Read during the call only.
    pub classes: *const duo_pool_class,
    /// Number of classes.
    pub class_count: usize,
    /// Largest buffer that is allocated singly when no class has room; 0: none are.
    pub overflow_buffer_bytes_max: usize,
    /// Bound on all such buffers together, in bytes.
    pub overflow_total_bytes_max: usize,
    /// Buffers of each class whose memory is kept once it is there, `class_count` numbers; NULL: none. Read
    /// during the call only.
    pub initial: *const usize,
    /// How long demand has to stay low before `duo_pool_maintain` gives memory back; 0 is a minute, negative is
    /// never.
    pub shrink_after_ns: i64,
    /// Not 0: take and touch the memory of the initial buffers now.
    pub warm_up: u32,
    /// A `DUO_HUGE_PAGES_*`.
    pub huge_pages: u32,
    /// A `DUO_LEAK_TRACKING_*`.
    pub leak_tracking: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: integers and a raw pointer, struct_size and flags first.
unsafe impl Record for duo_pool_options {
    const NAME: &'static str = "duo_pool_options";
    const FLAGS: u32 = DUO_POOL_KEEP_ADDRESSES;
}

/// # Safety
/// The classes are readable.
pub(super) unsafe fn settings(options: &duo_pool_options) -> Result<PoolSettings, Failure> {
    // SAFETY: passed on.
    let classes = unsafe { array(options.classes, options.class_count, CLASSES_MAX, "classes") }?;
    let class = |class: &duo_pool_class| ClassSettings {
        buffer_bytes: class.buffer_bytes,
        count_max: class.count_max,
    };
    Ok(PoolSettings {
        classes: classes.iter().map(class).collect(),
        overflow: OverflowSettings {
            buffer_bytes_max: options.overflow_buffer_bytes_max,
            total_bytes_max: options.overflow_total_bytes_max,
        },
    })
}

/// # Safety
/// The numbers are readable.
pub(super) unsafe fn upkeep(options: &duo_pool_options) -> Result<Upkeep, Failure> {
    let count = if options.initial.is_null() { 0 } else { options.class_count };
    // SAFETY: passed on.
    let initial = unsafe { array(options.initial, count, CLASSES_MAX, "initial") }?;
    let unknown = |what, number| Err(Failure::argument(format!("{number} is not a choice of {what}")));
    if options.reserved != 0 {
        return unknown("reserved", options.reserved);
    }
    Ok(Upkeep {
        initial: initial.to_vec(),
        warm_up: options.warm_up != 0,
        shrink_after: match options.shrink_after_ns {
            0 => Upkeep::SHRINK_AFTER,
            // Zero is never, for the pool.
            nanos => Duration::from_nanos(u64::try_from(nanos).unwrap_or(0)),
        },
        huge_pages: match options.huge_pages {
            DUO_HUGE_PAGES_OFF => HugePages::Off,
            DUO_HUGE_PAGES_TRY => HugePages::Try,
            DUO_HUGE_PAGES_REQUIRE => HugePages::Require,
            other => return unknown("huge_pages", other),
        },
        keep_addresses: options.flags & DUO_POOL_KEEP_ADDRESSES != 0,
        leak_tracking: match options.leak_tracking {
            DUO_LEAK_TRACKING_AUTO => Upkeep::default().leak_tracking,
            DUO_LEAK_TRACKING_OFF => false,
            DUO_LEAK_TRACKING_ON => true,
            other => return unknown("leak_tracking", other),
        },
    })
}
