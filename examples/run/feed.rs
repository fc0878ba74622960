//! Producer threads: each takes its share of the records and submits each to both chains, in order.

use crate::AnyError;
use crate::input::Records;
use crate::verify::Verifier;
use duochain::node::Node;
use duochain::types::{ChainId, LaneId, Status};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Records on their way from the reader to one producer.
const BACKLOG: usize = 256;
/// Lanes that producers are spread over.
const LANES: usize = 4;
/// One wait for room; repeated until there is some.
const WAIT: Duration = Duration::from_secs(1);

/// Reader and producers at work.
pub struct Feeding {
    reader: JoinHandle<Result<u64, String>>,
    producers: Vec<JoinHandle<Result<(), String>>>,
    done: Arc<AtomicBool>,
}

/// Starts reading and submitting.
pub fn start(node: &Arc<Node>, verifier: &Arc<Verifier>, records: Records, producers: usize) -> Feeding {
    let mut senders = Vec::new();
    let mut threads = Vec::new();
    for producer in 0..producers {
        let (sender, receiver) = sync_channel(BACKLOG);
        senders.push(sender);
        let (node, verifier) = (Arc::clone(node), Arc::clone(verifier));
        threads.push(std::thread::spawn(move || produce(&node, &verifier, producer, &receiver)));
    }
    let done = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&done);
    let reader = std::thread::spawn(move || {
        let outcome = deal(records, senders);
        flag.store(true, Ordering::Release);
        outcome
    });
    Feeding { reader, producers: threads, done }
}

impl Feeding {
    /// True when everything was read and submitted, or a thread gave up.
    pub fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire) && self.producers.iter().all(JoinHandle::is_finished)
    }

    /// Number of records read.
    pub fn join(self) -> Result<u64, AnyError> {
        for producer in self.producers {
            producer.join().map_err(|_| "a producer panicked")??;
        }
        Ok(self.reader.join().map_err(|_| "the reader panicked")??)
    }
}

fn deal(records: Records, senders: Vec<SyncSender<Vec<u8>>>) -> Result<u64, String> {
    let mut count = 0;
    for record in records {
        let producer = (count % senders.len() as u64) as usize;
        // A producer that gave up tells why when it is joined.
        if senders[producer].send(record?).is_err() {
            break;
        }
        count += 1;
    }
    Ok(count)
}

fn produce(
    node: &Node,
    verifier: &Verifier,
    producer: usize,
    records: &Receiver<Vec<u8>>,
) -> Result<(), String> {
    let lane = LaneId::new((producer % LANES) as u8);
    for record in records {
        for chain in ChainId::ALL {
            verifier.sent(chain, producer, &record);
            submit(node, chain, lane, &record)?;
        }
    }
    Ok(())
}

fn submit(node: &Node, chain: ChainId, lane: LaneId, record: &[u8]) -> Result<(), String> {
    loop {
        match node.submit_wait(chain, lane, record, WAIT) {
            Ok(_) => return Ok(()),
            Err(error) if error.status() == Status::Timeout => {}
            Err(error) if error.retryable() => std::thread::yield_now(),
            Err(error) => {
                return Err(format!("{chain} refused a transaction of {} bytes: {error}", record.len()));
            }
        }
    }
}
