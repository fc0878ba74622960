//! The library's log: one sink per process, which is a callback or a buffer that the host polls.
//!
//! # Limits
//! A buffer holds as many records as it was made for; the oldest give way and are counted. Texts are
//! cut to the arrays of [`duo_log_record`].
#![expect(unsafe_code, reason = "exports C functions and calls the host's")]
#![expect(non_camel_case_types, reason = "named as C sees them")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{out, out_array};
use super::boundary::{self, Outcome, library};
use super::failure::Failure;
use super::fork;
use super::status::duo_status;
use crate::env::log::{self, Level, Record};
use crate::env::{Clock, SystemClock};
use crate::types::Status;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::ffi::{c_char, c_void};
use std::sync::Arc;

/// Log level: something failed that the library could not repair.
pub const DUO_LOG_ERROR: i32 = 1;
/// Log level: something failed and was handled.
pub const DUO_LOG_WARN: i32 = 2;
/// Log level: a change of state worth knowing.
pub const DUO_LOG_INFO: i32 = 3;
/// Log level: details for a developer.
pub const DUO_LOG_DEBUG: i32 = 4;
/// Most records that a log buffer can hold.
pub const DUO_LOG_RECORDS_MAX: usize = 65536;

/// Receives log records on the thread that made them. Texts are not NUL-terminated and end with the
/// call. Must not call into the library (`DUO_ERR_REENTRANT`), throw or long-jump.
pub type duo_log_fn = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        level: i32,
        target: *const c_char,
        target_len: usize,
        message: *const c_char,
        message_len: usize,
    ),
>;

/// Called once when the library no longer needs `user`. No lock of the library is held: it may wait for
/// other threads that call the library.
pub type duo_drop_fn = Option<unsafe extern "C" fn(user: *mut c_void)>;

/// A log record.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_log_record {
    /// Wall-clock time in nanoseconds since 1970.
    pub time_unix_ns: u64,
    /// A `DUO_LOG_*` level.
    pub level: i32,
    /// Records lost directly before this one because the buffer was full.
    pub lost: u32,
    /// Which part speaks, NUL-terminated.
    pub target: [c_char; 48],
    /// What it says, NUL-terminated.
    pub message: [c_char; 448],
}

struct Callback {
    function: unsafe extern "C" fn(*mut c_void, i32, *const c_char, usize, *const c_char, usize),
    release: duo_drop_fn,
    user: *mut c_void,
}

// SAFETY: the host promises in the header that `user` may be used from any thread.
unsafe impl Send for Callback {}
// SAFETY: as above.
unsafe impl Sync for Callback {}

impl Callback {
    fn call(&self, record: Record<'_>) {
        let (target, message) = (record.target, record.message);
        boundary::in_callback(|| {
            // SAFETY: the host's function, with texts that outlive the call.
            unsafe {
                (self.function)(
                    self.user,
                    i32::from(record.level as u8),
                    target.as_ptr().cast(),
                    target.len(),
                    message.as_ptr().cast(),
                    message.len(),
                );
            }
        });
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: the host's function, called once, when the sink is not running any more.
            boundary::in_callback(|| unsafe { release(self.user) });
        }
    }
}

/// The buffer behind [`duo_log_poll`], while there is one.
static BUFFER: Mutex<Option<Arc<Buffer>>> = Mutex::new(None);

struct Buffer {
    capacity: usize,
    clock: SystemClock,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    records: VecDeque<duo_log_record>,
    lost: u32,
}

impl Buffer {
    fn push(&self, record: Record<'_>) {
        let time_unix_ns = self.clock.unix().get();
        let mut kept = self.kept.lock();
        if kept.records.len() == self.capacity {
            let gone = kept.records.pop_front().map_or(0, |gone| gone.lost);
            kept.lost = kept.lost.saturating_add(gone).saturating_add(1);
        }
        kept.records.push_back(duo_log_record {
            time_unix_ns,
            level: i32::from(record.level as u8),
            lost: 0,
            target: fixed(record.target),
            message: fixed(record.message),
        });
    }
}

/// `text` cut to `N` bytes with its NUL, on a character boundary.
pub(super) fn fixed<const N: usize>(text: &str) -> [c_char; N] {
    let mut length = text.len().min(N - 1);
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    let mut array = [0; N];
    for (to, from) in array.iter_mut().zip(&text.as_bytes()[..length]) {
        *to = from.cast_signed() as c_char;
    }
    array
}

fn level(number: i32) -> Result<Level, Failure> {
    let level = u8::try_from(number).ok().and_then(Level::from_number);
    level.ok_or_else(|| Failure::argument(format!("{number} is not a log level")))
}

/// Locks of the log may have been held by threads that a fork left behind.
fn here() -> Result<(), Failure> {
    match fork::generation() {
        0 => Ok(()),
        _ => Err(Failure::new(Status::Forked, "the log stays off in a forked process")),
    }
}

/// Sends log records of `level` and more important ones to `function`; replaces any sink before. NULL
/// removes the sink. When this returns, the former function is not running any more and its `user` was
/// dropped. On failure `user` is not taken over.
///
/// [any-thread] [not-from-callback] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_set_log_callback(
    function: duo_log_fn,
    user: *mut c_void,
    drop_user: duo_drop_fn,
    level: i32,
) -> duo_status {
    library(None, || {
        here()?;
        let Some(function) = function else {
            replace(None, None);
            return Ok(Status::Ok);
        };
        let level = self::level(level)?;
        boundary::prepare();
        let callback = Callback { function, release: drop_user, user };
        replace(Some((Arc::new(move |record: Record<'_>| callback.call(record)), level)), None);
        Ok(Status::Ok)
    })
}

/// Keeps log records of `level` and more important ones in a buffer of `records`, from which
/// `duo_log_poll` takes them; replaces any sink before. For hosts that cannot be called from foreign
/// threads.
///
/// [any-thread] [not-from-callback] Since: 0.1
#[unsafe(no_mangle)]
pub extern "C" fn duo_set_log_buffer(level: i32, records: usize) -> duo_status {
    library(None, || {
        here()?;
        let level = self::level(level)?;
        if !(1..=DUO_LOG_RECORDS_MAX).contains(&records) {
            let message = format!("{records} records are not between 1 and {DUO_LOG_RECORDS_MAX}");
            return Err(Failure::argument(message));
        }
        boundary::prepare();
        let kept = Mutex::new(Kept::default());
        let buffer = Arc::new(Buffer { capacity: records, clock: SystemClock::new(), kept });
        let sink = Arc::clone(&buffer);
        replace(Some((Arc::new(move |record: Record<'_>| sink.push(record)), level)), Some(buffer));
        Ok(Status::Ok)
    })
}

/// Removes the sink; in a forked process it is off already.
pub(super) fn remove() {
    if here().is_ok() {
        replace(None, None);
    }
}

fn replace(sink: Option<(log::Sink, Level)>, buffer: Option<Arc<Buffer>>) {
    let former = {
        // Held over both, so that two replacements do not end half and half.
        let mut current = BUFFER.lock();
        *current = buffer;
        log::exchange_sink(sink)
    };
    // Without a lock: the host's `drop_user` may wait for threads that are inside the library.
    drop(former);
}

/// Takes up to `cap` records out of the buffer; `n` says how many. `DUO_AGAIN` when there are none,
/// `DUO_ERR_CLOSED` without `duo_set_log_buffer`.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_log_poll(
    out_records: *mut duo_log_record,
    cap: usize,
    n: *mut usize,
) -> duo_status {
    library(None, || poll(out_records, cap, n))
}

fn poll(records: *mut duo_log_record, cap: usize, n: *mut usize) -> Outcome {
    here()?;
    let n = out(n, "n")?;
    let mut records = out_array(records, cap, "records")?;
    let buffer = BUFFER.lock().clone();
    let buffer = buffer.ok_or_else(|| Failure::new(Status::Closed, "no log buffer is set"))?;
    let mut kept = buffer.kept.lock();
    let available = kept.records.len().min(records.capacity());
    let lost = std::mem::take(&mut kept.lost);
    for (at, mut record) in kept.records.drain(..available).enumerate() {
        if at == 0 {
            record.lost = lost;
        }
        records.push(record);
    }
    if available == 0 {
        kept.lost = lost;
    }
    n.put(available);
    Ok(if available == 0 { Status::Again } else { Status::Ok })
}
