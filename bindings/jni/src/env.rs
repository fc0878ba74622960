//! The part of the JVM's function table that this crate needs.
//!
//! # Limits
//! No array is copied that the C layer would refuse for its size: a copy as large as the host likes would
//! end the process where memory is short.

use duochain::ffi::argument::DUO_BATCH_MAX;
use duochain::types::TRANSACTION_BYTES_CEILING;
use jni_sys::{JNIEnv, jarray, jbyteArray, jint, jintArray, jlong, jlongArray, jobject, jsize, jvalue};
use std::ffi::{CStr, c_void};
use std::mem::MaybeUninit;

/// Arrays up to this size are copied to the stack.
const STACK_BYTES: usize = 4096;

/// Bound for names, identifiers, proofs and options; the C layer's own bounds are below it.
pub(crate) const SMALL_BYTES_MAX: usize = 1 << 16;

/// Longest array of numbers: far more than a pool has classes.
const LONGS_MAX: usize = 4096;

/// The JVM as one native call sees it.
#[derive(Clone, Copy)]
pub(crate) struct Env(*mut JNIEnv);

/// An exception of the JVM is on its way: return at once.
#[derive(Debug)]
pub(crate) struct Pending;

/// An array is larger than anything that the library takes.
#[derive(Debug)]
pub(crate) struct TooLarge {
    /// Its elements.
    pub(crate) size: usize,
    /// Most elements.
    pub(crate) max: usize,
}

macro_rules! jvm {
    ($env:expr, $version:ident, $function:ident $(, $argument:expr)*) => {{
        let env = $env.0;
        // SAFETY: `Env::new` says that the table is valid on this thread for the length of the call;
        // each use says why its arguments are.
        unsafe { ((**env).$version.$function)(env $(, $argument)*) }
    }};
}

impl Env {
    /// # Safety
    /// `env` is the pointer that the JVM gave to the native method that is running, and the value does
    /// not outlive that method.
    pub(crate) const unsafe fn new(env: *mut JNIEnv) -> Self {
        Self(env)
    }

    /// Runs `body` on a copy of a part of an array. `array` is not NULL and the part lies inside of it:
    /// the Java side has checked both. A part that is too large for a transaction is not copied: `body`
    /// gets its size and no readable byte, which `duo_` functions refuse by the size.
    pub(crate) fn with_bytes<R>(
        self,
        array: jbyteArray,
        offset: jint,
        length: jint,
        body: impl FnOnce(*const c_void, usize) -> R,
    ) -> R {
        let size = usize::try_from(length).unwrap_or(0);
        if size > TRANSACTION_BYTES_CEILING {
            body(std::ptr::dangling(), size)
        } else if size <= STACK_BYTES {
            let mut copy = [MaybeUninit::<u8>::uninit(); STACK_BYTES];
            // An array of the JVM, a part inside of it, and room for the part.
            jvm!(self, v1_1, GetByteArrayRegion, array, offset, length, copy.as_mut_ptr().cast());
            body(copy.as_ptr().cast(), size)
        } else {
            let mut copy = Vec::<u8>::with_capacity(size);
            // As above.
            jvm!(self, v1_1, GetByteArrayRegion, array, offset, length, copy.as_mut_ptr().cast());
            body(copy.as_ptr().cast(), size)
        }
    }

    /// A copy of a whole array of at most `max` bytes; empty for NULL.
    pub(crate) fn bytes(self, array: jbyteArray, max: usize) -> Result<Vec<u8>, TooLarge> {
        let (size, length) = self.length(array, max)?;
        let mut copy = vec![0_u8; size];
        if size > 0 {
            // An array of the JVM, all of it, and as much room.
            jvm!(self, v1_1, GetByteArrayRegion, array, 0, length, copy.as_mut_ptr().cast());
        }
        Ok(copy)
    }

    /// Elements of an array, in both types; none for NULL.
    fn length(self, array: jarray, max: usize) -> Result<(usize, jsize), TooLarge> {
        // An array of the JVM.
        let length = if array.is_null() { 0 } else { jvm!(self, v1_1, GetArrayLength, array) };
        let size = usize::try_from(length).unwrap_or(0);
        if size > max { Err(TooLarge { size, max }) } else { Ok((size, length)) }
    }

    /// A new array with these bytes.
    pub(crate) fn byte_array(self, bytes: &[u8]) -> Result<jbyteArray, Pending> {
        let length = jsize::try_from(bytes.len()).unwrap_or(jsize::MAX);
        let array = jvm!(self, v1_1, NewByteArray, length);
        if array.is_null() {
            return Err(Pending);
        }
        // The array was made with this length, and the bytes are at least as many.
        jvm!(self, v1_1, SetByteArrayRegion, array, 0, length, bytes.as_ptr().cast());
        Ok(array)
    }

    /// The elements of an array of numbers; empty for NULL.
    pub(crate) fn longs(self, array: jlongArray) -> Result<Vec<jlong>, TooLarge> {
        let (size, length) = self.length(array, LONGS_MAX)?;
        let mut copy = vec![0; size];
        if size > 0 {
            // An array of the JVM, all of it, and as much room.
            jvm!(self, v1_1, GetLongArrayRegion, array, 0, length, copy.as_mut_ptr());
        }
        Ok(copy)
    }

    /// The elements of an array of lengths of arrays; empty for NULL.
    pub(crate) fn lengths(self, array: jintArray) -> Result<Vec<u32>, TooLarge> {
        let (size, length) = self.length(array, DUO_BATCH_MAX)?;
        let mut copy = vec![0_u32; size];
        if size > 0 {
            // An array of the JVM, all of it, and as much room.
            jvm!(self, v1_1, GetIntArrayRegion, array, 0, length, copy.as_mut_ptr().cast());
        }
        Ok(copy)
    }

    /// Writes the first elements of an array of numbers, which the Java side made long enough.
    pub(crate) fn put_longs(self, array: jlongArray, values: &[jlong]) {
        let length = jsize::try_from(values.len()).unwrap_or(0);
        // The JVM checks the bounds.
        jvm!(self, v1_1, SetLongArrayRegion, array, 0, length, values.as_ptr());
    }

    /// A new array of numbers.
    pub(crate) fn long_array(self, values: &[jlong]) -> Result<jlongArray, Pending> {
        let array = jvm!(self, v1_1, NewLongArray, jsize::try_from(values.len()).unwrap_or(0));
        if array.is_null() {
            return Err(Pending);
        }
        self.put_longs(array, values);
        Ok(array)
    }

    /// Address of a direct buffer; NULL for any other.
    pub(crate) fn direct_address(self, buffer: jobject) -> *mut c_void {
        // A `ByteBuffer`, by the type of the Java method.
        jvm!(self, v1_4, GetDirectBufferAddress, buffer)
    }

    /// A direct buffer over memory that the Java side keeps alive.
    pub(crate) fn direct_buffer(self, address: jlong, bytes: jint) -> Result<jobject, Pending> {
        let address = std::ptr::with_exposed_provenance_mut(address as usize);
        // Memory of a pool, which `PoolMemory` keeps until nobody can reach the buffer.
        let buffer = jvm!(self, v1_4, NewDirectByteBuffer, address, jlong::from(bytes));
        if buffer.is_null() { Err(Pending) } else { Ok(buffer) }
    }

    /// Throws what `Failures.of(status, message, 0)` makes.
    pub(crate) fn throw(self, status: i32, message: &str) {
        self.throw_with(status, message, 0);
    }

    /// Throws what `Failures.of(status, message, detail)` makes.
    pub(crate) fn throw_with(self, status: i32, message: &str, detail: jlong) {
        // Whatever fails in here leaves an exception of its own behind.
        let _ = self.try_throw(status, message, detail);
    }

    fn try_throw(self, status: i32, message: &str, detail: jlong) -> Result<(), Pending> {
        const CLASS: &CStr = c"io/duochain/Failures";
        const SIGNATURE: &CStr = c"(I[BJ)Lio/duochain/DuoException;";
        let class = jvm!(self, v1_1, FindClass, CLASS.as_ptr());
        if class.is_null() {
            return Err(Pending);
        }
        // The class is a local reference of this call.
        let method = jvm!(self, v1_1, GetStaticMethodID, class, c"of".as_ptr(), SIGNATURE.as_ptr());
        if method.is_null() {
            return Err(Pending);
        }
        let message = self.byte_array(message.as_bytes())?;
        let arguments = [jvalue { i: status }, jvalue { l: message }, jvalue { j: detail }];
        // The method belongs to the class, and the arguments are those of its signature.
        let exception = jvm!(self, v1_1, CallStaticObjectMethodA, class, method, arguments.as_ptr());
        if jvm!(self, v1_2, ExceptionCheck) || exception.is_null() {
            return Err(Pending);
        }
        // A DuoException, by the signature.
        jvm!(self, v1_1, Throw, exception);
        Ok(())
    }
}
