//! Identifiers. Constructors are explicit; there is no `From<u64>`, so a height never becomes a slot
//! by accident.

use std::fmt;

/// Which of the two chains. The numbers are the wire numbers and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ChainId {
    /// Records and privacy; one block every 15 s.
    Alpha = 1,
    /// Accounts and programs; one block every 3 s.
    Delta = 2,
}

impl ChainId {
    /// Both chains, in wire order.
    pub const ALL: [Self; 2] = [Self::Alpha, Self::Delta];

    /// From the wire number; `None` for any other.
    pub const fn from_wire(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Alpha),
            2 => Some(Self::Delta),
            _ => None,
        }
    }

    /// The wire number.
    pub const fn wire(self) -> u8 {
        self as u8
    }

    /// Lower-case name: directory, thread and metric label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alpha => "alpha",
            Self::Delta => "delta",
        }
    }

    /// Position in arrays that hold one element per chain.
    pub const fn index(self) -> usize {
        self as usize - 1
    }

    /// The other chain.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Alpha => Self::Delta,
            Self::Delta => Self::Alpha,
        }
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// The value before the first one.
            pub const ORIGIN: Self = Self(0);

            /// From its number.
            pub const fn new(value: u64) -> Self {
                Self(value)
            }

            /// Its number.
            pub const fn get(self) -> u64 {
                self.0
            }

            /// The next one.
            ///
            /// # Panics
            /// On overflow: at a million a second that takes 500,000 years, so it is a bug.
            #[must_use]
            pub const fn next(self) -> Self {
                match self.0.checked_add(1) {
                    Some(value) => Self(value),
                    None => panic!("counter overflow"),
                }
            }

            /// The one `count` after this.
            ///
            /// # Panics
            /// On overflow, as [`Self::next`].
            #[must_use]
            pub const fn forward(self, count: u64) -> Self {
                match self.0.checked_add(count) {
                    Some(value) => Self(value),
                    None => panic!("counter overflow"),
                }
            }

            /// The one `count` before this, or `None` below the origin.
            #[must_use]
            pub const fn back(self, count: u64) -> Option<Self> {
                match self.0.checked_sub(count) {
                    Some(value) => Some(Self(value)),
                    None => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter! {
    /// Position of a block in its chain. 1-based; 0 is "before the first block".
    Height
}
counter! {
    /// Number of an event in its chain's stream. 1-based and gap-free; 0 is "before the first event".
    Sequence
}
counter! {
    /// A submission in this process. Unique until the node is closed; 0 is never given out.
    OpId
}

counter! {
    /// Raft's period of at most one leader. 0 is "before the first election".
    Term
}
counter! {
    /// Position of an entry in the replicated log. 1-based; 0 is "before the first entry".
    Index
}

counter! {
    /// Period of one validator set. 0 is that of the set which a chain begins with.
    Epoch
}
counter! {
    /// PBFT's period of one leader, within an epoch. 0 is the first one of each epoch.
    View
}

/// A machine of a replicated log. The operator gives it once; it is never used again for another machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u64);

impl NodeId {
    /// From its number, which is not 0: 0 stands for "nobody" on wire and disk.
    pub const fn new(number: u64) -> Option<Self> {
        match number {
            0 => None,
            _ => Some(Self(number)),
        }
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

/// Names a cluster. Chosen once, when it is made; nodes of different ones never talk to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(pub [u8; 16]);

/// Where a log is: an index, and the term in which that entry was made. Of two logs, the one with the
/// greater position is the more up to date (Raft §5.4.1), which is the order of this type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId {
    /// Term of the entry. Declared first, so that it decides the order.
    pub term: Term,
    /// Index of the entry.
    pub index: Index,
}

impl LogId {
    /// Before the first entry.
    pub const ORIGIN: Self = Self { term: Term::ORIGIN, index: Index::ORIGIN };

    /// The entry at `index`, made in `term`.
    pub const fn new(term: Term, index: Index) -> Self {
        Self { term, index }
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.term, self.index)
    }
}

/// Place of a validator in the set of an epoch, which is ordered by the validators' ids. It says nothing in
/// another epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValidatorIndex(u16);

impl ValidatorIndex {
    /// From its number; a set checks it against its own count of validators.
    pub const fn new(place: u16) -> Self {
        Self(place)
    }

    /// Its number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Its position in an array of one element per validator.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for ValidatorIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// A priority lane of a transaction queue. 0 is the most urgent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneId(u8);

impl LaneId {
    /// From its number; the queue checks it against its own count of lanes.
    pub const fn new(lane: u8) -> Self {
        Self(lane)
    }

    /// Its number.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Its position in an array of lanes.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// All zero: "none yet".
            pub const ZERO: Self = Self([0; 32]);

            /// From its bytes.
            pub const fn new(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

digest! {
    /// Hash of a block's header, and so of everything below it.
    BlockHash
}
digest! {
    /// Hash of a transaction's bytes, bound to its chain.
    TxId
}
digest! {
    /// Merkle root over the transaction ids of one block.
    TxRoot
}
digest! {
    /// Commitment to a chain's state after a block.
    StateRoot
}
digest! {
    /// Hash of an epoch's validators, their powers and keys.
    SetHash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_numbers_round_trip_and_strangers_are_refused() {
        for chain in ChainId::ALL {
            assert_eq!(ChainId::from_wire(chain.wire()), Some(chain));
            assert_eq!(chain.peer().peer(), chain);
            assert_eq!(ChainId::ALL[chain.index()], chain);
        }
        assert_eq!(ChainId::from_wire(0), None);
        assert_eq!(ChainId::from_wire(3), None);
    }

    #[test]
    fn heights_stop_at_the_origin() {
        assert_eq!(Height::new(3).back(3), Some(Height::ORIGIN));
        assert_eq!(Height::new(3).back(4), None);
        assert_eq!(Height::ORIGIN.next().get(), 1);
    }

    #[test]
    fn of_two_logs_the_later_term_wins_and_then_the_longer_one() {
        let at = |term, index| LogId::new(Term::new(term), Index::new(index));
        assert!(at(3, 1) > at(2, 9));
        assert!(at(2, 9) > at(2, 8));
        assert_eq!(LogId::ORIGIN, at(0, 0));
        assert_eq!(at(3, 14).to_string(), "3.14");
    }

    #[test]
    fn nobody_has_the_number_of_nobody() {
        assert_eq!(NodeId::new(0), None);
        assert_eq!(NodeId::new(7).map(|node| node.to_string()), Some("n7".to_owned()));
    }

    #[test]
    fn views_and_epochs_begin_at_their_origin_and_a_place_is_a_position() {
        assert_eq!(View::default(), View::ORIGIN);
        assert_eq!(Epoch::ORIGIN.forward(2).back(2), Some(Epoch::ORIGIN));
        let last = ValidatorIndex::new(u16::MAX);
        assert_eq!((last.index(), last.to_string()), (65_535, "v65535".to_owned()));
    }

    #[test]
    #[should_panic(expected = "counter overflow")]
    fn a_counter_at_its_end_is_a_bug() {
        let _ = Sequence::new(u64::MAX).next();
    }

    #[test]
    fn digests_print_as_lower_case_hex() {
        let text = BlockHash::new([0xab; 32]).to_string();
        assert_eq!(text, "ab".repeat(32));
    }
}
