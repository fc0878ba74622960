//! Who closes a replica, from where, and what is over then.

#[path = "support/replicas.rs"]
mod replicas;

use duochain::frame::{Entry, Origin};
use duochain::node::replica::{self, Apply, Replica, ReplicaConfig, ReplicaError, SubmitOptions};
use duochain::types::Status;
use replicas::{Applied, Cluster, Keep, PATIENCE, batch, n, until};
use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
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
    held_by(cluster.config(1))
}

fn held_by(config: ReplicaConfig) -> (Arc<Replica>, SyncSender<()>) {
    let ((has_begun, begun), (open, gate)) = (sync_channel(8), sync_channel(0));
    let replica = Replica::open(config, Box::new(Gate(has_begun, gate))).unwrap();
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

/// Closing waits so long for what does not return.
const SHORT: Duration = Duration::from_millis(20);

#[test]
fn a_host_that_does_not_return_is_left_and_keeps_the_directory() {
    let mut cluster = Cluster::new("closing-apply", 1);
    cluster.close(1);
    let (replica, open) = held_by(ReplicaConfig { close_within: SHORT, ..cluster.config(1) });
    assert!(matches!(replica.shutdown(SHORT), Err(ReplicaError::Timeout)), "it is applying still");
    assert!(!replica.close(), "so it is");
    assert!(matches!(replica.append(batch("late"), PATIENCE), Err(ReplicaError::Closed)));
    let again = || Replica::open(cluster.config(1), Box::new(Keep(Applied::default())));
    assert_eq!(again().map(drop).map_err(|error| error.status()), Err(Status::Busy));
    drop(open);
    until("it is over", || replica.close());
    assert!(matches!(replica.shutdown(PATIENCE), Err(ReplicaError::Closed)));
    again().expect("the directory is free");
}

#[test]
fn a_replica_that_is_dropped_leaves_what_does_not_return() {
    let mut cluster = Cluster::new("closing-drop", 1);
    cluster.close(1);
    let (replica, open) = held_by(ReplicaConfig { close_within: Duration::ZERO, ..cluster.config(1) });
    drop(replica);
    drop(open);
    until("the directory is free", || {
        Replica::open(cluster.config(1), Box::new(Keep(Applied::default()))).is_ok()
    });
}

/// A state that nobody can read before the other end is gone.
struct Stuck(SyncSender<()>, Receiver<()>);

impl Read for Stuck {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        let _ = (self.0.try_send(()), self.1.recv());
        Ok(0)
    }
}

struct StuckHost(Option<Stuck>);

impl Apply for StuckHost {
    fn apply(&mut self, _batch: &replica::Applied<'_>) {}

    fn snapshot(&mut self) -> Option<Box<dyn Read + Send>> {
        self.0.take().map(|state| Box::new(state) as Box<dyn Read + Send>)
    }
}

#[test]
fn a_state_that_nobody_can_read_is_left() {
    let mut cluster = Cluster::new("closing-stuck", 1);
    cluster.close(1);
    let ((begun, has_begun), (open, gate)) = (sync_channel(1), sync_channel(0));
    let mut config = ReplicaConfig { close_within: SHORT, ..cluster.config(1) };
    config.snapshots.every_entries = 1;
    let replica = Replica::open(config, Box::new(StuckHost(Some(Stuck(begun, gate))))).unwrap();
    until("it leads", || replica.append(batch("x"), PATIENCE).is_ok());
    has_begun.recv_timeout(PATIENCE).unwrap();
    assert!(!replica.close());
    drop(open);
    until("it is over", || replica.close());
}

#[test]
fn a_peer_that_does_not_answer_is_left_while_it_is_called() {
    let mut cluster = Cluster::new("closing-call", 1);
    cluster.close(1);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = silent.local_addr().unwrap();
    // It is let in by the system, and nobody says hello.
    let mut config = ReplicaConfig { close_within: SHORT, ..cluster.config(1) };
    config.net.hello_timeout = PATIENCE;
    config.contacts.insert(n(9), at.to_string());
    let replica = Replica::open(config, Box::new(Keep(Applied::default()))).unwrap();
    let called = silent.accept().unwrap();
    assert!(!replica.close(), "it waits for an answer");
    drop(called);
    until("it is over", || replica.close());
    assert!(TcpStream::connect(at).is_ok(), "the listener has outlived it");
}
