//! The limit: one write and one flush into space that was written before.

use super::Side;
use crate::AnyError;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

const FILE_BYTES: usize = 64 << 20;
const PIECE_BYTES: usize = 1 << 20;

pub(super) struct Raw {
    file: File,
    at: usize,
    batch: Vec<u8>,
}

impl Raw {
    pub(super) fn open(directory: &Path) -> Result<Self, AnyError> {
        let file = File::options().write(true).create_new(true).open(directory.join("raw"))?;
        for at in (0..FILE_BYTES).step_by(PIECE_BYTES) {
            file.write_all_at(&[0; PIECE_BYTES], at as u64)?;
        }
        file.sync_all()?;
        Ok(Self { file, at: 0, batch: Vec::new() })
    }
}

impl Side for Raw {
    fn append(&mut self, entries: &[&[u8]], number: usize) -> Result<(), AnyError> {
        if number == 0 {
            self.batch = [&[0; 8], &entries.concat()[..]].concat();
        }
        let crc = crc32c::crc32c(&self.batch[8..]);
        self.batch[..4].copy_from_slice(&crc.to_le_bytes());
        if self.at + self.batch.len() > FILE_BYTES {
            self.at = 0;
        }
        self.file.write_all_at(&self.batch, self.at as u64)?;
        self.file.sync_data()?;
        self.at += self.batch.len();
        Ok(())
    }
}
