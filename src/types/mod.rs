//! The vocabulary: newtypes with their arithmetic and overflow policy, and the status table.
//!
//! # Model
//! Values only. Nothing here reads a clock, allocates per call or knows another layer.
//!
//! # Invariants
//! I1 an identifier of one kind never compiles where another kind is expected.
//! I2 a status number, once released, never changes its meaning (`status`).

mod block;
mod byzantine;
mod ids;
mod quorum;
mod status;
mod time;
mod transaction;

pub use block::{Block, BlockError, BlockView, Header, PeerReference};
pub use byzantine::{Preset, Thresholds, ThresholdsError};
pub use ids::{
    BlockHash, ChainId, ClusterId, Epoch, Height, Index, LaneId, LogId, NodeId, OpId, Sequence, SetHash,
    StateRoot, Term, TxId, TxRoot, ValidatorIndex, View,
};
pub use quorum::{Tally, majority, reached, tally};
pub use status::{Class, Status};
pub use time::{Tick, UnixNanos};
pub use transaction::{
    LANES_MAX, TRANSACTION_BYTES_CEILING, TRANSACTION_BYTES_MAX_DEFAULT, TRANSACTION_BYTES_MIN,
};
