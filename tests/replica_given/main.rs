//! Snapshots of hosts that are polled: given, found again, sent, taken; and what of the log goes for them.

mod damaged;
mod hosts;
mod pieces;
#[path = "../support/replicas.rs"]
mod replicas;

use duochain::frame::Origin;
use duochain::node::replica::{Applied, Apply, PolledState, Replica, ReplicaConfig, ReplicaError};
use duochain::types::{Index, Status};
use hosts::{Cluster, State, decode, encode, read_whole};
use replicas::{PATIENCE, eventually};
use std::fs;
use std::io::{self, Cursor, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) fn numbered(session: u64, sequence: u64) -> Origin {
    Origin { session, sequence }
}

/// Texts by their places.
fn texts(state: &State) -> Vec<&str> {
    state.values().map(|bytes| str::from_utf8(bytes).unwrap()).collect()
}

#[test]
fn what_was_given_is_the_state_after_a_cut_and_an_opening() {
    let mut cluster = Cluster::open_all("given-again", 1);
    cluster.put(&[b"the first"]);
    cluster.cut(&[1]);
    let last = cluster.fill(50);
    cluster.host(1).follow(last);
    let (state, done) = (cluster.host(1).state.clone(), cluster.host(1).done);
    // Whoever kept its state goes on behind it.
    cluster.reopen(1);
    let end = cluster.put(&[b"more"]);
    cluster.host(1).follow(end);
    assert_eq!((cluster.host(1).taken, cluster.host(1).state.len()), (0, state.len() + 1));
    // Whoever has nothing begins with the snapshot, though the log reaches further back.
    cluster.close(1);
    cluster.open(1);
    let host = cluster.host(1);
    assert!(host.replica.first() < host.replica.snapshot_index());
    for from in [1, 2, host.replica.snapshot_index().get()] {
        let gone = host.replica.poll(Index::new(from), 1 << 20, PATIENCE);
        assert!(matches!(gone, Err(ReplicaError::Gone(_))), "{from}: {gone:?}");
    }
    host.follow(end);
    assert_eq!(host.taken, 1);
    assert_eq!(host.state.len(), state.len() + 1);
    assert!(host.state.range(..=done.get()).eq(state.iter()));
}

#[test]
fn the_log_is_bounded_under_load_for_a_host_that_gives_snapshots() {
    let mut cluster = Cluster::open_all("given-bounded", 1);
    for _ in 0..8 {
        let last = cluster.fill(2_000);
        let host = cluster.host(1);
        host.follow(last);
        // What it has is small, as that of a host that counts.
        host.state = host.state.split_off(&last.back(10).unwrap().get());
        assert_eq!(host.give(), last);
        assert!(cluster.snapshots(1).len() <= 2, "{:?}", cluster.snapshots(1));
    }
    // 2,000 entries are two files of 1 MiB; two snapshots reach back so far, and one file is laid out ahead.
    eventually("few files", || (cluster.log_files(1).len() <= 6).then_some(()));
    assert!(cluster.log_files(1)[0] > 10_000, "{:?}", cluster.log_files(1));
    cluster.close(1);
    cluster.open(1);
    assert_eq!(cluster.host(1).replica.snapshot_index(), Index::new(cluster_end(&cluster)));
}

/// The end of the newest snapshot of node 1.
pub(crate) fn cluster_end(cluster: &Cluster) -> u64 {
    let newest = cluster.snapshots(1).pop().unwrap();
    newest.file_stem().unwrap().to_str().unwrap().parse().unwrap()
}

#[test]
fn a_state_that_ends_within_a_frame_is_gone_on_from_there_and_repetitions_of_the_frame_are_known() {
    let mut cluster = Cluster::open_all("given-within", 1);
    cluster.append(&[b"a1", b"a2", b"a3"], numbered(5, 1));
    // Its first two were there.
    let second = cluster.append(&[b"a2", b"a3", b"a4", b"a5", b"a6"], numbered(5, 2)).id.index;
    let host = cluster.host(1);
    host.step(3);
    host.step(2);
    assert_eq!(host.done, second.back(1).unwrap());
    assert_eq!(texts(&host.state), ["a1", "a2", "a3", "a4", "a5"]);
    assert_eq!(host.give(), host.done);
    // The file ends where the frame begins.
    assert_eq!(cluster_end(&cluster), second.get() - 5);
    assert!(has_position(&cluster));
    cluster.close(1);
    cluster.open(1);
    let again = cluster.append(&[b"a5", b"a6", b"a7"], numbered(5, 5));
    assert_eq!(again.repeated, 2);
    let host = cluster.host(1);
    host.follow(again.id.index);
    assert_eq!(host.taken, 1);
    assert_eq!(texts(&host.state), ["a1", "a2", "a3", "a4", "a5", "a6", "a7"]);
    assert_eq!(host.give(), again.id.index);
    assert!(!has_position(&cluster), "whoever does not know of it takes this one too");
}

/// Whether the newest snapshot of node 1 says where its state ends.
fn has_position(cluster: &Cluster) -> bool {
    let bytes = fs::read(cluster.snapshots(1).pop().unwrap()).unwrap();
    bytes.windows(8).any(|window| window == b"position")
}

#[test]
fn a_host_that_is_far_behind_what_was_judged_gives_a_state_of_its_own_place() {
    let mut cluster = Cluster::open_all("given-behind", 1);
    let early = cluster.append(&[b"one", b"two"], numbered(5, 1)).id.index;
    cluster.host(1).follow(early);
    for sequence in 3..200 {
        cluster.append(&[format!("{sequence}").as_bytes()], numbered(5, sequence));
    }
    let late = cluster.append(&[b"end"], numbered(5, 200)).id.index;
    eventually("judged", || (cluster.host(1).replica.applied() >= late).then_some(()));
    assert_eq!(cluster.host(1).give(), early);
    cluster.host(1).follow(late);
    let state = cluster.host(1).state.clone();
    cluster.close(1);
    cluster.open(1);
    // What was known of repetitions later than the snapshot would leave all of this out.
    cluster.host(1).follow(late);
    assert_eq!(cluster.host(1).taken, 1);
    assert!(cluster.host(1).state == state);
}

#[test]
fn repetitions_are_known_behind_a_cut() {
    let mut cluster = Cluster::open_all("given-repeated", 1);
    let first = cluster.append(&[b"once"], numbered(5, 1)).id.index;
    // Two files.
    cluster.fill(1_500);
    cluster.cut(&[1]);
    eventually("the first file is gone", || (cluster.host(1).replica.first() > first).then_some(()));
    cluster.reopen(1);
    let again = cluster.append(&[b"once", b"twice"], numbered(5, 1));
    assert_eq!(again.repeated, 1, "the snapshot says so: the log has forgotten it");
    let host = cluster.host(1);
    host.follow(again.id.index);
    assert_eq!(host.state[&again.id.index.get()], b"twice");
    assert!(!host.state.contains_key(&(again.id.index.get() - 1)));
}

#[test]
fn equal_states_of_one_index_are_equal_files_on_every_node() {
    let mut cluster = Cluster::open_all("given-equal", 3);
    for sequence in (1..60).step_by(3) {
        cluster.append(&[b"x", b"y", b"z", b"x again"], numbered(7, sequence));
    }
    cluster.cut(&[1]);
    // The first one goes on from its snapshot, the second one from its own after an opening, the third one from the log.
    cluster.cut(&[2]);
    cluster.reopen(2);
    let last = cluster.append(&[b"last"], numbered(7, 1_000)).id.index;
    let files: Vec<Vec<u8>> = (1..=3)
        .map(|number| {
            cluster.host(number).follow(last);
            assert_eq!(cluster.host(number).give(), last);
            fs::read(cluster.snapshots(number).pop().unwrap()).unwrap()
        })
        .collect();
    assert!(files[0] == files[1] && files[1] == files[2]);
}

#[test]
fn who_was_never_there_and_who_was_away_for_too_long_take_the_snapshot_and_go_on() {
    let mut cluster = Cluster::closed("given-away", 3);
    cluster.open(1);
    cluster.open(2);
    let last = cluster.fill(500);
    (1..=2).for_each(|number| cluster.host(number).follow(last));
    cluster.cut(&[1, 2]);
    cluster.open(3);
    cluster.assert_equal_states(&[1, 2, 3]);
    assert_eq!(cluster.host(3).taken, 1);
    // It gives its own from here on, though it never saw what is before.
    let done = cluster.host(3).done;
    assert_eq!(cluster.host(3).give(), done);
    let kept = cluster.host(3).state.clone();
    cluster.close(3);
    cluster.fill(500);
    cluster.cut(&[1, 2]);
    cluster.cut(&[1, 2]);
    cluster.open(3);
    // Its host waits behind what it had when the snapshot comes.
    (cluster.host(3).state, cluster.host(3).done) = (kept, done);
    cluster.assert_equal_states(&[3, 1, 2]);
    assert_eq!(cluster.host(3).taken, 1);
    cluster.cut(&[3]);
}

/// A host that is handed what is applied.
struct Handed(Arc<Mutex<State>>);

impl Apply for Handed {
    fn apply(&mut self, batch: &Applied<'_>) {
        let entries = batch.entries().map(|(index, entry)| (index.get(), entry.bytes.to_vec()));
        self.0.lock().unwrap().extend(entries);
    }

    fn restore(&mut self, state: &mut dyn Read) -> io::Result<()> {
        let mut bytes = Vec::new();
        state.read_to_end(&mut bytes)?;
        *self.0.lock().unwrap() = decode(&bytes);
        // To be found there again where anything of it is applied twice.
        self.0.lock().unwrap().values_mut().for_each(|entry| entry.push(b'!'));
        Ok(())
    }
}

#[test]
fn a_host_that_is_handed_entries_begins_with_a_state_that_ends_within_a_frame() {
    let mut cluster = Cluster::open_all("given-handed", 1);
    cluster.put(&[b"one"]);
    let last = cluster.put(&[b"two", b"three", b"four"]);
    cluster.host(1).step(1);
    cluster.host(1).step(2);
    assert_eq!(cluster.host(1).give(), last.back(1).unwrap());
    let config = cluster.config(1);
    cluster.close(1);
    let state = Arc::<Mutex<State>>::default();
    for applied in [Index::ORIGIN, last.back(1).unwrap()] {
        let host = Handed(Arc::clone(&state));
        let replica = Replica::open(ReplicaConfig { applied, ..config.clone() }, Box::new(host));
        let replica = replica.unwrap();
        eventually("applied", || (replica.applied() >= last).then_some(()));
        drop(replica);
        let found = std::mem::take(&mut *state.lock().unwrap());
        let expected: &[&str] =
            if applied == Index::ORIGIN { &["one!", "two!", "three!", "four"] } else { &["four"] };
        assert_eq!(texts(&found), expected);
    }
}

#[test]
fn an_index_that_cannot_be_read_yet_is_refused_and_one_that_has_a_snapshot_writes_none() {
    let mut cluster = Cluster::open_all("given-index", 1);
    let last = cluster.put(&[b"one", b"two"]);
    let host = cluster.host(1);
    host.follow(last);
    for index in [Index::ORIGIN, last.next(), Index::new(u64::MAX)] {
        let refused = host.replica.give_snapshot(index, Box::new(io::empty()));
        assert!(matches!(refused, Err(ReplicaError::Unread(found)) if found == index), "{refused:?}");
        let refused = host.replica.give_snapshot_by(index, || panic!("nobody wants it"));
        assert!(matches!(refused, Err(ReplicaError::Unread(_))), "{refused:?}");
    }
    assert!(host.replica.open_snapshot().unwrap().is_none());
    assert_eq!(host.give(), last);
    let other = host.replica.give_snapshot(last.back(1).unwrap(), Box::new(Cursor::new(b"other"))).unwrap();
    assert_eq!(other.wait(PATIENCE).unwrap(), last);
    let known = host.replica.give_snapshot_by(last, || panic!("there is one"));
    assert_eq!(known.unwrap().wait(Duration::ZERO).unwrap(), last);
    let mut opened = host.replica.open_snapshot().unwrap().unwrap();
    assert_eq!((opened.index(), read_whole(&mut opened)), (last, encode(&host.state)));
    assert_eq!(cluster.snapshots(1).len(), 1);
}

#[test]
fn a_state_that_is_being_read_stays_whole_while_newer_ones_come() {
    let mut cluster = Cluster::open_all("given-read", 1);
    let last = cluster.fill(1_000);
    cluster.host(1).follow(last);
    cluster.host(1).give();
    let expected = encode(&cluster.host(1).state);
    let mut opened: PolledState = cluster.host(1).replica.open_snapshot().unwrap().unwrap();
    let mut piece = vec![0; 300 << 10];
    assert_eq!(opened.read_at(0, &mut piece).unwrap(), piece.len());
    assert!(piece == expected[..piece.len()]);
    let path = cluster.snapshots(1).pop().unwrap();
    cluster.cut(&[1]);
    assert!(!path.exists());
    assert!(read_whole(&mut opened) == expected);
    assert_eq!(opened.read_at(u64::MAX - 10, &mut piece).unwrap(), 0);
}

/// A state whose end comes when somebody says so.
struct Slow(SyncSender<()>, Receiver<()>);

impl Read for Slow {
    fn read(&mut self, _out: &mut [u8]) -> io::Result<usize> {
        // Without the other ends the test is over.
        let _ = self.0.send(());
        let _ = self.1.recv();
        Ok(0)
    }
}

#[test]
fn one_is_written_while_another_waits_and_a_third_is_refused_and_closing_tells_both() {
    let mut cluster = Cluster::open_all("given-busy", 1);
    let last = cluster.put(&[b"one"]);
    let host = cluster.host(1);
    host.follow(last);
    let (begin, begun) = sync_channel(4);
    let (permit, permits) = sync_channel(4);
    let first = host.replica.give_snapshot(last, Box::new(Slow(begin, permits))).unwrap();
    begun.recv().unwrap();
    let second = host.replica.give_snapshot(last, Box::new(io::empty())).unwrap();
    let third = host.replica.give_snapshot_by(last, || panic!("there is no room for it"));
    assert!(matches!(third, Err(ReplicaError::Busy)), "{third:?}");
    assert!(matches!(first.wait(Duration::ZERO), Err(ReplicaError::Timeout)));
    std::thread::scope(|scope| {
        scope.spawn(|| host.replica.close());
        assert!(matches!(second.wait(PATIENCE), Err(ReplicaError::Closed)));
        permit.send(()).unwrap();
    });
    // It was read to its end before anybody looked, or was given up.
    let told = first.wait(PATIENCE);
    assert!(matches!(told, Ok(_) | Err(ReplicaError::Closed)), "{told:?}");
    let after = host.replica.give_snapshot_by(last, || panic!("nobody reads it"));
    assert!(matches!(after, Err(ReplicaError::Closed)), "{after:?}");
}

/// A state that cannot be read.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _out: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the host's"))
    }
}

#[test]
fn a_state_that_cannot_be_read_leaves_everything_as_it_was() {
    let mut cluster = Cluster::open_all("given-broken", 1);
    let last = cluster.put(&[b"one"]);
    let host = cluster.host(1);
    host.follow(last);
    let told = host.replica.give_snapshot(last, Box::new(Broken)).unwrap().wait(PATIENCE);
    assert!(matches!(&told, Err(ReplicaError::State(why)) if why.to_string() == "the host's"), "{told:?}");
    let unmade = host.replica.give_snapshot_by(last, || Err(io::ErrorKind::OutOfMemory.into()));
    assert_eq!(unmade.unwrap_err().status(), Status::NoMemory);
    assert_eq!(host.replica.snapshot_index(), Index::ORIGIN);
    assert_eq!(host.give(), last);
    assert_eq!(cluster.snapshots(1).len(), 1);
}
