//! What happens in a schedule.

use crate::drive::Drive;
use crate::members::Members;
use crate::side::{Down, Side};
use crate::support::n;
use duochain::raft::Change;
use std::collections::BTreeSet;

impl Drive {
    pub(crate) fn event(&mut self) {
        match self.dice.roll(24) {
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
                if self.cut(Down::new()) {
                    self.note("heal", "heal".to_owned());
                }
            }
            14..=15 => {
                let node = self.any();
                self.change_disk(node);
            }
            16..=19 => self.change_members(),
            20..=21 => self.compact(),
            _ => self.read(),
        }
    }

    /// Of the links that carry nothing, those that are not cut.
    fn lost(&self, down: &Down) -> Down {
        down.difference(&self.cut).copied().collect()
    }

    /// Some links that lose everything for one event, which nobody is told.
    fn lossy(&mut self) -> Down {
        let mut down = self.cut.clone();
        if self.dice.roll(3) == 0 {
            for _ in 0..1 + self.dice.roll(self.members.all().len() as u64) {
                down.insert((self.any(), self.any()));
            }
        }
        down
    }

    /// Whoever leads is alone meanwhile: of ours it would not help to depose itself, of theirs it would. So is
    /// who has a slow disk: of ours it answers questions, of theirs it does not.
    fn campaign(&mut self) {
        let (node, mut down) = (self.any(), self.lossy());
        if self.theirs.leads(node) || self.stalled.contains(&node) {
            return;
        }
        let others: BTreeSet<u64> = self.leaders().into_iter().chain(self.stalled.iter().copied()).collect();
        let deciding = self.deciding(node);
        if deciding.len() > 1 {
            down = self.cut.clone();
        }
        self.around(others, &mut down);
        let is_alike = match &deciding[..] {
            // Of ours who does not know that it has left asks until it does; of theirs who has applied it never does.
            [_] => self.theirs.is_promotable(node) || !self.ours.is_changing(node),
            several => self.is_elected(node, several, &down),
        };
        if !is_alike {
            return;
        }
        self.note("campaign", format!("campaign {node}, without {:?}", self.lost(&down)));
        let term = self.theirs.term(node);
        let voters = |members: &Members| members.voters.union(&members.outgoing).copied().collect();
        let groups: Vec<BTreeSet<u64>> = deciding.iter().map(voters).collect();
        let some = groups.iter().flatten().filter(|one| !groups.iter().all(|group| group.contains(one)));
        self.unasked.extend(some.map(|one| (*one, term + 1)));
        self.both(|side| side.campaign(node));
        self.deliver(&down);
        let is_elected = self.theirs.leads(node) && self.theirs.term(node) > term;
        self.tally.elections += u64::from(is_elected);
        self.tally.inherited += u64::from(is_elected && deciding.len() > 1);
    }

    /// Whether all voters, whatever is decided about who they are, elect this node.
    fn is_elected(&self, node: u64, deciding: &[Members], down: &Down) -> bool {
        let end = |node: u64| {
            let state = self.theirs.see(node);
            (state.term, state.log.term, state.log.last())
        };
        let (term, log_term, last) = end(node);
        let grants = |other: u64| {
            let (its_term, its_log_term, its_last) = end(other);
            let is_linked = !down.contains(&(node, other)) && !down.contains(&(other, node));
            is_linked && its_term <= term && (its_log_term, its_last) <= (log_term, last)
        };
        let elect = |members: &Members| {
            let voters: BTreeSet<u64> = members.voters.union(&members.outgoing).copied().collect();
            voters.contains(&node) && voters.iter().all(|other| *other == node || grants(*other))
        };
        deciding.iter().all(elect)
    }

    fn propose(&mut self) {
        let (node, mut down, count) = (self.any_leader(), self.lossy(), 1 + self.dice.roll(4) as u32);
        if !self.has_majority(node) {
            // It does not beat, so it does not find out where its followers are, and sends or does not.
            self.around([node], &mut down);
        }
        self.payload += 1;
        let payload = self.payload;
        self.note("propose", format!("propose {node} {count} x {payload}, without {:?}", self.lost(&down)));
        self.both(|side| side.propose(node, count, payload));
        self.deliver(&down);
    }

    /// Where nothing is slow or lost, so that the answer comes on both sides.
    fn read(&mut self) {
        let Some(leader) = self.leader().filter(|_| self.stalled.is_empty()) else { return };
        let node = self.any();
        if self.theirs.see(node).leader == leader && self.is_linked(leader, node) {
            self.payload += 1;
            let (number, down) = (self.payload, self.cut.clone());
            self.note("read", format!("read {node} {number}"));
            self.both(|side| side.read(node, number));
            self.deliver(&down);
        }
    }

    fn transfer(&mut self) {
        let (from, to, mut down) = (self.any_leader(), self.any(), self.lossy());
        let is_possible = self.theirs.leads(from) && from != to && self.has_majority(from);
        if !is_possible || self.stalled.contains(&from) || self.stalled.contains(&to) || self.is_changing() {
            return;
        }
        self.around(self.stalled.clone(), &mut down);
        self.note("transfer", format!("transfer {from} {to}, without {:?}", self.lost(&down)));
        self.both(|side| side.transfer(from, to));
        self.deliver(&down);
    }

    fn restart(&mut self, node: u64) {
        self.note("restart", format!("restart {node}"));
        self.both(|side| side.restart(node));
        self.stalled.remove(&node);
    }

    /// Two groups, or three.
    fn partition(&mut self) {
        let nodes = self.numbers();
        let sides: Vec<(u64, u64)> = nodes.iter().map(|node| (*node, self.dice.roll(3))).collect();
        let pairs = sides.iter().flat_map(|from| sides.iter().map(move |to| (from, to)));
        let apart = pairs.filter(|((_, one), (_, other))| one != other);
        let cut = apart.map(|((from, _), (to, _))| (*from, *to)).collect();
        if self.cut(cut) {
            self.note("partition", format!("partition {sides:?}"));
        }
    }

    /// A disk begins to be slow, or has written everything. Without a leader beside it, its process ends first: what it
    /// has in memory was sent again here, and not there, and no leader makes that the same.
    fn change_disk(&mut self, node: u64) {
        if self.stalled.contains(&node) {
            let is_led = |leader: u64| leader == node || self.is_linked(leader, node);
            if self.leader().is_some_and(is_led) {
                self.note("recover", format!("recover {node}"));
                self.stalled.remove(&node);
                self.both(|side| side.recover(node));
            } else {
                self.restart(node);
            }
        } else if !self.is_changing() {
            self.note("stall", format!("stall {node}"));
            self.stalled.insert(node);
            self.both(|side| side.stall(node));
        }
    }

    /// The host of a node makes a snapshot, and the log forgets what that covers. Who needs that gets the snapshot.
    fn compact(&mut self) {
        let node = self.any_leader();
        if self.stalled.contains(&node) {
            return;
        }
        let (start, applied) = (self.theirs.see(node).log.start, self.theirs.applied(node));
        let mut ends = self.ours.ends(node);
        ends.retain(|end| (start + 1..=applied).contains(end));
        if !ends.is_empty() {
            let end = ends[self.dice.roll(ends.len() as u64) as usize];
            self.note("compact", format!("compact {node} to {end}"));
            self.both(|side| side.compact(node, end));
        }
    }

    /// With every disk at work: of ours a leader goes on to the next members when a majority has the change, of theirs
    /// when it has it itself too.
    fn change_members(&mut self) {
        if let Some(slow) = self.stalled.first().copied() {
            return self.change_disk(slow);
        }
        let node = self.any_leader();
        if !self.theirs.leads(node) {
            return self.campaign();
        }
        let members = self.theirs.members(node);
        let Some(change) = self.draw_change(&members) else { return };
        let joint = members.joint(&change);
        if joint.voters != members.voters && !self.reaches_alike(node, &joint) {
            return;
        }
        let (mut down, has_majority) = (self.lossy(), self.has_majority(node));
        let leaves = change.remove.contains(&n(node)) || change.demote.contains(&n(node));
        if leaves && has_majority {
            // Whoever loses something of this gets it from the next leader only, here and there at another time.
            down = self.cut.clone();
        } else if leaves {
            return;
        } else if !has_majority {
            self.around([node], &mut down);
        }
        // Of ours it waits for the first commit of its term too.
        if self.ours.change(node, &change) {
            assert!(self.theirs.change(node, &change), "a change that is accepted here and refused there");
            self.tally.abdicated += u64::from(leaves);
            self.note("change", format!("{node} changes {change:?}, without {:?}", self.lost(&down)));
            self.deliver(&down);
        } else {
            self.note("refused", format!("{node} does not change {change:?}"));
        }
    }

    /// One more or one less that learns, or other voters, of whom two are left.
    fn draw_change(&mut self, members: &Members) -> Option<Change> {
        let (spares, learners): (Vec<u64>, Vec<u64>) =
            (self.spares(), members.learners.iter().copied().collect());
        let mut change = Change::default();
        match self.dice.roll(4) {
            0 if !spares.is_empty() => {
                let node = spares[self.dice.roll(spares.len() as u64) as usize];
                change.add.insert(n(node), format!("n{node}"));
                return Some(change);
            }
            1 if !learners.is_empty() => {
                let node = learners[self.dice.roll(learners.len() as u64) as usize];
                change.remove.insert(n(node));
                return Some(change);
            }
            _ => {}
        }
        for learner in learners {
            if self.dice.roll(2) == 0 {
                change.promote.insert(n(learner));
            }
        }
        for voter in &members.voters {
            match self.dice.roll(8) {
                0 => drop(change.demote.insert(n(*voter))),
                1 => drop(change.remove.insert(n(*voter))),
                _ => {}
            }
        }
        let voters = members.joint(&change).voters;
        (voters != members.voters && voters.len() >= 2).then_some(change)
    }
}
