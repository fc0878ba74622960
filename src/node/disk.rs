//! The three stores of one chain.

use super::config::StorageSettings;
use crate::storage::{self, Backend, Log, LogKind, LogOptions, LogReader, Store, StoreOptions};
use crate::types::Block;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Largest record: more than the largest `block.bytes_max` with its header.
const RECORD_BYTES_MAX: usize = 1 << 30;

/// Owned by the chain's thread.
pub(super) struct Disk {
    pub(super) blocks: Box<dyn Log>,
    pub(super) events: Box<dyn Log>,
    pub(super) store: Arc<dyn Store>,
}

/// What host threads may read meanwhile.
#[derive(Clone)]
pub(super) struct Views {
    pub(super) blocks: Arc<dyn LogReader>,
    pub(super) events: Arc<dyn LogReader>,
    pub(super) store: Arc<dyn Store>,
}

impl fmt::Debug for Views {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Views").finish_non_exhaustive()
    }
}

impl Disk {
    /// Opens or creates the stores below `dir`.
    pub(super) fn open(settings: &StorageSettings, dir: &Path) -> Result<Self, storage::Error> {
        let kind = if settings.backend == Backend::Memory { LogKind::Memory } else { LogKind::Segments };
        let log = |name: &str| {
            let options =
                LogOptions { segment_bytes: settings.segment_bytes, record_bytes_max: RECORD_BYTES_MAX };
            storage::open_log(kind, &dir.join(name), &options)
        };
        let options = StoreOptions { cache_bytes: settings.cache_bytes, ..StoreOptions::default() };
        let store = storage::open_store(settings.backend, &dir.join("state"), &options)?;
        Ok(Self { blocks: log("blocks")?, events: log("events")?, store: Arc::from(store) })
    }

    pub(super) fn views(&self) -> Views {
        Views { blocks: self.blocks.reader(), events: self.events.reader(), store: Arc::clone(&self.store) }
    }
}

/// Reads and checks one block of a log.
pub(super) fn read_block(blocks: &dyn LogReader, height: u64) -> Result<Option<Block>, super::Error> {
    let Some(bytes) = blocks.read(height)? else { return Ok(None) };
    let block =
        Block::decode(bytes).map_err(|error| super::Error::corrupt(format!("block {height}: {error}")))?;
    if block.header.height.get() != height {
        let found = block.header.height;
        return Err(super::Error::corrupt(format!("record {height} of the block log holds block {found}")));
    }
    Ok(Some(block))
}
