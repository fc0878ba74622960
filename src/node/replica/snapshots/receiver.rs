//! The thread that takes a snapshot in, chunk by chunk.
//!
//! # Model
//! A draft grows from its beginning; a chunk that is not the next one is answered with what the next one is. When
//! it is whole it is synced, read back, verified (T3), and the core decides. Chunks of another snapshot, or of a
//! later leader, begin another draft. One that the log has overtaken is dropped, chunks or not.

use super::post::Taken;
use super::read_members;
use super::sections::skip_to_position;
use crate::env::log::{self, Level};
use crate::node::replica::core::Shared;
use crate::raft::Snapshot;
use crate::raft::wire::{Chunk, ChunkAnswer, ChunkReply, Letter};
use crate::storage::Error;
use crate::storage::snapshots::{Draft, SnapshotFile};
use crate::types::{Index, NodeId, Term};
use std::time::Duration;

/// A snapshot that came and was verified; it has no name yet.
#[derive(Debug)]
pub(in crate::node::replica) struct Received {
    pub(in crate::node::replica) draft: Draft,
    pub(in crate::node::replica) file: SnapshotFile,
    pub(in crate::node::replica) snapshot: Snapshot,
    /// The last entry that the host's state in it stands for.
    pub(in crate::node::replica) position: Index,
}

/// One that comes.
#[derive(Debug)]
struct Coming {
    from: NodeId,
    term: Term,
    digest: [u8; 32],
    last: Index,
    draft: Draft,
    /// Everything before this is in the draft.
    has: u64,
}

pub(super) fn run(shared: &Shared) {
    let mut coming: Option<Coming> = None;
    let mut number = 0;
    // The last one that was too large: its first chunks come several at a time.
    let mut too_large = None;
    loop {
        let patience = if coming.is_some() { shared.snapshots.options.resend_after } else { Duration::MAX };
        let taken = shared.snapshots.chunks.take(patience);
        let (_, commit, _) = shared.standing();
        coming = coming.filter(|coming| coming.last > commit);
        let (from, chunk) = match taken {
            Taken::Item(item) => item,
            Taken::Nothing => continue,
            Taken::Closed => return,
        };
        let (digest, bytes_max) = (chunk.digest, shared.snapshots.options.bytes_max);
        if chunk.bytes > bytes_max && too_large.replace(digest) != Some(digest) {
            let what =
                format_args!("the snapshot of {from}: {} bytes, bytes_max is {bytes_max}", chunk.bytes);
            log::emit(Level::Error, "log", what);
        }
        let answer = match judge(shared, &chunk) {
            Some(answer) => answer,
            None => {
                let draft = coming.take().filter(|coming| coming.goes_on(from, &chunk));
                let draft = match draft {
                    Some(draft) => Ok(draft),
                    None => {
                        number += 1;
                        Coming::begin(shared, from, &chunk, number)
                    }
                };
                match draft.and_then(|draft| take_in(shared, draft, (from, &chunk))) {
                    Ok((goes_on, answer)) => {
                        coming = goes_on;
                        Some(answer)
                    }
                    Err(_) if shared.snapshots.is_over() => return,
                    Err(error) => {
                        log::emit(Level::Error, "log", format_args!("the snapshot of {from}: {error}"));
                        Some(ChunkAnswer::Refused)
                    }
                }
            }
        };
        if let Some(answer) = answer {
            let reply = ChunkReply { term: shared.term(), digest, answer };
            shared.send(from, &Letter::ChunkReply(reply));
        }
    }
}

/// What can be said without looking into it: `Some(None)` is silence.
fn judge(shared: &Shared, chunk: &Chunk) -> Option<Option<ChunkAnswer>> {
    let (term, commit, is_installing) = shared.standing();
    if chunk.term < term || chunk.bytes > shared.snapshots.options.bytes_max {
        return Some(Some(ChunkAnswer::Refused));
    }
    // Its sender asks again, and hears more then.
    if is_installing {
        return Some(None);
    }
    (chunk.last.index <= commit).then_some(Some(ChunkAnswer::Whole))
}

impl Coming {
    fn begin(shared: &Shared, from: NodeId, chunk: &Chunk, number: u64) -> Result<Self, Error> {
        let draft = shared.snapshots.shelf.draft(&format!("incoming-{number}"))?;
        let Chunk { term, digest, last, .. } = *chunk;
        Ok(Self { from, term, digest, last: last.index, draft, has: 0 })
    }

    /// Whether the chunk is a part of it. A later leader may go on with what an earlier one has begun: the digest
    /// says that it is the same.
    fn goes_on(&self, from: NodeId, chunk: &Chunk) -> bool {
        self.digest == chunk.digest && (self.from == from || chunk.term > self.term)
    }
}

/// Writes a chunk. The snapshot goes on to come, unless this was its last one.
fn take_in(
    shared: &Shared,
    mut coming: Coming,
    (from, chunk): (NodeId, &Chunk),
) -> Result<(Option<Coming>, ChunkAnswer), Error> {
    (coming.from, coming.term) = (from, chunk.term);
    if chunk.offset == coming.has {
        coming.draft.write(&chunk.data, chunk.offset)?;
        coming.has += chunk.data.len() as u64;
    }
    if coming.has < chunk.bytes {
        let has = coming.has;
        return Ok((Some(coming), ChunkAnswer::Next(has)));
    }
    let Coming { mut draft, .. } = coming;
    draft.sync()?;
    let file = draft.verify(&|| shared.snapshots.is_over())?;
    let (snapshot, position) = verify(shared, &file, chunk)?;
    shared.received((from, chunk.term), Received { draft, file, snapshot, position });
    Ok((None, ChunkAnswer::Whole))
}

/// What is inside has to be what the chunks have said, and of this cluster.
fn verify(shared: &Shared, file: &SnapshotFile, chunk: &Chunk) -> Result<(Snapshot, Index), Error> {
    let corrupt = |what: String| Error::Corrupt { path: file.path().to_path_buf(), offset: 0, what };
    if (file.digest, file.bytes) != (chunk.digest, chunk.bytes) {
        return Err(corrupt("it is not the one that was announced".to_owned()));
    }
    if file.head.cluster != shared.cluster || file.head.last != chunk.last {
        return Err(corrupt(format!("it is of another cluster, or ends with {}", file.head.last)));
    }
    let mut blocks = file.read()?;
    let snapshot = read_members(&mut blocks).map_err(|error| corrupt(error.to_string()))?;
    let position = skip_to_position(&mut blocks).map_err(|error| corrupt(error.to_string()))?;
    Ok((snapshot, position))
}
