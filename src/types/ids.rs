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
