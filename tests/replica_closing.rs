//! Who closes a replica, from where, and what is over then.

#[path = "support/replicas.rs"]
mod replicas;

use duochain::frame::{Entry, Origin};
use duochain::node::replica::{self, Apply, Replica, SubmitOptions};
use replicas::{Applied, Cluster, Keep, PATIENCE, batch, until};
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Says that it has begun to apply, and goes on when the other end of the second is gone.
struct Gate(SyncSender<()>, Receiver<()>);

impl Apply for Gate {
    fn apply(&mut self, _batch: &replica::Applied<'_>) {
        let _ = (self.0.send(()), self.1.recv());
    }
}

/// The only member of a cluster, whose host is applying until the other part is dropped.
fn held(cluster: &Cluster) -> (Arc<Replica>, SyncSender<()>) {
    let ((has_begun, begun), (open, gate)) = (sync_channel(8), sync_channel(0));
    let replica = Replica::open(cluster.config(1), Box::new(Gate(has_begun, gate))).unwrap();
    until("it leads", || replica.append(batch("held"), PATIENCE).is_ok());
    begun.recv_timeout(PATIENCE).unwrap();
    (Arc::new(replica), open)
}

#[test]
fn a_callback_may_drop_the_last_handle_of_its_replica() {
    let mut cluster = Cluster::new("service-drop", 1);
    cluster.close(1);
    let (replica, open) = held(&cluster);
    // Whoever applies says what is a repetition, so it will run the callback.
    let entry = Entry { origin: Origin { session: 1, sequence: 1 }, ..Entry::default() };
    let pending = replica.submit(&[entry], SubmitOptions::default()).unwrap();
    let (done, told) = sync_channel(1);
    pending.on_done(move |outcome| {
        drop(replica);
        done.send(outcome).unwrap();
    });
    drop(open);
    told.recv_timeout(PATIENCE).expect("the callback went on").unwrap();
    until("the directory is free", || {
        Replica::open(cluster.config(1), Box::new(Keep(Applied::default()))).is_ok()
    });
}

#[test]
fn who_closes_it_after_a_callback_has_waits_for_the_thread_of_that() {
    let mut cluster = Cluster::new("service-inside", 1);
    cluster.close(1);
    let (replica, open) = held(&cluster);
    let entry = Entry { origin: Origin { session: 1, sequence: 1 }, ..Entry::default() };
    let pending = replica.submit(&[entry], SubmitOptions::default()).unwrap();
    let (done, told) = sync_channel(1);
    let inside = Arc::clone(&replica);
    pending.on_done(move |_| {
        inside.close();
        done.send(()).unwrap();
    });
    // The callback runs before the host applies that entry.
    open.send(()).unwrap();
    told.recv_timeout(PATIENCE).expect("the callback went on");
    let (done, closed) = sync_channel(1);
    std::thread::spawn(move || {
        replica.close();
        done.send(()).unwrap();
    });
    assert!(closed.recv_timeout(Duration::from_millis(50)).is_err(), "its host is applying still");
    drop(open);
    closed.recv_timeout(PATIENCE).unwrap();
    Replica::open(cluster.config(1), Box::new(Keep(Applied::default()))).expect("the directory is free");
}

#[test]
fn whoever_closes_waits_until_it_is_closed_also_while_another_does() {
    let mut cluster = Cluster::new("service-twice", 1);
    cluster.close(1);
    let (replica, open) = held(&cluster);
    let (done, closed) = sync_channel(2);
    for _ in 0..2 {
        let (replica, done) = (Arc::clone(&replica), done.clone());
        std::thread::spawn(move || {
            replica.close();
            done.send(()).unwrap();
        });
    }
    assert!(closed.recv_timeout(Duration::from_millis(50)).is_err(), "its host is applying still");
    drop(open);
    (0..2).for_each(|_| closed.recv_timeout(PATIENCE).unwrap());
}

/// A state of a gibibyte, in small pieces, that says when its first one is read and when its last one was.
struct Long {
    begun: SyncSender<()>,
    left: usize,
    is_whole: Arc<AtomicBool>,
}

impl Read for Long {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let _ = self.begun.try_send(());
        let count = out.len().min(self.left).min(64 << 10);
        out[..count].fill(7);
        self.left -= count;
        self.is_whole.fetch_or(self.left == 0, Ordering::SeqCst);
        Ok(count)
    }
}

struct LongHost(SyncSender<()>, Arc<AtomicBool>);

impl Apply for LongHost {
    fn apply(&mut self, _batch: &replica::Applied<'_>) {}

    fn snapshot(&mut self) -> Option<Box<dyn Read + Send>> {
        let (begun, is_whole) = (self.0.clone(), Arc::clone(&self.1));
        Some(Box::new(Long { begun, left: 1 << 30, is_whole }))
    }
}

#[test]
fn a_close_waits_for_no_snapshot_that_is_being_written() {
    let mut cluster = Cluster::new("closing-snapshot", 1);
    cluster.close(1);
    let ((begun, has_begun), is_whole) = (sync_channel(1), Arc::<AtomicBool>::default());
    let mut config = cluster.config(1);
    config.snapshots.every_entries = 1;
    let replica = Replica::open(config, Box::new(LongHost(begun, Arc::clone(&is_whole)))).unwrap();
    until("it leads", || replica.append(batch("x"), PATIENCE).is_ok());
    has_begun.recv_timeout(PATIENCE).unwrap();
    replica.close();
    assert!(!is_whole.load(Ordering::SeqCst), "it was read to its end");
}
