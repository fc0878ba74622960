//! Arguments from C: checked, then given a Rust type.
//!
//! # Caller contract
//! The functions are unsafe because a pointer that is neither NULL nor valid cannot be told from a good
//! one; everything that can be checked is.
#![expect(unsafe_code, reason = "turns raw pointers into slices")]

use super::failure::Failure;
use crate::types::{ChainId, LANES_MAX, LaneId, Status, TRANSACTION_BYTES_CEILING, TxId};
use std::time::Duration;

/// Most items of one batch call.
pub const DUO_BATCH_MAX: usize = 65536;

/// Longest text argument in bytes.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// A piece of memory that the host owns.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_iovec {
    /// First byte.
    pub data: *const std::ffi::c_void,
    /// Number of bytes.
    pub len: usize,
}

/// A place for a result.
#[inline]
pub(super) fn out<T>(pointer: *mut T, name: &'static str) -> Result<Out<T>, Failure> {
    if pointer.is_null() {
        return Err(null(name));
    }
    if !pointer.is_aligned() {
        return Err(not_aligned(name));
    }
    Ok(Out(pointer))
}

/// A checked place for a result.
pub(super) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// Writes the result.
    pub(super) fn put(self, value: T) {
        // SAFETY: not NULL and aligned; the host says that it is writable for the length of the call.
        unsafe { self.0.write(value) }
    }
}

/// `len` bytes that the host lends for the length of the call.
///
/// # Safety
/// `data` points to `len` readable bytes that nobody writes meanwhile.
#[inline]
pub(super) unsafe fn bytes<'a>(
    data: *const std::ffi::c_void,
    len: usize,
    len_max: usize,
    name: &'static str,
) -> Result<&'a [u8], Failure> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(null(name));
    }
    if len > len_max {
        return Err(too_long(name, len, len_max));
    }
    // SAFETY: not NULL, at most len_max <= isize::MAX bytes, readable by the caller's contract.
    Ok(unsafe { std::slice::from_raw_parts(data.cast(), len) })
}

#[cold]
fn null(name: &str) -> Failure {
    Failure::argument(format!("{name} is NULL"))
}

#[cold]
fn not_aligned(name: &str) -> Failure {
    Failure::argument(format!("{name} is not aligned"))
}

#[cold]
fn too_long(name: &str, len: usize, len_max: usize) -> Failure {
    Failure::new(Status::TooLarge, format!("{name} is {len} bytes long, the maximum is {len_max}"))
}

/// A transaction.
///
/// # Safety
/// As [`bytes`].
#[inline]
pub(super) unsafe fn transaction<'a>(data: *const std::ffi::c_void, len: usize) -> Result<&'a [u8], Failure> {
    // SAFETY: passed on.
    unsafe { bytes(data, len, TRANSACTION_BYTES_CEILING, "the transaction") }
}

/// `count` elements that the host lends for the length of the call.
///
/// # Safety
/// `data` points to `count` readable elements that nobody writes meanwhile; any bits are a valid `T`.
pub(super) unsafe fn array<'a, T: Copy>(
    data: *const T,
    count: usize,
    count_max: usize,
    name: &'static str,
) -> Result<&'a [T], Failure> {
    check_array(data, count, count_max, name)?;
    if count == 0 {
        return Ok(&[]);
    }
    // SAFETY: checked above; count_max elements are far below isize::MAX bytes.
    Ok(unsafe { std::slice::from_raw_parts(data, count) })
}

fn check_array<T>(data: *const T, count: usize, count_max: usize, name: &'static str) -> Result<(), Failure> {
    if count == 0 {
        return Ok(());
    }
    if data.is_null() {
        return Err(null(name));
    }
    if !data.is_aligned() {
        return Err(not_aligned(name));
    }
    if count > count_max {
        let message = format!("{name} has {count} elements, the maximum is {count_max}");
        return Err(Failure::new(Status::TooLarge, message));
    }
    Ok(())
}

/// An array of results, filled from the front.
pub(super) struct OutArray<T> {
    first: *mut T,
    capacity: usize,
    filled: usize,
}

/// A place for up to `capacity` results. A NULL array is accepted for none.
pub(super) fn out_array<T>(
    first: *mut T,
    capacity: usize,
    name: &'static str,
) -> Result<OutArray<T>, Failure> {
    check_array(first, capacity, isize::MAX as usize / size_of::<T>().max(1), name)?;
    Ok(OutArray { first, capacity, filled: 0 })
}

impl<T: Copy> OutArray<T> {
    /// How many fit.
    pub(super) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many are in.
    pub(super) const fn filled(&self) -> usize {
        self.filled
    }

    /// Appends one result.
    ///
    /// # Panics
    /// When the array is full: the caller asks for `capacity` first.
    pub(super) fn push(&mut self, value: T) {
        assert!(self.filled < self.capacity, "results are bounded by the capacity");
        // SAFETY: inside the array that the host says is writable for the length of the call.
        unsafe { self.first.add(self.filled).write(value) };
        self.filled += 1;
    }

    /// Appends all of `values`.
    ///
    /// # Panics
    /// As [`OutArray::push`].
    pub(super) fn extend(&mut self, values: &[T]) {
        assert!(values.len() <= self.capacity - self.filled, "results are bounded by the capacity");
        if values.is_empty() {
            return;
        }
        // SAFETY: as in `push`; `values` is memory of the library, so the two do not overlap.
        unsafe { self.first.add(self.filled).copy_from_nonoverlapping(values.as_ptr(), values.len()) };
        self.filled += values.len();
    }
}

/// Hands out bytes of a size that the host may not know. `len` gets the full size whenever it is known.
/// A capacity of 0 asks for the size only.
pub(super) fn put_bytes(
    value: &[u8],
    buffer: *mut std::ffi::c_void,
    capacity: usize,
    len: *mut usize,
) -> Result<Status, Failure> {
    put(value, &[], buffer.cast(), capacity, len)
}

/// As [`put_bytes`] for text: a NUL follows it, which `len` does not count.
pub(super) fn put_text(
    value: &str,
    buffer: *mut std::ffi::c_char,
    capacity: usize,
    len: *mut usize,
) -> Result<Status, Failure> {
    put(value.as_bytes(), &[0], buffer.cast(), capacity, len)
}

fn put(
    value: &[u8],
    end: &[u8],
    buffer: *mut u8,
    capacity: usize,
    len: *mut usize,
) -> Result<Status, Failure> {
    let len = out(len, "len")?;
    let mut target = out_array(buffer, capacity, "buf")?;
    len.put(value.len());
    if capacity == 0 {
        return Ok(Status::Ok);
    }
    let needed = value.len() + end.len();
    if needed > capacity {
        let message = format!("the result needs {needed} bytes, buf has room for {capacity}");
        return Err(Failure::new(Status::TooLarge, message));
    }
    target.extend(value);
    target.extend(end);
    Ok(Status::Ok)
}

/// A NUL-terminated name or path.
///
/// # Safety
/// `text` is NULL or points to a NUL-terminated string that nobody writes meanwhile.
pub(super) unsafe fn text<'a>(text: *const std::ffi::c_char, name: &'static str) -> Result<&'a str, Failure> {
    if text.is_null() {
        return Err(Failure::argument(format!("{name} is NULL")));
    }
    // SAFETY: not NULL, terminated by the caller's contract.
    let text = unsafe { std::ffi::CStr::from_ptr(text) };
    text.to_str().map_err(|error| Failure::argument(format!("{name} is not UTF-8: {error}")))
}

/// A text of given length; embedded NULs are the reader's business.
///
/// # Safety
/// As [`bytes`].
pub(super) unsafe fn sized_text<'a>(
    data: *const std::ffi::c_char,
    len: usize,
    name: &'static str,
) -> Result<&'a str, Failure> {
    // SAFETY: passed on.
    let bytes = unsafe { bytes(data.cast(), len, TEXT_BYTES_MAX, name) }?;
    std::str::from_utf8(bytes).map_err(|error| Failure::argument(format!("{name} is not UTF-8: {error}")))
}

/// The id of a transaction.
///
/// # Safety
/// `id` is NULL or points to 32 readable bytes.
pub(super) unsafe fn tx_id(id: *const u8) -> Result<TxId, Failure> {
    // SAFETY: passed on.
    let bytes = unsafe { bytes(id.cast(), 32, 32, "id") }?;
    let mut array = [0; 32];
    array.copy_from_slice(bytes);
    Ok(TxId::new(array))
}

/// A chain by its number.
pub(super) fn chain(number: u32) -> Result<ChainId, Failure> {
    u8::try_from(number).ok().and_then(ChainId::from_wire).ok_or_else(|| {
        Failure::argument(format!("{number} is not a chain (DUO_CHAIN_ALPHA, DUO_CHAIN_DELTA)"))
    })
}

/// A lane by its number; the queue checks it against its own lanes.
#[inline]
pub(super) fn lane(number: u32) -> Result<LaneId, Failure> {
    match u8::try_from(number) {
        Ok(lane) if (lane as usize) < LANES_MAX => Ok(LaneId::new(lane)),
        _ => Err(no_such_lane(number)),
    }
}

#[cold]
fn no_such_lane(number: u32) -> Failure {
    Failure::argument(format!("lane {number} is over the limit of {LANES_MAX} lanes"))
}

/// A span in nanoseconds; negative means without limit, which is 292 years.
pub(super) fn timeout(nanos: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(i64::MAX as u64))
}

/// The items of a batch that lie in one buffer, as offsets and lengths checked against the buffer's
/// stride.
///
/// # Safety
/// `data` points to the bytes that `lens` and `stride` describe; nobody writes them meanwhile.
pub(super) unsafe fn flat(
    data: *const std::ffi::c_void,
    stride: usize,
    lens: &[u32],
) -> Result<impl Iterator<Item = Result<&[u8], Failure>>, Failure> {
    if data.is_null() && !lens.is_empty() {
        return Err(Failure::argument("the transactions are NULL"));
    }
    if stride > TRANSACTION_BYTES_CEILING {
        return Err(Failure::new(
            Status::TooLarge,
            format!("stride {stride} is over the largest transaction"),
        ));
    }
    let mut offset = 0_usize;
    Ok(lens.iter().map(move |len| {
        let len = *len as usize;
        if stride != 0 && len > stride {
            return Err(beyond_stride(len, stride));
        }
        // Bounded: DUO_BATCH_MAX items of at most TRANSACTION_BYTES_CEILING bytes.
        let start = data.wrapping_byte_add(offset);
        offset += if stride == 0 { len } else { stride };
        // SAFETY: passed on.
        unsafe { transaction(start, len) }
    }))
}

#[cold]
fn beyond_stride(len: usize, stride: usize) -> Failure {
    Failure::argument(format!("a length of {len} is over the stride of {stride}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absurd_sizes_are_refused_before_memory_is_touched() {
        let byte = 0_u8;
        let data = std::ptr::from_ref(&byte).cast();
        // SAFETY: refused by size, never read.
        let refused = unsafe { transaction(data, usize::MAX) };
        assert_eq!(refused.unwrap_err().status, Status::TooLarge);
        // SAFETY: NULL with a length is refused.
        let refused = unsafe { transaction(std::ptr::null(), 5) };
        assert_eq!(refused.unwrap_err().status, Status::InvalidArgument);
        assert!(out_array(std::ptr::from_ref(&byte).cast_mut().cast::<u64>(), usize::MAX, "x").is_err());
        let odd = std::ptr::without_provenance_mut::<u64>(9);
        assert_eq!(out(odd, "x").map(drop).unwrap_err().status, Status::InvalidArgument);
    }

    #[test]
    fn items_in_one_buffer_are_packed_or_strided() {
        let data = b"abcdef".as_ptr().cast();
        let read = |stride, lens: &[u32]| -> Vec<Vec<u8>> {
            // SAFETY: the lengths stay inside the six bytes.
            let items = unsafe { flat(data, stride, lens) }.expect("valid");
            items.map(|item| item.expect("valid").to_vec()).collect()
        };
        assert_eq!(read(0, &[2, 1]), [b"ab".to_vec(), b"c".to_vec()]);
        assert_eq!(read(3, &[2, 1]), [b"ab".to_vec(), b"d".to_vec()]);
    }

    #[test]
    fn a_negative_timeout_is_without_limit() {
        assert_eq!(timeout(-1), timeout(i64::MAX));
        assert_eq!(timeout(5), Duration::from_nanos(5));
    }
}
