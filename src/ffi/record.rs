//! Structs that carry their own size, so that hosts and libraries of different versions meet.
//!
//! # Model
//! Such a struct begins with `struct_size` and `flags`. An older, shorter struct leaves the rest at
//! its default, which is always zero. A newer, longer one is accepted while the bytes that this library
//! does not know are zero.
#![expect(unsafe_code, reason = "copies structs of a size told by the host")]

use super::failure::Failure;
use crate::types::Status;

/// Larger than any struct will ever be: more is a sign of an uninitialised one.
const STRUCT_BYTES_MAX: usize = 4096;
/// `struct_size` and `flags`.
const HEAD_BYTES: usize = 8;

/// A struct with a size of its own.
///
/// # Safety
/// `repr(C)`, begins with `struct_size: u32, flags: u32`, and any bits are a valid value: integers, raw
/// pointers and arrays of them.
pub(super) unsafe trait Record: Copy {
    /// Name in messages.
    const NAME: &'static str;
    /// Flags that this library knows.
    const FLAGS: u32 = 0;
}

/// Reads a struct that the host filled in. NULL gives all defaults.
///
/// # Safety
/// `pointer` is NULL or points to as many readable bytes as its first field says.
pub(super) unsafe fn read<T: Record>(pointer: *const T) -> Result<T, Failure> {
    // SAFETY: any bits are a valid T.
    let mut value: T = unsafe { std::mem::zeroed() };
    if pointer.is_null() {
        return Ok(value);
    }
    // SAFETY: the caller's contract.
    let size = unsafe { stated_size(pointer) }?;
    // SAFETY: both sides are at least that long.
    unsafe {
        let target = std::ptr::from_mut(&mut value).cast::<u8>();
        target.copy_from_nonoverlapping(pointer.cast::<u8>(), size.min(size_of::<T>()));
    }
    for at in size_of::<T>()..size {
        // SAFETY: inside the struct's stated size.
        if unsafe { pointer.cast::<u8>().add(at).read() } != 0 {
            let message = format!("{} has a field at byte {at} that this library does not know", T::NAME);
            return Err(Failure::new(Status::Unsupported, message));
        }
    }
    // SAFETY: every T begins with struct_size and flags.
    let flags = unsafe { std::ptr::from_ref(&value).cast::<u32>().add(1).read() };
    if flags & !T::FLAGS != 0 {
        let message = format!("{} has unknown flags {:#x}", T::NAME, flags & !T::FLAGS);
        return Err(Failure::new(Status::Unsupported, message));
    }
    Ok(value)
}

/// A place for a struct whose size the host states.
pub(super) struct OutRecord<T: Record> {
    pointer: *mut T,
    size: usize,
}

/// Checks the place.
///
/// # Safety
/// `pointer` is NULL or points to as many writable bytes as its first field says.
pub(super) unsafe fn out<T: Record>(pointer: *mut T) -> Result<OutRecord<T>, Failure> {
    if pointer.is_null() {
        return Err(Failure::argument(format!("the {} is NULL", T::NAME)));
    }
    // SAFETY: the caller's contract.
    let size = unsafe { stated_size(pointer) }?;
    Ok(OutRecord { pointer, size })
}

impl<T: Record> OutRecord<T> {
    /// Writes what fits of `value`; bytes that this library does not know become 0. `struct_size` keeps
    /// the host's number.
    pub(super) fn put(self, value: T) {
        let known = self.size.min(size_of::<T>());
        // SAFETY: the host has `size` writable bytes there; the first four stay as they are.
        unsafe {
            let from = std::ptr::from_ref(&value).cast::<u8>();
            let to = self.pointer.cast::<u8>();
            to.add(4).copy_from_nonoverlapping(from.add(4), known - 4);
            to.add(known).write_bytes(0, self.size - known);
        }
    }
}

/// # Safety
/// `pointer` points to at least four readable bytes.
unsafe fn stated_size<T: Record>(pointer: *const T) -> Result<usize, Failure> {
    // SAFETY: the caller's contract; may be unaligned.
    let size = unsafe { pointer.cast::<u32>().read_unaligned() } as usize;
    if !(HEAD_BYTES..=STRUCT_BYTES_MAX).contains(&size) {
        let message = format!("struct_size {size} of {} is wrong; use its DUO_*_INIT", T::NAME);
        return Err(Failure::argument(message));
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    struct Sample {
        struct_size: u32,
        flags: u32,
        a: u64,
        b: u64,
    }

    // SAFETY: integers only, in the required order.
    unsafe impl Record for Sample {
        const NAME: &'static str = "sample";
        const FLAGS: u32 = 1;
    }

    fn read_words(words: &[u64]) -> Result<Sample, Failure> {
        // SAFETY: every caller passes as many bytes as it states.
        unsafe { read(words.as_ptr().cast()) }
    }

    #[test]
    fn short_structs_get_defaults_and_long_ones_must_end_in_zeros() {
        assert_eq!(read_words(&[16, 7]).map(|s| (s.a, s.b)), Ok((7, 0)));
        assert_eq!(read_words(&[24, 7, 8]).map(|s| (s.a, s.b)), Ok((7, 8)));
        assert_eq!(read_words(&[32, 7, 8, 0]).map(|s| (s.a, s.b)), Ok((7, 8)));
        assert_eq!(read_words(&[32, 7, 8, 1]).unwrap_err().status, Status::Unsupported);
        assert_eq!(read_words(&[32 << 32 | 24, 7, 8]).unwrap_err().status, Status::Unsupported);
        assert_eq!(read_words(&[1 << 32 | 24, 7, 8]).map(|s| s.flags), Ok(1));
        for size in [0, 4, 4097, 0xcccc_cccc] {
            assert_eq!(read_words(&[size, 0, 0]).unwrap_err().status, Status::InvalidArgument);
        }
    }

    #[test]
    fn results_fill_what_the_host_has_room_for() {
        let value = Sample { struct_size: 24, flags: 1, a: 2, b: 3 };
        for (words, expected) in [(2, [16, 2, 9, 9]), (3, [24, 2, 3, 9]), (4, [32, 2, 3, 0])] {
            let mut target = [9_u64; 4];
            target[0] = words * 8;
            // SAFETY: four words are there, at most that many are stated.
            unsafe { out(target.as_mut_ptr().cast::<Sample>()) }.expect("valid").put(value);
            assert_eq!([target[0] & 0xffff_ffff, target[1], target[2], target[3]], expected);
        }
    }
}
