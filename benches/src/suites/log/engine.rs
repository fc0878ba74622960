//! The log store of TiKV: one region, entries in its message type, a synced batch for each batch.

use super::Side;
use crate::AnyError;
use raft::eraftpb::Entry;
use raft_engine::{Config, Engine, LogBatch, MessageExt, ReadableSize};
use std::path::Path;

const REGION: u64 = 1;
/// As many entries as ours keeps.
const KEPT: u64 = 200_000;

#[derive(Clone)]
struct Message;

impl MessageExt for Message {
    type Entry = Entry;

    fn index(entry: &Entry) -> u64 {
        entry.index
    }
}

pub(super) struct RaftEngine {
    engine: Engine,
    next: u64,
}

impl RaftEngine {
    pub(super) fn open(directory: &Path) -> Result<Self, AnyError> {
        let dir = directory.to_str().ok_or("a path that is no text")?.to_owned();
        let config = Config {
            dir,
            target_file_size: ReadableSize::mb(64),
            // Entries that are compressed are fewer bytes: not the job of the others.
            batch_compression_threshold: ReadableSize::kb(0),
            enable_log_recycle: true,
            prefill_for_recycle: true,
            // Lays out as many files as a repetition fills; with the usual 10 GiB opening takes half a minute.
            purge_threshold: ReadableSize::gb(1),
            ..Config::default()
        };
        Ok(Self { engine: Engine::open(config)?, next: 1 })
    }
}

impl Side for RaftEngine {
    fn append(&mut self, entries: &[&[u8]], number: usize) -> Result<(), AnyError> {
        let mut messages = Vec::with_capacity(entries.len());
        for (index, bytes) in (self.next..).zip(entries) {
            let mut entry = Entry::default();
            entry.set_index(index);
            entry.set_term(1);
            entry.set_data(bytes.to_vec().into());
            messages.push(entry);
        }
        self.next += entries.len() as u64;
        let mut batch = LogBatch::with_capacity(1);
        batch.add_entries::<Message>(REGION, &messages)?;
        self.engine.write(&mut batch, true)?;
        if number % 100 == 99 && self.next > KEPT {
            self.engine.compact_to(REGION, self.next - KEPT);
            self.engine.purge_expired_files()?;
        }
        Ok(())
    }
}
