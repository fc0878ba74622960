//! What validators cost: random numbers and signatures beside other crates, draws of leaders, memory.
//!
//! One thread. Keys and inputs of the VRF change with each call, since the time of one depends on how many hashes are tried
//! until one is a point. `leader` is a point of the line found; `leader and its hash` makes the point too. Points are made
//! beforehand, so that each search begins where the caches are not.

mod draws;
mod memory;
mod proofs;

use super::Plan;
use crate::record::Row;
use crate::sample::Samples;
use crate::scenario::{self, Scenario};
use crate::{AnyError, versions};

const ROUNDS: usize = 9;

/// Measures everything, the sides of each scenario in turns.
pub(crate) fn run(plan: Plan) -> Result<Vec<Row>, AnyError> {
    let mut samples = Samples::default();
    for package in [proofs::VRF_RFC9381, proofs::ZEBRA] {
        samples.set_version(package, &versions::locked(package)?);
    }
    for side in [draws::LINEAR, draws::TREE, draws::REBUILT, draws::HASH_ALONE, memory::FACTS] {
        samples.set_version(side, "of the bench");
    }
    proofs::measure(plan, &mut samples);
    draws::measure(plan, &mut samples);
    memory::measure(plan, &mut samples)?;
    let scenarios: Vec<Scenario> = [proofs::SCENARIOS, draws::SCENARIOS, memory::SCENARIOS].concat();
    scenario::rows(&scenarios, &samples)
}
