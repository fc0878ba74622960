//! What is built is read back, what is damaged is refused, and the bytes are those that were decided on.

use super::*;
use crate::types::Index;
use std::sync::Arc;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn bytes(&mut self, len: u64) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}

/// An entry that owns its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owned {
    bytes: Vec<u8>,
    origin: Origin,
    id: Option<[u8; ENTRY_ID_BYTES]>,
}

impl Owned {
    fn entry(&self) -> Entry<'_> {
        Entry { bytes: &self.bytes, origin: self.origin, id: self.id.as_ref() }
    }

    fn of(entry: Entry<'_>) -> Self {
        Self { bytes: entry.bytes.to_vec(), origin: entry.origin, id: entry.id.copied() }
    }
}

const SEAL: Seal = Seal { term: Term::new(7), base: Index::new(1001), time: UnixNanos::new(1_700_000_000) };

fn random_entries(random: &mut Random) -> Vec<Owned> {
    let (count, shape) = (1 + random.below(20), random.below(4));
    let first = Origin { session: 1 + random.below(9), sequence: random.below(1000) };
    let entry = |at| Owned {
        origin: match shape {
            0 => Origin::NONE,
            1 => first.forward(at).unwrap(),
            _ if random.below(3) == 0 => Origin::NONE,
            _ => Origin { session: 1 + random.below(3), sequence: random.below(5) },
        },
        id: (shape == 3 && random.below(2) == 0).then(|| [1 + random.below(255) as u8; ENTRY_ID_BYTES]),
        bytes: {
            let len = random.below(40);
            random.bytes(len)
        },
    };
    (0..count).map(entry).collect()
}

fn built(entries: &[Owned], lane: u8) -> Body {
    let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::new(lane));
    for entry in entries {
        builder.push(entry.entry()).unwrap();
    }
    let expected = builder.body_bytes();
    let body = builder.finish().unwrap();
    assert_eq!(body.bytes().len(), expected);
    assert!(builder.is_empty() && builder.finish().is_none());
    body
}

fn encoded(frame: &Frame) -> Vec<u8> {
    let mut out = Vec::new();
    frame.encode(&mut out);
    assert_eq!(out.len(), frame.encoded_bytes());
    out
}

fn decode(bytes: &[u8]) -> Result<Frame, Malformed> {
    Frame::decode(bytes, &FrameLimits::default()).map(|(frame, _)| frame)
}

#[test]
fn any_batch_that_is_built_is_read_back_the_same() {
    let mut random = Random(1);
    for _ in 0..500 {
        let entries = random_entries(&mut random);
        let frame = Frame::new(SEAL, built(&entries, 3));
        let mut bytes = encoded(&frame);
        assert_eq!(bytes.len() % 8, 0);
        let end = bytes.len();
        bytes.extend_from_slice(b"the next frame");
        let (read, read_bytes) = Frame::decode(&bytes, &FrameLimits::default()).unwrap();
        assert_eq!((&read, read_bytes), (&frame, end));
        assert_eq!((read.seal(), read.lane(), read.kind()), (SEAL, LaneId::new(3), FrameKind::Entries));
        assert_eq!(read.last().index.get(), 1000 + entries.len() as u64);
        assert_eq!(read.entries().len(), entries.len());
        assert_eq!(read.entries().map(Owned::of).collect::<Vec<_>>(), entries);
    }
}

#[test]
fn a_body_shares_the_buffer_that_it_came_in() {
    let frame = Frame::new(SEAL, built(&random_entries(&mut Random(2)), 0));
    let bytes = Arc::new([&[9; 16][..], &encoded(&frame)].concat());
    let header = FrameHeader::decode(&bytes[16..], &FrameLimits::default()).unwrap();
    let body = Body::attach(&header, &bytes, 16 + FRAME_HEADER_BYTES).unwrap();
    assert!(std::ptr::eq(body.bytes(), &raw const bytes[16 + FRAME_HEADER_BYTES..]));
    assert_eq!(Frame::sealed(&header, body).unwrap(), frame);
    let error = Body::attach(&header, &bytes, usize::MAX).unwrap_err();
    assert_eq!((error.field, error.offset), ("body", FRAME_HEADER_BYTES));
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let frame = Frame::new(SEAL, built(&random_entries(&mut Random(8)), 1));
    let bytes = encoded(&frame);
    for at in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[at / 8] ^= 1 << (at % 8);
        decode(&damaged).expect_err("damaged");
    }
}

#[test]
fn a_frame_that_ends_early_is_refused_at_every_length() {
    let bytes = encoded(&Frame::new(SEAL, built(&random_entries(&mut Random(9)), 1)));
    for length in 0..bytes.len() {
        decode(&bytes[..length]).unwrap_err();
    }
}

/// With checksums that fit again, so that the value itself is judged.
fn edited(bytes: &[u8], at: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + value.len()].copy_from_slice(value);
    let crc = crc32c::crc32c(&bytes[FRAME_HEADER_BYTES..]);
    bytes[60..64].copy_from_slice(&crc.to_le_bytes());
    let crc = crc32c::crc32c(&bytes[..68]);
    bytes[68..72].copy_from_slice(&crc.to_le_bytes());
    bytes
}

#[test]
fn each_field_out_of_its_range_is_refused_by_name_and_place() {
    let origin = Origin { session: 5, sequence: 9 };
    let entries = [b"first".to_vec(), b"second".to_vec()].map(|bytes| Owned {
        bytes,
        origin,
        id: Some([7; ENTRY_ID_BYTES]),
    });
    let bytes = encoded(&Frame::new(SEAL, built(&entries, 0)));
    // 16 of data, 64 of ids, 32 of origins, 8 of lengths.
    assert_eq!(bytes.len(), FRAME_HEADER_BYTES + 120);
    let (zero, body) = ([0; 8], FRAME_HEADER_BYTES);
    let run = [origin, origin.forward(1).unwrap()]
        .iter()
        .flat_map(|origin| [origin.session, origin.sequence])
        .flat_map(u64::to_le_bytes)
        .collect::<Vec<u8>>();
    let table: &[(usize, &[u8], &str, usize)] = &[
        (0, b"XUOF", "magic", 0),
        (4, &[2], "version", 4),
        (5, &[0], "kind", 5),
        (5, &[4], "kind", 5),
        (5, &[2], "flags", 6),
        (6, &[7, 0], "flags", 6),
        (6, &[3, 1], "flags", 6),
        (8, &zero, "term", 8),
        (16, &zero, "term", 8),
        (16, &u64::MAX.to_le_bytes(), "base", 8),
        (24, &0_u32.to_le_bytes(), "count", 24),
        (24, &10_001_u32.to_le_bytes(), "count", 24),
        (24, &3_u32.to_le_bytes(), "body bytes", 28),
        (28, &121_u32.to_le_bytes(), "body bytes", 28),
        (28, &96_u32.to_le_bytes(), "body bytes", 28),
        (28, &u32::MAX.to_le_bytes(), "body bytes", 28),
        (28, &128_u32.to_le_bytes(), "body", body),
        (40, &1_u64.to_le_bytes(), "session", 40),
        (48, &1_u64.to_le_bytes(), "session", 40),
        (57, &[1], "reserved", 57),
        (59, &[1], "reserved", 57),
        (64, &[1], "reserved", 64),
        (body + 15, &[1], "lengths", body + 112),
        (body + 16, &[0; 64], "ids", body + 16),
        (body + 80, &zero, "origins", body + 80),
        (body + 80, &run, "origins", body + 80),
        (body + 112, &11_u32.to_le_bytes(), "lengths", body + 112),
        (body + 112, &[255; 8], "lengths", body + 112),
        (body + 112, &[0; 8], "lengths", body + 112),
    ];
    for (at, value, field, offset) in table {
        let error = decode(&edited(&bytes, *at, value)).expect_err(field);
        assert_eq!((error.field, error.offset), (*field, *offset), "{error} for {value:?} at {at}");
    }
    decode(&edited(&bytes, 0, b"DUOF")).unwrap();
}

#[test]
fn origins_in_the_header_are_a_session_with_room_or_nothing() {
    let origin = Origin { session: 5, sequence: u64::MAX - 1 };
    let entries: Vec<_> =
        (0..2).map(|at| Owned { bytes: vec![1], origin: origin.forward(at).unwrap(), id: None }).collect();
    let bytes = encoded(&Frame::new(SEAL, built(&entries, 0)));
    assert_eq!(decode(&bytes).unwrap().entries().map(Owned::of).collect::<Vec<_>>(), entries);
    for (at, value) in [(40, 0), (48, u64::MAX)] {
        let error = decode(&edited(&bytes, at, &value.to_le_bytes())).unwrap_err();
        assert_eq!((error.field, error.offset), ("sequence", 40), "{error}");
    }
}

#[test]
fn limits_come_before_everything_that_follows_them() {
    let entries: Vec<_> =
        (0..3).map(|at| Owned { bytes: vec![at; 100], origin: Origin::NONE, id: None }).collect();
    let bytes = encoded(&Frame::new(SEAL, built(&entries, 0)));
    let fits = FrameLimits { body_bytes_max: 320, entries_max: 3 };
    Frame::decode(&bytes, &fits).unwrap();
    let error = FrameHeader::decode(&bytes, &FrameLimits { body_bytes_max: 319, ..fits }).unwrap_err();
    assert_eq!(error.field, "body bytes");
    let error = FrameHeader::decode(&bytes, &FrameLimits { entries_max: 2, ..fits }).unwrap_err();
    assert_eq!(error.field, "count");
}

#[test]
fn a_builder_is_full_at_its_limits_and_takes_nothing_that_never_fits() {
    let limits = FrameLimits { body_bytes_max: 128, entries_max: 3 };
    let mut builder = FrameBuilder::new(limits, LaneId::default());
    let entry = |bytes| Entry { bytes, ..Entry::default() };
    assert_eq!(builder.push(entry(&[0; 121])), Err(PushError::TooLarge { len: 121, max: 128 }));
    builder.push(entry(&[0; 120])).unwrap();
    assert_eq!(builder.push(entry(&[])).err(), None);
    assert_eq!(builder.push(entry(&[1])), Err(PushError::Full));
    assert_eq!(builder.finish().unwrap().bytes().len(), 128);

    for _ in 0..3 {
        builder.push(entry(b"x")).unwrap();
    }
    assert_eq!(builder.push(entry(b"x")), Err(PushError::Full));
    assert_eq!(builder.finish().unwrap().count(), 3);

    // What counts is what the tables will take once an entry needs them.
    builder.push(entry(&[0; 88])).unwrap();
    let origin = Origin { session: 1, sequence: 1 };
    assert_eq!(builder.push(Entry { origin, ..entry(&[0; 8]) }), Err(PushError::Full));
    let stray = Origin { session: 0, sequence: 1 };
    assert_eq!(builder.push(Entry { origin: stray, ..entry(b"x") }), Err(PushError::NoSession));
    builder.push(entry(&[0; 8])).unwrap();
    assert_eq!(builder.finish().unwrap().bytes().len(), 104);
}

#[test]
fn a_batch_without_a_seal_travels_but_is_no_frame() {
    let body = built(&random_entries(&mut Random(3)), 0);
    let bytes = [&body.header().encode()[..], body.bytes()].concat();
    let header = FrameHeader::decode(&bytes, &FrameLimits::default()).unwrap();
    assert_eq!(header.seal, None);
    assert_eq!(Body::attach(&header, &Arc::new(bytes.clone()), FRAME_HEADER_BYTES).unwrap(), body);
    assert_eq!(decode(&bytes).unwrap_err().field, "term");
}

#[test]
fn a_blank_and_a_membership_have_one_entry() {
    for (body, content) in [(Body::blank(), &b""[..]), (Body::membership(b"members"), b"members")] {
        let frame = Frame::new(SEAL, body);
        let read = decode(&encoded(&frame)).unwrap();
        assert_eq!((read.kind(), read.count(), read.last().index), (frame.kind(), 1, SEAL.base));
        let entry = read.entries().next().unwrap();
        assert_eq!(entry, Entry { bytes: content, ..Entry::default() });
    }
    let blank = encoded(&Frame::new(SEAL, Body::blank()));
    assert_eq!(blank.len(), FRAME_HEADER_BYTES + 8);
    let longer = [&blank[..], &[0; 8]].concat();
    assert_eq!(decode(&edited(&longer, 28, &16_u32.to_le_bytes())).unwrap_err().field, "body bytes");
}

#[test]
#[should_panic(expected = "a place in the log")]
fn a_seal_without_a_term_is_a_bug() {
    drop(Frame::new(Seal { term: Term::ORIGIN, ..SEAL }, Body::blank()));
}

#[test]
fn checksums_are_those_of_the_standard() {
    // RFC 3720, B.4.
    assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
    assert_eq!(crc32c::crc32c(&[255; 32]), 0x62a8_ab43);
}

/// Changing it changes what is on disks and wires: only together with [`header::VERSION`].
#[test]
fn the_encoding_of_a_thousand_frames_is_what_it_was() {
    let mut hasher = blake3::Hasher::new();
    let mut random = Random(2026);
    for round in 0..1000 {
        let body = match round % 20 {
            0 => Body::blank(),
            1 => {
                let len = random.below(100);
                Body::membership(&random.bytes(len))
            }
            _ => built(&random_entries(&mut random), random.below(16) as u8),
        };
        let [term, base, time] = [(); 3].map(|()| 1 + random.below(1 << 40));
        let seal = Seal { term: Term::new(term), base: Index::new(base), time: UnixNanos::new(time) };
        hasher.update(&encoded(&Frame::new(seal, body)));
    }
    assert_eq!(
        hasher.finalize().to_hex().as_str(),
        "405ea84446c7a0355dc75b3431fa5dc18e58d3425a2010059b8c0c480c320080"
    );
}
