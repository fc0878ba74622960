//! Reading a file front to back, a large piece at a time.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

const PIECE_BYTES: usize = 1 << 20;

/// A piece of a file in memory.
pub(super) struct Window<'a> {
    file: &'a File,
    /// Length of the file.
    pub(super) end: u64,
    piece: Vec<u8>,
    start: u64,
}

impl<'a> Window<'a> {
    pub(super) fn new(file: &'a File) -> io::Result<Self> {
        Ok(Self { file, end: file.metadata()?.len(), piece: Vec::new(), start: 0 })
    }

    /// `bytes` from `at` on, or what the file still has there.
    pub(super) fn get(&mut self, at: u64, bytes: usize) -> io::Result<&[u8]> {
        let bytes = bytes.min(usize::try_from(self.end.saturating_sub(at)).unwrap_or(usize::MAX));
        let holds = |window: &Self| {
            at >= window.start && at + bytes as u64 <= window.start + window.piece.len() as u64
        };
        if !holds(self) {
            let room = usize::try_from(self.end.saturating_sub(at)).unwrap_or(usize::MAX);
            self.piece.resize(bytes.max(PIECE_BYTES).min(room), 0);
            self.start = at;
            self.file.read_exact_at(&mut self.piece, at)?;
        }
        let from = (at - self.start) as usize;
        Ok(&self.piece[from..from + bytes])
    }
}
