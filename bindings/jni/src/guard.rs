//! The guard around every native method, and how C statuses come back.

use crate::env::{Env, Pending, TooLarge};
use duochain::env::panic::Quiet;
use duochain::ffi::failure;
use duochain::ffi::status::duo_status;
use duochain::types::Status;
use jni_sys::{jbyteArray, jlong};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why a native method ends with an exception.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A `duo_` function failed; the thread's last error says why.
    Failed(duo_status),
    /// This crate refuses an argument.
    Refused(String),
    /// This crate refuses an argument for its size.
    TooLarge(TooLarge),
    /// The JVM has thrown already.
    Thrown,
}

impl From<Pending> for Stop {
    fn from(_: Pending) -> Self {
        Self::Thrown
    }
}

impl From<TooLarge> for Stop {
    fn from(array: TooLarge) -> Self {
        Self::TooLarge(array)
    }
}

/// Declares native methods: name, arguments after the class, type and value beside an exception, body.
macro_rules! native {
    ($($(#[$doc:meta])* fn $name:ident($env:ident $(, $argument:ident: $type:ty)*) -> $result:ty, $nothing:expr; $body:block)+) => {
        $($(#[$doc])*
        #[unsafe(no_mangle)]
        #[allow(non_snake_case, reason = "the JVM looks for this name")]
        extern "system" fn $name(
            env: *mut jni_sys::JNIEnv,
            _class: jni_sys::jclass
            $(, $argument: $type)*
        ) -> $result {
            // SAFETY: the JVM calls with the pointer of this call.
            let env = unsafe { $crate::env::Env::new(env) };
            $crate::guard::guard(env, $nothing, |$env| $body)
        })+
    };
}
pub(crate) use native;

/// Runs the body of a native method. `nothing` is returned together with an exception.
pub(crate) fn guard<T>(env: Env, nothing: T, body: impl FnOnce(Env) -> Result<T, Stop>) -> T {
    // A bug of this crate goes to the log too, and not to the host's standard error.
    let _quiet = Quiet::enter();
    match catch_unwind(AssertUnwindSafe(|| body(env))) {
        Ok(Ok(value)) => value,
        Ok(Err(stop)) => {
            raise(env, &stop);
            nothing
        }
        Err(payload) => {
            // A payload whose own drop panics would unwind into the JVM (I1).
            std::mem::forget(payload);
            env.throw(Status::Panic.code(), "the JVM binding hit a bug");
            nothing
        }
    }
}

#[cold]
fn raise(env: Env, stop: &Stop) {
    match stop {
        Stop::Thrown => {}
        Stop::Refused(message) => env.throw(Status::InvalidArgument.code(), message),
        Stop::TooLarge(TooLarge { size, max }) => {
            env.throw(Status::TooLarge.code(), &format!("an array of {size} elements; {max} are the most"));
        }
        // Java never sees a handle: an unknown one was freed by a close that won the race.
        Stop::Failed(duo_status::DUO_ERR_BAD_HANDLE) => {
            env.throw(Status::Closed.code(), "the object was closed");
        }
        Stop::Failed(status) => {
            let last = failure::last();
            let is_about_it = last.status().code() == status.code();
            let (message, detail) = if is_about_it { (last.message(), last.detail()) } else { ("", 0) };
            env.throw_with(status.code(), message, detail.cast_signed());
        }
    }
}

/// A success or a normal outcome; errors stop.
pub(crate) fn outcome(status: duo_status) -> Result<duo_status, Stop> {
    if status.code() < 0 { Err(Stop::Failed(status)) } else { Ok(status) }
}

/// Success only: a normal outcome is thrown too.
pub(crate) fn success(status: duo_status) -> Result<(), Stop> {
    if status == duo_status::DUO_OK { Ok(()) } else { Err(Stop::Failed(status)) }
}

/// A number, or the refusal that `Failures.refusal` reads. A partial success counts as one.
pub(crate) fn number(status: duo_status, value: u64) -> Result<jlong, Stop> {
    match outcome(status)? {
        duo_status::DUO_OK | duo_status::DUO_PARTIAL => Ok(value.cast_signed()),
        refused => Ok(jlong::MIN | jlong::from(refused.code())),
    }
}

/// Bytes when the call succeeded, NULL for "not there" or "not yet", an empty array at the end.
pub(crate) fn maybe(env: Env, status: duo_status, bytes: &[u8]) -> Result<jbyteArray, Stop> {
    match outcome(status)? {
        duo_status::DUO_OK | duo_status::DUO_PARTIAL => Ok(env.byte_array(bytes)?),
        duo_status::DUO_END => Ok(env.byte_array(&[])?),
        _ => Ok(std::ptr::null_mut()),
    }
}

/// Bytes of a size that changes from call to call: asked for until they fit.
pub(crate) fn whole(mut take: impl FnMut(*mut u8, usize, &mut usize) -> duo_status) -> Result<Vec<u8>, Stop> {
    let mut needed = 0;
    success(take(std::ptr::null_mut(), 0, &mut needed))?;
    loop {
        // Room for a text's NUL, and for counters that grow meanwhile.
        let mut bytes = vec![0_u8; needed + 256];
        match take(bytes.as_mut_ptr(), bytes.len(), &mut needed) {
            duo_status::DUO_ERR_TOO_LARGE => {}
            status => {
                success(status)?;
                bytes.truncate(needed);
                return Ok(bytes);
            }
        }
    }
}

/// A handle as the C layer takes it.
pub(crate) const fn handle<T>(word: jlong) -> *mut T {
    std::ptr::without_provenance_mut(word as usize)
}

/// A handle as Java keeps it.
pub(crate) fn word<T>(handle: *mut T) -> jlong {
    handle.addr() as jlong
}

/// A small number from Java; a negative one becomes too large, so that the C layer refuses it by name.
pub(crate) fn unsigned(value: jni_sys::jint) -> u32 {
    value.cast_unsigned()
}

/// A count from Java, between 1 and `max`.
pub(crate) fn count(value: jni_sys::jint, max: usize) -> usize {
    usize::try_from(value).unwrap_or(0).clamp(1, max)
}

/// Room for `count` results that a C function fills from the front.
pub(crate) fn filled<T: Copy, S>(count: usize, fill: impl FnOnce(*mut T, &mut usize) -> S) -> (S, Vec<T>) {
    let mut results = Vec::<T>::with_capacity(count);
    let mut done = 0;
    let status = fill(results.as_mut_ptr(), &mut done);
    // SAFETY: C functions write their results from the front and say how many, at most `count`; they
    // leave `done` alone when they write none.
    unsafe { results.set_len(done.min(count)) };
    (status, results)
}
