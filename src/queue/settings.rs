//! What a queue is made of, checked once.

use super::Error;
use crate::pool::{INDEXES_MAX, PoolSettings, RUN_MAX};
use crate::types::{LANES_MAX, TRANSACTION_BYTES_CEILING, TRANSACTION_BYTES_MIN};

/// Most cells of one lane.
const LANE_CELLS_MAX: usize = 1 << 23;

/// How many threads may take from a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consumers {
    /// One at a time: the fast form.
    One,
    /// Any number at the same time.
    Many,
}

/// Shape of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// Cells of each lane, most urgent lane first; each a power of two from 1 to 2^23. A small lane
    /// refuses early, a large one lets old transactions pile up.
    pub lane_cells: Vec<usize>,
    /// How many threads take.
    pub consumers: Consumers,
    /// Of this many picks, one goes to the least urgent lane that has something; 0 is strict priority,
    /// under which a busy lane starves those after it.
    pub ageing: u32,
    /// Most transactions of a batch that share one cell: 1 to 32, and 1 with many consumers. With 1 a lane
    /// holds as many transactions as it has cells. With more, batches cost one compare-and-swap for so many
    /// transactions, and cells bound runs: how many transactions can wait is up to the pool.
    pub run_max: usize,
    /// Largest transaction in bytes.
    pub transaction_bytes_max: usize,
    /// Where the bytes live. A pool with fewer buffers than there are cells refuses before the lanes are
    /// full.
    pub pool: PoolSettings,
}

impl QueueSettings {
    /// # Errors
    /// [`Error::Config`] says which value is wrong and what would be right.
    pub(super) fn check(&self) -> Result<(), Error> {
        let refuse = |what: String| Err(Error::Config(what));
        if self.lane_cells.is_empty() || self.lane_cells.len() > LANES_MAX {
            return refuse(format!("{} lanes, not in 1..={LANES_MAX}", self.lane_cells.len()));
        }
        for cells in &self.lane_cells {
            if !cells.is_power_of_two() || *cells > LANE_CELLS_MAX {
                return refuse(format!("a lane of {cells} cells, not a power of two up to {LANE_CELLS_MAX}"));
            }
        }
        self.check_run_max()?;
        let bytes = self.transaction_bytes_max;
        if !(TRANSACTION_BYTES_MIN..=TRANSACTION_BYTES_CEILING).contains(&bytes) {
            return refuse(format!(
                "transaction_bytes_max {bytes} not in {TRANSACTION_BYTES_MIN}..={TRANSACTION_BYTES_CEILING}"
            ));
        }
        let largest = self.pool.buffer_bytes_max();
        if largest < bytes {
            return refuse(format!("the largest buffer has {largest} bytes, a transaction up to {bytes}"));
        }
        Ok(())
    }

    fn check_run_max(&self) -> Result<(), Error> {
        let refuse = |what: String| Err(Error::Config(what));
        if !(1..=RUN_MAX).contains(&self.run_max) {
            return refuse(format!("run_max {} not in 1..={RUN_MAX}", self.run_max));
        }
        if self.run_max > 1 && self.consumers == Consumers::Many {
            // One of them would keep a run to itself while the others go on with what came later.
            return refuse(format!("run_max {} with many consumers, which allow 1", self.run_max));
        }
        Ok(())
    }
}

/// Shape of a queue of bare handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandleSettings {
    /// Most entries at a time; a power of two from 1 to 2^23.
    pub cells: usize,
    /// How many threads take.
    pub consumers: Consumers,
    /// With one consumer and above 0: handles are below this number, 2^24 - 2 at most, and a batch is published
    /// in runs, for which the queue keeps 4 bytes a handle. 0: handles are only bounded by their 24 bits, and a
    /// batch is published one by one.
    pub handles: usize,
}

impl HandleSettings {
    /// The largest handle: two of the numbers of 24 bits mark an empty and a closed cell.
    pub(super) const HANDLE_MAX: u32 = INDEXES_MAX as u32 - 1;

    pub(super) fn handle_max(&self) -> u32 {
        match self.handles {
            0 => Self::HANDLE_MAX,
            handles => handles as u32 - 1,
        }
    }

    /// # Errors
    /// [`Error::Config`] says which value is wrong and what would be right.
    pub(super) fn check(&self) -> Result<(), Error> {
        let Self { cells, handles, .. } = *self;
        if !cells.is_power_of_two() || cells > LANE_CELLS_MAX {
            return Err(Error::Config(format!("{cells} cells, not a power of two up to {LANE_CELLS_MAX}")));
        }
        if handles > INDEXES_MAX {
            return Err(Error::Config(format!("{handles} handles, at most {INDEXES_MAX}")));
        }
        Ok(())
    }
}
