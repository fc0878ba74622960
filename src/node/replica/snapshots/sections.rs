//! What a snapshot of a replica holds.
//!
//! # Model
//! ```text
//! members     who is in, and where
//! dedup       which repetitions are known
//! position    u64 LE: the last entry that `host` stands for. Only of a host that is polled: its state may end within
//!             the frame behind the last entry of the snapshot
//! host        the host's state
//! ```
//! Sections in this order. Without a position the host's state ends where the snapshot does.

use crate::frame::ENTRIES_CEILING;
use crate::raft::{Membership, Snapshot};
use crate::storage::snapshots::Blocks;
use crate::types::Index;
use std::io::{self, Read};

pub(super) const MEMBERS: &str = "members";
pub(super) const DEDUP: &str = "dedup";
pub(super) const POSITION: &str = "position";
pub(in crate::node::replica) const HOST: &str = "host";

/// Any membership fits.
const MEMBERS_BYTES_MAX: u64 = 64 << 10;
/// Any deduplication fits.
const DEDUP_BYTES_MAX: u64 = 4 << 30;

/// A snapshot that is read: the members first.
///
/// # Errors
/// `Corrupt` when it is not sound, or not one of a replica.
pub(in crate::node::replica) fn read_members<R: Read>(blocks: &mut Blocks<R>) -> io::Result<Snapshot> {
    enter(blocks, MEMBERS)?;
    let bytes = rest(blocks, MEMBERS, MEMBERS_BYTES_MAX)?;
    let membership = Membership::decode(&bytes).map_err(|fault| invalid(format!("members: {fault}")))?;
    Ok(Snapshot { last: blocks.head().last, time: blocks.head().time, membership })
}

/// The bytes of the deduplication, and the last entry that the host's state stands for, which has to be read next; the
/// members were read.
///
/// # Errors
/// As [`read_members`].
pub(in crate::node::replica) fn read_dedup<R: Read>(blocks: &mut Blocks<R>) -> io::Result<(Vec<u8>, Index)> {
    enter(blocks, DEDUP)?;
    let bytes = rest(blocks, DEDUP, DEDUP_BYTES_MAX)?;
    Ok((bytes, read_position(blocks)?))
}

/// The last entry that the host's state stands for; the members were read.
///
/// # Errors
/// As [`read_members`].
pub(in crate::node::replica) fn skip_to_position<R: Read>(blocks: &mut Blocks<R>) -> io::Result<Index> {
    enter(blocks, DEDUP)?;
    read_position(blocks)
}

fn read_position<R: Read>(blocks: &mut Blocks<R>) -> io::Result<Index> {
    let last = blocks.head().last.index;
    let name = blocks.section()?.map(str::to_owned);
    if name.as_deref() != Some(POSITION) {
        return expect(name.as_deref(), HOST).map(|()| last);
    }
    let bytes = rest(blocks, POSITION, 8)?;
    let position =
        bytes.try_into().map(u64::from_le_bytes).map_err(|_| invalid("its position".to_owned()))?;
    enter(blocks, HOST)?;
    // It lies within the next frame, if not before it.
    if !(0..u64::from(ENTRIES_CEILING)).contains(&position.wrapping_sub(last.get())) {
        return Err(invalid(format!("a state up to {position} in a snapshot that ends with {last}")));
    }
    Ok(Index::new(position))
}

fn enter<R: Read>(blocks: &mut Blocks<R>, name: &str) -> io::Result<()> {
    expect(blocks.section()?, name)
}

fn expect(found: Option<&str>, name: &str) -> io::Result<()> {
    match found {
        Some(found) if found == name => Ok(()),
        found => Err(invalid(format!("section {found:?} instead of {name:?}"))),
    }
}

/// The bytes of the section that was entered, which is `name`. Memory grows as they come, not as something says.
fn rest<R: Read>(blocks: &mut Blocks<R>, name: &str, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if blocks.take(bytes_max + 1).read_to_end(&mut bytes)? as u64 > bytes_max {
        return Err(invalid(format!("section {name:?} is over {bytes_max} bytes")));
    }
    Ok(bytes)
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
