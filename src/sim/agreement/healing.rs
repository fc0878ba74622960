//! The second half of a run: everything is made whole, and the chain has to grow.

use super::event::Event;
use super::world::World;
use crate::sim::agenda::{MILLISECOND, Nanos, SECOND};
use crate::sim::node::Seat;

/// How long after healing every honest validator has the blocks that are asked for.
pub(super) const PROGRESS_WITHIN: Nanos = 600 * SECOND;

impl World {
    /// Nothing breaks any more, and what was broken works.
    pub(super) fn heal(&mut self) {
        let now = self.agenda.now();
        self.trace.note(now, format_args!("everything is healed"));
        self.healed_at = Some(now);
        self.network.heal();
        (0..self.nodes.len()).for_each(|seat| self.heal_machine(seat));
        let highest =
            self.facts.highest().max(self.nodes.iter().map(super::node::Node::tip).max().unwrap_or_default());
        self.goal = highest.forward(self.options.progress);
        self.agenda.after(50 * MILLISECOND, Event::Poll);
    }

    fn heal_machine(&mut self, seat: Seat) {
        let node = &mut self.nodes[seat];
        (node.disk.stalled_until, node.disk.slowness) = (0, 1);
        node.paused_until = 0;
        node.dies_in = None;
        self.agenda.after(MILLISECOND, Event::Start(seat));
        self.resume(seat);
        self.sever(seat);
    }

    /// Has it gone on?
    pub(super) fn poll(&mut self) {
        let now = self.agenda.now();
        let healed_at = self.healed_at.unwrap_or(now);
        let honest = self.nodes.iter().filter(|node| !node.is_byzantine());
        let behind =
            honest.min_by_key(|node| node.disk.stored()).map(|node| (node.place, node.disk.stored()));
        match behind {
            Some((place, height)) if height < self.goal => {
                if now > healed_at + PROGRESS_WITHIN {
                    let why = format!("{place} has stored height {height} of {}", self.goal);
                    return self.accuse("liveness", why);
                }
            }
            _ => {
                self.trace.note(now, format_args!("everybody has height {}", self.goal));
                self.converged_at = Some(now);
                self.is_over = true;
                return;
            }
        }
        self.agenda.after(50 * MILLISECOND, Event::Poll);
    }
}
