//! What the core is told once.

use super::Membership;
use crate::frame::{BODY_BYTES_CEILING, ENTRIES_CEILING};
use crate::types::{Index, LogId, NodeId, Term, UnixNanos};
use std::time::Duration;

/// Settings of one node's core, as people give them. All nodes of a cluster should have the same, but
/// for `id` and `seed`; safety does not depend on it.
#[derive(Clone, Debug)]
pub struct Config {
    /// This node.
    pub id: NodeId,
    /// Where the order of its election timeouts starts: different on each node, or they campaign together.
    pub seed: u64,
    /// Time between two heartbeats. Too long, and followers campaign against a leader that lives.
    pub heartbeat: Duration,
    /// A follower campaigns after a random time between this ...
    pub election_min: Duration,
    /// ... and this without a leader. Too short, and a slow network has no leader for long; too long, and
    /// a dead leader is missed for long.
    pub election_max: Duration,
    /// A leader whose oldest write waits for longer steps down, and nobody campaigns meanwhile. Too short,
    /// and a busy disk costs leaders; too long, and clients wait for a dead one.
    pub disk_stall_max: Duration,
    /// Bytes of one `Append`, at least one frame, at most 1 GiB. Larger ones cost latency.
    pub append_bytes_max: usize,
    /// Appends under way to one follower.
    pub inflight_appends_max: usize,
    /// Bytes under way to one follower. Memory of a peer is bounded by it.
    pub inflight_bytes_max: usize,
    /// Bytes of the log's end kept in memory for followers; what is older is fetched from disk.
    pub window_bytes_max: usize,
    /// Bytes that wait to be committed; more proposals are refused as `Busy`.
    pub uncommitted_bytes_max: usize,
    /// Entries of one frame, up to [`ENTRIES_CEILING`].
    pub frame_entries_max: u32,
    /// Bytes of one frame, from 16 KiB to [`BODY_BYTES_CEILING`].
    pub frame_bytes_max: usize,
    /// Reads that wait for an answer; more are refused as `Busy`.
    pub reads_max: usize,
}

impl Config {
    /// The usual values, for `id`.
    pub const fn new(id: NodeId) -> Self {
        Self {
            id,
            seed: id.get(),
            heartbeat: Duration::from_millis(50),
            election_min: Duration::from_millis(150),
            election_max: Duration::from_millis(300),
            disk_stall_max: Duration::from_secs(1),
            append_bytes_max: 1 << 20,
            inflight_appends_max: 64,
            inflight_bytes_max: 8 << 20,
            window_bytes_max: 64 << 20,
            uncommitted_bytes_max: 32 << 20,
            frame_entries_max: 10_000,
            frame_bytes_max: 8 << 20,
            reads_max: 4_096,
        }
    }

    /// Checks how the values fit together.
    ///
    /// # Errors
    /// The first pair that does not, in words.
    pub fn build(self) -> Result<Settings, Misfit> {
        let rules = [
            (self.heartbeat.is_zero(), "heartbeat is 0"),
            (self.election_min < self.heartbeat.saturating_mul(2), "election_min is below 2 heartbeats"),
            (self.election_max <= self.election_min, "election_max is not above election_min"),
            (self.disk_stall_max < self.election_max, "disk_stall_max is below election_max"),
            (self.inflight_appends_max == 0, "inflight_appends_max is 0"),
            (self.append_bytes_max == 0, "append_bytes_max is 0"),
            (self.append_bytes_max > APPEND_BYTES_CEILING, "append_bytes_max is above 1 GiB"),
            (self.inflight_bytes_max < self.append_bytes_max, "inflight_bytes_max is below append_bytes_max"),
            (self.frame_bytes_max < FRAME_BYTES_MIN, "frame_bytes_max is below 16 KiB"),
            (self.frame_bytes_max > BODY_BYTES_CEILING, "frame_bytes_max is above 64 MiB"),
            (self.frame_entries_max == 0, "frame_entries_max is 0"),
            (self.frame_entries_max > ENTRIES_CEILING, "frame_entries_max is above 10,000"),
            (self.uncommitted_bytes_max < self.frame_bytes_max, "uncommitted_bytes_max is below a frame"),
            (
                self.window_bytes_max < self.uncommitted_bytes_max,
                "window_bytes_max is below uncommitted_bytes_max",
            ),
            (self.reads_max == 0, "reads_max is 0"),
        ];
        match rules.into_iter().find(|(broken, _)| *broken) {
            Some((_, rule)) => Err(Misfit(rule)),
            None => Ok(Settings(self)),
        }
    }
}

/// An append is up to its limit and one frame long, and says its length in 32 bits.
const APPEND_BYTES_CEILING: usize = 1 << 30;

/// A frame that holds any membership: MEMBERS_MAX of them with the longest address.
const FRAME_BYTES_MIN: usize = 16 << 10;

const _: () = assert!(
    FRAME_BYTES_MIN
        > super::MEMBERS_MAX * (super::ADDRESS_BYTES_MAX + 13) + crate::frame::FRAME_HEADER_BYTES + 64
);

/// Settings that fit together: the only form that the core takes.
#[derive(Clone, Debug)]
pub struct Settings(Config);

impl std::ops::Deref for Settings {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.0
    }
}

/// Two settings that do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Misfit(pub &'static str);

/// What a snapshot covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The last entry in it.
    pub last: LogId,
    /// Log time of that entry.
    pub time: UnixNanos,
    /// The members at that entry.
    pub membership: Membership,
}

/// What a node finds on its disk when it starts; all of it is durable.
#[derive(Clone, Debug, Default)]
pub struct Recovered {
    /// Its term and vote.
    pub vote: super::Vote,
    /// Its latest snapshot. A new cluster begins with one of the first members, at the origin; a node that
    /// is to be added later begins with an empty one.
    pub snapshot: Snapshot,
    /// Where the terms of the log after the snapshot begin: ascending in both.
    pub terms: Vec<(Term, Index)>,
    /// The last entry of the log; the snapshot's when there is none after it.
    pub last: Index,
    /// Log time of that entry.
    pub time: UnixNanos,
    /// The membership entries of the log after the snapshot, ascending.
    pub memberships: Vec<(Index, Membership)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_that_the_format_does_not_know_are_refused() {
        let usual = Config::new(NodeId::new(1).unwrap());
        let (entries, bytes) = (ENTRIES_CEILING, BODY_BYTES_CEILING);
        let large = Config {
            frame_entries_max: entries,
            frame_bytes_max: bytes,
            uncommitted_bytes_max: bytes,
            window_bytes_max: bytes,
            ..usual
        };
        assert!(large.clone().build().is_ok());
        let rule = |config: Config| config.build().unwrap_err().0;
        let many = Config { frame_entries_max: entries + 1, ..large.clone() };
        assert_eq!(rule(many), "frame_entries_max is above 10,000");
        assert_eq!(rule(Config { frame_bytes_max: bytes + 1, ..large }), "frame_bytes_max is above 64 MiB");
    }
}
