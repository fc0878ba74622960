//! A process of ours that takes all that it can while it leads, until its standard input ends.
//!
//! It writes `up` when it has heard how far the cluster is; for each line that it reads it writes its term, how far it
//! knows everything to be committed, and for how many nanoseconds its busiest sender was busy.

use crate::AnyError;
use crate::scratch::Scratch;
use crate::suites::replication::{Nothing, config};
use duochain::frame::Entry;
use duochain::node::replica::{Pending, Replica, SubmitOptions};
use duochain::types::Index;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// The first argument of a program that is to be such a node.
pub(crate) const NODE: &str = "stability-node";

const ENTRIES: usize = 1_000;
const ENTRY_BYTES: usize = 256;
const WINDOW: usize = 16;
/// Until a node that does not lead, or has no room, looks again.
const LOOK: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(30);

/// What a node says of itself.
#[derive(Clone, Copy, Default)]
pub(super) struct Report {
    pub(super) term: u64,
    pub(super) commit: u64,
    pub(super) sending: Duration,
}

/// A process, which ends with this value.
pub(super) struct Node {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Node {
    /// Node `number` of those at `addresses`; one flush of so many takes that much longer, by `library`.
    pub(super) fn start(
        scratch: &Scratch,
        number: usize,
        addresses: &[String],
        (library, delay, every): (&Path, Duration, usize),
    ) -> Result<Self, AnyError> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(NODE).arg(number.to_string()).arg(scratch.path().join(format!("n{number}")));
        command.args(addresses).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.env("LD_PRELOAD", library).env("DUOBENCH_SYNC_EVERY", every.to_string());
        command.env("DUOBENCH_SYNC_MICROS", delay.as_micros().to_string());
        let mut child = command.spawn()?;
        let questions = child.stdin.take().ok_or("it is piped")?;
        let answers = BufReader::new(child.stdout.take().ok_or("it is piped")?);
        Ok(Self { child, questions, answers })
    }

    fn line(&mut self) -> Result<String, AnyError> {
        let mut line = String::new();
        match self.answers.read_line(&mut line)? {
            0 => Err("a node has ended".into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }

    pub(super) fn wait_up(&mut self) -> Result<(), AnyError> {
        let line = self.line()?;
        if line == "up" { Ok(()) } else { Err(format!("a node says '{line}'").into()) }
    }

    pub(super) fn report(&mut self) -> Result<Report, AnyError> {
        self.questions.write_all(b"?\n")?;
        let line = self.line()?;
        let figures: Vec<u64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let &[term, commit, sending] = &figures[..] else {
            return Err(format!("a node says '{line}'").into());
        };
        Ok(Report { term, commit, sending: Duration::from_nanos(sending) })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Arguments: number, directory, and the addresses of all nodes in order.
pub(crate) fn run(arguments: &[String]) -> Result<(), AnyError> {
    let [number, dir, addresses @ ..] = arguments else { return Err("a node needs its place".into()) };
    let config = config(number.parse()?, dir.into(), addresses)?;
    let replica = Replica::open(config, Box::new(Nothing))?;
    let is_over = AtomicBool::new(false);
    let said = thread::scope(|scope| {
        scope.spawn(|| load(&replica, &is_over));
        let said = answer(&replica);
        is_over.store(true, Ordering::Relaxed);
        replica.close();
        said
    });
    Ok(said?)
}

fn answer(replica: &Replica) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    if replica.wait_committed(Index::ORIGIN, PATIENCE).is_ok() {
        writeln!(out, "up")?;
    }
    // Its end is the parent's word or death.
    for _ in std::io::stdin().lines() {
        let status = replica.status();
        let sending = replica.net_peers().iter().map(|peer| peer.busy).max().unwrap_or_default();
        writeln!(out, "{} {} {}", status.term.get(), status.commit.get(), sending.as_nanos())?;
    }
    Ok(())
}

/// Batches without a pause, while this node leads.
fn load(replica: &Replica, is_over: &AtomicBool) {
    let entry = Entry { bytes: &[7; ENTRY_BYTES], ..Entry::default() };
    let entries = vec![entry; ENTRIES];
    let mut under_way: VecDeque<Pending> = VecDeque::new();
    while !is_over.load(Ordering::Relaxed) {
        match replica.submit(&entries, SubmitOptions::default()) {
            Ok(pending) => under_way.push_back(pending),
            Err(_) => thread::sleep(LOOK),
        }
        let keep = if under_way.len() < WINDOW { under_way.len() } else { WINDOW - 1 };
        for oldest in under_way.drain(..under_way.len() - keep) {
            // What becomes of it when leaders change is not what is measured here.
            let _ = oldest.wait(PATIENCE);
        }
    }
}
