//! Who has a buffer out, and since when.
//!
//! # Model
//! Acquiring notes the buffer's generation, the time and the place. Giving back notes nothing: it raises the
//! generation, which is how a report tells what is still out. So a pool that does not track pays for one
//! look at an absent tracker when it hands out a buffer, and nothing when it takes it back.
//!
//! # Limits
//! One entry for each buffer ever acquired, until a report finds that it came back. What a queue copies into
//! a buffer itself is not noted: it is the queue's.

use super::header::Header;
use super::{BufferPool, Error, Handle, Lease};
#[cfg(not(modelled))]
use crate::env::fork::ForkMutex;
use crate::env::{Clock, SystemClock};
use crate::types::Tick;
#[cfg(modelled)]
use parking_lot::Mutex as ForkMutex;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// Longest name of a place, in bytes; more is cut.
pub(super) const SITE_BYTES_MAX: usize = 119;
/// Threads that acquire at the same time mostly use different parts of the map.
const SHARDS: usize = 16;

/// Where a buffer was acquired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site(Place);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Code(&'static Location<'static>),
    Named(Arc<str>),
}

impl Site {
    /// The code that calls this.
    #[track_caller]
    pub fn caller() -> Self {
        Self(Place::Code(Location::caller()))
    }

    /// A place by name, such as file and line in another language. Cut after 119 bytes.
    pub fn named(name: &str) -> Self {
        let end = (0..=name.len().min(SITE_BYTES_MAX)).rev().find(|end| name.is_char_boundary(*end));
        Self(Place::Named(name[..end.unwrap_or(0)].into()))
    }
}

impl fmt::Display for Site {
    /// File and line, or the name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Code(location) => write!(f, "{}:{}", location.file(), location.line()),
            Place::Named(name) => f.write_str(name),
        }
    }
}

/// A buffer that is out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Names the buffer. It can be released by this only if whoever has it holds a handle and no lease.
    pub handle: Handle,
    /// Bytes that were asked for.
    pub len: usize,
    /// Time since it was acquired.
    pub age: Duration,
    /// Who acquired it.
    pub site: Site,
}

#[derive(Debug)]
struct Record {
    generation: u64,
    len: usize,
    since: Tick,
    site: Site,
}

/// The acquisitions of a pool.
#[derive(Debug)]
pub(super) struct Tracker {
    clock: SystemClock,
    shards: [ForkMutex<BTreeMap<u32, Record>>; SHARDS],
}

impl Tracker {
    pub(super) fn new() -> Self {
        Self { clock: SystemClock::new(), shards: std::array::from_fn(|_| ForkMutex::default()) }
    }

    /// Notes an acquisition, by its owner.
    fn note(&self, header: &Header, index: u32, len: usize, site: Site) {
        self.note_at(self.clock.now(), header, index, len, site);
    }

    fn note_at(&self, since: Tick, header: &Header, index: u32, len: usize, site: Site) {
        let record = Record { generation: header.generation(), len, since, site };
        self.shards[index as usize % SHARDS].lock().insert(index, record);
    }

    /// What is out for `older_than` or longer at `now`, longest first. Forgets what came back.
    fn held(&self, headers: &[Header], now: Tick, older_than: Duration) -> Vec<Held> {
        let mut held = Vec::new();
        for shard in &self.shards {
            let mut records = shard.lock();
            records.retain(|index, record| headers[*index as usize].is_out_since(record.generation));
            let old = records.iter().map(|(index, record)| Held {
                handle: Handle::new(record.generation, *index),
                len: record.len,
                age: now.since(record.since),
                site: record.site.clone(),
            });
            held.extend(old.filter(|held| held.age >= older_than));
        }
        held.sort_by(|a, b| b.age.cmp(&a.age).then(a.handle.get().cmp(&b.handle.get())));
        held
    }
}

impl BufferPool {
    /// As [`acquire`](Self::acquire), noting the place that `site` gives. It is asked only when the pool
    /// tracks leaks.
    ///
    /// # Errors
    /// As `acquire`.
    pub fn acquire_at(self: &Arc<Self>, len: usize, site: impl FnOnce() -> Site) -> Result<Lease, Error> {
        let lease = self.acquire_plain(len)?;
        if self.tracker.is_some() {
            self.track(lease.index(), len, site());
        }
        Ok(lease)
    }

    /// Notes who acquired a buffer, when the pool tracks.
    // It takes numbers: a buffer whose address went somewhere would lie in memory wherever it is used.
    #[cold]
    #[inline(never)]
    pub(super) fn track(&self, index: u32, len: usize, site: Site) {
        if let Some(tracker) = &self.tracker {
            tracker.note(self.header(index), index, len, site);
        }
    }

    /// True when the pool notes who acquires its buffers.
    pub const fn tracks_leaks(&self) -> bool {
        self.tracker.is_some()
    }

    /// Buffers that have been out for `older_than` or longer, longest first; zero lists all, as for a report
    /// when the pool is closed. Exact for whatever no other thread acquires or releases meanwhile.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the pool does not track ([`Upkeep::leak_tracking`](super::Upkeep)).
    pub fn held(&self, older_than: Duration) -> Result<Vec<Held>, Error> {
        let Some(tracker) = &self.tracker else {
            return Err(Error::Unsupported("the pool was made without leak_tracking".to_owned()));
        };
        Ok(tracker.held(&self.headers, tracker.clock.now(), older_than))
    }
}

#[cfg(all(test, not(modelled)))]
mod tests {
    use super::*;
    use crate::pool::{ClassSettings, PoolSettings};

    #[test]
    fn ages_count_from_the_acquisition_and_the_longest_comes_first() {
        let classes = vec![ClassSettings { buffer_bytes: 64, count_max: 8 }];
        let pool = BufferPool::new(PoolSettings { classes, ..PoolSettings::default() }).expect("valid");
        let tracker = Tracker::new();
        let at = |seconds| Tick::ZERO.after(Duration::from_secs(seconds));
        let mut leases: Vec<_> = (0..3).map(|_| pool.acquire(10).expect("there is one")).collect();
        for (lease, seconds) in leases.iter().zip([5, 1, 3]) {
            let index = lease.index();
            tracker.note_at(at(seconds), pool.header(index), index, 10, Site::named("here"));
        }
        let ages = |older_than| -> Vec<u64> {
            let held = tracker.held(&pool.headers, at(10), Duration::from_secs(older_than));
            held.iter().map(|held| held.age.as_secs()).collect()
        };
        assert_eq!(ages(0), [9, 7, 5]);
        assert_eq!(ages(7), [9, 7]);
        assert_eq!(ages(10), [0; 0]);
        drop(leases.remove(1));
        assert_eq!(ages(0), [7, 5], "what came back is not listed");
    }

    #[test]
    fn a_long_name_is_cut_between_two_characters() {
        let name = "\u{e9}".repeat(100);
        assert_eq!(Site::named(&name).to_string().len(), SITE_BYTES_MAX - 1);
        assert_eq!(Site::named("a.c:3").to_string(), "a.c:3");
        assert!(Site::caller().to_string().starts_with(file!()));
    }
}
