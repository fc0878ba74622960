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
    /// No whole hello in time.
    #[error("no hello in time")]
    Late = 7,
    /// No TLS 1.3: an older version, no TLS at all, or bytes that are none.
    #[error("no TLS 1.3")]
    NoTls = 8,
    /// No certificate.
    #[error("no certificate")]
    Uncertified = 9,
    /// A certificate that the cluster's authority did not issue.
    #[error("a certificate of an unknown authority")]
    Untrusted = 10,
    /// A certificate whose time is over, or has not begun.
    #[error("a certificate that is not valid now")]
    Expired = 11,
    /// A certificate that is not the one of the node that it comes from.
    #[error("a certificate of another node")]
    Misnamed = 12,
    /// A certificate that cannot be used here: its purpose, its signature, its form.
    #[error("a certificate that cannot be used")]
    Unfit = 13,
}

impl Refusal {
    /// Number of reasons.
    pub const COUNT: usize = 13;
    /// All of them, in the order of counts.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Garbled,
        Self::Version,
        Self::Cluster,
        Self::NotMe,
        Self::Stranger,
        Self::Crowded,
        Self::Late,
        Self::NoTls,
        Self::Uncertified,
        Self::Untrusted,
        Self::Expired,
        Self::Misnamed,
        Self::Unfit,
    ];

    /// Its name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Garbled => "garbled",
            Self::Version => "version",
            Self::Cluster => "cluster",
            Self::NotMe => "not_me",
            Self::Stranger => "stranger",
            Self::Crowded => "crowded",
            Self::Late => "late",
            Self::NoTls => "no_tls",
            Self::Uncertified => "uncertified",
            Self::Untrusted => "untrusted",
            Self::Expired => "expired",
            Self::Misnamed => "misnamed",
            Self::Unfit => "unfit",
        }
    }

    /// Its place among counts.
    pub const fn index(self) -> usize {
        self as usize - 1
    }
}
