//! What tests of the Raft core share: the words, one node alone, and a cluster in one thread. All of it uses
//! the public surface only, so that hosts are tested with what they have.
#![allow(dead_code, unused_imports, reason = "each suite uses a part")]

mod cluster;
mod disk;
mod garbage;
mod lone;
mod seen;
mod words;

pub(crate) use cluster::{Cluster, Host};
pub(crate) use disk::Disk;
pub(crate) use garbage::Besieged;
pub(crate) use lone::Lone;
pub(crate) use seen::Seen;
pub(crate) use words::*;
