//! What a segment is made of, and what it says of itself.

#[cfg(not(modelled))]
use std::path::PathBuf;

#[cfg(not(modelled))]
/// Where a segment is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SharedPlace {
    /// In memory without a name, sealed against being cut short. Producers attach by descriptor, or
    /// by the path `/proc/PID/fd/N` that the segment gives.
    Memory,
    /// A new file, removed when the segment is closed; in `/dev/shm` to stay off disks.
    File(PathBuf),
}

/// Shape of a segment of shared lanes.
#[cfg(not(modelled))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedSettings {
    /// In memory, or in a file.
    pub place: SharedPlace,
    /// Cells of each lane, a power of two up to 2^20. A small lane refuses early.
    pub lane_cells: usize,
    /// Producers that can be attached at the same time, 1 to 1024; one that finds no seat is refused.
    pub seats: usize,
    /// Bytes of the room of each producer, a multiple of 64: what it can have waiting, each transaction with
    /// 32 bytes more and rounded up to 64. It also bounds the largest transaction. All of it is allocated
    /// when the segment is made.
    pub part_bytes: usize,
}

#[cfg(not(modelled))]
impl Default for SharedSettings {
    /// In memory, lanes of 4096 cells, 16 seats with 1 MiB each.
    fn default() -> Self {
        Self { place: SharedPlace::Memory, lane_cells: 4096, seats: 16, part_bytes: 1 << 20 }
    }
}

/// Counters of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SharedStats {
    /// Transactions taken out so far, all lanes together.
    pub accepted: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Cells passed over because they, or the record they named, made no sense.
    pub corrupt: u64,
    /// Tickets passed over because later ones were filled.
    pub gaps: u64,
    /// Times that a tail beyond the first unfilled ticket was corrected.
    pub tails: u64,
    /// Seats of the segment.
    pub seats: u64,
    /// Seats that are taken, by living producers or by dead ones whose seat nobody needed yet.
    pub seats_taken: u64,
    /// Seats taken over from processes that had ended. Told by the producers themselves.
    pub seats_recovered: u64,
    /// True once closed.
    pub closed: bool,
}
