//! Handles: words that name an object, checked on every use.
//!
//! # Model
//! ```text
//!  63      56 55            24 23        8 7      0
//! |  kind   |  generation     |  index   |  zero  |      what the host holds
//! |  kind   |  generation     |  index   |  flags |      what the entry holds
//! ```
//! ```text
//!  free ──insert──► live ──destroy──► retired ──last pin gone──► free (next generation)
//!                    │ panic: POISONED      fork: FORKED, for ever
//!
//!  of an object that may refuse its end:
//!  live ──destroy──► ENDING ──last pin gone──► retired, or live again
//! ```
//! A live, healthy handle equals its entry's word, so the whole check is one comparison. Everything
//! else (freed, foreign, poisoned, forked) differs in at least one bit and is told apart off the fast path.
//!
//! # Invariants
//! I1 an entry's object is dropped once, by the thread that marked it, after no thread pins it.
//! I2 a generation of an entry is used once; an entry whose generations are used up stays free for ever.
//! I3 whether an object refuses its end is asked while nobody is inside and nobody gets in; calls that come
//!    then wait for the answer.
//!
//! # Limits
//! [`HANDLES_MAX`] live handles per process.
#![expect(unsafe_code, reason = "objects are reached through checked words instead of references")]

use super::boundary::prepare;
use super::failure::Failure;
pub(super) use super::kind::Kind;
use super::pin::{self, Pin};
use super::thread::{self, Thread};
use crate::types::Status;
use std::collections::VecDeque;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Live handles per process.
pub(super) const HANDLES_MAX: usize = 4096;

const _: () = assert!(size_of::<usize>() == 8, "a handle is 64 bits wide and travels as a pointer");
const _: () = assert!(HANDLES_MAX <= 1 << 16);

const POISONED: u64 = 1;
const RETIRED: u64 = 2;
const FORKED: u64 = 4;
const FREE: u64 = 8;
const ENDING: u64 = 16;
const FLAGS: u64 = 0xff;

/// Something a handle can name.
pub(super) trait Object: Send + Sync + 'static {
    const KIND: Kind;
    /// The incomplete type that C sees.
    type Opaque;

    /// True when [`Object::may_destroy`] can refuse. No call on such an object waits inside of it.
    const MAY_REFUSE: bool = false;

    /// Makes every call that waits inside this object return, and every later one refuse. Repeated
    /// until the last caller is out.
    fn close(&self) {}

    /// Refuses to be destroyed in its present state, which nobody changes meanwhile (I3).
    fn may_destroy(&self) -> Result<(), Failure> {
        Ok(())
    }
}

struct Entry {
    word: AtomicU64,
    object: AtomicPtr<()>,
}

static ENTRIES: [Entry; HANDLES_MAX] =
    [const { Entry { word: AtomicU64::new(FREE), object: AtomicPtr::new(std::ptr::null_mut()) } };
        HANDLES_MAX];

/// Entries that may be used: returned ones in order of return, then those never used.
pub(super) struct Free {
    returned: VecDeque<u16>,
    untouched: usize,
}

static FREE_ENTRIES: Mutex<Free> = Mutex::new(Free { returned: VecDeque::new(), untouched: 0 });

pub(super) type FreeGuard = MutexGuard<'static, Free>;

pub(super) fn lock_free() -> FreeGuard {
    FREE_ENTRIES.lock().unwrap_or_else(PoisonError::into_inner)
}

const fn index(word: u64) -> usize {
    (word >> 8) as u16 as usize
}

const fn generation(word: u64) -> u32 {
    (word >> 24) as u32
}

const fn compose(kind: Kind, generation: u32, index: usize) -> u64 {
    (kind as u64) << 56 | (generation as u64) << 24 | (index as u64) << 8
}

/// Stores an object and gives the handle that names it.
pub(super) fn insert<T: Object>(object: T) -> Result<*mut T::Opaque, Failure> {
    prepare();
    let mut free = lock_free();
    let index = match free.returned.pop_front() {
        Some(index) => index as usize,
        None if free.untouched < HANDLES_MAX => {
            free.untouched += 1;
            free.untouched - 1
        }
        None => {
            drop(free);
            let message = format!("{HANDLES_MAX} handles are live, which is DUO_HANDLES_MAX");
            return Err(Failure::new(Status::NoMemory, message));
        }
    };
    let entry = &ENTRIES[index];
    // Relaxed: the entry is ours while it is free, and came to us under the lock.
    let handle = compose(T::KIND, generation(entry.word.load(Ordering::Relaxed)) + 1, index);
    entry.object.store(Box::into_raw(Box::new(object)).cast(), Ordering::Relaxed);
    // Release pairs with the Acquire in `pin`: whoever sees the word sees the object.
    entry.word.store(handle, Ordering::Release);
    Ok(std::ptr::without_provenance_mut(handle as usize))
}

/// An object that stays alive as long as this does.
pub(super) struct Pinned<'a, T: Object> {
    object: *const T,
    entry: &'static Entry,
    _pin: Pin<'a>,
}

impl<T: Object> Deref for Pinned<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the word was live after the pin was published, so the object is not dropped before
        // the pin is gone (I1); its type is the handle's kind, which `pin` compared.
        unsafe { &*self.object }
    }
}

/// Pins the object that `handle` names.
#[inline(always)]
pub(super) fn pin<T: Object>(thread: &Thread, handle: u64) -> Result<Pinned<'_, T>, Failure> {
    let Some(entry) = ENTRIES.get(index(handle)) else {
        return Err(refusal(handle, T::KIND));
    };
    loop {
        let pin = Pin::publish(thread, handle)?;
        // Acquire pairs with the Release in `insert`.
        if entry.word.load(Ordering::Acquire) == handle && handle >> 56 == T::KIND as u64 {
            let object = entry.object.load(Ordering::Relaxed).cast::<T>().cast_const();
            return Ok(Pinned { object, entry, _pin: pin });
        }
        drop(pin);
        if handle >> 56 != T::KIND as u64 || settled(entry, handle) != handle {
            return Err(refusal(handle, T::KIND));
        }
    }
}

/// The entry's word once it is settled whether the object of `handle` ends.
#[cold]
fn settled(entry: &Entry, handle: u64) -> u64 {
    loop {
        // Acquire pairs with the Release in `destroy`.
        let word = entry.word.load(Ordering::Acquire);
        if word & !FLAGS != handle || word & FLAGS & !POISONED != ENDING {
            return word;
        }
        std::thread::yield_now();
    }
}

/// Runs `body` on the object that `handle` names, pinned.
pub(super) fn with<T: Object, R>(handle: u64, body: impl FnOnce(&T) -> R) -> Result<R, Failure> {
    thread::with(|thread| Ok(body(&*pin::<T>(thread, handle)?)))
}

/// Why a handle cannot be used.
#[cold]
fn refusal(handle: u64, wanted: Kind) -> Failure {
    let name = wanted.type_name();
    if handle == 0 {
        return Failure::argument(format!("the {name} handle is NULL"));
    }
    let bad = |message: String| Failure::new(Status::BadHandle, message);
    match Kind::from_number(handle >> 56) {
        None => return bad(format!("{handle:#x} is not a handle of this library")),
        Some(kind) if kind != wanted => {
            return bad(format!("a {} handle was given where a {name} is needed", kind.type_name()));
        }
        Some(_) => {}
    }
    let word = ENTRIES.get(index(handle)).map_or(FREE, |entry| entry.word.load(Ordering::Acquire));
    if word & !FLAGS != handle || word & (FREE | RETIRED) != 0 {
        bad(format!("the {name} handle was freed, or never given out"))
    } else if word & FORKED != 0 {
        Failure::new(Status::Forked, format!("the {name} belongs to the parent of this process"))
    } else if word & POISONED != 0 {
        Failure::new(Status::Poisoned, format!("the {name} is poisoned by an earlier panic; destroy it"))
    } else {
        // It turned live again between the check and here: impossible, as handles are not reused (I2).
        bad(format!("the {name} handle is not valid"))
    }
}

/// Poisons the pinned handle unless disarmed.
pub(super) struct PoisonOnPanic<'a>(&'a Entry);

impl<'a> PoisonOnPanic<'a> {
    pub(super) fn new<T: Object>(pinned: &'a Pinned<'_, T>) -> Self {
        Self(pinned.entry)
    }

    pub(super) fn disarm(self) {
        std::mem::forget(self);
    }
}

impl Drop for PoisonOnPanic<'_> {
    fn drop(&mut self) {
        // The pin keeps the entry on this generation, so the flag meets the right handle.
        self.0.word.fetch_or(POISONED, Ordering::AcqRel);
    }
}

/// Retires the handle, lets everybody out, drops the object. One that refuses its end stays; a poisoned
/// one that would refuse is leaked on purpose, with its entry, because nothing it waits for can happen.
pub(super) fn destroy<T: Object>(handle: u64) -> Result<(), Failure> {
    if pin::is_pinned_here(handle) {
        return Err(Failure::new(Status::Reentrant, "destroyed from inside a call on itself"));
    }
    let entry = retire::<T>(handle)?;
    let object = entry.object.load(Ordering::Relaxed).cast::<T>();
    // SAFETY: this thread marked the entry, so only this thread drops the object (I1).
    let closing = unsafe { &*object };
    let_everybody_out(closing, handle);
    // Relaxed: nobody else changes the word while nobody is inside.
    let poisoned = entry.word.load(Ordering::Relaxed) & POISONED;
    match closing.may_destroy() {
        Err(refused) if poisoned == 0 => {
            // Release pairs with the Acquire in `pin` and `settled`.
            entry.word.store(handle, Ordering::Release);
            return Err(refused);
        }
        Err(_) => {
            entry.word.store(handle | poisoned | RETIRED, Ordering::Relaxed);
            return Ok(());
        }
        Ok(()) => entry.word.store(handle | poisoned | RETIRED, Ordering::Relaxed),
    }
    // SAFETY: I1; the pointer came from Box::into_raw in `insert`.
    drop(unsafe { Box::from_raw(object) });
    entry.object.store(std::ptr::null_mut(), Ordering::Relaxed);
    // Relaxed: the next user takes the entry under the lock below.
    entry.word.store(handle | FREE, Ordering::Relaxed);
    if generation(handle) < u32::MAX {
        lock_free().returned.push_back(index(handle) as u16);
    }
    Ok(())
}

/// Returns when no call is inside the object of a marked handle; none gets in any more.
fn let_everybody_out(object: &impl Object, handle: u64) {
    pin::heavy_fence();
    let mut rounds = 0_u32;
    loop {
        object.close();
        if !pin::is_pinned(handle) {
            return;
        }
        rounds += 1;
        if rounds < 64 {
            std::thread::yield_now();
        } else {
            // Callers are on their way out; there is nobody to notify us without a cost per call.
            std::thread::sleep(Duration::from_micros(100));
        }
    }
}

/// Marks a live handle RETIRED, or ENDING when its object may refuse; one caller at a time succeeds.
fn retire<T: Object>(handle: u64) -> Result<&'static Entry, Failure> {
    let refuse = || refusal(handle, T::KIND);
    let entry = ENTRIES.get(index(handle)).ok_or_else(refuse)?;
    if handle == 0 || handle & FLAGS != 0 || handle >> 56 != T::KIND as u64 {
        return Err(refuse());
    }
    let mark = if T::MAY_REFUSE { ENDING } else { RETIRED };
    loop {
        for word in [handle, handle | POISONED] {
            // AcqRel: the object's making happened before its end; pairs with `insert` and `PoisonOnPanic`.
            let exchange =
                entry.word.compare_exchange(word, word | mark, Ordering::AcqRel, Ordering::Relaxed);
            if exchange.is_ok() {
                return Ok(entry);
            }
        }
        if settled(entry, handle) & !POISONED != handle {
            let mut failure = refuse();
            if failure.status == Status::Forked {
                failure.message = format!("{}; it is leaked on purpose", failure.message).into();
            }
            return Err(failure);
        }
    }
}

/// Runs `body` on every live object of one kind, and `end` on those that are poisoned, which nobody else gets to use.
pub(super) fn for_each<T: Object>(mut body: impl FnMut(&T), mut end: impl FnMut(&T)) {
    let untouched = lock_free().untouched;
    for entry in &ENTRIES[..untouched] {
        let word = entry.word.load(Ordering::Relaxed);
        if word >> 56 != T::KIND as u64 {
            continue;
        }
        // One that was freed meanwhile is passed over.
        if word & FLAGS == 0 {
            let _ = with(word, &mut body);
        } else if word & FLAGS == POISONED {
            thread::with(|thread| with_poisoned(thread, word & !FLAGS, &mut end));
        }
    }
}

/// A panic in it is not the first one, and there may be others to run it on.
fn with_poisoned<T: Object>(thread: &Thread, handle: u64, body: impl FnOnce(&T)) {
    let entry = &ENTRIES[index(handle)];
    let Ok(pin) = Pin::publish(thread, handle) else { return };
    // Acquire pairs with the Release in `insert`. Whoever frees it marks the word first, as in `pin`.
    if entry.word.load(Ordering::Acquire) == handle | POISONED {
        let object = entry.object.load(Ordering::Relaxed).cast::<T>().cast_const();
        let pinned = Pinned { object, entry, _pin: pin };
        drop(catch_unwind(AssertUnwindSafe(|| body(&pinned))));
    }
}

/// In the child of a fork: no handle of the parent is ever used or freed again. Runs with the table's
/// lock held and no other thread alive.
pub(super) fn mark_forked() {
    for entry in &ENTRIES {
        if entry.word.load(Ordering::Relaxed) & FREE == 0 {
            entry.word.fetch_or(FORKED, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
#[path = "handle_test.rs"]
mod tests;
