//! What the node tests share: scratch directories, fast nodes and patience without a fixed sleep.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test binary uses its own part")]
#![expect(clippy::disallowed_methods, reason = "tests bound their patience in real time")]

use duochain::node::{
    ChainSelect, Completion, Config, Event, Node, Settings, Start, SubscribeOptions, Subscription,
};
use duochain::types::{ChainId, LaneId, OpId, Status};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Far longer than anything here takes: only a hang meets it.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Lane 0.
pub const LANE: LaneId = LaneId::new(0);

/// A directory that goes away with the test.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        Self::below(&std::env::temp_dir(), name)
    }

    /// On a file system in memory where there is one: for many syncs of which none has to be real.
    pub fn in_memory(name: &str) -> Self {
        let shared = Path::new("/dev/shm");
        if shared.is_dir() { Self::below(shared, name) } else { Self::new(name) }
    }

    fn below(parent: &Path, name: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("duochain-{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("scratch directory");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Delta blocks every 3 ms, Alpha blocks every 15 ms.
pub fn config(dir: Option<&Path>) -> Config {
    let mut config = Config::new();
    match dir {
        Some(dir) => config.set("data_dir", &dir.to_string_lossy()).expect("valid"),
        None => config.set("storage.backend", "memory").expect("valid"),
    }
    config.set("time.scale", "1000").expect("valid");
    config.set("queue.cells", "4096").expect("valid");
    config
}

pub fn settings(dir: Option<&Path>) -> Settings {
    config(dir).build().expect("valid")
}

pub fn with(dir: Option<&Path>, pairs: &[(&str, &str)]) -> Settings {
    let mut config = config(dir);
    for (key, value) in pairs {
        config.set(key, value).expect("valid");
    }
    config.build().expect("valid")
}

pub fn open(dir: Option<&Path>) -> Node {
    Node::open(settings(dir)).expect("the node opens")
}

/// Asks again and again until `probe` answers.
pub fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = probe() {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "{what} did not happen within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Polls until every one of `ops` has its completion, in the order of `ops`.
pub fn complete(node: &Node, ops: &[OpId]) -> Vec<Completion> {
    let mut done = Vec::new();
    eventually("completion", || {
        let _ = node.poll_completions(&mut done, 4_096, Duration::from_millis(100));
        ops.iter().all(|op| done.iter().any(|completion| completion.op == *op)).then_some(())
    });
    ops.iter().map(|op| *done.iter().find(|completion| completion.op == *op).expect("just seen")).collect()
}

/// Submits and waits until it is final.
pub fn finalize(node: &Node, chain: ChainId, bytes: &[u8]) -> Completion {
    let op = node.submit(chain, LANE, bytes).expect("accepted");
    let completion = complete(node, &[op])[0];
    assert_eq!(completion.status, Status::Ok);
    completion
}

pub fn follow(node: &Node, start: Start) -> Subscription {
    let options = SubscribeOptions { chains: ChainSelect::Both, name: None, start };
    node.subscribe(options).expect("subscribed")
}

/// Reads events until `enough` says so.
pub fn events_until(events: &mut Subscription, mut enough: impl FnMut(&[Event]) -> bool) -> Vec<Event> {
    let mut seen = Vec::new();
    eventually("event", || {
        let _ = events.wait(Duration::from_millis(100));
        seen.extend(events.poll(1_000).expect("readable"));
        enough(&seen).then_some(())
    });
    seen
}

/// A thread of a test that is about to wait inside the library.
pub struct Waiter {
    thread: std::thread::JoinHandle<Status>,
    stat: PathBuf,
}

/// Starts `body` on a thread of its own.
pub fn waiter(body: impl FnOnce() -> Status + Send + 'static) -> Waiter {
    let (send, receive) = std::sync::mpsc::sync_channel(1);
    let thread = std::thread::spawn(move || {
        let itself = std::fs::read_link("/proc/thread-self").expect("a thread has an entry");
        send.send(itself).expect("the test listens");
        body()
    });
    let stat = Path::new("/proc").join(receive.recv().expect("started")).join("stat");
    Waiter { thread, stat }
}

impl Waiter {
    /// True when the kernel has the thread asleep; the state follows the name, which is in brackets.
    pub fn is_asleep(&self) -> bool {
        let stat = std::fs::read_to_string(&self.stat).expect("the thread runs");
        stat.rsplit(')').next().expect("has fields").trim_start().starts_with('S')
    }

    pub fn join(self) -> Status {
        self.thread.join().expect("no panic")
    }
}
