//! Why a proof counts in a guard only as the tip, with all below it: a play of four validators and three heights, of whom R3
//! lies. Two heights are too few to see it.
//!
//! Who holds a proof of a later view for one height, and nothing below it, may complete a fast quorum of an old view, without ever having
//! signed what the block stands on. Its report then names that proof and leaves the heights below open, and selection
//! cannot go past them.

use crate::rule::{Setting, block};
use crate::tale::Tale;
use crate::world::{Asked, Violation, World, in_view};
use duochain::bft::{HeightReport, Report};
use duochain::types::{BlockHash, ValidatorIndex, View};

const LIAR: usize = 3;
const Q: BlockHash = block(0, 0);
const P: BlockHash = block(1, 0);
/// On P.
const X: BlockHash = block(2, 0);
/// On P, too.
const Y: BlockHash = block(2, 1);

struct Play<'a> {
    world: World<'a, 3>,
    tale: Tale,
}

impl<'a> Play<'a> {
    fn new(setting: &'a Setting) -> Self {
        let mut world = World::new(setting);
        world.begin(1 << LIAR);
        Self { world, tale: Tale::default() }
    }

    /// Whether all of `who` vote for all of `blocks`.
    fn vote(&mut self, who: &[usize], blocks: &[(usize, BlockHash)]) -> bool {
        let mut vote = |i: usize, (height, hash): (usize, BlockHash)| {
            self.world.prepare(i, height, hash, &mut self.tale)
        };
        who.iter().all(|i| blocks.iter().all(|of| vote(*i, *of)))
    }

    fn commit(&mut self, who: &[usize], blocks: &[(usize, BlockHash)]) {
        for (i, (height, hash)) in who.iter().flat_map(|i| blocks.iter().map(move |of| (*i, *of))) {
            let view = self.world.honest[i].view;
            self.world.certify(i, view, height, hash, &mut self.tale);
            assert!(self.world.commit(i, height, &mut self.tale), "{}", self.tale.0.join("\n"));
        }
    }

    /// `who` enter `view` by what `of` have reported for it, and by `lie`. What they are bound to.
    fn enter(
        &mut self,
        view: usize,
        of: [usize; 2],
        lie: [HeightReport; 3],
        who: &[usize],
    ) -> [Option<BlockHash>; 3] {
        let lie = Asked { low: 0, kept: lie };
        let told =
            [(of[0], self.world.asked[view][of[0]]), (of[1], self.world.asked[view][of[1]]), (LIAR, lie)];
        let reports: Vec<_> = told
            .iter()
            .map(|(i, asked)| Report {
                from: ValidatorIndex::new(*i as u16),
                low: asked.tip(),
                above: asked.above(),
            })
            .collect();
        let ruling = self.world.setting.choose(View::new(view as u64), &reports);
        who.iter().for_each(|i| self.world.enter(*i, view, &ruling, &mut self.tale));
        ruling.bound
    }

    fn ask(&mut self, view: usize, who: &[usize]) {
        who.iter().for_each(|i| self.world.ask(*i, view, &mut self.tale));
    }
}

const NOTHING: [HeightReport; 3] = [HeightReport { proven: None, certificate: None, vote: None }; 3];

/// View 0: R0 and R1 vote for Q, P and X, and leave. View 1: they commit to Q and P, which are final then. R2 has been in
/// view 0 all the time and keeps the proof of P for that height alone. Whether it votes for X there.
fn a_proof_comes_to_an_old_view(play: &mut Play<'_>) -> bool {
    assert!(play.vote(&[0, 1], &[(0, Q), (1, P), (2, X)]));
    play.ask(1, &[0, 1]);
    assert_eq!(play.enter(1, [0, 1], NOTHING, &[0, 1]), [Some(Q), Some(P), Some(X)]);
    assert!(play.vote(&[0, 1], &[(0, Q), (1, P)]));
    play.commit(&[0, 1], &[(0, Q), (1, P)]);
    assert_eq!((play.world.decided(0), play.world.decided(1)), (1, 1), "Q and P are final");
    play.world.learn_alone(2, 1, P, &mut play.tale);
    play.vote(&[2], &[(2, X)])
}

#[test]
fn a_proof_counts_as_the_tip_or_not_at_all() {
    let setting = Setting::new(&[1; 4], 0);
    let mut play = Play::new(&setting);
    assert!(!a_proof_comes_to_an_old_view(&mut play));
    // As its tip, it does; then the report of R2 begins there, and nobody is free below X.
    play.world.learn(2, 1, P, &mut play.tale);
    assert!(play.vote(&[2], &[(2, X)]), "X is final by the votes of all");
    play.ask(1, &[2]);
    assert_eq!(play.enter(1, [1, 2], NOTHING, &[2]), [None, None, Some(X)], "above P");
    assert_eq!(play.world.violation, None);
}

#[test]
fn with_proofs_that_have_gaps_two_blocks_are_final() {
    let setting = Setting::new(&[1; 4], 0).with_gaps();
    let mut play = Play::new(&setting);
    assert!(a_proof_comes_to_an_old_view(&mut play));
    assert_eq!(play.world.decided(2), 1, "X is final by the votes of all in view 0");
    // One of three names Q, so nothing binds R2 in view 1, and the leader shows it Y.
    play.ask(1, &[2]);
    assert_eq!(play.enter(1, [1, 2], NOTHING, &[2]), [None; 3]);
    assert!(play.vote(&[2], &[(2, Y)]));
    // Two of three name Y, in a later view than X.
    play.ask(2, &[0, 2]);
    let mut lie = NOTHING;
    lie[2].vote = Some(in_view(1, Y));
    let chain = [(0, Q), (1, P), (2, Y)];
    assert_eq!(play.enter(2, [0, 2], lie, &[0, 2]), chain.map(|(_, hash)| Some(hash)));
    assert!(play.vote(&[0, 2], &chain));
    play.commit(&[0, 2], &chain);
    assert_eq!(play.world.violation, Some(Violation::Two { height: 2 }), "{}", play.tale.0.join("\n"));
}
