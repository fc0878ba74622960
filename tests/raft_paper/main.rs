//! The Raft paper as tests: one for each sentence of its rules, in the order of its sections; then those parts of
//! the thesis that the core follows, and what no paper mentions: limits, and peers that send anything.
//!
//! "Raft" is Ongaro and Ousterhout's extended version (2014), "thesis" is Ongaro's (2014). The names of the tests
//! are meant to be read in order, as a summary of both.
//!
//! Each test says first which sentence it proves, in the paper's words or in fewer, and what follows from it there. What is
//! "beyond the papers" is a rule of our own. `sentences.txt` goes the other way: from each rule of the paper to its
//! tests, or to why there is none. `tests/tidy` holds both.

#[path = "../support/raft/mod.rs"]
mod support;

mod bounds;
mod changing;
mod commitment;
mod compaction;
mod durability;
mod election;
mod figure2;
mod garbage;
mod handover;
mod hostile;
mod lost;
mod reading;
mod replication;
mod whole;
