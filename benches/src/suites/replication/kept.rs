//! Where `raft` keeps its entries: in memory, in `raft-engine`, or in RocksDB.

use crate::AnyError;
use raft::eraftpb::{Entry, HardState};
use raft_engine::{Engine, LogBatch, MessageExt, ReadableSize};
use std::path::Path;

const REGION: u64 = 1;
const STATE: &[u8] = b"state";

/// Which of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Disk {
    Engine,
    #[cfg(feature = "rocksdb")]
    Rocks,
    Memory,
}

#[derive(Clone)]
struct Entries;

impl MessageExt for Entries {
    type Entry = Entry;

    fn index(entry: &Entry) -> u64 {
        entry.index
    }
}

/// One that is open.
pub(super) enum Kept {
    Engine(Box<Engine>),
    #[cfg(feature = "rocksdb")]
    Rocks(crate::suites::rocks::Rocks),
    Memory,
}

impl Kept {
    pub(super) fn open(disk: Disk, dir: &Path) -> Result<Self, AnyError> {
        Ok(match disk {
            Disk::Memory => Self::Memory,
            Disk::Engine => Self::Engine(Box::new(Engine::open(raft_engine::Config {
                dir: dir.to_str().ok_or("a path that is no text")?.to_owned(),
                target_file_size: ReadableSize::mb(64),
                batch_compression_threshold: ReadableSize::kb(0),
                enable_log_recycle: true,
                prefill_for_recycle: true,
                // Lays out as many files as a repetition fills; with the usual 10 GiB opening takes half a minute.
                purge_threshold: ReadableSize::gb(1),
                ..raft_engine::Config::default()
            })?)),
            #[cfg(feature = "rocksdb")]
            Disk::Rocks => Self::Rocks(crate::suites::rocks::Rocks::open(dir)?),
        })
    }

    /// Entries and vote, with one flush if `must_sync`.
    pub(super) fn write(
        &self,
        entries: &[Entry],
        hard: Option<&HardState>,
        must_sync: bool,
    ) -> Result<(), AnyError> {
        match self {
            Self::Memory => Ok(()),
            Self::Engine(engine) => {
                let mut batch = LogBatch::default();
                if !entries.is_empty() {
                    batch.add_entries::<Entries>(REGION, entries)?;
                }
                if let Some(hard) = hard {
                    batch.put_message(REGION, STATE.to_vec(), hard)?;
                }
                if !batch.is_empty() {
                    engine.write(&mut batch, must_sync)?;
                }
                Ok(())
            }
            #[cfg(feature = "rocksdb")]
            Self::Rocks(rocks) => {
                let mut batch = rocks.batch();
                for entry in entries {
                    // Its other fields, which are a few bytes, before what it holds.
                    let head = [&entry.term.to_le_bytes()[..], &entry.context].concat();
                    batch.put(entry.index, &[&head, &entry.data[..]].concat());
                }
                if let Some(hard) = hard {
                    let fields = [hard.term, hard.vote, hard.commit].map(u64::to_le_bytes);
                    batch.put_state(&fields.concat());
                }
                rocks.write(batch, must_sync)
            }
        }
    }

    /// Forgets entries before `index`.
    pub(super) fn cut(&self, index: u64) -> Result<(), AnyError> {
        match self {
            Self::Memory => {}
            Self::Engine(engine) => {
                engine.compact_to(REGION, index);
                engine.purge_expired_files()?;
            }
            #[cfg(feature = "rocksdb")]
            Self::Rocks(rocks) => rocks.cut(index)?,
        }
        Ok(())
    }
}
