//! The proof: what came out final is what went in.
//!
//! Every record is remembered by its digest when it is sent. Every final block is read back, and each of
//! its transactions must be one that was sent to that chain, not seen before, and behind all that its
//! producer sent earlier. Nothing is lost when as many are final, or were known before, as were sent.

use crate::AnyError;
use crate::latency::Latency;
use duochain::crypto::hash;
use duochain::node::{Event, EventKind, Node, Subscription};
use duochain::types::{Block, ChainId, Height, Status};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

type Digest = [u8; 32];

/// Events read at a time, and one wait for more.
const EVENTS: usize = 256;
const WAIT: Duration = Duration::from_millis(100);
/// Faults that are kept as text; more are only counted.
const FAULTS_KEPT: usize = 5;

#[derive(Clone, Copy)]
struct Sent {
    producer: usize,
    number: u64,
    /// Several producers sent it: the first to arrive has it in its order, and nobody knows which did.
    shared: bool,
    is_final: bool,
}

/// What is known about one chain.
#[derive(Default)]
pub struct Tally {
    /// Height at the start: these blocks hold what an earlier run sent.
    earlier: Height,
    sent: HashMap<Digest, Sent>,
    counts: Vec<u64>,
    /// The lowest number of each producer that may come now.
    next: Vec<u64>,
    repeated: u64,
    /// Transactions of this run that are final.
    pub finals: u64,
    /// Submissions that came back as duplicates.
    pub duplicates: u64,
    /// Times from submit to final.
    pub latency: Latency,
    faults: u64,
    fault_texts: Vec<String>,
    next_block: Option<Height>,
}

impl Tally {
    fn fault(&mut self, text: String) {
        self.faults += 1;
        if self.fault_texts.len() < FAULTS_KEPT {
            self.fault_texts.push(text);
        }
    }

    /// Different transactions that were sent.
    pub fn expected(&self) -> u64 {
        self.sent.len() as u64
    }

    /// True when nothing is outstanding.
    pub fn is_complete(&self) -> bool {
        self.finals + self.duplicates >= self.expected() + self.repeated
    }

    /// What is wrong, in words; empty when nothing is.
    pub fn verdict(&self) -> Vec<String> {
        let mut verdict = self.fault_texts.clone();
        if self.faults > FAULTS_KEPT as u64 {
            verdict.push(format!("{} faults more", self.faults - FAULTS_KEPT as u64));
        }
        let (finals, duplicates, sent) = (self.finals, self.duplicates, self.expected() + self.repeated);
        if finals + duplicates != sent {
            verdict.push(format!("{finals} final and {duplicates} duplicates do not make {sent} sent"));
        }
        verdict
    }
}

/// Remembers what was sent and checks what became final.
pub struct Verifier {
    node: Arc<Node>,
    tallies: [Mutex<Tally>; 2],
    stopped: AtomicBool,
    failed: AtomicBool,
}

impl Verifier {
    /// For `producers` threads, none of which has sent anything yet.
    pub fn new(node: Arc<Node>, producers: usize) -> Self {
        let tallies = ChainId::ALL.map(|chain| {
            let (counts, next) = (vec![0; producers], vec![0; producers]);
            Mutex::new(Tally { earlier: node.head(chain).height, counts, next, ..Tally::default() })
        });
        Self { node, tallies, stopped: AtomicBool::new(false), failed: AtomicBool::new(false) }
    }

    /// One chain's tally.
    pub fn tally(&self, chain: ChainId) -> MutexGuard<'_, Tally> {
        self.tallies[chain.index()].lock().expect("no thread panics while it counts")
    }

    /// Called before a record is submitted.
    pub fn sent(&self, chain: ChainId, producer: usize, record: &[u8]) {
        let digest = *blake3::hash(record).as_bytes();
        let mut tally = self.tally(chain);
        if let Some(known) = tally.sent.get_mut(&digest) {
            known.shared |= known.producer != producer;
            tally.repeated += 1;
            return;
        }
        let number = tally.counts[producer];
        tally.counts[producer] += 1;
        tally.sent.insert(digest, Sent { producer, number, shared: false, is_final: false });
    }

    /// Ends the two threads.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    /// True when one of the two threads gave up.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Again and again while the chain is being restarted; nothing when stopped meanwhile.
    fn read(&self, event: &Event) -> Result<Option<Block>, AnyError> {
        while !self.is_stopped() {
            match self.node.block(event.chain, event.height) {
                Ok(block) => return Ok(Some(block)),
                Err(error) if error.retryable() => std::thread::sleep(WAIT),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    fn on_event(&self, event: &Event) -> Result<(), AnyError> {
        if event.kind != EventKind::finalized(event.chain) {
            return Ok(());
        }
        let Some(block) = self.read(event)? else { return Ok(()) };
        let mut tally = self.tally(event.chain);
        if tally.next_block.is_some_and(|next| next != event.height)
            || hash::block(&block.header) != event.hash
        {
            tally
                .fault(format!("final block {} is not the next one, or not the one announced", event.height));
        }
        tally.next_block = Some(event.height.next());
        if event.height <= tally.earlier {
            return Ok(());
        }
        for transaction in block.transactions() {
            check(&mut tally, event.height, blake3::hash(transaction).as_bytes());
        }
        Ok(())
    }
}

fn check(tally: &mut Tally, height: Height, digest: &Digest) {
    let Some(sent) = tally.sent.get_mut(digest) else {
        return tally.fault(format!("block {height} holds a transaction that was not sent"));
    };
    let twice = std::mem::replace(&mut sent.is_final, true);
    let Sent { producer, number, shared, .. } = *sent;
    let name = || format!("transaction {number} of producer {producer}");
    if twice {
        return tally.fault(format!("block {height}: {} is final twice", name()));
    }
    tally.finals += 1;
    if shared {
        return;
    }
    let next = tally.next[producer];
    if number < next {
        tally.fault(format!("block {height}: {} came after {}", name(), next - 1));
    }
    tally.next[producer] = next.max(number + 1);
}

/// Reads events until the verifier is stopped.
pub fn follow(verifier: Arc<Verifier>, events: Subscription) -> JoinHandle<Result<(), String>> {
    guarded(verifier, move |verifier| read_events(verifier, events))
}

/// Collects completions until the verifier is stopped.
pub fn collect(verifier: Arc<Verifier>) -> JoinHandle<Result<(), String>> {
    guarded(verifier, collect_completions)
}

fn guarded(
    verifier: Arc<Verifier>,
    work: impl FnOnce(&Verifier) -> Result<(), AnyError> + Send + 'static,
) -> JoinHandle<Result<(), String>> {
    std::thread::spawn(move || {
        let outcome = work(&verifier).map_err(|error| error.to_string());
        verifier.failed.fetch_or(outcome.is_err(), Ordering::Release);
        outcome
    })
}

fn read_events(verifier: &Verifier, mut events: Subscription) -> Result<(), AnyError> {
    while !verifier.is_stopped() {
        if events.wait(WAIT)? {
            for event in events.poll(EVENTS)? {
                verifier.on_event(&event)?;
            }
        }
    }
    Ok(())
}

fn collect_completions(verifier: &Verifier) -> Result<(), AnyError> {
    let mut completions = Vec::new();
    while !verifier.is_stopped() {
        match verifier.node.poll_completions(&mut completions, 4_096, WAIT) {
            Err(error) if error.status() != Status::Timeout => return Err(error.into()),
            _ => {}
        }
        for completion in completions.drain(..) {
            let mut tally = verifier.tally(completion.chain);
            match completion.status {
                Status::Ok => tally.latency.record(completion.finalized.since(completion.submitted)),
                Status::Duplicate => tally.duplicates += 1,
                status => tally.fault(format!("submission {} ended as {}", completion.op, status.name())),
            }
        }
    }
    Ok(())
}
