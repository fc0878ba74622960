//! The thread that waits for timers and for entries whose time to wait is over, and tells the transport who is in.

use super::core::{Core, Shared};
use crate::env::Clock;
use crate::raft::Input;
use parking_lot::MutexGuard;
use std::time::Duration;

/// Longest wait; timers are armed always, so this only bounds a mistake.
const IDLE_MAX: Duration = Duration::from_secs(1);

pub(super) fn run(shared: &Shared) {
    let mut core = shared.core.lock();
    while core.ended.is_none() {
        let now = shared.clock.now();
        let due = core.timers.iter().find(|(_, at)| **at <= now).map(|(timer, _)| *timer);
        if let Some(timer) = due {
            core.timers.remove(&timer);
            MutexGuard::unlocked(&mut core, || shared.step(Input::Expired(timer)));
        } else if core.flush_at.take_if(|at| *at <= now).is_some() {
            MutexGuard::unlocked(&mut core, || shared.flush());
        } else if std::mem::take(&mut core.has_new_members) {
            let members = core.members.clone();
            MutexGuard::unlocked(&mut core, || shared.follow(&members));
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
