//! The dumps in `docs/agreement-protocol.md` are what is sent and stored, and each form has one.

use super::*;
use crate::bft::testing::{BASE, Network, chain, in_view};
use crate::bft::{Backing, Claim, Evidence, ViewChange};
use crate::codec::dump::{dump, hold};
use crate::types::View;
use std::collections::BTreeSet;

fn bytes(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes);
    bytes
}

/// A block that becomes final, a view that ends, and a liar, as the document tells them.
fn examples() -> Vec<(&'static str, Vec<u8>)> {
    let network = Network::four();
    let ([block], [other]) = (chain("block"), chain("other"));
    let message = |message: Message| bytes(|out| encode(&message, out));
    let record = |record: Record| bytes(|out| encode_record(&record, out));
    let certificate = network.certificate(0, &block, &[0, 1, 3]);
    let claim = Claim { certificate: Some(in_view(0, &block)), vote: Some(in_view(0, &block)) };
    let claims = network.claims(1, 1, BASE, &[claim]);
    let backing =
        Backing { low: None, certificates: vec![certificate.clone()], proposals: vec![block.clone()] };
    let nothing = [0, 2, 3].map(|from| network.claims(from, 1, BASE, &[]));
    let (first, second) = (network.commit(2, 0, &block), network.commit(2, 0, &other));
    let silent = network.claims(2, 1, BASE, &[]).into();
    vec![
        ("pre-prepare", message(Message::PrePrepare(network.pre_prepare(0, &block).into()))),
        ("vote", message(Message::Vote(network.prepare(0, 0, &block)))),
        ("proof", bytes(|out| encode_proof(&network.slow(0, &block, &[0, 1, 3]), out))),
        ("view change", message(Message::ViewChange(ViewChange { claims, backing }.into()))),
        (
            "new view",
            message(Message::NewView(network.new_view(1, nothing.into(), Backing::default()).into())),
        ),
        ("status", message(Message::Status(Status { view: View::new(1), waits: true, tip: BASE.height }))),
        ("record: view", record(Record::View(View::new(1)))),
        ("record: prepared", record(Record::Prepared { view: View::ORIGIN, proposal: block.clone() })),
        ("record: certified", record(Record::Certified { certificate, proposal: block.clone() })),
        ("record: committed", record(Record::Committed { height: block.height, vote: in_view(0, &block) })),
        ("record: final", record(Record::Final(network.slow(0, &block, &[0, 1, 3])))),
        ("two votes", bytes(|out| encode_evidence(&Evidence::Equivocation { first, second }, out))),
        (
            "false claims",
            bytes(|out| encode_evidence(&Evidence::FalseClaims { vote: first, claims: silent }, out)),
        ),
    ]
}

#[test]
fn the_dumps_of_the_agreement_in_docs_are_what_is_written() {
    let sections: Vec<_> = examples().iter().map(|(name, bytes)| (*name, dump(bytes, 0))).collect();
    hold("docs/agreement-protocol.md", &sections);
}

#[test]
fn every_form_has_a_dump() {
    let shown: BTreeSet<u8> = examples().iter().map(|(_, bytes)| bytes[1]).collect();
    assert_eq!(shown, Form::ALL.iter().map(|form| *form as u8).collect());
}
