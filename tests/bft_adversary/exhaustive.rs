//! Every state of a small world, and so every schedule of it.
//!
//! # Model
//! Four validators of equal power, of whom the last one lies and coordinates and leads each view; two blocks at each
//! height. A state is what the three honest ones signed and reported; a step is a vote, a commit, a view change, or a
//! NEW-VIEW of any that the library's selection makes of view changes which could exist, with any lies. A certificate or
//! proof that exists may be shown to anybody at each step, or not: nobody remembers one but what it committed to, which
//! is more than a real network can do.
//!
//! # Limits
//! As many views as `V`, and `H` heights of one child for each block. 28 to 36 bytes for each state.

use crate::moves::Moves;
use crate::peer::{HONEST, Peer, Peers, Value, hash, pack, unpack};
use crate::rule::Setting;
use crate::tale::name;

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// No state is missing, and none breaks agreement.
    Complete { states: usize },
    /// The states up to one that breaks agreement, in words.
    Broken { states: usize, path: Vec<String> },
}

pub(crate) struct Search<'a, const V: usize, const H: usize> {
    moves: Moves<'a, V, H>,
    states: Vec<u128>,
    /// From which state each was reached first.
    before: Vec<u32>,
    /// Places of states, by hash.
    table: Vec<u32>,
}

const FREE: u32 = u32::MAX;

impl<'a, const V: usize, const H: usize> Search<'a, V, H> {
    pub(crate) fn new(setting: &'a Setting) -> Self {
        let (states, before, table) = (Vec::new(), Vec::new(), vec![FREE; 1 << 16]);
        Self { moves: Moves::new(setting), states, before, table }
    }

    /// Breadth first, so the path to a broken state is a shortest one.
    pub(crate) fn run(mut self) -> Outcome {
        self.reach(&[Peer::NEW; HONEST], 0);
        let mut next = 0;
        while let Some(state) = self.states.get(next) {
            let peers = unpack(*state);
            if self.moves.is_broken(&peers) {
                return Outcome::Broken { states: self.states.len(), path: self.path(next) };
            }
            for (i, after) in self.moves.steps(&peers) {
                let mut peers = peers;
                peers[i] = after;
                self.reach(&peers, next as u32);
            }
            next += 1;
        }
        Outcome::Complete { states: self.states.len() }
    }

    /// The steps from the beginning to the state `end`, in words: played again, as packed states have lost their names.
    fn path(&mut self, end: usize) -> Vec<String> {
        let mut states = vec![end];
        while let Some(at) = states.last().copied().filter(|at| *at > 0) {
            states.push(self.before[at] as usize);
        }
        let mut peers = [Peer::NEW; HONEST];
        let mut path = Vec::new();
        for state in states.iter().rev().skip(1) {
            let after = |(i, after): (usize, Peer<V, H>)| {
                let mut peers = peers;
                peers[i] = after;
                (i, peers)
            };
            let wanted = self.states[*state];
            let is_it = |(_, peers): &(usize, Peers<V, H>)| pack(peers) == wanted;
            let steps = self.moves.steps(&peers);
            let (i, after) = steps.into_iter().map(after).find(is_it).expect("it was reached from there");
            path.push(format!("R{i} {}", step(&peers[i], &after[i])));
            peers = after;
        }
        path
    }

    fn reach(&mut self, peers: &Peers<V, H>, from: u32) {
        let state = pack(peers);
        if let Err(place) = self.find(state) {
            self.table[place] = self.states.len() as u32;
            self.states.push(state);
            self.before.push(from);
            if self.states.len() * 2 > self.table.len() {
                self.table = vec![FREE; self.table.len() * 2];
                for number in 0..self.states.len() {
                    let place = self.find(self.states[number]).expect_err("each is there once");
                    self.table[place] = number as u32;
                }
            }
        }
    }

    /// Where in the table it belongs, if it is new.
    fn find(&self, state: u128) -> Result<(), usize> {
        let folded = (state as u64 ^ (state >> 64) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut place = ((folded ^ (folded >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 20) as usize;
        loop {
            place &= self.table.len() - 1;
            match self.table[place] {
                FREE => return Err(place),
                number if self.states[number as usize] == state => return Ok(()),
                _ => place += 1,
            }
        }
    }
}

/// What changed, in words.
fn step<const V: usize, const H: usize>(before: &Peer<V, H>, after: &Peer<V, H>) -> String {
    let view = after.view;
    let named =
        |height: usize, value: Value| if value == 0 { "any".to_owned() } else { name(hash(height, value)) };
    let all = |values: &[Value; H]| {
        let names: Vec<_> = values.iter().zip(0..).map(|(value, height)| named(height, *value)).collect();
        names.join(" | ")
    };
    if let Some(held) = after.asked[view].filter(|_| before.asked[view].is_none()) {
        let of = |held: &u8| held.checked_sub(1).map_or("none".to_owned(), |view| format!("view {view}"));
        let certificates: Vec<_> = held.certificate.iter().map(of).collect();
        let certificates = certificates.join(" | ");
        return format!("asks for view {view}: {} heights final, certificates of {certificates}", held.low);
    }
    if (before.view, before.is_in) != (view, after.is_in) {
        return format!("enters view {view}, bound to {}", all(&after.bound));
    }
    for height in 0..H {
        let value = after.votes[view][height];
        if before.votes[view][height] != value {
            return format!("votes for {} at height {} in view {view}", named(height, value), height + 1);
        }
        if before.commits[view][height] != after.commits[view][height] {
            return format!("commits at height {} in view {view}", height + 1);
        }
    }
    "does nothing".to_owned()
}
