//! What a node of a replicated log must not forget beside its log: its term, its vote, its cluster.
//!
//! # Model
//! ```text
//! VOTE   page 0: slot A   page 1: slot B   page 2: slot A again   page 3: slot B again
//! slot   0 magic [8]   8 version u32   12 zero u32   16 number u64   24 term u64   32 voted for u64
//!       40 cluster [16]   56 zero u32   60 crc u32
//! ```
//! Little-endian; the crc is CRC-32C over the 60 bytes before it. A save goes into the slot that is not the
//! latest, with the next number, into both of its copies with one flush; the latest slot is not touched.
//!
//! # Invariants
//! I1 what [`VoteStore::save`] returned from is there after any crash.
//! I2 a save that a crash caught leaves the vote before it, or its own.
//! I3 one damaged copy of either slot changes nothing: that it was damaged, and not torn, shows in the other.
//! I4 a file without one good copy is refused. Nothing is ever started over in silence: a vote forgotten is
//! a second vote in the same term.
//!
//! # Limits
//! Damage to both copies of the latest slot looks like a save that a crash caught: the vote before it
//! counts then.
//!
//! # Caller contract
//! One handle; the owner holds the directory's lock. A term never goes back, and a vote does not change
//! within a term: [`VoteStore::save`] asserts both.

use super::poison::Poison;
use super::{Error, durable};
use crate::codec::{Reader, Writer};
use crate::types::{NodeId, Term};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const NAME: &str = "VOTE";
const MAGIC: [u8; 8] = *b"DUOVOT\r\n";
const VERSION: u32 = 1;
const SLOT_BYTES: usize = 64;
const SLOT_CRC_AT: usize = SLOT_BYTES - 4;
const PAGE_BYTES: usize = 4096;
/// By slot, where its two copies stand.
const SLOT_AT: [[usize; 2]; 2] = [[0, 2 * PAGE_BYTES], [PAGE_BYTES, 3 * PAGE_BYTES]];
const FILE_BYTES: usize = 4 * PAGE_BYTES;

/// Bytes of a cluster's name.
pub const CLUSTER_BYTES: usize = 16;

/// Raft's persistent state beside the log (Raft, figure 2), and which cluster it is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vote {
    /// The latest term that the node has seen.
    pub term: Term,
    /// Whom it voted for in that term.
    pub candidate: Option<NodeId>,
    /// Chosen once, when the cluster was made.
    pub cluster: [u8; CLUSTER_BYTES],
}

/// Keeps the latest [`Vote`].
pub trait VoteStore: Send {
    /// The latest that was saved; [`Vote::default`] before the first.
    fn load(&self) -> Vote;

    /// Makes `vote` durable, before it returns.
    ///
    /// # Errors
    /// `Io`, `Full`, `ReadOnly` (poisoned from here on); `Poisoned`.
    ///
    /// # Panics
    /// When the term goes back, or the vote changes within a term.
    fn save(&mut self, vote: Vote) -> Result<(), Error>;
}

/// A [`VoteStore`] that nothing survives.
#[derive(Debug, Default)]
pub struct MemoryVotes(Vote);

impl VoteStore for MemoryVotes {
    fn load(&self) -> Vote {
        self.0
    }

    fn save(&mut self, vote: Vote) -> Result<(), Error> {
        assert_follows(self.0, vote);
        self.0 = vote;
        Ok(())
    }
}

/// Raft §5.4: a node votes for one candidate in a term.
fn assert_follows(before: Vote, vote: Vote) {
    assert!(vote.term >= before.term, "term {} after {}", vote.term, before.term);
    let is_changed = before.candidate.is_some() && vote.candidate != before.candidate;
    assert!(vote.term > before.term || !is_changed, "a second vote in term {}", vote.term);
}

/// A [`VoteStore`] in a file.
#[derive(Debug)]
pub struct FileVotes {
    path: PathBuf,
    file: File,
    /// Number of the latest slot; the parity says which one.
    number: u64,
    vote: Vote,
    poison: Poison,
}

impl FileVotes {
    /// Opens or creates the file in `dir`.
    ///
    /// # Errors
    /// `Corrupt` when no slot is good or the file has another length; `FormatTooNew`; `Io`, `Full`,
    /// `ReadOnly`.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        durable::create_dir(dir)?;
        let path = dir.join(NAME);
        let draft = durable::temporary_name(&path);
        if draft.exists() {
            durable::remove_file(&draft)?;
        }
        let content = match fs::read(&path) {
            Ok(content) => content,
            Err(error) if error.kind() == ErrorKind::NotFound => return Self::create(path),
            Err(error) => return Err(Error::from_io("read", &path, error)),
        };
        // The name may not be on the device yet; see I5 of `storage`.
        durable::sync_dir(dir)?;
        let (number, vote) = latest(&path, &content)?;
        let file = File::options().read(true).write(true).open(&path);
        let file = file.map_err(|source| Error::from_io("open", &path, source))?;
        let mut votes = Self { path, file, number, vote, poison: Poison::default() };
        // What was read may be in memory only; and a copy that was damaged is whole again after this.
        votes.write(number, vote)?;
        Ok(votes)
    }

    fn create(path: PathBuf) -> Result<Self, Error> {
        let mut content = vec![0; FILE_BYTES];
        let vote = Vote::default();
        for at in SLOT_AT[0] {
            content[at..at + SLOT_BYTES].copy_from_slice(&encode(0, vote));
        }
        let file = durable::create_file(&path, &content)?;
        Ok(Self { path, file, number: 0, vote, poison: Poison::default() })
    }

    fn write(&mut self, number: u64, vote: Vote) -> Result<(), Error> {
        let slot = encode(number, vote);
        for at in SLOT_AT[(number % 2) as usize] {
            durable::write_at(&self.file, &self.path, &slot, at as u64)?;
        }
        durable::sync_data(&self.file, &self.path)?;
        (self.number, self.vote) = (number, vote);
        Ok(())
    }
}

/// The file of a [`FileVotes`] as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VoteFile {
    /// The latest.
    pub vote: Vote,
    /// How often one was saved.
    pub number: u64,
    /// Where copies are that do not match their checksum, though they were written.
    pub damaged: Vec<u64>,
}

impl FileVotes {
    /// Reads the file in `dir`, whoever has it open, and changes nothing. `None`: there is none.
    ///
    /// # Errors
    /// `Corrupt`, `FormatTooNew`, `Io`.
    pub fn look(dir: &Path) -> Result<Option<VoteFile>, Error> {
        let path = dir.join(NAME);
        let content = match fs::read(&path) {
            Ok(content) => content,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::from_io("read", &path, error)),
        };
        let (number, vote) = latest(&path, &content)?;
        let slot = |at: usize| &content[at..at + SLOT_BYTES];
        let mut damaged = Vec::new();
        for copies in SLOT_AT {
            // The second slot is not written before the first save.
            let is_used = copies.iter().any(|at| slot(*at).iter().any(|byte| *byte != 0));
            let bad = copies.into_iter().filter(|at| is_used && decode(slot(*at)).is_none());
            damaged.extend(bad.map(|at| at as u64));
        }
        Ok(Some(VoteFile { vote, number, damaged }))
    }
}

impl VoteStore for FileVotes {
    fn load(&self) -> Vote {
        self.vote
    }

    fn save(&mut self, vote: Vote) -> Result<(), Error> {
        self.poison.check()?;
        assert_follows(self.vote, vote);
        let outcome = self.write(self.number + 1, vote);
        self.poison.guard(outcome)
    }
}

fn encode(number: u64, vote: Vote) -> Vec<u8> {
    let mut slot = Vec::with_capacity(SLOT_BYTES);
    Writer::new(&mut slot)
        .bytes(&MAGIC)
        .u32(VERSION)
        .u32(0)
        .u64(number)
        .u64(vote.term.get())
        .u64(vote.candidate.map_or(0, NodeId::get))
        .bytes(&vote.cluster)
        .u32(0);
    let crc = crc32c::crc32c(&slot);
    Writer::new(&mut slot).u32(crc);
    slot
}

/// The good slot with the highest number.
fn latest(path: &Path, content: &[u8]) -> Result<(u64, Vote), Error> {
    if content.len() != FILE_BYTES {
        let what = format!("{} bytes long instead of {FILE_BYTES}", content.len());
        return Err(Error::corrupt(path, 0, what));
    }
    let mut best: Option<(u64, Vote)> = None;
    for at in SLOT_AT.into_iter().flatten() {
        let slot = &content[at..at + SLOT_BYTES];
        let Some((version, number, vote)) = decode(slot) else { continue };
        if version > VERSION {
            return Err(Error::FormatTooNew { path: path.to_path_buf(), found: version, supported: VERSION });
        }
        if best.is_none_or(|(latest, _)| number > latest) {
            best = Some((number, vote));
        }
    }
    best.ok_or_else(|| Error::corrupt(path, 0, "no copy of either slot matches its checksum"))
}

/// Version, number and vote of a slot that matches its checksum.
fn decode(slot: &[u8]) -> Option<(u32, u64, Vote)> {
    let mut reader = Reader::new(slot);
    let is_ours = reader.array("magic").ok()? == MAGIC;
    let version = reader.u32("version").ok()?;
    reader.u32("zero").ok()?;
    let number = reader.u64("number").ok()?;
    let term = Term::new(reader.u64("term").ok()?);
    let candidate = NodeId::new(reader.u64("voted for").ok()?);
    let cluster = reader.array("cluster").ok()?;
    reader.u32("zero").ok()?;
    let fits = reader.u32("crc").ok()? == crc32c::crc32c(&slot[..SLOT_CRC_AT]);
    (is_ours && fits).then_some((version, number, Vote { term, candidate, cluster }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::platter::{self, Fate, Luck};
    use crate::storage::suite::TestDir;
    use crate::types::Status;

    fn vote(term: u64) -> Vote {
        Vote { term: Term::new(term), candidate: NodeId::new(term % 4), cluster: [7; CLUSTER_BYTES] }
    }

    fn file(dir: &TestDir) -> PathBuf {
        dir.path().join(NAME)
    }

    #[test]
    fn the_latest_vote_is_there_after_reopening() {
        let dir = TestDir::new();
        assert_eq!(FileVotes::open(dir.path()).unwrap().load(), Vote::default());
        for term in 1..10 {
            let mut votes = FileVotes::open(dir.path()).unwrap();
            votes.save(vote(term)).unwrap();
            assert_eq!(votes.load(), vote(term));
            assert_eq!(FileVotes::open(dir.path()).unwrap().load(), vote(term));
        }
        let mut memory = MemoryVotes::default();
        memory.save(vote(3)).unwrap();
        assert_eq!(memory.load(), vote(3));
    }

    #[test]
    fn a_vote_survives_a_kill_or_a_failed_sync_at_every_step_and_a_power_failure() {
        for fate in [Fate::Killed, Fate::SyncFails] {
            for at in 1..30 {
                let dir = TestDir::new();
                platter::install(dir.path(), Some((at, fate)));
                let mut saved = 0;
                if let Ok(mut votes) = FileVotes::open(dir.path()) {
                    while saved < 6 && votes.save(vote(saved + 1)).is_ok() {
                        saved += 1;
                    }
                    if saved < 6 {
                        assert_eq!(votes.save(vote(9)).unwrap_err().status(), Status::Poisoned);
                    }
                }
                let at_once = platter::look();
                platter::revive();
                let seen = FileVotes::open(dir.path()).unwrap().load();
                let reopened = platter::look();
                for (platter, least) in [(at_once, saved), (reopened, seen.term.get())] {
                    for luck in [Luck::Nothing, Luck::Everything, Luck::Some(at), Luck::Some(at * 31)] {
                        let after = TestDir::new();
                        platter.after_power_failure(luck, after.path());
                        platter::install(after.path(), None);
                        let found = FileVotes::open(after.path()).unwrap().load();
                        let is_one = found == Vote::default() || found == vote(found.term.get());
                        assert!(is_one && found.term.get() >= least, "{fate:?} at {at}: {found:?}");
                        assert!(found.term.get() <= saved + 1);
                    }
                }
                platter::remove();
            }
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_changes_nothing() {
        let dir = TestDir::new();
        let mut votes = FileVotes::open(dir.path()).unwrap();
        (1..4).for_each(|term| votes.save(vote(term)).unwrap());
        drop(votes);
        let whole = fs::read(file(&dir)).unwrap();
        for start in SLOT_AT.into_iter().flatten() {
            for bit in 0..SLOT_BYTES * 8 {
                let mut content = whole.clone();
                content[start + bit / 8] ^= 1 << (bit % 8);
                fs::write(file(&dir), content).unwrap();
                assert_eq!(FileVotes::open(dir.path()).unwrap().load(), vote(3));
            }
        }
    }

    #[test]
    fn a_torn_slot_falls_back_to_the_other_and_two_bad_ones_are_refused() {
        let dir = TestDir::new();
        let mut votes = FileVotes::open(dir.path()).unwrap();
        (1..4).for_each(|term| votes.save(vote(term)).unwrap());
        drop(votes);
        let whole = fs::read(file(&dir)).unwrap();
        let mut torn = whole.clone();
        SLOT_AT[1].iter().for_each(|at| torn[at + 20..at + SLOT_BYTES].fill(0));
        fs::write(file(&dir), &torn).unwrap();
        assert_eq!(FileVotes::open(dir.path()).unwrap().load(), vote(2));
        SLOT_AT[0].iter().for_each(|at| torn[at + 20..at + SLOT_BYTES].fill(0));
        for content in [&torn[..], &whole[..100], &[], &[0; FILE_BYTES]] {
            fs::write(file(&dir), content).unwrap();
            let Err(error) = FileVotes::open(dir.path()) else { panic!("opened") };
            assert!(matches!(&error, Error::Corrupt { path, .. } if *path == file(&dir)), "{error}");
        }
        let mut newer = whole;
        newer[8] = 2;
        let crc = crc32c::crc32c(&newer[..SLOT_CRC_AT]);
        newer[SLOT_CRC_AT..SLOT_BYTES].copy_from_slice(&crc.to_le_bytes());
        fs::write(file(&dir), newer).unwrap();
        let Err(error) = FileVotes::open(dir.path()) else { panic!("opened") };
        assert!(matches!(error, Error::FormatTooNew { found: 2, supported: 1, .. }), "{error}");
    }

    #[test]
    #[should_panic(expected = "a second vote in term 5")]
    fn a_second_vote_in_a_term_is_a_bug() {
        let mut votes = MemoryVotes::default();
        votes.save(vote(5)).unwrap();
        let _ = votes.save(Vote { candidate: NodeId::new(3), ..vote(5) });
    }

    #[test]
    #[should_panic(expected = "term 4 after 5")]
    fn a_term_that_goes_back_is_a_bug() {
        let mut votes = MemoryVotes::default();
        votes.save(vote(5)).unwrap();
        let _ = votes.save(vote(4));
    }
}
