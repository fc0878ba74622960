//! The messages of the log as a [`Protocol`] of a transport.

use super::{Envelope, Letter, WireLimits, encode_head, encode_letter, frames_of};
use crate::codec::Malformed;
use crate::net::{ENVELOPE_BYTES, Flaw, Packet, Protocol};
use std::sync::Arc;

const _: () = assert!(ENVELOPE_BYTES == super::ENVELOPE_BYTES);

/// How the messages of a replicated log travel.
#[derive(Clone, Copy, Debug, Default)]
pub struct RaftProtocol {
    /// What a message may have.
    pub limits: WireLimits,
}

impl Protocol for RaftProtocol {
    type Message = Letter;

    fn encode(&self, letter: &Letter, out: &mut Packet) {
        let mut bytes = Vec::with_capacity(64);
        let Letter::Message(message) = letter else {
            encode_letter(letter, &mut bytes);
            return out.push(bytes);
        };
        encode_head(message, &mut bytes);
        for frame in frames_of(message) {
            bytes.extend_from_slice(&frame.header().encode());
            out.push(std::mem::take(&mut bytes));
            out.push_body(frame.body());
        }
        if !bytes.is_empty() {
            out.push(bytes);
        }
    }

    fn expect(&self, envelope: &[u8; ENVELOPE_BYTES]) -> Result<usize, Malformed> {
        Envelope::decode(envelope, &self.limits).map(|envelope| envelope.bytes())
    }

    fn decode(&self, envelope: &[u8; ENVELOPE_BYTES], bytes: &Arc<Vec<u8>>) -> Result<Letter, Malformed> {
        Envelope::decode(envelope, &self.limits)?.letter(bytes, &self.limits)
    }

    fn flaw(&self, envelope: &[u8; ENVELOPE_BYTES], fault: &Malformed) -> Flaw {
        // Frames stand behind the fixed fields, and have fields of the same names.
        let fixed = Envelope::decode(envelope, &self.limits).map(|envelope| envelope.kind().fixed_bytes());
        if fixed.is_ok_and(|fixed| fault.offset >= fixed) {
            return Flaw::Frame;
        }
        match fault.field {
            "magic" => Flaw::Magic,
            "version" => Flaw::Version,
            "kind" => Flaw::Kind,
            "bytes" | "length" => Flaw::Length,
            "crc" => Flaw::Checksum,
            "frames" => Flaw::Frame,
            _ => Flaw::Field,
        }
    }

    /// Everything that is not full of frames, or a piece of a snapshot.
    fn is_urgent(&self, letter: &Letter) -> bool {
        match letter {
            Letter::Message(message) => frames_of(message).is_empty(),
            Letter::Chunk(_) | Letter::RepairReply(_) => false,
            Letter::ChunkReply(_) | Letter::RepairRequest(_) => true,
        }
    }
}
