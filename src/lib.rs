//! duochain: an embedded ledger core.
//!
//! A host opens a [`node::Node`], submits transactions to one of two chains, Alpha or Delta, and follows
//! events. Modules in layer order; each uses only those above it in this list:
//!
//! | layer | module | is |
//! |---|---|---|
//! | 0 | [`types`] | the vocabulary |
//! | 0 | [`codec`] | bytes in, valid values out |
//! | 0 | [`mod@frame`] | a batch of the replicated log |
//! | 0 | `sync`, [`mod@env`] | seams for model checking, time and logs |
//! | 1 | [`queue`] | the transaction queue |
//! | 1 | [`pool`] | pooled buffers with generation-checked handles |
//! | 1 | [`resilience`] | breaker, limiter, bulkhead, retry: pure policies and their composition |
//! | 1 | [`crypto`] | hashes, signatures, a verifiable random function |
//! | 2 | [`merkle`] | transaction roots and proofs |
//! | 2 | [`storage`] | logs and key-value stores |
//! | 3 | [`net`] | messages between nodes |
//! | 4 | [`validator`] | stake, validator sets, leaders, punishment |
//! | 4 | [`raft`] | agreement on a log among machines that may crash |
//! | 4 | [`bft`] | agreement on blocks among operators who may lie: quorums, selection, guards |
//! | 5 | [`dedup`] | which entries of a log are repetitions, decided by the log alone |
//! | 5 | [`dual`] | the two chains, without clock, thread or disk |
//! | 6 | [`node`] | where threads, time and disks meet |
//! | 6 | `sim` | the replicated log in a world that breaks, from one seed (feature `sim`) |
//! | 7 | [`ffi`] | the C interface |

pub mod types;

pub mod codec;
pub mod env;
pub mod frame;
mod sync;

pub mod crypto;
pub mod pool;
pub mod queue;
pub mod resilience;

pub mod merkle;
pub mod storage;

pub mod net;

pub mod bft;
pub mod raft;
pub mod validator;

pub mod dedup;
pub mod dual;

pub mod node;
#[cfg(any(test, feature = "sim"))]
pub mod sim;

pub mod ffi;
