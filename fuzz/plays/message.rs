//! Bytes that claim to be a message between nodes of a replicated log, some with checksums that fit.

use super::{Script, heap};
use duochain::frame::FrameLimits;
use duochain::raft::Message;
use duochain::raft::wire::{self, ENVELOPE_BYTES, Envelope, Kind, Letter, WireLimits};
use std::sync::Arc;

const LIMITS: WireLimits = WireLimits {
    message_bytes_max: 1 << 16,
    frames_max: 16,
    frame: FrameLimits { body_bytes_max: 1 << 14, entries_max: 64 },
};
/// The words of a refusal, and the frames or the piece of a snapshot that were read before it.
const REFUSAL_BYTES_MAX: usize = 4_096;

/// Plays what `data` says: as it is, and behind an envelope whose checksum fits.
///
/// # Panics
/// When a refusal allocates more than its words, or when two encodings are read as the same message.
pub(crate) fn play(data: &[u8]) {
    judge(data);
    let mut script = Script::new(data);
    let kind = Kind::ALL[script.roll(Kind::ALL.len())];
    let fields = kind.fixed_bytes() / 8;
    let mut bytes = vec![0; ENVELOPE_BYTES];
    for _ in 0..fields {
        // Small numbers reach further than large ones, but for those that sums and roundings trip over.
        let value = match script.roll(5) {
            0 => script.word(),
            1 => u64::MAX - script.roll(8) as u64,
            _ => script.roll(4) as u64,
        };
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    let more = if matches!(kind, Kind::Append | Kind::Chunk | Kind::RepairReply) {
        &data[..data.len().min(400) / 8 * 8]
    } else {
        &[]
    };
    bytes.extend_from_slice(more);
    let length = (bytes.len() - ENVELOPE_BYTES) as u32;
    bytes[..4].copy_from_slice(b"DUOM");
    (bytes[4], bytes[5]) = (1, kind.wire());
    bytes[8..12].copy_from_slice(&length.to_le_bytes());
    let covered = [&bytes[..12], &bytes[ENVELOPE_BYTES..ENVELOPE_BYTES + 8 * fields]].concat();
    let crc = super::frame::checksum(&covered);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    judge(&bytes);
}

fn judge(bytes: &[u8]) {
    let Some((envelope, rest)) = bytes.split_first_chunk::<ENVELOPE_BYTES>() else { return };
    let (envelope, allocated) = heap::counted(|| Envelope::decode(envelope, &LIMITS));
    assert!(allocated <= REFUSAL_BYTES_MAX, "{allocated} bytes for an envelope");
    let Ok(envelope) = envelope else { return };
    let buffer = Arc::new(rest[..envelope.bytes().min(rest.len())].to_vec());
    let (message, allocated) = heap::counted(|| envelope.letter(&buffer, &LIMITS));
    let allowed = REFUSAL_BYTES_MAX + buffer.len();
    assert!(allocated <= allowed, "{allocated} bytes for a message of {}", buffer.len());
    if let Ok(message) = message {
        let mut again = Vec::new();
        wire::encode_letter(&message, &mut again);
        assert_eq!(again, bytes[..ENVELOPE_BYTES + envelope.bytes()], "one message, one encoding");
        if let Letter::Message(message) = message {
            let sent = wire::frames_of(&message).len();
            assert!(sent == 0 || matches!(message, Message::Append { .. }));
        }
    }
}
