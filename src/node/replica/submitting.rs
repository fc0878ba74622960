//! Entries from the stage into the core, by whoever is there.
//!
//! # Model
//! There is no thread for it. A caller that puts entries on the stage and finds the log's writer idle takes the core's
//! lock and lets the frame go itself; one that finds it busy leaves, since each step of the core ends by letting go what
//! is due: the writer's, when a sync is over, and that of a commit. A timer does so for entries that waited for
//! `latency`. So on the way from a caller to the commit and back two threads have to wake up, as for `append`.

use super::ReplicaError;
use super::batching::BatchLimits;
use super::core::{Core, Shared, refusal, tell};
use super::pending::{Pending, Waiter};
use super::stage::{Lane, NotStaged, Stage, Staged};
use super::waiting::{Part, WaitFor};
use crate::env::Clock;
use crate::frame::{Entry, FRAME_HEADER_BYTES, FrameLimits};
use crate::raft::{Input, Refusal, Role, Settings, Ticket};
use std::sync::Arc;

/// How entries are submitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubmitOptions {
    /// How urgent they are.
    pub lane: Lane,
    /// What their answer waits for.
    pub wait: WaitFor,
}

/// A stage for frames that a core of these settings takes.
pub(super) fn stage_for(limits: BatchLimits, settings: &Settings) -> Stage {
    let body_bytes_max = settings.frame_bytes_max - FRAME_HEADER_BYTES;
    let frame = FrameLimits { body_bytes_max, entries_max: settings.frame_entries_max };
    Stage::new(limits.fitted(&frame), frame)
}

impl Shared {
    /// Puts entries on the stage, and lets them go if nobody else will.
    pub(super) fn submit(
        &self,
        entries: &[Entry<'_>],
        options: SubmitOptions,
    ) -> Result<Pending, ReplicaError> {
        if self.is_of_parent() {
            return Err(ReplicaError::Closed);
        }
        let waiter = Arc::new(Waiter::default());
        let now = self.clock.now();
        let is_claimed = {
            let mut stage = self.stage.lock();
            if !stage.is_open || stage.is_closing {
                drop(stage);
                return Err(self.why_not());
            }
            let part = |count| Part { waiter: Arc::clone(&waiter), count, wait: options.wait };
            stage.push(options.lane, entries, part, now).map_err(|why| match why {
                NotStaged::Full => ReplicaError::Busy,
                NotStaged::Invalid => ReplicaError::Refused(Refusal::Invalid),
            })?;
            stage.claim(now)
        };
        if is_claimed {
            self.flush();
        }
        Ok(Pending(waiter))
    }

    /// Why nothing can be put on the stage.
    pub(super) fn why_not(&self) -> ReplicaError {
        let core = self.core.lock();
        match &core.ended {
            Some(error) => error.clone(),
            None if self.stage.lock().is_closing => ReplicaError::Refused(Refusal::Transferring),
            // It has just become the leader.
            None if core.raft.role() == Role::Leader => ReplicaError::Busy,
            None => self.not_leader(&core),
        }
    }

    fn not_leader(&self, core: &Core) -> ReplicaError {
        refusal(Refusal::NotLeader(core.raft.leader()), &core.members)
    }

    /// Lets go what is due.
    pub(super) fn flush(&self) {
        let mut core = self.core.lock();
        self.settle(&mut core);
        tell(core);
    }

    /// After each step: who waits for a level that is reached is to be told, and what is due on the stage goes.
    pub(super) fn settle(&self, core: &mut Core) {
        if core.ended.is_some() {
            return;
        }
        let leads = core.raft.role() == Role::Leader;
        core.note_levels();
        while let Some(staged) = self.next_staged(core, leads) {
            self.propose(core, staged);
            core.note_levels();
        }
    }

    /// Brings the stage up to date; takes the frame that goes now, or sees to a timer.
    fn next_staged(&self, core: &mut Core, leads: bool) -> Option<Staged> {
        let mut stage = self.stage.lock();
        stage.is_claimed = false;
        stage.is_idle = core.raft.durable() >= core.raft.last().index;
        core.waiting.report_to(&mut stage);
        if stage.is_closing {
            self.progress.notify_all();
        }
        if stage.is_open != leads {
            stage.is_open = leads;
            stage.unblock();
        }
        if stage.is_empty() {
            stage.is_armed = core.flush_at.is_some();
            return None;
        }
        if !leads {
            let error = Err(self.not_leader(core));
            for group in stage.clear() {
                group.tell_all(&error, &mut core.waiting.told);
            }
            return None;
        }
        let staged = stage.next(self.clock.now());
        if staged.is_none() {
            self.arm(core, &mut stage);
        }
        staged
    }

    /// A timer that is armed already is earlier: what waits came later.
    fn arm(&self, core: &mut Core, stage: &mut Stage) {
        if core.flush_at.is_none()
            && let Some(at) = stage.deadline()
        {
            core.flush_at = Some(at);
            if core.timers.values().all(|armed| at < *armed) {
                self.time.notify_one();
            }
        }
        stage.is_armed = core.flush_at.is_some();
    }

    fn propose(&self, core: &mut Core, staged: Staged) {
        let Staged { body, group } = staged;
        let ticket = Ticket(core.waiting.ask(group));
        let time = self.clock.unix();
        self.step_locked(core, Input::Proposed { ticket, time, body: body.clone() });
        if let Some(group) = core.bounced.take() {
            self.stage.lock().put_back(Staged { body, group });
        }
    }

    /// From here on nothing is taken; what is on the stage goes.
    pub(super) fn stop_accepting(&self) {
        self.stage.lock().is_closing = true;
        self.flush();
    }

    /// Whoever is on the stage is told that it has ended.
    pub(super) fn clear_stage(&self, core: &mut Core, error: &ReplicaError) {
        let mut stage = self.stage.lock();
        stage.is_open = false;
        for group in stage.clear() {
            group.tell_all(&Err(error.clone()), &mut core.waiting.told);
        }
    }
}
