//! `log inspect`: the directory of a node is described, sound or not, and stays as it is.

#[path = "support/damaged.rs"]
mod damaged;
#[path = "support/replicas.rs"]
mod replicas;
#[path = "support/workshop.rs"]
mod workshop;

use duochain::frame::Origin;
use duochain::node::replica::{PolledReplica, ReplicaConfig, ReplicaError, SubmitOptions};
use duochain::storage::frames::{FrameHead, FrameLog, FrameLogOptions, LogBackend, SegmentFrameLog};
use duochain::storage::votes::FileVotes;
use duochain::types::Index;
use replicas::{Cluster, PATIENCE, eventually};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

/// Files of 1 MiB, so that a few hundred entries fill several.
fn small(config: &mut ReplicaConfig) {
    config.raft.frame_bytes_max = 64 << 10;
    config.log.segment_bytes = 1 << 20;
}

/// Entries of 30 KiB each.
const ENTRIES: u64 = 100;

fn append(replica: &PolledReplica, number: u64) -> Index {
    let bytes = vec![number as u8; 30 << 10];
    eventually("a leader", || match replica.submit_all(&[&bytes], Origin::NONE, SubmitOptions::default()) {
        Ok(pending) => Some(pending.wait(PATIENCE).unwrap().id.index),
        Err(ReplicaError::Busy | ReplicaError::NotLeader(_)) => None,
        Err(error) => panic!("{error}"),
    })
}

/// A node that has entries in several files and a snapshot, while it runs.
fn running(name: &str) -> (Cluster, PolledReplica, PathBuf) {
    opened(name, LogBackend::Segments)
}

fn opened(name: &str, kind: LogBackend) -> (Cluster, PolledReplica, PathBuf) {
    let mut cluster = Cluster::tuned(name, 1, small);
    cluster.close(1);
    let mut config = cluster.config(1);
    config.log_backend = kind;
    // A new one: the node of the cluster has led already.
    config.dir = cluster.scratch.path().join("looked-at");
    let dir = config.dir.clone();
    let replica = PolledReplica::open(config).unwrap();
    let last = (0..ENTRIES).map(|number| append(&replica, number)).max().unwrap();
    replica.poll(last, 1, PATIENCE).unwrap();
    replica.give_snapshot(last, Box::new(&b"the state"[..])).unwrap().wait(PATIENCE).unwrap();
    append(&replica, ENTRIES);
    (cluster, replica, dir)
}

/// The same, closed.
fn written(name: &str) -> (Cluster, PathBuf) {
    let (cluster, replica, dir) = running(name);
    replica.shutdown(PATIENCE).unwrap();
    (cluster, dir)
}

/// Every file below `dir` with its bytes, and when they were written.
fn contents(dir: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else {
            let modified = path.metadata().unwrap().modified().unwrap();
            all.insert(path.clone(), (fs::read(&path).unwrap(), modified));
        }
    }
    all
}

/// How it ended, what it printed, and what it said beside that.
fn call(dir: &Path, options: &[&str]) -> (Option<i32>, String, String) {
    let program = workshop::libraries().with_file_name("examples").join("log");
    let mut command = Command::new(program);
    command.arg("inspect").arg(dir).args(options).stdin(Stdio::null());
    let output = command.output().expect("it was built with the tests");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Whether it found no fault, and what it printed.
fn look(dir: &Path, options: &[&str]) -> (bool, String) {
    let (code, out, told) = call(dir, options);
    let faults = out.lines().filter(|line| line.starts_with("fault: ")).count();
    assert_eq!(code, Some(i32::from(faults > 0)), "{out}{told}");
    let expected = match faults {
        0 => String::new(),
        1 => format!("log: 1 fault in {}", dir.display()),
        _ => format!("log: {faults} faults in {}", dir.display()),
    };
    assert!(told.starts_with(&expected) && told.is_empty() == (faults == 0), "{out}{told}");
    (faults == 0, out)
}

/// As [`look`], of a directory that nobody has open.
fn inspect(dir: &Path, options: &[&str]) -> (bool, String) {
    let before = contents(dir);
    let found = look(dir, options);
    assert!(contents(dir) == before, "something in {} was changed", dir.display());
    found
}

fn has_line(out: &str, parts: &[&str]) -> bool {
    out.lines().any(|line| parts.iter().all(|part| line.contains(part)))
}

/// Named like all tests that run an example.
mod the_example_of_a_log {
    use super::*;

    #[test]
    fn a_sound_directory_is_described_and_left_as_it_is() {
        let (cluster, dir) = written("inspect-sound");
        let (is_sound, out) = inspect(&dir, &[]);
        assert!(is_sound && !out.contains("note: ") && !out.contains("open by"), "{out}");
        assert!(has_line(&out, &["vote: term 1, for 1, ", &"09".repeat(16)]), "{out}");
        // The leader's own frame is the first.
        let last = ENTRIES + 2;
        assert!(has_line(&out, &[&format!("log: entries 1 to {last}, terms 1 from 1")]), "{out}");
        let files = damaged::files(&dir);
        assert!(files.len() > 2, "{files:?}");
        for path in &files {
            assert!(
                has_line(&out, &[path.file_name().unwrap().to_str().unwrap(), "1048576 bytes", "entries"]),
                "{out}"
            );
        }
        let snapshot = format!("{:020}.snapshot", ENTRIES + 1);
        assert!(has_line(&out, &["snapshot: ", &snapshot, &format!("state up to {}", ENTRIES + 1)]), "{out}");
        let address = cluster.members.addresses.values().next().unwrap();
        assert!(has_line(&out, &["members since ", &format!("1 at {address}, voter")]), "{out}");

        let (_, out) = inspect(&dir, &["--frames"]);
        let mut next = 1;
        for line in out.lines().filter_map(|line| line.strip_prefix("frame ")) {
            let (first, rest) = line.split_once(" to ").expect(line);
            let (end, _) = rest.split_once(", term 1, ").expect(line);
            assert_eq!(first.parse::<u64>().expect(line), next);
            next = end.parse::<u64>().expect(line) + 1;
        }
        assert_eq!(next, last + 1);
    }

    #[test]
    fn a_node_that_runs_is_not_disturbed() {
        let (_cluster, replica, dir) = running("inspect-running");
        let (_, out) = look(&dir, &[]);
        assert!(has_line(&out, &[&format!("open by process {}", std::process::id())]), "{out}");
        assert!(has_line(&out, &["log: entries 1 to "]) && has_line(&out, &["snapshot: "]), "{out}");
        append(&replica, 0);
    }

    #[test]
    fn every_damage_is_named_by_file_and_offset_and_the_rest_described() {
        let (_cluster, dir) = written("inspect-damaged");
        let (path, _) = damaged::lose(&dir, Index::new(ENTRIES / 2));
        let options = FrameLogOptions { segment_bytes: 1 << 20, ..FrameLogOptions::default() };
        let small = duochain::frame::FrameLimits { body_bytes_max: 64 << 10, entries_max: 10_000 };
        let opened = SegmentFrameLog::open(&dir.join("log"), &FrameLogOptions { limits: small, ..options });
        let refusal = opened.expect_err("it is damaged").to_string();
        assert!(refusal.contains(path.to_str().unwrap()) && refusal.contains("at offset"), "{refusal}");
        let snapshot = dir.join(format!("snapshots/{:020}.snapshot", ENTRIES + 1));
        damaged::flip(&snapshot, 200);
        damaged::flip(&dir.join("VOTE"), 24);
        fs::write(dir.join("FORMAT"), "something else\n").unwrap();
        for misnamed in ["log/7.frames", "snapshots/x.snapshot", "snapshots/1.draft"] {
            fs::write(dir.join(misnamed), "x").unwrap();
        }
        let (is_sound, out) = inspect(&dir, &[]);
        assert!(!is_sound && has_line(&out, &["fault: ", &refusal]), "{out}\nopening says {refusal}");
        for named in [
            "snapshot is corrupt at offset",
            "FORMAT is corrupt",
            "7.frames is corrupt",
            "x.snapshot is corrupt",
        ] {
            assert!(has_line(&out, &["fault: ", named]), "{named} in {out}");
        }
        assert!(
            has_line(&out, &["note: ", "1.draft"]) && has_line(&out, &["note: VOTE", "offset 0"]),
            "{out}"
        );
        assert!(has_line(&out, &["vote: term 1, for 1, "]), "{out}");
        // What stands behind the damage is there.
        assert!(has_line(&out, &[&format!("log: entries 1 to {}", ENTRIES + 2)]), "{out}");
    }

    #[test]
    fn files_without_a_first_page_and_files_that_are_missing_are_faults() {
        let (_cluster, dir) = written("inspect-pages");
        let files = damaged::files(&dir);
        for path in [&files[1], files.last().unwrap()] {
            let mut bytes = fs::read(path).unwrap();
            bytes[..4096].fill(0);
            fs::write(path, bytes).unwrap();
        }
        for gone in ["VOTE", "FORMAT"] {
            fs::remove_file(dir.join(gone)).unwrap();
        }
        let (_, out) = inspect(&dir, &[]);
        for path in [&files[1], files.last().unwrap()] {
            assert!(has_line(&out, &["fault: ", path.to_str().unwrap(), "at offset 0"]), "{out}");
        }
        assert!(has_line(&out, &["vote: none"]) && has_line(&out, &["fault: ", "VOTE", "missing"]), "{out}");
        assert!(has_line(&out, &["fault: ", "FORMAT", "missing"]), "{out}");
        fs::remove_file(&files[0]).unwrap();
        fs::remove_file(dir.join(format!("snapshots/{:020}.snapshot", ENTRIES + 1))).unwrap();
        let (_, out) = inspect(&dir, &[]);
        assert!(has_line(&out, &["fault: ", "the log begins at", "no snapshot"]), "{out}");
    }

    #[test]
    fn a_directory_that_is_no_nodes_is_told_apart_from_one_that_lost_something() {
        let cluster = Cluster::tuned("inspect-other", 1, small);
        let other = cluster.scratch.path().join("other");
        let refused = |dir: &Path, why: &str| {
            let (code, out, told) = call(dir, &[]);
            assert_eq!((code, out.as_str()), (Some(2), ""), "{told}");
            assert!(told.starts_with("log: ") && told.contains(why), "{why} in {told}");
        };
        refused(&other, "No such file");
        fs::create_dir(&other).unwrap();
        refused(&other, "not the directory of a node");
        for (path, bytes) in
            [("log/syslog", "x"), ("snapshots/yesterday.tar", "x"), ("FORMAT", "duochain format 1\n")]
        {
            fs::create_dir_all(other.join(path).parent().unwrap()).unwrap();
            fs::write(other.join(path), bytes).unwrap();
        }
        refused(&other, "not the directory of a node");
        refused(&other.join("FORMAT"), "Not a directory");
        // That of the whole cluster names its nodes.
        refused(cluster.scratch.path(), &format!("look into {}", cluster.config(1).dir.display()));
    }

    #[test]
    fn a_log_that_is_gone_is_a_fault_only_once_something_was_in_it() {
        let (_cluster, dir) = written("inspect-gone");
        fs::remove_dir_all(dir.join("log")).unwrap();
        let (_, out) = inspect(&dir, &[]);
        assert!(
            has_line(&out, &["fault: ", "log is corrupt", "missing: what this node acknowledged"]),
            "{out}"
        );
        // What a first opening leaves that was killed before it came to the log.
        fs::remove_dir_all(dir.join("snapshots")).unwrap();
        fs::remove_file(dir.join("VOTE")).unwrap();
        drop(FileVotes::open(&dir).unwrap());
        let (is_sound, out) = inspect(&dir, &[]);
        assert!(is_sound && has_line(&out, &["note: log: missing"]), "{out}");
    }

    #[cfg(feature = "rocksdb")]
    #[test]
    fn a_log_in_rocksdb_is_named_and_not_missed() {
        let (_cluster, replica, dir) = opened("inspect-rocksdb", LogBackend::RocksDb);
        let rocks = dir.join("log-rocksdb");
        let is_named = |out: &str| has_line(out, &["log: in RocksDB, at ", rocks.to_str().unwrap()]);
        let (is_sound, out) = look(&dir, &[]);
        assert!(is_sound && is_named(&out) && has_line(&out, &["open by process"]), "{out}");
        replica.shutdown(PATIENCE).unwrap();
        let (is_sound, out) = inspect(&dir, &[]);
        assert!(is_sound && is_named(&out) && has_line(&out, &["vote: term 1, for 1"]), "{out}");
        assert!(
            !out.contains("no entries") && !out.contains("note: ") && has_line(&out, &["snapshot: "]),
            "{out}"
        );
    }

    #[test]
    fn a_second_log_is_a_fault() {
        let (_cluster, dir) = written("inspect-second");
        fs::create_dir(dir.join("log-rocksdb")).unwrap();
        let (is_sound, out) = inspect(&dir, &[]);
        assert!(!is_sound && has_line(&out, &["fault: ", "log-rocksdb", "a second log"]), "{out}");
        assert!(has_line(&out, &["log: entries 1 to "]), "{out}");
    }

    #[test]
    fn a_torn_end_is_noted_and_no_fault() {
        let (_cluster, dir) = written("inspect-torn");
        let small = duochain::frame::FrameLimits { body_bytes_max: 64 << 10, entries_max: 10_000 };
        let options = FrameLogOptions { segment_bytes: 1 << 20, limits: small, ..FrameLogOptions::default() };
        let log = SegmentFrameLog::open(&dir.join("log"), &options).unwrap();
        let (reader, last) = (log.reader(), log.last());
        let record = 32 + reader.read(last, 1).unwrap()[0].encoded_bytes();
        let mut place = 0;
        let visit = &mut |head: FrameHead| {
            place = head.position as usize;
            true
        };
        reader.heads(last, visit).unwrap();
        drop((log, reader));
        let path = damaged::files(&dir).pop().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        // The mark behind it, which says that it is durable, and a byte of its body.
        bytes[place + record..place + record + 32].fill(0);
        bytes[place + 200] ^= 1;
        fs::write(&path, bytes).unwrap();
        let (is_sound, out) = inspect(&dir, &[]);
        assert!(
            is_sound && has_line(&out, &["note: ", path.to_str().unwrap(), &format!("offset {place}")]),
            "{out}"
        );
        assert!(has_line(&out, &[&format!("log: entries 1 to {}", last.get() - 1)]), "{out}");
        let log = SegmentFrameLog::open(&dir.join("log"), &options).unwrap();
        assert_eq!(log.last().next(), last);
    }
}
