//! What children said before they were killed, and whether it is still true.

use crate::support::{events_until, follow};
use duochain::crypto::hash;
use duochain::node::{Node, Start, TxState};
use duochain::types::{BlockHash, ChainId, Height, TxId};
use std::collections::{BTreeMap, HashMap, HashSet};

/// All that was said, by all children.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) opened: u64,
    pub(crate) finals: BTreeMap<(u8, u64), String>,
    pub(crate) sequences: BTreeMap<(u8, u64), String>,
    pub(crate) completions: HashMap<String, (u8, u64)>,
    /// How far the cursor was moved for certain, and how far at most, by chain.
    acked: BTreeMap<u8, u64>,
    acking: BTreeMap<u8, u64>,
}

impl Told {
    /// One whole line of a child; a line that the kill cut short was told to nobody.
    pub(crate) fn take(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |text: &str| text.parse::<u64>().expect("number");
        let wire = |text: &str| text.parse::<u8>().expect("number");
        match words[..] {
            ["opened", "end"] => self.opened += 1,
            ["first", chain, sequence, dropped, "end"] => {
                self.check_first(wire(chain), number(sequence) - number(dropped));
            }
            ["acking", chain, sequence, "end"] => {
                self.acking.insert(wire(chain), number(sequence));
            }
            ["acked", chain, sequence, "end"] => {
                self.acked.insert(wire(chain), number(sequence));
            }
            ["event", chain, sequence, height, hash, "end"] => {
                let (chain, sequence, height) = (wire(chain), number(sequence), number(height));
                let text = format!("{height} {hash}");
                let known = self.sequences.entry((chain, sequence)).or_insert_with(|| text.clone());
                assert_eq!(*known, text, "event {sequence} changed its meaning");
                let known = self.finals.entry((chain, height)).or_insert_with(|| hash.to_owned());
                assert_eq!(known, hash, "final block {height} changed");
            }
            ["done", chain, tx, height, "end"] => {
                let place = (wire(chain), number(height));
                let known = self.completions.insert(tx.to_owned(), place);
                assert_eq!(known, None, "{tx} completed twice");
            }
            _ => {}
        }
    }

    /// `first` would be the first event of a reader if none had been retired: the cursor's next.
    pub(crate) fn check_first(&mut self, chain: u8, first: u64) {
        let [acked, acking] = [&self.acked, &self.acking].map(|last| last.get(&chain).copied().unwrap_or(0));
        assert!(first > acked, "chain {chain}: {acked} was acknowledged, {first} came again");
        // A kill inside `ack` leaves either outcome, and which one is known from here on.
        assert!(
            first <= acking.max(acked) + 1,
            "chain {chain}: at most {acking} was acknowledged, not {first}"
        );
        self.acked.insert(chain, first - 1);
    }

    /// Newest event of a chain that anybody saw.
    pub(crate) fn last_sequence(&self, chain: ChainId) -> u64 {
        self.sequences
            .range((chain.wire(), 0)..=(chain.wire(), u64::MAX))
            .next_back()
            .map_or(0, |(key, _)| key.1)
    }

    pub(crate) fn check_blocks(&self, node: &Node) {
        for chain in ChainId::ALL {
            let mut seen = HashSet::new();
            let mut parent = BlockHash::ZERO;
            for height in 1..=node.head(chain).height.get() {
                let block = node.block(chain, Height::new(height)).expect("every block is there");
                assert_eq!(block.header.parent, parent);
                parent = hash::block(&block.header);
                if let Some(told) = self.finals.get(&(chain.wire(), height)) {
                    assert_eq!(*told, parent.to_string(), "{chain} block {height} was final");
                }
                for bytes in block.transactions() {
                    let is_new = seen.insert(hash::transaction(chain, bytes));
                    assert!(is_new, "{chain} block {height} applies a transaction twice");
                }
            }
            let last_told = self.finals.range((chain.wire(), 0)..=(chain.wire(), u64::MAX)).next_back();
            let last_told = last_told.expect("something became final").0.1;
            assert!(node.head(chain).final_height.get() >= last_told);
        }
        for (tx, (chain, height)) in &self.completions {
            let chain = ChainId::from_wire(*chain).expect("a chain");
            let status = node.tx_status(chain, &parse(tx)).expect("known");
            assert_eq!(
                (status.state, status.height.get()),
                (TxState::Final, *height),
                "{tx} was acknowledged"
            );
        }
    }

    /// Every event that is retained is there, once and as it was; returns the oldest of each chain.
    pub(crate) fn check_events(&self, node: &Node) -> [u64; 2] {
        let mut events = follow(node, Start::Oldest);
        let last = ChainId::ALL.map(|chain| self.last_sequence(chain));
        let seen = events_until(&mut events, |seen| {
            ChainId::ALL.iter().all(|chain| {
                seen.iter().any(|event| event.chain == *chain && event.sequence.get() >= last[chain.index()])
            })
        });
        ChainId::ALL.map(|chain| {
            let stream: Vec<_> = seen.iter().filter(|event| event.chain == chain).collect();
            let oldest = stream[0].sequence.get();
            for (number, event) in (oldest..).zip(&stream) {
                assert_eq!(event.sequence.get(), number, "{chain}: no gaps through all kills");
                if let Some(told) = self.sequences.get(&(chain.wire(), number)) {
                    assert_eq!(*told, format!("{} {}", event.height, event.hash));
                }
            }
            oldest
        })
    }
}

fn parse(hex: &str) -> TxId {
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).expect("hex"), 16).expect("hex");
    }
    TxId::new(bytes)
}
