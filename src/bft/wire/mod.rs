//! Messages, records and evidence as bytes: one encoding of each, read within bounds.
//!
//! # Model
//! ```text
//! version u8 = 1, form u8, then by form
//!   1 pre-prepare   place, view, header, signature, signature of the prepare
//!   2 vote          kind u8 (2 prepare, 3 commit), place, view, height, hash, signature
//!   3 view change   claims, backing
//!   4 new view      place, view, number of claims u32, claims of each, backing, signature
//!   5 proof         kind u8 (2 prepare, 3 commit), votes
//!   6 status        view, waits u8 (0, 1), height
//!  16 record: view       view
//!  17 record: prepared   view, header
//!  18 record: certified  votes (prepares), header
//!  19 record: committed  height, view, hash
//!  32 evidence: two votes    vote, vote, each as in 2
//!  33 evidence: false claims vote as in 2, claims
//!
//! place u16   view u64   height u64   hash [32]   signature [64]   header: length u32, bytes
//! votes    view, height, hash, bytes of the bitmap u16, bitmap (place 0 is bit 0 of byte 0), signature of each bit
//! claims   place, view, height and hash of the tip, heights u8, a claim of each, signature
//! claim    flags u8 (1 certificate, 2 vote), then of each flag: view, hash
//! backing  proof u8 (0, 1), if 1 as in 5; certificates u8, votes (prepares) of each; headers u8, header of each
//! ```
//! Little-endian. What a header says of height, hash and parent is asked of the host ([`Headers`]) and never on the wire.
//! A proof for a light client is the message of form 5, evidence for who punishes one of 32 and 33. `docs/agreement-protocol.md` has a dump of each form.
//!
//! # Invariants
//! W1 one value has one encoding: no unknown bits, bitmaps without zeros at their end, ascending order of all that has one, and nothing
//! behind the last field.
//! W2 every length and count is compared with its limit and with what is left before anything is allocated for it.
//! W3 nothing that is read is verified. A [`Certificate`](super::Certificate) in a message is what its sender says; [`super::verify`] makes it
//! one.
//!
//! # Limits
//! [`Bounds`], and [`HEADER_BYTES_MAX`](super::HEADER_BYTES_MAX). A vote is [`VOTE_BYTES`] long, a pre-prepare 144 and its header. A certificate
//! of `s` among `n` places has at most `50 + n / 8 + 64 s` bytes: 4.4 kB for 67 of 100.

#[cfg(test)]
mod bounds_test;
#[cfg(test)]
mod docs_test;
mod said;
mod sink;
mod source;
#[cfg(test)]
mod wire_test;

use super::{Evidence, FinalityProof, Message, NewView, PrePrepare, Record, Status, ViewChange, WINDOW_MAX};
use crate::codec::{Malformed, Writer};
use crate::types::{BlockHash, Height};
use source::Source;
use std::sync::Arc;

const VERSION: u8 = 1;
/// Length of an encoded vote.
pub const VOTE_BYTES: usize = 117;
/// Claims of no height.
const CLAIMS_BYTES_MIN: usize = 115;
/// Votes of nobody.
const VOTES_BYTES_MIN: usize = 50;

/// What a message may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Places of the epoch's set: signers and claims are of these. No more than 65,536 have a number.
    pub places: usize,
    /// Heights above a tip, [`WINDOW_MAX`] at most.
    pub window: usize,
}

impl Bounds {
    /// Places that have a number.
    fn places(&self) -> usize {
        self.places.min(usize::from(u16::MAX) + 1)
    }

    /// Heights that claims may speak of.
    fn heights(&self) -> usize {
        self.window.min(WINDOW_MAX)
    }
}

/// What agreement has to know of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its height.
    pub height: Height,
    /// Its hash.
    pub hash: BlockHash,
    /// The block that it follows.
    pub parent: BlockHash,
}

/// Reads headers: the host knows what is in them.
pub trait Headers {
    /// What this header is. The same bytes are always the same block, and no two headers have one hash.
    ///
    /// # Errors
    /// They are no header.
    fn identify(&self, header: &[u8]) -> Result<Identity, Malformed>;
}

/// What the bytes behind the first two are. The numbers never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Form {
    PrePrepare = 1,
    Vote = 2,
    ViewChange = 3,
    NewView = 4,
    Proof = 5,
    Status = 6,
    View = 16,
    Prepared = 17,
    Certified = 18,
    Committed = 19,
    Final = 20,
    Equivocation = 32,
    FalseClaims = 33,
}

impl Form {
    const ALL: [Self; 13] = [
        Self::PrePrepare,
        Self::Vote,
        Self::ViewChange,
        Self::NewView,
        Self::Proof,
        Self::Status,
        Self::View,
        Self::Prepared,
        Self::Certified,
        Self::Committed,
        Self::Final,
        Self::Equivocation,
        Self::FalseClaims,
    ];

    /// Begins an encoding.
    fn begin(self, out: &mut Vec<u8>) -> Writer<'_> {
        let mut writer = Writer::new(out);
        writer.u8(VERSION).u8(self as u8);
        writer
    }
}

impl Source<'_> {
    fn form(&mut self) -> Result<Form, Malformed> {
        let at = self.reader.clone();
        let version = self.reader.u8("version")?;
        if version != VERSION {
            return Err(at.fault("version", format!("{version} is not {VERSION}")));
        }
        let at = self.reader.clone();
        let number = self.reader.u8("form")?;
        let form = Form::ALL.into_iter().find(|form| *form as u8 == number);
        form.ok_or_else(|| at.fault("form", format!("{number} is none")))
    }

    /// Evidence of one of its two forms.
    fn evidence(&mut self, form: Form) -> Result<Evidence, Malformed> {
        let vote = self.vote()?;
        if form == Form::Equivocation {
            return Ok(Evidence::Equivocation { first: vote, second: self.vote()? });
        }
        Ok(Evidence::FalseClaims { vote, claims: Box::new(self.claims()?) })
    }
}

/// Reads all of `bytes` as one of the forms that `read` knows.
fn whole<'a, T>(
    bytes: &'a [u8],
    bounds: &Bounds,
    read: impl FnOnce(&mut Source<'a>, Form) -> Result<Option<T>, Malformed>,
) -> Result<T, Malformed> {
    let mut source = Source::new(bytes, *bounds);
    let form = source.form()?;
    let Some(value) = read(&mut source, form)? else {
        return Err(Malformed { field: "form", offset: 1, fault: format!("{form:?} is none of these") });
    };
    source.reader.finish("end")?;
    Ok(value)
}

/// Appends a message.
///
/// # Panics
/// When it is not within any bounds, or votes or claims are out of order: who makes a message keeps to that.
pub fn encode(message: &Message, out: &mut Vec<u8>) {
    match message {
        Message::PrePrepare(of) => {
            let mut writer = Form::PrePrepare.begin(out);
            sink::place(&mut writer, of.from);
            writer.u64(of.view.get());
            sink::proposal(&mut writer, &of.proposal);
            writer.bytes(of.signature.as_bytes()).bytes(of.prepare.as_bytes());
        }
        Message::Vote(vote) => sink::vote(&mut Form::Vote.begin(out), vote),
        Message::ViewChange(of) => {
            let mut writer = Form::ViewChange.begin(out);
            sink::claims(&mut writer, &of.claims);
            sink::backing(&mut writer, &of.backing);
        }
        Message::NewView(of) => {
            let mut writer = Form::NewView.begin(out);
            sink::place(&mut writer, of.from);
            writer.u64(of.view.get());
            sink::all_claims(&mut writer, &of.claims);
            sink::backing(&mut writer, &of.backing);
            writer.bytes(of.signature.as_bytes());
        }
        Message::Proof(proof) => encode_proof(proof, out),
        Message::Evidence(evidence) => encode_evidence(evidence, out),
        Message::Status(status) => {
            let mut writer = Form::Status.begin(out);
            writer.u64(status.view.get()).u8(u8::from(status.waits)).u64(status.tip.get());
        }
    }
}

/// Reads a message.
///
/// # Errors
/// The first field that is not as the encoder writes it, or beyond `bounds`, or a header that is none.
pub fn decode(bytes: &[u8], bounds: &Bounds, headers: &dyn Headers) -> Result<Message, Malformed> {
    whole(bytes, bounds, |source, form| {
        Ok(Some(match form {
            Form::PrePrepare => {
                let (from, view) = (source.place()?, source.view()?);
                let proposal = source.proposal(headers)?;
                let (signature, prepare) = (source.signature()?, source.signature()?);
                Message::PrePrepare(Arc::new(PrePrepare { from, view, proposal, signature, prepare }))
            }
            Form::Vote => Message::Vote(source.vote()?),
            Form::ViewChange => {
                let (claims, backing) = (source.claims()?, source.backing(headers)?);
                Message::ViewChange(Arc::new(ViewChange { claims, backing }))
            }
            Form::NewView => {
                let (from, view) = (source.place()?, source.view()?);
                let (claims, backing) = (source.all_claims()?, source.backing(headers)?);
                let signature = source.signature()?;
                Message::NewView(Arc::new(NewView { from, view, claims, backing, signature }))
            }
            Form::Proof => Message::Proof(source.proof()?),
            Form::Equivocation | Form::FalseClaims => Message::Evidence(Arc::new(source.evidence(form)?)),
            Form::Status => {
                let (view, waits) = (source.view()?, source.flags("waits", 2)? == 1);
                Message::Status(Status { view, waits, tip: source.height()? })
            }
            _ => return Ok(None),
        }))
    })
}

/// Appends a proof alone: the same bytes as the message that carries it.
///
/// # Panics
/// When votes are out of order.
pub fn encode_proof(proof: &FinalityProof, out: &mut Vec<u8>) {
    sink::proof(&mut Form::Proof.begin(out), proof);
}

/// Reads a proof alone. It proves nothing before [`verify_finality`](super::verify::verify_finality) says so.
///
/// # Errors
/// The first field that is not as the encoder writes it, or beyond `bounds`.
pub fn decode_proof(bytes: &[u8], bounds: &Bounds) -> Result<FinalityProof, Malformed> {
    whole(bytes, bounds, |source, form| match form {
        Form::Proof => source.proof().map(Some),
        _ => Ok(None),
    })
}

/// Appends a record.
///
/// # Panics
/// When votes are out of order.
pub fn encode_record(record: &Record, out: &mut Vec<u8>) {
    match record {
        Record::View(view) => drop(Form::View.begin(out).u64(view.get())),
        Record::Prepared { view, proposal } => {
            let mut writer = Form::Prepared.begin(out);
            writer.u64(view.get());
            sink::proposal(&mut writer, proposal);
        }
        Record::Certified { certificate, proposal } => {
            let mut writer = Form::Certified.begin(out);
            sink::votes(&mut writer, certificate.votes());
            sink::proposal(&mut writer, proposal);
        }
        Record::Committed { height, vote } => {
            let mut writer = Form::Committed.begin(out);
            writer.u64(height.get());
            sink::in_view(&mut writer, *vote);
        }
        Record::Final(proof) => sink::proof(&mut Form::Final.begin(out), proof),
    }
}

/// Reads a record of this validator's own log.
///
/// # Errors
/// The first field that is not as the encoder writes it, or beyond `bounds`, or a header that is none.
pub fn decode_record(bytes: &[u8], bounds: &Bounds, headers: &dyn Headers) -> Result<Record, Malformed> {
    whole(bytes, bounds, |source, form| {
        Ok(Some(match form {
            Form::View => Record::View(source.view()?),
            Form::Prepared => Record::Prepared { view: source.view()?, proposal: source.proposal(headers)? },
            Form::Certified => {
                let certificate = source.certificate()?;
                Record::Certified { certificate, proposal: source.proposal(headers)? }
            }
            Form::Committed => Record::Committed { height: source.height()?, vote: source.in_view()? },
            Form::Final => Record::Final(source.proof()?),
            _ => return Ok(None),
        }))
    })
}

/// Appends evidence: the same bytes as the message that carries it.
///
/// # Panics
/// When claims are of more heights than a window has.
pub fn encode_evidence(evidence: &Evidence, out: &mut Vec<u8>) {
    match evidence {
        Evidence::Equivocation { first, second } => {
            let mut writer = Form::Equivocation.begin(out);
            sink::vote(&mut writer, first);
            sink::vote(&mut writer, second);
        }
        Evidence::FalseClaims { vote, claims } => {
            let mut writer = Form::FalseClaims.begin(out);
            sink::vote(&mut writer, vote);
            sink::claims(&mut writer, claims);
        }
    }
}

/// Reads evidence. Whether it is of an offence, and who signed it, is still to be seen.
///
/// # Errors
/// The first field that is not as the encoder writes it, or beyond `bounds`.
pub fn decode_evidence(bytes: &[u8], bounds: &Bounds) -> Result<Evidence, Malformed> {
    whole(bytes, bounds, |source, form| match form {
        Form::Equivocation | Form::FalseClaims => source.evidence(form).map(Some),
        _ => Ok(None),
    })
}
