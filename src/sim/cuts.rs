//! Which links a partition cuts.

use super::node::Seat;
use super::random::{MILLION, Random};

/// A link, from one machine to another.
pub(super) type Way = (Seat, Seat);

/// All links of one machine, among `seats`.
pub(super) fn around(seats: usize, seat: Seat) -> Vec<Way> {
    let others = (0..seats).filter(|other| *other != seat);
    others.flat_map(|other| [(seat, other), (other, seat)]).collect()
}

/// All links between two groups of machines.
pub(super) fn between(sides: &[bool]) -> Vec<Way> {
    let seats = 0..sides.len();
    let ways = seats.clone().flat_map(|from| seats.clone().map(move |to| (from, to)));
    ways.filter(|(from, to)| sides[*from] != sides[*to]).collect()
}

/// Two groups, as it happens.
pub(super) fn sides(random: &mut Random, seats: usize) -> Vec<bool> {
    (0..seats).map(|_| random.chance(MILLION / 2)).collect()
}

/// Links of one machine in one direction: all of them, or the one to or from another machine.
pub(super) fn one_way(random: &mut Random, seats: usize, seat: Seat) -> Vec<Way> {
    let (is_out, is_whole) = (random.chance(MILLION / 2), random.chance(MILLION / 2));
    let other = random.below(seats as u64) as Seat;
    let others = (0..seats).filter(|peer| *peer != seat && (is_whole || *peer == other));
    others.map(|peer| if is_out { (seat, peer) } else { (peer, seat) }).collect()
}
