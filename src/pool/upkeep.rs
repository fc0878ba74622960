//! Taking memory ahead of demand, giving it back, and saying what there is.

use super::commit::STEP_BYTES_MAX;
use super::demand::{Action, Level};
use super::header::Header;
use super::leak::Tracker;
use super::overflow::Overflow;
use super::slab::{Class, Keeping};
use super::{BufferPool, ClassStats, Error, HugePages, PoolSettings, PoolStats, Upkeep, region};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::types::Tick;
use std::sync::{Arc, Weak};

/// What one [`BufferPool::maintain`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintenance {
    /// Buffers that got memory ahead of demand.
    pub grown: u64,
    /// Slabs given back to the system.
    pub evicted: u64,
    /// Their bytes.
    pub evicted_bytes: usize,
}

impl BufferPool {
    /// A pool that is kept as `upkeep` says.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::Unsupported`] when huge pages are required and the system has none;
    /// [`Error::Exhausted`] also when there is no memory for a warm-up.
    pub fn with_upkeep(settings: PoolSettings, upkeep: &Upkeep) -> Result<Arc<Self>, Error> {
        settings.check()?;
        upkeep.check(&settings)?;
        let huge = huge(upkeep.huge_pages)?;
        let mut classes = Vec::with_capacity(settings.classes.len());
        let mut base = 0;
        for (position, class) in settings.classes.iter().enumerate() {
            let initial = upkeep.initial_of(position);
            let keeping = Keeping {
                initial,
                shrink_after: upkeep.shrink_after,
                huge,
                keep_addresses: upkeep.keep_addresses,
            };
            classes.push(Class::new(position as u8, base as u32, *class, keeping));
            base += class.count_max;
        }
        let overflow = Overflow::new(base, settings.overflow);
        let headers = Header::table(base + overflow.slots()).ok_or(Error::Exhausted)?;
        let pool = Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            headers,
            classes: classes.into(),
            overflow,
            buffer_bytes_max: settings.buffer_bytes_max(),
            tracker: upkeep.leak_tracking.then(|| Box::new(Tracker::new())),
            exhausted: AtomicU64::new(0),
            stale_refused: AtomicU64::new(0),
        });
        if upkeep.warm_up {
            pool.warm_all(upkeep)?;
        }
        Ok(pool)
    }

    fn warm_all(&self, upkeep: &Upkeep) -> Result<(), Error> {
        for (position, class) in self.classes.iter().enumerate() {
            let wanted = upkeep.initial_of(position) as u64;
            if class.commit(&self.headers, &mut class.slow.lock(), wanted) < wanted {
                return Err(Error::Exhausted);
            }
            if upkeep.huge_pages == HugePages::Require && !class.slabs.are_huge() {
                return Err(no_huge_pages());
            }
        }
        Ok(())
    }

    /// Takes memory for `count` buffers, in use or not, of the class that serves `len`, and touches it, so
    /// that acquiring them waits for nothing. Answers how many got memory now: whole slabs, fewer when the
    /// system refuses, none when there was enough.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when no class serves `len`.
    pub fn warm_up(&self, len: usize, count: usize) -> Result<u64, Error> {
        let Some(class) = self.classes.iter().find(|class| class.buffer_bytes >= len) else {
            let max = self.classes.last().map_or(0, |class| class.buffer_bytes);
            return Err(Error::TooLarge { len, max });
        };
        Ok(class.commit(&self.headers, &mut class.slow.lock(), count as u64))
    }

    /// Lets memory follow demand: to be called now and then, every second or so, by any one thread.
    ///
    /// A class that is nearly used up gets a quarter more memory; one whose demand stayed low for
    /// [`Upkeep::shrink_after`] gives back the slabs that were not used for longest, down to its initial
    /// size. `now` never goes back. A call costs microseconds, and milliseconds when it looks for idle
    /// slabs, a few times in that span, or moves memory: 64 MiB at most, which may take tens of them. What is left to
    /// do is for the next calls.
    pub fn maintain(&self, now: Tick) -> Maintenance {
        let mut done = Maintenance::default();
        let mut bytes_left = STEP_BYTES_MAX;
        for class in &self.classes {
            class.maintain(&self.headers, now, &mut bytes_left, &mut done);
        }
        done
    }

    /// Gives memory of free buffers back to the system, least recently used slabs first, keeping memory for
    /// at least `keep_free` free buffers in each class; answers the number of bytes.
    ///
    /// Only slabs without a buffer in use can go; the initial size is no bound here.
    pub fn trim(&self, keep_free: usize) -> usize {
        self.classes.iter().map(|class| class.trim(&self.headers, keep_free).bytes).sum()
    }

    /// What happened so far.
    pub fn stats(&self) -> PoolStats {
        let mut stats = PoolStats {
            exhausted: self.exhausted.load(Ordering::Relaxed),
            stale_refused: self.stale_refused.load(Ordering::Relaxed),
            huge_pages: !self.classes.is_empty() && self.classes.iter().all(|class| class.slabs.are_huge()),
            unmaps_refused: self.classes.iter().map(|class| class.slabs.unmaps_refused()).sum(),
            ..PoolStats::default()
        };
        for class in &self.classes {
            stats.add_class(&class.stats(&self.headers));
        }
        stats.add_overflow(self.overflow.count(&self.headers));
        stats.released = stats.acquired.saturating_sub(stats.in_use);
        stats
    }

    /// The same of each class, smallest buffers first; the overflow has none.
    pub fn class_stats(&self) -> Vec<ClassStats> {
        self.classes.iter().map(|class| class.stats(&self.headers)).collect()
    }
}

impl Class {
    fn maintain(&self, headers: &[Header], now: Tick, bytes_left: &mut usize, done: &mut Maintenance) {
        let slow = &mut *self.slow.lock();
        let in_use = self.in_use(headers);
        self.note_high(slow, in_use);
        let action = slow.demand.step(now, Level { resident: self.resident(), in_use });
        let room = self.slots_of(*bytes_left);
        let whole = match action {
            Action::Hold => return,
            Action::Look => return self.look(headers, slow),
            Action::Grow(to) => {
                let next = to.min(self.furnished(headers) + room);
                let grown = self.commit(headers, slow, next);
                done.grown += grown;
                *bytes_left = bytes_left.saturating_sub(grown as usize * self.stride);
                // When the system refuses, to go on is for the next decision.
                next == to || self.furnished(headers) < next
            }
            Action::Shrink(to) => {
                let (last, next) = (to.max(in_use), self.resident().saturating_sub(room));
                let evicted = self.evict(headers, slow, last.max(next));
                done.evicted += evicted.slabs;
                done.evicted_bytes += evicted.bytes;
                *bytes_left = bytes_left.saturating_sub(evicted.bytes);
                // When no more slabs are idle, likewise.
                next <= last || self.resident() > next
            }
        };
        if !whole {
            slow.demand.cut_short(action);
        }
    }
}

/// Whether slabs ask for huge pages.
fn huge(wanted: HugePages) -> Result<bool, Error> {
    match wanted {
        HugePages::Off => Ok(false),
        HugePages::Try => Ok(region::huge_pages_are_given()),
        HugePages::Require if region::huge_pages_are_given() => Ok(true),
        HugePages::Require => Err(no_huge_pages()),
    }
}

fn no_huge_pages() -> Error {
    Error::Unsupported("this system gives no huge pages on advice (transparent_hugepage)".to_owned())
}
