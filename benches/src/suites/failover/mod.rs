//! How long nobody can write after the leader was killed: three processes on loopback, SIGKILL under load.
//!
//! From the kill until a write that was begun after it is acknowledged by another node. Then the dead one is started
//! again and has caught up before the next kill. Clients write without a pause on the nodes that live: ours within
//! each process, etcd's through its HTTP gateway. The floors are not measured: they are the time between two heartbeats of
//! ours, which a leader has to be heard again before anybody campaigns, and the election timeouts, after which somebody
//! campaigns who only hears nothing. Etcd takes part where it is installed.

mod etcd;
mod node;
mod ours;

use super::{Plan, etcd as etcd_processes};
use crate::record::{Better, Row};
use crate::sample::{Samples, turns};
use crate::scenario::{self, OURS, Peer, Scenario};
use crate::{AnyError, versions};
use duochain::raft::Config;
use duochain::types::NodeId;
use etcd::Etcd;
pub(crate) use node::{NODE, run as run_node};
use ours::Ours;
use std::io::Write;

const ROUNDS: usize = 5;
/// Kills of a round.
const KILLS: usize = 20;
/// Of etcd as it is by default, which takes seconds for each.
const KILLS_OF_DEFAULT: usize = 5;

const HEARTBEAT: &str = "one heartbeat";
const SHORTEST: &str = "shortest election timeout";
const LONGEST: &str = "longest election timeout";
const FAST: &str = "etcd, 10 and 100 ms";
const DEFAULT: &str = "etcd, 100 and 1,000 ms";

// Nobody draws a shorter or a longer timeout than these; beyond it there are two elections' messages and a write.
const MEDIAN_FLOORS: [Peer; 2] =
    [Peer::floor(HEARTBEAT).ours_at_most(200.0), Peer::floor(SHORTEST).ours_at_most_above(20.0)];
const LONGEST_FLOORS: [Peer; 2] =
    [Peer::floor(HEARTBEAT).ours_at_most(400.0), Peer::floor(LONGEST).ours_at_most_above(20.0)];

const ALONE: &[Scenario] = &[
    millis("until a write, median of kills", &MEDIAN_FLOORS),
    millis("until a write, longest of all kills", &LONGEST_FLOORS),
];

// G6 of the replicated log.
const BESIDE_ETCD: &[Scenario] = &[
    millis(
        "until a write, median of kills",
        &[
            MEDIAN_FLOORS[0],
            MEDIAN_FLOORS[1],
            Peer::new(FAST).ratio_at_least(1.0),
            Peer::new(DEFAULT).ratio_at_least(6.0),
        ],
    ),
    millis(
        "until a write, longest of all kills",
        &[LONGEST_FLOORS[0], LONGEST_FLOORS[1], Peer::new(FAST), Peer::new(DEFAULT)],
    ),
];

const fn millis(name: &'static str, peers: &'static [Peer]) -> Scenario {
    Scenario { name, unit: "ms", better: Better::Lower, peers }
}

/// Three processes of which one leads, and somebody who writes.
trait Cluster {
    /// Kills who leads; milliseconds until a write that was begun afterwards is acknowledged.
    fn kill_leader(&mut self) -> Result<f64, AnyError>;

    /// Starts who was killed, and waits until it takes part.
    fn restart(&mut self) -> Result<(), AnyError>;
}

/// Kills leaders, the sides in turns.
pub(crate) fn run(plan: Plan) -> Result<Vec<Row>, AnyError> {
    let mut samples = Samples::default();
    let sides = match etcd_processes::version() {
        Some(version) => {
            [FAST, DEFAULT].iter().for_each(|side| samples.set_version(side, &version));
            &[OURS, FAST, DEFAULT][..]
        }
        None => {
            writeln!(std::io::stderr(), "failover: without etcd, which is not installed (etcd-server)")?;
            &[OURS]
        }
    };
    let version = versions::locked("duochain")?;
    [HEARTBEAT, SHORTEST, LONGEST].iter().for_each(|floor| samples.set_version(floor, &version));
    let scenarios = if sides.len() > 1 { BESIDE_ETCD } else { ALONE };
    let (median, longest) = (scenarios[0].name, scenarios[1].name);
    for round in 0..plan.rounds(ROUNDS) {
        for turn in turns(sides.len(), round) {
            let kills = plan.count(if sides[turn] == DEFAULT { KILLS_OF_DEFAULT } else { KILLS });
            for gap in measure(sides[turn], kills.max(1))? {
                samples.add(median, sides[turn], gap);
            }
        }
    }
    for side in sides {
        let worst = samples.values(median, side)?.iter().copied().fold(0.0, f64::max);
        samples.add(longest, side, worst);
    }
    let Config { heartbeat, election_min, election_max, .. } =
        Config::new(NodeId::new(1).ok_or("nodes count from 1")?);
    for (name, floor, span) in [
        (median, HEARTBEAT, heartbeat),
        (longest, HEARTBEAT, heartbeat),
        (median, SHORTEST, election_min),
        (longest, LONGEST, election_max),
    ] {
        samples.add(name, floor, span.as_secs_f64() * 1e3);
    }
    scenario::rows(scenarios, &samples)
}

fn measure(side: &str, kills: usize) -> Result<Vec<f64>, AnyError> {
    let mut cluster: Box<dyn Cluster> = match side {
        OURS => Box::new(Ours::start()?),
        FAST => Box::new(Etcd::start(10, 100)?),
        _ => Box::new(Etcd::start(100, 1_000)?),
    };
    let mut gaps = Vec::with_capacity(kills);
    for _ in 0..kills {
        gaps.push(cluster.kill_leader().map_err(|error| format!("{side}: {error}"))?);
        cluster.restart().map_err(|error| format!("{side}: {error}"))?;
    }
    Ok(gaps)
}
