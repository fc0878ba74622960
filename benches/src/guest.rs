//! Programs in other languages that measure in their own process and report in lines of JSON.
//!
//! Each line is either a figure, `{"scenario": …, "side": …, "value": …}`, or a version,
//! `{"side": …, "version": …}`. The guest takes care that the sides take turns.

use crate::AnyError;
use crate::sample::Samples;
use serde::Deserialize;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    Figure { scenario: String, side: String, value: f64 },
    Version { side: String, version: String },
}

/// Runs a guest to its end and takes in what it reports.
pub(crate) fn measure(mut command: Command, samples: &mut Samples) -> Result<(), AnyError> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|error| format!("{command:?}: {error}"))?;
    let stdout = child.stdout.take().expect("it is piped");
    let mut outcome = Ok(());
    for line in BufReader::new(stdout).lines() {
        // Read on after a bad line, or the guest blocks on a full pipe.
        outcome = outcome.and(line.map_err(AnyError::from).and_then(|line| take_in(&line, samples)));
    }
    let status = child.wait()?;
    if !status.success() {
        return Err(format!("{command:?} ended with {status}").into());
    }
    outcome
}

fn take_in(line: &str, samples: &mut Samples) -> Result<(), AnyError> {
    match serde_json::from_str(line).map_err(|error| format!("a guest wrote '{line}': {error}"))? {
        Line::Figure { scenario, side, value } if value > 0.0 => samples.add(&scenario, &side, value),
        Line::Figure { scenario, side, value } => {
            return Err(format!("{scenario}: '{side}' reports {value}").into());
        }
        Line::Version { side, version } => samples.set_version(&side, &version),
    }
    Ok(())
}

/// Runs a command that must succeed and gives what it printed.
pub(crate) fn answer(command: &mut Command) -> Result<String, AnyError> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if !output.status.success() {
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        return Err(format!("{command:?} ended with {}\n{out}\n{err}", output.status).into());
    }
    Ok(text(&output.stdout))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn lines_of_a_guest_become_samples() {
        let mut samples = Samples::default();
        let script = r#"echo '{"side": "ring", "version": "1"}'
            echo '{"scenario": "push", "side": "ring", "value": 2.5}'"#;
        measure(shell(script), &mut samples).expect("both lines are fine");
        assert_eq!(samples.values("push", "ring").expect("it is there"), [2.5]);
        assert_eq!(samples.version("ring").expect("it is there"), "1");
    }

    #[test]
    fn a_guest_that_fails_or_babbles_is_an_error() {
        let mut samples = Samples::default();
        assert!(measure(shell("exit 3"), &mut samples).is_err());
        assert!(measure(shell("echo hello"), &mut samples).is_err());
        let nothing = r#"echo '{"scenario": "push", "side": "ring", "value": 0}'"#;
        assert!(measure(shell(nothing), &mut samples).is_err());
    }
}
