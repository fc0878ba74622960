//! The benchmark harness: duochain and its peers, measured in turns within one run.
//!
//! # Model
//! ```text
//! suite -> rounds (ours, peer, ours, peer, ...) -> samples -> rows -> table, target/bench/<suite>.json, .svg
//!          a guest program in C, Java or Python, or this process         |
//!                                                                        +-> docs/benchmarks.md (--docs)
//! ```
//! [`suites`] is the list of suites; a new one is a module and a line there. [`scenario`] says what is
//! compared with what and which figure is the goal; [`record`] is one line of the outcome.
//!
//! # Caller contract
//! `deploy/bench` starts this program from the top of the project. Nothing here is a test: a goal that is
//! missed and a comparison that is lost are printed, and the program still succeeds. With the first argument
//! `failover-node`, `replication-node` or `stability-node` it is a node of that suite.

mod arguments;
mod artefact;
mod chart;
mod docs;
mod guest;
mod jvm;
mod machine;
mod paths;
mod record;
mod report;
mod sample;
mod scenario;
mod scratch;
mod suites;
mod table;
mod versions;

use arguments::{Arguments, Order};
use std::io::Write;
use std::process::ExitCode;
use suites::{failover, replication, stability};

/// Whatever went wrong, for the person at the terminal.
pub(crate) type AnyError = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((word, rest)) if word == failover::NODE => return exit(failover::run_node(rest)),
        Some((word, rest)) if word == replication::NODE => return exit(replication::run_node(rest)),
        Some((word, rest)) if word == stability::NODE => return exit(stability::run_node(rest)),
        _ => {}
    }
    let order = match Arguments::parse(words.into_iter()) {
        Ok(arguments) => arguments.order(),
        Err(text) => {
            let _ = writeln!(std::io::stderr(), "duobench: {text}");
            return ExitCode::from(2);
        }
    };
    exit(carry_out(&order))
}

fn exit(outcome: Result<(), AnyError>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "duobench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(order: &Order) -> Result<(), AnyError> {
    match order {
        Order::List => {
            for suite in suites::ALL {
                writeln!(std::io::stdout(), "{:<10} {}", suite.name, suite.about)?;
            }
            Ok(())
        }
        Order::Docs => docs::rewrite(),
        Order::Run { suites, plan } => suites.iter().try_for_each(|suite| report::run(suite, *plan)),
    }
}
