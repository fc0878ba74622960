//! The validators of one epoch, in their order.
//!
//! # Model
//! A set is fixed one epoch before its own: members ordered by the bytes of their ids, so that the order of registrations
//! does not show, with the power that their stake gave them. [`ValidatorSet::hash`] is over that. At the epoch's
//! beginning those who were jailed meanwhile lose their power, and keep their place.
//!
//! # Invariants
//! I1 members ascend by id; a place says nothing in another epoch.
//! I2 within an epoch no power changes.
//! I3 somebody has power; all of it fits 64 bits.
//!
//! # Limits
//! [`MEMBERS_MAX`] members.

use super::ids::ValidatorId;
use crate::codec::Writer;
use crate::crypto::ed25519::PublicKey;
use crate::crypto::{KeyFault, hash, vrf};
use crate::types::{Epoch, SetHash, ValidatorIndex};

/// As many as have a [`ValidatorIndex`].
pub const MEMBERS_MAX: usize = 1 << 16;

/// What a validator signs and draws with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Keys {
    /// Of its votes.
    pub vote: PublicKey,
    /// Of its random numbers.
    pub vrf: [u8; 32],
}

/// Why keys are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeysFault {
    /// Of votes.
    #[error("the vote key is {0}")]
    Vote(KeyFault),
    /// Of random numbers.
    #[error("the VRF key is {0}")]
    Vrf(KeyFault),
    /// A signature of the one could be a part of a proof of the other.
    #[error("both keys are the same")]
    Same,
}

impl Keys {
    /// Whether each is a key that somebody can own alone, and they differ.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(&self) -> Result<(), KeysFault> {
        self.vote.check().map_err(KeysFault::Vote)?;
        vrf::PublicKey::from_bytes(&self.vrf).map_err(KeysFault::Vrf)?;
        if self.vote.as_bytes() == &self.vrf { Err(KeysFault::Same) } else { Ok(()) }
    }
}

/// One of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub id: ValidatorId,
    /// What its votes weigh, before anybody was jailed.
    pub power: u64,
    /// What it signs and draws with.
    pub keys: Keys,
}

/// Why members are no set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetFault {
    /// More than have a place.
    #[error("{0} members, the limit is 65,536")]
    TooMany(usize),
    /// The same one again.
    #[error("{0} is in it twice")]
    Twice(ValidatorId),
    /// Their powers do not fit 64 bits together.
    #[error("more power than fits 64 bits")]
    TooHeavy,
    /// Nobody could decide.
    #[error("nobody has power")]
    NoPower,
}

/// The validators of an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorSet {
    epoch: Epoch,
    members: Box<[Member]>,
    /// Places without power, ascending.
    jailed: Vec<ValidatorIndex>,
    hash: SetHash,
}

impl ValidatorSet {
    /// Of these members, in whatever order they come.
    ///
    /// # Errors
    /// [`SetFault`].
    pub fn new(epoch: Epoch, mut members: Vec<Member>) -> Result<Self, SetFault> {
        if members.len() > MEMBERS_MAX {
            return Err(SetFault::TooMany(members.len()));
        }
        members.sort_unstable_by_key(|member| member.id);
        if let Some(pair) = members.windows(2).find(|pair| pair[0].id == pair[1].id) {
            return Err(SetFault::Twice(pair[0].id));
        }
        let total = members.iter().try_fold(0_u64, |sum, member| sum.checked_add(member.power));
        match total.ok_or(SetFault::TooHeavy)? {
            0 => Err(SetFault::NoPower),
            _ => Ok(Self { epoch, hash: hash_of(&members), members: members.into(), jailed: Vec::new() }),
        }
    }

    /// The same members with the same powers, in another epoch.
    #[must_use]
    pub(super) fn again(&self, epoch: Epoch) -> Self {
        Self { epoch, ..self.clone() }
    }

    /// Takes the power of whom `is_jailed` names, unless nobody would be left with any: then nothing happens, and it
    /// returns what would have been lost.
    pub(super) fn jail(&mut self, is_jailed: impl Fn(&ValidatorId) -> bool) -> Result<u64, u64> {
        let places = self.places().filter(|place| is_jailed(&self.members[place.index()].id));
        let jailed: Vec<ValidatorIndex> = places.collect();
        let lost = jailed.iter().map(|place| self.power(*place)).sum();
        if u128::from(lost) == self.total() {
            return Err(lost);
        }
        self.jailed = jailed;
        Ok(lost)
    }

    /// The epoch it decides in.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Of the members with their keys and the powers that were fixed one epoch ahead. Neither the epoch nor who is jailed
    /// is in it.
    pub const fn hash(&self) -> SetHash {
        self.hash
    }

    /// Number of places.
    pub const fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no place; there is always one (I3).
    pub const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The members, in their order.
    pub const fn members(&self) -> &[Member] {
        &self.members
    }

    /// Who was jailed after the set was fixed, ascending.
    pub fn jailed(&self) -> &[ValidatorIndex] {
        &self.jailed
    }

    /// All places, ascending.
    pub fn places(&self) -> impl Iterator<Item = ValidatorIndex> + use<> {
        (0..self.members.len() as u32).map(|place| ValidatorIndex::new(place as u16))
    }

    /// Who has that place.
    pub fn member(&self, place: ValidatorIndex) -> Option<&Member> {
        self.members.get(place.index())
    }

    /// The place of a validator.
    pub fn place(&self, id: &ValidatorId) -> Option<ValidatorIndex> {
        let place = self.members.binary_search_by_key(id, |member| member.id).ok()?;
        Some(ValidatorIndex::new(place as u16))
    }

    /// What the votes of that place weigh: 0 for who is jailed, and outside of the set.
    pub fn power(&self, place: ValidatorIndex) -> u64 {
        match self.members.get(place.index()) {
            Some(member) if self.jailed.binary_search(&place).is_err() => member.power,
            _ => 0,
        }
    }

    /// The power of each place, in their order.
    pub fn powers(&self) -> impl Iterator<Item = u64> + '_ {
        self.places().map(|place| self.power(place))
    }

    /// All power together.
    pub fn total(&self) -> u128 {
        self.powers().map(u128::from).sum()
    }
}

/// ```text
/// count u32   each: id [32]   power u64   vote key [32]   VRF key [32]
/// ```
fn hash_of(members: &[Member]) -> SetHash {
    let mut bytes = Vec::with_capacity(4 + members.len() * MEMBER_BYTES);
    let mut writer = Writer::new(&mut bytes);
    writer.u32(members.len() as u32);
    members.iter().for_each(|member| encode_member(member, &mut writer));
    hash::validators(&bytes)
}

/// Length of a member.
pub(super) const MEMBER_BYTES: usize = 32 + 8 + 32 + 32;

/// Appends a member.
pub(super) fn encode_member(member: &Member, writer: &mut Writer<'_>) {
    let Member { id, power, keys: Keys { vote, vrf } } = member;
    writer.bytes(id.as_bytes()).u64(*power).bytes(vote.as_bytes()).bytes(vrf);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::ed25519::SigningKey;

    fn member(name: u8, power: u64) -> Member {
        let keys = Keys { vote: PublicKey::new([name; 32]), vrf: [name ^ 0x80; 32] };
        Member { id: ValidatorId::new([name; 32]), power, keys }
    }

    fn set(members: &[Member]) -> ValidatorSet {
        ValidatorSet::new(Epoch::new(3), members.to_vec()).expect("a set")
    }

    #[test]
    fn the_order_in_which_members_come_does_not_show() {
        let members = [member(1, 10), member(2, 20), member(3, 30), member(4, 40)];
        let expected = set(&members);
        for turn in 1..4 {
            let mut turned = members;
            turned.rotate_left(turn);
            assert_eq!(set(&turned), expected);
            turned.reverse();
            assert_eq!(set(&turned), expected);
        }
        assert_eq!(expected.place(&ValidatorId::new([3; 32])), Some(ValidatorIndex::new(2)));
        assert_eq!(expected.place(&ValidatorId::new([9; 32])), None);
    }

    #[test]
    fn the_hash_covers_ids_powers_and_keys() {
        let members = [member(1, 10), member(2, 20)];
        let mut others =
            vec![vec![members[0]], vec![members[0], member(3, 20)], vec![members[0], member(2, 21)]];
        for change in 0..2 {
            let mut changed = members;
            match change {
                0 => changed[1].keys.vote = PublicKey::new([7; 32]),
                _ => changed[1].keys.vrf = [7; 32],
            }
            others.push(changed.to_vec());
        }
        for other in &others {
            assert_ne!(set(other).hash(), set(&members).hash(), "{other:?}");
        }
        let later = ValidatorSet::new(Epoch::new(4), members.to_vec()).expect("a set");
        assert_eq!(later.hash(), set(&members).hash(), "the epoch stands beside it");
    }

    #[test]
    fn who_is_jailed_keeps_its_place_and_has_no_power() {
        let mut set = set(&[member(1, 10), member(2, 20), member(3, 30)]);
        let hash = set.hash();
        assert_eq!(set.jail(|id| *id == ValidatorId::new([2; 32])), Ok(20));
        assert_eq!(set.powers().collect::<Vec<_>>(), [10, 0, 30]);
        assert_eq!((set.total(), set.len(), set.hash()), (40, 3, hash));
        assert_eq!(set.jailed(), [ValidatorIndex::new(1)]);
        assert_eq!(set.power(ValidatorIndex::new(3)), 0, "outside");
    }

    #[test]
    fn somebody_keeps_power() {
        let mut set = set(&[member(1, 10), member(2, 20), member(3, 0)]);
        let before = set.clone();
        assert_eq!(set.jail(|id| *id != ValidatorId::new([3; 32])), Err(30));
        assert_eq!(set, before);
    }

    #[test]
    fn what_is_no_set_is_refused_by_name() {
        let fault = |members: Vec<Member>| ValidatorSet::new(Epoch::ORIGIN, members).expect_err("no set");
        assert_eq!(fault(vec![]), SetFault::NoPower);
        assert_eq!(fault(vec![member(1, 0)]), SetFault::NoPower);
        assert_eq!(fault(vec![member(1, 1), member(1, 2)]), SetFault::Twice(ValidatorId::new([1; 32])));
        assert_eq!(fault(vec![member(1, u64::MAX), member(2, 1)]), SetFault::TooHeavy);
        assert_eq!(fault(vec![member(1, 1); MEMBERS_MAX + 1]), SetFault::TooMany(MEMBERS_MAX + 1));
    }

    #[test]
    fn keys_are_checked_and_differ() {
        let vote = SigningKey::from_seed(&[1; 32]).public_key();
        let vrf = *vrf::SecretKey::from_seed(&[2; 32]).public_key().as_bytes();
        assert_eq!(Keys { vote, vrf }.check(), Ok(()));
        assert_eq!(Keys { vote, vrf: *vote.as_bytes() }.check(), Err(KeysFault::Same));
        let mut identity = [0; 32];
        identity[0] = 1;
        let small = KeyFault::SmallOrder;
        assert_eq!(Keys { vote: PublicKey::new(identity), vrf }.check(), Err(KeysFault::Vote(small)));
        assert_eq!(Keys { vote, vrf: identity }.check(), Err(KeysFault::Vrf(small)));
    }
}
