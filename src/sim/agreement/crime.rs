//! What the world lets actors do.

use super::byzantine::{Actor, Deed, Stage};
use super::event::{Local, Parcel};
use super::world::World;
use crate::sim::node::Seat;
use std::sync::Arc;

impl World {
    /// Lets the actor of a seat do what it likes.
    pub(super) fn perform(&mut self, seat: Seat, play: impl FnOnce(&mut dyn Actor, &mut Stage<'_>)) {
        let Some(mut actor) = self.nodes[seat].actor.take() else { return };
        let mut stage = Stage {
            place: self.nodes[seat].place,
            window: self.options.window,
            interval: self.options.interval,
            random: &mut self.actor_random,
            facts: &self.facts,
            deeds: Vec::new(),
        };
        play(&mut *actor, &mut stage);
        let deeds = stage.deeds;
        self.nodes[seat].actor = Some(actor);
        deeds.into_iter().for_each(|deed| self.commit(seat, deed));
    }

    fn commit(&mut self, seat: Seat, deed: Deed) {
        match deed {
            Deed::Say(to, message, 0) => self.post_all(seat, to, &message),
            Deed::Say(to, message, after) => self.later(seat, after, Local::Late(to, message)),
            Deed::Send(to, bytes) => {
                let peers = (0..self.nodes.len()).filter(|peer| self.nodes[*peer].place == to);
                for peer in peers.collect::<Vec<_>>() {
                    let length = bytes.len();
                    self.send(seat, peer, Parcel::Said(Arc::clone(&bytes), None), length);
                }
            }
            Deed::Publish(block) => {
                let block = self.publish(block);
                self.nodes[seat].disk.keep(block);
            }
            Deed::Forget => {
                self.nodes[seat].disk.forget();
                self.crash(seat, "amnesia");
                self.nodes[seat].disk.forget();
            }
        }
    }

    /// Now and then an actor does something by itself.
    pub(super) fn act(&mut self, seat: Seat) {
        if self.nodes[seat].actor.is_some() {
            self.later(seat, self.options.interval / 2, Local::Act);
            self.perform(seat, |actor, stage| actor.act(stage));
        }
    }
}
