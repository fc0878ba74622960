//! From what is on the disk to where the chain goes on.
//!
//! # Model
//! The block log is the truth. The event log says what was announced. The state store is a view: when
//! it is behind it is brought up from the log, and each step checks the root that the next header names.

use super::Error;
use super::disk::{Disk, read_block};
use crate::crypto::hash;
use crate::dual::{ChainSettings, ChainState, Event, HealthState, LedgerState, Restored, Tip};
use crate::merkle;
use crate::storage::{Batch, Family, LogReader, Store};
use crate::types::{Block, BlockHash, ChainId, Header, Height, Sequence, StateRoot, TxId};

/// How many events are looked through for the last change of health.
const HEALTH_LOOKBACK: u64 = 4_096;
const APPLIED: &[u8] = b"applied";

/// Brings the state store up to the block log and says where to go on.
pub(super) fn restore(
    disk: &Disk,
    settings: &ChainSettings,
    failure: Option<String>,
) -> Result<Restored, Error> {
    let (blocks, events) = (disk.blocks.reader(), disk.events.reader());
    let tip_height = Height::new(blocks.last());
    let (final_height, health) = last_announced(events.as_ref(), settings.chain)?;
    if final_height > tip_height {
        return Err(Error::corrupt(format!(
            "{} block {final_height} was announced as final, the block log ends at {tip_height}",
            settings.chain
        )));
    }
    let state = replay(disk.store.as_ref(), blocks.as_ref(), settings.chain)?;
    let mut pending = Vec::new();
    for height in final_height.get() + 1..=tip_height.get() {
        pending.push(header(blocks.as_ref(), settings.chain, height)?);
    }
    let tip = match tip_height {
        Height::ORIGIN => Tip::default(),
        height => Tip::of(&header(blocks.as_ref(), settings.chain, height.get())?),
    };
    let final_hash = match final_height {
        Height::ORIGIN => BlockHash::ZERO,
        height => hash::block(&header(blocks.as_ref(), settings.chain, height.get())?),
    };
    check_links(settings.chain, final_hash, &pending)?;
    check_count(settings.chain, &state, &pending)?;
    let last_sequence = Sequence::new(events.last());
    Ok(Restored { pending, tip, state, last_sequence, final_height, final_hash, health, failure })
}

/// Reads a transaction's place; `None` when it is in no block.
pub(super) fn find_transaction(store: &dyn Store, id: &TxId) -> Result<Option<(Height, u32)>, Error> {
    let Some(value) = store.get(Family::Transactions, id.as_bytes())? else { return Ok(None) };
    let (height, index) = value
        .split_first_chunk::<8>()
        .and_then(|(height, rest)| Some((height, <[u8; 4]>::try_from(rest).ok()?)))
        .ok_or_else(|| Error::corrupt(format!("the index entry of transaction {id} is malformed")))?;
    Ok(Some((Height::new(u64::from_le_bytes(*height)), u32::from_le_bytes(index))))
}

/// Adds a block to the state store: its transactions' places and the new state, in one atomic batch.
pub(super) fn index(
    store: &dyn Store,
    block: &Block,
    ids: &[TxId],
    state: &LedgerState,
) -> Result<(), Error> {
    let height = block.header.height.get();
    let mut batch = Batch::new();
    for (index, id) in (0u32..).zip(ids) {
        let mut value = [0; 12];
        value[..8].copy_from_slice(&height.to_le_bytes());
        value[8..].copy_from_slice(&index.to_le_bytes());
        batch.put(Family::Transactions, id.as_bytes(), &value);
    }
    let mut applied = [0; 80];
    applied[..8].copy_from_slice(&height.to_le_bytes());
    applied[8..16].copy_from_slice(&state.transactions().to_le_bytes());
    applied[16..48].copy_from_slice(state.root().as_bytes());
    applied[48..].copy_from_slice(hash::block(&block.header).as_bytes());
    batch.put(Family::Meta, APPLIED, &applied);
    Ok(store.write(batch)?)
}

/// Ids of a block's transactions, in order.
pub(super) fn ids(block: &Block) -> Vec<TxId> {
    block.transactions().map(|bytes| hash::transaction(block.header.chain, bytes)).collect()
}

/// The highest final block and the health that subscribers were told of last.
fn last_announced(events: &dyn LogReader, chain: ChainId) -> Result<(Height, HealthState), Error> {
    let (mut height, mut health) = (None, None);
    let mut sequence = events.last();
    let lookback = sequence.saturating_sub(HEALTH_LOOKBACK);
    while sequence >= events.first().max(1) && (height.is_none() || (health.is_none() && sequence > lookback))
    {
        let bytes = events.read(sequence)?;
        let bytes = bytes.ok_or_else(|| Error::corrupt(format!("{chain} event {sequence} is missing")))?;
        let event = Event::decode(&bytes)
            .map_err(|error| Error::corrupt(format!("{chain} event {sequence}: {error}")))?;
        if event.sequence.get() != sequence || event.chain != chain {
            return Err(Error::corrupt(format!(
                "record {sequence} of {chain}'s event log holds another event"
            )));
        }
        // A health event names the highest final block of its time, so any event tells the height.
        height.get_or_insert(event.height);
        health = health.or(event.health);
        sequence -= 1;
    }
    Ok((height.unwrap_or_default(), health.unwrap_or(HealthState::Healthy)))
}

fn replay(store: &dyn Store, blocks: &dyn LogReader, chain: ChainId) -> Result<LedgerState, Error> {
    let (mut state, applied, hash) = applied(store)?;
    if applied.get() > blocks.last() {
        let last = blocks.last();
        return Err(Error::corrupt(format!(
            "{chain}: the state is at block {applied}, the block log ends at {last}"
        )));
    }
    if applied > Height::ORIGIN {
        let header = header(blocks, chain, applied.get())?;
        if hash::block(&header) != hash {
            return Err(Error::corrupt(format!("{chain}: the state belongs to another block {applied}")));
        }
        // The header names the state before its block; that of the tip is in no header yet.
        if hash::state(&header.state_root, &header.tx_root, state.transactions()) != state.root() {
            return Err(Error::corrupt(format!("{chain}: the state is not what block {applied} makes it")));
        }
    } else if state != LedgerState::default() {
        return Err(Error::corrupt(format!("{chain}: the state is of no block and yet not empty")));
    }
    for height in applied.get() + 1..=blocks.last() {
        let block = block(blocks, chain, height)?;
        check_root(chain, height, &block.header, &state)?;
        let ids = ids(&block);
        if merkle::root(&ids) != block.header.tx_root {
            return Err(Error::corrupt(format!(
                "{chain} block {height}: transactions do not match their root"
            )));
        }
        state.apply(&block.header);
        index(store, &block, &ids, &state)?;
    }
    Ok(state)
}

fn applied(store: &dyn Store) -> Result<(LedgerState, Height, BlockHash), Error> {
    let Some(value) = store.get(Family::Meta, APPLIED)? else {
        return Ok((LedgerState::default(), Height::ORIGIN, BlockHash::ZERO));
    };
    let value: [u8; 80] =
        value.try_into().map_err(|_| Error::corrupt("the state store's `applied` record is malformed"))?;
    let number = |at: usize| u64::from_le_bytes(value[at..at + 8].try_into().expect("8 bytes"));
    let digest = |at: usize| -> [u8; 32] { value[at..at + 32].try_into().expect("32 bytes") };
    let state = LedgerState::restore(StateRoot::new(digest(16)), number(8));
    Ok((state, Height::new(number(0)), BlockHash::new(digest(48))))
}

fn check_root(chain: ChainId, height: u64, header: &Header, state: &LedgerState) -> Result<(), Error> {
    if header.state_root == state.root() {
        return Ok(());
    }
    Err(Error::corrupt(format!(
        "{chain} block {height} expects state root {}, the state before it has {}",
        header.state_root,
        state.root()
    )))
}

fn check_links(chain: ChainId, before: BlockHash, pending: &[Header]) -> Result<(), Error> {
    let mut parent = before;
    for header in pending {
        if header.parent != parent {
            return Err(Error::corrupt(format!("{chain} block {} does not name its parent", header.height)));
        }
        parent = hash::block(header);
    }
    Ok(())
}

fn check_count(chain: ChainId, state: &LedgerState, pending: &[Header]) -> Result<(), Error> {
    let unfinal: u64 = pending.iter().map(|header| u64::from(header.tx_count)).sum();
    match state.transactions().checked_sub(unfinal) {
        Some(_) => Ok(()),
        None => Err(Error::corrupt(format!(
            "{chain}: the state counts {} transactions, the blocks that are not final hold {unfinal}",
            state.transactions()
        ))),
    }
}

fn block(blocks: &dyn LogReader, chain: ChainId, height: u64) -> Result<Block, Error> {
    let block = read_block(blocks, height)?
        .ok_or_else(|| Error::corrupt(format!("{chain} block {height} is missing from the block log")))?;
    if block.header.chain != chain {
        return Err(Error::corrupt(format!("block {height} of {chain} belongs to {}", block.header.chain)));
    }
    Ok(block)
}

fn header(blocks: &dyn LogReader, chain: ChainId, height: u64) -> Result<Header, Error> {
    block(blocks, chain, height).map(|block| block.header)
}

#[cfg(test)]
#[path = "recovery_test.rs"]
mod tests;
