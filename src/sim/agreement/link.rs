//! What hosts send and receive: all of it through the encoding and the verifier.

use super::block::Reading;
use super::checker::Seen;
use super::event::{Event, Local, Parcel};
use super::trace::Said;
use super::world::World;
use crate::bft::verify::{Passed, Refused};
use crate::bft::wire::{self, Bounds};
use crate::bft::{Input, Message, Record};
use crate::sim::agenda::MILLISECOND;
use crate::sim::node::Seat;
use crate::types::ValidatorIndex;
use std::sync::Arc;
use std::time::Duration;

impl World {
    const fn bounds(&self) -> Bounds {
        Bounds { places: self.facts.powers.places(), window: self.options.window }
    }

    /// What is written is read as it was meant.
    pub(super) fn look_at_encoding(&mut self, record: &Record) {
        let mut bytes = Vec::new();
        wire::encode_record(record, &mut bytes);
        let decoded = wire::decode_record(&bytes, &self.bounds(), &Reading);
        if decoded.as_ref() != Ok(record) {
            self.accuse("wire codec", format!("{record:?} is read as {decoded:?}"));
        }
    }

    /// Says something to everybody else.
    pub(super) fn broadcast(&mut self, seat: Seat, message: &Message) {
        let own = self.nodes[seat].place;
        let bytes = encode(message);
        self.see_new_view(message);
        for place in (0..self.facts.powers.places()).map(|place| ValidatorIndex::new(place as u16)) {
            if place != own {
                self.carry(seat, place, message, &bytes);
            }
        }
        let mut passed = Passed::new();
        let Some(process) = &mut self.nodes[seat].process else { return };
        let refused = process.verifier.sent(message, &mut passed);
        self.pass(seat, None, passed, refused);
    }

    /// Says something to one validator.
    pub(super) fn say(&mut self, seat: Seat, to: ValidatorIndex, message: &Message) {
        self.carry(seat, to, message, &encode(message));
    }

    fn carry(&mut self, seat: Seat, to: ValidatorIndex, message: &Message, bytes: &Arc<[u8]>) {
        if self.nodes[seat].actor.is_some() {
            return self.perform(seat, |actor, stage| actor.say(stage, to, message));
        }
        self.deliver(seat, to, message, bytes);
    }

    /// Says exactly this to one validator.
    pub(super) fn post_all(&mut self, seat: Seat, to: ValidatorIndex, message: &Message) {
        self.deliver(seat, to, message, &encode(message));
    }

    fn deliver(&mut self, seat: Seat, to: ValidatorIndex, message: &Message, bytes: &Arc<[u8]>) {
        let peers = (0..self.nodes.len()).filter(|peer| self.nodes[*peer].place == to && *peer != seat);
        for peer in peers.collect::<Vec<_>>() {
            self.post(seat, peer, message, bytes);
        }
    }

    /// A message leaves for a machine; with a proposal goes its block.
    fn post(&mut self, seat: Seat, peer: Seat, message: &Message, bytes: &Arc<[u8]>) {
        if let Message::PrePrepare(of) = message
            && let Some(block) = self.nodes[seat].block(of.proposal.hash).cloned()
        {
            self.send(seat, peer, Parcel::Block(block), 1_000);
        }
        self.send(seat, peer, Parcel::Said(Arc::clone(bytes), Some(message.clone())), bytes.len());
    }

    /// Sends a parcel of `bytes`.
    pub(super) fn send(&mut self, seat: Seat, peer: Seat, parcel: Parcel, bytes: usize) {
        let now = self.agenda.now();
        let arrivals = self.network.send(now, seat, peer, bytes);
        let connection = self.network.connection(seat, peer);
        for at in arrivals.into_iter().flatten() {
            let parcel = parcel.clone();
            self.agenda.at(at, Event::Deliver { from: seat, to: peer, connection, bytes, parcel });
        }
    }

    pub(super) fn on_delivery(&mut self, way: (Seat, Seat), connection: u32, bytes: usize, parcel: Parcel) {
        let (from, seat) = way;
        let is_connected = self.network.arrive(from, seat, connection, bytes);
        if !is_connected || self.nodes[seat].process.is_none() {
            return;
        }
        match parcel {
            Parcel::Said(bytes, meant) => self.hear(seat, from, &bytes, meant.as_ref()),
            Parcel::Ask(hash) => self.on_ask(seat, from, hash),
            Parcel::Block(block) => self.on_block(seat, block),
            Parcel::Ping(at) => self.send(seat, from, Parcel::Pong(at), 16),
            Parcel::Pong(at) => {
                let took = Duration::from_nanos(self.agenda.now() - at);
                let peer = self.nodes[from].place;
                self.tell(seat, Input::RoundTrip { peer, took });
            }
        }
    }

    /// Bytes of a peer come in.
    fn hear(&mut self, seat: Seat, from: Seat, bytes: &[u8], meant: Option<&Message>) {
        let message = match wire::decode(bytes, &self.bounds(), &Reading) {
            Ok(message) => message,
            Err(fault) => {
                if let Some(meant) = meant {
                    self.accuse("wire codec", format!("{meant:?} is refused: {fault}"));
                }
                return self.count("malformed message");
            }
        };
        if meant.is_some_and(|meant| *meant != message) {
            self.accuse("wire codec", format!("{meant:?} is read as {message:?}"));
        }
        let (to, via) = (self.nodes[seat].place, self.nodes[from].place);
        self.trace.note(self.agenda.now(), format_args!("{to} <- {via} {}", Said(&message)));
        let mut passed = Passed::new();
        let Some(process) = &mut self.nodes[seat].process else { return };
        let refused = process.verifier.take(Some(via), message, &mut passed);
        self.pass(seat, Some(via), passed, refused);
        let Some(process) = &mut self.nodes[seat].process else { return };
        if process.verifier.waiting() > 0 && !process.is_flushing {
            process.is_flushing = true;
            let idle = self.host_random.below(2 * MILLISECOND);
            self.later(seat, idle, Local::Flush);
        }
    }

    /// Nothing else is to be done: votes that wait are verified.
    pub(super) fn flush(&mut self, seat: Seat) {
        let Some(process) = &mut self.nodes[seat].process else { return };
        process.is_flushing = false;
        let mut passed = Passed::new();
        let refused = process.verifier.flush(&mut passed);
        self.pass(seat, None, passed, refused);
    }

    /// What the verifier lets through goes to the core. What it refuses, nobody honest has sent.
    fn pass(
        &mut self,
        seat: Seat,
        from: Option<ValidatorIndex>,
        passed: Passed,
        refused: Result<(), Refused>,
    ) {
        if let Err(refused) = refused {
            self.count("refused message");
            let seen = Seen::Refused { node: &self.nodes[seat], from, refused: &refused };
            self.checkers.see(self.agenda.now(), &self.facts, &seen);
        }
        for (from, message) in passed {
            let heard = message.message().clone();
            if self.nodes[seat].actor.is_some() {
                self.perform(seat, |actor, stage| actor.hear(stage, &heard));
            }
            self.see_new_view(&heard);
            self.tell(seat, Input::Received { from, message });
        }
    }
}

fn encode(message: &Message) -> Arc<[u8]> {
    let mut bytes = Vec::new();
    wire::encode(message, &mut bytes);
    Arc::from(bytes)
}
