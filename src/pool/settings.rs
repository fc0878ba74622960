//! What a pool is made of, checked once.

use super::Error;
use super::header::INDEXES_MAX;

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
