//! What a node says of itself, one line at a time.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

/// A producer: one thread of one run of one node.
pub(crate) type Origin = u64;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) role: String,
    pub(crate) term: u64,
    pub(crate) leader: u64,
    pub(crate) commit: u64,
    pub(crate) applied: u64,
    /// Entries applied.
    pub(crate) entries: u64,
    /// Of everything applied, in order.
    pub(crate) digest: u64,
    /// By producer of this run, the last batch that was acknowledged.
    pub(crate) acknowledged: BTreeMap<Origin, u64>,
    /// By producer, the batches applied: all up to this one.
    pub(crate) present: BTreeMap<Origin, u64>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { role, term, leader, commit, applied, entries, digest, .. } = self;
        write!(f, "{role} {term} {leader} {commit} {applied} {entries} {digest}")?;
        for map in [&self.acknowledged, &self.present] {
            let mut text = String::new();
            for (origin, last) in map {
                write!(text, "{origin}:{last},")?;
            }
            write!(f, " {}", if text.is_empty() { "-" } else { &text })?;
        }
        Ok(())
    }
}

impl Report {
    /// Reads a line; `None` when it is none, as the last one of a killed process may be.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let [role, term, leader, commit, applied, entries, digest, acknowledged, present] = words[..] else {
            return None;
        };
        Some(Self {
            role: role.to_owned(),
            term: term.parse().ok()?,
            leader: leader.parse().ok()?,
            commit: commit.parse().ok()?,
            applied: applied.parse().ok()?,
            entries: entries.parse().ok()?,
            digest: digest.parse().ok()?,
            acknowledged: map(acknowledged)?,
            present: map(present)?,
        })
    }
}

fn map(text: &str) -> Option<BTreeMap<Origin, u64>> {
    let pairs = text.split(',').filter(|pair| !pair.is_empty() && *pair != "-");
    pairs
        .map(|pair| pair.split_once(':').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?))))
        .collect()
}
