//! What a pool has to offer to be measured: ours, allocators called directly, and pools of other crates.

#![expect(unsafe_code, reason = "allocators hand out raw memory")]

use crossbeam_queue::ArrayQueue;
use duochain::pool::{BufferPool, ClassSettings, Loan, OverflowSettings, PoolSettings};
use opool::{PoolAllocator, RefGuard};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

/// Buffers that a pool with a fixed number of them has.
pub(super) const BUFFERS: usize = 32_768;

/// Hands out buffers of one size.
pub(super) trait Side: Sync {
    type Buffer<'a>: Send
    where
        Self: 'a;

    fn new(bytes: usize) -> Self;

    /// A buffer, its first and last word written.
    fn acquire(&self) -> Self::Buffer<'_>;

    fn release<'a>(&'a self, buffer: Self::Buffer<'a>);
}

#[inline]
fn touch(bytes: &mut [u8]) {
    let last = bytes.len() - 1;
    bytes[0] = 1;
    bytes[last] = 2;
    std::hint::black_box(bytes);
}

/// Ours.
pub(super) struct Ours {
    pool: Arc<BufferPool>,
    bytes: usize,
}

impl Side for Ours {
    type Buffer<'a> = Loan<'a>;

    fn new(bytes: usize) -> Self {
        let pool = BufferPool::new(PoolSettings {
            classes: vec![ClassSettings { buffer_bytes: bytes, count_max: BUFFERS }],
            overflow: OverflowSettings::default(),
        });
        Self { pool: pool.expect("the settings agree"), bytes }
    }

    #[inline]
    fn acquire(&self) -> Loan<'_> {
        let mut loan = self.pool.lend(self.bytes).expect("there are more than are held");
        touch(&mut loan);
        loan
    }

    #[inline]
    fn release<'a>(&'a self, buffer: Loan<'a>) {
        drop(buffer);
    }
}

/// Memory of an allocator.
pub(super) struct Raw(NonNull<u8>);

// SAFETY: it is the only pointer to its memory.
unsafe impl Send for Raw {}

impl Raw {
    #[inline]
    fn touched(data: *mut u8, bytes: usize) -> Self {
        let data = NonNull::new(data).expect("there is memory");
        // SAFETY: the allocator has given `bytes` bytes, more than one; nothing is read.
        unsafe {
            data.write(1);
            data.add(bytes - 1).write(2);
        }
        Self(std::hint::black_box(data))
    }
}

macro_rules! allocator_side {
    ($side:ident, $about:literal, |$bytes:ident| $allocate:expr, |$data:ident, $size:ident| $free:expr) => {
        #[doc = $about]
        pub(super) struct $side(usize);

        impl Side for $side {
            type Buffer<'a> = Raw;

            fn new(bytes: usize) -> Self {
                Self(bytes)
            }

            #[inline]
            fn acquire(&self) -> Raw {
                let $bytes = self.0;
                // SAFETY: a size above zero.
                Raw::touched(unsafe { $allocate }, $bytes)
            }

            #[inline]
            fn release(&self, buffer: Raw) {
                let ($data, $size) = (buffer.0.as_ptr(), self.0);
                let _ = $size;
                // SAFETY: memory of this allocator, of this size, that nobody else knows.
                unsafe { $free }
            }
        }
    };
}

allocator_side!(
    Mimalloc,
    "mimalloc, by its own functions.",
    |bytes| libmimalloc_sys::mi_malloc(bytes).cast(),
    |data, size| libmimalloc_sys::mi_free(data.cast::<c_void>())
);
allocator_side!(
    Jemalloc,
    "jemalloc, by its own functions.",
    |bytes| tikv_jemalloc_sys::malloc(bytes).cast(),
    |data, size| tikv_jemalloc_sys::free(data.cast::<c_void>())
);
allocator_side!(
    Glibc,
    "The system's `malloc`.",
    |bytes| System.alloc(Layout::from_size_align_unchecked(bytes, 8)),
    |data, size| System.dealloc(data, Layout::from_size_align_unchecked(size, 8))
);

/// A buffer of `sharded-slab`, which makes its objects itself and empty.
#[derive(Default)]
struct Slabbed(Vec<u8>);

impl sharded_slab::Clear for Slabbed {
    fn clear(&mut self) {}
}

/// `sharded_slab::Pool`; buffers go from thread to thread by their key, as its documentation has it.
pub(super) struct ShardedSlab {
    pool: sharded_slab::Pool<Slabbed>,
    bytes: usize,
}

impl Side for ShardedSlab {
    type Buffer<'a> = usize;

    fn new(bytes: usize) -> Self {
        Self { pool: sharded_slab::Pool::new(), bytes }
    }

    #[inline]
    fn acquire(&self) -> usize {
        let mut object = self.pool.create().expect("there is room");
        if object.0.is_empty() {
            object.0 = vec![0; self.bytes];
        }
        touch(&mut object.0);
        object.key()
    }

    #[inline]
    fn release(&self, key: usize) {
        assert!(self.pool.clear(key), "the key is its buffer's");
    }
}

/// How `opool` makes a buffer.
pub(super) struct Maker(usize);

impl PoolAllocator<Box<[u8]>> for Maker {
    fn allocate(&self) -> Box<[u8]> {
        vec![0; self.0].into()
    }
}

impl Side for opool::Pool<Maker, Box<[u8]>> {
    type Buffer<'a> = RefGuard<'a, Maker, Box<[u8]>>;

    fn new(bytes: usize) -> Self {
        Self::new(BUFFERS, Maker(bytes))
    }

    #[inline]
    fn acquire(&self) -> Self::Buffer<'_> {
        let mut buffer = self.get();
        touch(&mut buffer);
        buffer
    }

    #[inline]
    fn release<'a>(&'a self, buffer: Self::Buffer<'a>) {
        drop(buffer);
    }
}

/// A queue of free buffers.
pub(super) struct Array {
    free: ArrayQueue<Box<[u8]>>,
    bytes: usize,
}

impl Side for Array {
    type Buffer<'a> = Box<[u8]>;

    fn new(bytes: usize) -> Self {
        Self { free: ArrayQueue::new(BUFFERS), bytes }
    }

    #[inline]
    fn acquire(&self) -> Box<[u8]> {
        let mut buffer = self.free.pop().unwrap_or_else(|| vec![0; self.bytes].into());
        touch(&mut buffer);
        buffer
    }

    #[inline]
    fn release(&self, buffer: Box<[u8]>) {
        // A full queue means that more are around than it keeps: those go back to the allocator.
        drop(self.free.push(buffer));
    }
}

thread_local! {
    static FREE: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

/// A list of free buffers of each thread's own: what no pool for several threads can beat. For release by the
/// thread that acquired.
pub(super) struct ThreadLocal(usize);

impl Side for ThreadLocal {
    type Buffer<'a> = Box<[u8]>;

    fn new(bytes: usize) -> Self {
        FREE.take();
        Self(bytes)
    }

    #[inline]
    fn acquire(&self) -> Box<[u8]> {
        let free = FREE.with_borrow_mut(Vec::pop);
        let mut buffer = free.unwrap_or_else(|| vec![0; self.0].into());
        touch(&mut buffer);
        buffer
    }

    #[inline]
    fn release(&self, buffer: Box<[u8]>) {
        FREE.with_borrow_mut(|free| free.push(buffer));
    }
}
