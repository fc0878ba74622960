//! The state as bytes, for snapshots and to compare nodes.
//!
//! # Model
//! ```text
//! version u8 = 1
//! time to live u64 ns   sessions_max u32   ids_max u32      the cluster's limits
//! upto u64              time u64                            the last entry, its log time
//! sessions u32          each: number u64, from u64, used u64, runs u32, each: first u64, last u64
//! ids u32               each: time u64, id [32]
//! ```
//! Little-endian; sessions ascending by number, ids from the oldest on. No other bytes are accepted for a state.

use super::ids::Id;
use super::sessions::{Run, Session};
use super::{Dedup, DedupLimits, RUNS_MAX};
use crate::codec::{Malformed, Reader, Writer};
use crate::crypto::hash;
use crate::types::{Index, UnixNanos};

const VERSION: u8 = 1;
const SESSION_BYTES_MIN: usize = 8 + 8 + 8 + 4;
const RUN_BYTES: usize = 16;
const ID_BYTES: usize = 8 + size_of::<Id>();

impl Dedup {
    /// Appends the state's bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let runs: usize = self.sessions.iter().map(|(_, session)| session.runs.len()).sum();
        out.reserve(
            64 + self.sessions.len() * SESSION_BYTES_MIN + runs * RUN_BYTES + self.ids.len() * ID_BYTES,
        );
        let mut writer = Writer::new(out);
        writer
            .u8(VERSION)
            .u64(to_live(&self.limits))
            .u32(self.limits.sessions_max)
            .u32(self.limits.ids_max)
            .u64(self.upto.get())
            .u64(self.time.get())
            .u32(self.sessions.len() as u32);
        for (number, session) in self.sessions.iter() {
            writer.u64(number).u64(session.from).u64(session.used.get()).u32(session.runs.len() as u32);
            for run in &session.runs {
                writer.u64(run.first).u64(run.last);
            }
        }
        writer.u32(self.ids.len() as u32);
        for (time, id) in self.ids.iter() {
            writer.u64(time.get()).bytes(id);
        }
    }

    /// Reads what [`Self::encode`] wrote under the same limits.
    ///
    /// # Errors
    /// Anything else, other limits included, with the field and its offset. Nothing is allocated for more than
    /// the bytes that are there.
    pub fn decode(bytes: &[u8], limits: DedupLimits) -> Result<Self, Malformed> {
        let reader = &mut Reader::new(bytes);
        let mut state = Self::new(limits);
        limits_are(reader, &limits)?;
        state.upto = Index::new(reader.u64("upto")?);
        state.time = UnixNanos::new(reader.u64("time")?);
        let mut before = 0;
        for _ in 0..count(reader, "sessions", limits.sessions_max as usize, SESSION_BYTES_MIN)? {
            before = state.decode_session(reader, before)?;
        }
        for _ in 0..count(reader, "ids", limits.ids_max as usize, ID_BYTES)? {
            state.decode_id(reader)?;
        }
        reader.clone().finish("dedup")?;
        Ok(state)
    }

    /// Whether [`Self::encode`] wrote these bytes under the same limits; without a look at the rest.
    ///
    /// # Errors
    /// The limit that is another one.
    pub fn check_limits(bytes: &[u8], limits: &DedupLimits) -> Result<(), Malformed> {
        limits_are(&mut Reader::new(bytes), limits)
    }

    /// A time that is not behind the state's, and not so old that the state would have forgotten.
    fn decode_time(&self, reader: &mut Reader<'_>, field: &'static str) -> Result<UnixNanos, Malformed> {
        let at = reader.clone();
        let time = UnixNanos::new(reader.u64(field)?);
        if time > self.time || time.after(self.limits.time_to_live) < self.time {
            return Err(at.fault(field, format!("{} at {}", time.get(), self.time.get())));
        }
        Ok(time)
    }

    /// Reads one session, whose number is above `before`, and returns its number.
    fn decode_session(&mut self, reader: &mut Reader<'_>, before: u64) -> Result<u64, Malformed> {
        let at = reader.clone();
        let number = reader.u64("session")?;
        if number <= before {
            return Err(at.fault("session", format!("{number} after {before}")));
        }
        let from = reader.u64("from")?;
        let used = self.decode_time(reader, "used")?;
        let at = reader.clone();
        let runs_len = count(reader, "runs", RUNS_MAX, RUN_BYTES)?;
        let mut runs: Vec<Run> = Vec::with_capacity(runs_len);
        for _ in 0..runs_len {
            let run = Run { first: reader.u64("first")?, last: reader.u64("last")? };
            let is_apart = runs.last().is_none_or(|before| before.last.saturating_add(1) < run.first);
            if run.first > run.last || run.first < from || !is_apart {
                return Err(at.fault("runs", format!("{run:?} where it cannot be")));
            }
            runs.push(run);
        }
        // A session comes into being with its first number.
        if runs.is_empty() {
            return Err(at.fault("runs", "none".to_owned()));
        }
        self.sessions.restore(number, Session { from, used, runs });
        Ok(number)
    }

    fn decode_id(&mut self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        let at = reader.clone();
        let time = self.decode_time(reader, "id time")?;
        let id: Id = reader.array("id")?;
        let is_behind = self.ids.iter().next_back().is_none_or(|(before, _)| *before <= time);
        if !is_behind || id == Id::default() || !self.ids.insert(&id, time, self.limits.ids_max) {
            return Err(at.fault("id", "out of order, empty, or there twice".to_owned()));
        }
        Ok(())
    }

    /// Hash of the state's bytes: nodes that have admitted the same entries have the same.
    pub fn digest(&self) -> [u8; 32] {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        hash::deduplication(&bytes)
    }
}

fn to_live(limits: &DedupLimits) -> u64 {
    u64::try_from(limits.time_to_live.as_nanos()).unwrap_or(u64::MAX)
}

fn limits_are(reader: &mut Reader<'_>, limits: &DedupLimits) -> Result<(), Malformed> {
    equal(reader, "dedup version", |reader, field| reader.u8(field), VERSION)?;
    equal(reader, "time to live", |reader, field| reader.u64(field), to_live(limits))?;
    equal(reader, "sessions_max", |reader, field| reader.u32(field), limits.sessions_max)?;
    equal(reader, "ids_max", |reader, field| reader.u32(field), limits.ids_max)
}

/// A field that has one value only.
fn equal<'a, T: PartialEq + std::fmt::Display>(
    reader: &mut Reader<'a>,
    field: &'static str,
    read: impl FnOnce(&mut Reader<'a>, &'static str) -> Result<T, Malformed>,
    expected: T,
) -> Result<(), Malformed> {
    let at = reader.clone();
    match read(reader, field)? {
        found if found == expected => Ok(()),
        found => Err(at.fault(field, format!("{found} instead of {expected}"))),
    }
}

/// A number of things that take `bytes` each at least.
fn count(reader: &mut Reader<'_>, field: &'static str, max: usize, bytes: usize) -> Result<usize, Malformed> {
    let at = reader.clone();
    let count = reader.u32(field)? as usize;
    if count > max || count > reader.remaining() / bytes {
        let left = reader.remaining();
        return Err(at.fault(field, format!("{count}, the limit is {max} and {left} bytes are left")));
    }
    Ok(count)
}
