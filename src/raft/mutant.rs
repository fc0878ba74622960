//! Mistakes made on purpose, which the simulator's checkers have to notice.

/// A mistake.
#[cfg_attr(
    not(any(test, feature = "sim")),
    expect(unreachable_pub, reason = "only the simulator and tests make mistakes")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutant {
    /// A vote is given before it is durable, and never written.
    VoteNotPersisted,
    /// A leader commits entries of earlier terms by counting (Raft, figure 8).
    CommitOldTerm,
    /// A follower says that entries are durable when they are only received.
    AcknowledgeBeforeSync,
    /// Campaigns begin with a new term, without asking first.
    NoPreVote,
}

#[cfg(any(test, feature = "sim"))]
impl Mutant {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::VoteNotPersisted, Self::CommitOldTerm, Self::AcknowledgeBeforeSync, Self::NoPreVote];
}
