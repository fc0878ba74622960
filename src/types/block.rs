//! A block: a fixed header and its transactions, one canonical encoding for disk, wire and hash.
//!
//! # Model
//! ```text
//!   0  version u8 = 1      chain u8      reserved u16 = 0      tx_count u32
//!   8  height u64   16 slot u64   24 time u64 (ns since 1970)
//!  32  parent [32]  64 tx_root [32]      96 state_root [32] (after the parent)
//! 128  peer height u64   136 peer hash [32]   168 body_bytes u64
//! 176  body: tx_count times (length u32, bytes)
//! ```
//! All integers are little-endian.
//!
//! # Invariants
//! I1 a [`BlockView`] exists only over bytes whose lengths add up exactly, so iterating it cannot fail.
//!
//! # Limits
//! A body is shorter than 4 GiB; the node bounds it by `block_bytes_max`.

use super::{BlockHash, ChainId, Height, StateRoot, TxRoot, UnixNanos};
use crate::codec::{Malformed, Reader, Writer};

const VERSION: u8 = 1;
const BODY_BYTES_MAX: u64 = u32::MAX as u64;

/// Why bytes are not a block.
pub type BlockError = Malformed;

/// The highest finalised block of the other chain that the proposer knew. Height 0: none yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerReference {
    /// Its height.
    pub height: Height,
    /// Its hash; zero at height 0.
    pub hash: BlockHash,
}

/// Everything about a block but its transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The chain it belongs to.
    pub chain: ChainId,
    /// Its position, from 1.
    pub height: Height,
    /// The slot it was proposed in; grows strictly, and faster than the height when slots stay empty.
    pub slot: u64,
    /// The proposer's clock.
    pub time: UnixNanos,
    /// Hash of the block before; zero for height 1.
    pub parent: BlockHash,
    /// Merkle root over the transaction ids of this block.
    pub tx_root: TxRoot,
    /// State after the *parent*: known before this block's transactions are.
    pub state_root: StateRoot,
    /// Where the other chain stood.
    pub peer: PeerReference,
    /// Number of transactions.
    pub tx_count: u32,
    /// Length of the encoded body in bytes.
    pub body_bytes: u64,
}

impl Header {
    /// Length of the encoding in bytes.
    pub const BYTES: usize = 176;

    /// Appends the encoding, [`Header::BYTES`] long.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u8(VERSION).u8(self.chain.wire()).bytes(&[0; 2]).u32(self.tx_count);
        writer.u64(self.height.get()).u64(self.slot).u64(self.time.get());
        writer.bytes(self.parent.as_bytes()).bytes(self.tx_root.as_bytes()).bytes(self.state_root.as_bytes());
        writer.u64(self.peer.height.get()).bytes(self.peer.hash.as_bytes()).u64(self.body_bytes);
    }

    /// Reads a header and checks every field that can be checked alone.
    ///
    /// # Errors
    /// When the bytes end early, or a version, chain or reserved field is unknown.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, BlockError> {
        let at = reader.clone();
        let version = reader.u8("version")?;
        if version != VERSION {
            return Err(at.fault("version", format!("{version} is not {VERSION}")));
        }
        let at = reader.clone();
        let wire = reader.u8("chain")?;
        let chain =
            ChainId::from_wire(wire).ok_or_else(|| at.fault("chain", format!("{wire} is not a chain")))?;
        let at = reader.clone();
        if reader.array::<2>("reserved")? != [0; 2] {
            return Err(at.fault("reserved", "is not zero".into()));
        }
        let tx_count = reader.u32("tx_count")?;
        let height = Height::new(reader.u64("height")?);
        let slot = reader.u64("slot")?;
        let time = UnixNanos::new(reader.u64("time")?);
        let parent = BlockHash::new(reader.array("parent")?);
        let tx_root = TxRoot::new(reader.array("tx_root")?);
        let state_root = StateRoot::new(reader.array("state_root")?);
        let peer_height = Height::new(reader.u64("peer height")?);
        let peer = PeerReference { height: peer_height, hash: BlockHash::new(reader.array("peer hash")?) };
        let at = reader.clone();
        let body_bytes = reader.u64("body_bytes")?;
        if body_bytes > BODY_BYTES_MAX {
            return Err(at.fault("body_bytes", format!("{body_bytes} is over the limit of {BODY_BYTES_MAX}")));
        }
        Ok(Self { chain, height, slot, time, parent, tx_root, state_root, peer, tx_count, body_bytes })
    }
}

/// A block that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The header, decoded.
    pub header: Header,
    bytes: Vec<u8>,
}

impl Block {
    /// An empty body with room for the header in front: append (length u32, bytes) per transaction,
    /// then hand it to [`Block::assemble`].
    pub fn body_buffer(body_bytes: usize) -> Vec<u8> {
        let mut buffer = Vec::with_capacity(Header::BYTES + body_bytes);
        buffer.resize(Header::BYTES, 0);
        buffer
    }

    /// Writes the header in front of a body made in a [`Block::body_buffer`].
    ///
    /// # Panics
    /// When `header.body_bytes` is not the length of the body: the proposer wrote both.
    pub fn assemble(header: Header, mut buffer: Vec<u8>) -> Self {
        assert_eq!(header.body_bytes, (buffer.len() - Header::BYTES) as u64, "header describes its body");
        let mut encoded = Vec::with_capacity(Header::BYTES);
        header.encode(&mut encoded);
        buffer[..Header::BYTES].copy_from_slice(&encoded);
        debug_assert!(BlockView::parse(&buffer).is_ok());
        Self { header, bytes: buffer }
    }

    /// Takes over encoded bytes after checking them.
    ///
    /// # Errors
    /// As [`BlockView::parse`].
    pub fn decode(bytes: Vec<u8>) -> Result<Self, BlockError> {
        let header = BlockView::parse(&bytes)?.header;
        Ok(Self { header, bytes })
    }

    /// The canonical encoding.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The transactions, in order.
    pub fn transactions(&self) -> impl Iterator<Item = &[u8]> {
        Transactions { body: &self.bytes[Header::BYTES..] }
    }
}

/// A checked block over borrowed bytes.
#[derive(Clone, Copy, Debug)]
pub struct BlockView<'a> {
    /// The header, decoded.
    pub header: Header,
    body: &'a [u8],
}

impl<'a> BlockView<'a> {
    /// Checks that `bytes` are exactly one block.
    ///
    /// # Errors
    /// Names the field and its offset when a length does not fit or anything is left over.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BlockError> {
        let mut reader = Reader::new(bytes);
        let header = Header::decode(&mut reader)?;
        let body_bytes = header.body_bytes as usize;
        if reader.remaining() != body_bytes {
            let found = reader.remaining();
            return Err(reader.fault("body", format!("is {found} bytes long, the header says {body_bytes}")));
        }
        let body = &bytes[Header::BYTES..];
        for _ in 0..header.tx_count {
            reader.tail("transaction", body_bytes)?;
        }
        reader.finish("body")?;
        Ok(Self { header, body })
    }

    /// The transactions, in order.
    pub fn transactions(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        Transactions { body: self.body }
    }
}

struct Transactions<'a> {
    body: &'a [u8],
}

impl<'a> Iterator for Transactions<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        // I1: lengths were checked when the block was made.
        let (prefix, rest) = self.body.split_first_chunk::<4>()?;
        let (transaction, rest) = rest.split_at(u32::from_le_bytes(*prefix) as usize);
        self.body = rest;
        Some(transaction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Block {
        let mut body = Block::body_buffer(0);
        for transaction in [&b"one"[..], b"three"] {
            Writer::new(&mut body).tail(transaction);
        }
        let header = Header {
            chain: ChainId::Delta,
            height: Height::new(7),
            slot: 9,
            time: UnixNanos::new(11),
            parent: BlockHash::new([1; 32]),
            tx_root: TxRoot::new([2; 32]),
            state_root: StateRoot::new([3; 32]),
            peer: PeerReference { height: Height::new(1), hash: BlockHash::new([4; 32]) },
            tx_count: 2,
            body_bytes: (body.len() - Header::BYTES) as u64,
        };
        Block::assemble(header, body)
    }

    #[test]
    fn a_block_survives_its_encoding() {
        let block = sample();
        let again = Block::decode(block.as_bytes().to_vec()).expect("valid");
        assert_eq!(again, block);
        assert_eq!(again.transactions().collect::<Vec<_>>(), [&b"one"[..], b"three"]);
    }

    #[test]
    fn every_truncation_is_refused() {
        let bytes = sample().as_bytes().to_vec();
        for length in 0..bytes.len() {
            assert!(BlockView::parse(&bytes[..length]).is_err(), "accepted {length} bytes");
        }
    }

    #[test]
    fn absurd_lengths_and_unknown_fields_are_refused_by_name() {
        let good = sample().as_bytes().to_vec();
        let cases = [
            (0, 2, "version"),
            (1, 9, "chain"),
            (2, 1, "reserved"),
            (173, 1, "body_bytes"),
            (179, 200, "transaction"),
        ];
        for (offset, value, field) in cases {
            let mut bytes = good.clone();
            bytes[offset] = value;
            assert_eq!(BlockView::parse(&bytes).unwrap_err().field, field);
        }
        let mut longer = good;
        longer.push(0);
        assert_eq!(BlockView::parse(&longer).unwrap_err().field, "body");
    }
}
