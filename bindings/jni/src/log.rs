//! Natives of `LogBridge`.

use crate::guard::{count, filled, maybe, native, success};
use crate::wire::Wire;
use duochain::ffi::log::{DUO_LOG_RECORDS_MAX, duo_log_poll, duo_log_record, duo_set_log_buffer};
use jni_sys::{jbyteArray, jint};
use std::ptr;

native! {
    /// `void logBuffer(int level, int records)`
    fn Java_io_duochain_Natives_logBuffer(_env, level: jint, records: jint) -> (), (); {
        success(duo_set_log_buffer(level, count(records, DUO_LOG_RECORDS_MAX)))
    }

    /// `byte[] logPoll(int max)`
    fn Java_io_duochain_Natives_logPoll(env, max: jint) -> jbyteArray, ptr::null_mut(); {
        let max = count(max, DUO_LOG_RECORDS_MAX);
        // SAFETY: room for `max` records.
        let (status, records) = filled(max, |first: *mut duo_log_record, n| unsafe { duo_log_poll(first, max, n) });
        let mut wire = Wire::default();
        for record in &records {
            wire.i32(record.level).u32(record.lost).fixed(&record.target).fixed(&record.message);
        }
        maybe(env, status, wire.as_bytes())
    }
}
