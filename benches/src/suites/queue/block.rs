//! The transactions of a real block, in a loop from some threads to one, with the block's Merkle root as proof.
//!
//! Every side copies a transaction into memory of its own, hands it over, and copies it out into a place that
//! is kept for its lap and position. When the clock has stopped, each lap is hashed as the block's own rules
//! say, and the root compared: nothing was lost, doubled, altered or put in another's place.

use super::load::Patience;
use crate::{AnyError, paths};
use crossbeam_queue::ArrayQueue;
use duochain::env::{Clock, SystemClock};
use duochain::pool::{ClassSettings, Meta, OverflowSettings, PoolSettings};
use duochain::queue::{Consumers, Error, QueueSettings, TxQueue};
use duochain::types::LaneId;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Barrier};
use std::thread;

/// Room of every queue.
const CELLS: usize = 16_384;
/// The root of the block, in the order in which hashes are computed: printed forms turn it round.
const ROOT: &str = "22906797f7ab258c0f896c35b2d6725c0554f579af99754b241aec8c76727d40";
const TAKE_MAX: usize = 64;

/// Transactions of a block.
pub(super) struct Block {
    transactions: Vec<Vec<u8>>,
    bytes: usize,
}

/// Where the block lies; it is no part of the project.
fn file() -> PathBuf {
    paths::root().join("../shared/data/mainnet-block.txs")
}

impl Block {
    /// `None` where there is no such file.
    pub(super) fn load() -> Result<Option<Self>, AnyError> {
        let bytes = match std::fs::read(file()) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut rest = &bytes[..];
        let mut transactions = Vec::new();
        while let Some((len, tail)) = rest.split_first_chunk::<4>() {
            let len = u32::from_le_bytes(*len) as usize;
            transactions.push(tail.get(..len).ok_or("the block's file is cut off")?.to_vec());
            rest = &tail[len..];
        }
        let bytes = transactions.iter().map(Vec::len).sum();
        Ok(Some(Self { transactions, bytes }))
    }

    /// Bytes of so many laps.
    pub(super) fn bytes_of(&self, laps: usize) -> u64 {
        (self.bytes * laps) as u64
    }

    pub(super) fn transactions_of(&self, laps: usize) -> u64 {
        (self.transactions.len() * laps) as u64
    }
}

type Receiver<'a> = Box<dyn FnMut(&mut dyn FnMut(u64, &[u8])) -> usize + 'a>;

/// Carries transactions, each with a word.
pub(super) trait Carrier: Sync {
    fn new() -> Self;
    /// Copies and hands over, however long it takes.
    fn send(&self, tag: u64, bytes: &[u8]);
    /// The one receiver: hands out what is there, up to [`TAKE_MAX`], and says how many.
    fn receiver(&self) -> Receiver<'_>;
}

/// Repeats until it is accepted.
fn insist<T>(mut value: T, mut offer: impl FnMut(T) -> Result<(), T>) {
    let mut patience = Patience::default();
    while let Err(back) = offer(value) {
        value = back;
        patience.lose();
    }
}

/// Ours: written in place into pooled memory.
pub(super) struct Ours(Arc<TxQueue>);

impl Carrier for Ours {
    fn new() -> Self {
        let class = |buffer_bytes, count_max| ClassSettings { buffer_bytes, count_max };
        let queue = TxQueue::new(QueueSettings {
            lane_cells: vec![CELLS],
            consumers: Consumers::One,
            ageing: 0,
            run_max: 1,
            transaction_bytes_max: 1 << 20,
            pool: PoolSettings {
                classes: vec![
                    class(256, 32_768),
                    class(1_024, 32_768),
                    class(4_096, 16_384),
                    class(32_768, 1_024),
                ],
                overflow: OverflowSettings { buffer_bytes_max: 1 << 20, total_bytes_max: 64 << 20 },
            },
        });
        Self(queue.expect("the settings agree"))
    }

    fn send(&self, tag: u64, bytes: &[u8]) {
        let mut patience = Patience::default();
        let mut claim = loop {
            match self.0.claim(bytes.len(), LaneId::new(0)) {
                Ok(claim) => break claim,
                Err(_) => patience.lose(),
            }
        };
        claim.copy_from_slice(bytes);
        insist(claim, |claim| {
            claim.commit(Meta { tag, stamp: 0 }).map_err(|(claim, error)| {
                assert_eq!(error, Error::Full);
                claim
            })
        });
    }

    fn receiver(&self) -> Receiver<'_> {
        let mut consumer = self.0.consumer().expect("the seat is free");
        Box::new(move |found| consumer.drain(TAKE_MAX, |item| found(item.meta().tag, &item)))
    }
}

type Copied = (u64, Box<[u8]>);

/// Memory of the allocator through crossbeam's queue.
pub(super) struct Array(ArrayQueue<Copied>);

impl Carrier for Array {
    fn new() -> Self {
        Self(ArrayQueue::new(CELLS))
    }

    fn send(&self, tag: u64, bytes: &[u8]) {
        insist((tag, bytes.into()), |copied| self.0.push(copied));
    }

    fn receiver(&self) -> Receiver<'_> {
        Box::new(|found| {
            let some = std::iter::from_fn(|| self.0.pop()).take(TAKE_MAX);
            some.map(|(tag, bytes)| found(tag, &bytes)).count()
        })
    }
}

/// Memory of the allocator through a ring under a lock.
pub(super) struct Locked(Mutex<VecDeque<Copied>>);

impl Carrier for Locked {
    fn new() -> Self {
        Self(Mutex::new(VecDeque::with_capacity(CELLS)))
    }

    fn send(&self, tag: u64, bytes: &[u8]) {
        insist((tag, bytes.into()), |copied| {
            let mut items = self.0.lock();
            if items.len() == CELLS {
                return Err(copied);
            }
            items.push_back(copied);
            Ok(())
        });
    }

    fn receiver(&self) -> Receiver<'_> {
        let mut some = Vec::with_capacity(TAKE_MAX);
        Box::new(move |found| {
            {
                let mut items = self.0.lock();
                let count = items.len().min(TAKE_MAX);
                some.extend(items.drain(..count));
            }
            some.drain(..).map(|(tag, bytes)| found(tag, &bytes)).count()
        })
    }
}

/// What came out: every lap's transactions in a place of their own.
pub(super) struct Laps {
    bytes: Vec<u8>,
    /// Where a lap's transactions begin.
    starts: Vec<usize>,
    lap_bytes: usize,
}

impl Laps {
    pub(super) fn new(block: &Block, laps: usize) -> Self {
        let mut end = 0;
        let mut start = |transaction: &Vec<u8>| {
            end += transaction.len();
            end - transaction.len()
        };
        let starts = block.transactions.iter().map(&mut start).collect();
        Self { bytes: vec![0; block.bytes * laps], starts, lap_bytes: block.bytes }
    }

    fn keep(&mut self, tag: u64, bytes: &[u8]) {
        let (lap, position) = split(tag);
        let start = lap * self.lap_bytes + self.starts[position];
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
    }

    /// Recomputes every lap's root and forgets the bytes.
    fn verify(&mut self, block: &Block) -> Result<(), AnyError> {
        for (number, lap) in self.bytes.chunks_exact(self.lap_bytes).enumerate() {
            let transactions = self.starts.iter().zip(&block.transactions);
            let ids = transactions.map(|(start, sent)| transaction_id(&lap[*start..start + sent.len()]));
            let root = merkle_root(ids.collect::<Option<_>>().ok_or("a transaction does not parse")?);
            if hex(&root) != ROOT {
                return Err(format!("lap {number} has the root {}", hex(&root)).into());
            }
        }
        self.bytes.fill(0);
        Ok(())
    }
}

const POSITION_BITS: u32 = 16;

const fn split(tag: u64) -> (usize, usize) {
    ((tag >> POSITION_BITS) as usize, (tag & ((1 << POSITION_BITS) - 1)) as usize)
}

/// Sends the block `laps` times from so many threads, each a share of every lap; the seconds that took.
pub(super) fn run<C: Carrier>(block: &Block, producers: usize, kept: &mut Laps) -> Result<f64, AnyError> {
    let carrier = C::new();
    let laps = kept.bytes.len() / kept.lap_bytes;
    let begin = Barrier::new(producers + 1);
    let clock = SystemClock::new();
    let (begun, end) = thread::scope(|scope| {
        for who in 0..producers {
            let (carrier, begin) = (&carrier, &begin);
            scope.spawn(move || {
                begin.wait();
                for lap in 0..laps {
                    for (position, bytes) in
                        block.transactions.iter().enumerate().skip(who).step_by(producers)
                    {
                        carrier.send((lap << POSITION_BITS | position) as u64, bytes);
                    }
                }
            });
        }
        let mut receive = carrier.receiver();
        let (mut left, mut patience) = (block.transactions_of(laps) as usize, Patience::default());
        begin.wait();
        let begun = clock.now();
        while left > 0 {
            match receive(&mut |tag, bytes| kept.keep(tag, bytes)) {
                0 => patience.lose(),
                count => {
                    left -= count;
                    patience = Patience::default();
                }
            }
        }
        (begun, clock.now())
    });
    kept.verify(block)?;
    Ok(end.since(begun).as_secs_f64())
}

fn double_hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    Sha256::digest(hash.finalize()).into()
}

/// The hash of a transaction without its witnesses; `None` when it is not one.
fn transaction_id(bytes: &[u8]) -> Option<[u8; 32]> {
    if bytes.get(4..6)? != [0, 1] {
        return Some(double_hash(&[bytes]));
    }
    let (version, body) = (&bytes[..4], &bytes[6..]);
    let mut at = body;
    for _ in 0..take_count(&mut at)? {
        at = at.get(36..)?;
        let script = take_count(&mut at)?;
        at = at.get(script + 4..)?;
    }
    for _ in 0..take_count(&mut at)? {
        at = at.get(8..)?;
        let script = take_count(&mut at)?;
        at = at.get(script..)?;
    }
    let lock_time = &bytes[bytes.len() - 4..];
    Some(double_hash(&[version, &body[..body.len() - at.len()], lock_time]))
}

/// A count in Bitcoin's variable length.
fn take_count(at: &mut &[u8]) -> Option<usize> {
    let (first, rest) = at.split_first()?;
    let width = match first {
        0xfd => 2,
        0xfe => 4,
        0xff => 8,
        _ => 0,
    };
    let (digits, rest) = rest.split_at_checked(width)?;
    *at = rest;
    let many = digits.iter().rev().fold(0, |sum: u64, digit| sum << 8 | u64::from(*digit));
    usize::try_from(if width == 0 { u64::from(*first) } else { many }).ok()
}

fn merkle_root(mut level: Vec<[u8; 32]>) -> [u8; 32] {
    while level.len() > 1 {
        level =
            level.chunks(2).map(|pair| double_hash(&[&pair[0], pair.last().expect("one or two")])).collect();
    }
    level.first().copied().unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_four_widths() {
        for (bytes, count) in [
            (&[0xfc][..], 0xfc),
            (&[0xfd, 1, 2], 0x0201),
            (&[0xfe, 1, 0, 0, 0], 1),
            (&[0xff, 0, 1, 0, 0, 0, 0, 0, 0], 256),
        ] {
            let mut at = bytes;
            assert_eq!((take_count(&mut at), at.len()), (Some(count), 0));
        }
        assert_eq!(take_count(&mut &[0xfd, 1][..]), None);
    }

    #[test]
    fn an_odd_level_repeats_its_last() {
        let (a, b, c) = ([1; 32], [2; 32], [3; 32]);
        let (left, right) = (double_hash(&[&a, &b]), double_hash(&[&c, &c]));
        assert_eq!(merkle_root(vec![a, b, c]), double_hash(&[&left, &right]));
        assert_eq!(merkle_root(vec![a]), a);
    }

    #[test]
    fn every_side_carries_the_real_block_unharmed_and_a_changed_byte_shows() {
        let Some(block) = Block::load().expect("readable") else {
            return println!("skipped: {} is not there", file().display());
        };
        let mut laps = Laps::new(&block, 2);
        run::<Ours>(&block, 3, &mut laps).expect("the root");
        run::<Array>(&block, 1, &mut laps).expect("the root");
        run::<Locked>(&block, 2, &mut laps).expect("the root");
        let mut changed = Block::load().expect("readable").expect("it was there");
        changed.transactions[7][40] ^= 1;
        run::<Ours>(&changed, 1, &mut laps).expect_err("another root");
    }
}
