//! Why a connection is not taken.

/// Why a connection is not taken. The numbers are the wire numbers and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[repr(u32)]
pub enum Refusal {
    /// Not a hello.
    #[error("it is no hello of this protocol")]
    Garbled = 1,
    /// A version that this node does not speak.
    #[error("another version of the protocol")]
    Version = 2,
    /// Of another cluster.
    #[error("another cluster")]
    Cluster = 3,
    /// For another node: the address is wrong.
    #[error("meant for another node")]
    NotMe = 4,
    /// Not a member.
    #[error("not a member")]
    Stranger = 5,
    /// Too many connections.
    #[error("too many connections")]
    Crowded = 6,
}

impl Refusal {
    /// Number of reasons.
    pub const COUNT: usize = 6;
    pub(super) const ALL: [Self; Self::COUNT] =
        [Self::Garbled, Self::Version, Self::Cluster, Self::NotMe, Self::Stranger, Self::Crowded];

    /// Its place among counts.
    pub const fn index(self) -> usize {
        self as usize - 1
    }
}
