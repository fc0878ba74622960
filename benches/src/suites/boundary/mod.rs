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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths;
    use crate::scenario::{OURS, Scenario};

    /// A guest's names have to be those of the table, or its figures belong to nobody.
    fn expect_names(scenarios: &[Scenario], folder: &str, language: &str) {
        let mut text = String::new();
        let folder = paths::root().join("benches").join(folder);
        for entry in std::fs::read_dir(folder).expect("the guest's folder") {
            let file = entry.expect("readable").path();
            if file.is_file() {
                text += &std::fs::read_to_string(file).expect("a source");
            }
        }
        for scenario in scenarios {
            let name = if language == "Python" {
                scenario.name.trim_start_matches("Python: ")
            } else {
                scenario.name
            };
            let sides = scenario.peers.iter().map(|peer| peer.name);
            for word in sides.chain([OURS, name]) {
                assert!(text.contains(&format!("\"{word}\"")), "{language} does not know '{word}'");
            }
        }
    }

    #[test]
    fn guests_and_tables_use_the_same_names() {
        expect_names(c::SCENARIOS, "c", "C");
        expect_names(jvm::SCENARIOS, "jvm/src/io/duochain/benches", "Java");
        expect_names(python::SCENARIOS, "python", "Python");
    }
}
