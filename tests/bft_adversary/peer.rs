//! States of small worlds, packed: what the honest of four validators signed and reported.

use crate::rule::block;
use duochain::types::BlockHash;

/// The honest ones; the fourth validator lies.
pub(crate) const HONEST: usize = 3;

/// One of the two blocks of a height, 1 or 2; 0 where there is none. At the second height each stands on the block of
/// the same number.
pub(crate) type Value = u8;

/// Block `value` of `height`, counted from 0.
pub(crate) fn hash(height: usize, value: Value) -> BlockHash {
    let number = usize::from(value) - 1;
    block(height, if height == 0 { number } else { 2 * number })
}

/// What an honest validator holds when it asks for a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held<const H: usize> {
    /// Heights that are final for it.
    pub(crate) low: u8,
    /// The view of its certificate, plus 1; 0 for none.
    pub(crate) certificate: [u8; H],
}

/// An honest validator, for `V` views and `H` heights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer<const V: usize, const H: usize> {
    /// The latest view that it entered or asked for.
    pub(crate) view: usize,
    /// It is in that view, and not only asking for it.
    pub(crate) is_in: bool,
    /// What it has to vote for in that view; 0 where it is free.
    pub(crate) bound: [Value; H],
    pub(crate) votes: [[Value; H]; V],
    /// To what has a certificate of that view, of which there is one at most.
    pub(crate) commits: [[bool; H]; V],
    pub(crate) asked: [Option<Held<H>>; V],
}

/// The honest validators of a state.
pub(crate) type Peers<const V: usize, const H: usize> = [Peer<V, H>; HONEST];

impl<const V: usize, const H: usize> Peer<V, H> {
    pub(crate) const NEW: Self = Self {
        view: 0,
        is_in: true,
        bound: [0; H],
        votes: [[0; H]; V],
        commits: [[false; H]; V],
        asked: [None; V],
    };

    /// Its latest vote at `height` in a view before `end`.
    pub(crate) fn voted(&self, end: usize, height: usize) -> Option<(usize, Value)> {
        (0..end).rev().map(|view| (view, self.votes[view][height])).find(|(_, value)| *value != 0)
    }

    /// The latest view in which it committed at `height`.
    pub(crate) fn committed(&self, height: usize) -> Option<usize> {
        (0..V).rev().find(|view| self.commits[*view][height])
    }

    pub(crate) fn can_enter(&self, view: usize) -> bool {
        self.view < view || (self.view == view && !self.is_in)
    }

    const CERTIFICATE_BITS: u32 = if V < 4 { 2 } else { 3 };

    fn pack(&self, is_swapped: bool) -> u64 {
        let named = |value: Value| if is_swapped && value != 0 { 3 - value } else { value };
        let mut word = Word(self.view as u64);
        word.put(1, self.is_in.into());
        self.bound.iter().for_each(|value| word.put(2, named(*value)));
        for view in 0..V {
            for height in 0..H {
                word.put(2, named(self.votes[view][height]));
                word.put(1, self.commits[view][height].into());
            }
        }
        for held in &self.asked[1..] {
            word.put(1, held.is_some().into());
            let held = held.unwrap_or(Held { low: 0, certificate: [0; H] });
            word.put(2, held.low);
            held.certificate.iter().for_each(|view| word.put(Self::CERTIFICATE_BITS, *view));
        }
        word.0
    }

    fn unpack(word: u64) -> Self {
        let mut word = Word(word);
        let mut peer = Self::NEW;
        for held in peer.asked[1..].iter_mut().rev() {
            let mut found = Held { low: 0, certificate: [0; H] };
            found.certificate.iter_mut().rev().for_each(|view| *view = word.take(Self::CERTIFICATE_BITS));
            found.low = word.take(2);
            *held = (word.take(1) == 1).then_some(found);
        }
        for view in (0..V).rev() {
            for height in (0..H).rev() {
                peer.commits[view][height] = word.take(1) == 1;
                peer.votes[view][height] = word.take(2);
            }
        }
        peer.bound.iter_mut().rev().for_each(|value| *value = word.take(2));
        peer.is_in = word.take(1) == 1;
        peer.view = word.0 as usize;
        peer
    }
}

/// Bits behind each other.
struct Word(u64);

impl Word {
    fn put(&mut self, bits: u32, value: u8) {
        debug_assert!(u64::from(value) < 1 << bits);
        self.0 = self.0 << bits | u64::from(value);
    }

    fn take(&mut self, bits: u32) -> u8 {
        let value = self.0 & ((1 << bits) - 1);
        self.0 >>= bits;
        value as u8
    }
}

/// Bits of one validator in a state.
const BITS: u32 = 42;

/// The state: the same for all that differ in the names of validators or blocks, or in what nobody can use any more.
pub(crate) fn pack<const V: usize, const H: usize>(peers: &Peers<V, H>) -> u128 {
    let mut peers = *peers;
    for view in 1..V {
        if !peers.iter().any(|peer| peer.can_enter(view)) {
            peers.iter_mut().for_each(|peer| peer.asked[view] = None);
        }
    }
    for peer in &mut peers {
        for height in 0..H {
            if !peer.is_in || peer.votes[peer.view][height] != 0 {
                peer.bound[height] = 0;
            }
        }
    }
    let named = |is_swapped| {
        let mut words = peers.map(|peer| peer.pack(is_swapped));
        words.sort_unstable();
        words.iter().fold(0, |state, word| {
            assert!(*word < 1 << BITS, "a state fits");
            state << BITS | u128::from(*word)
        })
    };
    named(false).min(named(true))
}

pub(crate) fn unpack<const V: usize, const H: usize>(state: u128) -> Peers<V, H> {
    [2, 1, 0].map(|place| Peer::unpack((state >> (place * BITS)) as u64 & ((1 << BITS) - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_what_they_were_packed_from() {
        let mut one = Peer::<2, 2>::NEW;
        (one.view, one.is_in, one.bound) = (1, true, [2, 0]);
        one.votes = [[1, 1], [0, 0]];
        one.commits = [[true, false], [false, false]];
        let mut other = Peer::NEW;
        (other.view, other.is_in) = (1, false);
        other.asked[1] = Some(Held { low: 2, certificate: [2, 1] });
        let peers = [one, other, Peer::NEW];
        let mut found = unpack::<2, 2>(pack(&peers));
        // In another order and with other names of the blocks, perhaps.
        let same = pack(&found);
        found.rotate_left(1);
        assert_eq!((pack(&found), same), (pack(&peers), pack(&peers)));
        assert!(found.contains(&other) && found.contains(&Peer::NEW));
    }

    #[test]
    fn names_do_not_tell_states_apart_and_votes_do() {
        let voted = |first: [Value; 2]| {
            let mut peers = [Peer::<1, 1>::NEW; HONEST];
            (peers[0].votes[0][0], peers[1].votes[0][0]) = (first[0], first[1]);
            pack(&peers)
        };
        assert_eq!(voted([1, 0]), voted([0, 2]));
        assert_ne!(voted([1, 1]), voted([1, 2]));
    }
}
