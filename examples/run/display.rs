//! The live lines and the table at the end.

use crate::feed::Feeding;
use crate::options::Options;
use crate::verify::Verifier;
use duochain::node::{Head, Node};
use duochain::types::ChainId;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the lines are drawn.
const REFRESH: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(20);

/// Draws progress.
pub struct Display {
    node: Arc<Node>,
    verifier: Arc<Verifier>,
    terminal: bool,
    drawn: bool,
    started: Instant,
    finished: Option<Duration>,
    last: [u64; 2],
    last_draw: Instant,
    title: String,
}

#[expect(clippy::disallowed_methods, reason = "an example measures real time")]
fn now() -> Instant {
    Instant::now()
}

impl Display {
    /// Starts the clock.
    pub fn new(node: Arc<Node>, verifier: Arc<Verifier>, options: &Options) -> Self {
        let source = options.input.clone().unwrap_or_else(|| format!("{} generated", options.count));
        let title = format!(
            "transactions: {source}, {} producers, {} store, time scale 1/{}",
            options.producers, options.backend, options.scale
        );
        let terminal = std::io::stdout().is_terminal();
        let (started, last_draw) = (now(), now());
        Self {
            node,
            verifier,
            terminal,
            drawn: false,
            started,
            finished: None,
            last: [0; 2],
            last_draw,
            title,
        }
    }

    /// Draws until everything is final, or a thread has failed and says why when it is joined. What is
    /// wrong, when what was sent does not become final for `patience`.
    pub fn until_final(&mut self, feeding: &Feeding, patience: Duration) -> Result<(), Vec<String>> {
        say(&format!("{}\n", self.title));
        let mut moved = (self.progress(), now());
        loop {
            // In this order: what is complete after the last record stays so.
            let done = feeding.is_done();
            let complete = ChainId::ALL.iter().all(|chain| self.verifier.tally(*chain).is_complete());
            if done && complete || feeding.has_failed() || self.verifier.has_failed() {
                self.finished = Some(self.started.elapsed());
                self.draw();
                return Ok(());
            }
            if self.last_draw.elapsed() >= REFRESH {
                self.draw();
            }
            let progress = self.progress();
            // While nothing is outstanding, it is the input that everybody waits for.
            if progress != moved.0 || complete {
                moved = (progress, now());
            } else if moved.1.elapsed() > patience {
                self.draw();
                return Err(self.stall(patience));
            }
            std::thread::sleep(TICK);
        }
    }

    /// What the node says about a stall.
    fn stall(&self, patience: Duration) -> Vec<String> {
        let chains = self.node.health().chains;
        let reasons = ChainId::ALL.iter().zip(chains).filter(|(_, health)| !health.reason.is_empty());
        let reasons = reasons.map(|(chain, health)| format!("{chain}: {}", health.reason));
        std::iter::once(format!("nothing became final for {} s", patience.as_secs())).chain(reasons).collect()
    }

    fn progress(&self) -> [(u64, u64); 2] {
        ChainId::ALL.map(|chain| {
            let tally = self.verifier.tally(chain);
            (tally.finals + tally.duplicates, tally.expected())
        })
    }

    fn draw(&mut self) {
        let span = self.last_draw.elapsed().as_secs_f64().max(1e-3);
        let mut text = String::new();
        if self.terminal && self.drawn {
            text.push_str("\x1b[2A");
        }
        for chain in ChainId::ALL {
            let (head, tally) = (self.node.head(chain), self.verifier.tally(chain));
            let rate = (tally.finals - self.last[chain.index()]) as f64 / span;
            self.last[chain.index()] = tally.finals;
            let clear = if self.terminal { "\x1b[K" } else { "" };
            text.push_str(&format!(
                "{:<6} height {:>6}  final {:>6}  drift {:>8}  queued {:>7}  {:>9.0} tx/s  p50 {:>9}  p99 {:>9}{clear}\n",
                chain.name(),
                head.height.get(),
                head.final_height.get(),
                millis(head.slot_drift_nanos as f64 / 1e6),
                self.node.queue(chain).len(),
                rate,
                millis(tally.latency.quantile(0.5).as_secs_f64() * 1e3),
                millis(tally.latency.quantile(0.99).as_secs_f64() * 1e3),
            ));
        }
        say(&text);
        self.drawn = true;
        self.last_draw = now();
    }

    /// The table and the verdict; true when all is well.
    pub fn table(&self, heads: &[Head; 2], sent: u64, outcome: Result<(), Vec<String>>) -> bool {
        let seconds = self.finished.unwrap_or_else(|| self.started.elapsed()).as_secs_f64();
        let mut text = String::from(
            "\nchain    blocks   final  transactions  duplicates     tx/s        p50        p99  restarts\n",
        );
        let mut faults = outcome.err().unwrap_or_default();
        let mut finals = Vec::new();
        for (chain, head) in ChainId::ALL.into_iter().zip(heads) {
            let tally = self.verifier.tally(chain);
            text.push_str(&format!(
                "{:<6} {:>8} {:>7} {:>13} {:>11} {:>8.0} {:>10} {:>10} {:>9}\n",
                chain.name(),
                head.height.get(),
                head.final_height.get(),
                tally.finals,
                tally.duplicates,
                tally.finals as f64 / seconds,
                millis(tally.latency.quantile(0.5).as_secs_f64() * 1e3),
                millis(tally.latency.quantile(0.99).as_secs_f64() * 1e3),
                head.restarts,
            ));
            faults.extend(tally.verdict().into_iter().map(|fault| format!("{chain}: {fault}")));
            finals.push(format!("{} final on {chain}", tally.finals));
        }
        let verdict = if faults.is_empty() {
            format!(
                "verified: {sent} sent, {}, none lost, none twice, in order, digests equal",
                finals.join(", ")
            )
        } else {
            format!("FAILED:\n  {}", faults.join("\n  "))
        };
        say(&format!("{text}{verdict}\n"));
        faults.is_empty()
    }
}

fn millis(value: f64) -> String {
    format!("{value:.1} ms")
}

/// Output that nobody reads is no fault of this program.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
