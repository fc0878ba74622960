//! Files of a state as of one entry of the replicated log, in named sections.
//!
//! # Model
//! ```text
//!               SnapshotWriter                              Blocks
//! sections --> 4711.draft --sync, rename, sync dir--> 4711.snapshot --> sections again
//! chunks of a peer --> incoming-...draft --verify, rename, sync dir--^
//! ```
//! A [`SnapshotShelf`] is the directory. A file is named by the index of the last entry in it; `format` has the
//! bytes, `docs/snapshot-format.md` the same drawn and dumped. What a section means is its owner's business.
//!
//! # Invariants
//! S1 a file has the name of a snapshot only when all of it is durable and was read back or written here: a crash
//! at any step leaves the snapshots before it, and drafts, which the next opening removes.
//! S2 [`Blocks`] and [`Window`] hand nothing out whose checksums do not fit; nothing is called whole whose digest does not.
//! [`SnapshotFile::read_at`] gives bytes as they stand in the file, for who sends them on: the receiver verifies.
//! S3 every length is compared with a limit before anything is allocated for it.
//! S4 one content has one encoding.
//!
//! # Limits
//! [`BLOCK_BYTES_MAX`] of a file are in memory at a time, and 1 MiB that is read ahead. [`SECTIONS_MAX`] sections, names of
//! [`NAME_BYTES_MAX`] bytes. Every 8 MiB are synced, so that the disk is never busy
//! with a whole snapshot while a log wants its turn.
//!
//! # Caller contract
//! One shelf for a directory. Any thread may use it; two do not write the same draft.

mod blocks;
#[cfg(test)]
mod docs_test;
mod format;
mod inspect;
#[cfg(test)]
mod install_test;
mod shelf;
#[cfg(test)]
mod snapshots_test;
mod until;
mod window;
#[cfg(test)]
mod window_test;
mod writer;

pub use blocks::{Blocks, Unsound};
pub use format::{BLOCK_BYTES_MAX, NAME_BYTES_MAX, SECTIONS_MAX, SnapshotHead};
pub use inspect::SnapshotFiles;
pub use shelf::{Draft, SnapshotFile, SnapshotShelf, Stored};
pub use until::Until;
pub use window::Window;
pub use writer::{SectionError, SnapshotWriter};
