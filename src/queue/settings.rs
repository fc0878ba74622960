//! What a queue is made of, checked once.

use super::Error;
use crate::pool::PoolSettings;
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
}
