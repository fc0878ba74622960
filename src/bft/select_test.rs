//! The rule of selection, sentence by sentence. Reports are written as text, see [`Words`].

use super::*;
use crate::bft::{HeightReport, check_reports};
use crate::types::ValidatorIndex;

/// Reports in words. One text for each validator, `-` for one that does not report; heights are separated by `|`. At a
/// height, `a0` is a vote for block `a` in view 0, `[a0]` a certificate, `!a` a proof, and nothing is nothing. A leading
/// `g:` or `a:` names the tip: genesis, which is usual, or block `a` of height 1.
struct Words {
    powers: Powers,
    window: usize,
    heights: Vec<(ValidatorIndex, Tip, Vec<HeightReport>)>,
}

fn block(name: char) -> BlockHash {
    BlockHash::new([name as u8; 32])
}

const GENESIS: char = 'g';

/// Blocks `a` to `f` stand on genesis, `m` to `r` on `a`, `s` to `z` on `m`; of others nothing is known.
fn parent_of(hash: BlockHash) -> Option<BlockHash> {
    match hash.as_bytes()[0] {
        b'a'..=b'f' => Some(block(GENESIS)),
        b'm'..=b'r' => Some(block('a')),
        b's'..=b'z' => Some(block('m')),
        _ => None,
    }
}

fn in_view(word: &str) -> InView {
    let (name, view) = word.split_at(1);
    let name = name.chars().next().expect("a letter");
    InView::new(View::new(view.parse().expect("a view")), block(name))
}

fn height(words: &str) -> HeightReport {
    let mut report = HeightReport::default();
    for word in words.split_whitespace() {
        if let Some(proven) = word.strip_prefix('!') {
            report.proven = proven.chars().next().map(block);
        } else if let Some(certificate) = word.strip_prefix('[') {
            report.certificate = Some(in_view(certificate.trim_end_matches(']')));
        } else {
            report.vote = Some(in_view(word));
        }
    }
    report
}

impl Words {
    fn new(powers: &[u64], slack: u128, texts: &[&str]) -> Self {
        let mut heights = Vec::new();
        for (text, place) in texts.iter().zip(0..).filter(|(text, _)| **text != "-") {
            let (tip, text) = text.split_once(':').unwrap_or(("g", text));
            let hash = block(tip.chars().next().expect("a letter"));
            let low = Tip { height: Height::new(u64::from(tip != "g")), hash };
            heights.push((ValidatorIndex::new(place), low, text.split('|').map(height).collect()));
        }
        let powers = Powers::new(powers.to_vec(), slack).expect("the slack fits");
        Self { powers, window: 3, heights }
    }

    fn reports(&self) -> Vec<Report<'_>> {
        self.heights.iter().map(|(from, low, above)| Report { from: *from, low: *low, above }).collect()
    }

    fn select(&self) -> Selection {
        let reports = self.reports();
        check_reports(&self.powers, View::new(9), self.window, &reports).expect("they begin a view");
        select(&self.powers, self.window, &reports, parent_of).expect("the headers are known")
    }
}

/// What four equal validators select at the first height.
fn first_of_four(texts: [&str; 4]) -> Option<(char, Reason)> {
    let selection = Words::new(&[1; 4], 0, &texts).select();
    selection.chosen().first().map(|chosen| (chosen.hash.as_bytes()[0] as char, chosen.reason))
}

const fn certified(view: u64) -> Reason {
    Reason::Certified(View::new(view))
}

const fn candidate_of(view: u64) -> Reason {
    Reason::Candidate(View::new(view))
}

#[test]
fn one_height_of_four_validators() {
    let table = [
        // Nothing is reported, or too little: free.
        (["", "", "", "-"], None),
        (["a0", "", "", "-"], None),
        (["a0", "b0", "c0", "-"], None),
        (["a0", "a0", "", ""], None),
        // Of three reports two make a candidate, of four three.
        (["a0", "a0", "b0", "-"], Some(('a', candidate_of(0)))),
        (["a0", "a0", "a0", "b0"], Some(('a', candidate_of(0)))),
        (["a0", "a0", "b0", "b0"], None),
        // The view of a candidate is the latest in which, or behind which, there are enough votes.
        (["a0", "a2", "b5", "-"], Some(('a', candidate_of(0)))),
        (["a3", "a2", "-", ""], Some(('a', candidate_of(2)))),
        (["a3", "a2", "a4", ""], Some(('a', candidate_of(2)))),
        (["a3", "a2", "a4", "-"], Some(('a', candidate_of(3)))),
        // A proof wins, whatever else is there.
        (["!b", "a3 [a3]", "a3", "a3"], Some(('b', Reason::Proven))),
        // One certificate is enough, and the latest counts.
        (["[a0]", "", "", "-"], Some(('a', certified(0)))),
        (["[a0]", "[b2]", "[a1]", "-"], Some(('b', certified(2)))),
        // Of a certificate and a candidate the later one, and the certificate in one view.
        (["[a0]", "b1", "b1", "-"], Some(('b', candidate_of(1)))),
        (["[a1]", "b1", "b1", "-"], Some(('a', certified(1)))),
        (["[a2]", "b1", "b1", "-"], Some(('a', certified(2)))),
        (["[a2]", "b1", "b3", "-"], Some(('a', certified(2)))),
        (["[a2]", "b3", "b3", "a2"], Some(('a', certified(2)))),
        (["[a2]", "b3", "b3", "b4"], Some(('b', candidate_of(3)))),
    ];
    for (reports, expected) in table {
        assert_eq!(first_of_four(reports), expected, "{reports:?}");
    }
}

#[test]
fn slack_lowers_what_a_candidate_needs_and_power_counts_instead_of_heads() {
    let first = |powers: &[u64], slack, texts: &[&str]| {
        let selection = Words::new(powers, slack, texts).select();
        selection.chosen().first().map(|chosen| (chosen.hash, chosen.reason))
    };
    // Of five reports with f = c = 1 three make a candidate.
    assert_eq!(first(&[1; 6], 1, &["a0", "a0", "", "", "", "-"]), None);
    let found = Some((block('a'), candidate_of(0)));
    assert_eq!(first(&[1; 6], 1, &["a0", "a0", "a0", "b0", "b0", "-"]), found);
    // f = 8 of 26: reports of 19 make a candidate of 11.
    let powers = [7, 5, 4, 3, 3, 2, 1, 1];
    assert_eq!(first(&powers, 0, &["a0", "-", "b0", "b0", "b0", "-", "a0", "a0"]), None);
    assert_eq!(first(&powers, 0, &["b0", "-", "a0", "a0", "a0", "a0", "-", "-"]), found);
    assert_eq!(first(&powers, 0, &["a0", "b0", "a0", "b0", "-", "-", "-", "-"]), found);
}

#[test]
fn the_highest_tip_is_the_base_and_its_hash_the_first_parent() {
    let selection = Words::new(&[1; 4], 0, &["|m1", "a:m1", "b1", "-"]).select();
    assert_eq!(selection.base(), Tip { height: Height::new(1), hash: block('a') });
    assert_eq!(selection.chosen(), [Chosen { hash: block('m'), reason: candidate_of(1) }]);
    assert_eq!((selection.at(Height::new(1)), selection.at(Height::new(2))), (None, Some(block('m'))));
    assert_eq!((selection.at(Height::new(3)), selection.stop()), (None, Stop::Free));
    // Two votes are not of the height above the tip.
    assert_eq!(Words::new(&[1; 4], 0, &["m1", "a:", "m1", "-"]).select().chosen(), []);
}

#[test]
fn heights_are_chosen_on_top_of_each_other_until_one_is_free() {
    let selection = Words::new(&[1; 4], 0, &["[a0]|m1|s1", "a0|m1|", "|[m0]|s2", "-"]).select();
    let reasons: Vec<_> = selection.chosen().iter().map(|chosen| chosen.reason).collect();
    assert_eq!(reasons, [certified(0), candidate_of(1), candidate_of(1)]);
    assert_eq!(selection.stop(), Stop::Full);
    let gap = Words::new(&[1; 4], 0, &["||[s1]", "[a0]", "", "-"]).select();
    assert_eq!((gap.chosen().len(), gap.stop()), (1, Stop::Free));
}

#[test]
fn a_block_on_another_parent_stops_the_selection() {
    let on_another = Words::new(&[1; 4], 0, &["[b1]|[m0]", "|m0", "", "-"]).select();
    assert_eq!((on_another.chosen().len(), on_another.stop()), (1, Stop::Orphan(block('m'))));
    let at_the_base = Words::new(&[1; 4], 0, &["[m1]", "", "", "-"]).select();
    assert_eq!((at_the_base.chosen().len(), at_the_base.stop()), (0, Stop::Orphan(block('m'))));
    // Also one with a proof, which only more than the faulty could have made.
    let proven = Words::new(&[1; 4], 0, &["[b1]|!m", "", "", "-"]).select();
    assert_eq!(proven.stop(), Stop::Orphan(block('m')));
}

#[test]
fn the_window_bounds_the_selection() {
    let mut words = Words::new(&[1; 4], 0, &["[a0]|[m0]|[s0]", "", "", "-"]);
    for (window, count) in [(0, 0), (1, 1), (2, 2), (3, 3)] {
        let reports = words.reports();
        let selection = select(&words.powers, window, &reports, parent_of).expect("known");
        assert_eq!((selection.chosen().len(), selection.stop()), (count, Stop::Full));
    }
    words.window = usize::MAX;
    assert_eq!((words.select().chosen().len(), words.select().stop()), (3, Stop::Free));
    let (height, chain) = (Height::new(1), block('a'));
    let above =
        [HeightReport { certificate: Some(InView::new(View::ORIGIN, chain)), ..Default::default() }; 20];
    let report =
        |from| Report { from: ValidatorIndex::new(from), low: Tip { height, hash: chain }, above: &above };
    let endless = select(&words.powers, 20, &[0, 1, 2].map(report), |_| Some(chain)).expect("known");
    assert_eq!((endless.chosen().len(), endless.stop()), (WINDOW_MAX, Stop::Full));
}

#[test]
fn a_header_that_is_not_here_is_named_only_where_it_matters() {
    let of = |texts: &[&str]| {
        let words = Words::new(&[1; 4], 0, texts);
        select(&words.powers, 3, &words.reports(), parent_of).map(|selection| selection.chosen().len())
    };
    assert_eq!(of(&["[a0]|[?0]", "", "", "-"]), Err(UnknownParent(block('?'))));
    assert_eq!(of(&["?0 [a0]", "", "", "-"]), Ok(1));
    assert_eq!(of(&["|[?0]", "", "", "-"]), Ok(0));
    assert_eq!(of(&["[b0]|[m0]|[?0]", "", "", "-"]), Ok(1));
}

#[test]
fn contradictions_have_one_answer_in_any_order() {
    let texts = ["b:!p [m1] m0", "a:!q [n1] n0|x1", "a:!r|t1", "!f [e1] d0|z1"];
    let words = Words::new(&[1; 4], 0, &texts);
    let mut reports = words.reports();
    let first = select(&words.powers, 3, &reports, parent_of);
    assert_eq!(first.expect("known").base().hash, block('a'));
    assert_eq!(first.expect("known").at(Height::new(2)), Some(block('p')));
    for turn in 0..24 {
        reports.swap(turn % 4, (turn / 4 + 1 + turn) % 4);
        assert_eq!(select(&words.powers, 3, &reports, parent_of), first);
    }
    let of = |texts: [&str; 4]| first_of_four(texts).map(|(name, _)| name);
    assert_eq!(of(["[b1]", "[a1]", "", "-"]), of(["[a1]", "", "[b1]", "-"]));
}

/// Numbers that look random, the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn vote(&mut self) -> Option<InView> {
        let names = ['a', 'b', 'm', 'n', 's', 't'];
        let name = names[self.below(6) as usize];
        let view = [0, 1, 2, u64::MAX][self.below(4) as usize];
        (self.below(3) > 0).then(|| InView::new(View::new(view), block(name)))
    }
}

#[test]
fn any_reports_have_one_selection() {
    let mut dice = Dice(1);
    for _ in 0..20_000 {
        let powers: Vec<u64> = (0..4).map(|_| [0, 1, 3, u64::MAX][dice.below(4) as usize]).collect();
        let Ok(powers) = Powers::new(powers, u128::from(dice.below(2))) else { continue };
        // Strangers, twins, heights at the end of their range, too few, too long: nothing is checked.
        let heights: Vec<_> = (0..dice.below(6))
            .map(|_| {
                let low = [0, 1, u64::MAX - 1, u64::MAX][dice.below(4) as usize];
                let hash = [block('g'), block('a')][dice.below(2) as usize];
                let above: Vec<_> = (0..dice.below(5))
                    .map(|_| HeightReport {
                        proven: dice.vote().filter(|_| dice.below(4) == 0).map(|vote| vote.hash),
                        certificate: dice.vote(),
                        vote: dice.vote(),
                    })
                    .collect();
                (ValidatorIndex::new(dice.below(6) as u16), Tip { height: Height::new(low), hash }, above)
            })
            .collect();
        let mut reports: Vec<_> =
            heights.iter().map(|(from, low, above)| Report { from: *from, low: *low, above }).collect();
        let selection = select(&powers, 4, &reports, parent_of).expect("all headers are known");
        assert!(selection.chosen().len() <= 4);
        let mut parent = selection.base().hash;
        for chosen in selection.chosen() {
            assert_eq!(parent_of(chosen.hash), Some(parent), "each on the one below");
            parent = chosen.hash;
        }
        reports.reverse();
        assert_eq!(select(&powers, 4, &reports, parent_of), Ok(selection));
    }
}
