//! What a seed stands for: the validators, their host, the network, and what breaks how often.

use super::byzantine::Sin;
use super::faults::FaultKind;
use crate::bft::Powers;
use crate::sim::agenda::{MICROSECOND, MILLISECOND, Nanos, SECOND};
use crate::sim::options::{NetworkOptions, Span, percent};
use crate::sim::random::{Concern, MILLION, Random};
use crate::types::ValidatorIndex;
use std::fmt;

/// How long hosts take.
#[derive(Clone, Debug)]
pub struct HostOptions {
    /// Shortest sync of a disk, in nanoseconds.
    pub sync_min: Nanos,
    /// Longest sync.
    pub sync_max: Nanos,
    /// How many times slower one of the disks is; 1 for none.
    pub slowness: u64,
    /// Longest answer of a signer.
    pub signing_max: Nanos,
    /// Longest making of a block.
    pub building_max: Nanos,
    /// Longest check of a block.
    pub checking_max: Nanos,
    /// Whether logs of votes are cut as soon as they may be.
    pub is_tidy: bool,
}

/// The options of one run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where all of it comes from.
    pub seed: u64,
    /// The power of each validator: 4, 5, 7 or 10 of them.
    pub powers: Vec<u64>,
    /// Power that may be silent on the fast path.
    pub slack: u128,
    /// Heights that are agreed on at the same time.
    pub window: usize,
    /// Time between two blocks, in nanoseconds.
    pub interval: Nanos,
    /// How long a body may take to arrive and to be checked, as the core is told.
    pub execution: Nanos,
    /// What a round trip is taken for before any was measured.
    pub round_trip: Nanos,
    /// Whether everybody leads in turn, rather than by lot.
    pub is_in_turn: bool,
    /// Whether signatures are real ones, rather than cheap ones.
    pub is_ed25519: bool,
    /// Length of the phase in which things break, in nanoseconds.
    pub safety_phase: Nanos,
    /// Blocks that have to become final everywhere after healing.
    pub progress: u64,
    /// Clocks are fast or slow by up to so many millionths.
    pub drift_max: i64,
    /// Dates are off by up to so many nanoseconds.
    pub skew_max: Nanos,
    /// Who lies, and how: of less power altogether than may.
    pub sinners: Vec<(ValidatorIndex, Sin)>,
    /// The network.
    pub network: NetworkOptions,
    /// The hosts.
    pub host: HostOptions,
    /// Mean time between two faults of a kind, in nanoseconds; what is not here does not happen.
    pub faults: Vec<(FaultKind, Nanos)>,
}

impl Options {
    /// The options that `seed` stands for.
    pub fn of(seed: u64) -> Self {
        let random = &mut Random::of(seed, Concern::Options);
        let count = random.pick(&[4, 4, 4, 5, 7, 10]);
        let powers = powers(random, count);
        let total: u128 = powers.iter().copied().map(u128::from).sum();
        // At least one validator of the smallest power may lie, mostly.
        let slack = random.pick(&[0, 0, total / 20, total / 7]);
        let interval = random.pick(&[100, 300, 1_000]) * MILLISECOND;
        let safety_phase = interval * random.between(12, 40);
        let network = network(random);
        let host = host(random);
        Self {
            seed,
            slack,
            window: random.pick(&[2, 8]),
            interval,
            execution: random.pick(&[50, 200]) * MILLISECOND,
            round_trip: random.pick(&[10, 100]) * MILLISECOND,
            // Power says nothing of turns: whoever has most of it would lead as rarely as all others.
            is_in_turn: powers.iter().all(|power| *power == powers[0]) && random.chance(MILLION / 2),
            is_ed25519: random.chance(MILLION / 50),
            safety_phase,
            progress: random.between(3, 6),
            drift_max: random.pick(&[0, 100, 20_000]),
            skew_max: random.pick(&[0, 50 * MILLISECOND, 2 * SECOND]),
            sinners: sinners(random, &powers, slack),
            powers,
            network,
            host,
            faults: faults(random, safety_phase),
        }
    }

    /// Who votes with how much power.
    pub(super) fn powers(&self) -> Powers {
        Powers::new(self.powers.clone(), self.slack).expect("these powers have quorums")
    }
}

fn powers(random: &mut Random, count: usize) -> Vec<u64> {
    match random.below(4) {
        0 | 1 => vec![1; count],
        2 => (0..count).map(|_| random.skewed(1, 40)).collect(),
        _ => (0..count).map(|_| random.between(1_000_000, 3_000_000)).collect(),
    }
}

/// In half of the runs, as many as may lie, as they come.
fn sinners(random: &mut Random, powers: &[u64], slack: u128) -> Vec<(ValidatorIndex, Sin)> {
    let mut sinners = Vec::new();
    let is_honest = random.chance(MILLION / 2);
    let favourite = random.pick(&Sin::ALL);
    let thresholds = *Powers::new(powers.to_vec(), slack).expect("these powers have quorums").thresholds();
    let mut left = thresholds.faulty();
    let first = random.below(powers.len() as u64) as usize;
    for place in (0..powers.len()).map(|place| (first + place) % powers.len()) {
        let sin = if random.chance(MILLION / 2) { favourite } else { random.pick(&Sin::ALL) };
        let power = u128::from(powers[place]);
        if !is_honest && power <= left {
            left -= power;
            sinners.push((ValidatorIndex::new(place as u16), sin));
        }
    }
    sinners
}

fn network(random: &mut Random) -> NetworkOptions {
    let latency_min = random.pick(&[100 * MICROSECOND, MILLISECOND, 10 * MILLISECOND]);
    let is_lossy = random.chance(MILLION / 2);
    let mut rate = |max: u64| if is_lossy { random.below(max) as u32 } else { 0 };
    let (loss, duplicates, reordered) = (rate(200_000), rate(50_000), rate(100_000));
    // A storm: hardly anybody hears of all votes, and what is decided is decided over many views.
    let loss = if random.chance(MILLION / 4) { random.between(300_000, 700_000) as u32 } else { loss };
    NetworkOptions {
        latency_min,
        latency_max: latency_min * random.pick(&[2, 10]),
        loss,
        duplicates,
        reordered,
        reordered_by: random.pick(&[20 * MILLISECOND, 500 * MILLISECOND, 10 * SECOND]),
    }
}

fn host(random: &mut Random) -> HostOptions {
    let sync_min = random.pick(&[30 * MICROSECOND, 200 * MICROSECOND, 2 * MILLISECOND]);
    HostOptions {
        sync_min,
        sync_max: sync_min * random.pick(&[2, 10, 30]),
        slowness: random.pick(&[1, 1, 10, 100]),
        signing_max: random.pick(&[0, MILLISECOND, 20 * MILLISECOND]),
        building_max: random.pick(&[MILLISECOND, 20 * MILLISECOND]),
        checking_max: random.pick(&[MILLISECOND, 20 * MILLISECOND, SECOND]),
        is_tidy: random.chance(MILLION / 2),
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

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (network, host, powers) = (&self.network, &self.host, self.powers());
        let thresholds = powers.thresholds();
        writeln!(
            f,
            "seed {}: powers {:?}, {} may lie, {} may be silent, window {}, a block every {}, leaders {}, {} signatures, {} of faults, \
             then healed and {} more blocks",
            self.seed,
            self.powers,
            thresholds.faulty(),
            thresholds.slack(),
            self.window,
            Span(self.interval),
            if self.is_in_turn { "in turn" } else { "by lot" },
            if self.is_ed25519 { "Ed25519" } else { "cheap" },
            Span(self.safety_phase),
            self.progress
        )?;
        writeln!(
            f,
            "  network: {} to {}, lost {:.1} %, twice {:.1} %, overtaken {:.1} % by up to {}; clocks off by up to {} ppm \
             and {}; taken for a round trip {}, for execution {}",
            Span(network.latency_min),
            Span(network.latency_max),
            percent(network.loss),
            percent(network.duplicates),
            percent(network.reordered),
            Span(network.reordered_by),
            self.drift_max,
            Span(self.skew_max),
            Span(self.round_trip),
            Span(self.execution)
        )?;
        writeln!(
            f,
            "  hosts: syncs of {} to {}, one of them {} times that, up to {} to sign, {} to build, {} to check, logs {}",
            Span(host.sync_min),
            Span(host.sync_max),
            host.slowness,
            Span(host.signing_max),
            Span(host.building_max),
            Span(host.checking_max),
            if host.is_tidy { "cut" } else { "kept" }
        )?;
        for (place, sin) in &self.sinners {
            writeln!(f, "  {place}: {}", sin.name())?;
        }
        write!(f, "  faults:")?;
        for (kind, mean) in &self.faults {
            write!(f, " {} every {},", kind.name(), Span(*mean))?;
        }
        write!(f, " nothing else")
    }
}
