//! A replica in the child of a fork: requests say that it is closed, none hangs, and the parent's goes on.

#[path = "support/child.rs"]
mod child;
#[path = "support/replicas.rs"]
mod replicas;

use child::in_child;
use duochain::frame::Origin;
use duochain::node::replica::{PolledReplica, ReplicaError, SubmitOptions};
use duochain::types::Index;
use replicas::{Cluster, PATIENCE, eventually};
use std::io;
use std::time::Duration;

#[test]
fn the_child_is_refused_and_the_parent_goes_on() {
    let mut cluster = Cluster::new("fork", 1);
    cluster.close(1);
    let replica = PolledReplica::open(cluster.config(1)).unwrap();
    let put = || replica.submit_all(&[b"x"], Origin::default(), SubmitOptions::default());
    let last = eventually("it leads", || put().ok()).wait(PATIENCE).unwrap().id.index;
    eventually("it can be read", || (replica.applied() >= last).then_some(()));
    let writer = replica.begin_snapshot(last).unwrap();
    writer.write(b"half of ", PATIENCE).unwrap();
    let forked = in_child(|| {
        let answers = [
            put().map(drop),
            replica.poll(last, 1, PATIENCE).map(drop),
            replica.wait_committed(last, PATIENCE).map(drop),
            replica.open_snapshot().map(drop),
            replica.give_snapshot(last, Box::new(io::empty())).map(drop),
            replica.begin_snapshot(last).map(drop),
            writer.write(b"the child's", Duration::MAX),
            writer.wait(Duration::MAX).map(drop),
        ];
        writer.finish();
        writer.give_up();
        replica.close();
        answers.iter().all(|answer| matches!(answer, Err(ReplicaError::Closed)))
    });
    assert!(forked, "some call in the child did not answer Closed");
    assert_eq!(replica.snapshot_index(), Index::ORIGIN);
    writer.write(b"it", PATIENCE).unwrap();
    writer.finish();
    assert_eq!(writer.wait(PATIENCE).unwrap(), last);
    let mut state = [0; 16];
    let count = replica.open_snapshot().unwrap().unwrap().read_at(0, &mut state).unwrap();
    assert_eq!(&state[..count], b"half of it");
}
