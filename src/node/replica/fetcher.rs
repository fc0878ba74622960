//! The thread that reads for followers that are far behind, and for logs that are damaged. A disk that reads slowly
//! delays only these.

use super::core::{Fetch, Shared};
use super::mending::proof;
use crate::env::log::{self, Level};
use crate::frame::Frame;
use crate::raft::Input;
use crate::raft::wire::{Letter, RepairAnswer, RepairReply, RepairRequest};
use crate::storage::Error;
use crate::types::{Index, NodeId};

enum Job {
    Fetch(Fetch),
    Repair(NodeId, RepairRequest),
}

pub(super) fn run(shared: &Shared) {
    while let Some(job) = next(shared) {
        match job {
            Job::Fetch(Fetch { to, from, bytes_max }) => {
                // What cannot be read is not sent; the follower asks again with its next answer.
                let frames = read(shared, to, from, bytes_max).unwrap_or_default();
                shared.step(Input::Fetched { to, frames });
            }
            Job::Repair(to, request) => {
                let answer = answer(shared, to, request);
                shared.send(to, &Letter::RepairReply(RepairReply { request, answer }));
            }
        }
    }
}

fn next(shared: &Shared) -> Option<Job> {
    let mut core = shared.core.lock();
    loop {
        if core.ended.is_some() {
            return None;
        }
        if let Some(fetch) = core.fetches.pop_front() {
            return Some(Job::Fetch(fetch));
        }
        if let Some((to, request)) = core.repairs.pop_first() {
            return Some(Job::Repair(to, request));
        }
        shared.fetch.wait(&mut core);
    }
}

fn read(shared: &Shared, to: NodeId, from: Index, bytes_max: usize) -> Result<Vec<Frame>, Error> {
    let outcome = shared.reader.0.read(from, bytes_max);
    outcome.inspect_err(|error| {
        if matches!(error, Error::Closed) {
            return;
        }
        log::emit(Level::Error, "log", format_args!("{to} cannot be fed from {from}: {error}"));
    })
}

/// What this node says to one whose log is damaged (E1 of `mending`).
fn answer(shared: &Shared, to: NodeId, request: RepairRequest) -> RepairAnswer {
    let refusal = {
        let core = shared.core.lock();
        proof::refusal(&request, core.raft.commit(), |index| core.raft.term_at(index))
    };
    if let Some(refusal) = refusal {
        return refusal;
    }
    let Ok(frames) = read(shared, to, request.from, shared.repair_bytes_max) else {
        return RepairAnswer::Unreadable;
    };
    let core = shared.core.lock();
    proof::answer(&request, frames, core.raft.commit(), |index| core.raft.term_at(index))
}
