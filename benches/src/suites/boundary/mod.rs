//! Calls across the language boundary. Each language measures in a process of its own, its sides in turns.
//!
//! Every queue has room for 65,536 items of 256 B and copies what it is given, Python's own ones excepted.
//! An enqueue goes into an empty queue: a block of 1,000 is timed as a whole and divided, so the clock's own
//! cost vanishes, and is taken out again untimed. The p99 times single calls with the clock in between; the
//! clock's median is taken off in C and Python, but not by JMH.

mod c;
mod jvm;
mod python;

use super::Plan;
use crate::record::Row;
use crate::{AnyError, sample::Samples, scenario};

/// Measures all languages.
pub(crate) fn run(plan: Plan) -> Result<Vec<Row>, AnyError> {
    let mut samples = Samples::default();
    c::measure(plan, &mut samples)?;
    jvm::measure(plan, &mut samples)?;
    python::measure(plan, &mut samples)?;
    scenario::rows(&[c::SCENARIOS, jvm::SCENARIOS, python::SCENARIOS].concat(), &samples)
}
