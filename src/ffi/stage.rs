//! `duo_stage`: one producer's transactions, collected and published together.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(non_camel_case_types, reason = "named as C sees them")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, out};
use super::boundary::{Outcome, destroy, on};
use super::failure::Failure;
use super::handle::{self, Kind, Object};
use super::queue::{QueueObject, duo_queue};
use super::record::{self, Record};
use super::status::duo_status;
use crate::pool::Meta;
use crate::queue::{Error, Stage, StageSettings};
use crate::types::Status;
use parking_lot::Mutex;
use std::ffi::c_void;
use std::time::Duration;

/// Collects the transactions of one producer for one lane of a queue.
pub struct duo_stage {
    _private: [u8; 0],
}

pub(super) struct StageObject {
    /// For one thread at a time: nobody waits for it.
    stage: Mutex<Stage>,
}

impl Object for StageObject {
    const KIND: Kind = Kind::Stage;
    type Opaque = duo_stage;
}

/// When a stage publishes by itself. All zero means lane 0, the queue's `run_max`, and never by age.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct duo_stage_options {
    /// `sizeof(duo_stage_options)`.
    pub struct_size: u32,
    /// 0.
    pub flags: u32,
    /// Lane that it publishes to.
    pub lane: u32,
    /// Publish once so many are staged, up to the queue's `run_max`; 0: `run_max`.
    pub count: u32,
    /// Publish once the oldest was staged so many nanoseconds ago, looked at during calls; 0: never.
    pub age_ns: u64,
}

// SAFETY: integers only, struct_size and flags first.
unsafe impl Record for duo_stage_options {
    const NAME: &'static str = "duo_stage_options";
}

impl StageObject {
    fn with(&self, work: impl FnOnce(&mut Stage) -> Outcome) -> Outcome {
        let Some(mut stage) = self.stage.try_lock() else {
            return Err(Failure::new(Status::Busy, "another thread is using this stage"));
        };
        work(&mut stage)
    }

    fn flush(&self, n: *mut usize, flush: impl FnOnce(&mut Stage) -> Result<usize, Error>) -> Outcome {
        let n = out(n, "n")?;
        self.with(|stage| {
            n.put(flush(stage)?);
            Ok(Status::Ok)
        })
    }
}

/// Opens a stage. `options` may be NULL. It keeps what it needs of the queue, which may be destroyed first.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_queue_stage_open(
    queue: *const duo_queue,
    options: *const duo_stage_options,
    stage: *mut *mut duo_stage,
) -> duo_status {
    on(queue, |object: &QueueObject| {
        let target = out(stage, "stage")?;
        // SAFETY: the header's contract.
        let options = unsafe { record::read(options) }?;
        let count = if options.count == 0 { object.queue.run_max() } else { options.count as usize };
        let settings = StageSettings { count, age: Duration::from_nanos(options.age_ns) };
        let stage = object.queue.stage(argument::lane(options.lane)?, settings)?;
        target.put(handle::insert(StageObject { stage: Mutex::new(stage) })?);
        Ok(Status::Ok)
    })
}

/// Copies a transaction into the stage, and publishes all that is staged if it is time to. No consumer
/// sees a staged transaction, and a queue that closes does not take it. `DUO_AGAIN` when the stage is
/// full and the lane too; the transaction is not staged then. `DUO_ERR_BUSY` when another thread is
/// using the stage. Otherwise as `duo_queue_enqueue`.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_stage_enqueue(
    stage: *const duo_stage,
    tx: *const c_void,
    len: usize,
    tag: u64,
) -> duo_status {
    on(stage, |object: &StageObject| {
        // SAFETY: the header's contract.
        let bytes = unsafe { argument::transaction(tx, len) }?;
        object.with(|stage| {
            stage.enqueue(bytes, Meta { tag, stamp: 0 })?;
            Ok(Status::Ok)
        })
    })
}

/// Publishes what is staged; `n` says how many. `DUO_AGAIN` when the lane is full and `DUO_ERR_CLOSED`
/// leave everything staged.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_stage_flush(stage: *const duo_stage, n: *mut usize) -> duo_status {
    on(stage, |object: &StageObject| object.flush(n, Stage::flush))
}

/// Publishes what is staged if the oldest is of age; `n` says how many. For a producer that pauses.
/// Otherwise as `duo_stage_flush`.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_stage_flush_aged(stage: *const duo_stage, n: *mut usize) -> duo_status {
    on(stage, |object: &StageObject| object.flush(n, Stage::flush_aged))
}

/// How many transactions are staged.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_stage_len(stage: *const duo_stage, n: *mut usize) -> duo_status {
    on(stage, |object: &StageObject| object.flush(n, |stage| Ok(stage.len())))
}

/// Publishes what is staged, as far as the lane takes it, and frees the stage with the rest: flush first
/// to know. NULL is accepted.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_stage_destroy(stage: *mut duo_stage) -> duo_status {
    destroy::<StageObject>(stage)
}
