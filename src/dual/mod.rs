//! The two chains: when a block is due, what makes it agreed, when it is final, and how well it goes.
//! No clock, thread, lock or disk: `node` owns those.
//!
//! # Model
//! ```text
//!            +------------------ one Chain per chain, stepped by its own thread ----------------+
//!  timer --> | Schedule --> ChainConsensus --> finality (depth blocks on top) --> HealthMachine | --> effects
//!            |  (timing)     (solo | later PBFT)                                                |
//!            +----------------------------------------------------------------------------------+
//!  Alpha  |1....|2....|3....|4....        one block in 15 s; block k names the highest final Delta
//!  Delta  |1|2|3|4|5|6|7|8|9|10|11|...     block it knows at height 5k or below (and the reverse)
//!
//!  slot due -> Build -> Built -> (consensus) Persist -> Persisted -> Commit -> Apply -> Applied
//!           -> Announce(events) -> Announced -> next SetTimer
//! ```
//! Degradation, per chain; every transition is an event and a metric:
//!
//! | state | trigger | what clients see | way back |
//! |---|---|---|---|
//! | Healthy | start; recovery done | full service | |
//! | Degraded | finality late by more than `health.degraded_intervals` | blocks of half size | 1 on-time final block: Recovering |
//! | Stalled | finality late by more than `health.stalled_intervals`, or the chain's thread is down | submissions queue up, nothing becomes final | the thread runs again: Recovering |
//! | Recovering | finality advances after Degraded or Stalled, or a restart from the log | full service | `health.recovery_blocks` on-time final blocks: Healthy |
//!
//! # Invariants
//! I1 heights are dense: block h+1 names the hash of block h.
//! I2 a block is applied only after it is durable, and exactly once.
//! I3 a block is final when `finality.depth` durable blocks follow it; finality never moves back.
//! I4 an event is announced once, in sequence, after the block that caused it is durable.
//! I5 header times grow strictly and stay within `clock.skew_ms` of the proposer's clock.
//!
//! # Deviations
//! Agreement is by one validator ([`Solo`]) until the Byzantine engine takes its place behind
//! [`ChainConsensus`]. State is a running commitment over the transactions ([`LedgerState`]).

mod chain;
mod consensus;
mod event;
mod health;
mod settings;
mod solo;
mod state;
mod timing;

pub use chain::{BuildOrder, Chain, Effect, Input, Restored, Tip};
pub use consensus::{ChainConsensus, ConsensusEffect, ConsensusInput};
pub use event::{Event, EventKind};
pub use health::{HealthMachine, HealthState, Transition};
pub use settings::{ALPHA_DELTA_RATIO, ChainSettings};
pub use solo::Solo;
pub use state::{ChainState, LedgerState};
pub use timing::Schedule;
