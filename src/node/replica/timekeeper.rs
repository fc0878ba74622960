//! The thread that waits for timers and for entries whose time to wait is over, and tells the transport who is in.

use super::core::{Core, Shared};
use crate::env::Clock;
use crate::raft::Input;
use parking_lot::MutexGuard;
use std::time::Duration;

/// Longest wait; timers are armed always, so this only bounds a mistake.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// Until a link that could not be made is tried again, about.
const RELINK: Duration = Duration::from_secs(1);

pub(super) fn run(shared: &Shared) {
    let mut core = shared.core.lock();
    // When a member without a link is tried again.
    let mut relink_at = None;
    while core.ended.is_none() {
        let now = shared.clock.now();
        let due = core.timers.iter().find(|(_, at)| **at <= now).map(|(timer, _)| *timer);
        if let Some(timer) = due {
            core.timers.remove(&timer);
            MutexGuard::unlocked(&mut core, || shared.step(Input::Expired(timer)));
        } else if core.flush_at.take_if(|at| *at <= now).is_some() {
            MutexGuard::unlocked(&mut core, || shared.flush());
        } else if std::mem::take(&mut core.has_new_members) || relink_at.is_some_and(|at| at <= now) {
            let members = core.members.clone();
            let has_links = MutexGuard::unlocked(&mut core, || shared.follow(&members));
            relink_at = (!has_links).then(|| now.after(RELINK));
        } else {
            wait(shared, &mut core);
        }
    }
}

fn wait(shared: &Shared, core: &mut MutexGuard<'_, Core>) {
    let next = core.timers.values().chain(&core.flush_at).min();
    let next = next.map(|at| at.since(shared.clock.now()));
    shared.time.wait_for(core, next.unwrap_or(IDLE_MAX).min(IDLE_MAX));
}
