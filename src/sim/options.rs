//! What a seed stands for: the cluster, its load, its limits, and what breaks how often.

use super::agenda::{MICROSECOND, MILLISECOND, Nanos, SECOND};
use super::faults::FaultKind;
use super::random::{Concern, MILLION, Random};
use std::fmt;

/// How the network behaves while nothing breaks.
#[derive(Clone, Debug)]
pub struct NetworkOptions {
    /// Shortest way of a message, in nanoseconds.
    pub latency_min: Nanos,
    /// Longest way of a message.
    pub latency_max: Nanos,
    /// Messages lost, in a million.
    pub loss: u32,
    /// Messages that come twice, in a million.
    pub duplicates: u32,
    /// Messages that later ones may overtake, in a million.
    pub reordered: u32,
    /// How late those may be, in nanoseconds.
    pub reordered_by: Nanos,
}

/// How disks behave while nothing breaks.
#[derive(Clone, Debug)]
pub struct DiskOptions {
    /// Shortest sync, in nanoseconds.
    pub sync_min: Nanos,
    /// Longest sync.
    pub sync_max: Nanos,
    /// How many times slower one of the disks is; 1 for none.
    pub slowness: u64,
    /// Shortest stall, in nanoseconds, where stalls are among the faults.
    pub stall_min: Nanos,
    /// Longest stall.
    pub stall_max: Nanos,
}

/// Limits of the core under test.
#[derive(Clone, Debug)]
pub struct RaftOptions {
    /// Bytes of one append.
    pub append_bytes_max: usize,
    /// Appends under way to a follower.
    pub inflight_appends_max: usize,
    /// Bytes of frames in memory, and half of it uncommitted.
    pub window_bytes_max: usize,
    /// Longest wait for a disk, in nanoseconds.
    pub disk_stall_max: Nanos,
}

/// The options of one run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where all of it comes from.
    pub seed: u64,
    /// Voters at the beginning: 3, 4, 5 or 7.
    pub voters: u64,
    /// Clients.
    pub clients: u64,
    /// Length of the phase in which things break, in nanoseconds.
    pub safety_phase: Nanos,
    /// Longest pause of a client between two operations.
    pub think_max: Nanos,
    /// Reads among the operations, in a million.
    pub reads: u32,
    /// Most bytes that make an entry longer.
    pub padding_max: u64,
    /// How long a host collects entries for a batch.
    pub batch_delay: Nanos,
    /// A host takes a snapshot when so many entries were applied since the last one.
    pub snapshot_every: u64,
    /// How long a session lives unused, in nanoseconds of log time.
    pub session_time_to_live: Nanos,
    /// Clocks are fast or slow by up to so many millionths.
    pub drift_max: i64,
    /// The network.
    pub network: NetworkOptions,
    /// The disks.
    pub disk: DiskOptions,
    /// The core.
    pub raft: RaftOptions,
    /// Mean time between two faults of a kind, in nanoseconds; what is not here does not happen.
    pub faults: Vec<(FaultKind, Nanos)>,
}

/// The longest safety phase of most runs.
const USUAL_MAX: Nanos = 5 * SECOND;
/// Runs with a longer one, in a million.
const LONG: u32 = MILLION / 40;

impl Options {
    /// The options that `seed` stands for.
    pub fn of(seed: u64) -> Self {
        let random = &mut Random::of(seed, Concern::Options);
        let safety_phase = random.between(2 * SECOND, USUAL_MAX);
        let mut options = Self {
            seed,
            voters: random.pick(&[3, 3, 3, 4, 5, 5, 7]),
            clients: random.pick(&[1, 2, 3, 5, 12]),
            safety_phase,
            think_max: random.pick(&[2, 10, 40, 150]) * MILLISECOND,
            reads: random.pick(&[0, MILLION / 10, MILLION / 2]),
            padding_max: random.pick(&[0, 64, 400, 2_000]),
            batch_delay: random.pick(&[0, 200 * MICROSECOND, 2 * MILLISECOND]),
            snapshot_every: random.pick(&[8, 30, 100, 1_000_000]),
            session_time_to_live: random.pick(&[300 * MILLISECOND, 3 * SECOND, 3_600 * SECOND]),
            drift_max: random.pick(&[0, 100, 20_000]),
            network: network(random),
            disk: disk(random),
            raft: raft(random),
            faults: faults(random, safety_phase),
        };
        if random.chance(LONG) {
            options.lengthen(random);
        }
        options
    }

    /// A safety phase in which even the longest stall of a disk comes to its end. Load and faults become as much rarer, so
    /// that the run is not much more work.
    fn lengthen(&mut self, random: &mut Random) {
        let before = std::mem::replace(&mut self.safety_phase, random.between(40 * SECOND, 70 * SECOND));
        let times = self.safety_phase / before;
        self.think_max = (self.think_max * times).max(SECOND / 2);
        // A session that is always over when its client comes back would never append anything.
        self.session_time_to_live *= times;
        self.faults.iter_mut().for_each(|(_, mean)| *mean *= times);
        self.faults.retain(|(kind, _)| *kind != FaultKind::DiskStall);
        self.faults.push((FaultKind::DiskStall, self.safety_phase / 6));
        self.disk.stall_min = 3 * SECOND;
    }

    /// Whether it has a long safety phase.
    pub const fn is_long(&self) -> bool {
        self.safety_phase > USUAL_MAX
    }
}

fn network(random: &mut Random) -> NetworkOptions {
    let latency_min = random.pick(&[20 * MICROSECOND, 100 * MICROSECOND, MILLISECOND]);
    let is_lossy = random.chance(MILLION / 2);
    let mut rate = |max: u64| if is_lossy { random.below(max) as u32 } else { 0 };
    let (loss, duplicates, reordered) = (rate(60_000), rate(50_000), rate(100_000));
    NetworkOptions {
        latency_min,
        latency_max: latency_min * random.pick(&[2, 10, 40]),
        loss,
        duplicates,
        reordered,
        reordered_by: random.pick(&[MILLISECOND, 20 * MILLISECOND, 200 * MILLISECOND]),
    }
}

fn disk(random: &mut Random) -> DiskOptions {
    let sync_min = random.pick(&[30 * MICROSECOND, 200 * MICROSECOND, 2 * MILLISECOND]);
    DiskOptions {
        sync_min,
        sync_max: sync_min * random.pick(&[2, 10, 30]),
        slowness: random.pick(&[1, 1, 1, 10, 40]),
        stall_min: 100 * MILLISECOND,
        stall_max: 30 * SECOND,
    }
}

fn raft(random: &mut Random) -> RaftOptions {
    RaftOptions {
        append_bytes_max: random.pick(&[64, 1 << 10, 64 << 10]),
        inflight_appends_max: random.pick(&[1, 3, 64]),
        window_bytes_max: random.pick(&[32 << 10, 256 << 10, 4 << 20]),
        disk_stall_max: random.pick(&[400, 1_000, 3_000]) * MILLISECOND,
    }
}

/// Each kind of fault happens in some runs only, so that a run is not always all of them at once.
fn faults(random: &mut Random, safety_phase: Nanos) -> Vec<(FaultKind, Nanos)> {
    let share = random.pick(&[0, MILLION / 5, MILLION / 3, MILLION / 2, MILLION]);
    let mut chosen = Vec::new();
    for kind in FaultKind::ALL {
        let mean = random.skewed(safety_phase / 32, safety_phase);
        if random.chance(share) {
            chosen.push((kind, mean));
        }
    }
    chosen
}

/// Parts of a million as a percentage.
pub(super) fn percent(part: u32) -> f64 {
    f64::from(part) / 10_000.0
}

/// A span in the unit in which it is shortest.
pub(super) struct Span(pub(super) Nanos);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            nanos if nanos >= SECOND => write!(f, "{:.1} s", nanos as f64 / SECOND as f64),
            nanos if nanos >= MILLISECOND => write!(f, "{} ms", nanos / MILLISECOND),
            nanos => write!(f, "{} us", nanos / MICROSECOND),
        }
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (network, disk, raft) = (&self.network, &self.disk, &self.raft);
        writeln!(
            f,
            "seed {}: {} voters, {} clients, {} of faults, then healed",
            self.seed,
            self.voters,
            self.clients,
            Span(self.safety_phase)
        )?;
        writeln!(
            f,
            "  load: pauses up to {}, {:.0} % reads, padding up to {} B, batches of {}, snapshots every {} entries, \
             sessions live {}, clocks off by up to {} ppm",
            Span(self.think_max),
            percent(self.reads),
            self.padding_max,
            Span(self.batch_delay),
            self.snapshot_every,
            Span(self.session_time_to_live),
            self.drift_max
        )?;
        writeln!(
            f,
            "  network: {} to {}, lost {:.1} %, twice {:.1} %, overtaken {:.1} % by up to {}",
            Span(network.latency_min),
            Span(network.latency_max),
            percent(network.loss),
            percent(network.duplicates),
            percent(network.reordered),
            Span(network.reordered_by)
        )?;
        writeln!(
            f,
            "  disk: syncs of {} to {}, one of them {} times that, stalls of {} to {}; core: appends of {} B, {} under way, \
             window {} KiB, stall {}",
            Span(disk.sync_min),
            Span(disk.sync_max),
            disk.slowness,
            Span(disk.stall_min),
            Span(disk.stall_max),
            raft.append_bytes_max,
            raft.inflight_appends_max,
            raft.window_bytes_max >> 10,
            Span(raft.disk_stall_max)
        )?;
        write!(f, "  faults:")?;
        for (kind, mean) in &self.faults {
            write!(f, " {} every {},", kind.name(), Span(*mean))?;
        }
        write!(f, " nothing else")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_seed_stands_for_the_same_options_each_time() {
        assert_eq!(Options::of(4).to_string(), Options::of(4).to_string());
        assert_ne!(Options::of(4).to_string(), Options::of(5).to_string());
    }

    #[test]
    fn a_few_hundred_seeds_have_every_size_and_every_fault() {
        let options: Vec<Options> = (0..300).map(Options::of).collect();
        let sizes: BTreeSet<u64> = options.iter().map(|options| options.voters).collect();
        assert_eq!(sizes, BTreeSet::from([3, 4, 5, 7]));
        for kind in FaultKind::ALL {
            let with =
                options.iter().filter(|options| options.faults.iter().any(|(other, _)| *other == kind));
            assert!(with.count() > 50, "{} is rare", kind.name());
        }
        assert!(options.iter().any(|options| options.faults.is_empty()), "and some are calm");
    }

    #[test]
    fn one_seed_in_forty_has_a_phase_in_which_the_longest_stall_ends() {
        let long: Vec<Options> = (0..2_000).map(Options::of).filter(Options::is_long).collect();
        assert!((25..=100).contains(&long.len()), "{} of 2,000", long.len());
        for options in long {
            let stalls = options.faults.iter().filter(|(kind, _)| *kind == FaultKind::DiskStall);
            assert_eq!(stalls.count(), 1, "{options}");
            assert!(options.safety_phase > options.disk.stall_max, "{options}");
        }
    }
}
