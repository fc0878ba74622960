//! Producer threads: each takes its share of the records and submits each to both chains, in order.

use crate::AnyError;
use crate::input::Records;
use crate::verify::Verifier;
use duochain::node::Node;
use duochain::types::{ChainId, LaneId, Status};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Records on their way from the reader to one producer.
const BACKLOG: usize = 64;
/// Lanes that producers are spread over.
const LANES: usize = 4;
/// One wait for a record or for room; repeated until there is some.
const WAIT: Duration = Duration::from_millis(200);

/// What the threads tell each other.
#[derive(Default)]
struct Flags {
    /// Number of records read.
    count: AtomicU64,
    /// The reader is at the end.
    ended: AtomicBool,
    /// A producer gave up.
    failed: AtomicBool,
    /// Nobody waits for the rest.
    stopped: AtomicBool,
}

/// Reader and producers at work.
pub struct Feeding {
    reader: JoinHandle<Result<(), String>>,
    producers: Vec<JoinHandle<Result<(), String>>>,
    flags: Arc<Flags>,
}

/// Starts reading and submitting.
pub fn start(node: &Arc<Node>, verifier: &Arc<Verifier>, records: Records, producers: usize) -> Feeding {
    let flags = Arc::new(Flags::default());
    let mut senders = Vec::new();
    let mut threads = Vec::new();
    for number in 0..producers {
        let (sender, receiver) = sync_channel(BACKLOG);
        senders.push(sender);
        let (node, verifier, flags) = (Arc::clone(node), Arc::clone(verifier), Arc::clone(&flags));
        let producer = Producer { node, verifier, number, flags };
        threads.push(std::thread::spawn(move || producer.run(&receiver)));
    }
    let shared = Arc::clone(&flags);
    let reader = std::thread::spawn(move || {
        let outcome = deal(records, &senders, &shared.count);
        drop(senders);
        shared.ended.store(true, Ordering::Release);
        outcome
    });
    Feeding { reader, producers: threads, flags }
}

impl Feeding {
    /// True when everything was read and submitted.
    pub fn is_done(&self) -> bool {
        self.flags.ended.load(Ordering::Acquire) && self.producers.iter().all(JoinHandle::is_finished)
    }

    /// True when a producer gave up.
    pub fn has_failed(&self) -> bool {
        self.flags.failed.load(Ordering::Acquire)
    }

    /// Ends the threads; the number of records read.
    pub fn stop(self) -> Result<u64, AnyError> {
        self.flags.stopped.store(true, Ordering::Release);
        for producer in self.producers {
            producer.join().map_err(|_| "a producer panicked")??;
        }
        // Before its end the reader may be in a read that nobody ends; it goes with the process.
        if self.flags.ended.load(Ordering::Acquire) {
            self.reader.join().map_err(|_| "the reader panicked")??;
        }
        Ok(self.flags.count.load(Ordering::Acquire))
    }
}

fn deal(records: Records, senders: &[SyncSender<Vec<u8>>], count: &AtomicU64) -> Result<(), String> {
    for record in records {
        let producer = (count.load(Ordering::Relaxed) % senders.len() as u64) as usize;
        // A producer that gave up tells why when it is joined.
        if senders[producer].send(record?).is_err() {
            break;
        }
        count.fetch_add(1, Ordering::Release);
    }
    Ok(())
}

struct Producer {
    node: Arc<Node>,
    verifier: Arc<Verifier>,
    number: usize,
    flags: Arc<Flags>,
}

impl Producer {
    fn run(&self, records: &Receiver<Vec<u8>>) -> Result<(), String> {
        while let Some(record) = self.next(records) {
            for chain in ChainId::ALL {
                self.verifier.sent(chain, self.number, &record);
                if let Err(refusal) = self.submit(chain, &record) {
                    self.flags.failed.store(true, Ordering::Release);
                    return Err(refusal);
                }
            }
        }
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        self.flags.stopped.load(Ordering::Acquire)
    }

    fn next(&self, records: &Receiver<Vec<u8>>) -> Option<Vec<u8>> {
        while !self.is_stopped() {
            match records.recv_timeout(WAIT) {
                Ok(record) => return Some(record),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        None
    }

    fn submit(&self, chain: ChainId, record: &[u8]) -> Result<(), String> {
        let lane = LaneId::new((self.number % LANES) as u8);
        while !self.is_stopped() {
            match self.node.submit_wait(chain, lane, record, WAIT) {
                Ok(_) => return Ok(()),
                Err(error) if error.status() == Status::Timeout => {}
                Err(error) if error.retryable() => std::thread::yield_now(),
                Err(error) => {
                    return Err(format!("{chain} refused a transaction of {} bytes: {error}", record.len()));
                }
            }
        }
        Ok(())
    }
}
