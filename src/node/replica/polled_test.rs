//! What is left out of what is shown, also where it is forgotten while somebody reads.

use super::*;
use crate::frame::FrameLimits;
use crate::node::replica::cut_test::{at, body, frame, n, shared_of};
use crate::storage::Error;
use crate::storage::frames::{FrameHead, FrameLog, FrameReader, MemoryFrameLog};
use std::path::PathBuf;

#[test]
fn runs_that_touch_are_one_and_are_left_in_one_step() {
    let mut runs = Runs::default();
    for (first, end) in [(3, 5), (5, 9), (12, 13)] {
        runs.add(first, end);
    }
    assert_eq!(runs.0.len(), 2);
    let behind = [1, 2, 3, 4, 8, 9, 12, 13].map(|index| runs.behind(Index::new(index)).get());
    assert_eq!(behind, [1, 2, 9, 9, 9, 9, 13, 13]);
    assert_eq!(runs.within(4, 12), Runs([(3, 9)].into()));
    assert_eq!(runs.within(9, 13), Runs([(12, 13)].into()));
    for (first, left) in [(3, &[(3, 9), (12, 13)][..]), (8, &[(3, 9), (12, 13)]), (9, &[(12, 13)]), (13, &[])]
    {
        runs.forget(Index::new(first));
        assert_eq!(runs, Runs(left.iter().copied().collect()), "before {first}");
    }
}

type Meanwhile = Box<dyn FnOnce() + Send>;

/// A log that something happens to once somebody has read from it.
struct Interrupted {
    inner: Arc<dyn FrameReader>,
    meanwhile: Arc<Mutex<Option<Meanwhile>>>,
}

impl FrameReader for Interrupted {
    fn read(&self, from: Index, bytes_max: usize) -> Result<Vec<Frame>, Error> {
        let frames = self.inner.read(from, bytes_max);
        let meanwhile = self.meanwhile.lock().take();
        meanwhile.into_iter().for_each(|happen| happen());
        frames
    }

    fn heads(&self, from: Index, visit: &mut dyn FnMut(FrameHead) -> bool) -> Result<(), Error> {
        self.inner.heads(from, visit)
    }

    fn memberships(&self) -> Vec<Index> {
        self.inner.memberships()
    }

    fn term_at(&self, index: Index) -> Option<Term> {
        self.inner.term_at(index)
    }

    fn first(&self) -> Index {
        self.inner.first()
    }

    fn last(&self) -> Index {
        self.inner.last()
    }
}

/// A node whose log is of ten entries, all of them applied: repetitions but for the first and the fifth.
struct Node {
    log: Arc<Mutex<MemoryFrameLog>>,
    meanwhile: Arc<Mutex<Option<Meanwhile>>>,
    polled: PolledReplica,
    dir: PathBuf,
}

impl Node {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("duochain-polled-{name}-{}", std::process::id()));
        let mut log = MemoryFrameLog::new(FrameLimits::default());
        let frames: Vec<Frame> = (1..=10).map(|index| frame(at(1, index), body(Entry::default()))).collect();
        log.append(&frames).unwrap();
        log.sync().unwrap();
        let meanwhile = Arc::<Mutex<Option<Meanwhile>>>::default();
        let reader = Interrupted { inner: log.reader(), meanwhile: Arc::clone(&meanwhile) };
        let shared = Arc::new(shared_of(&dir, Arc::new(reader)));
        shared.core.lock().committed = Index::new(10);
        shared.applied.store(10, Ordering::Release);
        let replica = Replica { node: n(1), shared, threads: Mutex::default() };
        let left_out = Arc::new(Mutex::new(Runs([(2, 5), (6, 11)].into())));
        let recent = Mutex::new(None);
        let polled = PolledReplica { replica, left_out, entries_max: 10, bytes_max: 1 << 20, recent };
        Self { log: Arc::new(Mutex::new(log)), meanwhile, polled, dir }
    }

    fn shown(&self, from: u64) -> Result<Vec<u64>, ReplicaError> {
        let batch = self.polled.poll(Index::new(from), 1 << 20, Duration::ZERO)?;
        Ok(batch.entries().map(|committed| committed.index.get()).collect())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

#[test]
fn repetitions_that_are_forgotten_while_somebody_reads_are_not_shown() {
    // A snapshot of a peer takes the log's place, and the applier has not said yet how far that is.
    let replace: fn(&mut MemoryFrameLog, &Arc<Mutex<Runs>>) = |log, left_out| {
        log.reset(Index::new(21)).unwrap();
        Note(Arc::clone(left_out)).restore(&mut io::empty()).unwrap();
    };
    // The log is cut, and the host gives its next state.
    let cut: fn(&mut MemoryFrameLog, &Arc<Mutex<Runs>>) = |log, left_out| {
        log.purge_front(Index::new(6)).unwrap();
        left_out.lock().forget(log.first());
    };
    for (name, happen) in [("replaced", replace), ("cut", cut)] {
        let node = Node::new(name);
        assert_eq!(node.shown(1).unwrap(), [1, 5], "{name}");
        *node.polled.recent.lock() = None;
        let (log, left_out) = (Arc::clone(&node.log), Arc::clone(&node.polled.left_out));
        *node.meanwhile.lock() = Some(Box::new(move || happen(&mut log.lock(), &left_out)));
        let shown = node.shown(1);
        assert!(matches!(shown, Err(ReplicaError::Gone(_))), "{name}: {shown:?}");
        assert!(node.meanwhile.lock().is_none(), "{name}: it has happened");
    }
}
