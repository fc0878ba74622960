//! The thread that writes: all that waits in one go, and one sync for it (group commit).
//!
//! # Invariants
//! G1 jobs are done in their order. What was written before a snapshot takes the log's place is durable, and the
//! core knows it, before that begins.

use super::ReplicaError;
use super::core::{Job, Shared};
use super::snapshots::{Received, Taken};
use crate::env::Clock;
use crate::env::log::{self, Level};
use crate::raft::{Input, Write, WriteId};
use crate::storage::Error;
use crate::storage::frames::FrameLog;
use crate::storage::votes::{Vote, VoteStore};
use crate::types::Tick;
use std::time::Duration;

/// After a next file could not be laid out, until the next attempt.
const REST: Duration = Duration::from_secs(5);

/// Until the replica ends, or a write fails (I2).
pub(super) fn run(shared: &Shared, log: Box<dyn FrameLog>, votes: Box<dyn VoteStore>) {
    let mut writer = Writer { shared, log, votes, group: None };
    loop {
        let jobs = {
            let mut core = shared.core.lock();
            shared.write.wait_while(&mut core, |core| core.ended.is_none() && core.jobs.is_empty());
            if core.ended.is_some() {
                return;
            }
            std::mem::take(&mut core.jobs)
        };
        let outcome = jobs.into_iter().try_for_each(|job| writer.carry_out(job)).and_then(|()| writer.sync());
        if let Err(error) = outcome {
            return shared.end(ReplicaError::Failed(error.to_string().into()));
        }
        writer.prepare();
    }
}

struct Writer<'a> {
    shared: &'a Shared,
    log: Box<dyn FrameLog>,
    votes: Box<dyn VoteStore>,
    /// What waits for the sync.
    group: Option<Group>,
}

/// Writes that share a sync.
struct Group {
    began: Tick,
    last: WriteId,
    bytes: u64,
}

impl Writer<'_> {
    fn carry_out(&mut self, job: Job) -> Result<(), Error> {
        match job {
            Job::Write(write) => self.write(write),
            Job::Install(received) => self.install(*received),
            Job::Cut(keep_from) => self.log.purge_front(keep_from),
        }
    }

    fn write(&mut self, write: Write) -> Result<(), Error> {
        let begun = Group { began: self.shared.clock.now(), last: write.id, bytes: 0 };
        let group = self.group.get_or_insert(begun);
        group.last = write.id;
        group.bytes += write.frames.iter().map(|frame| frame.encoded_bytes() as u64).sum::<u64>();
        if let Some(vote) = write.vote {
            let cluster = self.shared.cluster.0;
            self.votes.save(Vote { term: vote.term, candidate: vote.candidate, cluster })?;
        }
        if let Some(keep_to) = write.keep_to
            && keep_to < self.log.last()
        {
            self.log.truncate_back(keep_to)?;
        }
        self.log.append(&write.frames)
    }

    /// One sync for everything that was written, and the news of it.
    fn sync(&mut self) -> Result<(), Error> {
        if let Some(group) = self.group.take() {
            self.log.sync()?;
            self.shared.disk.wrote(group.bytes, self.shared.clock.now().since(group.began));
            self.shared.step(Input::Written(group.last));
        }
        Ok(())
    }

    /// The snapshot first, durably (T2): a crash from here on is recovered from it.
    fn install(&mut self, received: Received) -> Result<(), Error> {
        self.sync()?;
        let file = self.shared.snapshots.adopt(received)?;
        let last = file.head.last.index;
        self.log.reset(last.next())?;
        self.shared.installed(file);
        // Nothing in the log goes on from older ones.
        if let Err(error) = self.shared.snapshots.shelf.prune(last, 1) {
            log::emit(Level::Warn, "log", format_args!("an old snapshot stays: {error}"));
        }
        Ok(())
    }

    /// Has the next file laid out, so that a full one stalls nobody.
    fn prepare(&mut self) {
        let preparations = &self.shared.preparations;
        if preparations.is_idle()
            && let Some(preparation) = self.log.prepare_next()
        {
            preparations.push(preparation);
        }
    }
}

/// The body of the thread that lays files out.
pub(super) fn lay_out(shared: &Shared) {
    loop {
        match shared.preparations.take(Duration::MAX) {
            Taken::Item(preparation) => {
                // The log makes do without: it tries by itself when it needs the file.
                if let Err(error) = preparation.run() {
                    log::emit(Level::Warn, "log", format_args!("the next file is not ready: {error}"));
                    shared.preparations.rest(REST);
                }
            }
            Taken::Nothing => {}
            Taken::Closed => return,
        }
    }
}
