//! No machine holds more than its limits allow.

use super::{Checker, Held, Name, Seen};
use crate::sim::machine::{DEDUP_IDS_MAX, DEDUP_SESSIONS_MAX, SESSIONS_MAX};
use crate::sim::options::Options;
use crate::sim::serving::{INBOX_MAX, READS_MAX};

/// The most that a machine may hold.
#[derive(Debug)]
pub(super) struct Memory(Held);

/// Operations that wait for a disk, at most: what may be uncommitted in the smallest frames, and what a
/// follower is sent meanwhile.
const QUEUED_MAX: usize = 1 << 16;

impl Memory {
    pub(super) fn new(options: &Options) -> Self {
        let (raft, frame) = (&options.raft, 16 << 10);
        let inflight = raft.append_bytes_max.max(64 << 10) + raft.append_bytes_max.max(frame);
        Self(Held {
            inbox: INBOX_MAX,
            reads: READS_MAX * 2,
            sessions: SESSIONS_MAX,
            remembered: (DEDUP_SESSIONS_MAX, DEDUP_IDS_MAX),
            queued: QUEUED_MAX,
            window_bytes: raft.window_bytes_max + frame,
            uncommitted_bytes: (raft.window_bytes_max / 2).max(frame) + inflight,
            // What is on its way, again after a lost link, everything twice, and heartbeats and answers.
            link_bytes: 8 * inflight + (512 << 10),
        })
    }
}

impl Checker for Memory {
    fn name(&self) -> &'static str {
        "bounded memory"
    }

    fn see(&mut self, seen: &Seen<'_>) -> Result<(), String> {
        let Seen::Weighed { seat, held } = seen else { return Ok(()) };
        let most = &self.0;
        let weights = [
            ("requests", held.inbox, most.inbox),
            ("reads", held.reads, most.reads),
            ("sessions", held.sessions, most.sessions),
            ("sessions of the deduplication", held.remembered.0, most.remembered.0),
            ("ids", held.remembered.1, most.remembered.1),
            ("operations of the disk", held.queued, most.queued),
            ("bytes of frames", held.window_bytes, most.window_bytes),
            ("uncommitted bytes", held.uncommitted_bytes, most.uncommitted_bytes),
            ("bytes on a link", held.link_bytes, most.link_bytes),
        ];
        match weights.into_iter().find(|(_, held, most)| held > most) {
            Some((what, held, most)) => {
                Err(format!("{} holds {held} {what}, at most {most} are allowed", Name(*seat)))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_limit_is_noticed() {
        let options = Options::of(1);
        let mut checker = Memory::new(&options);
        let held = Held { window_bytes: options.raft.window_bytes_max, ..Held::default() };
        assert!(checker.see(&Seen::Weighed { seat: 0, held }).is_ok());
        let held = Held { window_bytes: options.raft.window_bytes_max * 2, ..Held::default() };
        assert!(checker.see(&Seen::Weighed { seat: 0, held }).is_err());
    }
}
