//! The first bytes of a connection: who calls whom, in which cluster.
//!
//! # Model
//! ```text
//! hello, 64 bytes    0 magic "DUOH"   4 version u16   6 zero u16   8 cluster [16]   24 zero [16]
//!                   40 from u64      48 to u64       56 zero u32  60 CRC-32C of the rest
//! answer, 16 bytes   0 magic "DUOA"   4 code u32 (0: welcome)      8 zero u32  12 CRC-32C of the rest
//! ```
//! Little-endian. Magic and version keep their places for ever, so that any version can say no.

use super::Refusal;
use crate::codec::{Malformed, Reader, Writer};
use crate::types::{ClusterId, NodeId};

/// Bytes of a hello.
pub const HELLO_BYTES: usize = 64;
/// Bytes of an answer.
pub const ANSWER_BYTES: usize = 16;
const HELLO: u32 = u32::from_le_bytes(*b"DUOH");
const ANSWER: u32 = u32::from_le_bytes(*b"DUOA");
const VERSION: u16 = 1;

/// Who calls whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The cluster that both have to belong to.
    pub cluster: ClusterId,
    /// Who calls.
    pub from: NodeId,
    /// Whom it means.
    pub to: NodeId,
}

impl Hello {
    /// Its bytes.
    pub fn encode(&self) -> [u8; HELLO_BYTES] {
        let mut out = Vec::with_capacity(HELLO_BYTES);
        Writer::new(&mut out)
            .u32(HELLO)
            .u32(u32::from(VERSION))
            .bytes(&self.cluster.0)
            .bytes(&[0; 16])
            .u64(self.from.get())
            .u64(self.to.get())
            .u32(0);
        sealed(out)
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// `Version` where another version wrote it, and `Garbled` for anything else.
    pub fn decode(bytes: &[u8; HELLO_BYTES]) -> Result<Self, Refusal> {
        let mut reader = Reader::new(bytes);
        let garbled = |_: Malformed| Refusal::Garbled;
        let (magic, version) =
            (reader.u32("magic").map_err(garbled)?, reader.u32("version").map_err(garbled)?);
        if magic != HELLO {
            return Err(Refusal::Garbled);
        }
        if version != u32::from(VERSION) {
            return Err(Refusal::Version);
        }
        if !is_sealed(bytes) {
            return Err(Refusal::Garbled);
        }
        let cluster = ClusterId(reader.array("cluster").map_err(garbled)?);
        if reader.array("reserved") != Ok([0; 16]) {
            return Err(Refusal::Garbled);
        }
        let mut node = |field| reader.u64(field).ok().and_then(NodeId::new).ok_or(Refusal::Garbled);
        let hello = Self { cluster, from: node("from")?, to: node("to")? };
        if reader.u32("zero") != Ok(0) {
            return Err(Refusal::Garbled);
        }
        Ok(hello)
    }
}

/// The bytes of a welcome, or of the reason why not.
pub fn encode_answer(answer: Result<(), Refusal>) -> [u8; ANSWER_BYTES] {
    let code = answer.err().map_or(0, |refusal| refusal as u32);
    let mut out = Vec::with_capacity(ANSWER_BYTES);
    Writer::new(&mut out).u32(ANSWER).u32(code).u32(0);
    sealed(out)
}

/// Reads an answer. A reason that this version does not know is one of another version.
///
/// # Errors
/// The reason why not; `Garbled` where it is no answer.
pub fn decode_answer(bytes: &[u8; ANSWER_BYTES]) -> Result<(), Refusal> {
    let mut reader = Reader::new(bytes);
    let (magic, code) = (reader.u32("magic"), reader.u32("code"));
    match (magic, code) {
        (Ok(ANSWER), Ok(0)) if is_sealed(bytes) => Ok(()),
        (Ok(ANSWER), Ok(code)) if is_sealed(bytes) => {
            Err(Refusal::ALL.into_iter().find(|refusal| *refusal as u32 == code).unwrap_or(Refusal::Version))
        }
        _ => Err(Refusal::Garbled),
    }
}

fn sealed<const N: usize>(mut out: Vec<u8>) -> [u8; N] {
    let crc = crc32c::crc32c(&out);
    Writer::new(&mut out).u32(crc);
    out.try_into().expect("the fields add up")
}

fn is_sealed(bytes: &[u8]) -> bool {
    let (rest, crc) = bytes.split_at(bytes.len() - 4);
    crc32c::crc32c(rest).to_le_bytes() == crc
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Hello {
        let node = |number| NodeId::new(number).expect("not 0");
        Hello { cluster: ClusterId([7; 16]), from: node(1), to: node(2) }
    }

    #[test]
    fn a_hello_is_read_back_and_no_changed_one_is() {
        let bytes = hello().encode();
        assert_eq!(Hello::decode(&bytes), Ok(hello()));
        for at in 0..bytes.len() {
            let mut changed = bytes;
            changed[at] ^= 1;
            let expected = if (4..8).contains(&at) { Refusal::Version } else { Refusal::Garbled };
            assert_eq!(Hello::decode(&changed), Err(expected), "byte {at}");
        }
    }

    #[test]
    fn the_dumps_of_a_hello_in_docs_are_what_is_sent() {
        use crate::codec::dump::{dump, hold};
        let sections = [
            ("hello", dump(&hello().encode(), 0)),
            ("welcome", dump(&encode_answer(Ok(())), 0)),
            ("refusal", dump(&encode_answer(Err(Refusal::Stranger)), 0)),
        ];
        hold("docs/replication-protocol.md", &sections);
    }

    #[test]
    fn every_answer_is_read_back() {
        assert_eq!(decode_answer(&encode_answer(Ok(()))), Ok(()));
        for refusal in Refusal::ALL {
            assert_eq!(decode_answer(&encode_answer(Err(refusal))), Err(refusal));
        }
        assert_eq!(decode_answer(&[0; ANSWER_BYTES]), Err(Refusal::Garbled));
    }
}
