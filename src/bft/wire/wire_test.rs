//! Every form there and back, and what is refused.

use super::*;
use crate::bft::testing::{BASE, Network, Plain, chain, place, tip_of};
use crate::bft::verify::Passed;
use crate::bft::{
    Backing, Certificate, Claim, Claims, Evidence, FinalityProof, HEADER_BYTES_MAX, InView, Kind, PrePrepare,
    Proposal, Statement, Tip, ViewChange, Vote, Votes,
};
use crate::crypto::ed25519::Signature;
use crate::types::{ValidatorIndex, View};

const BOUNDS: Bounds = Bounds { places: 100, window: 8 };

/// One value of any form.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Any {
    Message(Message),
    Record(Record),
}

fn read(bytes: &[u8], bounds: &Bounds) -> Result<Any, Malformed> {
    let message = decode(bytes, bounds, &Plain).map(Any::Message);
    let record = decode_record(bytes, bounds, &Plain).map(Any::Record);
    assert!(message.is_err() || record.is_err(), "no bytes are both");
    match &message {
        Ok(Any::Message(Message::Proof(proof))) => {
            assert_eq!(decode_proof(bytes, bounds).as_ref(), Ok(proof));
        }
        _ => assert!(decode_proof(bytes, bounds).is_err()),
    }
    match &message {
        Ok(Any::Message(Message::Evidence(evidence))) => {
            assert_eq!(decode_evidence(bytes, bounds).as_ref(), Ok(&**evidence));
        }
        _ => assert!(decode_evidence(bytes, bounds).is_err()),
    }
    message.or(record)
}

fn written(any: &Any) -> Vec<u8> {
    let mut bytes = Vec::new();
    match any {
        Any::Message(message) => encode(message, &mut bytes),
        Any::Record(record) => encode_record(record, &mut bytes),
    }
    bytes
}

/// Numbers that look random, the same in each run.
struct Dice(u64);

impl Dice {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.word() % limit as u64) as usize
    }

    fn flip(&mut self) -> bool {
        self.below(2) == 0
    }

    /// Small, large or anything.
    fn number(&mut self) -> u64 {
        match self.below(3) {
            0 => self.word(),
            1 => u64::MAX - self.word() % 3,
            _ => self.word() % 5,
        }
    }

    fn hash(&mut self) -> BlockHash {
        BlockHash::new(std::array::from_fn(|_| self.word() as u8))
    }

    fn signature(&mut self) -> Signature {
        Signature::new(std::array::from_fn(|_| self.word() as u8))
    }

    fn place(&mut self) -> ValidatorIndex {
        place(self.below(BOUNDS.places) as u16)
    }

    fn in_view(&mut self) -> InView {
        InView::new(View::new(self.number()), self.hash())
    }

    fn tip(&mut self) -> Tip {
        Tip { height: Height::new(self.number()), hash: self.hash() }
    }

    fn vote(&mut self) -> Vote {
        let kind = [Kind::Prepare, Kind::Commit][self.below(2)];
        let (tip, view) = (self.tip(), View::new(self.number()));
        let statement = Statement::new(kind, view, tip.height, tip.hash);
        Vote { from: self.place(), statement, signature: self.signature() }
    }

    fn votes(&mut self, kind: Kind) -> Votes {
        let share = 1 + self.below(100);
        let signers: Vec<u16> = (0..BOUNDS.places as u16).filter(|_| self.below(share) == 0).collect();
        let signatures = signers.into_iter().map(|from| (place(from), self.signature())).collect();
        Votes { statement: Statement { kind, ..self.vote().statement }, signatures }
    }

    fn proof(&mut self) -> FinalityProof {
        let kind = [Kind::Prepare, Kind::Commit][self.below(2)];
        FinalityProof::of(self.votes(kind))
    }

    fn proposal(&mut self) -> Proposal {
        let mut header = self.number().to_le_bytes().to_vec();
        header.extend((0..32 + self.below(200)).map(|_| self.word() as u8));
        if self.below(10) == 0 {
            header.resize(HEADER_BYTES_MAX, 7);
        }
        let Identity { height, hash, parent } = Plain.identify(&header).expect("long enough");
        Proposal { height, hash, parent, header: header.into() }
    }

    fn claims(&mut self, from: ValidatorIndex) -> Claims {
        let above = (0..self.below(BOUNDS.window + 1)).map(|_| Claim {
            certificate: self.flip().then(|| self.in_view()),
            vote: self.flip().then(|| self.in_view()),
        });
        let above = above.collect();
        let view = View::new(self.number());
        Claims { from, view, low: self.tip(), above, signature: self.signature() }
    }

    fn backing(&mut self) -> Backing {
        let low = self.flip().then(|| self.proof());
        let mut certificates: Vec<_> =
            (0..self.below(BOUNDS.window + 1)).map(|_| Certificate::of(self.votes(Kind::Prepare))).collect();
        certificates.sort_by_key(Certificate::height);
        certificates.dedup_by_key(|certificate| certificate.height());
        let mut proposals: Vec<_> = (0..self.below(2 * BOUNDS.window + 1)).map(|_| self.proposal()).collect();
        proposals.sort_by_key(|proposal| (proposal.height, proposal.hash));
        Backing { low, certificates, proposals }
    }

    fn any(&mut self, form: Form) -> Any {
        let view = View::new(self.number());
        Any::Message(match form {
            Form::PrePrepare => {
                let (from, proposal) = (self.place(), self.proposal());
                let (signature, prepare) = (self.signature(), self.signature());
                Message::PrePrepare(PrePrepare { from, view, proposal, signature, prepare }.into())
            }
            Form::Vote => Message::Vote(self.vote()),
            Form::ViewChange => {
                let from = self.place();
                let change = ViewChange { claims: self.claims(from), backing: self.backing() };
                Message::ViewChange(change.into())
            }
            Form::NewView => {
                let some: Vec<u16> = (0..BOUNDS.places as u16).filter(|_| self.below(20) == 0).collect();
                let claims = some.into_iter().map(|from| self.claims(place(from))).collect();
                let (from, backing) = (self.place(), self.backing());
                let signature = self.signature();
                Message::NewView(NewView { from, view, claims, backing, signature }.into())
            }
            Form::Proof => Message::Proof(self.proof()),
            Form::Status => Message::Status(Status { view, waits: self.flip(), tip: self.tip().height }),
            Form::Equivocation => {
                let (first, second) = (self.vote(), self.vote());
                Message::Evidence(Evidence::Equivocation { first, second }.into())
            }
            Form::FalseClaims => {
                let (vote, from) = (self.vote(), self.place());
                Message::Evidence(Evidence::FalseClaims { vote, claims: self.claims(from).into() }.into())
            }
            Form::View => return Any::Record(Record::View(view)),
            Form::Prepared => return Any::Record(Record::Prepared { view, proposal: self.proposal() }),
            Form::Certified => {
                let certificate = Certificate::of(self.votes(Kind::Prepare));
                return Any::Record(Record::Certified { certificate, proposal: self.proposal() });
            }
            Form::Committed => {
                let (height, vote) = (self.tip().height, self.in_view());
                return Any::Record(Record::Committed { height, vote });
            }
            Form::Final => return Any::Record(Record::Final(self.proof())),
        })
    }
}

#[test]
fn every_form_is_read_back() {
    let mut dice = Dice(1);
    for round in 0..200 {
        for form in Form::ALL {
            let any = dice.any(form);
            let bytes = written(&any);
            assert_eq!(bytes[..2], [1, form as u8]);
            assert_eq!(read(&bytes, &BOUNDS).as_ref(), Ok(&any), "round {round}");
        }
    }
}

#[test]
fn whatever_is_read_is_written_as_it_was() {
    let (mut dice, mut read_back) = (Dice(2), 0);
    for _ in 0..300 {
        for form in Form::ALL {
            let mut bytes = written(&dice.any(form));
            for _ in 0..=dice.below(2) {
                let first = if dice.flip() { 70 } else { usize::MAX };
                let at = dice.below(bytes.len().min(first));
                match dice.below(6) {
                    0 => drop(bytes.remove(at)),
                    1 => bytes.insert(at, dice.word() as u8),
                    2 => bytes.truncate(at.max(3)),
                    3 => bytes[at] = dice.below(4) as u8,
                    4 => bytes[at] ^= 1 << dice.below(8),
                    _ => bytes[at] = dice.word() as u8,
                }
            }
            if let Ok(any) = read(&bytes, &BOUNDS) {
                assert_eq!(written(&any), bytes, "W1");
                read_back += 1;
            }
        }
    }
    assert!(read_back > 500, "{read_back}: some of it says something else");
}

#[test]
fn nothing_that_is_cut_or_has_more_behind_it_is_read() {
    let mut dice = Dice(3);
    for form in Form::ALL {
        let bytes = written(&dice.any(form));
        for at in 0..bytes.len() {
            assert!(read(&bytes[..at], &BOUNDS).is_err(), "{form:?} cut at {at}");
        }
        let more = [&bytes[..], &[0]].concat();
        assert!(read(&more, &BOUNDS).is_err(), "{form:?} and a byte");
    }
}

/// A good message of every form that is signed.
fn signed(network: &Network) -> Vec<Message> {
    let [block, above] = chain("block");
    let [other] = chain("other");
    let low = Backing { low: Some(network.slow(0, &block, &[0, 1, 2])), ..Backing::default() };
    let claims = network.claims(0, 2, tip_of(&block), &[Claim::default()]);
    let (first, second) = (network.commit(1, 0, &block), network.commit(1, 0, &other));
    let false_claims = network.claims(1, 1, BASE, &[]).into();
    vec![
        Message::PrePrepare(network.pre_prepare(0, &block).into()),
        Message::Vote(network.prepare(0, 0, &block)),
        Message::Vote(network.commit(3, 1, &above)),
        Message::ViewChange(network.view_change(1, 2).into()),
        Message::ViewChange(ViewChange { claims, backing: low }.into()),
        Message::NewView(network.begun(2, &[0, 1, 3]).into()),
        Message::Proof(network.fast(0, &block, &[0, 1, 2, 3])),
        Message::Proof(network.slow(0, &block, &[1, 2, 3])),
        Message::Evidence(Evidence::Equivocation { first, second }.into()),
        Message::Evidence(Evidence::FalseClaims { vote: first, claims: false_claims }.into()),
    ]
}

#[test]
fn no_message_that_somebody_changed_is_verified() {
    let network = Network::four();
    let (mut verifier, bounds) = (network.verifier(), network.bounds());
    for message in signed(&network) {
        let bytes = written(&Any::Message(message.clone()));
        let mut judge = |bytes: &[u8]| {
            let mut out = Passed::new();
            let message = decode(bytes, &bounds, &Plain).ok()?;
            let outcome = verifier.take(None, message, &mut out);
            let _ = outcome.and_then(|()| verifier.flush(&mut out));
            (!out.is_empty()).then_some(out)
        };
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            assert_eq!(judge(&changed), None, "{message:?}: byte {at}");
        }
        assert!(judge(&bytes).is_some(), "{message:?}");
    }
}
