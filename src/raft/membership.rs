//! Who is in the cluster: voters, the voters that a change leaves behind, and learners.
//!
//! # Model
//! ```text
//! {old}  --Change-->  {old, new} joint: both majorities decide  --committed-->  {new}
//! ```
//! Any change of voters goes through the joint state (Raft §6); the leader ends it by itself. Learners
//! take the log and decide nothing; they come and go in one step.
//!
//! # Invariants
//! M1 a voter is not a learner. M2 there is at least one voter. M3 whoever is a member has an address.

use crate::codec::{Malformed, Reader, Writer};
use crate::types::{Index, NodeId, Tally, reached, tally};
use std::collections::{BTreeMap, BTreeSet};

/// Most members of a cluster, learners and those that leave included.
pub const MEMBERS_MAX: usize = 32;
/// Longest address of a member, in bytes.
pub const ADDRESS_BYTES_MAX: usize = 256;
const VERSION: u8 = 1;

/// Who is in the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// Who decides.
    pub voters: BTreeSet<NodeId>,
    /// Who decides as well until a change is over; empty otherwise.
    pub outgoing: BTreeSet<NodeId>,
    /// Who takes the log only.
    pub learners: BTreeSet<NodeId>,
    /// Those of `outgoing` who are learners once the change is over.
    pub demoted: BTreeSet<NodeId>,
    /// Where each of them is found. The core does not look inside.
    pub addresses: BTreeMap<NodeId, String>,
}

/// A change of members. Empty parts change nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// These become learners, or stay what they are with a new address.
    pub add: BTreeMap<NodeId, String>,
    /// These members become voters.
    pub promote: BTreeSet<NodeId>,
    /// These voters become learners.
    pub demote: BTreeSet<NodeId>,
    /// These leave.
    pub remove: BTreeSet<NodeId>,
}

impl Membership {
    /// A cluster of these voters.
    pub fn of(voters: impl IntoIterator<Item = (NodeId, String)>) -> Self {
        let addresses: BTreeMap<_, _> = voters.into_iter().collect();
        Self { voters: addresses.keys().copied().collect(), addresses, ..Self::default() }
    }

    /// Everyone who takes the log, in order.
    pub fn members(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.addresses.keys().copied()
    }

    /// Whether a node's vote counts.
    pub fn is_voter(&self, node: NodeId) -> bool {
        self.voters.contains(&node) || self.outgoing.contains(&node)
    }

    /// Whether a change of voters is under way.
    pub fn is_joint(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// The greatest index that a majority, or each of two, has reached.
    pub fn reached(&self, index_of: impl Fn(NodeId) -> Index) -> Index {
        let of = |group: &BTreeSet<NodeId>| {
            let mut values: Vec<Index> = group.iter().map(|node| index_of(*node)).collect();
            reached(&mut values)
        };
        let incoming = of(&self.voters).unwrap_or_default();
        of(&self.outgoing).map_or(incoming, |outgoing| outgoing.min(incoming))
    }

    /// How a vote stands; `answer` is `None` for who has not answered.
    pub fn tally(&self, answer: impl Fn(NodeId) -> Option<bool>) -> Tally {
        let of = |group: &BTreeSet<NodeId>| {
            let count = |wanted| group.iter().filter(|node| answer(**node) == Some(wanted)).count();
            tally(group.len(), count(true), count(false))
        };
        match (of(&self.voters), self.is_joint().then(|| of(&self.outgoing))) {
            (Tally::Lost, _) | (_, Some(Tally::Lost)) => Tally::Lost,
            (Tally::Won, None | Some(Tally::Won)) => Tally::Won,
            _ => Tally::Open,
        }
    }

    /// Who is in after `change`: joint if voters change. `None` when that cannot be (M1 to M3, limits, a
    /// node named twice or not a member, or a change under way).
    pub fn changed(&self, change: &Change) -> Option<Self> {
        if self.is_joint() {
            return None;
        }
        let mut next = self.clone();
        for (node, address) in &change.add {
            if next.addresses.insert(*node, address.clone()).is_none() {
                next.learners.insert(*node);
            }
        }
        for node in &change.promote {
            (next.learners.remove(node) && next.voters.insert(*node)).then_some(())?;
        }
        for node in &change.demote {
            (next.voters.remove(node) && next.demoted.insert(*node)).then_some(())?;
        }
        for node in &change.remove {
            (next.voters.remove(node) || next.learners.remove(node)).then_some(())?;
        }
        if next.voters != self.voters {
            next.outgoing.clone_from(&self.voters);
        }
        // Who leaves the voters is still needed as one of the outgoing ones, and so is its address.
        let stays = |node: &NodeId| next.is_voter(*node) || next.learners.contains(node);
        let addresses = next.addresses.iter().filter(|(node, _)| stays(node));
        next.addresses = addresses.map(|(node, address)| (*node, address.clone())).collect();
        (next != *self && next.is_sound()).then_some(next)
    }

    /// The members when the change under way is over.
    #[must_use]
    pub fn settled(&self) -> Self {
        let mut next = self.clone();
        next.outgoing.clear();
        next.learners.append(&mut next.demoted);
        next.addresses.retain(|node, _| next.voters.contains(node) || next.learners.contains(node));
        next
    }

    /// Its size on wire and disk, in bytes.
    pub fn bytes(&self) -> usize {
        let address: usize = self.addresses.values().map(|address| 8 + 4 + 1 + address.len()).sum();
        1 + 4 + address
    }

    /// Appends its bytes: the version, the number of members, and each member in order: its number, its
    /// parts as bits (1 voter, 2 outgoing, 4 learner, 8 demoted) and its address.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u8(VERSION).u32(u32::try_from(self.addresses.len()).expect("MEMBERS_MAX is far below"));
        for (node, address) in &self.addresses {
            let parts = [&self.voters, &self.outgoing, &self.learners, &self.demoted];
            let bits = (0..).zip(parts).map(|(bit, part)| u8::from(part.contains(node)) << bit).sum();
            writer.u64(node.get()).u8(bits).tail(address.as_bytes());
        }
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// Anything else, limits included, with the field and its offset.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let version = reader.u8("membership version")?;
        if version != VERSION {
            return Err(reader.fault("membership version", format!("{version} is not {VERSION}")));
        }
        let count = reader.u32("members")? as usize;
        if count > MEMBERS_MAX {
            return Err(reader.fault("members", format!("{count} is over the limit of {MEMBERS_MAX}")));
        }
        let mut membership = Self::default();
        let mut before = 0;
        for _ in 0..count {
            before = membership.decode_member(&mut reader, before)?;
        }
        if !membership.is_sound() {
            return Err(reader.fault("members", "these cannot be members together".to_owned()));
        }
        reader.finish("membership")?;
        Ok(membership)
    }

    /// Reads one member, whose number is above `before`, and returns its number.
    fn decode_member(&mut self, reader: &mut Reader<'_>, before: u64) -> Result<u64, Malformed> {
        let number = reader.u64("member")?;
        let node = NodeId::new(number).filter(|_| number > before);
        let node = node.ok_or_else(|| reader.fault("member", format!("{number} after {before}")))?;
        let bits = reader.u8("member parts")?;
        if bits == 0 || bits > 15 {
            return Err(reader.fault("member parts", format!("{bits} are no parts")));
        }
        let parts = [&mut self.voters, &mut self.outgoing, &mut self.learners, &mut self.demoted];
        for (bit, part) in (0..).zip(parts) {
            if bits >> bit & 1 == 1 {
                part.insert(node);
            }
        }
        let address = reader.tail("member address", ADDRESS_BYTES_MAX)?;
        let address = std::str::from_utf8(address)
            .map_err(|_| reader.fault("member address", "it is not UTF-8".to_owned()))?;
        self.addresses.insert(node, address.to_owned());
        Ok(number)
    }

    /// M1 to M3, and the limits.
    pub(crate) fn is_sound(&self) -> bool {
        let members = self.voters.iter().chain(&self.outgoing).chain(&self.learners);
        !self.voters.is_empty()
            && self.learners.is_disjoint(&self.voters)
            && self.learners.is_disjoint(&self.outgoing)
            && self.demoted.is_subset(&self.outgoing)
            && self.demoted.is_disjoint(&self.voters)
            && self.addresses.len() <= MEMBERS_MAX
            && self.addresses.values().all(|address| address.len() <= ADDRESS_BYTES_MAX)
            && members.collect::<BTreeSet<_>>() == self.addresses.keys().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(numbers: &[u64]) -> BTreeSet<NodeId> {
        numbers.iter().filter_map(|number| NodeId::new(*number)).collect()
    }

    fn addresses(numbers: &[u64]) -> BTreeMap<NodeId, String> {
        nodes(numbers).into_iter().map(|node| (node, format!("{node}:7000"))).collect()
    }

    #[test]
    fn voters_change_through_the_joint_state_and_learners_in_one_step() {
        let three = Membership::of(addresses(&[1, 2, 3]));
        let four = three.changed(&Change { add: addresses(&[4]), ..Change::default() }).unwrap();
        assert!(!four.is_joint());
        assert_eq!(four.learners, nodes(&[4]));

        let change =
            Change { promote: nodes(&[4]), demote: nodes(&[2]), remove: nodes(&[1]), ..Change::default() };
        let joint = four.changed(&change).unwrap();
        assert_eq!((&joint.voters, &joint.outgoing), (&nodes(&[3, 4]), &nodes(&[1, 2, 3])));
        assert_eq!(joint.addresses, addresses(&[1, 2, 3, 4]));
        assert_eq!(joint.changed(&change), None, "one change at a time");

        let after = joint.settled();
        assert_eq!((&after.voters, &after.learners), (&nodes(&[3, 4]), &nodes(&[2])));
        assert_eq!(after.addresses, addresses(&[2, 3, 4]));
    }

    #[test]
    fn changes_that_cannot_be_are_refused() {
        let three = Membership::of(addresses(&[1, 2, 3]));
        let refused = [
            Change::default(),
            Change { promote: nodes(&[1]), ..Change::default() },
            Change { promote: nodes(&[9]), ..Change::default() },
            Change { demote: nodes(&[9]), ..Change::default() },
            Change { remove: nodes(&[9]), ..Change::default() },
            Change { remove: nodes(&[1, 2, 3]), ..Change::default() },
            Change { remove: nodes(&[1]), demote: nodes(&[1]), ..Change::default() },
            Change { add: addresses(&(4..=33).collect::<Vec<_>>()), ..Change::default() },
            Change {
                add: [(NodeId::new(4).unwrap(), "x".repeat(ADDRESS_BYTES_MAX + 1))].into(),
                ..Change::default()
            },
        ];
        for change in refused {
            assert_eq!(three.changed(&change), None, "{change:?}");
        }
    }

    #[test]
    fn a_joint_decision_needs_both_majorities() {
        let mut joint = Membership::of(addresses(&[1, 2, 3, 4]));
        joint.voters = nodes(&[1, 2]);
        joint.outgoing = nodes(&[2, 3, 4]);
        let at = |indexes: [u64; 4]| {
            joint.reached(|node| Index::new(indexes[usize::try_from(node.get()).unwrap() - 1])).get()
        };
        assert_eq!(at([9, 9, 0, 0]), 0);
        assert_eq!(at([9, 9, 5, 0]), 5);
        assert_eq!(at([3, 9, 5, 5]), 3);
        let vote = |granted: &[u64], refused: &[u64]| {
            let (granted, refused) = (nodes(granted), nodes(refused));
            joint.tally(|node| match (granted.contains(&node), refused.contains(&node)) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => None,
            })
        };
        assert_eq!(vote(&[1, 2], &[]), Tally::Open);
        assert_eq!(vote(&[1, 2, 3], &[]), Tally::Won);
        assert_eq!(vote(&[2, 3, 4], &[1]), Tally::Lost);
        assert_eq!(vote(&[1, 2], &[3, 4]), Tally::Lost);
    }

    #[test]
    fn bytes_come_back_and_no_other_bytes_do() {
        let mut joint = Membership::of(addresses(&[1, 2, 3, 4, 5]));
        (joint.voters, joint.outgoing) = (nodes(&[1, 2, 3]), nodes(&[3, 4]));
        (joint.learners, joint.demoted) = (nodes(&[5]), nodes(&[4]));
        let mut bytes = Vec::new();
        joint.encode(&mut bytes);
        assert_eq!(bytes.len(), joint.bytes());
        assert_eq!(Membership::decode(&bytes), Ok(joint.clone()));
        for at in 0..bytes.len() {
            assert!(Membership::decode(&bytes[..at]).is_err(), "cut at {at}");
            let mut changed = bytes.clone();
            changed[at] ^= 0x80;
            assert_ne!(Membership::decode(&changed), Ok(joint.clone()), "changed at {at}");
        }
        assert!(Membership::decode(&[1, 0, 0, 0, 0]).is_err(), "nobody");
        assert!(Membership::decode(&[1, 255, 255, 255, 255]).is_err(), "too many");
    }
}
