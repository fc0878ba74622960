//! Where threads, time and disks meet: a node runs both chains for one host.
//!
//! # Model
//! ```text
//! host threads                      one thread per chain ("duo-alpha", "duo-delta")
//!   submit --> TxQueue lane --drain--> Proposer --Built--> dual::Chain --Persist--> block log (sync)
//!                                                              |--Apply---> state store (view of the log)
//!                                                              `--Announce> event log (sync)
//!   poll_completions <-- completions <-- final blocks             `--> subscribers
//! ```
//! On disk, under `data_dir`: `LOCK`, `FORMAT`, and per chain `blocks/` (record = block, index =
//! height), `events/` (record = event, index = sequence) and `state/` (a view that is rebuilt from the
//! blocks when it is behind or missing).
//!
//! # Invariants
//! I1 a completion or event is handed out only after the block that makes it true is durable.
//! I2 an accepted submission ends in exactly one completion while the node lives, through restarts of
//! its chain's thread too.
//! I3 neither chain waits for the other's work: each has its own queue, credits, thread, logs, store and
//! completion list. What both touch (signals to the host, the list of final blocks) is locked for a copy
//! of a few words.
//! I4 a transaction is in at most one block of a chain.
//!
//! # Limits
//! Two threads and the state stores' own workers; every list has a bound in the configuration.
//! Blocks are never dropped. Opening, and each restart of a chain's thread after a failure, reads and
//! checks the whole block log, one segment in memory at a time, and keeps 4 bytes a record: with weeks of
//! traffic the chain is Stalled for minutes.
//!
//! # Caller contract
//! `submit` accepts into memory only. What was accepted but is in no durable block is gone after a
//! crash; what a completion or an event said is not.

mod carry;
mod cell;
mod claim;
mod completion;
pub mod config;
mod disk;
mod driver;
mod error;
mod finals;
mod handle;
mod health;
mod metrics;
mod open;
mod proposer;
mod recovery;
pub mod replica;
mod shared;
mod signal;
mod subscription;
mod supervisor;
mod view;

pub use claim::NodeClaim;
pub use completion::Completion;
pub use config::{Config, ConfigError, KEYS, Key, Kind, Settings, read_text};
pub use error::Error;
pub use handle::Node;
pub use health::{ChainHealth, Health, RATIO_DRIFT_ALARM};
pub use metrics::{Metric, MetricKind};
pub use subscription::{CURSOR_NAME_BYTES_MAX, ChainSelect, Start, SubscribeOptions, Subscription};
pub use view::{Head, TxProof, TxState, TxStatus};

pub use crate::dual::{Event, EventKind, HealthState};
