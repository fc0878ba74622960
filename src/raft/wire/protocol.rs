//! The messages of the log as a [`Protocol`] of a transport.

use super::{Envelope, WireLimits, encode_head, frames_of};
use crate::codec::Malformed;
use crate::net::{ENVELOPE_BYTES, Packet, Protocol};
use crate::raft::Message;
use std::sync::Arc;

const _: () = assert!(ENVELOPE_BYTES == super::ENVELOPE_BYTES);

/// How the messages of a replicated log travel.
#[derive(Clone, Copy, Debug, Default)]
pub struct RaftProtocol {
    /// What a message may have.
    pub limits: WireLimits,
}

impl Protocol for RaftProtocol {
    type Message = Message;

    fn encode(&self, message: &Message, out: &mut Packet) {
        let mut bytes = Vec::with_capacity(64);
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

    fn decode(&self, envelope: &[u8; ENVELOPE_BYTES], bytes: &Arc<Vec<u8>>) -> Result<Message, Malformed> {
        Envelope::decode(envelope, &self.limits)?.message(bytes, &self.limits)
    }

    /// Everything that is not full of frames.
    fn is_urgent(&self, message: &Message) -> bool {
        frames_of(message).is_empty()
    }
}
