//! Three and five real processes on this machine, which are killed, stopped, cut off, starved of disk and damaged, while
//! clients append and read.
//!
//! Every scenario ends the same way: all works again, all nodes get to the same list with nothing in it twice, and
//! what each client was told is held against it (`judge.rs`); of one scenario by a checker in another language too, that knows
//! only the lines (`outside.py`). `DUO_HISTORIES=directory` keeps the histories, one file for each
//! scenario, in the form that `history.rs` describes, for checkers from elsewhere.
//!
//! | scenario | by |
//! |---|---|
//! | 5,000 entries in quiet | `quiet` |
//! | the leader dies and comes back; two of three die; kills again and again, of three and of five | `kills` |
//! | a leader without the others, one that is not heard, stopped processes | `partitions` |
//! | links of which one direction is lost | `one_way` |
//! | networks of their own, whose packets vanish | `namespaces` |
//! | a full disk, a slow one, a torn tail, damage in the middle | `disks` |
//! | nodes that were away for longer than the log is kept | `away` |
//! | a dead leader is replaced by a new node, a live one by another, and leaders die meanwhile | `members` |
//!
//! Tests in `mounted` and `namespaces` need the right to mount and to make networks: `cargo test` counts them as ignored,
//! `-- --ignored mounted:: namespaces::` runs them.
//!
//! Whether nodes have certificates, and whether they give snapshots so that their logs are cut, is drawn for each scenario; how
//! a value is handed over (a batch, an entry in either lane and at each level), and by what a repetition of it is
//! known (a session, an id, both), is drawn by clients for each value (`ways.rs`).
//!
//! `DUO_LOG_KILLS=100` kills that often, as `make test` does, and a quarter as often where there are five; without it ten
//! times.

#![expect(unsafe_code, reason = "signals and limits of processes are the system's functions")]

#[path = "../support/addresses.rs"]
mod addresses;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tls.rs"]
mod tls;
#[path = "../support/tmpfs.rs"]
mod tmpfs;
#[path = "../support/tools.rs"]
mod tools;

mod away;
mod between;
mod clients;
mod cluster;
mod disks;
mod history;
mod judge;
mod kills;
mod members;
mod namespaces;
mod node;
mod one_way;
mod outside;
mod partitions;
mod process;
mod proxy;
mod quiet;
mod state;
mod ways;
