//! One seed: options, trace, summary.

use crate::options::Options;
use duochain::sim::{Report, Tracing};
use std::io::{self, Write};

/// Runs one seed and prints everything. `false` if a checker spoke.
pub fn run(simulate: impl Fn(Tracing) -> Report, options: &Options) -> io::Result<bool> {
    let report = simulate(Tracing::Lines);
    let (results, periods) = options.world.words();
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in &report.lines {
        writeln!(out, "{line}")?;
    }
    writeln!(
        out,
        "{} events in {:.1} virtual seconds, {} {results}, {} messages lost, {periods} up to {}",
        report.events,
        report.virtual_time.as_secs_f64(),
        report.results,
        report.lost,
        report.periods
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
