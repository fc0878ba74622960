//! Bytes that claim to say who is in a cluster, and changes of those who are.

use super::{Script, heap};
use duochain::raft::{ADDRESS_BYTES_MAX, Change, Membership};
use duochain::types::{Index, NodeId};
use std::collections::{BTreeMap, BTreeSet};

/// The words of a refusal, and the beginning of each table.
const HEAP_BYTES_MIN: usize = 16 << 10;

/// Plays what `data` says: as it is, and as members that changed, of whose bytes some are others.
///
/// # Panics
/// When reading panics or allocates by what bytes claim, when two encodings are read as the same members, or when what
/// follows from members is not sound.
pub(crate) fn play(data: &[u8]) {
    judge(data);
    let mut script = Script::new(data);
    let mut first = addresses(&mut script, 4);
    // Those of a cluster that begins are checked where it is opened, changes where they are made.
    first.retain(|_, address| address.len() <= ADDRESS_BYTES_MAX);
    let mut members = Membership::of(first);
    while script.goes_on() {
        members = match script.roll(3) {
            0 => members.settled(),
            _ => members.changed(&change(&mut script)).unwrap_or(members),
        };
        if members.voters.is_empty() {
            // Nobody was there to begin with.
            members = Membership::of([(NodeId::new(1).expect("not 0"), String::new())]);
        }
        let mut bytes = Vec::new();
        members.encode(&mut bytes);
        assert_eq!(judge(&bytes).as_ref(), Some(&members), "what changed is read back");
        for _ in 0..script.roll(3) {
            let at = script.roll(bytes.len());
            bytes[at] = script.word() as u8;
        }
        bytes.truncate(bytes.len() - script.roll(2) * script.roll(bytes.len()));
        judge(&bytes);
    }
}

fn node(script: &mut Script<'_>) -> NodeId {
    NodeId::new(1 + script.roll(40) as u64).expect("not 0")
}

fn nodes(script: &mut Script<'_>) -> BTreeSet<NodeId> {
    (0..script.roll(3)).map(|_| node(script)).collect()
}

fn addresses(script: &mut Script<'_>, sides: usize) -> BTreeMap<NodeId, String> {
    (0..script.roll(sides)).map(|_| (node(script), "x".repeat(script.roll(260)))).collect()
}

fn change(script: &mut Script<'_>) -> Change {
    Change { add: addresses(script, 4), promote: nodes(script), demote: nodes(script), remove: nodes(script) }
}

fn judge(bytes: &[u8]) -> Option<Membership> {
    let (outcome, allocated) = heap::counted(|| Membership::decode(bytes));
    assert!(allocated <= HEAP_BYTES_MIN + 2 * bytes.len(), "{allocated} bytes for {}", bytes.len());
    let members = outcome.ok()?;
    let mut again = Vec::new();
    members.encode(&mut again);
    assert_eq!(again, bytes, "the same members, one encoding");
    assert_eq!(members.bytes(), bytes.len());
    let settled = members.settled();
    assert!(!settled.is_joint() && settled.voters == members.voters, "{settled:?}");
    // Who asks everybody hears an answer, and it is not both.
    assert_ne!(members.tally(|_| Some(true)), members.tally(|_| Some(false)));
    assert_eq!(members.reached(|_| Index::new(7)), Index::new(7));
    Some(members)
}
