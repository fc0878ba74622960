//! The links between machines: one each way for each pair, with a connection that can break.
//!
//! # Model
//! Messages on one connection arrive in order, but for those that are reordered on purpose. A blocked link
//! loses what is sent; a clogged one holds it. When a connection breaks, what is under way on it is lost.
//!
//! # Limits
//! A link holds [`HELD_MAX`] messages; more are lost, like on a transport whose queue is full.

use super::agenda::{MILLISECOND, Nanos};
use super::node::{SEATS_MAX, Seat};
use super::options::NetworkOptions;
use super::random::{Concern, Random};

/// Messages under way on one link.
pub(super) const HELD_MAX: u32 = 4_096;
/// Whatever takes longer is late: the shortest time after which a follower misses its leader.
const LATE: Nanos = 150 * MILLISECOND;

#[derive(Clone, Debug, Default)]
struct Link {
    /// Partitions that this link is part of.
    blocks: u32,
    clogged_until: Nanos,
    /// Arrival of the last message that keeps its order.
    last: Nanos,
    /// Arrival of the latest of those that do not.
    straggler: Nanos,
    connection: u32,
    messages: u32,
    bytes: usize,
}

/// What became of messages that did not arrive once, in order and soon.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fates {
    /// Lost, although the link worked.
    pub(super) lost: u64,
    /// Sent into a blocked or a full link.
    pub(super) cut: u64,
    /// They came twice.
    pub(super) doubled: u64,
    /// They arrive before one that was sent earlier.
    pub(super) overtaking: u64,
    /// A clogged link held them.
    pub(super) held: u64,
    /// They are on their way for longer than a leader's heartbeat takes to be missed.
    pub(super) late: u64,
}

impl Fates {
    /// Each with its name among the things that happened.
    pub(super) const fn named(self) -> [(&'static str, u64); 6] {
        [
            ("lost message", self.lost),
            ("cut message", self.cut),
            ("doubled message", self.doubled),
            ("overtaking message", self.overtaking),
            ("held message", self.held),
            ("late message", self.late),
        ]
    }
}

/// All links.
#[derive(Debug)]
pub(super) struct Network {
    links: Vec<Link>,
    random: Random,
    pub(super) options: NetworkOptions,
    fates: Fates,
}

impl Network {
    pub(super) fn new(seed: u64, options: NetworkOptions) -> Self {
        let links = vec![Link::default(); SEATS_MAX * SEATS_MAX];
        Self { links, random: Random::of(seed, Concern::Network), options, fates: Fates::default() }
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
        if link.blocks > 0 || link.messages >= HELD_MAX {
            self.fates.cut += 1;
            return [None, None];
        }
        if is_lost {
            self.fates.lost += 1;
            return [None, None];
        }
        self.fates.doubled += u64::from(is_twice);
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
        let is_held = link.clogged_until > now + way;
        let mut at = (now + way).max(link.clogged_until);
        let mut is_overtaking = false;
        if is_overtaken {
            link.straggler = link.straggler.max(at);
        } else {
            at = at.max(link.last);
            link.last = at;
            is_overtaking = at < link.straggler;
        }
        self.fates.held += u64::from(is_held);
        self.fates.overtaking += u64::from(is_overtaking);
        self.fates.late += u64::from(at > now + LATE);
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
        (link.last, link.straggler) = (0, 0);
    }

    /// No partition, no clog, no loss from now on.
    pub(super) fn heal(&mut self) {
        for link in &mut self.links {
            link.blocks = 0;
            link.clogged_until = 0;
            link.connection += 1;
            (link.last, link.straggler) = (0, 0);
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

    /// What became of messages so far.
    pub(super) const fn fates(&self) -> Fates {
        self.fates
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::options::Options;
    use crate::sim::random::MILLION;

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
        assert_eq!(network.fates().cut, 1);
    }

    #[test]
    fn a_full_link_loses_what_comes_on_top() {
        let mut network = network();
        for _ in 0..HELD_MAX {
            assert!(network.send(0, 0, 1, 1)[0].is_some());
        }
        assert_eq!(network.send(0, 0, 1, 1), [None, None]);
    }

    #[test]
    fn what_becomes_of_messages_is_counted() {
        let mut network = network();
        let options = network.options.clone();
        network.send(0, 0, 1, 1);
        assert_eq!(network.fates().named().map(|(_, count)| count), [0; 6]);
        network.options = NetworkOptions { loss: MILLION, ..options.clone() };
        network.send(0, 0, 1, 1);
        assert_eq!(network.fates().lost, 1);
        network.options = NetworkOptions { duplicates: MILLION, ..options.clone() };
        network.send(0, 0, 1, 1);
        assert_eq!(network.fates().doubled, 1);
        network.clog(0, 2, LATE * 2);
        network.options = options.clone();
        network.send(0, 0, 2, 1);
        assert_eq!((network.fates().held, network.fates().late), (1, 1));
        network.options = NetworkOptions { reordered: MILLION, reordered_by: 1 << 40, ..options.clone() };
        for _ in 0..8 {
            let _ = network.send(0, 0, 3, 1);
        }
        assert_eq!(network.fates().overtaking, 0, "these come late, and nothing before them yet");
        network.options = options;
        network.send(0, 0, 3, 1);
        assert_eq!(network.fates().overtaking, 1);
    }
}
