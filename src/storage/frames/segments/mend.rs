//! Damage to what was durable, and its repair with frames that peers still have.
//!
//! # Model
//! A frame is the same bytes on every node, so the frames of a gap, taken from a peer, have exactly the
//! length of the gap. They are written at their old place; opening the log then verifies all of it again.
//!
//! # Caller contract
//! Only entries that are committed may be taken from a peer, and only if its log is the same on both sides of the gap
//! ([`Damage::term_before`], [`Damage::term_behind`]): `node::replica` has the argument. A node whose log is damaged
//! does not know what it has: it neither votes nor acknowledges before it is mended.

use super::active::{Active, record_bytes};
use super::format::{self, Cut, RECORDS_AT};
use super::intact::Intact;
use super::recovery::{describe, gaps, list};
use super::scan::Gap;
use crate::frame::Frame;
use crate::storage::frames::outline::check_follows;
use crate::storage::{Error, durable};
use crate::types::{Index, Term};
use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};

/// Entries that were durable and are not what was written; see [`super::SegmentFrameLog::damages`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    path: PathBuf,
    /// `None` when the first page is lost, and with it the whole file.
    salt: Option<u64>,
    gap: Gap,
    last: Index,
    before: Option<Term>,
}

/// The damages in `dir`, ascending. Terms are carried across files: what stands before or behind a gap may be in
/// another one.
pub(super) fn damages(dir: &Path) -> Result<Vec<Damage>, Error> {
    let files = list(dir)?.files;
    let (mut damages, mut intact) = (Vec::new(), Intact::default());
    for (number, (base, path)) in files.iter().enumerate() {
        let expected = files.get(number + 1).map(|(next, _)| *next);
        let (salt, gaps) = gaps(path, *base, expected, &mut intact)?;
        for gap in gaps {
            let Some(last) = gap.to.and_then(|to| to.back(1)) else {
                return Err(Error::corrupt(path, gap.at, describe(&gap)));
            };
            damages.push(Damage { path: path.clone(), salt, gap, last, before: None });
        }
    }
    for damage in &mut damages {
        damage.before = damage.gap.from.back(1).and_then(|before| intact.term_at(before));
        damage.gap.term_after = intact.term_at(damage.last.next());
    }
    let first = files.first().map(|(base, _)| *base);
    match damages.iter().position(|damage| !damage.is_bounded(&damages, first, &intact)) {
        Some(at) => Err(damages[at].error("what stands beside them is not known")),
        None => Ok(damages),
    }
}

impl Damage {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// First bad byte.
    pub const fn offset(&self) -> u64 {
        self.gap.at
    }

    /// First entry that is missing.
    pub const fn from(&self) -> Index {
        self.gap.from
    }

    /// Last entry that is missing.
    pub const fn to(&self) -> Index {
        self.last
    }

    /// Term of the entry before the missing ones. `None` where the log begins with them, or where that one is the
    /// last of another damage.
    pub const fn term_before(&self) -> Option<Term> {
        self.before
    }

    /// Term of the entry behind the missing ones. `None` where the log ends with them, or where that one is the first
    /// of another damage.
    pub const fn term_behind(&self) -> Option<Term> {
        self.gap.term_after
    }

    /// What opening says of it, and `more` behind that.
    pub fn error(&self, more: &str) -> Error {
        Error::corrupt(&self.path, self.gap.at, format!("{}; {more}", describe(&self.gap)))
    }

    /// Whether on each side there is an entry that is what was written, another damage, or the end of the log.
    fn is_bounded(&self, damages: &[Self], first: Option<Index>, intact: &Intact) -> bool {
        let (from, next) = (self.gap.from, self.last.next());
        let is_begun = self.before.is_some()
            || first == Some(from)
            || damages.iter().any(|damage| damage.last.next() == from);
        let is_ended = self.gap.term_after.is_some()
            || damages.iter().any(|damage| damage.gap.from == next)
            || (intact.last() < next && damages.iter().all(|damage| damage.gap.from < next));
        is_begun && is_ended
    }

    /// Writes `frames`, which peers supplied, where they stood, and syncs them. Open the log afterwards.
    ///
    /// # Errors
    /// `OutOfOrder` when they are not exactly the entries that are missing, do not fit between the terms on
    /// both sides, do not have the length of the gap, or where the header of a frame survived, are another
    /// frame; nothing changed then. `Io`, `Full`, `ReadOnly`: ask for the damages again.
    pub fn mend(&self, frames: &[Frame]) -> Result<(), Error> {
        self.check(frames)?;
        match self.salt {
            Some(salt) => {
                let file = File::options().read(true).write(true).open(&self.path);
                let file = file.map_err(|source| Error::from_io("open", &self.path, source))?;
                self.write(frames, file, self.path.clone(), salt, self.gap.at)
            }
            None => self.rebuild(frames),
        }
    }

    fn check(&self, frames: &[Frame]) -> Result<(), Error> {
        let (mut next, mut term) = (self.gap.from, self.gap.term);
        for frame in frames {
            check_follows(frame.seal(), next, term)?;
            (next, term) = (frame.last().index.next(), frame.term());
        }
        let refused = |what: String| Err(Error::OutOfOrder(what));
        if next.back(1) != Some(self.last) {
            return refused(format!("entries up to {} are missing, the frames end before {next}", self.last));
        }
        if self.gap.term_after.is_some_and(|after| term > after) {
            return refused(format!("a frame of term {term} before an older one"));
        }
        let bytes: u64 = frames.iter().map(record_bytes).sum();
        if let Some(gap_bytes) = self.gap.end.map(|end| end - self.gap.at)
            && bytes != gap_bytes
        {
            return refused(format!("{bytes} bytes of records for a gap of {gap_bytes}"));
        }
        match (self.gap.header, frames.first()) {
            (Some(header), Some(frame)) if frame.header() != header => {
                refused(format!("not the frame that stood at index {}", self.gap.from))
            }
            _ => Ok(()),
        }
    }

    fn write(&self, frames: &[Frame], file: File, path: PathBuf, salt: u64, at: u64) -> Result<(), Error> {
        let cut = Cut { generation: self.gap.generation, at: RECORDS_AT };
        let mut active = Active::found(path, file, salt, cut, at);
        active.write(frames, self.gap.durable)?;
        active.sync().map(drop)
    }

    /// The file anew, since nothing in it can be told from what an older use left.
    fn rebuild(&self, frames: &[Frame]) -> Result<(), Error> {
        let draft = durable::temporary_name(&self.path);
        let file = durable::create_empty(&draft)?;
        let salt = RandomState::new().build_hasher().finish();
        durable::write_at(&file, &draft, &format::page(salt), 0)?;
        self.write(frames, file, draft.clone(), salt, RECORDS_AT)?;
        durable::rename(&draft, &self.path)
    }
}
