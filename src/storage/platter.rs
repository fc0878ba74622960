//! What a device holds, as opposed to what the system shows: a model, for tests of power failures.
//!
//! # Model
//! ```text
//! Write, Cut, Grow -> shown, waiting ----Sync-----> on the device
//!                              `-- a Sync that fails --> shown, and never written any more
//! Create, Rename, Remove --> shown, waiting --SyncDir--> on the device
//! ```
//! The files themselves are what the system shows. [`Platter::after_power_failure`] makes a directory of
//! what the device holds, with as much of what waited as [`Luck`] says: sectors in any combination, names
//! in their order, as journals keep it.
//!
//! One thread, one platter: [`install`] is for the calling thread only. Syncs of the real file are left out
//! meanwhile, so that thousands of runs take seconds.
//!
//! # Source
//! Pillai et al., All File Systems Are Not Created Equal (OSDI 2014), for names and contents that reach the
//! device independently; Rebello et al. (USENIX ATC 2020) for what a failed sync leaves.

use super::durable::Step;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const SECTOR_BYTES: usize = 512;

/// What happens at one step, and from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The process is killed before the step: nothing happens any more until [`revive`].
    Killed,
    /// The first sync of a file or directory from this step on fails. The bytes it should have written are never
    /// written; names and a shorter length stay in the file system's journal, which fails as a whole or not at all.
    SyncFails,
}

/// How much of what waited reaches the device when the power fails.
#[derive(Clone, Copy, Debug)]
pub(super) enum Luck {
    Nothing,
    Everything,
    /// Some sectors and the first few names, by this number.
    Some(u64),
}

impl Luck {
    /// Whether the next one arrives.
    fn next(&mut self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Some(state) => {
                *state =
                    state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *state >> 63 == 1
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Cut(usize),
    Grow(usize),
}

#[derive(Clone, Debug, Default)]
struct Content {
    device: Vec<u8>,
    waiting: Vec<Change>,
}

#[derive(Clone, Debug)]
enum NameChange {
    Add(PathBuf, usize),
    Remove(PathBuf),
    Move { from: PathBuf, to: PathBuf },
}

/// The device, and what waits for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Platter {
    contents: Vec<Content>,
    shown: BTreeMap<PathBuf, usize>,
    device: BTreeMap<PathBuf, usize>,
    waiting: Vec<NameChange>,
    /// Directories in the order of their syncs.
    pub(super) synced: Vec<PathBuf>,
    /// Steps taken so far.
    pub(super) steps: u64,
    fate: Option<(u64, Fate)>,
    is_dead: bool,
}

thread_local! {
    static PLATTER: RefCell<Option<Platter>> = const { RefCell::new(None) };
}

/// A device under this thread that holds the files in `dir`, with `fate` at that step.
pub(super) fn install(dir: &Path, fate: Option<(u64, Fate)>) {
    let mut platter = Platter { fate, ..Platter::default() };
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let device = fs::read(&path).unwrap();
        platter.shown.insert(path, platter.contents.len());
        platter.contents.push(Content { device, waiting: Vec::new() });
    }
    platter.device = platter.shown.clone();
    PLATTER.set(Some(platter));
}

/// The device loses what `path` holds from `from` on, as after a sync that failed; it stays shown.
pub(super) fn lose(path: &Path, from: usize) {
    with(|platter| platter.content(path).device.truncate(from));
}

/// What the device holds under that name.
pub(super) fn held(path: &Path) -> Vec<u8> {
    with(|platter| platter.content(path).device.clone()).expect("installed before")
}

/// The device as it is now.
pub(super) fn look() -> Platter {
    with(|platter| platter.clone()).expect("installed before")
}

/// The next process: steps succeed again, the page cache is as it was.
pub(super) fn revive() {
    with(|platter| {
        platter.is_dead = false;
        platter.fate = None;
    });
}

/// Takes the device away from this thread.
pub(super) fn remove() {
    PLATTER.take();
}

fn with<T>(f: impl FnOnce(&mut Platter) -> T) -> Option<T> {
    PLATTER.with_borrow_mut(|platter| platter.as_mut().map(f))
}

/// Stands in for `f` where a platter is installed.
pub(super) fn take<T>(step: &Step<'_>, f: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    with(|platter| platter.see(step)).unwrap_or(Ok(()))?;
    f()
}

/// True when real syncs are left out.
pub(super) fn is_installed() -> bool {
    with(|_| ()).is_some()
}

impl Platter {
    fn see(&mut self, step: &Step<'_>) -> io::Result<()> {
        self.steps += 1;
        let fate = self.fate.filter(|(at, _)| self.steps >= *at).map(|(_, fate)| fate);
        if self.is_dead || fate == Some(Fate::Killed) {
            self.is_dead = true;
            return Err(io::Error::other("the process is dead"));
        }
        if fate == Some(Fate::SyncFails)
            && let Step::Sync(_) | Step::SyncDir(_) = step
        {
            self.fate = None;
            if let Step::Sync(path) = step {
                self.content(path).waiting.retain(|change| !matches!(change, Change::Write { .. }));
            }
            return Err(io::Error::other("injected: the device could not write"));
        }
        self.apply(step);
        Ok(())
    }

    fn apply(&mut self, step: &Step<'_>) {
        match *step {
            Step::Create(path) => {
                self.contents.push(Content::default());
                self.rename(NameChange::Add(path.to_owned(), self.contents.len() - 1));
            }
            Step::Write { path, at, bytes } => {
                let at = usize::try_from(at).expect("a small file");
                self.content(path).waiting.extend(sectors(at, bytes));
            }
            Step::Cut { path, bytes } => {
                let bytes = usize::try_from(bytes).expect("a small file");
                self.content(path).waiting.push(Change::Cut(bytes));
            }
            Step::Grow { path, bytes } => {
                let bytes = usize::try_from(bytes).expect("a small file");
                self.content(path).waiting.push(Change::Grow(bytes));
            }
            Step::Sync(path) => self.content(path).settle(Luck::Everything),
            Step::Rename { from, to } => {
                self.rename(NameChange::Move { from: from.to_owned(), to: to.to_owned() });
            }
            Step::Remove(path) => self.rename(NameChange::Remove(path.to_owned())),
            Step::SyncDir(dir) => {
                self.synced.push(dir.to_owned());
                let (synced, waiting) = self
                    .waiting
                    .drain(..)
                    .partition(|change: &NameChange| change.path().parent() == Some(dir));
                self.waiting = waiting;
                synced.iter().for_each(|change: &NameChange| change.apply(&mut self.device));
            }
        }
    }

    fn content(&mut self, path: &Path) -> &mut Content {
        &mut self.contents[self.shown[path]]
    }

    fn rename(&mut self, change: NameChange) {
        change.apply(&mut self.shown);
        self.waiting.push(change);
    }

    /// Writes what the device holds, and what of the rest luck brings, into the empty directory `to`.
    pub(super) fn after_power_failure(&self, mut luck: Luck, to: &Path) {
        let mut names = self.device.clone();
        for change in &self.waiting {
            if !luck.next() {
                break;
            }
            change.apply(&mut names);
        }
        for (path, content) in names {
            let mut content = self.contents[content].clone();
            content.settle(luck);
            fs::write(to.join(path.file_name().expect("a file")), content.device).unwrap();
        }
    }
}

/// One change per sector: a device writes each of them as a whole and in any order.
fn sectors(mut at: usize, mut bytes: &[u8]) -> Vec<Change> {
    let mut changes = Vec::new();
    while !bytes.is_empty() {
        let room = SECTOR_BYTES - at % SECTOR_BYTES;
        let (now, rest) = bytes.split_at(room.min(bytes.len()));
        changes.push(Change::Write { at, bytes: now.to_vec() });
        (at, bytes) = (at + now.len(), rest);
    }
    changes
}

impl Content {
    fn settle(&mut self, mut luck: Luck) {
        for change in self.waiting.drain(..) {
            match change {
                _ if !luck.next() => {}
                Change::Cut(bytes) => self.device.truncate(bytes),
                Change::Grow(bytes) => self.device.resize(self.device.len().max(bytes), 0),
                Change::Write { at, bytes } => {
                    let end = at + bytes.len();
                    // What lies between was not written: the file system shows zeros there.
                    self.device.resize(self.device.len().max(end), 0);
                    self.device[at..end].copy_from_slice(&bytes);
                }
            }
        }
    }
}

impl NameChange {
    fn path(&self) -> &Path {
        match self {
            Self::Add(path, _) | Self::Remove(path) | Self::Move { to: path, .. } => path,
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Add(path, content) => drop(names.insert(path.clone(), *content)),
            Self::Remove(path) => drop(names.remove(path)),
            Self::Move { from, to } => {
                let content = names.remove(from).expect("changes arrive in their order");
                names.insert(to.clone(), content);
            }
        }
    }
}
