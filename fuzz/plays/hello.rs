//! Bytes that claim to begin a connection between nodes of a replicated log, some with checksums that fit.

use super::{Script, heap};
use duochain::net::hello::{ANSWER_BYTES, HELLO_BYTES, Hello, decode_answer, encode_answer};
use duochain::types::{ClusterId, NodeId};

/// A refusal has no words.
const HEAP_BYTES_MAX: usize = 256;

/// Plays what `data` says: as it is, and as a hello and an answer of which some bytes are others and the checksum fits.
///
/// # Panics
/// When reading allocates, or when two encodings are read as the same hello.
pub(crate) fn play(data: &[u8]) {
    judge_hello(data);
    judge_answer(data);
    let mut script = Script::new(data);
    let mut node = || NodeId::new(script.word() | 1).expect("not 0");
    let hello = Hello { cluster: ClusterId([7; 16]), from: node(), to: node() };
    let mut bytes = hello.encode();
    assert_eq!(Hello::decode(&bytes), Ok(hello));
    let mut answer = encode_answer(Ok(()));
    for bytes in [&mut bytes[..], &mut answer[..]] {
        for _ in 0..script.roll(4) {
            let at = script.roll(bytes.len());
            bytes[at] = script.word() as u8;
        }
        let (covered, crc) = bytes.split_at_mut(bytes.len() - 4);
        crc.copy_from_slice(&super::frame::checksum(covered).to_le_bytes());
    }
    judge_hello(&bytes);
    judge_answer(&answer);
}

fn judge_hello(bytes: &[u8]) {
    let Some(bytes) = bytes.first_chunk::<HELLO_BYTES>() else { return };
    let (outcome, allocated) = heap::counted(|| Hello::decode(bytes));
    assert!(allocated <= HEAP_BYTES_MAX, "{allocated} bytes for a hello");
    if let Ok(hello) = outcome {
        assert_eq!(hello.encode(), *bytes, "one hello, one encoding");
    }
}

fn judge_answer(bytes: &[u8]) {
    let Some(bytes) = bytes.first_chunk::<ANSWER_BYTES>() else { return };
    let (outcome, allocated) = heap::counted(|| decode_answer(bytes));
    assert!(allocated <= HEAP_BYTES_MAX, "{allocated} bytes for an answer");
    // Of other versions more is said than is read here.
    assert_eq!(decode_answer(&encode_answer(outcome)), outcome, "it means the same");
}
