//! What must hold among honest validators, whatever breaks and whoever lies: one property a file.
//!
//! A checker is told what is seen, in order, and says what it found. It sees all machines and every signature at once,
//! which no machine can. The first finding ends the run.

mod accusation;
mod agreement;
mod double_finality;
mod facts;
mod guards;
mod leader;
mod lost_finality;
mod memory;
mod proofs;
mod refusal;
mod restart;
mod selection;
mod validity;
mod votes;

pub(super) use facts::{Facts, Final};

use super::node::Node;
use super::options::Options;
use crate::bft::verify::Refused;
use crate::bft::{Evidence, FinalityProof, Selection, Statement};
use crate::sim::agenda::Nanos;
use crate::sim::checker::{Violation, Watching};
use crate::types::{BlockHash, ValidatorIndex, View};

/// What a checker is told.
#[derive(Debug)]
pub(super) enum Seen<'a> {
    /// A process starts.
    Started { node: &'a Node },
    /// A core took a step.
    Stepped { node: &'a Node },
    /// A validator signs: from here on everybody may have it.
    Signed { node: &'a Node, statement: &'a Statement, news: &'a [Final] },
    /// A view begins with this, as its coordinator says.
    Begun { view: View, selection: &'a Selection },
    /// A host says whether a block may follow its parent.
    Validated { node: &'a Node, hash: BlockHash, is_valid: bool },
    /// A block is final for a core.
    Finalized { node: &'a Node, proof: &'a FinalityProof },
    /// A core says that somebody broke the rules.
    Blamed { node: &'a Node, evidence: &'a Evidence },
    /// A message goes no further.
    Refused { node: &'a Node, from: Option<ValidatorIndex>, refused: &'a Refused },
    /// How much a machine holds.
    Weighed { node: &'a Node },
}

/// A property.
pub(super) trait Checker {
    /// Its name in reports.
    fn name(&self) -> &'static str;

    /// Whether it holds a rule of the protocol, whose breach may do no harm for long, rather than a property that people
    /// rely on.
    fn is_rule(&self) -> bool {
        false
    }

    /// Looks at what is seen.
    ///
    /// # Errors
    /// What should not be.
    fn see(&mut self, facts: &Facts, seen: &Seen<'_>) -> Result<(), String>;
}

/// All checkers, and the first finding.
pub(super) struct Checkers {
    all: Vec<Box<dyn Checker>>,
    verdict: Option<Violation>,
}

impl Checkers {
    pub(super) fn new(options: &Options, watching: Watching) -> Self {
        let mut all: Vec<Box<dyn Checker>> = vec![
            Box::<votes::Votes>::default(),
            Box::<leader::Leader>::default(),
            Box::new(guards::Guards),
            Box::new(proofs::Proofs),
            Box::<lost_finality::LostFinality>::default(),
            Box::new(double_finality::DoubleFinality),
            Box::<agreement::Agreement>::default(),
            Box::<validity::Validity>::default(),
            Box::<restart::Restart>::default(),
            Box::<selection::Selections>::default(),
            Box::new(accusation::Accusation),
            Box::new(refusal::Refusal),
            Box::new(memory::Memory::new(options)),
        ];
        if watching == Watching::Properties {
            all.retain(|checker| !checker.is_rule());
        }
        Self { all, verdict: None }
    }

    /// What was found first.
    pub(super) const fn verdict(&self) -> Option<&Violation> {
        self.verdict.as_ref()
    }

    /// Notes a finding, if it is the first.
    pub(super) fn accuse(&mut self, at: Nanos, checker: &'static str, detail: String) {
        self.verdict.get_or_insert(Violation { checker, detail, at });
    }

    pub(super) fn see(&mut self, at: Nanos, facts: &Facts, seen: &Seen<'_>) {
        let found = self
            .all
            .iter_mut()
            .find_map(|checker| checker.see(facts, seen).err().map(|why| (checker.name(), why)));
        if let Some((checker, detail)) = found {
            self.accuse(at, checker, detail);
        }
    }
}
