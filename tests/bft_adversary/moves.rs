//! What can be done next in a small world.

use crate::dice::{Mask, members};
use crate::peer::{HONEST, Held, Peer, Peers, Value, hash};
use crate::rule::{Setting, number_of, parent_of};
use crate::world::in_view;
use duochain::bft::invariants::{Below, safe_to_commit, safe_to_prepare, safe_to_sign};
use duochain::bft::{HeightReport, Report, Tip};
use duochain::types::{BlockHash, Height, ValidatorIndex, View};
use std::collections::HashMap;

const LIAR: Mask = 1 << HONEST;

/// A state's certificates, by view and height, and proofs, by height.
#[derive(Clone, Copy, Debug)]
struct Shown<const V: usize, const H: usize> {
    /// The block with a certificate.
    certified: [[Value; H]; V],
    /// Blocks that are final: bit 0 for block 1.
    decided: [u8; H],
}

/// The rule of the world, and what it made of view changes so far.
pub(crate) struct Moves<'a, const V: usize, const H: usize> {
    setting: &'a Setting,
    /// What a view can begin with, by what is known of the views before.
    rulings: HashMap<u128, Vec<[Value; H]>>,
}

impl<'a, const V: usize, const H: usize> Moves<'a, V, H> {
    pub(crate) fn new(setting: &'a Setting) -> Self {
        const { assert!(V < 4, "the view of a certificate has two bits") };
        Self { setting, rulings: HashMap::new() }
    }

    /// Two blocks of a height could be shown to be final, or one whose parent is another block than one that could.
    pub(crate) fn is_broken(&self, peers: &Peers<V, H>) -> bool {
        let shown = self.shown(peers);
        let decided = &shown.decided;
        let is_torn = H > 1 && decided[1] != 0 && decided[0] != 0 && decided[1] & decided[0] == 0;
        decided.contains(&3) || is_torn
    }

    fn shown(&self, peers: &Peers<V, H>) -> Shown<V, H> {
        let mut shown = Shown { certified: [[0; H]; V], decided: [0; H] };
        for (view, height) in (0..V).flat_map(|view| (0..H).map(move |height| (view, height))) {
            let with_liar = |who: &dyn Fn(&Peer<V, H>) -> bool| {
                let honest = (0..HONEST).filter(|i| who(&peers[*i])).fold(0, |mask, i| mask | 1 << i);
                if honest == 0 { 0 } else { self.setting.weight(honest | LIAR) }
            };
            let quorums = &self.setting.quorums;
            for value in [2, 1] {
                let prepares = with_liar(&|peer| peer.votes[view][height] == value);
                if prepares >= quorums.slow {
                    shown.certified[view][height] = value;
                }
                shown.decided[height] |= if prepares >= quorums.fast { value } else { 0 };
            }
            if with_liar(&|peer| peer.commits[view][height]) >= quorums.slow {
                shown.decided[height] |= shown.certified[view][height];
            }
        }
        shown
    }

    /// Everything that one of the honest could do next.
    pub(crate) fn steps(&mut self, peers: &Peers<V, H>) -> Vec<(usize, Peer<V, H>)> {
        let shown = self.shown(peers);
        let (mut steps, mut next) = (Vec::new(), Vec::new());
        for (i, peer) in peers.iter().enumerate() {
            if peers[..i].contains(peer) {
                continue;
            }
            (0..H).for_each(|height| self.sign(peer, &shown, height, &mut next));
            for view in 1..V {
                if view > peer.view {
                    self.ask(peer, &shown, view, &mut next);
                }
                if peer.can_enter(view) {
                    let rulings = self.rulings(peers, &shown, view);
                    let enter = |bound: [Value; H]| Peer { view, is_in: true, bound, ..*peer };
                    next.extend(rulings.into_iter().map(enter));
                }
            }
            steps.extend(next.drain(..).map(|next| (i, next)));
        }
        steps
    }

    /// Votes and commits of `peer` in its view.
    fn sign(&self, peer: &Peer<V, H>, shown: &Shown<V, H>, height: usize, next: &mut Vec<Peer<V, H>>) {
        let view = peer.view;
        let below = |proven: Option<Value>| match height.checked_sub(1) {
            None => Below { proven: Some(BlockHash::ZERO), prepared: None, committed: None },
            Some(below) => Below {
                proven: proven.map(|value| hash(below, value)),
                prepared: peer.voted(V, below).map(|(view, value)| in_view(view, hash(below, value))),
                committed: peer
                    .committed(below)
                    .map(|view| in_view(view, hash(below, shown.certified[view][below]))),
            },
        };
        let is_safe = |guard: &dyn Fn(&Below) -> bool| {
            let proofs = (1..=2).filter(|value| height > 0 && shown.decided[height - 1] & value != 0);
            std::iter::once(None).chain(proofs.map(Some)).any(|proven| guard(&below(proven)))
        };
        for value in 1..=2 {
            let vote = in_view(view, hash(height, value));
            let last = peer.voted(V, height).map(|(view, value)| in_view(view, hash(height, value)));
            let is_bound_to_it = peer.bound[height] == 0 || peer.bound[height] == value;
            if peer.is_in
                && is_bound_to_it
                && last != Some(vote)
                && safe_to_sign(vote, last, View::new(view as u64))
                && (!self.setting.has_guard_p
                    || is_safe(&|below| safe_to_prepare(vote.view, parent_of(vote.hash), below)))
            {
                let mut voted = *peer;
                voted.votes[view][height] = value;
                next.push(voted);
            }
        }
        let certified = shown.certified[view][height];
        if certified != 0 && !peer.commits[view][height] {
            let vote = in_view(view, hash(height, certified));
            if !self.setting.has_guard_c
                || is_safe(&|below| safe_to_commit(vote.view, parent_of(vote.hash), below))
            {
                let mut committed = *peer;
                committed.commits[view][height] = true;
                next.push(committed);
            }
        }
    }

    /// View changes of `peer` for `view`, with any certificates and proofs that it may have been shown.
    fn ask(&self, peer: &Peer<V, H>, shown: &Shown<V, H>, view: usize, next: &mut Vec<Peer<V, H>>) {
        let is_known = |low: &u8| (0..usize::from(*low)).all(|height| shown.decided[height] != 0);
        for low in (0..=H as u8).filter(is_known) {
            let mut told = vec![Held { low, certificate: [0; H] }];
            for height in usize::from(low)..H {
                let least = peer.committed(height);
                let may_hold = |view: &usize| {
                    shown.certified[*view][height] != 0 && least.is_none_or(|least| *view >= least)
                };
                let mut held: Vec<u8> = (0..V).filter(may_hold).map(|view| view as u8 + 1).collect();
                held.extend(least.is_none().then_some(0));
                let with = |told: &Held<H>, view: u8| {
                    let mut told = *told;
                    told.certificate[height] = view;
                    told
                };
                told = told.iter().flat_map(|told| held.iter().map(|view| with(told, *view))).collect();
            }
            for held in told {
                let mut asked = Peer { view, is_in: false, bound: [0; H], ..*peer };
                asked.asked[view] = Some(held);
                next.push(asked);
            }
        }
    }

    /// All that a NEW-VIEW for `view` can bind a validator to: over all sets of view changes, with all lies.
    fn rulings(&mut self, peers: &Peers<V, H>, shown: &Shown<V, H>, view: usize) -> Vec<[Value; H]> {
        let askers = (0..HONEST).filter(|i| peers[*i].asked[view].is_some()).fold(0, |mask, i| mask | 1 << i);
        if self.setting.weight(askers | LIAR) < self.setting.quorums.view_change {
            return Vec::new();
        }
        let tip = |low: u8| {
            let last =
                usize::from(low).checked_sub(1).map(|height| hash(height, first(shown.decided[height])));
            Tip { height: Height::new(low.into()), hash: last.unwrap_or(BlockHash::ZERO) }
        };
        let certificate = |view: usize, height| in_view(view, hash(height, shown.certified[view][height]));
        let report = |peer: &Peer<V, H>| {
            let held = peer.asked[view].unwrap_or(Held { low: 0, certificate: [0; H] });
            let above: [HeightReport; H] = std::array::from_fn(|height| HeightReport {
                proven: None,
                certificate: held.certificate[height]
                    .checked_sub(1)
                    .map(|view| certificate(view.into(), height)),
                vote: peer.voted(view, height).map(|(view, value)| in_view(view, hash(height, value))),
            });
            (held.low, above)
        };
        let told = [0, 1, 2].map(|i| report(&peers[i]));
        let key = self.key(peers, shown, view, askers);
        if let Some(found) = self.rulings.get(&key) {
            return found.clone();
        }
        let lies = self.lies(shown, view);
        let mut found = Vec::new();
        for group in 0..2 * LIAR {
            let weight = self.setting.weight(group);
            if group & !(askers | LIAR) != 0 || weight < self.setting.quorums.view_change {
                continue;
            }
            let lies = if group & LIAR == 0 { &lies[..1] } else { &lies[..] };
            for lie in lies {
                let from = |i: usize| ValidatorIndex::new(i as u16);
                let shown: Vec<_> = members(group)
                    .map(|i| (i, told.get(i).unwrap_or(lie)))
                    .map(|(i, (low, above))| Report {
                        from: from(i),
                        low: tip(*low),
                        above: &above[usize::from(*low)..],
                    })
                    .collect();
                let ruling = self.setting.choose::<H>(View::new(view as u64), &shown);
                let mut bound = ruling.bound.map(|hash| hash.map_or(0, value_of));
                let mut known = (ruling.known > 0).then_some(ruling.tip);
                for height in (0..ruling.known).rev() {
                    bound[height] = known.map_or(0, value_of);
                    known = known.map(parent_of);
                }
                if !found.contains(&bound) {
                    found.push(bound);
                }
            }
        }
        self.rulings.insert(key, found.clone());
        found
    }

    /// All that rulings for `view` depend on.
    fn key(&self, peers: &Peers<V, H>, shown: &Shown<V, H>, view: usize, askers: Mask) -> u128 {
        let mut key = view as u128;
        let mut put = |value: usize| key = key << 2 | value as u128;
        for height in 0..H {
            (0..V).for_each(|view| put(shown.certified[view][height].into()));
            put(shown.decided[height].into());
        }
        for peer in peers {
            let Some(held) = peer.asked[view] else { continue };
            put(held.low.into());
            for height in 0..H {
                let (view, value) = peer.voted(view, height).unwrap_or((0, 0));
                [held.certificate[height].into(), view, value.into()].into_iter().for_each(&mut put);
            }
        }
        key << 3 | u128::from(askers)
    }

    /// What the liar may report for `view`: any votes, certificates and proofs that exist.
    fn lies(&self, shown: &Shown<V, H>, view: usize) -> Vec<(u8, [HeightReport; H])> {
        let mut lies = vec![(0, [HeightReport::default(); H])];
        for height in 0..H {
            let values = |decided: u8| {
                (1..=2).filter(move |value| decided & value != 0).map(move |value| hash(height, value))
            };
            let votes = (0..view).flat_map(|view| values(3).map(move |hash| in_view(view, hash)));
            let votes: Vec<_> = std::iter::once(None).chain(votes.map(Some)).collect();
            let views = (0..V).filter(|view| shown.certified[*view][height] != 0);
            let certificates = views.map(|view| in_view(view, hash(height, shown.certified[view][height])));
            let certificates: Vec<_> = std::iter::once(None).chain(certificates.map(Some)).collect();
            let proofs: Vec<_> =
                std::iter::once(None).chain(values(shown.decided[height]).map(Some)).collect();
            let mut longer = Vec::new();
            for ((low, above), vote, certificate, proven) in product(&lies, &votes, &certificates, &proofs) {
                let mut above = above;
                above[height] = HeightReport { proven, certificate, vote };
                longer.push((low, above));
                if proven.is_some() && usize::from(low) == height {
                    longer.push((low + 1, above));
                }
            }
            lies = longer;
        }
        lies
    }
}

fn product<A: Copy, B: Copy, C: Copy, D: Copy>(a: &[A], b: &[B], c: &[C], d: &[D]) -> Vec<(A, B, C, D)> {
    let of =
        |a: A| b.iter().flat_map(move |b| c.iter().flat_map(move |c| d.iter().map(move |d| (a, *b, *c, *d))));
    a.iter().flat_map(|a| of(*a)).collect()
}

/// The lower of the blocks in `decided`.
fn first(decided: u8) -> Value {
    if decided & 1 == 1 { 1 } else { 2 }
}

fn value_of(hash: BlockHash) -> Value {
    let number = number_of(hash) as u8;
    if parent_of(hash) == BlockHash::ZERO { number + 1 } else { number / 2 + 1 }
}
