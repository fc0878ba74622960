//! A log that is damaged in its middle is mended by peers before its node takes part.

#[path = "support/replicas.rs"]
mod replicas;

use duochain::node::replica::{Replica, ReplicaConfig, ReplicaError};
use duochain::raft::Role;
use duochain::types::LogId;
use replicas::{Applied, Cluster, Keep, texts};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where records begin in a file of the log.
const RECORDS_AT: usize = 0x1000;

fn short(config: &mut ReplicaConfig) {
    config.repair_within = Duration::from_millis(500);
}

/// Flips a bit in the middle of what the only file holds.
fn damage(dir: &Path) -> PathBuf {
    let names = fs::read_dir(dir.join("log")).unwrap().map(|entry| entry.unwrap().path());
    let path = names.filter(|path| path.extension().is_some_and(|kind| kind == "frames")).max().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[RECORDS_AT + (end - RECORDS_AT) / 2] ^= 0x10;
    fs::write(&path, bytes).unwrap();
    path
}

fn words() -> Vec<String> {
    (0..50).map(|number| format!("word-{number}")).collect()
}

/// Appends the words, one batch each; where the last one is.
fn fill(cluster: &Cluster) -> LogId {
    let ids: Vec<LogId> = words().iter().map(|word| cluster.append(word)).collect();
    ids[ids.len() - 1]
}

fn follower_of(cluster: &Cluster) -> usize {
    (1..=3).find(|number| cluster.replica(*number).status().role != Role::Leader).expect("one leads")
}

fn open(cluster: &Cluster, number: usize) -> Result<Replica, ReplicaError> {
    Replica::open(cluster.config(number), Box::new(Keep(Applied::default())))
}

#[test]
fn a_log_with_damage_in_its_middle_is_mended_by_peers() {
    let mut cluster = Cluster::new("repair", 3);
    let last = fill(&cluster);
    let number = follower_of(&cluster);
    cluster.applied(number, last.index);
    cluster.close(number);
    damage(&cluster.config(number).dir);
    cluster.open(number);
    let applied = texts(&cluster.applied(number, last.index));
    let applied: Vec<String> = applied.into_iter().filter(|text| text.starts_with("word-")).collect();
    assert_eq!(applied, words());
    // It takes part again: with it there is a majority.
    let gone = (1..=3).find(|other| *other != number).unwrap();
    cluster.close(gone);
    cluster.append("after");
}

#[test]
fn damage_that_no_peer_can_mend_is_refused_by_file_and_entries() {
    let mut cluster = Cluster::tuned("repair-alone", 3, short);
    let last = fill(&cluster);
    let number = follower_of(&cluster);
    cluster.applied(number, last.index);
    (1..=3).for_each(|other| cluster.close(other));
    let dir = cluster.config(number).dir;
    let path = damage(&dir);
    let before = fs::read(&path).unwrap();
    let refused = open(&cluster, number).map(drop);
    let Err(ReplicaError::Failed(why)) = &refused else { panic!("{refused:?}") };
    let name = path.file_name().unwrap().to_string_lossy();
    assert!(why.contains(&*name) && why.contains("no peer gave"), "{why}");
    assert_eq!(fs::read(&path).unwrap(), before, "what is there is left as it was");
    // With the others it is whole again.
    (1..=3).filter(|other| *other != number).for_each(|other| cluster.open(other));
    cluster.tune = |_| {};
    cluster.open(number);
    assert!(!cluster.applied(number, last.index).is_empty());
}

#[test]
fn a_node_that_is_not_to_ask_refuses_damage_at_once() {
    let mut cluster = Cluster::tuned("repair-never", 3, |config| config.repair_within = Duration::ZERO);
    let last = fill(&cluster);
    let number = follower_of(&cluster);
    cluster.applied(number, last.index);
    cluster.close(number);
    damage(&cluster.config(number).dir);
    let refused = open(&cluster, number).map(drop);
    assert!(matches!(&refused, Err(ReplicaError::Storage(_))), "{refused:?}");
}
