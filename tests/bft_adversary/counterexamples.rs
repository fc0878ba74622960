//! What goes wrong without a prepare phase, or with a view change that is less careful: plays of four validators, of
//! whom R3 lies, in which a naive rule decides two blocks; and the same steps under the rule of the library.

use crate::rule::{Choice, Setting, block, number_of};
use crate::tale::Tale;
use crate::world::{Asked, Violation, World, in_view};
use duochain::bft::{HeightReport, Report};
use duochain::types::{ValidatorIndex, View};

const X: usize = 0;
const Y: usize = 1;
const LIAR: usize = 3;

/// A world whose steps are written down instead of drawn.
struct Play<'a> {
    world: World<'a, 1>,
    tale: Tale,
}

impl<'a> Play<'a> {
    fn new(setting: &'a Setting) -> Self {
        let mut world = World::new(setting);
        world.begin(1 << LIAR);
        Self { world, tale: Tale::default() }
    }

    /// Each of `who` votes in its view, and the liar does too.
    fn vote(&mut self, who: &[usize], number: usize) {
        for i in who {
            assert!(
                self.world.prepare(*i, 0, block(0, number), &mut self.tale),
                "{}",
                self.tale.0.join("\n")
            );
        }
    }

    /// Each of `who` is shown the certificate of its view; the liar has made it with its own vote.
    fn certificate(&mut self, who: &[usize], number: usize) {
        for i in who {
            let view = self.world.honest[*i].view;
            assert!(self.world.has_certificate(view, 0, number));
            self.world.certify(*i, view, 0, block(0, number), &mut self.tale);
        }
    }

    fn commit(&mut self, who: &[usize], number: usize) {
        self.certificate(who, number);
        who.iter().for_each(|i| assert!(self.world.commit(*i, 0, &mut self.tale)));
    }

    /// `of` ask for `view`, the liar adds `lie`, and `who` enter. What they are bound to.
    fn view(&mut self, view: usize, of: &[usize], lie: HeightReport, who: &[usize]) -> Option<usize> {
        for i in of {
            self.world.ask(*i, view, &mut self.tale);
        }
        let lie = Asked { low: 0, kept: [lie] };
        let told: Vec<_> = of.iter().map(|i| (*i, self.world.asked[view][*i])).chain([(LIAR, lie)]).collect();
        let report = |(i, asked): &'_ (usize, Asked<1>)| (ValidatorIndex::new(*i as u16), *asked);
        let told: Vec<_> = told.iter().map(report).collect();
        let reports: Vec<_> = told
            .iter()
            .map(|(from, asked)| Report { from: *from, low: asked.tip(), above: asked.above() })
            .collect();
        let ruling = self.world.setting.choose(View::new(view as u64), &reports);
        who.iter().for_each(|i| self.world.enter(*i, view, &ruling, &mut self.tale));
        ruling.bound[0].map(number_of)
    }

    fn is_final(&self, number: usize) -> bool {
        self.world.decided(0) >> number & 1 == 1
    }
}

fn four() -> Setting {
    Setting::new(&[1; 4], 0)
}

/// Two thirds and one are final: what the naive rules have in common.
fn naive(choice: Choice) -> Setting {
    four().fast_at(3).choosing(choice)
}

const TWO: Option<Violation> = Some(Violation::Two { height: 0 });

fn nothing() -> HeightReport {
    HeightReport::default()
}

fn voted(view: usize, number: usize) -> HeightReport {
    HeightReport { vote: Some(in_view(view, block(0, number))), ..nothing() }
}

/// R0 proposes X; R0, R1 and R3 vote for it, and R0 alone sees that. R3 denies its vote.
fn a<'a>(setting: &'a Setting) -> Play<'a> {
    let mut play = Play::new(setting);
    play.vote(&[0, 1], X);
    assert_eq!(play.view(1, &[1, 2], nothing(), &[1, 2]), None, "the leader of view 1 is free");
    play.vote(&[1, 2], Y);
    play
}

#[test]
fn counterexample_a_certificates_only() {
    assert_eq!(a(&naive(Choice::CertificatesOnly)).world.violation, TWO);
    // Three of four are a certificate and no more, so only Y can become final.
    let setting = four();
    let mut play = a(&setting);
    assert!(!play.is_final(X) && !play.is_final(Y));
    play.commit(&[1, 2], Y);
    assert!(play.is_final(Y) && play.world.violation.is_none());
}

#[test]
fn what_all_voted_for_cannot_be_denied() {
    let setting = four();
    let mut play = Play::new(&setting);
    play.vote(&[0, 1, 2], X);
    assert!(play.is_final(X));
    assert_eq!(play.view(1, &[1, 2], nothing(), &[1, 2]), Some(X));
}

/// R3 leads and shows X to R0 and R1, Y to R2. Then it says that it voted for Y.
fn b<'a>(setting: &'a Setting) -> Play<'a> {
    let mut play = Play::new(setting);
    play.vote(&[0, 1], X);
    play.vote(&[2], Y);
    assert_eq!(play.view(1, &[1, 2], voted(0, Y), &[1, 2]), Some(Y), "two for Y, one for X");
    play.vote(&[1, 2], Y);
    play
}

#[test]
fn counterexample_b_plurality_of_votes() {
    assert_eq!(b(&naive(Choice::Plurality)).world.violation, TWO);
    // The same choice harms nobody where X is not final.
    assert_eq!(b(&four()).world.violation, None);
}

#[test]
fn what_was_committed_to_outweighs_a_candidate_of_the_same_view() {
    let play = |setting: &Setting| {
        let mut play = Play::new(setting);
        play.vote(&[0, 1], X);
        play.vote(&[2], Y);
        play.commit(&[0, 1], X);
        assert!(play.is_final(X));
        play.view(1, &[1, 2], voted(0, Y), &[1, 2])
    };
    assert_eq!(play(&four()), Some(X));
    assert_eq!(play(&four().choosing(Choice::CandidateInTies)), Some(Y));
}

/// View 0 leaves a certificate for Y with R1. View 1 begins without R1; all vote for X, which is final where only all are
/// a fast quorum, too. View 2 begins with R1, and R3 shows what it likes.
fn c<'a>(setting: &'a Setting) -> (Play<'a>, Option<usize>) {
    let mut play = Play::new(setting);
    play.vote(&[0, 1], Y);
    play.certificate(&[1], Y);
    assert_eq!(play.view(1, &[0, 2], nothing(), &[0, 1, 2]), None, "the leader of view 1 is free");
    play.vote(&[0, 1, 2], X);
    assert!(play.is_final(X));
    let bound = play.view(2, &[1, 2], voted(0, Y), &[1, 2]);
    (play, bound)
}

#[test]
fn counterexample_c_certificates_first() {
    let zyzzyva = four().choosing(Choice::CertificateFirst);
    let (mut play, bound) = c(&zyzzyva);
    assert_eq!(bound, Some(Y), "the certificate of view 0 beats the votes of view 1");
    play.vote(&[1, 2], Y);
    play.commit(&[1, 2], Y);
    assert_eq!(play.world.violation, TWO);
    // Views decide.
    assert_eq!(c(&four()).1, Some(X));
}

#[test]
fn votes_first_is_no_better_than_certificates_first() {
    let play = |setting: &Setting| {
        let mut play = Play::new(setting);
        play.vote(&[0, 1], X);
        play.vote(&[2], Y);
        assert_eq!(play.view(1, &[0, 1], voted(0, X), &[0, 1]), Some(X));
        play.vote(&[0, 1], X);
        play.commit(&[0, 1], X);
        assert!(play.is_final(X), "by commits of view 1");
        // R1 holds the certificate of view 1; R2 was never there, and R3 says that neither was it.
        play.view(2, &[1, 2], voted(0, Y), &[1, 2])
    };
    assert_eq!(play(&four().choosing(Choice::VotesFirst)), Some(Y));
    assert_eq!(play(&four()), Some(X));
}
