//! What a pool is made of, checked once.

use super::Error;
use super::header::INDEXES_MAX;
use std::time::Duration;

/// Largest buffer that any pool can hold: 64 MiB.
pub(super) const BUFFER_BYTES_CEILING: usize = 64 << 20;
/// Most classes. Every acquisition looks through them in order.
const CLASSES_MAX: usize = 16;

/// One size of buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassSettings {
    /// Bytes that a buffer of this class holds. Too small a largest class sends normal transactions to the
    /// overflow, which allocates each time.
    pub buffer_bytes: usize,
    /// Most buffers of this class. Memory for them is taken slab by slab as they are needed.
    pub count_max: usize,
}

/// Buffers allocated one by one, for what no class can serve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OverflowSettings {
    /// Largest single buffer in bytes; 0 switches the overflow off.
    pub buffer_bytes_max: usize,
    /// Bound on all overflow buffers together, each counted in whole 4 KiB.
    pub total_bytes_max: usize,
}

/// Classes in ascending order of size, and the overflow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolSettings {
    /// The classes, smallest buffer first.
    pub classes: Vec<ClassSettings>,
    /// The overflow.
    pub overflow: OverflowSettings,
}

/// Whether buffers lie on huge pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HugePages {
    /// No.
    #[default]
    Off,
    /// Where the system has them; [`PoolStats::huge_pages`](super::PoolStats::huge_pages) tells.
    Try,
    /// Yes, or the pool is not made.
    Require,
}

/// How a pool takes and gives back memory, and what it notes about its buffers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upkeep {
    /// Buffers of each class that keep their memory once they have it, by position of the class; classes
    /// beyond the end have 0. Too many: an idle process stays large. Too few: after each quiet time the
    /// next burst waits for the system.
    pub initial: Vec<usize>,
    /// Take memory for the initial buffers when the pool is made, and touch it. Off: the first use of each
    /// page waits for the system. On: making the pool waits for all of them, seconds for gigabytes.
    pub warm_up: bool,
    /// How long demand has to stay low before memory goes back; zero: never. Short: memory comes and goes
    /// with each lull.
    pub shrink_after: Duration,
    /// Huge pages: fewer misses of the address cache for pools of many megabytes, at 2 MiB a slab. For small
    /// pools they waste memory.
    pub huge_pages: HugePages,
    /// Memory that is given back keeps its addresses: who looks at a buffer after giving it back finds zeros
    /// or another's bytes, and does not fault. For hosts whose views outlive their buffers, such as a JVM.
    /// Costs address space, and forbids the overflow.
    pub keep_addresses: bool,
    /// Note who acquires each buffer, for [`BufferPool::held`](super::BufferPool::held). It costs a lock
    /// and an entry of a tree for each acquisition.
    pub leak_tracking: bool,
}

impl Upkeep {
    /// [`shrink_after`](Self::shrink_after) unless said otherwise.
    pub const SHRINK_AFTER: Duration = Duration::from_secs(60);
}

impl Default for Upkeep {
    /// No initial buffers, memory goes back after a minute, small pages; leaks are tracked in debug builds.
    fn default() -> Self {
        Self {
            initial: Vec::new(),
            warm_up: false,
            shrink_after: Self::SHRINK_AFTER,
            huge_pages: HugePages::Off,
            keep_addresses: false,
            leak_tracking: cfg!(debug_assertions),
        }
    }
}

impl Upkeep {
    /// Initial buffers of a class.
    pub(super) fn initial_of(&self, class: usize) -> usize {
        self.initial.get(class).copied().unwrap_or(0)
    }

    /// # Errors
    /// [`Error::Config`] when it does not fit the pool.
    pub(super) fn check(&self, settings: &PoolSettings) -> Result<(), Error> {
        let classes = &settings.classes;
        if self.keep_addresses && settings.overflow.buffer_bytes_max > 0 {
            return Err(Error::Config("buffers of the overflow cannot keep their addresses".to_owned()));
        }
        if self.initial.len() > classes.len() {
            let (initial, classes) = (self.initial.len(), classes.len());
            return Err(Error::Config(format!("initial sizes for {initial} of {classes} buffer classes")));
        }
        for (class, initial) in classes.iter().zip(&self.initial) {
            if *initial > class.count_max {
                let ClassSettings { buffer_bytes, count_max } = class;
                return Err(Error::Config(format!(
                    "{initial} initial buffers of {buffer_bytes} bytes, at most {count_max}"
                )));
            }
        }
        Ok(())
    }
}

impl PoolSettings {
    /// The largest buffer that this pool can ever hand out.
    pub fn buffer_bytes_max(&self) -> usize {
        let class = self.classes.last().map_or(0, |class| class.buffer_bytes);
        class.max(self.overflow.buffer_bytes_max)
    }

    /// # Errors
    /// [`Error::Config`] says which value is wrong and what would be right.
    pub(super) fn check(&self) -> Result<(), Error> {
        let refuse = |what: String| Err(Error::Config(what));
        if self.classes.len() > CLASSES_MAX {
            return refuse(format!("{} buffer classes, at most {CLASSES_MAX}", self.classes.len()));
        }
        for class in &self.classes {
            if class.buffer_bytes == 0 || class.buffer_bytes > BUFFER_BYTES_CEILING {
                return refuse(format!("buffer_bytes {} not in 1..=64 MiB", class.buffer_bytes));
            }
            if class.count_max == 0 {
                return refuse(format!("no buffers in the class of {} bytes", class.buffer_bytes));
            }
        }
        if self.buffer_bytes_max() == 0 {
            return refuse("no buffer class and no overflow".to_owned());
        }
        if self.classes.windows(2).any(|pair| pair[0].buffer_bytes >= pair[1].buffer_bytes) {
            return refuse("buffer classes are not in ascending order".to_owned());
        }
        let overflow = self.overflow;
        if overflow.buffer_bytes_max > BUFFER_BYTES_CEILING {
            return refuse(format!("overflow buffer_bytes_max {} above 64 MiB", overflow.buffer_bytes_max));
        }
        if overflow.total_bytes_max < overflow.buffer_bytes_max {
            return refuse(format!(
                "overflow total_bytes_max {} below its buffer_bytes_max {}",
                overflow.total_bytes_max, overflow.buffer_bytes_max
            ));
        }
        let slots = self.classes.iter().fold(0_usize, |sum, class| sum.saturating_add(class.count_max));
        if slots > INDEXES_MAX {
            return refuse(format!("{slots} buffers, at most {INDEXES_MAX}"));
        }
        Ok(())
    }
}
