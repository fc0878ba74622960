//! Bytes that claim to be a frame, some with checksums that fit.

use super::{Script, heap};
use duochain::frame::{
    Body, Entry, FRAME_HEADER_BYTES, Frame, FrameBuilder, FrameHeader, FrameLimits, Origin, Seal,
};
use duochain::types::{Index, LaneId, Term, UnixNanos};
use std::sync::Arc;

const LIMITS: FrameLimits = FrameLimits { body_bytes_max: 1 << 20, entries_max: 64 };
/// The words of a refusal.
const MESSAGE_BYTES_MAX: usize = 512;

/// Plays what `data` says.
///
/// # Panics
/// When a refusal allocates more than its message, when two encodings are read as the same frame, or when
/// what was built is not read back.
pub(crate) fn play(data: &[u8]) {
    judge(data);
    let mut script = Script::new(data);
    let entries: Vec<(Vec<u8>, Origin, [u8; 32])> =
        (0..=script.roll(8)).map(|_| entry(&mut script)).collect();
    let mut builder = FrameBuilder::new(LIMITS, LaneId::new(script.roll(16) as u8));
    for (bytes, origin, id) in &entries {
        builder.push(Entry { bytes, origin: *origin, id: Some(id) }).expect("small");
    }
    let body = builder.finish().expect("not empty");
    let seal =
        Seal { term: Term::new(1 + script.word() % 9), base: Index::new(1), time: UnixNanos::default() };
    let frame = Frame::new(seal, body);
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    assert_eq!(judge(&bytes), Some(frame));
    for _ in 0..=script.roll(4) {
        let at = script.roll(bytes.len());
        bytes[at] = script.word() as u8;
    }
    fit_checksums(&mut bytes);
    judge(&bytes);
    bytes.truncate(script.roll(bytes.len() + 1));
    judge(&bytes);
}

fn entry(script: &mut Script<'_>) -> (Vec<u8>, Origin, [u8; 32]) {
    let bytes = vec![script.word() as u8; script.roll(40)];
    let session = script.roll(3) as u64;
    let sequence = if session == 0 { 0 } else { script.roll(4) as u64 };
    (bytes, Origin { session, sequence }, [script.roll(2) as u8; 32])
}

fn fit_checksums(bytes: &mut [u8]) {
    let body = checksum(&bytes[FRAME_HEADER_BYTES..]);
    bytes[60..64].copy_from_slice(&body.to_le_bytes());
    let header = checksum(&bytes[..68]);
    bytes[68..72].copy_from_slice(&header.to_le_bytes());
}

/// CRC-32C, bit by bit.
pub(crate) fn checksum(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
    let feed = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc));
    !bytes.iter().fold(!0, feed)
}

/// Reads a frame, by copy and from a shared buffer; both say the same.
fn judge(bytes: &[u8]) -> Option<Frame> {
    let (outcome, allocated) = heap::counted(|| Frame::decode(bytes, &LIMITS));
    let Ok((frame, end)) = outcome else {
        assert!(allocated <= MESSAGE_BYTES_MAX, "{allocated} bytes for a refusal");
        return None;
    };
    assert!(allocated <= end + MESSAGE_BYTES_MAX, "{allocated} bytes for a frame of {end}");
    let mut again = Vec::new();
    frame.encode(&mut again);
    assert_eq!(again, bytes[..end], "one content, one encoding");
    let total: usize = frame.entries().map(|entry| entry.bytes.len()).sum();
    assert!(total <= end);

    let header = FrameHeader::decode(bytes, &LIMITS).expect("as before");
    let body = Body::attach(&header, &Arc::new(bytes.to_vec()), FRAME_HEADER_BYTES).expect("as before");
    assert_eq!(Frame::sealed(&header, body).expect("as before"), frame);
    Some(frame)
}
