//! The library itself: versions, start and end, last error, statuses, ids.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, out};
use super::boundary::{self, library};
use super::failure::{self, Failure};
use super::handle::{self, Object};
use super::node::NodeObject;
use super::queue::QueueObject;
use super::record::{self, Record};
use super::replog::ReplogObject;
use super::status::duo_status;
use crate::crypto::hash;
use crate::env::log::{self, Level};
use crate::env::{Clock, SystemClock};
use crate::types::Status;
use std::ffi::{CString, c_char, c_void};
use std::sync::LazyLock;

/// Major number of the interface: programs built for another one do not work.
pub const DUO_ABI_MAJOR: u32 = 0;
/// Minor number of the interface: grows when something is added.
pub const DUO_ABI_MINOR: u32 = 1;
/// Both numbers in one.
pub const DUO_ABI_VERSION: u32 = (DUO_ABI_MAJOR << 16) | DUO_ABI_MINOR;
/// Live handles per process.
pub const DUO_HANDLES_MAX: usize = 4096;
/// Longest message of `duo_last_error_message`, in bytes without the NUL.
pub const DUO_MESSAGE_BYTES_MAX: usize = 512;
/// Length of a transaction id or a hash in bytes.
pub const DUO_HASH_BYTES: usize = 32;
/// The chain of records and privacy; one block every 15 s.
pub const DUO_CHAIN_ALPHA: u32 = 1;
/// The chain of accounts and programs; one block every 3 s.
pub const DUO_CHAIN_DELTA: u32 = 2;
/// As a timeout: without limit.
pub const DUO_WAIT_FOREVER: i64 = -1;
/// `duo_features`: the RocksDB store is built in.
pub const DUO_FEATURE_ROCKSDB: u64 = 1;
/// `duo_features`: faults can be injected; never in a release.
pub const DUO_FEATURE_FAULTS: u64 = 2;
/// `duo_features`: nodes of a replicated log can talk TLS.
pub const DUO_FEATURE_TLS: u64 = 4;
/// `duo_status_class`: nothing went wrong.
pub const DUO_CLASS_OK: u32 = 0;
/// `duo_status_class`: the same call may succeed later without any change by the caller.
pub const DUO_CLASS_RETRYABLE: u32 = 1;
/// `duo_status_class`: the call or its arguments are wrong.
pub const DUO_CLASS_CALLER: u32 = 2;
/// `duo_status_class`: the handle or its data is beyond repair in this process.
pub const DUO_CLASS_FATAL: u32 = 3;

/// Bit, name, and whether this build has it.
const FEATURES: [(u64, &str, bool); 3] = [
    (DUO_FEATURE_ROCKSDB, "rocksdb", cfg!(feature = "rocksdb")),
    (DUO_FEATURE_TLS, "tls", cfg!(feature = "tls")),
    (DUO_FEATURE_FAULTS, "faults", cfg!(feature = "faults")),
];

const _: () = assert!(DUO_MESSAGE_BYTES_MAX == failure::MESSAGE_BYTES_MAX);
const _: () = assert!(DUO_HASH_BYTES == 32);
const _: () = assert!(DUO_HANDLES_MAX == handle::HANDLES_MAX);

/// How the library is started.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_init_options {
    /// `sizeof(duo_init_options)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// `DUO_ABI_VERSION` of the header that the host was compiled with; 0: not checked.
    pub header_abi: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: integers only, struct_size and flags first.
unsafe impl Record for duo_init_options {
    const NAME: &'static str = "duo_init_options";
}

/// The last failed call of a thread.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_error_info {
    /// `sizeof(duo_error_info)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// A `duo_status`; `DUO_OK` when nothing failed on this thread yet.
    pub status: i32,
    /// A `DUO_CLASS_*`.
    pub status_class: u32,
    /// Length of the message in bytes, without the NUL.
    pub message_bytes: u32,
    /// 0.
    pub reserved: u32,
    /// A number that belongs to the status. `DUO_ERR_NOT_LEADER`: the node that leads; 0: nobody is known to.
    pub detail: u64,
}

// SAFETY: integers only, struct_size and flags first.
unsafe impl Record for duo_error_info {
    const NAME: &'static str = "duo_error_info";
}

type Texts = LazyLock<Vec<CString>>;

/// Names as C strings, in the order of [`Status::ALL`], then one for numbers never given out.
static NAMES: Texts = LazyLock::new(|| texts(Status::name, "UNKNOWN"));
/// Meanings, in the same order.
static MEANINGS: Texts = LazyLock::new(|| texts(Status::meaning, "This number was never given out."));

fn texts(text: fn(Status) -> &'static str, unknown: &str) -> Vec<CString> {
    let known = Status::ALL.iter().map(|status| text(*status));
    known.chain([unknown]).map(|text| CString::new(text).unwrap_or_default()).collect()
}

/// The text for a number.
fn text(code: i32, texts: &'static Texts) -> *const c_char {
    let at = Status::ALL.iter().position(|status| status.code() == code).unwrap_or(Status::ALL.len());
    texts[at].as_ptr()
}

fn nul_terminated(text: &'static str) -> *const c_char {
    assert!(text.ends_with('\0'), "texts given to C end in NUL");
    text.as_ptr().cast()
}

/// `DUO_ABI_VERSION` of the library.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub extern "C" fn duo_abi_version() -> u32 {
    DUO_ABI_VERSION
}

/// Version of the library, such as "0.1.0". Static; never freed.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub extern "C" fn duo_version_string() -> *const c_char {
    nul_terminated(concat!(env!("CARGO_PKG_VERSION"), "\0"))
}

/// Name, version, features and kind of build in one line. Static; never freed.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub extern "C" fn duo_build_info() -> *const c_char {
    static INFO: LazyLock<CString> = LazyLock::new(|| {
        let parts = FEATURES.map(|(_, name, is_built)| (name, is_built));
        let parts = parts.into_iter().chain([("debug", cfg!(debug_assertions))]);
        let parts = parts.filter(|(_, is_there)| *is_there).map(|(name, _)| format!(" {name}"));
        let head = concat!("duochain ", env!("CARGO_PKG_VERSION")).to_owned();
        CString::new(head + &parts.collect::<String>()).unwrap_or_default()
    });
    INFO.as_ptr()
}

/// Asks whether a program compiled with `header_abi` works with this library: the same major number,
/// and a minor number that is not newer. `DUO_ERR_ABI_MISMATCH` if not. `lib_abi` may be NULL.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_check_abi(header_abi: u32, lib_abi: *mut u32) -> duo_status {
    library(None, || {
        check_abi(header_abi)?;
        if !lib_abi.is_null() {
            out(lib_abi, "lib_abi")?.put(DUO_ABI_VERSION);
        }
        Ok(Status::Ok)
    })
}

fn check_abi(header: u32) -> Result<(), Failure> {
    let (major, minor) = (header >> 16, header & 0xffff);
    if major == DUO_ABI_MAJOR && minor <= DUO_ABI_MINOR {
        return Ok(());
    }
    let message = format!(
        "the program was compiled for interface {major}.{minor}, the library has {DUO_ABI_MAJOR}.{DUO_ABI_MINOR}"
    );
    Err(Failure::new(Status::AbiMismatch, message))
}

/// Prepares the process: panic hook, fork handlers, and a check of the header's version. Optional and
/// repeatable: the first handle does the same. `options` may be NULL.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_init(options: *const duo_init_options) -> duo_status {
    library(None, || {
        // SAFETY: the header's contract.
        let options = unsafe { record::read(options) }?;
        if options.header_abi != 0 {
            check_abi(options.header_abi)?;
        }
        boundary::prepare();
        Ok(Status::Ok)
    })
}

/// Closes every queue, node and replicated log, as `duo_queue_close`, `duo_node_close` and `duo_replog_close`
/// do, and removes the log's sink. Handles stay valid and are still to be destroyed; those that a panic has poisoned
/// are closed as well. `DUO_TIMEOUT` when a node does not stop in time: call again; and when a replicated log was
/// closed with something left to do. `DUO_ERR_POISONED` when a replicated log had failed before, say for a full disk;
/// `duo_last_error_message` says why, the others are closed like any, and it stays so until that one is destroyed.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub extern "C" fn duo_shutdown(timeout_ns: i64) -> duo_status {
    library(None, || {
        let clock = SystemClock::new();
        let deadline = clock.now().after(argument::timeout(timeout_ns));
        let left = || deadline.since(clock.now());
        handle::for_each(|object: &QueueObject| object.queue.close(), Object::close);
        let mut result = Ok(Status::Ok);
        let close = |object: &NodeObject| {
            if let Err(error) = object.0.close(left()) {
                result = Err(Failure::from(error));
            }
        };
        handle::for_each(close, |object| drop(object.0.close(left())));
        let shut = |object: &ReplogObject| {
            let outcome = object.shut(left());
            if outcome != Ok(Status::Ok) {
                log::emit(Level::Warn, "log", format_args!("a replicated log was closed before it was done"));
                if result == Ok(Status::Ok) {
                    result = outcome;
                }
            }
        };
        handle::for_each(shut, |object| drop(object.shut(left())));
        super::log::remove();
        result
    })
}

/// The optional parts that this library was built with, as `DUO_FEATURE_*` bits.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_features(bits: *mut u64) -> duo_status {
    library(None, || {
        let bits = out(bits, "bits")?;
        let built = FEATURES.iter().filter(|(_, _, is_built)| *is_built);
        bits.put(built.fold(0, |bits, (bit, _, _)| bits | bit));
        Ok(Status::Ok)
    })
}

/// Name of a status without prefix, such as "TOO_LARGE"; "UNKNOWN" for a number that was never given
/// out. Static; never freed.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub extern "C" fn duo_status_name(status: i32) -> *const c_char {
    text(status, &NAMES)
}

/// What a status means, in one sentence. Static; never freed.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub extern "C" fn duo_status_meaning(status: i32) -> *const c_char {
    text(status, &MEANINGS)
}

/// The `DUO_CLASS_*` of a status; `DUO_CLASS_FATAL` for a number that was never given out.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub extern "C" fn duo_status_class(status: i32) -> u32 {
    Status::from_code(status).map_or(DUO_CLASS_FATAL, |status| status.class() as u32)
}

/// The last call on this thread that returned a negative status. Normal outcomes and successes leave
/// it as it is.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_last_error(info: *mut duo_error_info) -> duo_status {
    library(None, || {
        // SAFETY: the header's contract.
        let target = unsafe { record::out(info) }?;
        let last = failure::last();
        target.put(duo_error_info {
            struct_size: 0,
            flags: 0,
            status: last.status().code(),
            status_class: last.status().class() as u32,
            message_bytes: last.message().len() as u32,
            reserved: 0,
            detail: last.detail(),
        });
        Ok(Status::Ok)
    })
}

/// Copies the message of the last error of this thread, cut to fit and always NUL-terminated. Returns
/// its full length without the NUL; `buf` may be NULL when `cap` is 0.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_last_error_message(buf: *mut c_char, cap: usize) -> usize {
    let last = failure::last();
    let message = last.message();
    if cap > 0 && !buf.is_null() {
        let mut length = message.len().min(cap - 1);
        while !message.is_char_boundary(length) {
            length -= 1;
        }
        // SAFETY: the host has `cap` writable bytes at `buf`, and length < cap.
        unsafe {
            buf.cast::<u8>().copy_from_nonoverlapping(message.as_ptr(), length);
            buf.add(length).write(0);
        }
    }
    message.len()
}

/// Id of a transaction: the hash of its bytes, bound to the chain. `id` has room for `DUO_HASH_BYTES`.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_tx_id(chain: u32, tx: *const c_void, len: usize, id: *mut u8) -> duo_status {
    library(None, || {
        let chain = argument::chain(chain)?;
        // SAFETY: the header's contract.
        let bytes = unsafe { argument::transaction(tx, len) }?;
        let id = out(id.cast::<[u8; DUO_HASH_BYTES]>(), "id")?;
        if bytes.is_empty() {
            return Err(Failure::new(Status::InvalidTx, "a transaction has at least one byte"));
        }
        id.put(*hash::transaction(chain, bytes).as_bytes());
        Ok(Status::Ok)
    })
}
