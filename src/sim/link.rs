//! What a host sends and receives: messages, snapshots, and the news that a link broke.

use super::agenda::{Event, Local, MICROSECOND, MILLISECOND};
use super::checker::{Held, Seen};
use super::client::Answer;
use super::disk::Image;
use super::node::{Seat, id_of, seat_of};
use super::trace::Said;
use super::world::World;
use crate::raft::{Input, Message, Raft, Role, wire};
use crate::types::{NodeId, Term};
use std::sync::Arc;

impl World {
    pub(super) fn send(&mut self, seat: Seat, to: NodeId, message: Message) {
        let now = self.agenda.now();
        let vote = self.nodes[seat].disk.vote();
        self.see(&Seen::Sent { seat, to, message: &message, vote });
        let peer = seat_of(to);
        if peer >= self.nodes.len() {
            return;
        }
        let (message, bytes) = match through_wire(&message) {
            Ok(decoded) => decoded,
            Err(why) => return self.checkers.accuse(now, "wire codec", why),
        };
        let arrivals = self.network.send(now, seat, peer, bytes);
        let connection = self.network.connection(seat, peer);
        if arrivals[0].is_none() {
            self.trace.note(now, format_args!("n{} to {to} lost: {}", seat + 1, Said(&message)));
        }
        for at in arrivals.into_iter().flatten() {
            let message = message.clone();
            self.agenda.at(at, Event::Deliver { from: seat, to: peer, connection, bytes, message });
        }
    }

    pub(super) fn on_delivery(&mut self, way: (Seat, Seat), connection: u32, bytes: usize, message: Message) {
        let (from, seat) = way;
        let is_connected = self.network.arrive(from, seat, connection, bytes);
        if !is_connected || self.nodes[seat].process.is_none() {
            return;
        }
        let role = self.nodes[seat].role().unwrap_or(Role::Follower);
        let term = self.nodes[seat].raft().map(Raft::term).unwrap_or_default();
        self.trace.note(
            self.agenda.now(),
            format_args!("n{} {role:?} t{term} <- n{} {}", seat + 1, from + 1, Said(&message)),
        );
        self.see(&Seen::Received { seat, from: id_of(from), message: &message });
        self.step(seat, Input::Received { from: id_of(from), message });
        self.weigh(seat);
    }

    /// Now and then: how much memory a machine holds.
    pub(super) fn weigh(&mut self, seat: Seat) {
        let now = self.agenda.now();
        if !self.agenda.happened().is_multiple_of(32) {
            return;
        }
        let node = &self.nodes[seat];
        let Some(process) = &node.process else { return };
        let status = process.raft.status(node.clock.tick(now));
        let links = (0..self.nodes.len()).map(|to| self.network.held(seat, to));
        let held = Held {
            inbox: process.inbox.len(),
            reads: process.reads.len() + process.ready.len(),
            sessions: process.machine.sessions(),
            remembered: process.machine.remembered(),
            queued: node.disk.queued(),
            window_bytes: status.window_bytes,
            uncommitted_bytes: status.uncommitted_bytes,
            link_bytes: links.map(|(_, bytes)| bytes).max().unwrap_or(0),
        };
        self.see(&Seen::Weighed { seat, held });
    }

    pub(super) fn on_unreachable(&mut self, seat: Seat, peer: NodeId) {
        if self.nodes[seat].process.is_some() {
            self.trace.note(self.agenda.now(), format_args!("n{} lost its link to {peer}", seat + 1));
            self.step(seat, Input::Unreachable(peer));
        }
    }

    pub(super) fn send_snapshot(&mut self, seat: Seat, to: NodeId, term: Term) {
        let image = Arc::clone(self.nodes[seat].disk.image());
        let peer = seat_of(to);
        self.trace
            .note(self.agenda.now(), format_args!("n{} streams {} to {to}", seat + 1, image.snapshot.last));
        if !self.process(seat).fetching.is_empty() {
            self.count("stream during a catch-up");
        }
        let way = self.network.latency() * 4 + self.host_random.skewed(100 * MICROSECOND, 100 * MILLISECOND);
        if peer >= self.nodes.len() || self.network.is_blocked(seat, peer) {
            return self.later(seat, way, Local::SnapshotSent { to, arrived: None });
        }
        let (run, connection) = (self.nodes[seat].run, self.network.connection(seat, peer));
        self.agenda.after(way, Event::Stream { from: seat, run, to: peer, connection, term, image });
    }

    pub(super) fn on_stream(
        &mut self,
        (from, run): (Seat, u32),
        to: Seat,
        connection: u32,
        term: Term,
        image: Arc<Image>,
    ) {
        let is_connected =
            self.network.connection(from, to) == connection && !self.network.is_blocked(from, to);
        let last = image.snapshot.last;
        let is_there = is_connected && self.nodes[to].process.is_some();
        let after = self.network.latency();
        let what = Local::SnapshotSent { to: id_of(to), arrived: is_there.then_some(last) };
        self.agenda.after(after, Event::Local { seat: from, run, what });
        if is_there {
            let now = self.agenda.now();
            self.trace.note(now, format_args!("n{} <- n{} Snapshot t{term} {last}", to + 1, from + 1));
            let snapshot = image.snapshot.clone();
            self.process(to).incoming = Some(image);
            self.step(to, Input::SnapshotReceived { from: id_of(from), term, snapshot });
        }
    }

    /// Tells a client, if it is still there to be told.
    pub(super) fn tell(&mut self, client: usize, operation: u64, answer: Answer) {
        if !self.host_random.chance(self.network.options.loss) {
            let way = self.network.latency();
            self.agenda.after(way, Event::Answer { client, operation, answer });
        }
    }
}

/// The message as its receiver decodes it, and its bytes on the wire.
///
/// # Errors
/// When the codec does not give back what it was given.
fn through_wire(message: &Message) -> Result<(Message, usize), String> {
    let mut bytes = Vec::new();
    wire::encode(message, &mut bytes);
    let (limits, length) = (wire::WireLimits::default(), bytes.len());
    let body = Arc::new(bytes.split_off(wire::ENVELOPE_BYTES));
    let envelope = bytes.first_chunk().ok_or("no envelope")?;
    let decoded =
        wire::Envelope::decode(envelope, &limits).and_then(|envelope| envelope.message(&body, &limits));
    match decoded {
        Ok(decoded) if decoded == *message => Ok((decoded, length)),
        Ok(decoded) => Err(format!("{message:?} comes as {decoded:?}")),
        Err(fault) => Err(format!("{message:?} is refused: {fault}")),
    }
}
