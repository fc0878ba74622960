//! Drives one schedule into both sides, and compares them at each quiet point.

use crate::dice::Dice;
use crate::ours::{Ours, SILENCE};
use crate::side::{Down, Side, State};
use crate::theirs::Theirs;
use duochain::raft::Mutant;
use duochain::types::Tick;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Events of one schedule.
const EVENTS: u32 = 40;
/// Heartbeats after each event. Six are as long as a transfer is waited for, and enough to notice a lost append.
const BEATS: u32 = 6;
/// A round is what is under way at one moment; no exchange needs as many.
const ROUNDS_MAX: u32 = 500;

/// What a schedule has seen.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) by_event: BTreeMap<&'static str, u64>,
    pub(crate) compared: u64,
    pub(crate) elections: u64,
    pub(crate) committed: u64,
    /// Nodes whose logs ended differently from their leader's at a quiet point.
    pub(crate) behind: u64,
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

struct Drive {
    dice: Dice,
    nodes: u64,
    ours: Ours,
    theirs: Theirs,
    /// Links that are cut until they are healed.
    cut: Down,
    stalled: BTreeSet<u64>,
    /// When a leader last reached a majority.
    reached: BTreeMap<u64, Tick>,
    payload: u64,
    events: Vec<String>,
    tally: Tally,
}

/// Runs the schedule of `seed`.
pub(crate) fn run(seed: u64, mutant: Option<Mutant>) -> Result<Tally, Box<Difference>> {
    let mut dice = Dice(seed);
    let nodes = [3, 5][dice.roll(2) as usize];
    let mut drive = Drive {
        dice,
        nodes,
        ours: Ours::new(nodes, mutant),
        theirs: Theirs::new(nodes),
        cut: Down::new(),
        stalled: BTreeSet::new(),
        reached: BTreeMap::new(),
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
    drive.tally.committed = drive.numbers().map(|node| drive.theirs.see(node).commit).max().unwrap_or(0);
    Ok(drive.tally)
}

impl Drive {
    fn numbers(&self) -> impl Iterator<Item = u64> + use<> {
        1..=self.nodes
    }

    fn any(&mut self) -> u64 {
        1 + self.dice.roll(self.nodes)
    }

    fn leaders(&self) -> Vec<u64> {
        self.numbers().filter(|node| self.theirs.see(*node).leads).collect()
    }

    /// Who leads and reaches a majority.
    fn leader(&self) -> Option<u64> {
        let leaders = self.leaders().into_iter().filter(|node| self.has_majority(*node));
        leaders.max_by_key(|node| self.theirs.see(*node).term)
    }

    /// A node, most often one that leads.
    fn any_leader(&mut self) -> u64 {
        let leaders = self.leaders();
        if leaders.is_empty() || self.dice.roll(8) == 0 {
            return self.any();
        }
        leaders[self.dice.roll(leaders.len() as u64) as usize]
    }

    fn note(&mut self, kind: &'static str, event: String) {
        *self.tally.by_event.entry(kind).or_default() += 1;
        self.events.push(event);
    }

    /// Some links that lose everything for one event, which nobody is told.
    fn lossy(&mut self) -> Down {
        let mut down = self.cut.clone();
        if self.dice.roll(3) == 0 {
            for _ in 0..1 + self.dice.roll(self.nodes) {
                down.insert((self.any(), self.any()));
            }
        }
        down
    }

    /// All links of these nodes.
    fn around(&self, some: impl IntoIterator<Item = u64>, down: &mut Down) {
        for one in some {
            down.extend(self.numbers().flat_map(|other| [(one, other), (other, one)]));
        }
    }

    fn event(&mut self) {
        match self.dice.roll(16) {
            0..=2 => self.campaign(),
            3..=7 => self.propose(),
            8 => self.transfer(),
            9 => {
                let node = self.any();
                self.restart(node);
            }
            10 => self.partition(),
            // Some have it, and are cut off from the others before those get it.
            11 => {
                self.propose();
                self.partition();
            }
            12..=13 => {
                self.note("heal", "heal".to_owned());
                self.cut.clear();
            }
            _ => self.change_disk(),
        }
    }

    fn restart(&mut self, node: u64) {
        self.note("restart", format!("restart {node}"));
        self.both(|side| side.restart(node));
        self.stalled.remove(&node);
    }

    fn both(&mut self, mut act: impl FnMut(&mut dyn Side)) {
        act(&mut self.ours);
        act(&mut self.theirs);
    }

    /// Whoever leads is alone meanwhile: of ours it would not help to depose itself, of theirs it would. So is
    /// who has a slow disk: of ours it answers questions, of theirs it does not.
    fn campaign(&mut self) {
        let (node, mut down) = (self.any(), self.lossy());
        if self.theirs.see(node).leads || self.stalled.contains(&node) {
            return;
        }
        let others: BTreeSet<u64> = self.leaders().into_iter().chain(self.stalled.iter().copied()).collect();
        self.around(others, &mut down);
        self.note("campaign", format!("campaign {node}, without {down:?}"));
        let term = self.theirs.see(node).term;
        self.both(|side| side.campaign(node));
        self.deliver(&down);
        self.tally.elections += u64::from(self.theirs.see(node).leads && self.theirs.see(node).term > term);
    }

    fn propose(&mut self) {
        let (node, mut down, count) = (self.any_leader(), self.lossy(), 1 + self.dice.roll(4) as u32);
        if !self.has_majority(node) {
            // It does not beat, so it does not find out where its followers are, and sends or does not.
            self.around([node], &mut down);
        }
        self.payload += 1;
        let payload = self.payload;
        self.note("propose", format!("propose {node} {count} x {payload}, without {down:?}"));
        self.both(|side| side.propose(node, count, payload));
        self.deliver(&down);
    }

    fn transfer(&mut self) {
        let (from, to, mut down) = (self.any_leader(), self.any(), self.lossy());
        let is_possible = self.theirs.see(from).leads && from != to && self.has_majority(from);
        if !is_possible || self.stalled.contains(&from) || self.stalled.contains(&to) {
            return;
        }
        self.around(self.stalled.clone(), &mut down);
        self.note("transfer", format!("transfer {from} {to}, without {down:?}"));
        self.both(|side| side.transfer(from, to));
        self.deliver(&down);
    }

    /// Two groups, or three.
    fn partition(&mut self) {
        let sides: Vec<u64> = self.numbers().map(|_| self.dice.roll(3)).collect();
        let side = |node: u64| sides[node as usize - 1];
        let pairs = self.numbers().flat_map(|from| (1..=self.nodes).map(move |to| (from, to)));
        self.cut = pairs.filter(|(from, to)| side(*from) != side(*to)).collect();
        self.note("partition", format!("partition {sides:?}"));
    }

    /// A disk begins to be slow, or has written everything. Without a leader beside it, its process ends first: what it
    /// has in memory was sent again here, and not there, and no leader makes that the same.
    fn change_disk(&mut self) {
        let node = self.any();
        if self.stalled.contains(&node) {
            let is_led = |leader: u64| leader == node || self.is_linked(leader, node);
            if self.leader().is_some_and(is_led) {
                self.note("recover", format!("recover {node}"));
                self.stalled.remove(&node);
                self.both(|side| side.recover(node));
            } else {
                self.restart(node);
            }
        } else {
            self.note("stall", format!("stall {node}"));
            self.stalled.insert(node);
            self.both(|side| side.stall(node));
        }
    }

    fn deliver(&mut self, down: &Down) {
        for side in [&mut self.ours as &mut dyn Side, &mut self.theirs] {
            let rounds = (0..ROUNDS_MAX).take_while(|_| side.deliver(down)).count();
            assert!(rounds < ROUNDS_MAX as usize, "an exchange that does not end");
        }
    }

    fn is_linked(&self, one: u64, other: u64) -> bool {
        !(self.cut.contains(&(one, other)) || self.cut.contains(&(other, one)))
    }

    /// A slow disk does not count: its node may have to write a vote before it answers at all.
    fn has_majority(&self, node: u64) -> bool {
        let is_here =
            |other: &u64| *other == node || self.is_linked(node, *other) && !self.stalled.contains(other);
        self.numbers().filter(is_here).count() as u64 > self.nodes / 2
    }

    /// Leaders that reach a majority beat until nothing more can come of it.
    fn settle(&mut self) -> Result<(), String> {
        let down = self.cut.clone();
        self.deliver(&down);
        for _ in 0..BEATS {
            // The latest first: it deposes the others.
            let mut leaders = self.leaders();
            leaders.sort_by_key(|node| std::cmp::Reverse(self.theirs.see(*node).term));
            for node in leaders {
                if self.has_majority(node) && self.theirs.see(node).leads {
                    self.beat(node)?;
                    self.deliver(&down);
                }
            }
        }
        for node in self.leaders() {
            self.theirs.give_up_transfer(node);
        }
        Ok(())
    }

    /// A leader of ours that was without a majority for too long steps down when it has one again; theirs
    /// has no clock here, and is told.
    fn beat(&mut self, node: u64) -> Result<(), String> {
        if !self.ours.see(node).leads {
            return Err(format!("{node} leads there and not here"));
        }
        self.ours.beat(node);
        let (now, reached) = (self.ours.now(), self.reached.get(&node).copied());
        if self.ours.see(node).leads {
            self.theirs.beat(node);
            self.reached.insert(node, now);
        } else if reached.is_none_or(|at| now.since(at) > SILENCE) {
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
            let commit = if is_settled { theirs.commit } else { ours.commit };
            // What a slow disk has not written was sent again here, and not there: its answers wait too.
            let is_slow = self.stalled.contains(&node) && !theirs.leads;
            let log = if is_slow { ours.log.clone() } else { theirs.log.clone() };
            if ours != (State { commit, log, ..theirs.clone() }) {
                return Err(format!("node {node}\n  here:  {ours:?}\n  there: {theirs:?}"));
            }
            self.tally.compared += 1;
        }
        if let Some(leader) = leader {
            let log = self.theirs.see(leader).log;
            self.tally.behind +=
                self.numbers().filter(|node| self.theirs.see(*node).log != log).count() as u64;
        }
        Ok(())
    }
}
