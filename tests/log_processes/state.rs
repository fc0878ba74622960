//! What a node makes of the log: a list of values, which it gives and takes as a whole in snapshots.

use super::history::digest;
use duochain::node::replica::{Applied, Apply};
use std::collections::HashMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex};

/// What was applied.
#[derive(Default)]
struct Applying {
    /// Index, value, and the digest up to there.
    list: Vec<(u64, u64, u64)>,
    /// Where a value is for the first time, from 1.
    places: HashMap<u64, usize>,
    /// Index of the last value in the last state that was restored.
    restored: u64,
}

impl Applying {
    fn push(&mut self, index: u64, value: u64) {
        let before = self.list.last().map_or(0, |(_, _, digest)| *digest);
        self.list.push((index, value, digest(before, value)));
        self.places.entry(value).or_insert(self.list.len());
    }
}

#[derive(Default)]
pub(crate) struct List(Mutex<Applying>);

impl List {
    /// Place and index of a value.
    pub(crate) fn find(&self, value: u64) -> Option<(usize, u64)> {
        let applying = self.0.lock().unwrap();
        let place = *applying.places.get(&value)?;
        Some((place, applying.list[place - 1].0))
    }

    /// Its length, and its digest.
    pub(crate) fn read(&self) -> (usize, u64) {
        let list = &self.0.lock().unwrap().list;
        (list.len(), list.last().map_or(0, |(_, _, digest)| *digest))
    }

    /// Index of the last value in the last state that was restored; 0: there was none.
    pub(crate) fn restored(&self) -> u64 {
        self.0.lock().unwrap().restored
    }

    /// A line "INDEX VALUE" for each.
    pub(crate) fn lines(&self) -> String {
        let list = &self.0.lock().unwrap().list;
        list.iter().map(|(index, value, _)| format!("{index} {value}\n")).collect()
    }
}

/// Keeps the list up to date.
pub(crate) struct Keep {
    pub(crate) list: Arc<List>,
    /// Whether it gives snapshots.
    pub(crate) gives: bool,
}

impl Apply for Keep {
    fn apply(&mut self, batch: &Applied<'_>) {
        let mut applying = self.list.0.lock().unwrap();
        for (index, entry) in batch.entries() {
            let (words, rest) = entry.bytes.as_chunks::<8>();
            assert!(rest.is_empty() && words.iter().all(|word| *word == words[0]), "as it was handed over");
            applying.push(index.get(), u64::from_le_bytes(words[0]));
        }
    }

    fn snapshot(&mut self) -> Option<Box<dyn Read + Send>> {
        let list = &self.list.0.lock().unwrap().list;
        let bytes = list.iter().flat_map(|(index, value, _)| [index.to_le_bytes(), value.to_le_bytes()]);
        let bytes: Vec<u8> = bytes.flatten().collect();
        self.gives.then(|| Box::new(Cursor::new(bytes)) as Box<dyn Read + Send>)
    }

    fn restore(&mut self, state: &mut dyn Read) -> io::Result<()> {
        let mut bytes = Vec::new();
        state.read_to_end(&mut bytes)?;
        let (pairs, rest) = bytes.as_chunks::<16>();
        assert!(rest.is_empty(), "what was given: {} bytes", bytes.len());
        let mut restored = Applying::default();
        for pair in pairs {
            let number = |at: usize| u64::from_le_bytes(pair[at..at + 8].try_into().expect("eight bytes"));
            restored.push(number(0), number(8));
        }
        restored.restored = restored.list.last().map_or(0, |(index, ..)| *index);
        *self.list.0.lock().unwrap() = restored;
        Ok(())
    }
}
