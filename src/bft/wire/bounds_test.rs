//! Fields that are out of bounds or not as they are written, each by its name.

use super::*;
use crate::bft::testing::{BASE, Network, Plain, chain, place};
use crate::bft::{Backing, FinalityProof, Kind, Proposal, Statement, ViewChange, Votes};
use crate::crypto::ed25519::Signature;
use crate::types::View;

fn message_bytes(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(message, &mut bytes);
    bytes
}

/// The field that is at fault in what `change` makes of a message.
fn fault(of: &Message, bounds: &Bounds, change: impl FnOnce(&mut Vec<u8>)) -> &'static str {
    let mut bytes = message_bytes(of);
    change(&mut bytes);
    decode(&bytes, bounds, &Plain).expect_err("it is none").field
}

#[test]
fn what_is_not_as_it_is_written_is_named() {
    let network = Network::four();
    let bounds = network.bounds();
    let [block] = chain("block");
    let vote = Message::Vote(network.prepare(3, 0, &block));
    let field = |change: fn(&mut Vec<u8>)| fault(&vote, &bounds, change);
    assert_eq!(field(|bytes| bytes[0] = 2), "version");
    assert_eq!(field(|bytes| bytes[1] = 0), "form");
    assert_eq!(field(|bytes| bytes[1] = 7), "form");
    assert_eq!(field(|bytes| bytes[1] = Form::View as u8), "form", "a record");
    assert_eq!(field(|bytes| bytes[2] = Kind::PrePrepare.wire()), "kind of vote");
    assert_eq!(field(|bytes| bytes[2] = Kind::ViewChange.wire()), "kind of vote");
    assert_eq!(field(|bytes| bytes[3] = 4), "place");
    assert_eq!(field(|bytes| bytes[4] = 1), "place");
    assert_eq!(field(|bytes| bytes.truncate(VOTE_BYTES - 1)), "signature");
    assert_eq!(field(|bytes| bytes.push(0)), "end");
    let status = Message::Status(Status { view: View::new(1), waits: true, tip: Height::new(2) });
    assert_eq!(fault(&status, &bounds, |bytes| bytes[10] = 2), "waits");
    let of_record = [&[1, Form::Vote as u8][..], &[0; 115]].concat();
    assert_eq!(decode_record(&of_record, &bounds, &Plain).expect_err("a vote").field, "form");
}

#[test]
fn signers_are_a_bitmap_of_places_without_zeros_at_its_end() {
    let network = Network::new(&[1; 10], 0);
    let bounds = network.bounds();
    let [block] = chain("block");
    let proof = Message::Proof(network.slow(0, &block, &[0, 1, 2, 3, 5, 6, 9]));
    // Form, kind and statement come before it.
    let at = 2 + 1 + 48;
    let bytes = message_bytes(&proof);
    assert_eq!(bytes[at..at + 4], [2, 0, 0b0110_1111, 0b10]);
    let field = |change: &dyn Fn(&mut Vec<u8>)| fault(&proof, &bounds, change);
    assert_eq!(field(&|bytes| bytes[at + 3] = 0b110), "signers", "place 10 of 10");
    assert_eq!(field(&|bytes| bytes[at + 3] = 0), "signers", "a zero at the end");
    let longer = |bytes: &mut Vec<u8>| {
        bytes[at] = 3;
        bytes.insert(at + 4, 0);
    };
    assert_eq!(field(&longer), "signers");
    assert_eq!(field(&|bytes| bytes[at + 2] |= 0b1_0000), "signatures", "one more than there are");
    assert_eq!(field(&|bytes| bytes[at + 2] = 0b10), "end", "fewer");
    assert_eq!(field(&|bytes| bytes[at + 1] = 0xff), "signers", "longer than what is left");
    let (nobody, everybody) = (network.votes(Kind::Commit, 0, &block, &[]), u16::MAX);
    let nobody = FinalityProof::of(nobody);
    let mut bytes = Vec::new();
    encode_proof(&nobody, &mut bytes);
    assert_eq!((bytes.len(), decode_proof(&bytes, &bounds)), (3 + VOTES_BYTES_MIN, Ok(nobody)));
    // The last place that there can be.
    let last = Votes {
        statement: Statement::new(Kind::Commit, View::ORIGIN, Height::new(1), block.hash),
        signatures: vec![(place(0), Signature::new([1; 64])), (place(everybody), Signature::new([2; 64]))],
    };
    let (last, mut bytes) = (FinalityProof::of(last), Vec::new());
    encode_proof(&last, &mut bytes);
    let all = Bounds { places: 1 << 16, window: 1 };
    assert_eq!(decode_proof(&bytes, &all), Ok(last.clone()));
    assert_eq!(decode_proof(&bytes, &Bounds { places: usize::MAX, window: 1 }), Ok(last));
    // And one that has no number, whatever the set.
    let mut beyond = [&bytes[..51], &8_193_u16.to_le_bytes(), &[0; 8_192], &[1], &[7; 64]].concat();
    let unbounded = Bounds { places: usize::MAX, window: 1 };
    assert_eq!(decode_proof(&beyond, &unbounded).expect_err("a stranger").field, "signers");
    beyond[51 + 2 + 8_192] = 0;
    assert_eq!(decode_proof(&beyond, &unbounded).expect_err("zeros").field, "signers");
    let refused = decode_proof(&bytes, &Bounds { places: (1 << 16) - 1, window: 1 });
    assert_eq!(refused.expect_err("too high").to_string(), "signers at offset 51: place 65535 of 65535");
}

#[test]
fn counts_are_within_the_window_and_the_set() {
    let network = Network::four();
    let bounds = network.bounds();
    let change = Message::ViewChange(network.view_change(3, 2).into());
    let narrow = |window| fault(&change, &Bounds { window, ..bounds }, |_| ());
    assert_eq!((narrow(0), narrow(1)), ("heights", "heights"));
    assert!(decode(&message_bytes(&change), &Bounds { window: 2, ..bounds }, &Plain).is_ok());
    // No window is wider than a selection.
    let wide = Bounds { window: usize::MAX, ..bounds };
    let heights = 2 + 2 + 8 + 40;
    assert_eq!(fault(&change, &wide, |bytes| bytes[heights] = 9), "heights");
    let [one, two] = chain("block");
    let of = |certificates: &[&Proposal], proposals: &[&Proposal]| {
        let certificates = certificates.iter().map(|block| network.certificate(0, block, &[1])).collect();
        let proposals = proposals.iter().map(|block| (*block).clone()).collect();
        let backing = Backing { low: None, certificates, proposals };
        Message::ViewChange(ViewChange { claims: network.claims(3, 1, BASE, &[]), backing }.into())
    };
    let one_height = Bounds { window: 1, ..bounds };
    assert_eq!(fault(&of(&[&one, &two], &[]), &one_height, |_| ()), "certificates");
    assert_eq!(fault(&of(&[], &[&one, &two, &two]), &one_height, |_| ()), "headers");
    assert_eq!(fault(&of(&[&two, &one], &[]), &bounds, |_| ()), "certificates", "order");
    assert_eq!(fault(&of(&[&one, &one], &[]), &bounds, |_| ()), "certificates", "twice");
    assert_eq!(fault(&of(&[], &[&two, &one]), &bounds, |_| ()), "headers", "order");
    assert_eq!(fault(&of(&[], &[&one, &one]), &bounds, |_| ()), "headers", "twice");
    let flags = 2 + CLAIMS_BYTES_MIN;
    assert_eq!(fault(&of(&[], &[]), &bounds, |bytes| bytes[flags] = 2), "low");
    assert_eq!(fault(&change, &bounds, |bytes| bytes[heights + 1] |= 4), "claim");

    let begun = Message::NewView(network.begun(2, &[0, 1, 3]).into());
    assert_eq!(fault(&begun, &Bounds { places: 2, ..bounds }, |_| ()), "place");
    let count = 2 + 2 + 8;
    assert_eq!(fault(&begun, &bounds, |bytes| bytes[count] = 5), "claims");
    assert_eq!(fault(&begun, &bounds, |bytes| bytes[count + 3] = 0xff), "claims");
    let many = Bounds { places: 1 << 16, ..bounds };
    let mut bytes = message_bytes(&begun);
    bytes[count..count + 4].copy_from_slice(&60_000_u32.to_le_bytes());
    let refused = decode(&bytes, &many, &Plain).expect_err("there are three");
    assert_eq!((refused.field, refused.offset), ("claims", count), "before room is made for them");
    for places in [[1, 0, 3], [0, 0, 3]] {
        let claims = places.map(|from| network.view_change(from, 2).claims).into();
        let unordered = Message::NewView(network.new_view(2, claims, Backing::default()).into());
        assert_eq!(fault(&unordered, &bounds, |_| ()), "claims");
    }
}

#[test]
fn a_header_is_what_the_host_says_and_not_too_long() {
    let network = Network::four();
    let bounds = network.bounds();
    let [block] = chain("block");
    let message = Message::PrePrepare(network.pre_prepare(0, &block).into());
    let length = 2 + 2 + 8;
    assert_eq!(fault(&message, &bounds, |bytes| bytes[length + 1] = 5), "header");
    // What the host finds wrong is where it is in the message.
    let short = Proposal { header: vec![7; 20].into(), ..block.clone() };
    let message = Message::PrePrepare(network.pre_prepare(0, &short).into());
    let refused = decode(&message_bytes(&message), &bounds, &Plain).expect_err("it is short");
    assert_eq!((refused.field, refused.offset), ("header parent", length + 4 + 8));
    // Height, hash and parent are not on the wire.
    let liar =
        Proposal { height: Height::new(99), hash: BlockHash::ZERO, parent: BlockHash::ZERO, ..block.clone() };
    let message = Message::PrePrepare(network.pre_prepare(0, &liar).into());
    match decode(&message_bytes(&message), &bounds, &Plain) {
        Ok(Message::PrePrepare(read)) => assert_eq!(read.proposal, block),
        other => panic!("{other:?}"),
    }
}

#[test]
fn lengths_are_those_of_the_documents() {
    let network = Network::new(&[1; 100], 0);
    let [block] = chain("block");
    let length = |message: Message| message_bytes(&message).len();
    assert_eq!(length(Message::Vote(network.prepare(99, 7, &block))), VOTE_BYTES);
    let pre_prepare = network.pre_prepare(0, &block);
    assert_eq!(length(Message::PrePrepare(pre_prepare.into())), 144 + block.header.len());
    assert_eq!(length(Message::Status(Status::default())), 19);
    let signers: Vec<u16> = (33..100).collect();
    let proof = length(Message::Proof(network.slow(0, &block, &signers)));
    assert_eq!(proof, 3 + VOTES_BYTES_MIN + 13 + 67 * 64);
    let claims = network.claims(0, 1, BASE, &[]);
    let empty = ViewChange { claims, backing: Backing::default() };
    assert_eq!(length(Message::ViewChange(empty.into())), 2 + CLAIMS_BYTES_MIN + 3);
}
