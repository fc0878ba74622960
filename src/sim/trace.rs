//! What happened, as lines for a reader and as a digest.
//!
//! The digest covers each line with its line feed, so two runs with one digest are the same byte for byte.

use super::agenda::{MILLISECOND, Nanos};
use crate::raft::{Message, Outcome};
use std::fmt::{self, Write};

/// How much of a run is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracing {
    /// Nothing: for ranges of seeds.
    Off,
    /// The digest only.
    Digest,
    /// The digest and every line.
    Lines,
}

/// The trace of one run.
#[derive(Debug)]
pub(super) struct Trace {
    tracing: Tracing,
    digest: blake3::Hasher,
    line: String,
    lines: Vec<String>,
}

impl Trace {
    pub(super) fn new(tracing: Tracing) -> Self {
        Self { tracing, digest: blake3::Hasher::new(), line: String::new(), lines: Vec::new() }
    }

    /// Notes what happened at `at`.
    pub(super) fn note(&mut self, at: Nanos, what: fmt::Arguments<'_>) {
        if self.tracing == Tracing::Off {
            return;
        }
        self.line.clear();
        let (whole, part) = (at / MILLISECOND, at % MILLISECOND / 1_000);
        writeln!(self.line, "{whole}.{part:03}ms {what}").expect("a string takes everything");
        self.digest.update(self.line.as_bytes());
        if self.tracing == Tracing::Lines {
            self.lines.push(self.line.trim_end().to_owned());
        }
    }

    /// The lines, and the digest in hexadecimal unless nothing was kept.
    pub(super) fn finish(self) -> (Vec<String>, Option<String>) {
        let digest = (self.tracing != Tracing::Off).then(|| self.digest.finalize().to_hex().to_string());
        (self.lines, digest)
    }
}

/// A message in a few words.
pub(super) struct Said<'a>(pub(super) &'a Message);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let term = self.0.term();
        match self.0 {
            Message::VoteRequest { last, pre, transfer, .. } => {
                let kind = if *pre { "PreVoteRequest" } else { "VoteRequest" };
                write!(f, "{kind} t{term} last {last}{}", if *transfer { " transfer" } else { "" })
            }
            Message::VoteReply { granted, pre, .. } => {
                let kind = if *pre { "PreVoteReply" } else { "VoteReply" };
                write!(f, "{kind} t{term} {}", if *granted { "granted" } else { "refused" })
            }
            Message::Append { prev, commit, frames, .. } => {
                write!(f, "Append t{term} prev {prev} frames {}", frames.len())?;
                match frames.last() {
                    Some(frame) => write!(f, " to {} commit {commit}", frame.last()),
                    None => write!(f, " commit {commit}"),
                }
            }
            Message::Heartbeat { prev, commit, round, .. } => {
                write!(f, "Heartbeat t{term} prev {prev} commit {commit} round {round}")
            }
            Message::AppendReply { outcome, round, .. } => {
                match outcome {
                    Outcome::Matched { durable, received } => {
                        write!(f, "AppendReply t{term} durable {durable} received {received}")?;
                    }
                    Outcome::Conflict { prev, hint } => {
                        write!(f, "AppendReply t{term} without {prev} hint {hint}")?;
                    }
                }
                if *round > 0 { write!(f, " round {round}") } else { Ok(()) }
            }
            Message::TimeoutNow { .. } => write!(f, "TimeoutNow t{term}"),
            Message::ReadRequest { ticket, .. } => write!(f, "ReadRequest t{term} #{}", ticket.0),
            Message::ReadReply { ticket, index: Some(index), .. } => {
                write!(f, "ReadReply t{term} #{} from {index}", ticket.0)
            }
            Message::ReadReply { ticket, index: None, .. } => write!(f, "ReadReply t{term} #{} no", ticket.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_differs_changes_the_digest_and_nothing_is_kept_when_off() {
        let run = |tracing, text: &str| {
            let mut trace = Trace::new(tracing);
            trace.note(12_345_678, format_args!("n1 {text}"));
            trace.finish()
        };
        let (lines, digest) = run(Tracing::Lines, "starts");
        assert_eq!(lines, ["12.345ms n1 starts"]);
        assert_eq!(digest, run(Tracing::Digest, "starts").1);
        assert_ne!(digest, run(Tracing::Digest, "stops").1);
        assert_eq!(run(Tracing::Off, "starts"), (Vec::new(), None));
    }
}
