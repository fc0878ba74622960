//! Calls across the language boundary. Each language measures in a process of its own, its sides in turns.

mod c;

use super::Plan;
use crate::record::Row;
use crate::{AnyError, sample::Samples, scenario};

/// Measures all languages.
pub(crate) fn run(plan: Plan) -> Result<Vec<Row>, AnyError> {
    let mut samples = Samples::default();
    c::measure(plan, &mut samples)?;
    scenario::rows(c::SCENARIOS, &samples)
}
