//! The second half of a run: everything is made whole, and has to come together.

use super::agenda::{Event, MILLISECOND, Nanos, SECOND};
use super::checker::Seen;
use super::checker::convergence::{Standing, State};
use super::client::Doing;
use super::node::{Life, Seat, seat_of};
use super::world::World;

/// How long a cluster that came together has to stay so.
const STABLE: Nanos = SECOND;

impl World {
    /// Nothing breaks any more, and what was broken works.
    pub(super) fn heal(&mut self) {
        let now = self.agenda.now();
        self.trace.note(now, format_args!("everything is healed"));
        self.healed_at = Some(now);
        self.is_leader_doomed = false;
        self.network.heal();
        for seat in 0..self.nodes.len() {
            self.heal_machine(seat);
        }
        for number in 0..self.clients.len() {
            let client = &mut self.clients[number];
            client.is_stopped = true;
            client.probes = if number == 0 { 2 } else { 0 };
            let operation = client.operation;
            if client.doing == Doing::Idle {
                self.agenda.after(0, Event::Wake { client: number, operation });
            }
        }
        self.see(&Seen::Healed);
        self.agenda.after(50 * MILLISECOND, Event::Poll);
    }

    fn heal_machine(&mut self, seat: Seat) {
        let node = &mut self.nodes[seat];
        let disk = &mut node.disk;
        (disk.stalled_until, disk.full_until, disk.slowness, disk.trouble) = (0, 0, 1, None);
        disk.stalled_since = None;
        node.paused_until = 0;
        node.dies_in = None;
        let (run, sync, is_busy) = (node.run, disk.sync(), disk.is_busy());
        if is_busy && node.life == Life::Up {
            let what = super::agenda::Local::Synced { sync };
            self.agenda.after(MILLISECOND, Event::Local { seat, run, what });
        }
        self.agenda.after(MILLISECOND, Event::Start(seat));
        self.resume(seat);
        self.sever(seat);
    }

    /// Has it come together, and does it stay so?
    pub(super) fn poll(&mut self) {
        let now = self.agenda.now();
        let healed_at = self.healed_at.unwrap_or(now);
        let standing = self.standing();
        let lacking = standing.lacking();
        match (lacking, self.converged_at) {
            (None, None) => {
                self.trace.note(now, format_args!("it has come together"));
                self.converged_at = Some(now);
                self.see(&Seen::Converged { term: standing.term });
            }
            (None, Some(at)) if now >= at + STABLE => return self.is_over = true,
            (Some(lacking), _) if now > healed_at + Self::convergence_max() => {
                return self.checkers.accuse(now, "convergence", format!("20 s after healing {lacking}"));
            }
            // A request that was long under way may still come: the terms checker sees to the leader.
            (None, Some(_)) | (Some(_), _) => {}
        }
        self.agenda.after(50 * MILLISECOND, Event::Poll);
    }

    /// How the members stand, as an outsider sees them.
    fn standing(&self) -> Standing {
        let leader = self.leader();
        let raft = leader.and_then(|leader| self.nodes[leader].raft());
        let members: Vec<Seat> =
            raft.map(|raft| raft.membership().members().map(seat_of).collect()).unwrap_or_default();
        let states = members.iter().map(|seat| {
            let process = self.nodes[*seat].process.as_ref()?;
            let raft = &process.raft;
            Some(State {
                term: raft.term(),
                leader: raft.leader().map(seat_of),
                last: raft.last(),
                commit: raft.commit(),
                applied: process.machine.applied,
                list: process.machine.list,
                window: process.machine.window(),
            })
        });
        Standing {
            leader,
            term: raft.map(crate::raft::Raft::term).unwrap_or_default(),
            is_joint: raft.is_some_and(|raft| raft.membership().is_joint()),
            states: members.iter().copied().zip(states).collect(),
            busy_clients: self
                .clients
                .iter()
                .filter(|client| client.doing != Doing::Idle || client.probes > 0)
                .count(),
            is_tidy: self.is_tidy() && self.nodes.iter().all(|node| node.life != Life::Damaged),
        }
    }
}
