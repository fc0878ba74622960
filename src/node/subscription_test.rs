//! Subscriptions over logs that fail, forget and go away.

use super::*;
use crate::dual::EventKind;
use crate::node::disk::Views;
use crate::node::{Config, Node};
use crate::storage::{self, LogKind, LogOptions, MemoryStore};
use crate::types::{BlockHash, Height, UnixNanos};
use std::path::Path;
use std::sync::atomic::AtomicU64;

/// An event log that does what a test says.
#[derive(Debug)]
struct Script {
    chain: ChainId,
    first: AtomicU64,
    last: u64,
    /// Reading this one fails until it is 0.
    broken: AtomicU64,
    /// Reading this one finds that everything up to it was just retired.
    retired: u64,
    /// This one is not there.
    hole: u64,
}

impl Script {
    fn new(chain: ChainId, last: u64) -> Self {
        Self { chain, first: AtomicU64::new(1), last, broken: AtomicU64::new(0), retired: 0, hole: 0 }
    }
}

impl LogReader for Script {
    fn read(&self, index: u64) -> Result<Option<Vec<u8>>, storage::Error> {
        if index == self.broken.load(Ordering::Relaxed) {
            let (path, what) = (Path::new("events").into(), "scripted".into());
            return Err(storage::Error::Corrupt { path, offset: 0, what });
        }
        if index == self.retired {
            self.first.store(index + 1, Ordering::Relaxed);
        }
        if index == self.hole || !(self.first()..=self.last).contains(&index) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        event(self.chain, index).encode(&mut bytes);
        Ok(Some(bytes))
    }

    fn first(&self) -> u64 {
        self.first.load(Ordering::Relaxed)
    }

    fn last(&self) -> u64 {
        self.last
    }
}

fn event(chain: ChainId, number: u64) -> Event {
    Event {
        chain,
        sequence: Sequence::new(number),
        kind: EventKind::finalized(chain),
        height: Height::new(number),
        hash: BlockHash::ZERO,
        time: UnixNanos::new(0),
        tx_count: 0,
        health: None,
        detail: String::new(),
    }
}

/// A node in real time, so its chains announce nothing while a test runs.
fn node() -> Node {
    let mut config = Config::new();
    config.set("storage.backend", "memory").expect("valid");
    config.set("queue.cells", "64").expect("valid");
    let node = Node::open(config.build().expect("valid")).expect("opens");
    // Each chain's thread shows its own log once, and says so, before a test puts another in its place.
    let announced = &node.shared().common.announced;
    while let seen @ 0..2 = announced.epoch() {
        announced.wait_past(seen, Duration::from_secs(60));
    }
    node
}

fn install(node: &Node, script: Script, announced: u64) -> Arc<Script> {
    let script = Arc::new(script);
    let options = LogOptions { segment_bytes: 1 << 20, record_bytes_max: 1 << 20 };
    let blocks = storage::open_log(LogKind::Memory, Path::new(""), &options).expect("in memory").reader();
    let events = Arc::clone(&script) as Arc<dyn LogReader>;
    let cell = node.shared().cell(script.chain);
    *cell.views.write() = Some(Views { blocks, events, store: Arc::new(MemoryStore::new()) });
    cell.publish_event(Sequence::new(announced));
    script
}

fn follow(node: &Node) -> Subscription {
    node.subscribe(SubscribeOptions::default()).expect("subscribed")
}

fn numbers(events: &[Event], chain: ChainId) -> Vec<u64> {
    events.iter().filter(|event| event.chain == chain).map(|event| event.sequence.get()).collect()
}

/// What the system knows about an event descriptor, without reading it.
fn is_readable(fd: RawFd) -> bool {
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).expect("procfs");
    let line = info.lines().find_map(|line| line.strip_prefix("eventfd-count:")).expect("an eventfd");
    line.trim() != "0"
}

#[test]
fn a_fault_in_one_chains_log_takes_no_event_from_either_stream() {
    let node = node();
    install(&node, Script::new(ChainId::Alpha, 3), 3);
    let delta = install(&node, Script::new(ChainId::Delta, 6), 6);
    delta.broken.store(5, Ordering::Relaxed);
    let mut events = follow(&node);
    let seen = events.poll(100).expect("what is before the fault");
    assert_eq!(numbers(&seen, ChainId::Alpha), [1, 2, 3]);
    assert_eq!(numbers(&seen, ChainId::Delta), [1, 2, 3, 4]);
    assert!(events.wait(Duration::ZERO).expect("open"), "there is something to say");
    for _ in 0..2 {
        assert_eq!(events.poll(100).unwrap_err().status(), Status::Corruption);
        assert_eq!(events.lag(), [0, 2], "the position is unchanged");
    }
    delta.broken.store(0, Ordering::Relaxed);
    let seen = events.poll(100).expect("the disk is well again");
    assert_eq!(numbers(&seen, ChainId::Delta), [5, 6]);
    assert_eq!(events.dropped(), [0, 0]);
}

#[test]
fn events_retired_while_they_are_read_are_counted_and_no_corruption() {
    let node = node();
    install(&node, Script { retired: 7, ..Script::new(ChainId::Delta, 9) }, 9);
    let mut events = follow(&node);
    assert_eq!(numbers(&events.poll(8).expect("readable"), ChainId::Delta), [1, 2, 3, 4, 5, 6, 8, 9]);
    assert_eq!(events.dropped(), [0, 1]);
}

#[test]
fn a_log_of_before_a_restart_ends_and_the_new_one_goes_on() {
    let node = node();
    install(&node, Script::new(ChainId::Delta, 2), 3);
    let mut events = follow(&node);
    assert_eq!(numbers(&events.poll(100).expect("readable"), ChainId::Delta), [1, 2]);
    install(&node, Script::new(ChainId::Delta, 3), 3);
    assert_eq!(numbers(&events.poll(100).expect("readable"), ChainId::Delta), [3]);
}

#[test]
fn a_hole_in_the_log_is_corruption() {
    let node = node();
    let delta = install(&node, Script { hole: 2, ..Script::new(ChainId::Delta, 3) }, 3);
    let mut events = follow(&node);
    assert_eq!(numbers(&events.poll(100).expect("the first"), ChainId::Delta), [1]);
    let error = events.poll(100).unwrap_err();
    assert_eq!((error.status(), delta.first()), (Status::Corruption, 1));
}

#[test]
fn a_reader_sleeps_while_the_chain_it_lags_behind_is_down() {
    let node = node();
    install(&node, Script::new(ChainId::Delta, 2), 2);
    let mut events = follow(&node);
    let fd = events.event_fd().expect("a descriptor");
    let views = node.shared().cell(ChainId::Delta).views.write().take();
    assert!(!events.wait(Duration::from_millis(1)).expect("open"));
    assert!(events.poll(100).expect("nothing to read").is_empty());
    assert!(!is_readable(fd));
    *node.shared().cell(ChainId::Delta).views.write() = views;
    node.shared().common.announced.notify();
    assert!(is_readable(fd) && events.wait(Duration::ZERO).expect("open"));
    assert_eq!(numbers(&events.poll(100).expect("readable"), ChainId::Delta), [1, 2]);
}

#[test]
fn a_seek_forgets_the_fault_that_lay_behind() {
    let node = node();
    let delta = install(&node, Script::new(ChainId::Delta, 3), 3);
    delta.broken.store(2, Ordering::Relaxed);
    let mut events = follow(&node);
    assert_eq!(numbers(&events.poll(100).expect("the first"), ChainId::Delta), [1]);
    events.seek(ChainId::Delta, Sequence::new(3)).expect("in range");
    assert_eq!(numbers(&events.poll(100).expect("after the fault"), ChainId::Delta), [3]);
}
