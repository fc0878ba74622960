//! Nodes that move: to other addresses one after the other, to other machines all at once; as docs/operations.md says.

#[path = "support/replicas.rs"]
mod replicas;

use duochain::node::replica::Replica;
use duochain::raft::{Change, Membership};
use replicas::{Applied, Cluster, Keep, PATIENCE, n, own_places, texts, until};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a host does to a directory that goes to another machine.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, kind) = entry.map(|entry| (entry.path(), entry.file_type().unwrap())).unwrap();
        let target = to.join(path.file_name().unwrap());
        if kind.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// Where the directory of a closed node is, on its other machine.
fn carried(cluster: &Cluster, number: usize) -> PathBuf {
    let (from, to) = (dir(cluster, number), cluster.scratch.path().join(format!("carried{number}")));
    copy(&from, &to);
    fs::remove_dir_all(&from).unwrap();
    to
}

fn dir(cluster: &Cluster, number: usize) -> PathBuf {
    cluster.config(number).dir
}

/// Opens a node elsewhere; its host says who the `members` were when the cluster began.
fn open_at(cluster: &mut Cluster, number: usize, dir: &Path, listen: SocketAddr, members: &Membership) {
    let mut config = cluster.config(number);
    (config.dir, config.listen, config.members) = (dir.to_owned(), listen, members.clone());
    let applied = Applied::default();
    let replica = Replica::open(config, Box::new(Keep(Arc::clone(&applied)))).unwrap();
    cluster.replicas[number - 1] = Some((replica, applied));
}

/// Tells the log where a node is from now on.
fn announce(cluster: &Cluster, number: usize, place: SocketAddr) {
    let change = Change { add: [(n(number), place.to_string())].into(), ..Change::default() };
    cluster.ask(|replica| match replica.members().addresses[&n(number)] == place.to_string() {
        // Whoever led before has done it.
        true => Ok(()),
        false => replica.change(change.clone(), PATIENCE).map(drop),
    });
}

/// Appends one more, and sees it and all of `before` on all nodes in this order.
fn assert_whole(cluster: &Cluster, before: &[&str], more: &str) {
    let last = cluster.append(more).index;
    for number in 1..=3 {
        let mut found = texts(&cluster.applied(number, last));
        found.retain(|text| text != "leads?" && text != "who");
        let expected: Vec<&str> = before.iter().copied().chain([more]).collect();
        assert_eq!(found, expected, "node {number}");
    }
}

#[test]
fn nodes_that_move_one_after_the_other_are_found_where_they_are_now_and_after_a_restart_of_all() {
    let mut cluster = Cluster::new("moves-one", 3);
    let first = cluster.members.clone();
    cluster.append("before");
    let places = own_places(3);
    // The leader among them, at some point.
    for number in 1..=3 {
        let place = places[number - 1];
        announce(&cluster, number, place);
        cluster.close(number);
        let dir = carried(&cluster, number);
        open_at(&mut cluster, number, &dir, place, &first);
        // The others have to be able to do without the next one.
        let last = cluster.append(["one", "two", "three"][number - 1]).index;
        cluster.applied(number, last);
    }
    assert_whole(&cluster, &["before", "one", "two", "three"], "moved");
    let now = Membership::of((1..).map(n).zip(places.iter().map(SocketAddr::to_string)));
    (1..=3).for_each(|number| assert_eq!(cluster.replica(number).members(), now));
    // All at once, by hosts that know nothing but where they were in the beginning: the log says it.
    (1..=3).for_each(|number| cluster.close(number));
    for number in 1..=3 {
        let dir = cluster.scratch.path().join(format!("carried{number}"));
        open_at(&mut cluster, number, &dir, places[number - 1], &first);
    }
    assert_whole(&cluster, &["before", "one", "two", "three", "moved"], "again");
}

#[test]
fn a_member_whose_address_changes_is_called_there_by_others_that_stay() {
    let mut cluster = Cluster::new("moves-address", 3);
    let first = cluster.members.clone();
    let moved = cluster.leader() % 3 + 1;
    let place = own_places(1)[0];
    announce(&cluster, moved, place);
    // A voter it stays.
    cluster.alive().for_each(|(number, replica)| {
        until("members with the new address", || {
            let members = replica.members();
            members.voters == first.voters && members.addresses[&n(moved)] == place.to_string()
        });
        assert!(number == moved || replica.members().addresses[&n(number)] == first.addresses[&n(number)]);
    });
    cluster.close(moved);
    cluster.append("while it is away");
    let dir = dir(&cluster, moved);
    open_at(&mut cluster, moved, &dir, place, &first);
    cluster.hand_over(moved);
    assert_whole(&cluster, &["while", "it", "is", "away"], "there");
}

#[test]
fn a_cluster_is_restored_from_its_directories_on_machines_with_the_same_names() {
    let mut cluster = Cluster::new("moves-names", 3);
    let first = cluster.members.clone();
    cluster.append("before");
    (1..=3).for_each(|number| cluster.close(number));
    for number in 1..=3 {
        let (dir, listen) = (carried(&cluster, number), cluster.config(number).listen);
        open_at(&mut cluster, number, &dir, listen, &first);
    }
    assert_whole(&cluster, &["before"], "after");
}

#[test]
fn a_cluster_whose_members_never_changed_is_restored_where_its_hosts_say() {
    let mut cluster = Cluster::new("moves-all", 3);
    cluster.append("before");
    (1..=3).for_each(|number| cluster.close(number));
    let places = own_places(3);
    let now = Membership::of((1..).map(n).zip(places.iter().map(SocketAddr::to_string)));
    for number in 1..=3 {
        let dir = carried(&cluster, number);
        open_at(&mut cluster, number, &dir, places[number - 1], &now);
    }
    assert_whole(&cluster, &["before"], "after");
    (1..=3).for_each(|number| assert_eq!(cluster.replica(number).members(), now));
}
