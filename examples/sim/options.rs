//! Command line.

use duochain::sim::{Mutant, Plan, Tracing, Watching};
use std::ops::Range;

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Which runs.
    pub what: What,
    /// A mistake that every node makes.
    pub mutant: Option<Mutant>,
    /// Which checkers look.
    pub watching: Watching,
}

/// Which runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// One, with its trace.
    Seed(u64),
    /// Many.
    Seeds(Range<u64>),
}

const USAGE: &str = "usage: sim --seed N | --seeds A..B [--mutant NAME] [--watch everything|properties]";

impl Options {
    /// Reads the arguments after the program's name.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut what, mut mutant, mut watching) = (None, None, Watching::Everything);
        while let Some(flag) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{flag} needs a value\n{USAGE}"))?;
            match flag.as_str() {
                "--seed" => what = Some(What::Seed(number(&flag, &value)?)),
                "--seeds" => what = Some(What::Seeds(range(&value)?)),
                "--mutant" => mutant = Some(mutant_of(&value)?),
                "--watch" => watching = watching_of(&value)?,
                _ => return Err(format!("unknown option {flag}\n{USAGE}")),
            }
        }
        Ok(Self { what: what.ok_or(USAGE)?, mutant, watching })
    }

    /// One run, without a trace.
    pub const fn plan(&self, seed: u64) -> Plan {
        Plan { seed, tracing: Tracing::Off, mutant: self.mutant, watching: self.watching }
    }
}

fn number(flag: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("{flag} {value}: a number is needed"))
}

fn range(value: &str) -> Result<Range<u64>, String> {
    let (from, to) = value.split_once("..").ok_or_else(|| format!("--seeds {value}: A..B is needed"))?;
    let range = number("--seeds", from)?..number("--seeds", to)?;
    if range.is_empty() { Err(format!("--seeds {value}: nothing is in it")) } else { Ok(range) }
}

fn watching_of(name: &str) -> Result<Watching, String> {
    match name {
        "everything" => Ok(Watching::Everything),
        "properties" => Ok(Watching::Properties),
        _ => Err(format!("--watch {name}: everything or properties")),
    }
}

fn mutant_of(name: &str) -> Result<Mutant, String> {
    let known = || Mutant::all().map(Mutant::name).collect::<Vec<_>>().join(", ");
    Mutant::all()
        .find(|mutant| mutant.name() == name)
        .ok_or_else(|| format!("--mutant {name}: one of {}", known()))
}
