//! Command line.

use duochain::sim::{Mistake, Plan, Tracing, Watching};
use std::ops::Range;

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Which runs.
    pub what: What,
    /// Of what.
    pub world: World,
    /// A mistake that every node makes.
    pub mutant: Option<String>,
    /// Which checkers look.
    pub watching: Watching,
}

/// What is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// The replicated log.
    Log,
    /// Agreement among validators.
    Agreement,
}

impl World {
    /// What its runs achieve, and what passes meanwhile.
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Log => ("operations answered", "terms"),
            Self::Agreement => ("blocks final", "views"),
        }
    }
}

/// Which runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// One, with its trace.
    Seed(u64),
    /// Many.
    Seeds(Range<u64>),
}

const USAGE: &str = "usage: sim --seed N | --seeds A..B [--world log|agreement] [--mutant NAME] \
                     [--watch everything|properties]";

impl Options {
    /// Reads the arguments after the program's name.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut what, mut world, mut mutant, mut watching) = (None, World::Log, None, Watching::Everything);
        while let Some(flag) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{flag} needs a value\n{USAGE}"))?;
            match flag.as_str() {
                "--seed" => what = Some(What::Seed(number(&flag, &value)?)),
                "--seeds" => what = Some(What::Seeds(range(&value)?)),
                "--world" => world = world_of(&value)?,
                "--mutant" => mutant = Some(value),
                "--watch" => watching = watching_of(&value)?,
                _ => return Err(format!("unknown option {flag}\n{USAGE}")),
            }
        }
        Ok(Self { what: what.ok_or(USAGE)?, world, mutant, watching })
    }

    /// A run without a trace, of any seed.
    pub fn plan<M: Mistake>(&self) -> Result<Plan<M>, String> {
        let mutant = self.mutant.as_deref().map(mutant_of).transpose()?;
        Ok(Plan { seed: 0, tracing: Tracing::Off, mutant, watching: self.watching })
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

fn world_of(name: &str) -> Result<World, String> {
    match name {
        "log" => Ok(World::Log),
        "agreement" => Ok(World::Agreement),
        _ => Err(format!("--world {name}: log or agreement")),
    }
}

fn mutant_of<M: Mistake>(name: &str) -> Result<M, String> {
    let known = || M::all().into_iter().map(M::name).collect::<Vec<_>>().join(", ");
    let found = M::all().into_iter().find(|mutant| mutant.name() == name);
    found.ok_or_else(|| format!("--mutant {name}: one of {}", known()))
}
