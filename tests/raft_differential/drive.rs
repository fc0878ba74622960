//! Drives one schedule into both sides, and compares them at each quiet point.

use crate::dice::Dice;
use crate::members::Members;
use crate::ours::{Ours, SILENCE};
use crate::side::{Down, Side, State};
use crate::theirs::Theirs;
use duochain::raft::Mutant;
use duochain::types::Tick;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Events of one schedule.
const EVENTS: u32 = 48;
/// Heartbeats after each event. Six are as long as a transfer is waited for, and enough to notice a lost append.
const BEATS: u32 = 6;
/// A round is what is under way at one moment; no exchange needs as many.
const ROUNDS_MAX: u32 = 500;
/// Nodes that are there and that nobody has added yet.
const SPARES: u64 = 3;

/// What a schedule has seen.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) by_event: BTreeMap<&'static str, u64>,
    pub(crate) compared: u64,
    pub(crate) elections: u64,
    pub(crate) committed: u64,
    /// Nodes whose logs ended differently from their leader's at a quiet point.
    pub(crate) behind: u64,
    /// Other members, as committed, than at the quiet point before.
    pub(crate) changed: u64,
    /// Leaders that left with a change of members.
    pub(crate) abdicated: u64,
    /// Leaders that were elected with a change in their log that was not committed.
    pub(crate) inherited: u64,
    /// Snapshots that came where they were needed, of both sides together.
    pub(crate) installed: u64,
    /// Reads that were answered.
    pub(crate) answered: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        for (event, count) in &other.by_event {
            *self.by_event.entry(event).or_default() += count;
        }
        self.compared += other.compared;
        self.elections += other.elections;
        self.committed += other.committed;
        self.behind += other.behind;
        self.changed += other.changed;
        self.abdicated += other.abdicated;
        self.inherited += other.inherited;
        self.installed += other.installed;
        self.answered += other.answered;
    }
}

/// The first quiet point at which the two differ.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) seed: u64,
    pub(crate) nodes: u64,
    /// All events up to there.
    pub(crate) events: Vec<String>,
    pub(crate) what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, {} nodes:", self.seed, self.nodes)?;
        self.events.iter().try_for_each(|event| writeln!(f, "  {event}"))?;
        write!(f, "{}", self.what)
    }
}

pub(crate) struct Drive {
    pub(crate) dice: Dice,
    nodes: u64,
    pub(crate) ours: Ours,
    pub(crate) theirs: Theirs,
    /// Links that are cut until they are healed.
    pub(crate) cut: Down,
    pub(crate) stalled: BTreeSet<u64>,
    /// When a leader last reached a majority.
    reached: BTreeMap<u64, Tick>,
    /// The latest members that are committed anywhere.
    pub(crate) members: Members,
    /// Whoever was a member once.
    known: BTreeSet<u64>,
    /// Whoever was one and is none any more: its machine is switched off.
    pub(crate) gone: BTreeSet<u64>,
    /// Who votes for the leader of a term on one side only, since on the other it is no voter yet or any more.
    pub(crate) unasked: BTreeSet<(u64, u64)>,
    pub(crate) payload: u64,
    events: Vec<String>,
    pub(crate) tally: Tally,
}

/// Runs the schedule of `seed`.
pub(crate) fn run(seed: u64, mutant: Option<Mutant>) -> Result<Tally, Box<Difference>> {
    let mut dice = Dice(seed);
    let nodes = [3, 5][dice.roll(2) as usize];
    let theirs = Theirs::new(nodes, SPARES);
    let mut drive = Drive {
        dice,
        nodes,
        ours: Ours::new(nodes, SPARES, mutant),
        members: theirs.members(1),
        theirs,
        cut: Down::new(),
        stalled: BTreeSet::new(),
        reached: BTreeMap::new(),
        known: (1..=nodes).collect(),
        gone: BTreeSet::new(),
        unasked: BTreeSet::new(),
        payload: 0,
        events: Vec::new(),
        tally: Tally::default(),
    };
    for _ in 0..EVENTS {
        drive.event();
        if let Err(what) = drive.settle().and_then(|()| drive.compare()) {
            let Drive { nodes, events, .. } = drive;
            return Err(Box::new(Difference { seed, nodes, events, what }));
        }
    }
    drive.tally.committed = drive.numbers().iter().map(|node| drive.theirs.commit(*node)).max().unwrap_or(0);
    drive.tally.installed = drive.ours.installed + drive.theirs.installed;
    Ok(drive.tally)
}

impl Drive {
    /// All nodes but those that have left.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        (1..=self.nodes + SPARES).filter(|node| !self.gone.contains(node)).collect()
    }

    /// Nodes that nobody has added yet.
    pub(crate) fn spares(&self) -> Vec<u64> {
        self.numbers().into_iter().filter(|node| !self.known.contains(node)).collect()
    }

    /// A member.
    pub(crate) fn any(&mut self) -> u64 {
        let members: Vec<u64> = self.members.all().into_iter().collect();
        members[self.dice.roll(members.len() as u64) as usize]
    }

    pub(crate) fn leaders(&self) -> Vec<u64> {
        self.numbers().into_iter().filter(|node| self.theirs.leads(*node)).collect()
    }

    /// Who leads and reaches a majority.
    pub(crate) fn leader(&self) -> Option<u64> {
        let leaders = self.leaders().into_iter().filter(|node| self.has_majority(*node));
        leaders.max_by_key(|node| self.theirs.term(*node))
    }

    /// A member, most often one that leads.
    pub(crate) fn any_leader(&mut self) -> u64 {
        let leaders = self.leaders();
        if leaders.is_empty() || self.dice.roll(8) == 0 {
            return self.any();
        }
        leaders[self.dice.roll(leaders.len() as u64) as usize]
    }

    pub(crate) fn note(&mut self, kind: &'static str, event: String) {
        *self.tally.by_event.entry(kind).or_default() += 1;
        self.events.push(event);
    }

    pub(crate) fn both(&mut self, mut act: impl FnMut(&mut dyn Side)) {
        act(&mut self.ours);
        act(&mut self.theirs);
    }

    pub(crate) fn deliver(&mut self, down: &Down) {
        for side in [&mut self.ours as &mut dyn Side, &mut self.theirs] {
            let rounds = (0..ROUNDS_MAX).take_while(|_| side.deliver(down)).count();
            assert!(rounds < ROUNDS_MAX as usize, "an exchange that does not end");
        }
    }

    /// All links of these nodes.
    pub(crate) fn around(&self, some: impl IntoIterator<Item = u64>, down: &mut Down) {
        for one in some {
            down.extend((1..=self.nodes + SPARES).flat_map(|other| [(one, other), (other, one)]));
        }
    }

    pub(crate) fn is_linked(&self, one: u64, other: u64) -> bool {
        !(self.cut.contains(&(one, other)) || self.cut.contains(&(other, one)))
    }

    /// A slow disk does not count: its node may have to write a vote before it answers at all.
    fn reaches(&self, node: u64, members: &Members) -> bool {
        let is_here = |other| other == node || self.is_linked(node, other) && !self.stalled.contains(&other);
        members.is_majority(is_here)
    }

    pub(crate) fn has_majority(&self, node: u64) -> bool {
        self.reaches(node, &self.theirs.members(node))
    }

    /// Whether these members would be a majority for `node` whenever those it has now are, and the reverse.
    pub(crate) fn reaches_alike(&self, node: u64, members: &Members) -> bool {
        self.reaches(node, members) == self.has_majority(node)
    }

    /// The members by which this node decides there, and those by which it decides here, then or when it commits
    /// more: one only, unless its log has a change that is not committed as far as it knows.
    pub(crate) fn deciding(&self, node: u64) -> Vec<Members> {
        let mut members = vec![self.theirs.members(node)];
        members.extend(self.ours.members_from(node, self.theirs.applied(node)));
        members.dedup();
        members
    }

    /// Whether members change anywhere.
    pub(crate) fn is_changing(&self) -> bool {
        let has_more = |node: &u64| self.deciding(*node).len() > 1;
        self.members.is_joint() || self.known.difference(&self.gone).any(has_more)
    }

    /// Cuts these links and no others, unless a leader could then decide here and not there, or the reverse.
    pub(crate) fn cut(&mut self, mut cut: Down) -> bool {
        self.around(self.gone.clone(), &mut cut);
        let before = std::mem::replace(&mut self.cut, cut);
        let is_alike =
            |node: &u64| self.deciding(*node).iter().all(|members| self.reaches_alike(*node, members));
        let is_fit = self.leaders().iter().all(is_alike);
        if !is_fit {
            self.cut = before;
        }
        is_fit
    }

    /// Leaders that reach a majority beat until nothing more can come of it.
    fn settle(&mut self) -> Result<(), String> {
        let down = self.cut.clone();
        self.deliver(&down);
        for _ in 0..BEATS {
            // The latest first: it deposes the others. Who leaves with a change may do so here later than there.
            let leads = |node: &u64| self.theirs.leads(*node) || self.ours.leads(*node);
            let mut leaders: Vec<u64> = self.numbers().into_iter().filter(leads).collect();
            leaders.sort_by_key(|node| std::cmp::Reverse(self.theirs.term(*node)));
            for node in leaders {
                if self.has_majority(node) {
                    self.beat(node)?;
                    self.deliver(&down);
                }
            }
        }
        for node in self.leaders() {
            self.theirs.give_up_transfer(node);
        }
        self.retire();
        let (ours, theirs) = (self.ours.answers(), self.theirs.answers());
        if ours != theirs {
            return Err(format!("reads\n  here:  {ours:?}\n  there: {theirs:?}"));
        }
        self.tally.answered += ours.len() as u64;
        Ok(())
    }

    /// Takes over the members that are committed, and switches off who is none any more: what such a node is told of its
    /// end, and does then, is not the same.
    fn retire(&mut self) {
        let latest = self.numbers().into_iter().max_by_key(|node| self.theirs.applied(*node));
        let latest = self.theirs.members(latest.expect("somebody is left"));
        self.tally.changed += u64::from(latest != self.members);
        self.members = latest;
        let members = self.members.all();
        self.known.extend(&members);
        let left: BTreeSet<u64> = self.known.difference(&members).copied().collect();
        if left != self.gone {
            self.gone = left;
            let mut cut = std::mem::take(&mut self.cut);
            self.around(self.gone.clone(), &mut cut);
            self.cut = cut;
            self.stalled = self.stalled.difference(&self.gone).copied().collect();
        }
    }

    /// A leader of ours that was without a majority for too long, be it one that a change has just made necessary, steps
    /// down when it has one again; theirs has no clock here, and is told.
    fn beat(&mut self, node: u64) -> Result<(), String> {
        match (self.ours.leads(node), self.theirs.leads(node)) {
            (true, true) => {}
            (is_here, _) => {
                if is_here {
                    self.ours.beat(node)
                } else {
                    self.theirs.beat(node)
                }
                return Ok(());
            }
        }
        self.ours.beat(node);
        let (now, reached) = (self.ours.now(), self.reached.get(&node).copied());
        if self.ours.leads(node) {
            self.theirs.beat(node);
            self.reached.insert(node, now);
        } else if reached.is_none_or(|at| now.since(at) > SILENCE) || self.deciding(node).len() > 1 {
            self.theirs.step_down(node);
        } else {
            return Err(format!(
                "{node} steps down, and a majority was heard at {reached:?}, now is {now:?}"
            ));
        }
        Ok(())
    }

    fn compare(&mut self) -> Result<(), String> {
        let leader = self.leader();
        for node in self.numbers() {
            let (ours, theirs) = (self.ours.see(node), self.theirs.see(node));
            let is_led = |leader| theirs.leader == leader && self.is_linked(leader, node);
            let is_settled = self.stalled.is_empty() && leader.is_some_and(is_led);
            let (commit, members) = if is_settled {
                (theirs.commit, theirs.members.clone())
            } else {
                (ours.commit, ours.members.clone())
            };
            // What a slow disk has not written was sent again here, and not there: its answers wait too.
            let is_slow = self.stalled.contains(&node) && !theirs.leads;
            // A snapshot ends there where its sender was when it was asked, and here where its sender's log begins.
            let start = ours.log.start.max(theirs.log.start);
            let log = if is_slow { ours.log.clone() } else { theirs.log.clone() }.after(start);
            let is_asked = !self.unasked.contains(&(node, theirs.term));
            let vote = if is_asked { theirs.vote } else { ours.vote };
            let ours = State { log: ours.log.after(start), ..ours };
            if ours != (State { vote, commit, members, log, ..theirs.clone() }) {
                return Err(format!("node {node}\n  here:  {ours:?}\n  there: {theirs:?}"));
            }
            self.tally.compared += 1;
        }
        if let Some(leader) = leader {
            let end = |node: u64| {
                let log = self.theirs.see(node).log;
                (log.last(), log.term)
            };
            let led = end(leader);
            self.tally.behind +=
                self.known.difference(&self.gone).filter(|node| end(**node) != led).count() as u64;
        }
        Ok(())
    }
}
