//! Runs a suite and writes its outcome: the table, `<suite>.json`, `<suite>.svg`, and `runs.json`, which
//! says where the figures of each suite come from.

use crate::machine::{self, Machine};
use crate::record::Row;
use crate::suites::{Plan, Suite};
use crate::{AnyError, chart, paths, table};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

/// Where and how one suite was run last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) machine: Machine,
    pub(crate) revision: String,
    pub(crate) date: String,
    /// Too few repetitions to be quoted.
    pub(crate) quick: bool,
}

/// Most rows of a chart.
const CHART_ROWS_MAX: usize = 60;

type Runs = BTreeMap<String, Run>;

/// Measures one suite.
pub(crate) fn run(suite: &Suite, plan: Plan) -> Result<(), AnyError> {
    fs::create_dir_all(paths::out())?;
    let machine = Machine::here();
    writeln!(std::io::stdout(), "{}: {}\non {}\n", suite.name, suite.about, machine.describe())?;
    let rows = (suite.run)(plan)?;
    let json = file(suite.name, "json");
    fs::write(&json, serde_json::to_string_pretty(&rows)? + "\n")?;
    let charts = draw(suite.name, &machine.describe(), &rows)?;
    let run = Run { machine, revision: machine::revision(), date: machine::date(), quick: plan.quick };
    let mut runs = runs()?;
    runs.insert(suite.name.to_owned(), run);
    fs::write(runs_file(), serde_json::to_string_pretty(&runs)? + "\n")?;
    writeln!(std::io::stdout(), "{}\n{}\n{charts}\n", table::plain(&rows), json.display())?;
    Ok(())
}

/// One chart, or where that would be longer than a reader scrolls, one for each kind of scenario; their names.
fn draw(suite: &str, machine: &str, rows: &[Row]) -> Result<String, AnyError> {
    if rows.len() <= CHART_ROWS_MAX {
        let svg = file(suite, "svg");
        fs::write(&svg, chart::draw(suite, machine, rows))?;
        return Ok(svg.display().to_string());
    }
    let mut names = Vec::new();
    for part in rows.chunk_by(|a, b| a.section() == b.section()) {
        let section = part[0].section();
        let svg = file(&format!("{suite}-{}", slug(section)), "svg");
        fs::write(&svg, chart::draw(&format!("{suite}: {section}"), machine, part))?;
        names.push(svg.display().to_string());
    }
    Ok(names.join("\n"))
}

/// Letters and digits, words joined by a hyphen.
fn slug(words: &str) -> String {
    let words = words.replace(',', "").to_lowercase();
    let parts = words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-")
}

fn file(suite: &str, extension: &str) -> PathBuf {
    paths::out().join(suite).with_extension(extension)
}

fn runs_file() -> PathBuf {
    paths::out().join("runs.json")
}

fn runs() -> Result<Runs, AnyError> {
    match fs::read_to_string(runs_file()) {
        Ok(text) => Ok(serde_json::from_str(&text)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Runs::new()),
        Err(error) => Err(error.into()),
    }
}

/// The outcome of a suite's last run; `None` when there is none.
pub(crate) fn last(suite: &Suite) -> Result<Option<(Run, Vec<Row>)>, AnyError> {
    let Some(run) = runs()?.remove(suite.name) else { return Ok(None) };
    let rows = serde_json::from_str(&fs::read_to_string(file(suite.name, "json"))?)?;
    Ok(Some((run, rows)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_becomes_a_file_name() {
        assert_eq!(slug("262,144 cells"), "262144-cells");
        assert_eq!(slug("enqueue, 256 producers"), "enqueue-256-producers");
    }
}
