//! Raft, figure 8, for both sides: a majority holds an entry of an earlier term, and none of the leader's own.
//!
//! Chance does not come here within a few hundred schedules, because what a leader sends to one that is behind
//! holds its own first entry too.

use crate::ours::Ours;
use crate::side::{Down, Side, State};
use crate::theirs::Theirs;
use duochain::raft::Mutant;

/// All links of these.
fn alone(some: &[u64]) -> Down {
    some.iter().flat_map(|one| (1..=3).flat_map(move |other| [(*one, other), (other, *one)])).collect()
}

fn deliver(side: &mut dyn Side, down: &Down) {
    while side.deliver(down) {}
}

/// Node 2 as the leader of the second term: it and node 1 hold an entry of the first one.
fn play(side: &mut dyn Side) -> State {
    side.campaign(1);
    deliver(side, &Down::new());
    side.beat(1);
    deliver(side, &Down::new());
    // Node 2 gets it, and node 1 never hears that it did.
    side.propose(1, 1, 7);
    deliver(side, &[(2, 1), (1, 3), (3, 1)].into());
    side.campaign(2);
    for _ in ["question", "answer", "request", "vote"] {
        side.deliver(&alone(&[1]));
    }
    assert!(side.see(2).leads);
    // Its own first entry is lost.
    deliver(side, &alone(&[1, 2, 3]));
    side.beat(2);
    side.deliver(&alone(&[3]));
    // Node 1 is in the second term. From here on, what it gets is not durable.
    side.stall(1);
    deliver(side, &alone(&[3]));
    side.see(2)
}

/// What the leader is on both sides: ours, theirs.
pub(crate) fn figure_8(mutant: Option<Mutant>) -> (State, State) {
    (play(&mut Ours::new(3, 0, mutant)), play(&mut Theirs::new(3, 0)))
}
