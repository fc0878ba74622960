//! The thread that reads for followers that are far behind, and for logs that are damaged. A disk that reads slowly
//! delays only these.

use super::core::{Fetch, Shared};
use crate::env::log::{self, Level};
use crate::frame::Frame;
use crate::raft::Input;
use crate::raft::wire::{Letter, RepairReply, RepairRequest};
use crate::types::{Index, NodeId};

enum Job {
    Fetch(Fetch),
    Repair(NodeId, RepairRequest, Index),
}

pub(super) fn run(shared: &Shared) {
    while let Some(job) = next(shared) {
        match job {
            Job::Fetch(Fetch { to, from, bytes_max }) => {
                let frames = read(shared, to, from, bytes_max);
                shared.step(Input::Fetched { to, frames });
            }
            Job::Repair(to, request, committed) => {
                let frames = committed_frames(shared, to, request, committed);
                shared.send(to, &Letter::RepairReply(RepairReply { from: request.from, frames }));
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
            return Some(Job::Repair(to, request, core.committed));
        }
        shared.fetch.wait(&mut core);
    }
}

/// What cannot be read is not sent; the follower asks again with its next answer.
fn read(shared: &Shared, to: NodeId, from: Index, bytes_max: usize) -> Vec<Frame> {
    shared.reader.0.read(from, bytes_max).unwrap_or_else(|error| {
        log::emit(Level::Error, "log", format_args!("{to} cannot be fed from {from}: {error}"));
        Vec::new()
    })
}

/// Only what is committed is the same everywhere, so only that may come from any node.
fn committed_frames(shared: &Shared, to: NodeId, request: RepairRequest, committed: Index) -> Vec<Frame> {
    let upto = request.to.min(committed);
    let mut frames = read(shared, to, request.from, shared.repair_bytes_max);
    frames.retain(|frame| frame.last().index <= upto);
    frames
}
