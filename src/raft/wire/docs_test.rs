//! The dumps in `docs/replication-protocol.md` are what is sent, and each kind of message has one.

use super::{
    Chunk, ChunkAnswer, ChunkReply, Envelope, Kind, Letter, RepairAnswer, RepairReply, RepairRequest,
    WireLimits, encode_letter,
};
use crate::codec::dump::{dump, hold};
use crate::frame::{Entry, Frame, FrameBuilder, FrameLimits, Origin, Seal};
use crate::raft::{Message, Outcome, Ticket};
use crate::types::{Index, LaneId, LogId, Term, UnixNanos};
use std::collections::BTreeSet;

fn at(term: u64, index: u64) -> LogId {
    LogId::new(Term::new(term), Index::new(index))
}

fn frame() -> Frame {
    let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::new(1));
    for (bytes, sequence) in [(&b"pay 7 to ada"[..], 9), (b"hi", 10)] {
        builder.push(Entry { bytes, origin: Origin { session: 5, sequence }, id: None }).unwrap();
    }
    let time = UnixNanos::new(1_700_000_000_000_000_000);
    let seal = Seal { term: Term::new(3), base: Index::new(17), time };
    Frame::new(seal, builder.finish().unwrap())
}

/// One election, one append and one read, as the document tells them.
fn messages() -> Vec<(&'static str, Message)> {
    let (before, term) = (Term::new(2), Term::new(3));
    let matched =
        |durable, received| Outcome::Matched { durable: Index::new(durable), received: Index::new(received) };
    let conflict = Outcome::Conflict { prev: Index::new(16), hint: at(1, 9) };
    let append = Message::Append { term, prev: at(3, 16), commit: Index::new(16), frames: vec![frame()] };
    vec![
        ("pre-vote request", Message::VoteRequest { term, last: at(2, 15), pre: true, transfer: false }),
        ("pre-vote reply", Message::VoteReply { term, granted: true, pre: true }),
        ("vote request", Message::VoteRequest { term, last: at(2, 15), pre: false, transfer: false }),
        ("vote reply", Message::VoteReply { term, granted: true, pre: false }),
        ("vote refused", Message::VoteReply { term: before, granted: false, pre: true }),
        ("append", append),
        ("append reply", Message::AppendReply { term, outcome: matched(18, 18), round: 0 }),
        ("append conflict", Message::AppendReply { term, outcome: conflict, round: 0 }),
        ("heartbeat", Message::Heartbeat { term, prev: at(3, 18), commit: Index::new(18), round: 4 }),
        ("heartbeat reply", Message::AppendReply { term, outcome: matched(18, 18), round: 4 }),
        ("timeout now", Message::TimeoutNow { term }),
        ("read request", Message::ReadRequest { term, ticket: Ticket(1) }),
        ("read reply", Message::ReadReply { term, ticket: Ticket(1), index: Some(Index::new(18)) }),
    ]
}

/// And a snapshot of one piece, and the repair of one frame.
fn letters() -> Vec<(&'static str, Letter)> {
    let (term, digest) = (Term::new(3), std::array::from_fn(|at| at as u8));
    let data = b"the first bytes of it".to_vec();
    let chunk = Chunk { term, last: at(3, 18), bytes: 5000, digest, offset: 0, data };
    let reply = ChunkReply { term, digest, answer: ChunkAnswer::Next(21) };
    let (from, to) = (Index::new(17), Index::new(18));
    let request = RepairRequest { from, to, before: Term::new(2), behind: term };
    let repaired = RepairReply { request, answer: RepairAnswer::Frames(vec![frame()]) };
    let refused = RepairReply { request, answer: RepairAnswer::OtherBehind };
    let others = [
        ("chunk", Letter::Chunk(chunk)),
        ("chunk reply", Letter::ChunkReply(reply)),
        ("repair request", Letter::RepairRequest(request)),
        ("repair reply", Letter::RepairReply(repaired)),
        ("repair refused", Letter::RepairReply(refused)),
    ];
    messages().into_iter().map(|(name, message)| (name, Letter::Message(message))).chain(others).collect()
}

fn bytes_of(letter: &Letter) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_letter(letter, &mut bytes);
    bytes
}

#[test]
fn the_dumps_of_messages_in_docs_are_what_is_sent() {
    let sections: Vec<_> =
        letters().iter().map(|(name, letter)| (*name, dump(&bytes_of(letter), 0))).collect();
    hold("docs/replication-protocol.md", &sections);
}

#[test]
fn every_kind_of_message_has_a_dump() {
    let kind = |(_, letter): &(_, Letter)| {
        let bytes = bytes_of(letter);
        let envelope = bytes.first_chunk().expect("an envelope");
        Envelope::decode(envelope, &WireLimits::default()).expect("just encoded").kind() as u8
    };
    let shown: BTreeSet<u8> = letters().iter().map(kind).collect();
    assert_eq!(shown, Kind::ALL.iter().map(|kind| *kind as u8).collect());
}
