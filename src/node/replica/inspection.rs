//! The directory of a node as it lies there, for people: what is in its files, and what opening would say of it.
//!
//! # Model
//! ```text
//! FORMAT, LOCK, VOTE, log/, snapshots/ --looked at by what opens them--> Inspection
//!     faults   what is not what was written, or is gone, by file and offset
//!     notes    what opening sees to by itself, and nothing is missed
//! ```
//! The files are read by the code that recovers them, so both say the same. Nothing is written, made, removed, renamed or
//! locked, and nothing is refused: what is not right is told, and the rest looked at.
//!
//! # Limits
//! Of a node that runs, files change while they are looked at: its last file may look torn, and a snapshot may be gone. Time
//! and memory are those of an opening without the replay. A log in RocksDB is named, and not read: only RocksDB can, and it
//! locks what it reads.

use super::snapshots::{read_members, skip_to_position};
use super::{kept, recovery};
use crate::raft::Membership;
use crate::storage::frames::{FrameFiles, FrameHead, LogBackend, SegmentFrameLog};
use crate::storage::snapshots::{SnapshotFile, SnapshotFiles, SnapshotShelf};
use crate::storage::votes::{FileVotes, VoteFile};
use crate::storage::{DirLock, Error, has_format};
use crate::types::{Index, Term};
use std::path::{Path, PathBuf};

/// What is in the directory of a node; see [`inspect`].
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Inspection {
    /// Whom `LOCK` names: who has the directory open, or ended without closing it.
    pub holder: Option<String>,
    /// Term, vote and cluster; `None` where there is no such file, or none that is good.
    pub votes: Option<VoteFile>,
    /// The log; nothing where it is in RocksDB.
    pub log: FrameFiles,
    /// Where a log in RocksDB is.
    pub rocks: Option<PathBuf>,
    /// Snapshots that are whole, the oldest first, each with the last entry that the host's state in it stands for.
    pub snapshots: Vec<(SnapshotFile, Index)>,
    /// The members that are known last, and the entry that says so.
    pub members: Option<(Index, Membership)>,
    /// What is not what was written, or is gone: opening refuses it, has it mended, or goes on without.
    pub faults: Vec<Error>,
    /// What opening sees to by itself, and nothing is missed.
    pub notes: Vec<String>,
}

/// Looks at the directory of a node, which it need not be fit to open. `visit` gets each frame that is sound, and its file.
/// `None`: nothing of a node is there.
///
/// # Errors
/// `Io` where `dir` cannot be listed.
pub fn inspect(dir: &Path, visit: &mut dyn FnMut(&Path, FrameHead)) -> Result<Option<Inspection>, Error> {
    std::fs::read_dir(dir).map_err(|source| Error::Io { operation: "list", path: dir.into(), source })?;
    let [log, rocks] = [LogBackend::Segments, LogBackend::RocksDb].map(|kind| kept::directory(dir, kind));
    let snapshots = dir.join("snapshots");
    let (has_votes, has_log) = (dir.join("VOTE").exists(), log.exists());
    let mut found = Inspection { holder: DirLock::named(dir), ..Inspection::default() };
    if has_log {
        match SegmentFrameLog::inspect(&log, visit) {
            Ok(log) => found.log = log,
            Err(error) => found.faults.push(error),
        }
    }
    if snapshots.exists() {
        match SnapshotShelf::inspect(&snapshots) {
            Ok(files) => found.take_snapshots(files),
            Err(error) => found.faults.push(error),
        }
    }
    found.faults.append(&mut found.log.faults);
    found.rocks = rocks.exists().then_some(rocks);
    // Other directories have one of such a name, too.
    if !has_votes && found.is_empty() {
        return Ok(None);
    }
    match has_format(dir) {
        Ok(true) => {}
        Ok(false) => found.fault(dir.join("FORMAT"), "missing, although the directory holds data"),
        Err(error) => found.faults.push(error),
    }
    match FileVotes::look(dir) {
        Ok(votes) => found.votes = votes,
        Err(error) => found.faults.push(error),
    }
    found.miss(dir, has_votes, has_log);
    found.know_members();
    found.compare(dir);
    found.note_what_is_seen_to();
    Ok(Some(found))
}

impl Inspection {
    /// The first entry and the last one in the files of the log; `None` where there is none.
    pub fn entries(&self) -> Option<(Index, Index)> {
        let holding = || self.log.files.iter().filter(|file| file.frames > 0);
        Some((holding().next()?.base, holding().next_back()?.last))
    }

    /// Where each term of the log begins.
    pub fn terms(&self) -> Vec<(Term, Index)> {
        let mut terms: Vec<(Term, Index)> = Vec::new();
        for (term, index) in self.log.files.iter().flat_map(|file| &file.terms) {
            if terms.last().is_none_or(|(last, _)| last < term) {
                terms.push((*term, *index));
            }
        }
        terms
    }

    /// Whether there is no log and no snapshot, sound or not.
    fn is_empty(&self) -> bool {
        let log = &self.log;
        log.files.is_empty()
            && log.spares.is_empty()
            && self.rocks.is_none()
            && self.snapshots.is_empty()
            && self.notes.is_empty()
            && self.faults.is_empty()
    }

    fn fault(&mut self, path: PathBuf, what: impl Into<String>) {
        self.faults.push(Error::Corrupt { path, offset: 0, what: what.into() });
    }

    /// Votes and log are made in this order, before anything is promised: one that is missing beside what comes later was
    /// there, and a vote would be given a second time, or entries forgotten.
    fn miss(&mut self, dir: &Path, has_votes: bool, has_log: bool) {
        let is_used = self.votes.as_ref().is_some_and(|votes| votes.number > 0);
        let has_entries = !self.log.files.is_empty() || !self.snapshots.is_empty() || self.rocks.is_some();
        if !has_votes && has_entries {
            self.fault(dir.join("VOTE"), "missing, although the directory holds data");
        } else if !has_votes {
            self.notes.push("VOTE: missing: opening makes it".to_owned());
        }
        match (&self.rocks, has_log) {
            (Some(rocks), true) => {
                let (path, what) = (rocks.clone(), "a second log beside the one in `log`: a node has one");
                self.fault(path, what);
            }
            (None, false) if is_used || !self.snapshots.is_empty() => {
                self.fault(dir.join("log"), "missing: what this node acknowledged may be gone");
            }
            (None, false) => self.notes.push("log: missing: opening makes it".to_owned()),
            _ => {}
        }
    }

    fn take_snapshots(&mut self, files: SnapshotFiles) {
        self.faults.extend(files.faults);
        let draft = |path: &PathBuf| format!("{} was begun: opening removes it", path.display());
        self.notes.extend(files.drafts.iter().map(draft));
        for file in files.whole {
            let read = || -> std::io::Result<(Membership, Index)> {
                let mut blocks = file.read().map_err(std::io::Error::other)?;
                let snapshot = read_members(&mut blocks)?;
                Ok((snapshot.membership, skip_to_position(&mut blocks)?))
            };
            match read() {
                Ok((membership, position)) => {
                    self.members = Some((file.head.last.index, membership));
                    self.snapshots.push((file, position));
                }
                Err(error) => self.fault(file.path().to_path_buf(), error.to_string()),
            }
        }
    }

    /// What the log says is later news than what a snapshot says, unless it ends before that.
    fn know_members(&mut self) {
        let known = self.members.as_ref().map_or(Index::ORIGIN, |(index, _)| *index);
        for file in &self.log.files {
            for (index, bytes) in file.memberships.iter().filter(|(index, _)| *index > known) {
                match Membership::decode(bytes) {
                    Ok(membership) => self.members = Some((*index, membership)),
                    Err(fault) => {
                        let what = format!("the members at {index}: {fault}");
                        self.faults.push(Error::Corrupt { path: file.path.clone(), offset: 0, what });
                    }
                }
            }
        }
    }

    /// As [`recovery::recover`] does.
    fn compare(&mut self, dir: &Path) {
        let log = dir.join("log");
        let first = self.log.files.first().map_or(Index::ORIGIN.next(), |file| file.base);
        let newest = self.snapshots.last().map(|(file, _)| file.head);
        let reached = newest.map_or(Index::ORIGIN, |head| head.last.index);
        if first > reached.next() {
            let what = match newest {
                None => format!("the log begins at {first}, and there is no snapshot that is whole"),
                Some(_) => format!("the log begins at {first}, the newest snapshot ends at {reached}"),
            };
            self.fault(log.clone(), what);
        }
        let Some(votes) = &self.votes else { return };
        let (known, cluster) = (votes.vote.term, votes.vote.cluster);
        let latest = self.terms().last().map_or(Term::ORIGIN, |(term, _)| *term);
        if latest > known {
            self.fault(log, recovery::lost_vote(latest, known));
        }
        let foreign = self.snapshots.iter().filter(|(file, _)| file.head.cluster.0 != cluster);
        let foreign: Vec<PathBuf> = foreign.map(|(file, _)| file.path().to_path_buf()).collect();
        foreign.into_iter().for_each(|path| self.fault(path, "of another cluster than the vote"));
        let later = self.snapshots.iter().filter(|(file, _)| file.head.last.term > known);
        let later: Vec<_> = later.map(|(file, _)| (file.path().to_path_buf(), file.head.last.term)).collect();
        for (path, term) in later {
            self.fault(path, format!("of term {term}, the vote knows {known} only"));
        }
    }

    fn note_what_is_seen_to(&mut self) {
        for file in &self.log.files {
            if let Some(at) = file.torn_at {
                let path = file.path.display();
                self.notes.push(format!("{path}: torn at offset {at}: opening cuts it there"));
            }
        }
        for at in self.votes.iter().flat_map(|votes| &votes.damaged) {
            self.notes.push(format!("VOTE: a copy at offset {at} is damaged: the other one counts"));
        }
        let last = self.entries().map_or(Index::ORIGIN, |(_, last)| last);
        if let Some((file, _)) = self.snapshots.last()
            && self.rocks.is_none()
            && last < file.head.last.index
        {
            let (path, end) = (file.path().display(), file.head.last.index);
            self.notes.push(format!("the log ends at {last}, before {path}: it is begun anew behind {end}"));
        }
    }
}
