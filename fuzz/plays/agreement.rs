//! Bytes that claim to be a message, record, proof or evidence of the agreement, messages that somebody changed, and votes in any
//! order.

use super::{Script, heap};
use duochain::bft::verify::{Committee, Ed25519, Passed, Refused, Scheme, Verifier};
use duochain::bft::wire::{self, Bounds, Headers, Identity};
use duochain::bft::{Domain, Elector, Kind, Message, Powers, Statement, Tip, Vote};
use duochain::codec::{Malformed, Reader, Writer};
use duochain::crypto::ed25519::{Signature, SigningKey};
use duochain::crypto::hash;
use duochain::types::{BlockHash, ChainId, Epoch, Height, SetHash, ValidatorIndex, View};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

const PLACES: u16 = 4;
const BOUNDS: Bounds = Bounds { places: PLACES as usize, window: 4 };
const BASE: Tip = Tip { height: Height::new(10), hash: BlockHash::new([0xba; 32]) };
/// The words of a refusal, and the first of what is read before it.
const HEAP_BYTES: usize = 4_096;
/// For each byte that is there: a claim of nothing is one byte.
const HEAP_PER_BYTE: usize = 16;

/// Height, parent and a name.
struct Plain;

impl Headers for Plain {
    fn identify(&self, header: &[u8]) -> Result<Identity, Malformed> {
        let mut reader = Reader::new(header);
        let height = Height::new(reader.u64("height")?);
        let parent = BlockHash::new(reader.array("parent")?);
        // Any hash will do.
        Ok(Identity { height, hash: hash::claims(header), parent })
    }
}

struct Rotation;

impl Elector for Rotation {
    fn leader(&self, height: Height, view: View) -> ValidatorIndex {
        ValidatorIndex::new((height.get().wrapping_add(view.get()) % u64::from(PLACES)) as u16)
    }

    fn coordinator(&self, view: View) -> ValidatorIndex {
        ValidatorIndex::new((view.get() % u64::from(PLACES)) as u16)
    }
}

fn committee() -> Committee {
    let set = SetHash::new([5; 32]);
    let domain = Domain { network: [7; 32], chain: ChainId::Alpha, epoch: Epoch::new(1), set };
    let powers = Powers::new(vec![1; usize::from(PLACES)], 0).expect("they have power");
    Committee { domain, powers, base: BASE, window: BOUNDS.window, elector: Arc::new(Rotation) }
}

/// Plays what `data` says: as bytes, as changes of good messages, and as votes.
///
/// # Panics
/// When reading panics or takes more memory than the bytes are worth, when a value has two encodings, when a message that
/// somebody changed is verified, or when votes are lost, made up or let through unverified.
pub(crate) fn play(data: &[u8]) {
    judge(data);
    change(&mut Script::new(data));
    vote(&mut Script::new(data));
}

/// Reads the bytes as anything, and writes what they are.
fn judge(bytes: &[u8]) -> Option<Message> {
    let message = weighed(bytes, |bytes| wire::decode(bytes, &BOUNDS, &Plain), wire::encode);
    weighed(bytes, |bytes| wire::decode_record(bytes, &BOUNDS, &Plain), wire::encode_record);
    weighed(bytes, |bytes| wire::decode_proof(bytes, &BOUNDS), wire::encode_proof);
    weighed(bytes, |bytes| wire::decode_evidence(bytes, &BOUNDS), wire::encode_evidence);
    message
}

fn weighed<T>(
    bytes: &[u8],
    read: impl FnOnce(&[u8]) -> Result<T, Malformed>,
    write: impl FnOnce(&T, &mut Vec<u8>),
) -> Option<T> {
    let (outcome, allocated) = heap::counted(|| read(bytes));
    assert!(allocated <= HEAP_BYTES + HEAP_PER_BYTE * bytes.len(), "{allocated} bytes for {}", bytes.len());
    let value = outcome.ok()?;
    let mut again = Vec::new();
    write(&value, &mut again);
    assert_eq!(again, bytes, "one value, one encoding");
    Some(value)
}

/// Good messages, as bytes that are put together here.
static GOOD: LazyLock<Vec<Vec<u8>>> = LazyLock::new(good);
static KEYS: LazyLock<Vec<SigningKey>> =
    LazyLock::new(|| (1..=PLACES as u8).map(|number| SigningKey::from_seed(&[number; 32])).collect());

fn sign(from: u16, statement: &Statement) -> Signature {
    KEYS[usize::from(from)].sign(&committee().domain.sign_bytes(statement))
}

fn block(name: u8) -> (Vec<u8>, BlockHash) {
    let mut header = BASE.height.next().get().to_le_bytes().to_vec();
    header.extend_from_slice(BASE.hash.as_bytes());
    header.push(name);
    let identity = Plain.identify(&header).expect("long enough");
    (header, identity.hash)
}

fn of_block(kind: Kind, view: u64, hash: BlockHash) -> Statement {
    Statement::new(kind, View::new(view), BASE.height.next(), hash)
}

fn write_place(out: &mut Writer<'_>, place: u16) {
    out.bytes(&place.to_le_bytes());
}

fn write_said(out: &mut Writer<'_>, said: &Statement) {
    out.u64(said.view.get()).u64(said.height.get()).bytes(said.hash.as_bytes());
}

fn write_vote(out: &mut Writer<'_>, from: u16, said: &Statement) {
    out.u8(said.kind.wire());
    write_place(out, from);
    write_said(out, said);
    out.bytes(sign(from, said).as_bytes());
}

fn write_votes(out: &mut Writer<'_>, said: &Statement, signers: &[u16]) {
    write_said(out, said);
    out.bytes(&[1, 0]).u8(signers.iter().map(|signer| 1 << signer).sum());
    for signer in signers {
        out.bytes(sign(*signer, said).as_bytes());
    }
}

/// Claims for view 1 of who prepared the block and has its certificate.
fn write_claims(out: &mut Vec<u8>, from: u16, hash: BlockHash) {
    let mut said = Vec::new();
    let mut writer = Writer::new(&mut said);
    write_place(&mut writer, from);
    writer.u64(1).u64(BASE.height.get()).bytes(BASE.hash.as_bytes()).u8(1).u8(3);
    for _ in 0..2 {
        writer.u64(0).bytes(hash.as_bytes());
    }
    let statement = Statement::new(Kind::ViewChange, View::new(1), BASE.height, hash::claims(&said));
    out.extend_from_slice(&said);
    out.extend_from_slice(sign(from, &statement).as_bytes());
}

/// A certificate for the block and its header, no proof.
fn write_backing(out: &mut Vec<u8>, header: &[u8], hash: BlockHash) {
    let mut writer = Writer::new(out);
    writer.u8(0).u8(1);
    write_votes(&mut writer, &of_block(Kind::Prepare, 0, hash), &[0, 1, 3]);
    writer.u8(1).tail(header);
}

fn good() -> Vec<Vec<u8>> {
    let ((header, hash), (_, other)) = (block(1), block(2));
    let [prepare, commit] = [Kind::Prepare, Kind::Commit].map(|kind| of_block(kind, 0, hash));
    let message = |form: u8, write: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = vec![1, form];
        write(&mut bytes);
        bytes
    };
    let leader = Rotation.leader(BASE.height.next(), View::ORIGIN).get();
    vec![
        message(1, &|out| {
            let mut writer = Writer::new(out);
            write_place(&mut writer, leader);
            writer.u64(0).tail(&header);
            let proposed = of_block(Kind::PrePrepare, 0, hash);
            writer.bytes(sign(leader, &proposed).as_bytes()).bytes(sign(leader, &prepare).as_bytes());
        }),
        message(2, &|out| write_vote(&mut Writer::new(out), 2, &commit)),
        message(3, &|out| {
            write_claims(out, 2, hash);
            write_backing(out, &header, hash);
        }),
        message(4, &|out| {
            let mut said = Vec::new();
            let mut writer = Writer::new(&mut said);
            write_place(&mut writer, 1);
            writer.u64(1).u32(3);
            [0, 1, 3].iter().for_each(|from| write_claims(&mut said, *from, hash));
            let begun = Statement::new(Kind::NewView, View::new(1), BASE.height, hash::new_view(&said));
            out.extend_from_slice(&said);
            write_backing(out, &header, hash);
            out.extend_from_slice(sign(1, &begun).as_bytes());
        }),
        message(5, &|out| {
            let mut writer = Writer::new(out);
            writer.u8(Kind::Commit.wire());
            write_votes(&mut writer, &commit, &[0, 2, 3]);
        }),
        message(32, &|out| {
            let mut writer = Writer::new(out);
            write_vote(&mut writer, 2, &commit);
            write_vote(&mut writer, 2, &of_block(Kind::Commit, 0, other));
        }),
    ]
}

/// Whether a message is let through by who knows nothing yet.
fn passes(message: Message) -> bool {
    let keys: Vec<_> = KEYS.iter().map(SigningKey::public_key).collect();
    let (mut verifier, mut out) = (Verifier::new(committee(), Ed25519::new(keys)), Passed::new());
    let outcome = verifier.take(None, message, &mut out);
    let _ = outcome.and_then(|()| verifier.flush(&mut out));
    !out.is_empty()
}

/// Changes some bytes of a good message.
fn change(script: &mut Script<'_>) {
    let good = &GOOD[script.roll(GOOD.len())];
    let mut bytes = good.clone();
    for _ in 0..script.roll(4) {
        let at = script.roll(bytes.len());
        match script.roll(8) {
            0 => drop(bytes.remove(at)),
            1 => bytes.insert(at, script.word() as u8),
            2 => bytes[at] = script.roll(4) as u8,
            3 => bytes[at] ^= 1 << script.roll(8),
            _ => bytes[at] = script.word() as u8,
        }
    }
    match judge(&bytes) {
        None => assert_ne!(bytes, *good, "a good message is read"),
        Some(Message::Status(_)) => {}
        Some(message) => assert_eq!(passes(message), bytes == *good, "every byte is signed for"),
    }
}

/// Signatures that cost nothing: the hash of place and bytes.
struct Cheap;

impl Cheap {
    fn sign(from: ValidatorIndex, bytes: &[u8]) -> Signature {
        let hash = hash::claims(&[bytes, &from.get().to_le_bytes()[..]].concat());
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(hash.as_bytes());
        Signature::new(signature)
    }
}

impl Scheme for Cheap {
    fn verify_batch(&self, claims: &[(ValidatorIndex, &[u8], Signature)]) -> Result<(), Vec<usize>> {
        assert!(!claims.is_empty(), "nobody asks for nothing");
        let is_bad = |(_, claim): &(usize, &(_, &[u8], _))| Self::sign(claim.0, claim.1) != claim.2;
        let bad: Vec<usize> = claims.iter().enumerate().filter(is_bad).map(|(at, _)| at).collect();
        if bad.is_empty() { Ok(()) } else { Err(bad) }
    }
}

/// The place of a vote, of which an honest validator fills one, and a liar two.
type Seat = (View, Height, Kind, ValidatorIndex);

/// What a verifier of votes should have let through.
#[derive(Default)]
struct Expected {
    /// The good votes of each seat, two at most, in the order in which they came.
    seats: BTreeMap<Seat, Vec<BlockHash>>,
    /// Those of the validator itself, which nobody has to let through.
    own: BTreeSet<Statement>,
    through: BTreeSet<(ValidatorIndex, Statement)>,
}

impl Expected {
    fn came(&mut self, from: ValidatorIndex, said: &Statement) {
        let seat = self.seats.entry((said.view, said.height, said.kind, from)).or_default();
        if seat.len() < 2 && !seat.contains(&said.hash) {
            seat.push(said.hash);
        }
    }

    fn passed(&mut self, domain: &Domain, passed: &mut Passed) {
        for (_, verified) in passed.drain(..) {
            let Message::Vote(vote) = verified.into_message() else { panic!("nothing else was sent") };
            assert_eq!(vote.signature, Cheap::sign(vote.from, &domain.sign_bytes(&vote.statement)));
            self.through.insert((vote.from, vote.statement));
        }
    }
}

/// Votes good and bad, for blocks that contradict each other, while the engine moves on.
fn vote(script: &mut Script<'_>) {
    let own = ValidatorIndex::new(0);
    let Committee { domain, .. } = committee();
    let (mut verifier, mut out) = (Verifier::new(committee(), Cheap), Passed::new());
    let (mut view, mut tip) = (View::ORIGIN, BASE.height);
    let mut expected = Expected::default();
    for _ in 0..300 {
        if !script.goes_on() {
            break;
        }
        match script.roll(16) {
            0 => {
                view = view.forward(script.roll(3) as u64);
                tip = tip.forward(script.roll(2) as u64);
                verifier.advance(view, tip);
                let first = view.back(1).unwrap_or(View::ORIGIN);
                expected.seats.retain(|(view, height, ..), _| *view >= first && *height > tip);
            }
            1 => {
                let _ = verifier.flush(&mut out);
                expected.passed(&domain, &mut out);
                assert_eq!(verifier.waiting(), 0);
                for ((view, height, kind, from), hashes) in &expected.seats {
                    for hash in hashes {
                        let said = Statement::new(*kind, *view, *height, *hash);
                        let is_through = expected.through.contains(&(*from, said));
                        assert!(is_through || expected.own.contains(&said), "{from} {said:?} is lost");
                    }
                }
            }
            turn => {
                let kind = [Kind::Prepare, Kind::Commit][script.roll(2)];
                let (in_view, above) = (view.forward(script.roll(2) as u64), 1 + script.roll(3) as u64);
                let hash = BlockHash::new([script.roll(3) as u8; 32]);
                let said = Statement::new(kind, in_view, tip.forward(above), hash);
                let from = ValidatorIndex::new(script.roll(usize::from(PLACES)) as u16);
                let mut signature = Cheap::sign(from, &domain.sign_bytes(&said));
                let is_good = turn % 4 != 3;
                if is_good {
                    expected.came(from, &said);
                } else {
                    signature = Signature::new([script.roll(2) as u8; 64]);
                }
                let vote = Message::Vote(Vote { from, statement: said, signature });
                let outcome = if from == own && is_good {
                    expected.own.insert(said);
                    verifier.sent(&vote, &mut out)
                } else {
                    verifier.take(Some(from), vote, &mut out)
                };
                assert!(matches!(outcome, Ok(()) | Err(Refused::Signatures(_))), "{outcome:?}");
            }
        }
        expected.passed(&domain, &mut out);
    }
}
