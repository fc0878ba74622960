//! Every kind of message there and back, and what is refused.

use super::*;
use crate::codec::Malformed;
use crate::frame::{Body, Entry, Frame, FrameBuilder, FrameLimits, Seal};
use crate::net::{Flaw, Protocol};
use crate::raft::{Message, Outcome, Ticket};
use crate::types::{Index, LaneId, LogId, Term, UnixNanos};
use std::sync::Arc;

fn at(term: u64, index: u64) -> LogId {
    LogId::new(Term::new(term), Index::new(index))
}

fn frame(base: u64, entries: &[&[u8]]) -> Frame {
    let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::default());
    for bytes in entries {
        builder.push(Entry { bytes, ..Entry::default() }).expect("small");
    }
    let seal = Seal { term: Term::new(3), base: Index::new(base), time: UnixNanos::new(9) };
    Frame::new(seal, builder.finish().unwrap_or_else(Body::blank))
}

fn every_kind() -> Vec<Letter> {
    let digest = std::array::from_fn(|at| at as u8);
    let term = Term::new(3);
    let chunk = Chunk { term, last: at(2, 14), bytes: 100, digest, offset: 77, data: b"a piece".to_vec() };
    let replies = [ChunkAnswer::Next(84), ChunkAnswer::Whole, ChunkAnswer::Refused];
    let replies = replies.map(|answer| Letter::ChunkReply(ChunkReply { term, digest, answer }));
    let messages = every_message().into_iter().map(Letter::Message);
    let (from, to) = (Index::new(15), Index::new(17));
    let request = RepairRequest { from, to, before: Term::new(2), behind: Term::new(4) };
    let answers = [
        RepairAnswer::Frames(vec![frame(15, &[b"one", b"three"]), frame(17, &[])]),
        RepairAnswer::Uncommitted,
        RepairAnswer::Forgotten,
        RepairAnswer::OtherBefore,
        RepairAnswer::OtherBehind,
        RepairAnswer::Unreadable,
    ];
    let answers = answers.map(|answer| Letter::RepairReply(RepairReply { request, answer }));
    let chunks = [Letter::Chunk(chunk)].into_iter().chain(replies);
    messages.chain(chunks).chain([Letter::RepairRequest(request)]).chain(answers).collect()
}

fn every_message() -> Vec<Message> {
    let (term, commit) = (Term::new(3), Index::new(12));
    let frames = vec![frame(15, &[b"one", b"three"]), frame(17, &[])];
    let matched = Outcome::Matched { durable: Index::new(7), received: Index::new(9) };
    let conflict = Outcome::Conflict { prev: Index::new(9), hint: at(1, 4) };
    vec![
        Message::VoteRequest { term, last: at(2, 14), pre: true, transfer: false },
        Message::VoteRequest { term, last: at(2, 14), pre: false, transfer: true },
        Message::VoteReply { term, granted: true, pre: false },
        Message::VoteReply { term, granted: false, pre: true },
        Message::Append { term, prev: at(2, 14), commit, frames },
        Message::Append { term, prev: at(2, 14), commit, frames: Vec::new() },
        Message::Heartbeat { term, prev: at(2, 14), commit, round: 77 },
        Message::AppendReply { term, outcome: matched, round: 0 },
        Message::AppendReply { term, outcome: conflict, round: 5 },
        Message::TimeoutNow { term },
        Message::ReadRequest { term, ticket: Ticket(8) },
        Message::ReadReply { term, ticket: Ticket(8), index: Some(commit) },
        Message::ReadReply { term, ticket: Ticket(8), index: None },
    ]
}

fn read(bytes: &[u8]) -> Result<Letter, Malformed> {
    let limits = WireLimits::default();
    let (envelope, rest) = bytes.split_first_chunk().expect("long enough");
    let envelope = Envelope::decode(envelope, &limits)?;
    envelope.letter(&Arc::new(rest.to_vec()), &limits)
}

fn bytes_of(letter: &Letter) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_letter(letter, &mut bytes);
    bytes
}

#[test]
fn every_kind_of_message_is_read_back() {
    let messages = every_kind();
    for message in &messages {
        let bytes = bytes_of(message);
        assert_eq!(bytes.len() % 8, 0, "{message:?}");
        assert_eq!(read(&bytes).as_ref(), Ok(message));
    }
    let kinds = Kind::ALL.map(|kind| messages.iter().any(|message| bytes_of(message)[5] == kind.wire()));
    assert_eq!(kinds, [true; 12], "each kind is among them");
}

#[test]
fn the_encoding_does_not_change_by_itself() {
    let all: Vec<u8> = every_kind().iter().flat_map(bytes_of).collect();
    for (bytes, expected) in
        [(&all[..776], 2_654_349_153), (&all[..1104], 3_274_710_288), (&all[..], 4_072_573_912)]
    {
        assert_eq!(crc32c::crc32c(bytes), expected, "changing it is a decision: raise the version");
    }
    assert_eq!(all.len(), 1704);
}

#[test]
fn any_changed_or_missing_byte_is_refused_or_says_something_else() {
    for message in every_kind() {
        let bytes = bytes_of(&message);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                assert!(read(&changed).is_err(), "{message:?}: bit {bit} of byte {at}");
            }
            if at >= ENVELOPE_BYTES {
                assert!(read(&bytes[..at]).is_err(), "{message:?}: cut at {at}");
            }
        }
        let more = [&bytes[..], &[0; 8]].concat();
        assert!(read(&more).is_err(), "{message:?}: more bytes");
    }
}

#[test]
fn a_length_or_a_number_of_frames_over_the_limit_is_refused_before_room_is_made() {
    let message =
        Message::Append { term: Term::new(1), prev: at(0, 0), commit: Index::ORIGIN, frames: Vec::new() };
    let mut bytes = bytes_of(&Letter::Message(message));
    bytes[8..12].copy_from_slice(&0xffff_fff8_u32.to_le_bytes());
    let envelope = bytes.first_chunk().expect("long enough");
    assert_eq!(Envelope::decode(envelope, &WireLimits::default()).unwrap_err().field, "bytes");

    let fixed = [1, 0, 0, 0, u64::MAX];
    let mut bytes = Vec::new();
    envelope::seal(Kind::Append, &fixed, 0, &mut bytes);
    assert_eq!(read(&bytes).unwrap_err().field, "frames");
    let limits = WireLimits { frames_max: 1, ..WireLimits::default() };
    let two = bytes_of(&every_kind()[4]);
    let (envelope, rest) = two.split_first_chunk().expect("long enough");
    let envelope = Envelope::decode(envelope, &limits).expect("it is within the bytes");
    assert_eq!(envelope.message(&Arc::new(rest.to_vec()), &limits).unwrap_err().field, "frames");
}

/// What a transport counts for the fault in these bytes.
fn flaw(bytes: &[u8]) -> Flaw {
    let protocol = RaftProtocol::default();
    let (envelope, rest) = bytes.split_first_chunk().expect("long enough");
    let decoded = protocol.expect(envelope).and_then(|_| protocol.decode(envelope, &Arc::new(rest.to_vec())));
    protocol.flaw(envelope, &decoded.expect_err("it is no message"))
}

#[test]
fn a_fault_is_counted_for_what_it_is_in_envelope_fields_and_frames_alike() {
    let append = bytes_of(&every_kind()[4]);
    assert_eq!(append[5], Kind::Append.wire());
    let first_frame = ENVELOPE_BYTES + Kind::Append.fixed_bytes();
    for (at, byte, expected) in [
        (0, b'H', Flaw::Magic),
        (4, 2, Flaw::Version),
        (5, 99, Flaw::Kind),
        (6, 1, Flaw::Field),
        (8, append[8] + 1, Flaw::Length),
        (12, !append[12], Flaw::Checksum),
        (ENVELOPE_BYTES, !append[ENVELOPE_BYTES], Flaw::Checksum),
        // Magic, version and body of a frame are no magic and version of ours.
        (first_frame, b'H', Flaw::Frame),
        (first_frame + 4, 99, Flaw::Frame),
        (append.len() - 1, !append[append.len() - 1], Flaw::Frame),
    ] {
        let mut bytes = append.clone();
        bytes[at] = byte;
        assert_eq!(flaw(&bytes), expected, "byte {at}");
    }
    let sealed = |kind, fixed: &[u64]| {
        let mut bytes = Vec::new();
        envelope::seal(kind, fixed, 0, &mut bytes);
        flaw(&bytes)
    };
    assert_eq!(sealed(Kind::Append, &[1, 0, 0, 0, 1]), Flaw::Frame, "fewer than it says");
    assert_eq!(sealed(Kind::VoteReply, &[1, 4]), Flaw::Field);
    assert_eq!(sealed(Kind::RepairRequest, &[6, 5, 1, 2]), Flaw::Field);
    assert_eq!(sealed(Kind::Chunk, &[3, 2, 14, 9, 0, 8, 0, 1, 2, 3, 4]), Flaw::Length);
}

#[test]
fn a_range_that_is_none_is_no_request_for_repair() {
    for (from, to) in [(0, 5), (6, 5), (0, 0), (7, u64::MAX)] {
        let mut bytes = Vec::new();
        envelope::seal(Kind::RepairRequest, &[from, to, 1, 2], 0, &mut bytes);
        assert_eq!(read(&bytes).unwrap_err().field, "from", "{from} to {to}");
        bytes.clear();
        envelope::seal(Kind::RepairReply, &[from, to, 1, 2, 2, 0], 0, &mut bytes);
        assert_eq!(read(&bytes).unwrap_err().field, "from", "{from} to {to}");
    }
}

#[test]
fn an_answer_to_a_repair_without_the_frames_that_belong_to_it_is_refused() {
    let one = frame(15, &[b"one"]);
    for (answer, count) in [(0, 0), (1, 0), (2, 1), (6, 1), (7, 0), (u64::MAX, 0)] {
        let mut bytes = Vec::new();
        let frames = &[one.clone()][..count];
        let more = frames.iter().map(Frame::encoded_bytes).sum();
        envelope::seal(Kind::RepairReply, &[15, 15, 1, 2, answer, count as u64], more, &mut bytes);
        frames.iter().for_each(|frame| frame.encode(&mut bytes));
        assert_eq!(read(&bytes).unwrap_err().field, "answer", "{answer} with {count}");
    }
}

#[test]
fn a_chunk_that_lies_about_its_place_or_length_is_refused() {
    let sound = Chunk {
        term: Term::new(3),
        last: at(2, 14),
        bytes: 100,
        digest: [1; 32],
        offset: 77,
        data: vec![7; 23],
    };
    assert!(read(&bytes_of(&Letter::Chunk(sound.clone()))).is_ok());
    let broken = [
        Chunk { offset: 78, ..sound.clone() },
        Chunk { offset: u64::MAX, ..sound.clone() },
        Chunk { bytes: 22, offset: 0, ..sound.clone() },
        Chunk { data: Vec::new(), ..sound.clone() },
    ];
    for chunk in broken {
        assert_eq!(read(&bytes_of(&Letter::Chunk(chunk))).unwrap_err().field, "length");
    }
    let large = Chunk { bytes: u64::MAX, data: vec![0; CHUNK_BYTES_MAX], ..sound };
    assert!(read(&bytes_of(&Letter::Chunk(large.clone()))).is_ok());
    let larger = Chunk { data: vec![0; CHUNK_BYTES_MAX + 8], ..large };
    assert_eq!(read(&bytes_of(&Letter::Chunk(larger))).unwrap_err().field, "bytes");
}

#[test]
fn a_chunk_whose_length_no_number_can_be_rounded_to_is_refused() {
    for length in [0, 8, u64::MAX - 7, u64::MAX - 6, u64::MAX] {
        for offset in [0, 1, u64::MAX] {
            let mut bytes = Vec::new();
            envelope::seal(Kind::Chunk, &[3, 2, 14, u64::MAX, offset, length, 0, 1, 2, 3, 4], 0, &mut bytes);
            assert_eq!(read(&bytes).unwrap_err().field, "length", "{length} from {offset}");
        }
    }
}

#[test]
fn a_chunk_of_any_size_fits_where_messages_are_small() {
    let limits = WireLimits { message_bytes_max: 192 << 10, ..WireLimits::default() };
    let chunk = Chunk {
        term: Term::new(3),
        last: at(2, 14),
        bytes: u64::MAX,
        digest: [1; 32],
        offset: 0,
        data: vec![7; CHUNK_BYTES_MAX],
    };
    let bytes = bytes_of(&Letter::Chunk(chunk.clone()));
    let (envelope, rest) = bytes.split_first_chunk().expect("long enough");
    let envelope = Envelope::decode(envelope, &limits).expect("a chunk has a limit of its own");
    assert_eq!(envelope.letter(&Arc::new(rest.to_vec()), &limits), Ok(Letter::Chunk(chunk)));
}

#[test]
fn what_is_not_for_the_core_is_no_message() {
    for letter in every_kind() {
        let bytes = bytes_of(&letter);
        let limits = WireLimits::default();
        let (envelope, rest) = bytes.split_first_chunk().expect("long enough");
        let message = Envelope::decode(envelope, &limits)
            .and_then(|envelope| envelope.message(&Arc::new(rest.to_vec()), &limits));
        assert_eq!(message.is_ok(), matches!(letter, Letter::Message(_)));
    }
}

#[test]
fn frames_of_one_message_share_its_buffer() {
    let bytes = bytes_of(&every_kind()[4]);
    let limits = WireLimits::default();
    let (envelope, rest) = bytes.split_first_chunk().expect("long enough");
    let buffer = Arc::new(rest.to_vec());
    let message = Envelope::decode(envelope, &limits).and_then(|envelope| envelope.message(&buffer, &limits));
    let Ok(Message::Append { frames, .. }) = message else { panic!("an append") };
    let range = buffer.as_ptr_range();
    assert!(frames.iter().all(|frame| range.contains(&frame.body().bytes().as_ptr())));
}

/// `DUO_UPDATE_CORPUS=1` writes what the fuzzer begins with.
#[test]
fn the_corpus_holds_every_kind() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/message");
    for (number, message) in every_kind().iter().enumerate() {
        let path = dir.join(format!("seed-{number}"));
        if std::env::var_os("DUO_UPDATE_CORPUS").is_some() {
            std::fs::create_dir_all(&dir).expect("writable");
            std::fs::write(&path, bytes_of(message)).expect("writable");
        }
        assert_eq!(std::fs::read(&path).expect("it is there"), bytes_of(message), "{}", path.display());
    }
}
