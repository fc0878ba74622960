//! Snapshots of real replicas: taken, sent, put in place, found again; and what of the log goes for them.

mod cluster;
#[path = "../support/damaged.rs"]
mod damaged;
mod expiry;
mod proxy;
mod repair;
#[path = "../support/replicas.rs"]
mod replicas;
#[cfg(feature = "rocksdb")]
mod rocks;

use cluster::{Cluster, Host, SMALL, Shared, State, n};
use duochain::env::log::{Level, Record, set_sink};
use duochain::frame::Origin;
use duochain::node::replica::{Replica, ReplicaError, SnapshotOptions};
use duochain::raft::Role;
use duochain::types::Index;
use proxy::{Fate, Proxy};
use replicas::{PATIENCE, while_one_leads};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Three members of which the third has not been there for longer than the log is kept.
fn two_of_three(name: &str) -> Cluster {
    two_of(Cluster::closed(name, 3))
}

fn two_of(mut cluster: Cluster) -> Cluster {
    cluster.open(1);
    cluster.open(2);
    cluster.fill(3_000);
    cluster.wait_for_a_cut();
    cluster
}

/// Changes a bit in the middle of a file.
fn spoil(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Ends what goes on beside a test.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn assert_equal_states(cluster: &Cluster, numbers: &[usize]) {
    let last = cluster.append(&[(None, b"end")]).id.index;
    let first = cluster.state(numbers[0], last);
    for number in &numbers[1..] {
        assert!(cluster.state(*number, last) == first, "node {number} has another state");
    }
}

#[test]
fn who_was_away_for_longer_than_the_log_is_kept_joins_by_snapshot_while_writes_go_on() {
    let mut cluster = Cluster::closed("snapshot-away", 3);
    (1..=3).for_each(|number| cluster.open(number));
    cluster.fill(100);
    let away = cluster.leader() % 3 + 1;
    cluster.close(away);
    cluster.fill(3_000);
    let leader = cluster.leader();
    cluster.wait_for_a_cut();
    cluster.open(away);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            loop {
                cluster.fill(10);
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        // A panic ends the writer too, which the scope would wait for.
        let _over = Over(&is_over);
        cluster.wait("restored", |cluster| cluster.ledger(away, |ledger| ledger.restored > 0));
    });
    assert_equal_states(&cluster, &[leader, away]);
    let applied = cluster.ledger(away, |ledger| ledger.applied.clone());
    assert!(applied.is_sorted_by(|a, b| a < b), "each index once, in order");
}

#[test]
fn who_was_never_there_joins_by_snapshot() {
    let mut cluster = two_of_three("snapshot-new");
    cluster.open(3);
    assert_equal_states(&cluster, &[1, 3]);
    assert!(cluster.ledger(3, |ledger| ledger.restored) >= 1);
    // It is a member like any other from here on.
    let leader = cluster.leader();
    cluster.close(leader);
    cluster.fill(50);
    let others: Vec<usize> = (1..=3).filter(|number| *number != leader).collect();
    assert_equal_states(&cluster, &others);
}

#[test]
fn who_is_a_little_behind_gets_frames_of_the_tail_that_is_kept() {
    let mut cluster = Cluster::closed("snapshot-tail", 3);
    cluster.options = SnapshotOptions { tail_entries: 100_000, ..SMALL };
    (1..=3).for_each(|number| cluster.open(number));
    cluster.fill(100);
    let away = cluster.leader() % 3 + 1;
    cluster.close(away);
    cluster.fill(2_000);
    cluster.open(away);
    let leader = cluster.leader();
    // They are written beside the log, and the oldest of three goes in the end.
    cluster.wait("it has some to send", |cluster| cluster.snapshots(leader).len() == 2);
    assert_equal_states(&cluster, &[leader, away]);
    assert_eq!(cluster.ledger(away, |ledger| ledger.restored), 0);
}

#[test]
fn the_log_and_the_snapshots_are_bounded_under_load_and_found_again() {
    let mut cluster = Cluster::closed("snapshot-bounded", 1);
    cluster.open(1);
    for _ in 0..8 {
        cluster.fill(2_000);
        // 1 MiB a file. What comes while a snapshot is written stays until there are two later ones.
        cluster.wait("few files", |cluster| {
            let is_short = cluster.log_files(1).len() <= 3;
            // Small ones: snapshots are to be due, and the state not to outgrow them.
            if !is_short {
                cluster.append(&[(None, b"more")]);
            }
            is_short
        });
        assert!(cluster.snapshots(1).len() <= 3, "{:?}", cluster.snapshots(1));
    }
    assert!(cluster.log_files(1)[0] > 10_000, "{:?}", cluster.log_files(1));
    assert!(cluster.ledger(1, |ledger| ledger.taken) > 4);
    let last = cluster.append(&[(None, b"end")]).id.index;
    let state = cluster.state(1, last);
    for _ in 0..2 {
        cluster.close(1);
        assert!(cluster.snapshots(1).len() <= 2);
        cluster.open(1);
        assert!(cluster.state(1, last) == state, "snapshot and log are the whole state");
        assert_eq!(cluster.ledger(1, |ledger| ledger.restored), 1);
    }
    cluster.fill(500);
}

#[test]
fn a_host_that_kept_its_state_goes_on_behind_it_and_repetitions_are_known_still() {
    let mut cluster = Cluster::closed("snapshot-kept", 1);
    cluster.open(1);
    let origin = |sequence| Some(Origin { session: 5, sequence });
    cluster.append(&[(origin(1), b"once")]);
    let last = cluster.fill(2_000);
    cluster.wait("the entry is cut", |cluster| cluster.replica(1).status().snapshot.index > Index::new(2));
    let state = cluster.state(1, last);
    cluster.close(1);
    cluster.open_with(1, state.clone(), last);
    let again = cluster.append(&[(origin(1), b"once")]);
    assert_eq!(again.repeated, 1, "the snapshot says so: the log has forgotten it");
    let after = cluster.append(&[(origin(2), b"after")]).id.index;
    let expected: State = state.into_iter().chain([(after.get(), b"after".to_vec())]).collect();
    assert!(cluster.state(1, after) == expected);
    assert_eq!(cluster.ledger(1, |ledger| (ledger.restored, ledger.applied.clone())), (0, vec![after.get()]));
}

#[test]
fn other_limits_than_those_of_the_snapshot_are_refused_at_opening() {
    let mut cluster = Cluster::closed("snapshot-limits", 1);
    cluster.open(1);
    cluster.fill(1_000);
    cluster.wait("there is a snapshot", |cluster| !cluster.snapshots(1).is_empty());
    cluster.close(1);
    let mut config = cluster.config(1);
    config.dedup.ids_max += 1;
    let refused = Replica::open(config, Box::new(Host(Shared::default())));
    let is_named = |text: &str| text.contains("ids_max");
    assert!(matches!(&refused, Err(ReplicaError::Config(text)) if is_named(text)), "{refused:?}");
    cluster.open(1);
}

#[test]
fn a_damaged_chunk_is_refused_and_the_stream_goes_on_where_it_was() {
    while_one_leads(|| {
        let offsets = Arc::new(Mutex::new(Vec::new()));
        let mut cluster = Cluster::closed("snapshot-spoilt", 3);
        // A receiver that takes its time is not sent the beginning again.
        cluster.options = SnapshotOptions { resend_after: Duration::from_secs(1), ..SMALL };
        let seen = Arc::clone(&offsets);
        let proxy = Proxy::new(cluster.listens[2], move |offset| {
            let mut seen = seen.lock().unwrap();
            seen.push(offset);
            match seen.len() {
                20 => Fate::Spoil,
                40 => Fate::Cut,
                _ => Fate::Pass,
            }
        });
        cluster.members.addresses.insert(n(3), proxy.address.to_string());
        (1..=2).for_each(|number| cluster.open(number));
        cluster.fill(3_000);
        let term = cluster.term();
        cluster.open(3);
        assert_equal_states(&cluster, &[1, 2, 3]);
        // Another leader begins again.
        if cluster.term() != term {
            return None;
        }
        let counted = cluster.replica(3).net_stats();
        assert!(counted.malformed.iter().sum::<u64>() >= 1, "{counted:?}");
        assert!(cluster.ledger(3, |ledger| ledger.restored) >= 1);
        let offsets = offsets.lock().unwrap();
        let starts = offsets.iter().filter(|offset| **offset == 0).count();
        assert!(offsets.len() > 40, "{offsets:?}");
        assert!(offsets[20..41].iter().all(|offset| *offset > 0), "it goes on where it was: {offsets:?}");
        assert!(starts <= 4, "{starts} times from the beginning");
        Some(())
    });
}

#[test]
fn a_crash_after_a_snapshot_came_and_before_the_log_was_reset_is_recovered() {
    let mut cluster = Cluster::closed("snapshot-crash", 3);
    (1..=3).for_each(|number| cluster.open(number));
    cluster.fill(100);
    let away = cluster.leader() % 3 + 1;
    cluster.close(away);
    cluster.fill(3_000);
    let leader = cluster.leader();
    cluster.wait("two of them", |cluster| cluster.snapshots(leader).len() == 2);
    // The others say nothing, so that what it knows comes from its own disk.
    (1..=3).filter(|number| *number != away).for_each(|number| cluster.close(number));
    let newest = cluster.snapshots(leader).pop().unwrap();
    let own = cluster.dir(away).join("snapshots");
    fs::copy(&newest, own.join(newest.file_name().unwrap())).unwrap();
    fs::write(own.join("incoming-1.draft"), b"half of another").unwrap();
    cluster.open(away);
    let end: u64 = newest.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    cluster.wait("restored", |cluster| cluster.replica(away).applied() == Index::new(end));
    let status = cluster.replica(away).status();
    assert_eq!((status.snapshot.index, status.last.index), (Index::new(end), Index::new(end)));
    assert_eq!(cluster.log_files(away), [end + 1]);
    assert!(!own.join("incoming-1.draft").exists());
    (1..=3).filter(|number| *number != away).for_each(|number| cluster.open(number));
    assert_equal_states(&cluster, &[1, 2, 3]);
}

#[test]
fn a_damaged_snapshot_is_missed_only_where_nothing_stands_in_for_it() {
    let mut cluster = Cluster::closed("snapshot-damaged", 1);
    cluster.open(1);
    cluster.wait("two of them, and a log that begins behind the first entry", |cluster| {
        let is_cut = cluster.snapshots(1).len() == 2 && cluster.log_files(1)[0] > 1;
        if !is_cut {
            cluster.fill(100);
        }
        is_cut
    });
    let last = cluster.append(&[(None, b"end")]).id.index;
    let state = cluster.state(1, last);
    cluster.close(1);
    let newest = cluster.snapshots(1).pop().unwrap();
    spoil(&newest);
    cluster.open(1);
    assert!(cluster.state(1, last) == state, "the older one and the log");
    cluster.close(1);
    assert!(!newest.exists(), "it is given up");
    cluster.snapshots(1).iter().for_each(|path| spoil(path));
    let refused = cluster.try_open(1).unwrap_err();
    assert!(matches!(&refused, ReplicaError::Failed(why) if why.contains(".snapshot")), "{refused}");
    assert!(!cluster.snapshots(1).is_empty(), "it is left to be looked at");
}

#[test]
fn a_snapshot_that_is_damaged_where_it_was_taken_is_noticed_and_another_one_is_sent() {
    while_one_leads(|| {
        let mut cluster = two_of_three("snapshot-rotten");
        (1..=2).for_each(|number| cluster.close(number));
        // No other one is due.
        cluster.options = SnapshotOptions { every_entries: u64::MAX, ..SMALL };
        (1..=2).for_each(|number| cluster.open(number));
        let leader = cluster.leader();
        let term = cluster.term();
        let newest = cluster.snapshots(leader).pop().unwrap();
        spoil(&newest);
        cluster.open(3);
        cluster.wait("restored", |cluster| {
            cluster.append(&[(None, b"something to take one behind")]);
            cluster.ledger(3, |ledger| ledger.restored > 0)
        });
        assert_equal_states(&cluster, &[leader, 3]);
        // Another leader sends its own, and this one does not look at what it has.
        let has_noticed = || cluster.ledger(leader, |ledger| ledger.taken) >= 1 && !newest.exists();
        cluster.wait("the damaged one is gone", |cluster| has_noticed() || !cluster.leads_in(leader, term));
        has_noticed().then_some(())
    });
}

#[test]
#[expect(clippy::disallowed_methods, reason = "what is measured is how rarely something happens")]
fn who_refuses_a_snapshot_is_offered_it_ever_more_rarely() {
    const NAME: &str = "snapshot-refused";
    while_one_leads(|| {
        let refusals = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&refusals);
        // What the leader says before each rest. Chunks say less: one without an answer is sent again.
        let note = move |record: Record<'_>| {
            if record.message.contains("does not take") && record.message.contains(NAME) {
                seen.lock().unwrap().push(std::time::Instant::now());
            }
        };
        set_sink(Some((Arc::new(note), Level::Warn)));
        let mut cluster = Cluster::closed(NAME, 3);
        (1..=2).for_each(|number| cluster.open(number));
        cluster.fill(3_000);
        let term = cluster.term();
        cluster.options = SnapshotOptions { bytes_max: 1_000, ..SMALL };
        cluster.open(3);
        cluster.wait("five times", |_| refusals.lock().unwrap().len() >= 5);
        set_sink(None);
        // Another leader begins with a short rest.
        if cluster.term() != term {
            return None;
        }
        let refusals = refusals.lock().unwrap();
        // 100, 200, 400 and 800 ms.
        for (rest, pair) in refusals[..5].windows(2).enumerate() {
            assert!(pair[1] - pair[0] >= SMALL.resend_after * (1 << rest), "{refusals:?}");
        }
        Some(())
    });
}

#[test]
fn a_draft_that_the_log_has_overtaken_is_removed() {
    while_one_leads(|| {
        let chunks = Arc::new(Mutex::new(0));
        let mut cluster = Cluster::closed("snapshot-overtaken", 3);
        let seen = Arc::clone(&chunks);
        let proxy = Proxy::new(cluster.listens[2], move |_| {
            *seen.lock().unwrap() += 1;
            if *seen.lock().unwrap() > 20 { Fate::Cut } else { Fate::Pass }
        });
        cluster.members.addresses.insert(n(3), proxy.address.to_string());
        cluster.open(1);
        // The second one keeps the whole log.
        cluster.options = SnapshotOptions { tail_entries: u64::MAX, ..SMALL };
        cluster.open(2);
        cluster.fill(3_000);
        cluster.wait("the first one leads", |cluster| {
            let _ = cluster.replica(2).transfer(Some(n(1)), PATIENCE);
            cluster.replica(1).status().role == Role::Leader
        });
        let is_cut = |cluster: &Cluster| cluster.replica(1).status().snapshot.index > Index::ORIGIN;
        cluster.wait("the front is cut", is_cut);
        let term = cluster.term();
        cluster.open(3);
        // The second one would send frames.
        cluster.wait("half of it", |cluster| *chunks.lock().unwrap() > 20 || !cluster.leads_in(1, term));
        let drafts = |cluster: &Cluster| {
            let entries = fs::read_dir(cluster.dir(3).join("snapshots")).unwrap().flatten();
            entries.filter(|entry| entry.path().extension().is_some_and(|kind| kind == "draft")).count()
        };
        if !cluster.leads_in(1, term) {
            return None;
        }
        assert_eq!(drafts(&cluster), 1);
        cluster.close(1);
        assert_equal_states(&cluster, &[2, 3]);
        assert_eq!(cluster.ledger(3, |ledger| ledger.restored), 0, "it came as frames");
        cluster.wait("nothing is left of it", |cluster| drafts(cluster) == 0);
        Some(())
    });
}
