//! Our side: a node with both chains running, fed through Delta.

use super::load::{Load, Outcome};
use crate::AnyError;
use duochain::env::{Clock, SystemClock};
use duochain::node::{Completion, Config, Node};
use duochain::types::{ChainId, Height, LaneId, Status};
use std::path::Path;
use std::time::Duration;

/// How many times faster than real time: a Delta block every 3 ms, an Alpha block every 15 ms. Finality is
/// three blocks deep, as always. A block takes what waits, up to 65,536 transactions.
const TIME_SCALE: u32 = 1_000;
/// Without a completion for so long, something is lost.
const PATIENCE: Duration = Duration::from_secs(20);
const CHAIN: ChainId = ChainId::Delta;

/// Runs a load through a fresh node; in memory without a directory, else on fjall inside of it.
pub(super) fn run(load: &Load, directory: Option<&Path>) -> Result<Outcome, AnyError> {
    let mut config = Config::new();
    config.set("time.scale", &TIME_SCALE.to_string())?;
    match directory {
        None => config.set("storage.backend", "memory")?,
        Some(directory) => config.set("data_dir", &directory.to_string_lossy())?,
    }
    let node = Node::open(config.build()?)?;
    let clock = SystemClock::new();
    let latencies = std::thread::scope(|scope| {
        let collector =
            scope.spawn(|| collect(&node, load.transactions.len()).map_err(|error| error.to_string()));
        load.feed(|transaction| {
            Ok(node.submit_wait(CHAIN, LaneId::new(0), transaction, PATIENCE).map(drop)?)
        })?;
        collector.join().map_err(|_| "the collector panicked")?.map_err(AnyError::from)
    })?;
    let seconds = clock.now().as_nanos() as f64 / 1e9;
    verify(&node, load)?;
    node.close(PATIENCE)?;
    Ok(Outcome { seconds, latencies })
}

/// Waits for the completions of all submissions; their times from submit to final.
fn collect(node: &Node, count: usize) -> Result<Vec<f64>, AnyError> {
    let mut latencies = Vec::with_capacity(count);
    let mut completions: Vec<Completion> = Vec::new();
    while latencies.len() < count {
        node.poll_completions(&mut completions, 4_096, PATIENCE)?;
        for done in completions.drain(..) {
            if done.status != Status::Ok {
                return Err(format!("submission {} ended as {}", done.op, done.status.name()).into());
            }
            latencies.push(done.finalized.since(done.submitted).as_secs_f64() * 1e3);
        }
    }
    Ok(latencies)
}

/// Reads every final block back and compares it with what was sent.
fn verify(node: &Node, load: &Load) -> Result<(), AnyError> {
    let mut expectation = load.expectation();
    for height in 1..=node.head(CHAIN).final_height.get() {
        for transaction in node.block(CHAIN, Height::new(height))?.transactions() {
            expectation.found(transaction)?;
        }
    }
    expectation.expect_complete()
}
