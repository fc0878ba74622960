//! Pins: how a call keeps an object alive without writing to memory that other threads write.
//!
//! # Model
//! Each thread owns a block of slots. To pin, a thread writes the handle into its own slot, then checks
//! that the handle is still live. To free, a thread first marks the handle retired, then waits until no
//! slot names it. Either the pinning thread sees the mark, or the freeing thread sees the pin.
//!
//! # Invariants
//! I1 between the slot's write and the check stands a fence that orders them: [`light_fence`]; between
//!    the mark and the scan stands its partner [`heavy_fence`].
//!
//! # Limits
//! [`DEPTH_MAX`] pins per thread at a time. Blocks are as many as threads were inside the library at
//! once; a thread that ends gives its block back.
//!
//! # Source
//! Michael, Hazard Pointers (IEEE TPDS 2004); asymmetric fences by membarrier(2).
#![expect(unsafe_code, reason = "membarrier has no safe wrapper")]

use super::failure::Failure;
use super::thread::{self, Thread};
use crate::types::Status;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, compiler_fence, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Pins per thread: one for the call, the rest for a signal handler that breaks the rules.
pub(super) const DEPTH_MAX: usize = 4;

/// The slots of one thread, alone on their cache lines.
#[repr(align(128))]
pub(super) struct PinBlock {
    slots: [AtomicU64; DEPTH_MAX],
    taken: AtomicBool,
}

static REGISTRY: Mutex<Vec<&'static PinBlock>> = Mutex::new(Vec::new());

/// False: both sides pay for a full fence. True: the freeing side pays for both.
static ASYMMETRIC: AtomicBool = AtomicBool::new(false);

pub(super) type RegistryGuard = MutexGuard<'static, Vec<&'static PinBlock>>;

pub(super) fn lock_registry() -> RegistryGuard {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks the kernel for asymmetric fences. Runs before the first handle exists, so no pin races with it.
pub(super) fn choose_fence() {
    const REGISTER: libc::c_int = libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
    // Relaxed: handles reach other threads by the host's own synchronisation, and this with them.
    ASYMMETRIC.store(membarrier(REGISTER), Ordering::Relaxed);
}

fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: takes three integers and touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

/// Orders the slot's write before the check; pairs with [`heavy_fence`].
#[inline(always)]
fn light_fence() {
    if ASYMMETRIC.load(Ordering::Relaxed) {
        compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
}

/// Orders the retiring mark before the scan, on every thread; pairs with [`light_fence`].
pub(super) fn heavy_fence() {
    fence(Ordering::SeqCst);
    if ASYMMETRIC.load(Ordering::Relaxed) && !membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED) {
        // Cannot happen after a successful registration; going on would free under a reader.
        panic!("membarrier refused after it was granted");
    }
}

/// In the place of a depth: the thread is ending and has no block of its own any more.
const TRANSIENT: usize = usize::MAX;

/// One published pin; unpublished on drop. Words only: a flag would leave padding, whose copies cost more
/// than everything else here.
pub(super) struct Pin<'a> {
    thread: &'a Thread,
    block: &'static PinBlock,
    /// Pins of this thread below this one, or [`TRANSIENT`].
    depth: usize,
}

impl<'a> Pin<'a> {
    /// Publishes `handle` for this thread. The caller then checks that it is still live.
    #[inline(always)]
    pub(super) fn publish(thread: &'a Thread, handle: u64) -> Result<Self, Failure> {
        let (block, depth) = match thread.pins.get() {
            Some(block) => (block, thread.depth.get()),
            None => first_block(&thread.pins),
        };
        let pin = Self { thread, block, depth };
        match block.slots.get(pin.slot()) {
            Some(slot) => slot.store(handle, Ordering::Relaxed),
            None => {
                std::mem::forget(pin);
                return Err(too_deep());
            }
        }
        if depth != TRANSIENT {
            thread.depth.set(depth + 1);
        }
        light_fence();
        Ok(pin)
    }

    #[inline(always)]
    const fn slot(&self) -> usize {
        if self.depth == TRANSIENT { 0 } else { self.depth }
    }
}

#[cold]
fn too_deep() -> Failure {
    Failure::new(Status::Internal, "calls are nested too deep on this thread")
}

impl Drop for Pin<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(slot) = self.block.slots.get(self.slot()) {
            // Release pairs with the scan's Acquire: what this thread read of the object happened
            // before the object is dropped.
            slot.store(0, Ordering::Release);
        }
        if self.depth == TRANSIENT {
            give_back(self.block);
        } else {
            self.thread.depth.set(self.depth);
        }
    }
}

/// True while any thread pins `handle`. Call after [`heavy_fence`]; new pins of a retired handle are
/// withdrawn by their own check, so once this is false it matters no more whether it turns true.
pub(super) fn is_pinned(handle: u64) -> bool {
    // Acquire pairs with the Release of Pin::drop.
    let names = |slot: &AtomicU64| slot.load(Ordering::Acquire) == handle;
    lock_registry().iter().any(|block| block.slots.iter().any(names))
}

/// True when this thread itself pins `handle`: waiting for that pin would never end.
pub(super) fn is_pinned_here(handle: u64) -> bool {
    thread::with(|thread| {
        let pinned =
            |block: &'static PinBlock| block.slots.iter().any(|slot| slot.load(Ordering::Relaxed) == handle);
        thread.pins.get().is_some_and(pinned)
    })
}

/// Gives the thread's block back when the thread ends.
struct Lender;

impl Drop for Lender {
    fn drop(&mut self) {
        if let Some(block) = thread::with(|thread| thread.pins.take()) {
            give_back(block);
        }
    }
}

thread_local! {
    static LENDER: Cell<Option<Lender>> = const { Cell::new(None) };
}

/// A block for this thread and the depth to begin with; [`TRANSIENT`] when it is for one pin only.
#[cold]
fn first_block(pins: &Cell<Option<&'static PinBlock>>) -> (&'static PinBlock, usize) {
    let block = take_block();
    match LENDER.try_with(|lender| lender.set(Some(Lender))) {
        Ok(()) => {
            pins.set(Some(block));
            (block, 0)
        }
        Err(_) => (block, TRANSIENT),
    }
}

fn take_block() -> &'static PinBlock {
    let mut registry = lock_registry();
    // Acquire pairs with the Release of give_back: its slots are empty.
    if let Some(free) = registry.iter().find(|block| !block.taken.swap(true, Ordering::Acquire)) {
        return free;
    }
    let block = Box::leak(Box::new(PinBlock {
        slots: [const { AtomicU64::new(0) }; DEPTH_MAX],
        taken: AtomicBool::new(true),
    }));
    registry.push(block);
    block
}

#[cold]
fn give_back(block: &'static PinBlock) {
    for slot in &block.slots {
        slot.store(0, Ordering::Relaxed);
    }
    // Release pairs with the Acquire of take_block.
    block.taken.store(false, Ordering::Release);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_seen_until_it_is_dropped() {
        let handle = 0x7f00_0000_0000_0100;
        thread::with(|thread| {
            let pin = Pin::publish(thread, handle).expect("depth");
            assert!(is_pinned(handle) && is_pinned_here(handle));
            let elsewhere = std::thread::spawn(move || (is_pinned(handle), is_pinned_here(handle)));
            assert_eq!(elsewhere.join().expect("join"), (true, false));
            drop(pin);
            assert!(!is_pinned(handle));
        });
    }

    #[test]
    fn nesting_is_bounded_and_recovers() {
        thread::with(|thread| {
            let pin = |handle| Pin::publish(thread, handle);
            let pins: Vec<_> = (0..DEPTH_MAX).map(|n| pin(1 << 20 | n as u64).expect("fits")).collect();
            assert_eq!(pin(5).map(drop).unwrap_err().status, Status::Internal);
            // Innermost first, as calls return.
            pins.into_iter().rev().for_each(drop);
            assert!(pin(6).is_ok());
        });
    }

    #[test]
    fn a_thread_that_ends_gives_its_block_back() {
        let block = || {
            std::thread::spawn(|| {
                thread::with(|thread| {
                    drop(Pin::publish(thread, 9));
                    thread.pins.get().map(|block| std::ptr::from_ref(block).addr())
                })
            })
            .join()
            .expect("join")
        };
        // Other tests take blocks too, so only "some block comes back" is certain.
        let seen: std::collections::HashSet<_> = (0..64).map(|_| block()).collect();
        assert!(seen.len() < 64);
    }
}
