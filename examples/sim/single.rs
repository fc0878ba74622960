//! One seed: options, trace, summary.

use duochain::sim::{Plan, Tracing, run as simulate};
use std::io::{self, Write};

/// Runs one seed and prints everything. `false` if a checker spoke.
pub fn run(plan: Plan) -> io::Result<bool> {
    let report = simulate(Plan { tracing: Tracing::Lines, ..plan });
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in &report.lines {
        writeln!(out, "{line}")?;
    }
    writeln!(
        out,
        "{} events in {:.1} virtual seconds, {} operations answered, {} messages lost, terms up to {}",
        report.events,
        report.virtual_time.as_secs_f64(),
        report.answered,
        report.lost,
        report.terms
    )?;
    if let Some(digest) = &report.digest {
        writeln!(out, "digest {digest}")?;
    }
    match &report.violation {
        Some(violation) => writeln!(out, "VIOLATION {violation}")?,
        None => writeln!(out, "no violation")?,
    }
    out.flush()?;
    Ok(report.violation.is_none())
}
