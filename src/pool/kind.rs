//! The four kinds of objects that a ledger node makes and forgets all the time.

use super::ClassSettings;

/// Smallest maximum that a managed kind may be given, in buffers.
pub(crate) const KIND_MAX_FLOOR: usize = 10_000;
/// Largest maximum that a managed kind may be given, in buffers.
pub(crate) const KIND_MAX_CEILING: usize = 100_000;

/// What the buffers of a managed pool are for. The numbers are permanent and the same in every language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum PoolKind {
    /// A transaction on its way in: mostly a few hundred bytes.
    TransactionRequest = 1,
    /// A header and what it lists: kilobytes.
    BlockProposal = 2,
    /// A vote or a certificate: small and many.
    ConsensusMessage = 3,
    /// An entry of a replicated log: from a few bytes to kilobytes.
    LogEntry = 4,
}

/// A size of buffer and its share of a kind's buffers in percent.
pub(super) type Share = (usize, usize);

/// What is fixed or preset for a kind.
struct Row {
    kind: PoolKind,
    name: &'static str,
    initial: usize,
    max: usize,
    shares: [Share; 4],
}

const ROWS: [Row; 4] = [
    Row {
        kind: PoolKind::TransactionRequest,
        name: "transaction_request",
        initial: 5_000,
        max: 50_000,
        // Real transactions have a median near 225 bytes, a mean near 550, and a long tail.
        shares: [(256, 50), (1_024, 35), (4_096, 10), (16_384, 5)],
    },
    Row {
        kind: PoolKind::BlockProposal,
        name: "block_proposal",
        initial: 2_000,
        max: 10_000,
        // A header, and 32 bytes for each transaction it lists: 500 of them fit into 16 KiB.
        shares: [(1_024, 40), (4_096, 40), (16_384, 15), (65_536, 5)],
    },
    Row {
        kind: PoolKind::ConsensusMessage,
        name: "consensus_message",
        initial: 10_000,
        max: 100_000,
        // A signed vote has about 200 bytes; a certificate of 21 signatures below 2 KiB.
        shares: [(256, 75), (1_024, 15), (4_096, 8), (16_384, 2)],
    },
    Row {
        kind: PoolKind::LogEntry,
        name: "log_entry",
        initial: 20_000,
        max: 100_000,
        shares: [(256, 50), (1_024, 30), (4_096, 15), (16_384, 5)],
    },
];

const _: () = {
    let mut at = 0;
    while at < ROWS.len() {
        let row = &ROWS[at];
        assert!(row.kind as usize == at + 1, "rows are in the order of their numbers");
        assert!(row.shares[0].1 + row.shares[1].1 + row.shares[2].1 + row.shares[3].1 == 100);
        assert!(KIND_MAX_FLOOR <= row.max && row.max <= KIND_MAX_CEILING && row.initial <= row.max);
        at += 1;
    }
};

impl PoolKind {
    /// Every kind, by number.
    pub const ALL: [Self; 4] =
        [Self::TransactionRequest, Self::BlockProposal, Self::ConsensusMessage, Self::LogEntry];

    /// Its permanent number, from 1.
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The kind with this number.
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Its name, as in configuration keys.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Buffers whose memory is kept, unless said otherwise.
    pub const fn initial_default(self) -> usize {
        self.row().initial
    }

    /// Most buffers, unless said otherwise.
    pub const fn max_default(self) -> usize {
        self.row().max
    }

    /// Position among [`PoolKind::ALL`].
    pub(super) const fn index(self) -> usize {
        self as usize - 1
    }

    const fn row(self) -> &'static Row {
        &ROWS[self.index()]
    }

    /// The classes for `max` buffers in all.
    pub(super) fn classes(self, max: usize) -> Vec<ClassSettings> {
        let sizes = self.row().shares.map(|(buffer_bytes, _)| buffer_bytes);
        let counts = self.split(max);
        sizes
            .into_iter()
            .zip(counts)
            .map(|(buffer_bytes, count)| ClassSettings { buffer_bytes, count_max: count.max(1) })
            .collect()
    }

    /// `count` buffers by class; what does not divide evenly is of the smallest.
    pub(super) fn split(self, count: usize) -> Vec<usize> {
        let mut counts: Vec<usize> = self.row().shares.iter().map(|(_, share)| count * share / 100).collect();
        counts[0] += count - counts.iter().sum::<usize>();
        counts
    }

    /// `count` buffers by class, no class above its part of `max`, which is not less.
    pub(super) fn split_within(self, count: usize, max: usize) -> Vec<usize> {
        let most = self.split(max);
        let parts = self.row().shares.iter().zip(&most);
        let mut counts: Vec<usize> =
            parts.map(|((_, share), most)| (count * share / 100).min(*most)).collect();
        let mut left = count - counts.iter().sum::<usize>();
        for (part, most) in counts.iter_mut().zip(most) {
            let more = left.min(most - *part);
            *part += more;
            left -= more;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_their_permanent_numbers_and_default_sizes() {
        let rows = PoolKind::ALL.map(|kind| (kind.code(), kind.name(), kind.initial_default()));
        assert_eq!(
            rows,
            [
                (1, "transaction_request", 5_000),
                (2, "block_proposal", 2_000),
                (3, "consensus_message", 10_000),
                (4, "log_entry", 20_000),
            ]
        );
        for kind in PoolKind::ALL {
            assert_eq!(PoolKind::from_code(kind.code()), Some(kind));
        }
        assert_eq!((PoolKind::from_code(0), PoolKind::from_code(5)), (None, None));
    }

    #[test]
    fn shares_lose_no_buffer_and_classes_ascend() {
        for kind in PoolKind::ALL {
            for count in [0, 1, 99, 5_000, 10_001, KIND_MAX_CEILING] {
                assert_eq!(kind.split(count).iter().sum::<usize>(), count);
                for initial in count.saturating_sub(100)..=count {
                    let (parts, most) = (kind.split_within(initial, count), kind.split(count));
                    assert_eq!(parts.iter().sum::<usize>(), initial);
                    assert!(parts.iter().zip(most).all(|(part, most)| *part <= most), "{initial} of {count}");
                }
            }
            let classes = kind.classes(KIND_MAX_FLOOR);
            assert!(classes.windows(2).all(|pair| pair[0].buffer_bytes < pair[1].buffer_bytes));
            assert_eq!(classes.iter().map(|class| class.count_max).sum::<usize>(), KIND_MAX_FLOOR);
        }
    }
}
