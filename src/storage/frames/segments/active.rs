//! The last file: the one that is written.

use super::format::{self, Cut, HEAD_BYTES, PREFIX_BYTES, Prefix, RECORDS_AT};
use super::recent::Recent;
use super::stock::Blank;
use crate::frame::{Frame, FrameHeader, Seal};
use crate::storage::{Error, durable};
use crate::types::Index;
use std::fs::File;
use std::io::IoSlice;
use std::path::{Path, PathBuf};

/// Bodies below this are copied beside their heads: cheaper than a part of a call each.
const COPY_BYTES_MAX: usize = 4 << 10;

/// The file at the end of the log.
#[derive(Debug)]
pub(super) struct Active {
    path: PathBuf,
    file: File,
    salt: u64,
    cut: Cut,
    /// Behind the last record.
    end: u64,
    /// Frames written since the last sync.
    waiting: Vec<Placed>,
    /// The newest of them.
    fresh: Recent,
}

/// Of a frame what has to be known to find it, and where its record stands.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) header: FrameHeader,
    pub(super) seal: Seal,
    pub(super) at: u64,
}

/// `dir/00000000000000000001.frames`
pub(super) fn path_of(dir: &Path, base: Index) -> PathBuf {
    dir.join(format!("{:020}.frames", base.get()))
}

/// Bytes of the record of `frame`.
pub(super) fn record_bytes(frame: &Frame) -> u64 {
    (PREFIX_BYTES + frame.encoded_bytes()) as u64
}

/// Bytes that a file needs beside its records: the first page, and a mark behind them.
pub(super) const fn overhead_bytes() -> u64 {
    RECORDS_AT + PREFIX_BYTES as u64
}

impl Active {
    /// A file without a frame, which has its name.
    pub(super) fn new(path: PathBuf, blank: Blank) -> Self {
        let Blank { file, salt } = blank;
        Self::found(path, file, salt, Cut::NONE, RECORDS_AT)
    }

    /// A file that was found, whose last record ends at `end`.
    pub(super) const fn found(path: PathBuf, file: File, salt: u64, cut: Cut, end: u64) -> Self {
        Self { path, file, salt, cut, end, waiting: Vec::new(), fresh: Recent::new(0) }
    }

    /// With up to so many bytes of what it writes in memory until that is durable.
    pub(super) fn keeping(self, recent_bytes_max: usize) -> Self {
        Self { fresh: Recent::new(recent_bytes_max), ..self }
    }

    pub(super) const fn salt(&self) -> u64 {
        self.salt
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.end == RECORDS_AT
    }

    /// How many of `frames` fit into a file of `segment_bytes` behind what is there.
    pub(super) fn room_for(&self, frames: &[Frame], segment_bytes: u64) -> usize {
        let mut end = self.end + PREFIX_BYTES as u64;
        let fits = |frame: &&Frame| {
            end += record_bytes(frame);
            end <= segment_bytes
        };
        frames.iter().take_while(fits).count()
    }

    /// Writes `frames` with one call; `durable` is the newest index that is.
    pub(super) fn write(&mut self, frames: &[Frame], durable: Index) -> Result<(), Error> {
        let mut copied = Vec::with_capacity(frames.iter().map(copied_bytes).sum());
        let mut runs = Vec::with_capacity(frames.len());
        let mut at = self.end;
        for frame in frames {
            let prefix = Prefix { base: frame.base(), durable, generation: self.cut.generation };
            format::encode_head(prefix, self.salt, &frame.header(), &mut copied);
            if frame.body().bytes().len() < COPY_BYTES_MAX {
                copied.extend_from_slice(frame.body().bytes());
            } else {
                runs.push((copied.len(), frame.body().bytes()));
            }
            self.waiting.push(Placed { header: frame.header(), seal: frame.seal(), at });
            self.fresh.push(frame.clone());
            at += record_bytes(frame);
        }
        let mut parts = Vec::with_capacity(2 * runs.len() + 1);
        let mut from = 0;
        for (to, body) in runs {
            parts.push(IoSlice::new(&copied[from..to]));
            parts.push(IoSlice::new(body));
            from = to;
        }
        parts.push(IoSlice::new(&copied[from..]));
        durable::write_parts_at(&self.file, &self.path, &mut parts, self.end)?;
        self.end = at;
        Ok(())
    }

    /// Makes what was written durable, and returns it, and the newest of it.
    pub(super) fn sync(&mut self) -> Result<(Vec<Placed>, &mut Recent), Error> {
        if !self.waiting.is_empty() {
            durable::sync_data(&self.file, &self.path)?;
        }
        Ok((std::mem::take(&mut self.waiting), &mut self.fresh))
    }

    /// Ends the file at `end`, durably, together with whatever was written before; from here on nothing that
    /// stands behind it counts. `next` is the index that comes next.
    pub(super) fn cut(&mut self, end: u64, next: Index) -> Result<(), Error> {
        let cut = Cut { generation: self.cut.generation + 1, at: end };
        let (at, bytes) = cut.encode(self.salt);
        durable::write_at(&self.file, &self.path, &bytes, at)?;
        durable::sync_data(&self.file, &self.path)?;
        (self.cut, self.end) = (cut, end);
        self.write_mark(next);
        Ok(())
    }

    /// Leaves the proof that everything before `next` is durable. Without it that is still so, only damage
    /// to the last group could not be told from a torn write; so a failure here is not reported.
    pub(super) fn write_mark(&self, next: Index) {
        let durable = next.back(1).unwrap_or_default();
        let prefix = Prefix { base: next, durable, generation: self.cut.generation };
        let mark = format::encode_mark(prefix, self.salt);
        durable::write_at(&self.file, &self.path, &mark, self.end).ok();
    }
}

fn copied_bytes(frame: &Frame) -> usize {
    let body = frame.body().bytes().len();
    HEAD_BYTES + if body < COPY_BYTES_MAX { body } else { 0 }
}
