//! Real messages of a few validators with real keys, for tests.

use super::verify::{Committee, Ed25519, Passed, Scheme, Verifier};
use super::wire::{Bounds, Headers, Identity};
use super::{
    Backing, Certificate, Claim, Claims, Domain, Elector, FinalityProof, InView, Kind, NewView, Powers,
    PrePrepare, Proposal, Statement, Tip, ViewChange, Vote, Votes,
};
use crate::codec::{Malformed, Reader};
use crate::crypto::ed25519::{PublicKey, Signature, SigningKey};
use crate::types::{BlockHash, ChainId, Epoch, Height, SetHash, ValidatorIndex, View};
use std::cell::Cell;
use std::sync::Arc;

/// Heights that are agreed on at the same time.
pub(crate) const WINDOW: usize = 4;
/// The block with which the epoch begins.
pub(crate) const BASE: Tip = Tip { height: Height::new(10), hash: BlockHash::new([0xba; 32]) };

pub(crate) const fn place(number: u16) -> ValidatorIndex {
    ValidatorIndex::new(number)
}

pub(crate) const fn view(number: u64) -> View {
    View::new(number)
}

/// Headers of height, parent and a name: whatever is left.
#[derive(Debug)]
pub(crate) struct Plain;

impl Headers for Plain {
    fn identify(&self, header: &[u8]) -> Result<Identity, Malformed> {
        let mut reader = Reader::new(header);
        let height = Height::new(reader.u64("header height")?);
        let parent = BlockHash::new(reader.array("header parent")?);
        let hash = BlockHash::new(*blake3::hash(header).as_bytes());
        Ok(Identity { height, hash, parent })
    }
}

/// A block `above` the base, on `parent`.
pub(crate) fn block_on(above: u64, parent: BlockHash, name: &str) -> Proposal {
    let mut header = BASE.height.forward(above).get().to_le_bytes().to_vec();
    header.extend_from_slice(parent.as_bytes());
    header.extend_from_slice(name.as_bytes());
    let Identity { height, hash, parent } = Plain.identify(&header).expect("a header");
    Proposal { height, hash, parent, header: header.into() }
}

/// Blocks on the base, one above the other.
pub(crate) fn chain<const N: usize>(name: &str) -> [Proposal; N] {
    let mut parent = BASE.hash;
    std::array::from_fn(|at| {
        let block = block_on(at as u64 + 1, parent, name);
        parent = block.hash;
        block
    })
}

/// What a block and a view are together.
pub(crate) fn in_view(view: u64, block: &Proposal) -> InView {
    InView::new(View::new(view), block.hash)
}

/// What stands at the height of a block.
pub(crate) fn tip_of(block: &Proposal) -> Tip {
    Tip { height: block.height, hash: block.hash }
}

/// Everybody in turn.
#[derive(Debug)]
struct Rotation(u64);

impl Elector for Rotation {
    fn leader(&self, height: Height, view: View) -> ValidatorIndex {
        let turn = u128::from(height.get()) + u128::from(view.get());
        ValidatorIndex::new((turn % u128::from(self.0)) as u16)
    }

    fn coordinator(&self, view: View) -> ValidatorIndex {
        ValidatorIndex::new((view.get() % self.0) as u16)
    }
}

/// Counts what it is asked.
#[derive(Debug)]
pub(crate) struct Counting {
    scheme: Ed25519,
    pub(crate) batches: Cell<usize>,
    pub(crate) signatures: Cell<usize>,
}

impl Scheme for Counting {
    fn verify_batch(&self, claims: &[(ValidatorIndex, &[u8], Signature)]) -> Result<(), Vec<usize>> {
        assert!(!claims.is_empty(), "nobody asks for nothing");
        self.batches.set(self.batches.get() + 1);
        self.signatures.set(self.signatures.get() + claims.len());
        self.scheme.verify_batch(claims)
    }
}

/// Validators with their secret keys.
#[derive(Debug)]
pub(crate) struct Network {
    keys: Vec<SigningKey>,
    pub(crate) committee: Committee,
}

impl Network {
    /// One validator for each power.
    pub(crate) fn new(powers: &[u64], slack: u128) -> Self {
        let seed = |number: usize| std::array::from_fn(|at| (number >> (8 * (at % 2))) as u8 ^ 0x5a);
        let keys: Vec<_> = (0..powers.len()).map(|number| SigningKey::from_seed(&seed(number))).collect();
        let domain = Domain {
            network: [0xd0; 32],
            chain: ChainId::Delta,
            epoch: Epoch::new(3),
            set: SetHash::new([0x5e; 32]),
        };
        let committee = Committee {
            domain,
            powers: Powers::new(powers.to_vec(), slack).expect("they have power"),
            base: BASE,
            window: WINDOW,
            elector: Arc::new(Rotation(powers.len() as u64)),
        };
        Self { keys, committee }
    }

    /// Four equal ones: the slow quorum is three, the fast one four.
    pub(crate) fn four() -> Self {
        Self::new(&[1; 4], 0)
    }

    /// What a message of theirs may hold.
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds { places: self.keys.len(), window: WINDOW }
    }

    /// By place.
    pub(crate) fn public_keys(&self) -> Vec<PublicKey> {
        self.keys.iter().map(SigningKey::public_key).collect()
    }

    /// Real signatures, counted.
    pub(crate) fn verifier(&self) -> Verifier<Counting> {
        let scheme = Ed25519::new(self.public_keys());
        let counting = Counting { scheme, batches: Cell::new(0), signatures: Cell::new(0) };
        Verifier::new(self.committee.clone(), counting)
    }

    pub(crate) fn sign(&self, from: u16, statement: &Statement) -> Signature {
        self.keys[usize::from(from)].sign(&self.committee.domain.sign_bytes(statement))
    }

    pub(crate) fn vote(&self, from: u16, kind: Kind, view: u64, block: &Proposal) -> Vote {
        let statement = Statement::new(kind, View::new(view), block.height, block.hash);
        Vote { from: place(from), statement, signature: self.sign(from, &statement) }
    }

    pub(crate) fn prepare(&self, from: u16, view: u64, block: &Proposal) -> Vote {
        self.vote(from, Kind::Prepare, view, block)
    }

    pub(crate) fn commit(&self, from: u16, view: u64, block: &Proposal) -> Vote {
        self.vote(from, Kind::Commit, view, block)
    }

    /// Of the leader whose turn it is.
    pub(crate) fn pre_prepare(&self, view: u64, block: &Proposal) -> PrePrepare {
        let from = self.committee.elector.leader(block.height, View::new(view));
        let [signature, prepare] =
            [Kind::PrePrepare, Kind::Prepare].map(|kind| self.vote(from.get(), kind, view, block).signature);
        PrePrepare { from, view: View::new(view), proposal: block.clone(), signature, prepare }
    }

    pub(crate) fn votes(&self, kind: Kind, view: u64, block: &Proposal, signers: &[u16]) -> Votes {
        let statement = Statement::new(kind, View::new(view), block.height, block.hash);
        let signatures = signers.iter().map(|from| (place(*from), self.sign(*from, &statement)));
        Votes { statement, signatures: signatures.collect() }
    }

    pub(crate) fn certificate(&self, view: u64, block: &Proposal, signers: &[u16]) -> Certificate {
        Certificate::of(self.votes(Kind::Prepare, view, block, signers))
    }

    pub(crate) fn fast(&self, view: u64, block: &Proposal, signers: &[u16]) -> FinalityProof {
        FinalityProof::of(self.votes(Kind::Prepare, view, block, signers))
    }

    pub(crate) fn slow(&self, view: u64, block: &Proposal, signers: &[u16]) -> FinalityProof {
        FinalityProof::of(self.votes(Kind::Commit, view, block, signers))
    }

    pub(crate) fn claims(&self, from: u16, view: u64, low: Tip, above: &[Claim]) -> Claims {
        let signature = Signature::new([0; Signature::BYTES]);
        let mut claims =
            Claims { from: place(from), view: View::new(view), low, above: above.to_vec(), signature };
        claims.signature = self.sign(from, &claims.statement());
        claims
    }

    /// Of the coordinator whose turn it is.
    pub(crate) fn new_view(&self, view: u64, claims: Vec<Claims>, backing: Backing) -> NewView {
        let view = View::new(view);
        let from = self.committee.elector.coordinator(view);
        let signature = Signature::new([0; Signature::BYTES]);
        let mut new_view = NewView { from, view, claims, backing, signature };
        new_view.signature = self.sign(from.get(), &new_view.statement());
        new_view
    }

    /// Somebody who prepared two blocks on the base in view 0, of which the first has a certificate, and wants `view`.
    pub(crate) fn view_change(&self, from: u16, view: u64) -> ViewChange {
        let [one, two] = chain("block");
        let certificate = self.certificate(0, &one, &[0, 1, 2]);
        let above = [
            Claim { certificate: Some(in_view(0, &one)), vote: Some(in_view(0, &one)) },
            Claim { certificate: None, vote: Some(in_view(0, &two)) },
        ];
        let backing = Backing { low: None, certificates: vec![certificate], proposals: vec![one, two] };
        ViewChange { claims: self.claims(from, view, BASE, &above), backing }
    }

    /// A view that begins with the claims of [`Self::view_change`] of these.
    pub(crate) fn begun(&self, view: u64, of: &[u16]) -> NewView {
        let changes: Vec<_> = of.iter().map(|from| self.view_change(*from, view)).collect();
        let backing = changes[0].backing.clone();
        self.new_view(view, changes.into_iter().map(|change| change.claims).collect(), backing)
    }
}

/// Votes among what was let through, by signer.
pub(crate) fn voters(passed: &Passed) -> Vec<u16> {
    let voter = |(_, verified): &(_, super::verify::Verified)| match verified.message() {
        super::Message::Vote(vote) => Some(vote.from.get()),
        _ => None,
    };
    passed.iter().filter_map(voter).collect()
}
