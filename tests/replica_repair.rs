//! A log that is damaged in its middle is mended by peers before its node takes part, or refused.

#[path = "support/damaged.rs"]
mod damaged;
#[path = "support/replicas.rs"]
mod replicas;

use damaged::{files, flip, lose};
use duochain::node::replica::{Replica, ReplicaConfig, ReplicaError, WaitFor};
use duochain::raft::Role;
use duochain::storage::Error;
use duochain::storage::frames::SegmentFrameLog;
use duochain::types::{Index, LogId};
use replicas::{Applied, Cluster, Keep, PATIENCE, n, submit, texts, until, while_one_leads};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// For a machine that takes long for everything.
fn patient(config: &mut ReplicaConfig) {
    config.repair_within = PATIENCE;
}

fn words() -> Vec<String> {
    (0..50).map(|number| format!("word-{number}")).collect()
}

/// Appends the words, one batch each; where they are.
fn fill(cluster: &Cluster) -> Vec<LogId> {
    words().iter().map(|word| cluster.append(word)).collect()
}

fn follower_of(cluster: &Cluster) -> usize {
    (1..=cluster.replicas.len())
        .find(|number| cluster.replica(*number).status().role != Role::Leader)
        .expect("one leads")
}

/// A closed follower that has all the words, and where they are.
fn closed_follower(cluster: &mut Cluster) -> (usize, Vec<LogId>) {
    let ids = fill(cluster);
    let number = follower_of(cluster);
    cluster.applied(number, ids[ids.len() - 1].index);
    cluster.close(number);
    (number, ids)
}

fn open(cluster: &Cluster, number: usize) -> Result<Replica, ReplicaError> {
    Replica::open(cluster.config(number), Box::new(Keep(Applied::default())))
}

/// That it is refused as if nobody had been asked, and what is said about that; nothing is changed.
fn refused(cluster: &Cluster, number: usize, path: &Path) -> String {
    let before = fs::read(path).unwrap();
    let outcome = open(cluster, number).map(drop);
    let Err(ReplicaError::Storage(why)) = &outcome else { panic!("{outcome:?}") };
    let Error::Corrupt { path: named, .. } = &**why else { panic!("{why}") };
    assert_eq!(named, path, "{why}");
    assert!(fs::read(path).unwrap() == before, "what is there is left as it was");
    assert!(why.to_string().contains("durable entries"), "{why}");
    why.to_string()
}

fn has_words(cluster: &Cluster, number: usize, last: Index) {
    let applied = texts(&cluster.applied(number, last));
    let applied: Vec<String> = applied.into_iter().filter(|text| text.starts_with("word-")).collect();
    assert_eq!(applied, words());
}

#[test]
fn a_log_with_damage_anywhere_is_mended_by_peers() {
    let mut cluster = Cluster::tuned("repair", 3, patient);
    let (number, ids) = closed_follower(&mut cluster);
    let dir = cluster.config(number).dir;
    let last = ids[ids.len() - 1].index;
    // Nothing stands before the first entry, and nothing behind the last one.
    for index in [Index::new(1), ids[20].index, last] {
        let (path, at) = lose(&dir, index);
        assert!(SegmentFrameLog::damages(&dir.join("log")).is_ok_and(|found| found.len() == 1));
        let damaged = fs::read(&path).unwrap();
        cluster.open(number);
        has_words(&cluster, number, last);
        cluster.close(number);
        assert!(fs::read(&path).unwrap()[at as usize] != damaged[at as usize], "what stood there is back");
    }
    // It takes part again: with it there is a majority.
    cluster.open(number);
    let gone = (1..=3).find(|other| *other != number).unwrap();
    cluster.close(gone);
    cluster.append("after");
}

/// Files of a mebibyte, and answers of a few frames.
fn small(config: &mut ReplicaConfig) {
    patient(config);
    config.log.segment_bytes = 1 << 20;
    config.raft.frame_bytes_max = 64 << 10;
    config.raft.append_bytes_max = 64 << 10;
}

#[test]
fn a_whole_file_is_mended_in_several_answers() {
    let mut cluster = Cluster::tuned("repair-file", 3, small);
    let large = "x".repeat(40_000);
    let ids: Vec<LogId> = (0..80).map(|_| cluster.append(&large)).collect();
    let number = follower_of(&cluster);
    let last = ids[79].index;
    let whole = cluster.applied(number, last);
    cluster.close(number);
    let dir = cluster.config(number).dir;
    let files = files(&dir);
    assert!(files.len() >= 3, "{files:?}");
    // The end of a file, and both copies of the identity of the next one: damages side by side.
    let next: u64 = files[1].file_stem().unwrap().to_str().unwrap().parse().unwrap();
    lose(&dir, Index::new(next - 1));
    flip(&files[1], 3);
    flip(&files[1], 2048 + 3);
    let found = SegmentFrameLog::damages(&dir.join("log")).unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    cluster.open(number);
    assert_eq!(cluster.applied(number, last), whole);
}

#[test]
fn damage_that_no_peer_answers_for_is_refused_in_time_by_file_and_entries() {
    let mut cluster =
        Cluster::tuned("repair-alone", 3, |config| config.repair_within = Duration::from_millis(500));
    let (number, ids) = closed_follower(&mut cluster);
    (1..=3).for_each(|other| cluster.close(other));
    let (path, _) = lose(&cluster.config(number).dir, ids[20].index);
    let why = refused(&cluster, number, &path);
    for other in (1..=3).filter(|other| *other != number) {
        assert!(why.contains(&format!("{} gave no answer within 500ms", n(other))), "{why}");
    }
    // With the others it is whole again.
    (1..=3).filter(|other| *other != number).for_each(|other| cluster.open(other));
    cluster.tune = patient;
    cluster.open(number);
    has_words(&cluster, number, ids[ids.len() - 1].index);
}

#[test]
fn a_node_that_is_not_to_ask_refuses_damage_at_once() {
    let mut cluster = Cluster::tuned("repair-never", 3, |config| config.repair_within = Duration::ZERO);
    let (number, ids) = closed_follower(&mut cluster);
    let (path, _) = lose(&cluster.config(number).dir, ids[20].index);
    assert!(!refused(&cluster, number, &path).contains("not mended"));
}

#[test]
fn a_damaged_directory_of_another_cluster_is_refused_before_anything_is_mended() {
    let mut cluster = Cluster::new("repair-other", 3);
    let (number, ids) = closed_follower(&mut cluster);
    let (path, _) = lose(&cluster.config(number).dir, ids[20].index);
    let before = fs::read(&path).unwrap();
    let mut config = cluster.config(number);
    config.cluster.0[0] ^= 1;
    let outcome = Replica::open(config, Box::new(Keep(Applied::default()))).map(drop);
    let Err(ReplicaError::Config(why)) = &outcome else { panic!("{outcome:?}") };
    assert!(why.contains("belongs to another cluster"), "{why}");
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn a_node_that_is_being_mended_gives_no_vote() {
    let mut cluster = Cluster::tuned("repair-vote", 3, patient);
    let (number, ids) = closed_follower(&mut cluster);
    (1..=3).for_each(|other| cluster.close(other));
    lose(&cluster.config(number).dir, ids[20].index);
    let [one, other] = [1, 2].map(|step| (number + step - 1) % 3 + 1);
    let (config, applied) = (cluster.config(number), Applied::default());
    let keep = Keep(Arc::clone(&applied));
    let opening = std::thread::spawn(move || Replica::open(config, Box::new(keep)));
    cluster.open(one);
    let sent = |cluster: &Cluster| {
        let peers = cluster.replica(one).net_peers();
        peers.iter().find(|peer| peer.node == n(number)).map_or(0, |peer| peer.sent_bytes)
    };
    // It is asked for its vote again and again; a request has 48 bytes.
    until("requests for a vote on their way", || sent(&cluster) >= 5 * 48);
    assert_ne!(cluster.replica(one).status().role, Role::Leader);
    assert!(!opening.is_finished(), "there is nobody who knows what is committed");
    cluster.open(other);
    let replica = opening.join().unwrap().unwrap();
    cluster.replicas[number - 1] = Some((replica, applied));
    has_words(&cluster, number, ids[ids.len() - 1].index);
}

/// A closed node with entries that the others have replaced since: where the last common one is, and the last of its own.
fn replaced(cluster: &mut Cluster) -> Option<(usize, Index, Index)> {
    let common = fill(cluster)[49].index;
    let number = cluster.leader();
    let common = common.max(cluster.append("common").index);
    let others: Vec<usize> = (1..=3).filter(|other| *other != number).collect();
    others.iter().for_each(|other| drop(cluster.applied(*other, common)));
    others.iter().for_each(|other| cluster.close(*other));
    // Nobody else gets these; each waits for the disk, and so is a frame.
    let mut last = common;
    for text in (0..10).map(|number| format!("old-{number:02}")) {
        let pending = submit(cluster.replica(number), &text, WaitFor::Local).ok()?;
        let id = pending.wait(PATIENCE).ok()?.id;
        // One frame each, right behind what is common, unless it was elected again.
        (id.index == last.next()).then_some(())?;
        last = id.index;
    }
    cluster.close(number);
    others.iter().for_each(|other| cluster.open(*other));
    // As long as those, so that one would fit where the other stood.
    let mut end = common;
    while end <= last {
        end = cluster.append("new-00").index;
    }
    Some((number, common, last))
}

#[test]
fn entries_that_were_replaced_elsewhere_are_not_joined_with_what_replaced_them() {
    while_one_leads(|| {
        let mut cluster = Cluster::tuned("repair-replaced", 3, patient);
        let (number, common, last) = replaced(&mut cluster)?;
        let dir = cluster.config(number).dir;
        // What is before the gap was replaced: nothing stands behind it, terms do not fall, and the length fits.
        let (path, at) = lose(&dir, last);
        let why = refused(&cluster, number, &path);
        assert!(why.contains("has another entry committed before it"), "{why}");
        flip(&path, at);
        // What is before the gap is the same, and what is behind it was replaced.
        let (path, at) = lose(&dir, common.next());
        let why = refused(&cluster, number, &path);
        assert!(why.contains("has another entry committed behind it"), "{why}");
        flip(&path, at);
        // What is before the gap and behind it is the same; only further behind it was replaced. That is mended.
        lose(&dir, common.back(1).unwrap());
        cluster.open(number);
        let end = cluster.append("end").index;
        let of = |number| texts(&cluster.applied(number, end));
        let (mended, other) = (of(number), of(number % 3 + 1));
        assert_eq!(mended, other);
        assert!(!mended.iter().any(|text| text.starts_with("old-")));
        Some(())
    });
}
