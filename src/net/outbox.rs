//! What waits for the way to a peer, in two lanes.

use super::line::Line;
use super::packet::Packet;
use std::collections::VecDeque;
use std::io;

/// What waits for the socket. Urgent packets overtake others, never one that is half sent.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    sending: Option<Packet>,
    urgent: VecDeque<Packet>,
    normal: VecDeque<Packet>,
    pub(super) bytes: usize,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.sending.is_none() && self.urgent.is_empty() && self.normal.is_empty()
    }

    /// Packets, the half-sent one included.
    pub(super) fn len(&self) -> u64 {
        (usize::from(self.sending.is_some()) + self.urgent.len() + self.normal.len()) as u64
    }

    pub(super) fn push(&mut self, packet: Packet, is_urgent: bool) {
        self.bytes += packet.left();
        if is_urgent { &mut self.urgent } else { &mut self.normal }.push_back(packet);
    }

    /// Sends what the socket takes; returns the number of packets that left whole.
    pub(super) fn send(&mut self, line: &mut Line) -> (u64, io::Result<()>) {
        let mut whole = 0;
        loop {
            let next = self.sending.take().or_else(|| self.urgent.pop_front());
            let Some(mut packet) = next.or_else(|| self.normal.pop_front()) else { return (whole, Ok(())) };
            let before = packet.left();
            let outcome = line.send(&mut packet);
            self.bytes -= before - packet.left();
            if let Err(error) = outcome {
                self.sending = Some(packet);
                return (whole, Err(error));
            }
            whole += 1;
        }
    }
}
