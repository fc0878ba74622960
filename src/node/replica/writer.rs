//! The thread that writes: all that waits in one go, and one sync for it (group commit).

use super::ReplicaError;
use super::core::Shared;
use crate::env::Clock;
use crate::raft::{Input, Write};
use crate::storage::Error;
use crate::storage::frames::FrameLog;
use crate::storage::votes::{Vote, VoteStore};
use std::collections::VecDeque;

/// Until the replica ends, or a write fails (I2).
pub(super) fn run(shared: &Shared, mut log: Box<dyn FrameLog>, mut votes: Box<dyn VoteStore>) {
    loop {
        let writes = {
            let mut core = shared.core.lock();
            shared.write.wait_while(&mut core, |core| core.ended.is_none() && core.writes.is_empty());
            if core.ended.is_some() {
                return;
            }
            std::mem::take(&mut core.writes)
        };
        let Some(last) = writes.back().map(|write| write.id) else { continue };
        let bytes =
            writes.iter().flat_map(|write| &write.frames).map(|frame| frame.encoded_bytes() as u64).sum();
        let began = shared.clock.now();
        if let Err(error) = carry_out(shared, writes, &mut *log, &mut *votes) {
            return shared.end(ReplicaError::Failed(error.to_string().into()));
        }
        shared.disk.wrote(bytes, shared.clock.now().since(began));
        shared.step(Input::Written(last));
    }
}

fn carry_out(
    shared: &Shared,
    writes: VecDeque<Write>,
    log: &mut dyn FrameLog,
    votes: &mut dyn VoteStore,
) -> Result<(), Error> {
    for write in writes {
        if let Some(vote) = write.vote {
            let cluster = shared.cluster.0;
            votes.save(Vote { term: vote.term, candidate: vote.candidate, cluster })?;
        }
        if let Some(keep_to) = write.keep_to
            && keep_to < log.last()
        {
            log.truncate_back(keep_to)?;
        }
        log.append(&write.frames)?;
    }
    log.sync().map(drop)
}
