//! When the next snapshot is due.

use super::SnapshotOptions;

/// What was applied since the last snapshot.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::node::replica) struct Due {
    entries: u64,
    bytes: u64,
}

impl Due {
    /// So much more was applied.
    pub(in crate::node::replica) const fn add(&mut self, entries: u64, bytes: u64) {
        self.entries += entries;
        self.bytes += bytes;
    }

    pub(in crate::node::replica) const fn is_due(&self, options: &SnapshotOptions) -> bool {
        self.entries >= options.every_entries || self.bytes >= options.every_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_or_bytes_make_one_due_whichever_comes_first() {
        let options = SnapshotOptions { every_entries: 10, every_bytes: 1_000, ..SnapshotOptions::default() };
        for (entries, bytes, is_due) in [(9, 999, false), (10, 0, true), (0, 1_000, true)] {
            let mut due = Due::default();
            due.add(entries, bytes);
            assert_eq!(due.is_due(&options), is_due, "{entries} entries, {bytes} bytes");
        }
    }
}
