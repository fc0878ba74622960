//! What is said and taken, case by case; and that no repair makes a log that no leader had, over random histories.

use super::proof::{answer, check, is_same_before, is_same_behind, refusal};
use crate::frame::{Body, Entry, Frame, FrameBuilder, FrameLimits, Seal};
use crate::raft::wire::{RepairAnswer, RepairRequest};
use crate::types::{Index, LaneId, Term, UnixNanos};
use std::collections::{BTreeMap, BTreeSet};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

fn frame(term: u64, base: u64, count: u64) -> Frame {
    let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::default());
    (0..count).for_each(|_| builder.push(Entry { bytes: b"x", ..Entry::default() }).unwrap());
    let seal = Seal { term: Term::new(term), base: Index::new(base), time: UnixNanos::new(1) };
    Frame::new(seal, builder.finish().unwrap_or_else(Body::blank))
}

fn request(from: u64, to: u64, before: u64, behind: u64) -> RepairRequest {
    let (before, behind) = (Term::new(before), Term::new(behind));
    RepairRequest { from: Index::new(from), to: Index::new(to), before, behind }
}

/// Terms of a log from the end of its snapshot on.
fn terms<'a>(snapshot: u64, terms: &'a [u64]) -> impl Fn(Index) -> Option<Term> + 'a {
    move |index| {
        let at = index.get().checked_sub(snapshot)?;
        terms.get(usize::try_from(at).unwrap()).map(|term| Term::new(*term))
    }
}

#[test]
fn the_term_before_the_gap_has_to_be_the_same_unless_the_log_begins_with_it() {
    for (before, theirs, is_same) in [(3, 3, true), (3, 4, false), (4, 3, false), (0, 3, true), (0, 0, true)]
    {
        assert_eq!(is_same_before(&request(5, 6, before, 0), Term::new(theirs)), is_same);
        assert_eq!(is_same_behind(&request(5, 6, 0, before), Term::new(theirs)), is_same);
    }
}

#[test]
fn only_what_is_committed_and_the_same_on_both_sides_is_given() {
    use RepairAnswer::{Forgotten, OtherBefore, OtherBehind, Uncommitted};
    // Index            2  3  4  5  6  7  8  9
    let log = [1, 1, 2, 2, 2, 3, 3, 3];
    let cases = [
        (request(5, 6, 2, 3), 9, None),
        (request(5, 6, 2, 3), 7, None),
        (request(5, 6, 2, 3), 6, Some(Uncommitted)),
        (request(5, 5, 2, 2), 6, None),
        (request(5, 6, 2, 2), 9, Some(OtherBehind)),
        // What is not committed proves nothing, neither for nor against.
        (request(5, 6, 2, 2), 6, Some(Uncommitted)),
        (request(6, 7, 1, 3), 9, Some(OtherBefore)),
        (request(6, 7, 1, 3), 3, Some(Uncommitted)),
        (request(8, 9, 3, 0), 9, None),
        (request(8, 9, 3, 0), 8, Some(Uncommitted)),
        (request(8, 9, 3, 3), 9, Some(Uncommitted)),
        // The snapshot ends with 2.
        (request(3, 3, 1, 2), 9, None),
        (request(3, 3, 2, 2), 9, Some(OtherBefore)),
        (request(2, 3, 1, 2), 9, Some(Forgotten)),
        (request(2, 3, 1, 3), 9, Some(OtherBehind)),
        (request(1, 3, 0, 2), 9, Some(Forgotten)),
        // The log of who asks begins with 3.
        (request(3, 3, 0, 2), 9, None),
    ];
    for (request, commit, expected) in cases {
        let found = refusal(&request, Index::new(commit), terms(2, &log));
        assert_eq!(found, expected, "{request:?}, committed up to {commit}");
    }
}

/// Node 5 of figure 8 (Raft §5.4.2) led term 3 alone; node 1 led term 2, and in term 4 it committed the entry of that.
#[test]
fn a_tail_of_a_later_term_is_not_joined_with_what_its_leader_never_had() {
    let committed = [0, 1, 2, 4];
    // Node 5 has 1 3 3 and lost the one in the middle: 1 2 3 would not fall, and no leader had it.
    let gap = request(2, 2, 1, 3);
    let fits = vec![frame(2, 2, 1)];
    check(&gap, &fits, Term::new(4)).unwrap();
    assert_eq!(refusal(&gap, Index::new(3), terms(0, &committed)), Some(RepairAnswer::OtherBehind));
    assert_eq!(answer(&gap, fits, Index::new(3), terms(0, &committed)), RepairAnswer::OtherBehind);
    // Before term 4 commits something of its own, nothing is known.
    assert_eq!(refusal(&gap, Index::new(1), terms(0, &committed)), Some(RepairAnswer::Uncommitted));
}

#[test]
fn frames_are_given_as_far_as_the_core_knows_them_to_be_committed() {
    let log = [0, 1, 1, 1, 2, 2, 2];
    let read = || vec![frame(1, 2, 2), frame(2, 4, 1), frame(2, 5, 2)];
    let said = |request, read, commit| answer(&request, read, Index::new(commit), terms(0, &log));
    let whole = request(2, 4, 1, 2);
    assert_eq!(said(whole, read(), 6), RepairAnswer::Frames(read()[..2].to_vec()));
    assert_eq!(said(whole, read()[..1].to_vec(), 6), RepairAnswer::Frames(read()[..1].to_vec()));
    assert_eq!(said(whole, Vec::new(), 6), RepairAnswer::Uncommitted);
    assert_eq!(said(whole, read(), 4), RepairAnswer::Uncommitted);
    // On disk stands what the core no longer has.
    let stale = vec![frame(1, 2, 2), frame(1, 4, 1)];
    assert_eq!(said(whole, stale, 6), RepairAnswer::Frames(read()[..1].to_vec()));
    assert_eq!(said(whole, vec![frame(2, 2, 2)], 6), RepairAnswer::Uncommitted);
    // Nothing stands behind the gap, and other frames in it.
    assert_eq!(said(request(5, 5, 2, 0), vec![frame(2, 5, 2)], 6), RepairAnswer::OtherBehind);
    assert_eq!(
        said(request(4, 5, 1, 0), read()[1..].to_vec(), 6),
        RepairAnswer::Frames(vec![frame(2, 4, 1)])
    );
}

#[test]
fn frames_that_do_not_follow_each_other_or_fall_in_term_or_are_of_an_unknown_one_are_not_taken() {
    let gap = request(5, 9, 2, 4);
    let cases = [
        (vec![frame(2, 5, 2), frame(4, 7, 3)], ""),
        (vec![frame(3, 5, 2)], ""),
        (vec![frame(3, 4, 2)], "gave entries 4 to 5 for 5 to 9"),
        (vec![frame(3, 6, 2)], "gave entries 6 to 7 for 5 to 9"),
        (vec![frame(3, 5, 6)], "gave entries 5 to 10 for 5 to 9"),
        (vec![frame(3, 5, 2), frame(3, 8, 1)], "gave entries 8 to 8 for 7 to 9"),
        (vec![frame(1, 5, 2)], "does not fit there"),
        (vec![frame(3, 5, 2), frame(2, 7, 2)], "does not fit there"),
        (vec![frame(5, 5, 2)], "does not fit there"),
    ];
    for (frames, why) in cases {
        match check(&gap, &frames, Term::new(4)) {
            Ok(()) => assert!(why.is_empty(), "{frames:?} for {why}"),
            Err(found) => assert!(!why.is_empty() && found.contains(why), "{found} for {why}"),
        }
    }
    let end = RepairRequest { behind: Term::ORIGIN, ..gap };
    check(&end, &[frame(7, 5, 5)], Term::new(7)).unwrap();
    let why = check(&end, &[frame(7, 5, 5)], Term::new(6)).unwrap_err();
    assert!(why.contains("of term 7, the vote knows 6 only"), "{why}");
}

/// An entry: its term, and a number that no other entry has.
type Item = (u64, u64);

#[derive(Clone, Default)]
struct Node {
    term: u64,
    log: Vec<Item>,
    commit: usize,
    /// Entries that its log no longer has.
    snapshot: usize,
}

impl Node {
    fn last(&self) -> (u64, usize) {
        (self.log.last().map_or(0, |(term, _)| *term), self.log.len())
    }

    fn term_at(&self, index: usize) -> Option<Term> {
        let term = if index == 0 { Some(0) } else { self.log.get(index - 1).map(|(term, _)| *term) };
        term.filter(|_| index >= self.snapshot).map(Term::new)
    }
}

/// As much of Raft as says which logs there can be: figure 2 of the paper, without a network.
struct History {
    random: Random,
    nodes: Vec<Node>,
    /// By term: who leads, and how much of its log each node is known to hold.
    leaders: BTreeMap<u64, (usize, BTreeMap<usize, usize>)>,
    /// What was ever committed.
    committed: Vec<Item>,
    number: u64,
}

/// How often what came up in all histories.
#[derive(Debug, Default)]
struct Seen {
    joined: u32,
    ended: u32,
    replaced: u32,
    refused: BTreeSet<&'static str>,
    /// Terms did not fall from the gap to what is behind it, and joining would have made another log.
    would_not_fall: u32,
}

impl History {
    fn new(seed: u64) -> Self {
        let (random, nodes) = (Random(seed), vec![Node::default(); 5]);
        Self { random, nodes, leaders: BTreeMap::new(), committed: Vec::new(), number: 0 }
    }

    fn draw(&mut self, end: usize) -> usize {
        self.random.below(end as u64) as usize
    }

    fn append(&mut self, node: usize) {
        self.number += 1;
        let item = (self.nodes[node].term, self.number);
        self.nodes[node].log.push(item);
    }

    /// Raft §5.2 and §5.4.1: asks some of the others for a vote.
    fn campaign(&mut self) {
        let candidate = self.draw(5);
        let term = self.nodes[candidate].term + 1;
        let last = self.nodes[candidate].last();
        self.nodes[candidate].term = term;
        let mut votes = 1;
        for voter in (0..5).filter(|voter| *voter != candidate) {
            let is_reached = self.random.below(4) > 0;
            let node = &mut self.nodes[voter];
            if is_reached && node.term < term {
                node.term = term;
                votes += u32::from(last >= node.last());
            }
        }
        if votes >= 3 {
            let held = BTreeMap::from([(candidate, 0)]);
            assert!(self.leaders.insert(term, (candidate, held)).is_none(), "one leader in a term");
            if self.random.below(2) == 0 {
                self.append(candidate);
            }
        }
    }

    fn leader(&mut self) -> Option<(u64, usize)> {
        let led: Vec<(u64, usize)> = self.leaders.iter().map(|(term, (node, _))| (*term, *node)).collect();
        let led: Vec<_> = led.into_iter().filter(|(term, node)| self.nodes[*node].term == *term).collect();
        if led.is_empty() { None } else { Some(led[self.draw(led.len())]) }
    }

    /// Raft §5.3: a follower takes a beginning of the leader's log.
    fn replicate(&mut self) {
        let Some((term, leader)) = self.leader() else { return };
        let follower = self.draw(5);
        if follower == leader || self.nodes[follower].term > term {
            return;
        }
        let log = self.nodes[leader].log.clone();
        let count = self.draw(log.len() + 1);
        let commit = self.nodes[leader].commit;
        let node = &mut self.nodes[follower];
        node.term = term;
        let same = node.log.iter().zip(&log[..count]).take_while(|(own, item)| own == item).count();
        if same < count {
            assert!(same >= node.commit, "no committed entry is cut");
            node.log.truncate(same);
            node.log.extend(&log[same..count]);
        }
        node.commit = node.commit.max(commit.min(count));
        let held = &mut self.leaders.get_mut(&term).expect("it leads").1;
        held.entry(follower).and_modify(|held| *held = count.max(*held)).or_insert(count);
    }

    /// Raft §5.3, §5.4.2: what a majority holds, of its own term.
    fn commit(&mut self) {
        let Some((term, leader)) = self.leader() else { return };
        let node = &mut self.nodes[leader];
        let held = &self.leaders[&term].1;
        let holders =
            |index: usize| 1 + held.iter().filter(|(at, held)| **at != leader && **held >= index).count();
        let newest =
            (1..=node.log.len()).rev().find(|index| node.log[index - 1].0 == term && holders(*index) >= 3);
        node.commit = node.commit.max(newest.unwrap_or(0));
        let committed = &node.log[..node.commit];
        let both = committed.len().min(self.committed.len());
        assert_eq!(committed[..both], self.committed[..both], "what is committed is committed for ever");
        if committed.len() > both {
            self.committed = committed.to_vec();
        }
    }

    /// A node loses a part of its log, and asks another one for it.
    fn damage(&mut self, seen: &mut Seen) {
        let (at, peer) = (self.draw(5), self.draw(5));
        let own = self.nodes[at].clone();
        let mut theirs = self.nodes[peer].clone();
        if at == peer || own.log.is_empty() {
            return;
        }
        theirs.snapshot = if self.random.below(4) == 0 { self.draw(theirs.commit + 1) } else { 0 };
        let from = 1 + self.draw(own.log.len());
        let to = from + self.draw(own.log.len() - from + 1);
        let term = |index: usize| own.term_at(index).map_or(0, Term::get);
        let request = request(from as u64, to as u64, term(from - 1), term(to + 1));
        let commit = Index::new(theirs.commit as u64);
        let refused = refusal(&request, commit, |index| theirs.term_at(index.get() as usize));
        let has_joined = |items: &[Item]| [&own.log[..from - 1], items, &own.log[to..]].concat();
        if theirs.commit > to && theirs.log[to].0 != term(to + 1) {
            let items = &theirs.log[from - 1..to];
            let falls = term(from - 1) > items[0].0 || items[items.len() - 1].0 > term(to + 1);
            let is_same = from == 1 || theirs.log[from - 2] == own.log[from - 2];
            let differs = to < own.log.len() && has_joined(items) != own.log;
            seen.would_not_fall += u32::from(!falls && is_same && differs);
        }
        if let Some(refused) = refused {
            seen.refused.insert(match refused {
                RepairAnswer::Uncommitted => "uncommitted",
                RepairAnswer::Forgotten => "forgotten",
                RepairAnswer::OtherBefore => "other before",
                RepairAnswer::OtherBehind => "other behind",
                other => panic!("{other:?}"),
            });
            return;
        }
        let items = theirs.log[from - 1..to].to_vec();
        // E4; `check` says the same of frames.
        if items.iter().any(|(term, _)| *term > own.term) {
            return;
        }
        let mended = has_joined(&items);
        if to < own.log.len() {
            assert_eq!(mended, own.log, "exactly what stood there (E3)");
            seen.joined += 1;
        } else {
            assert_eq!(mended, theirs.log[..to], "a beginning of what is committed (E3')");
            seen.ended += 1;
            seen.replaced += u32::from(mended != own.log);
        }
        assert!(mended.is_sorted_by_key(|(term, _)| *term));
        self.nodes[at].log = mended;
        // It was down, and leads no longer.
        self.leaders.retain(|_, (leader, _)| *leader != at);
    }

    /// Raft §5.3: with an entry of one index and term, two logs are the same up to it.
    fn check_matching(&self) {
        for (number, one) in self.nodes.iter().enumerate() {
            for other in &self.nodes[..number] {
                let both = one.log.iter().zip(&other.log);
                let last = both.clone().rposition_of(|(a, b)| a.0 == b.0);
                assert!(both.take(last).all(|(a, b)| a == b), "Log Matching");
            }
        }
    }
}

trait Positions: Iterator + Sized {
    /// How many elements there are up to the last one for which `is_so` holds.
    fn rposition_of(self, is_so: impl Fn(&Self::Item) -> bool) -> usize {
        self.enumerate().fold(0, |last, (at, item)| if is_so(&item) { at + 1 } else { last })
    }
}

impl<I: Iterator> Positions for I {}

#[test]
fn no_repair_makes_a_log_that_no_leader_had_or_takes_back_what_is_committed() {
    let mut seen = Seen::default();
    for seed in 0..4_000 {
        let mut history = History::new(seed);
        for _ in 0..120 {
            match history.draw(16) {
                0..=2 => history.campaign(),
                3..=5 => {
                    if let Some((_, leader)) = history.leader() {
                        history.append(leader);
                    }
                }
                6..=11 => history.replicate(),
                12..=14 => history.commit(),
                _ => history.damage(&mut seen),
            }
            history.check_matching();
        }
    }
    let all = BTreeSet::from(["uncommitted", "forgotten", "other before", "other behind"]);
    assert_eq!(seen.refused, all);
    let counts = [seen.joined, seen.ended, seen.replaced, seen.would_not_fall];
    assert!(counts.iter().all(|count| *count > 0), "it came up too rarely to prove anything: {seen:?}");
}
