//! The links between machines: one each way for each pair, with a connection that can break.
//!
//! # Model
//! Messages on one connection arrive in order, but for those that are reordered on purpose. A blocked link
//! loses what is sent; a clogged one holds it. When a connection breaks, what is under way on it is lost.
//!
//! # Limits
//! A link holds [`HELD_MAX`] messages; more are lost, like on a transport whose queue is full.

use super::agenda::Nanos;
use super::node::{SEATS_MAX, Seat};
use super::options::NetworkOptions;
use super::random::{Concern, Random};

/// Messages under way on one link.
pub(super) const HELD_MAX: u32 = 4_096;

#[derive(Clone, Debug, Default)]
struct Link {
    /// Partitions that this link is part of.
    blocks: u32,
    clogged_until: Nanos,
    /// Arrival of the last message that keeps its order.
    last: Nanos,
    connection: u32,
    messages: u32,
    bytes: usize,
}

/// All links.
#[derive(Debug)]
pub(super) struct Network {
    links: Vec<Link>,
    random: Random,
    pub(super) options: NetworkOptions,
    lost: u64,
}

impl Network {
    pub(super) fn new(seed: u64, options: NetworkOptions) -> Self {
        let links = vec![Link::default(); SEATS_MAX * SEATS_MAX];
        Self { links, random: Random::of(seed, Concern::Network), options, lost: 0 }
    }

    fn link(&mut self, from: Seat, to: Seat) -> &mut Link {
        &mut self.links[from * SEATS_MAX + to]
    }

    /// The connection that a message goes out on.
    pub(super) fn connection(&self, from: Seat, to: Seat) -> u32 {
        self.links[from * SEATS_MAX + to].connection
    }

    /// Sends a message of `bytes`: when it arrives, and when once more. `None` twice if it is lost.
    pub(super) fn send(&mut self, now: Nanos, from: Seat, to: Seat, bytes: usize) -> [Option<Nanos>; 2] {
        let is_lost = self.random.chance(self.options.loss);
        let is_twice = self.random.chance(self.options.duplicates);
        let link = self.link(from, to);
        if is_lost || link.blocks > 0 || link.messages >= HELD_MAX {
            self.lost += 1;
            return [None, None];
        }
        let first = self.arrival(now, from, to, bytes);
        let second = is_twice.then(|| self.arrival(now, from, to, bytes));
        [Some(first), second]
    }

    fn arrival(&mut self, now: Nanos, from: Seat, to: Seat, bytes: usize) -> Nanos {
        let mut way = self.latency();
        let is_overtaken = self.random.chance(self.options.reordered);
        if is_overtaken {
            way += self.random.below(self.options.reordered_by);
        }
        let link = self.link(from, to);
        link.messages += 1;
        link.bytes += bytes;
        let mut at = (now + way).max(link.clogged_until);
        if !is_overtaken {
            at = at.max(link.last);
            link.last = at;
        }
        at
    }

    /// A way of a message, as long as they are now.
    pub(super) fn latency(&mut self) -> Nanos {
        self.random.skewed(self.options.latency_min, self.options.latency_max)
    }

    /// A message leaves its link. `false` if its connection broke meanwhile.
    pub(super) fn arrive(&mut self, from: Seat, to: Seat, connection: u32, bytes: usize) -> bool {
        let link = self.link(from, to);
        link.messages -= 1;
        link.bytes -= bytes;
        link.connection == connection
    }

    /// Whether nothing gets through.
    pub(super) fn is_blocked(&self, from: Seat, to: Seat) -> bool {
        self.links[from * SEATS_MAX + to].blocks > 0
    }

    pub(super) fn block(&mut self, from: Seat, to: Seat) {
        self.link(from, to).blocks += 1;
    }

    /// Ends one block of a link; its connection is a new one.
    pub(super) fn unblock(&mut self, from: Seat, to: Seat) {
        let link = self.link(from, to);
        link.blocks = link.blocks.saturating_sub(1);
        self.sever(from, to);
    }

    pub(super) fn clog(&mut self, from: Seat, to: Seat, until: Nanos) {
        let link = self.link(from, to);
        link.clogged_until = link.clogged_until.max(until);
    }

    /// What is under way on this link is lost.
    pub(super) fn sever(&mut self, from: Seat, to: Seat) {
        let link = self.link(from, to);
        link.connection += 1;
        link.last = 0;
    }

    /// No partition, no clog, no loss from now on.
    pub(super) fn heal(&mut self) {
        for link in &mut self.links {
            link.blocks = 0;
            link.clogged_until = 0;
            link.connection += 1;
            link.last = 0;
        }
        self.options.loss = 0;
        self.options.duplicates = 0;
        self.options.reordered = 0;
    }

    /// Messages and bytes under way on one link.
    pub(super) fn held(&self, from: Seat, to: Seat) -> (u32, usize) {
        let link = &self.links[from * SEATS_MAX + to];
        (link.messages, link.bytes)
    }

    /// Messages that were lost.
    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::options::Options;

    fn network() -> Network {
        let mut options = Options::of(1).network;
        (options.loss, options.duplicates, options.reordered) = (0, 0, 0);
        Network::new(1, options)
    }

    #[test]
    fn messages_of_one_link_arrive_in_order_unless_it_breaks() {
        let mut network = network();
        let connection = network.connection(0, 1);
        let arrivals: Vec<Nanos> = (0..100).filter_map(|now| network.send(now, 0, 1, 10)[0]).collect();
        assert!(arrivals.is_sorted());
        assert_eq!(network.held(0, 1), (100, 1_000));
        assert!(network.arrive(0, 1, connection, 10));
        network.sever(0, 1);
        assert!(!network.arrive(0, 1, connection, 10));
    }

    #[test]
    fn a_blocked_link_loses_one_way_only_and_two_partitions_have_to_end() {
        let mut network = network();
        network.block(0, 1);
        network.block(0, 1);
        assert_eq!(network.send(0, 0, 1, 1), [None, None]);
        assert!(network.send(0, 1, 0, 1)[0].is_some());
        network.unblock(0, 1);
        assert!(network.is_blocked(0, 1));
        network.unblock(0, 1);
        assert!(network.send(0, 0, 1, 1)[0].is_some());
        assert_eq!(network.lost(), 1);
    }

    #[test]
    fn a_full_link_loses_what_comes_on_top() {
        let mut network = network();
        for _ in 0..HELD_MAX {
            assert!(network.send(0, 0, 1, 1)[0].is_some());
        }
        assert_eq!(network.send(0, 0, 1, 1), [None, None]);
    }
}
