//! Collecting entries into a body.

use super::header::Tables;
use super::{Body, ENTRY_ID_BYTES, Entry, FrameKind, FrameLimits, Origin, padded};
use crate::types::LaneId;

/// Why an entry was not taken. The builder is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// It does not fit behind the others: finish this batch, it goes into the next.
    #[error("the batch is full")]
    Full,
    /// It would not fit into any batch.
    #[error("an entry of {len} bytes, the limit of a batch is {max}")]
    TooLarge {
        /// Bytes of the entry.
        len: usize,
        /// Bytes of a body.
        max: usize,
    },
    /// A number without a session.
    #[error("an entry has a sequence number and no session")]
    NoSession,
}

/// Builds one body after another. Each entry is copied once, to its place.
#[derive(Debug)]
pub struct FrameBuilder {
    limits: FrameLimits,
    lane: LaneId,
    /// The entries, end to end.
    data: Vec<u8>,
    lengths: Vec<u8>,
    /// Of the first entry, as long as the others follow on.
    run: Origin,
    /// Empty as long as the run says it all.
    origins: Vec<u8>,
    /// Empty as long as no entry has one.
    ids: Vec<u8>,
    count: u32,
}

impl FrameBuilder {
    /// Batches of that urgency.
    pub const fn new(limits: FrameLimits, lane: LaneId) -> Self {
        Self {
            limits,
            lane,
            data: Vec::new(),
            lengths: Vec::new(),
            run: Origin::NONE,
            origins: Vec::new(),
            ids: Vec::new(),
            count: 0,
        }
    }

    /// Number of entries so far.
    pub const fn len(&self) -> u32 {
        self.count
    }

    /// True before the first entry.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of the body if it were finished now.
    pub fn body_bytes(&self) -> usize {
        let tables = Tables { origins: !self.origins.is_empty(), ids: !self.ids.is_empty() };
        padded(self.data.len()) + tables.bytes(self.count as usize)
    }

    /// Makes room for `bytes` more of entries, so that none of them is moved.
    pub fn reserve(&mut self, bytes: usize) {
        // The tables follow the entries in the same buffer.
        let room = bytes.min(self.limits.body_bytes());
        self.data.reserve(room);
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// `Full`, `TooLarge`, `NoSession`.
    pub fn push(&mut self, entry: Entry<'_>) -> Result<(), PushError> {
        if entry.origin.session == 0 && entry.origin.sequence != 0 {
            return Err(PushError::NoSession);
        }
        let id = entry.id.filter(|id| **id != [0; ENTRY_ID_BYTES]);
        let is_run = self.count == 0
            || (self.origins.is_empty() && self.run.forward(u64::from(self.count)) == Some(entry.origin));
        let tables = Tables { origins: !is_run, ids: id.is_some() || !self.ids.is_empty() };
        self.check_room(entry.bytes.len(), tables, id.is_some())?;
        if self.count == 0 {
            self.run = entry.origin;
        }
        if tables.origins {
            self.push_origin(entry.origin);
        }
        if tables.ids {
            self.ids.resize(self.count as usize * ENTRY_ID_BYTES, 0);
            self.ids.extend_from_slice(id.unwrap_or(&[0; ENTRY_ID_BYTES]));
        }
        self.data.extend_from_slice(entry.bytes);
        self.lengths.extend_from_slice(&(entry.bytes.len() as u32).to_le_bytes());
        self.count += 1;
        Ok(())
    }

    fn check_room(&self, len: usize, tables: Tables, has_id: bool) -> Result<(), PushError> {
        let max = self.limits.body_bytes();
        let bytes = |data: usize, tables: Tables, count| padded(data).saturating_add(tables.bytes(count));
        if bytes(len, Tables { origins: false, ids: has_id }, 1) > max {
            return Err(PushError::TooLarge { len, max });
        }
        let count = self.count as usize + 1;
        if self.count >= self.limits.entries() || bytes(self.data.len() + len, tables, count) > max {
            return Err(PushError::Full);
        }
        Ok(())
    }

    /// From the first entry on that does not follow, each has its origin.
    fn push_origin(&mut self, origin: Origin) {
        let known = self.origins.len() / 16;
        for at in known as u64..u64::from(self.count) {
            self.write_origin(self.run.forward(at).expect("checked when it was pushed"));
        }
        self.write_origin(origin);
    }

    fn write_origin(&mut self, origin: Origin) {
        self.origins.extend_from_slice(&origin.session.to_le_bytes());
        self.origins.extend_from_slice(&origin.sequence.to_le_bytes());
    }

    /// The entries so far as a body, with its checksum; `None` when there are none. The builder is empty
    /// again.
    pub fn finish(&mut self) -> Option<Body> {
        if self.count == 0 {
            return None;
        }
        let tables = Tables { origins: !self.origins.is_empty(), ids: !self.ids.is_empty() };
        let bytes = self.body_bytes();
        let mut data = std::mem::take(&mut self.data);
        data.resize(padded(data.len()), 0);
        for table in [&mut self.ids, &mut self.origins, &mut self.lengths] {
            data.extend_from_slice(table);
            table.clear();
        }
        data.resize(bytes, 0);
        let origin = if tables.origins { Origin::NONE } else { self.run };
        let count = std::mem::take(&mut self.count);
        Some(Body::finished(FrameKind::Entries, tables, count, origin, self.lane, data))
    }
}
