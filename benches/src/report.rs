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

type Runs = BTreeMap<String, Run>;

/// Measures one suite.
pub(crate) fn run(suite: &Suite, plan: Plan) -> Result<(), AnyError> {
    fs::create_dir_all(paths::out())?;
    let machine = Machine::here();
    writeln!(std::io::stdout(), "{}: {}\non {}\n", suite.name, suite.about, machine.describe())?;
    let rows = (suite.run)(plan)?;
    let (json, svg) = (file(suite.name, "json"), file(suite.name, "svg"));
    fs::write(&json, serde_json::to_string_pretty(&rows)? + "\n")?;
    fs::write(&svg, chart::draw(suite.name, &machine.describe(), &rows))?;
    let run = Run { machine, revision: machine::revision(), date: machine::date(), quick: plan.quick };
    let mut runs = runs()?;
    runs.insert(suite.name.to_owned(), run);
    fs::write(runs_file(), serde_json::to_string_pretty(&runs)? + "\n")?;
    writeln!(std::io::stdout(), "{}\n{}\n{}\n", table::plain(&rows), json.display(), svg.display())?;
    Ok(())
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
