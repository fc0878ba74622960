//! What was wrong with bytes that are no message, for the count.

/// What was wrong with bytes that are no message. The log of the host says which field, and what stood there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Another protocol's bytes, or a reader that has lost its place.
    Magic,
    /// A version that this node does not speak.
    Version,
    /// A kind of message that this node does not know.
    Kind,
    /// A length over a limit, or not that of its kind.
    Length,
    /// Bytes that are not those that were sent.
    Checksum,
    /// A field with a value that no encoder writes.
    Field,
    /// A frame in the message that is none.
    Frame,
}

impl Flaw {
    /// Number of reasons.
    pub const COUNT: usize = 7;
    /// All of them, in the order of counts.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Magic, Self::Version, Self::Kind, Self::Length, Self::Checksum, Self::Field, Self::Frame];

    /// Its name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Magic => "magic",
            Self::Version => "version",
            Self::Kind => "kind",
            Self::Length => "length",
            Self::Checksum => "checksum",
            Self::Field => "field",
            Self::Frame => "frame",
        }
    }

    /// Its place among counts.
    pub const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Flaw;

    #[test]
    fn each_flaw_has_its_own_place_and_name() {
        let places = Flaw::ALL.map(Flaw::index);
        assert_eq!(places, std::array::from_fn(|at| at));
        let names: std::collections::BTreeSet<_> = Flaw::ALL.map(Flaw::name).into();
        assert_eq!(names.len(), Flaw::COUNT);
    }
}
