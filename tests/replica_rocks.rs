//! Replicas whose log is a database of RocksDB.

#[path = "support/replicas.rs"]
mod replicas;

use duochain::node::replica::{Replica, ReplicaConfig, ReplicaError};
use duochain::storage::frames::LogBackend;
use duochain::types::Status;
use replicas::{Applied, Cluster, Keep};

fn in_rocksdb(config: &mut ReplicaConfig) {
    config.log_backend = LogBackend::RocksDb;
}

fn refused(config: ReplicaConfig) -> ReplicaError {
    match Replica::open(config, Box::new(Keep(Applied::default()))) {
        Err(error) => error,
        Ok(_) => panic!("it was opened"),
    }
}

#[cfg(feature = "rocksdb")]
mod with_rocksdb {
    use super::*;
    use duochain::types::Index;
    use replicas::{batch, texts, unless_it_went, until};
    use std::path::PathBuf;

    fn database(cluster: &Cluster, number: usize) -> PathBuf {
        cluster.scratch.path().join(format!("n{number}/log-rocksdb"))
    }

    #[test]
    fn what_was_acknowledged_is_there_after_each_leader_was_opened_again() {
        let mut cluster = Cluster::tuned("rocks-again", 3, in_rocksdb);
        let (mut expected, mut last) = (Vec::new(), None);
        for round in 0..3 {
            for number in 0..20 {
                let text = format!("round{round}.{number}");
                last = Some(cluster.append(&text).index);
                expected.push(text);
            }
            let leader = cluster.leader();
            cluster.close(leader);
            cluster.append("without");
            cluster.open(leader);
        }
        let last = last.expect("there are some");
        for number in 1..=3 {
            let mut found = texts(&cluster.applied(number, last));
            found.retain(|text| text.starts_with("round"));
            assert_eq!(found, expected, "node {number}");
            assert!(database(&cluster, number).is_dir());
        }
    }

    #[test]
    fn entries_that_only_a_deposed_leader_had_are_cut_for_those_of_the_next() {
        let mut cluster = Cluster::tuned("rocks-cut", 3, in_rocksdb);
        let old = cluster.leader();
        let others = [1, 2, 3].into_iter().filter(|number| *number != old).collect::<Vec<_>>();
        others.iter().for_each(|number| cluster.close(*number));
        // In its own log, and nowhere else.
        let before = cluster.replica(old).status().last;
        let lost =
            cluster.replica(old).append(batch("lost lost lost"), std::time::Duration::from_millis(300));
        assert!(unless_it_went(lost.or(Err(ReplicaError::Busy))).is_none(), "there is no majority");
        let after = cluster.replica(old).status().last;
        cluster.close(old);
        others.iter().for_each(|number| cluster.open(*number));
        let kept = (0..5).map(|number| cluster.append(&format!("kept{number}")).index).max().expect("five");
        cluster.open(old);
        for number in 1..=3 {
            let found = texts(&cluster.applied(number, kept));
            assert_eq!(found.iter().filter(|text| text.starts_with("kept")).count(), 5, "node {number}");
            assert!(!found.iter().any(|text| text == "lost"), "node {number}");
        }
        assert!(kept > after.index.min(before.index));
    }

    #[test]
    fn nodes_of_both_kinds_are_one_cluster() {
        let mut cluster = Cluster::tuned("rocks-mixed", 3, |config| {
            if config.raft.id.get() == 1 {
                config.log_backend = LogBackend::RocksDb;
            }
        });
        for next in [1, 2, 1] {
            cluster.hand_over(next);
            let last = cluster.append(&format!("led{next} more")).index;
            (1..=3).for_each(|number| drop(cluster.applied(number, last)));
        }
        cluster.close(1);
        let last = cluster.append("while it is away").index;
        cluster.open(1);
        assert_eq!(texts(&cluster.applied(1, last)), texts(&cluster.applied(2, last)));
    }

    #[test]
    fn a_damaged_database_is_refused_by_name_and_nobody_is_asked() {
        let mut cluster = Cluster::tuned("rocks-damage", 3, in_rocksdb);
        let last = cluster.append("something").index;
        let damaged = cluster.leader() % 3 + 1;
        cluster.applied(damaged, last);
        cluster.close(damaged);
        // What is read first at an opening.
        let manifest =
            std::fs::read_dir(database(&cluster, damaged)).unwrap().flatten().map(|file| file.path());
        let manifest = manifest.filter(|path| path.display().to_string().contains("MANIFEST")).max().unwrap();
        let mut bytes = std::fs::read(&manifest).unwrap();
        bytes[20] ^= 0x40;
        std::fs::write(&manifest, bytes).unwrap();
        let error = refused(cluster.config(damaged));
        assert_eq!(error.status(), Status::Corruption, "{error}");
        let text = error.to_string();
        assert!(text.contains("log-rocksdb") && text.contains("not mended from peers"), "{text}");
        // The others go on.
        cluster.append("more");
        until("both have it", || {
            let applied: Vec<_> = cluster.alive().map(|(_, replica)| replica.applied()).collect();
            applied.len() == 2 && applied[0] == applied[1]
        });
    }

    #[test]
    fn a_closed_node_gives_its_database_back_while_its_host_holds_it() {
        let mut cluster = Cluster::tuned("rocks-back", 1, in_rocksdb);
        let last = cluster.append("something").index;
        let config = cluster.config(1);
        let Some((closed, _)) = cluster.replicas[0].take() else { panic!("it is open") };
        assert!(!closed.read(last, 0).expect("it is open").is_empty());
        assert!(closed.close());
        assert!(matches!(closed.read(last, 0), Err(ReplicaError::Closed)));
        assert_eq!(closed.first(), Index::new(1));
        for _ in 0..2 {
            let next = Applied::default();
            let replica = Replica::open(config.clone(), Box::new(Keep(next.clone()))).expect("it is free");
            until("it has applied", || replica.applied() >= last);
            assert_eq!(texts(&next.lock().unwrap()), ["something"]);
        }
    }

    #[test]
    fn a_directory_keeps_the_kind_of_log_that_it_was_begun_with() {
        for (name, tune) in [("rocks-kept", in_rocksdb as fn(&mut ReplicaConfig)), ("rocks-files", |_| {})] {
            let mut cluster = Cluster::tuned(name, 1, tune);
            cluster.append("something");
            let kind = cluster.config(1).log_backend;
            cluster.close(1);
            let other = LogBackend::ALL.into_iter().find(|other| *other != kind).expect("there are two");
            let error = refused(ReplicaConfig { log_backend: other, ..cluster.config(1) });
            assert_eq!(error.status(), Status::Config, "{error}");
            assert!(error.to_string().contains("log_backend"), "{error}");
            cluster.open(1);
            let last = cluster.append("more").index;
            assert_eq!(texts(&cluster.applied(1, last)), ["something", "more"]);
        }
    }
}

#[cfg(not(feature = "rocksdb"))]
#[test]
fn a_build_without_it_says_so_and_makes_nothing() {
    let mut cluster = Cluster::new("rocks-lacking", 1);
    cluster.close(1);
    let dir = cluster.scratch.path().join("elsewhere");
    let mut config = ReplicaConfig { dir: dir.clone(), ..cluster.config(1) };
    in_rocksdb(&mut config);
    let error = refused(config);
    assert_eq!(error.status(), Status::Unsupported, "{error}");
    assert!(error.to_string().contains("feature `rocksdb`"), "{error}");
    assert!(!dir.exists());
}
