//! The C interface of pool and queue with handles that are right, stale, of another kind or made up, in any
//! order of calls. Pointers to results are good: those the header makes the caller answer for.
#![allow(unsafe_code, reason = "calls C functions")]

use super::Script;
use duochain::ffi::dequeue::{duo_item, duo_queue_dequeue};
use duochain::ffi::pool::{
    duo_buf, duo_pool, duo_pool_acquire, duo_pool_create, duo_pool_destroy, duo_pool_release, duo_pool_trim,
};
use duochain::ffi::pool_options::{duo_pool_class, duo_pool_options};
use duochain::ffi::queue::{
    duo_claim, duo_queue, duo_queue_abort, duo_queue_claim, duo_queue_close, duo_queue_commit,
    duo_queue_create, duo_queue_destroy, duo_queue_enqueue, duo_queue_options,
};
use std::ffi::c_void;
use std::mem::zeroed;
use std::ptr::{null, null_mut};

const BYTES_MAX: usize = 64;

#[derive(Default)]
struct Objects {
    /// Pools and queues, alive or not, and what became of their numbers.
    known: Vec<*mut c_void>,
    bufs: Vec<u64>,
    claims: Vec<u64>,
}

impl Objects {
    /// An object that was once made, of either kind, or something made up.
    fn any(&self, script: &mut Script<'_>) -> *mut c_void {
        match script.roll(self.known.len() + 2) {
            0 => null_mut(),
            1 => script.word() as *mut c_void,
            n => self.known[n - 2],
        }
    }
}

fn any_of(numbers: &[u64], script: &mut Script<'_>) -> u64 {
    match script.roll(numbers.len() + 1) {
        0 => script.word(),
        n => numbers[n - 1],
    }
}

/// Plays what `data` says. Nothing crashes; that is all.
pub(crate) fn play(data: &[u8]) {
    let mut script = Script::new(data);
    let mut objects = Objects::default();
    objects.known.push(pool_of(1 + script.roll(8)).cast());
    objects.known.push(queue_of(1 << script.roll(4)).cast());
    while script.goes_on() {
        // SAFETY: pointers to objects are checked by the library whatever they are; all others are good.
        unsafe { step(&mut script, &mut objects) };
    }
    // Twice: buffers that are out keep a pool from being destroyed, and a number is good once.
    for _ in 0..2 {
        for object in &objects.known {
            // SAFETY: as above.
            unsafe {
                let _ = duo_queue_destroy(object.cast());
                for handle in &objects.bufs {
                    let mut buf: duo_buf = zeroed();
                    buf.handle = *handle;
                    let _ = duo_pool_release(object.cast(), &raw const buf);
                }
                let _ = duo_pool_destroy(object.cast());
            }
        }
    }
}

fn pool_of(count_max: usize) -> *mut duo_pool {
    let class = duo_pool_class { buffer_bytes: BYTES_MAX, count_max };
    let mut pool = null_mut();
    // SAFETY: zeroes are options that leave everything to the library; the rest is good.
    unsafe {
        let mut options: duo_pool_options = zeroed();
        options.struct_size = size_of::<duo_pool_options>() as u32;
        (options.classes, options.class_count) = (&raw const class, 1);
        let _ = duo_pool_create(&raw const options, &raw mut pool);
    }
    pool
}

fn queue_of(cells: usize) -> *mut duo_queue {
    let mut queue = null_mut();
    // SAFETY: as above.
    unsafe {
        let mut options: duo_queue_options = zeroed();
        options.struct_size = size_of::<duo_queue_options>() as u32;
        (options.lane_cells, options.lane_count) = (&raw const cells, 1);
        options.transaction_bytes_max = BYTES_MAX;
        let _ = duo_queue_create(&raw const options, &raw mut queue);
    }
    queue
}

/// One call.
///
/// # Safety
/// None beyond what `play` says.
unsafe fn step(script: &mut Script<'_>, objects: &mut Objects) {
    let object = objects.any(script);
    let bytes = [7_u8; BYTES_MAX + 8];
    let lane = script.roll(3) as u32;
    // Never more than there are bytes: the length is the caller's word.
    let len = script.roll(bytes.len() + 1);
    // SAFETY: results go to variables of this function; zeroes are values of these plain types.
    unsafe {
        let (mut buf, mut claim, mut item): (duo_buf, duo_claim, duo_item) = (zeroed(), zeroed(), zeroed());
        let mut room = [0_u8; BYTES_MAX];
        match script.roll(14) {
            0 if objects.known.len() < 6 => objects.known.push(pool_of(script.roll(9)).cast()),
            1 if objects.known.len() < 6 => objects.known.push(queue_of(script.roll(9)).cast()),
            2 | 3 => {
                let _ = duo_pool_acquire(object.cast(), script.roll(2 * BYTES_MAX), &raw mut buf);
                if !buf.data.is_null() {
                    buf.data.cast::<u8>().write_bytes(0xA5, buf.len);
                    objects.bufs.push(buf.handle);
                }
            }
            4 | 5 => {
                buf.handle = any_of(&objects.bufs, script);
                let _ = duo_pool_release(object.cast(), &raw const buf);
            }
            6 => _ = duo_pool_trim(object.cast(), script.roll(3), null_mut()),
            7 => _ = duo_queue_enqueue(object.cast(), lane, bytes.as_ptr().cast(), len, script.word()),
            8 => _ = duo_queue_enqueue(object.cast(), lane, null(), len, 0),
            9 => {
                let _ = duo_queue_claim(object.cast(), lane, len, &raw mut claim);
                if !claim.data.is_null() {
                    claim.data.cast::<u8>().write_bytes(0x5A, claim.len);
                    objects.claims.push(claim.handle);
                }
            }
            10 => {
                claim.handle = any_of(&objects.claims, script);
                (claim.len, claim.lane) = (len, lane);
                if script.roll(2) == 0 {
                    let _ = duo_queue_commit(object.cast(), &raw const claim, 1);
                } else {
                    let _ = duo_queue_abort(object.cast(), &raw const claim);
                }
            }
            11 => {
                let cap = script.roll(room.len() + 1);
                let _ = duo_queue_dequeue(object.cast(), room.as_mut_ptr().cast(), cap, &raw mut item);
            }
            12 => _ = duo_queue_close(object.cast()),
            _ if script.roll(4) == 0 => {
                let _ = duo_queue_destroy(object.cast());
                let _ = duo_pool_destroy(object.cast());
            }
            _ => {}
        }
    }
}
