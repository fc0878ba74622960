//! An allocator that says how much a piece of work took from it.
#![allow(unsafe_code, reason = "an allocator is one")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static TAKEN: Cell<usize> = const { Cell::new(0) };
}

/// The system's, counted by thread.
struct Counted;

#[global_allocator]
static COUNTED: Counted = Counted;

fn count(bytes: usize) {
    // A thread that is ending has no counter any more, and nobody to ask for it.
    let _ = TAKEN.try_with(|taken| taken.set(taken.get().saturating_add(bytes)));
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count(bytes);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(start, layout, bytes) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(start, layout) }
    }
}

/// What `f` returns, and the bytes that it asked for on this thread, given back or not.
pub(crate) fn counted<T>(f: impl FnOnce() -> T) -> (T, usize) {
    let before = TAKEN.get();
    let outcome = f();
    (outcome, TAKEN.get() - before)
}
