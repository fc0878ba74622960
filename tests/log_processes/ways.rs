//! How a scenario uses the product: its nodes by a draw for each scenario, its clients by one for each value.
//!
//! A scenario's draw depends on its name, and on `DUO_LOG_DRAW=number` where other ones are wanted.

use super::history::digest;

/// What the nodes of a scenario are told of it, beside their place.
pub(crate) const WAYS: &str = "DUO_LOG_WAYS";

/// How the nodes of a scenario are set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ways {
    /// Every connection has certificates.
    pub(crate) tls: bool,
    /// The host gives snapshots every few hundred entries, and little more of the log than these cover is kept.
    pub(crate) snapshots: bool,
    /// Values take kilobytes, so that files are filled. Nobody draws it.
    pub(crate) large: bool,
}

impl Ways {
    /// Everything that there is in this build.
    pub(crate) const ALL: Self = Self { tls: cfg!(feature = "tls"), snapshots: true, large: false };

    /// What a scenario draws.
    pub(crate) fn drawn(name: &str) -> Self {
        let text = std::env::var("DUO_LOG_DRAW").unwrap_or_else(|_| "0".to_owned());
        let draw = text.parse().unwrap_or_else(|_| panic!("DUO_LOG_DRAW={text}: no number"));
        let roll = name.bytes().fold(draw, |before, byte| digest(before, byte.into()));
        Self { tls: Self::ALL.tls && roll & 1 == 1, snapshots: roll & 2 == 2, large: false }
    }

    /// The same without snapshots: for who counts on all of the log.
    pub(crate) const fn with_the_whole_log(self) -> Self {
        Self { snapshots: false, ..self }
    }

    /// For [`WAYS`].
    pub(crate) fn text(self) -> String {
        let names = [("tls", self.tls), ("snapshots", self.snapshots), ("large", self.large)];
        let names: Vec<_> = names.into_iter().filter(|(_, is_on)| *is_on).map(|(name, _)| name).collect();
        names.join(" ")
    }

    pub(crate) fn parse(text: &str) -> Self {
        let has = |wanted| text.split(' ').any(|word| word == wanted);
        Self { tls: has("tls"), snapshots: has("snapshots"), large: has("large") }
    }
}

/// How a value is handed over, and by what a repetition of it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manner {
    /// By the session of who appends it, and the value as its number.
    pub(crate) has_origin: bool,
    /// By 32 bytes made of the value.
    pub(crate) has_id: bool,
    /// One of [`HOW`].
    pub(crate) how: &'static str,
}

/// A batch of its own, or an entry among those of others that waits for a level; `!`: in the critical lane. Often the usual
/// ones, and seldom the one that waits for who is away.
const HOW: [&str; 16] = [
    "batch", "batch", "batch", "batch", "quorum", "quorum", "quorum", "quorum", "quorum", "quorum!",
    "quorum!", "quorum!", "local", "local", "local!", "all",
];

impl Manner {
    /// One that says as much as it can.
    pub(crate) const PLAIN: Self = Self { has_origin: true, has_id: true, how: HOW[0] };

    /// What a client draws for one value. Who `repeats` has it known by something.
    pub(crate) fn drawn(roll: u64, repeats: bool) -> Self {
        let how = HOW[(roll >> 8) as usize % HOW.len()];
        let (has_origin, has_id) = match roll % 4 {
            0 => (true, false),
            1 => (false, true),
            2 => (true, true),
            _ => (repeats, false),
        };
        Self { has_origin, has_id, how }
    }
}

#[test]
fn scenarios_draw_all_ways_and_their_nodes_read_what_they_drew() {
    let drawn: Vec<Ways> = ('a'..='z').map(|name| Ways::drawn(&name.to_string())).collect();
    for snapshots in [false, true] {
        for tls in [false, Ways::ALL.tls] {
            assert!(drawn.contains(&Ways { tls, snapshots, large: false }), "{drawn:?}");
        }
    }
    let large = Ways { large: true, ..Ways::ALL };
    assert!(drawn.iter().chain([&large]).all(|ways| Ways::parse(&ways.text()) == *ways));
}

#[test]
fn clients_draw_all_manners_and_who_repeats_is_known() {
    let drawn = |repeats| (0..4_000).map(move |roll| Manner::drawn(digest(7, roll), repeats));
    for how in HOW {
        assert!(
            drawn(false).any(|manner| manner.how == how && !manner.has_origin && !manner.has_id),
            "{how}"
        );
        assert!(drawn(true).any(|manner| manner.how == how && manner.has_origin && manner.has_id), "{how}");
    }
    assert!(drawn(true).all(|manner| manner.has_origin || manner.has_id));
}
