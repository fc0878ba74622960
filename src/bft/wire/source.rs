//! Reading the parts that messages and records are made of, each within its bounds.

use super::{Bounds, Headers};
use crate::bft::{
    Backing, Certificate, Claim, Claims, FinalityProof, HEADER_BYTES_MAX, InView, Kind, Proposal, Statement,
    Tip, Vote, Votes,
};
use crate::codec::{Malformed, Reader};
use crate::crypto::ed25519::Signature;
use crate::types::{BlockHash, Height, ValidatorIndex, View};

/// The bytes, and what they are held against.
pub(super) struct Source<'a> {
    /// What is left of them.
    pub(super) reader: Reader<'a>,
    bounds: Bounds,
}

impl<'a> Source<'a> {
    /// All of `bytes`.
    pub(super) const fn new(bytes: &'a [u8], bounds: Bounds) -> Self {
        Self { reader: Reader::new(bytes), bounds }
    }

    pub(super) fn u16(&mut self, field: &'static str) -> Result<u16, Malformed> {
        Ok(u16::from_le_bytes(self.reader.array(field)?))
    }

    /// A count of at most `max` things of at least `bytes_min` each: a lie is known before room is made for them.
    fn count(
        &self,
        at: &Reader<'_>,
        field: &'static str,
        count: usize,
        max: usize,
        bytes_min: usize,
    ) -> Result<usize, Malformed> {
        let max = max.min(self.reader.remaining() / bytes_min);
        if count > max {
            return Err(at.fault(field, format!("{count} is over the limit of {max}")));
        }
        Ok(count)
    }

    /// Bits below `known`, none of the others.
    pub(super) fn flags(&mut self, field: &'static str, known: u8) -> Result<u8, Malformed> {
        let at = self.reader.clone();
        match self.reader.u8(field)? {
            flags if flags < known => Ok(flags),
            flags => Err(at.fault(field, format!("{flags:#x} has bits that mean nothing here"))),
        }
    }

    pub(super) fn place(&mut self) -> Result<ValidatorIndex, Malformed> {
        let at = self.reader.clone();
        let place = self.u16("place")?;
        if usize::from(place) >= self.bounds.places() {
            return Err(at.fault("place", format!("{place} of {}", self.bounds.places())));
        }
        Ok(ValidatorIndex::new(place))
    }

    pub(super) fn view(&mut self) -> Result<View, Malformed> {
        Ok(View::new(self.reader.u64("view")?))
    }

    pub(super) fn height(&mut self) -> Result<Height, Malformed> {
        Ok(Height::new(self.reader.u64("height")?))
    }

    fn hash(&mut self) -> Result<BlockHash, Malformed> {
        Ok(BlockHash::new(self.reader.array("hash")?))
    }

    pub(super) fn signature(&mut self) -> Result<Signature, Malformed> {
        Ok(Signature::new(self.reader.array("signature")?))
    }

    pub(super) fn in_view(&mut self) -> Result<InView, Malformed> {
        Ok(InView { view: self.view()?, hash: self.hash()? })
    }

    /// One of the two kinds of votes for blocks.
    fn vote_kind(&mut self) -> Result<Kind, Malformed> {
        let at = self.reader.clone();
        let number = self.reader.u8("kind of vote")?;
        let kinds = [Kind::Prepare, Kind::Commit].into_iter();
        let kind = kinds.into_iter().find(|kind| kind.wire() == number);
        kind.ok_or_else(|| at.fault("kind of vote", format!("{number} is none")))
    }

    fn statement(&mut self, kind: Kind) -> Result<Statement, Malformed> {
        Ok(Statement { kind, view: self.view()?, height: self.height()?, hash: self.hash()? })
    }

    pub(super) fn vote(&mut self) -> Result<Vote, Malformed> {
        let kind = self.vote_kind()?;
        let from = self.place()?;
        Ok(Vote { from, statement: self.statement(kind)?, signature: self.signature()? })
    }

    fn votes(&mut self, kind: Kind) -> Result<Votes, Malformed> {
        let statement = self.statement(kind)?;
        let at = self.reader.clone();
        let length = usize::from(self.u16("signers")?);
        let bitmap = self.reader.bytes("signers", length)?;
        let places = match bitmap.last() {
            None => 0,
            Some(0) => return Err(at.fault("signers", "nothing but zeros at the end".to_owned())),
            Some(last) => length * 8 - last.leading_zeros() as usize,
        };
        if places > self.bounds.places() {
            return Err(at.fault("signers", format!("place {} of {}", places - 1, self.bounds.places())));
        }
        let count = bitmap.iter().map(|byte| byte.count_ones() as usize).sum::<usize>();
        let signatures = self.reader.bytes("signatures", count * Signature::BYTES)?;
        let signers = (0..=u16::MAX).take(places).filter(|place| {
            let (byte, bit) = (usize::from(place / 8), place % 8);
            bitmap[byte] >> bit & 1 == 1
        });
        let (each, _) = signatures.as_chunks();
        let of = |(place, bytes): (u16, &[u8; 64])| (ValidatorIndex::new(place), Signature::new(*bytes));
        Ok(Votes { statement, signatures: signers.zip(each).map(of).collect() })
    }

    pub(super) fn certificate(&mut self) -> Result<Certificate, Malformed> {
        self.votes(Kind::Prepare).map(Certificate::of)
    }

    pub(super) fn proof(&mut self) -> Result<FinalityProof, Malformed> {
        let kind = self.vote_kind()?;
        self.votes(kind).map(FinalityProof::of)
    }

    /// A header, and what the host says that it is.
    pub(super) fn proposal(&mut self, headers: &dyn Headers) -> Result<Proposal, Malformed> {
        let bytes = self.reader.tail("header", HEADER_BYTES_MAX)?;
        let start = self.reader.offset() - bytes.len();
        let within = |fault: Malformed| Malformed { offset: start + fault.offset, ..fault };
        let identity = headers.identify(bytes).map_err(within)?;
        let (height, hash, parent) = (identity.height, identity.hash, identity.parent);
        Ok(Proposal { height, hash, parent, header: bytes.into() })
    }

    pub(super) fn claims(&mut self) -> Result<Claims, Malformed> {
        let (from, view) = (self.place()?, self.view()?);
        let low = Tip { height: self.height()?, hash: self.hash()? };
        let at = self.reader.clone();
        let count = usize::from(self.reader.u8("heights")?);
        let count = self.count(&at, "heights", count, self.bounds.heights(), 1)?;
        let above = (0..count).map(|_| self.claim()).collect::<Result<_, _>>()?;
        Ok(Claims { from, view, low, above, signature: self.signature()? })
    }

    fn claim(&mut self) -> Result<Claim, Malformed> {
        let flags = self.flags("claim", 4)?;
        let certificate = if flags & 1 == 1 { Some(self.in_view()?) } else { None };
        let vote = if flags & 2 == 2 { Some(self.in_view()?) } else { None };
        Ok(Claim { certificate, vote })
    }

    /// Claims of a new view, ascending.
    pub(super) fn all_claims(&mut self) -> Result<Vec<Claims>, Malformed> {
        let at = self.reader.clone();
        let count = self.reader.u32("claims")? as usize;
        let count = self.count(&at, "claims", count, self.bounds.places(), super::CLAIMS_BYTES_MIN)?;
        let mut all: Vec<Claims> = Vec::with_capacity(count);
        for _ in 0..count {
            let at = self.reader.clone();
            let claims = self.claims()?;
            if all.last().is_some_and(|before| before.from >= claims.from) {
                return Err(at.fault("claims", format!("of {} behind its place", claims.from)));
            }
            all.push(claims);
        }
        Ok(all)
    }

    /// Ascending by height, and by height and hash.
    pub(super) fn backing(&mut self, headers: &dyn Headers) -> Result<Backing, Malformed> {
        let low = if self.flags("low", 2)? == 1 { Some(self.proof()?) } else { None };
        let at = self.reader.clone();
        let count = usize::from(self.reader.u8("certificates")?);
        let count = self.count(&at, "certificates", count, self.bounds.heights(), super::VOTES_BYTES_MIN)?;
        let mut certificates: Vec<Certificate> = Vec::with_capacity(count);
        for _ in 0..count {
            let at = self.reader.clone();
            let certificate = self.certificate()?;
            if certificates.last().is_some_and(|before| before.height() >= certificate.height()) {
                return Err(at.fault("certificates", format!("{} behind its place", certificate.height())));
            }
            certificates.push(certificate);
        }
        let at = self.reader.clone();
        let count = usize::from(self.reader.u8("headers")?);
        let count = self.count(&at, "headers", count, 2 * self.bounds.heights(), 4)?;
        let mut proposals: Vec<Proposal> = Vec::with_capacity(count);
        for _ in 0..count {
            let at = self.reader.clone();
            let proposal = self.proposal(headers)?;
            let order = |proposal: &Proposal| (proposal.height, proposal.hash);
            if proposals.last().is_some_and(|before| order(before) >= order(&proposal)) {
                return Err(at.fault("headers", format!("{} behind its place", proposal.hash)));
            }
            proposals.push(proposal);
        }
        Ok(Backing { low, certificates, proposals })
    }
}
