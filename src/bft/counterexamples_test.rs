//! What goes wrong without a prepare phase: three ways to finality after one round of votes, each with the four
//! validators, one of whom lies, that decide two blocks by it; and why they do not here.
//!
//! In each, R3 lies, and X is final first. A naive rule has the view changes that a real schedule allows choose Y.

use super::invariants::{Path, finality, is_certificate};
use super::{HeightReport, InView, Powers, Reason, Report, Tip, check_reports, select};
use crate::types::{BlockHash, ValidatorIndex, View};

const X: BlockHash = BlockHash::new([b'x'; 32]);
const Y: BlockHash = BlockHash::new([b'y'; 32]);
/// Two thirds and one: what the naive rules take for final.
const NAIVE_QUORUM: usize = 3;

fn four() -> Powers {
    Powers::new(vec![1; 4], 0).expect("they have power")
}

fn nothing() -> HeightReport {
    HeightReport::default()
}

fn voted(view: u64, hash: BlockHash) -> HeightReport {
    HeightReport { vote: Some(InView::new(View::new(view), hash)), ..nothing() }
}

fn with_certificate(view: u64, hash: BlockHash, report: HeightReport) -> HeightReport {
    HeightReport { certificate: Some(InView::new(View::new(view), hash)), ..report }
}

/// What the rule of this library chooses for `view`, and why; `None` where the leader is free.
fn ours(view: u64, of: &[(u16, HeightReport)]) -> Option<(BlockHash, Reason)> {
    let low = Tip::default();
    let report = |(from, above): &'_ (u16, HeightReport)| (ValidatorIndex::new(*from), [*above]);
    let above: Vec<_> = of.iter().map(report).collect();
    let reports: Vec<_> = above.iter().map(|(from, above)| Report { from: *from, low, above }).collect();
    check_reports(&four(), View::new(view), 1, &reports).expect("they begin a view");
    let selection = select(&four(), 1, &reports, |_| Some(low.hash)).expect("headers are known");
    selection.chosen().first().map(|chosen| (chosen.hash, chosen.reason))
}

/// Naive: the certificate of the latest view that anybody shows, else the leader is free.
fn by_certificates_only(of: &[(u16, HeightReport)]) -> Option<BlockHash> {
    let certificates = of.iter().filter_map(|(_, report)| report.certificate);
    certificates.max_by_key(|certificate| certificate.view).map(|certificate| certificate.hash)
}

/// Naive: the block that at least two, so an honest one, say they voted for; of two such blocks the one with more.
fn by_plurality(of: &[(u16, HeightReport)]) -> Option<BlockHash> {
    let count =
        |hash| of.iter().filter(|(_, report)| report.vote.is_some_and(|vote| vote.hash == hash)).count();
    [X, Y].into_iter().filter(|hash| count(*hash) >= 2).max_by_key(|hash| count(*hash))
}

/// Naive, as Zyzzyva: a certificate if there is one, of whatever view, and only then the votes.
fn by_certificates_first(of: &[(u16, HeightReport)]) -> Option<BlockHash> {
    by_certificates_only(of).or_else(|| by_plurality(of))
}

#[test]
fn counterexample_a_certificates_only() {
    // View 0, honest leader R0: R0, R1 and R3 vote for X, R3 tells R0 alone. R0 takes X for final and is cut off.
    let (votes_for_x, seen_by_r1) = (3, 2);
    assert!(votes_for_x >= NAIVE_QUORUM && seen_by_r1 < NAIVE_QUORUM, "R0 decides X, R1 has no certificate");
    // View 1, honest leader R1: R3 denies its vote.
    let reports = [(1, voted(0, X)), (2, nothing()), (3, nothing())];
    assert_eq!(by_certificates_only(&reports), None, "free: R1 proposes Y");
    let votes_for_y = [1, 2, 3].len();
    assert!(votes_for_y >= NAIVE_QUORUM, "and R1, R2 and R3 decide Y");

    // Here three votes are a certificate, and X is not final.
    assert!(is_certificate(four().thresholds(), 3));
    assert_eq!(finality(four().thresholds(), 3, 0), None);
    // With the vote of R2 it is; then the view change has two honest voters, and R3 cannot deny X.
    assert_eq!(finality(four().thresholds(), 4, 0), Some(Path::Fast));
    let reports = [(1, voted(0, X)), (2, voted(0, X)), (3, nothing())];
    assert_eq!(ours(1, &reports), Some((X, Reason::Candidate(View::new(0)))));
}

#[test]
fn counterexample_b_plurality_of_votes() {
    // View 0, leader R3 shows X to R0 and R1, Y to R2. R0, R1 and R3 vote for X; R0 takes it for final.
    let votes_for_x = [0, 1, 3].len();
    assert!(votes_for_x >= NAIVE_QUORUM);
    // View 1: R3 says that it voted for Y.
    let reports = [(1, voted(0, X)), (2, voted(0, Y)), (3, voted(0, Y))];
    assert_eq!(by_plurality(&reports), Some(Y), "two for Y, one for X");
    let votes_for_y = [1, 2, 3].len();
    assert!(votes_for_y >= NAIVE_QUORUM, "and R1, R2 and R3 decide Y");

    // Here the same reports choose Y too, and X was not final: an honest validator never voted for it.
    assert_eq!(ours(1, &reports), Some((Y, Reason::Candidate(View::new(0)))));
    assert_eq!(finality(four().thresholds(), votes_for_x as u128, 0), None);
    // Had R0 and R1 committed to X, the certificate of R1 would be in every view change and outweigh the candidate.
    let committed = [(1, with_certificate(0, X, voted(0, X))), (2, voted(0, Y)), (3, voted(0, Y))];
    assert_eq!(ours(1, &committed), Some((X, Reason::Certified(View::new(0)))));
}

#[test]
fn counterexample_c_certificates_first() {
    // View 0, leader R3: R0, R1 and R3 vote for Y. R1 alone sees the three votes: a certificate.
    let old = with_certificate(0, Y, voted(0, Y));
    assert!(is_certificate(four().thresholds(), 3));
    // View 1, begun without R1: R3 denies its vote, so nothing binds the leader, R0, who proposes X.
    let reports = [(0, voted(0, Y)), (2, nothing()), (3, nothing())];
    assert_eq!((by_certificates_first(&reports), ours(1, &reports)), (None, None));
    // All four vote for X: final, also where only all are a fast quorum.
    assert_eq!(finality(four().thresholds(), 4, 0), Some(Path::Fast));
    // View 2, begun without R0: R1 shows what it has, and R3 shows what it likes.
    let of_r1 = HeightReport { vote: voted(1, X).vote, ..old };
    let reports = [(1, of_r1), (2, voted(1, X)), (3, old)];
    assert_eq!(
        by_certificates_first(&reports),
        Some(Y),
        "the certificate of view 0 beats the votes of view 1"
    );

    // Here views decide: X was voted for behind the certificate.
    assert_eq!(ours(2, &reports), Some((X, Reason::Candidate(View::new(1)))));
}

#[test]
fn the_opposite_of_certificates_first_is_no_better() {
    // View 1 has a certificate for X that R0 and R1 committed to, with R3. R2 voted for Y in view 0, and R3 says so too.
    let committed = with_certificate(1, X, voted(1, X));
    assert_eq!(finality(four().thresholds(), 3, 3), Some(Path::Slow));
    let reports = [(1, committed), (2, voted(0, Y)), (3, voted(0, Y))];
    assert_eq!(by_plurality(&reports), Some(Y), "votes first would choose Y");
    assert_eq!(ours(2, &reports), Some((X, Reason::Certified(View::new(1)))));
}
