//! Processes end without notice.

use super::clients::under_load;
use super::cluster::Cluster;
use super::history::{Outcome, digest};
use super::support::eventually;
use std::time::Duration;

/// So many more appends are acknowledged.
pub(crate) fn progress(cluster: &Cluster, more: usize) {
    let goal = cluster.history.acknowledged() + more;
    eventually("acknowledged appends", || (cluster.history.acknowledged() >= goal).then_some(()));
}

#[test]
fn a_leader_that_dies_is_replaced_and_follows_when_it_comes_back() {
    let cluster = Cluster::new("leader", 3);
    let first = cluster.leader();
    under_load(&cluster, 6, || {
        progress(&cluster, 100);
        cluster.kill(first);
        progress(&cluster, 100);
        let second = cluster.leader();
        assert_ne!(first, second);
        cluster.start(first).expect("it starts again");
        progress(&cluster, 100);
        eventually("the old leader following", || {
            cluster.status(first).filter(|status| status.role == "follower" && status.leader != 0)
        });
    });
    cluster.finish();
}

#[test]
fn without_two_of_three_nothing_is_decided_and_with_them_all_goes_on() {
    let cluster = Cluster::new("majority", 3);
    let survivor = cluster.leader() % 3 + 1;
    under_load(&cluster, 4, || progress(&cluster, 100));
    let others: Vec<usize> = cluster.numbers().filter(|number| *number != survivor).collect();
    others.iter().for_each(|number| cluster.kill(*number));
    // What was under way to it has come by the time that it misses its leader.
    let missing = || cluster.status(survivor).filter(|status| status.leader == 0);
    let commit = eventually("a node that misses its leader", missing).commit;
    for _ in 0..5 {
        let record = cluster.history.append_at(&cluster, survivor);
        assert!(!matches!(record.outcome, Outcome::Appended { .. }), "{record:?}");
    }
    let status = cluster.status_of(survivor);
    assert!(status.role != "leader" && status.commit == commit, "{status:?}, before {commit}");
    others.iter().for_each(|number| cluster.start(*number).expect("it starts again"));
    under_load(&cluster, 4, || progress(&cluster, 100));
    cluster.finish();
}

#[test]
fn an_orderly_restart_of_all_in_turn_hands_over_and_loses_nothing() {
    let cluster = Cluster::new("restart", 3);
    cluster.leader();
    under_load(&cluster, 6, || {
        for _ in 0..2 {
            // The leader each time, so that there is something to hand over.
            let number = cluster.leader();
            progress(&cluster, 50);
            let process = cluster.process(number).expect("it runs");
            let answer = process.ask("shutdown 10000", Duration::from_secs(30));
            assert_eq!(answer.as_deref(), Some("ok 0"));
            eventually("another leader", || cluster.find_leader().filter(|leader| *leader != number));
            progress(&cluster, 50);
            cluster.kill(number);
            cluster.start(number).expect("it starts again");
        }
        progress(&cluster, 50);
    });
    cluster.finish();
}

/// How often the loops below kill; ten times unless `DUO_LOG_KILLS` says otherwise.
fn kills() -> u64 {
    let text = std::env::var("DUO_LOG_KILLS").unwrap_or_else(|_| "10".to_owned());
    text.parse().unwrap_or_else(|_| panic!("DUO_LOG_KILLS={text}: no number"))
}

/// Kills processes `count` times, each time those that `choose` picks by a roll and the leader, and starts them again.
/// While a majority is left, every other time something has to be acknowledged without them.
fn kill_again_and_again(cluster: &Cluster, count: u64, choose: impl Fn(u64, usize) -> Vec<usize>) {
    cluster.leader();
    let nodes = cluster.numbers().count();
    under_load(cluster, 6, || {
        for kill in 0..count {
            // Anywhere in what the appends lead to, not right after an answer.
            progress(cluster, 20 + (digest(kill, 0) % 40) as usize);
            std::thread::sleep(Duration::from_micros(digest(kill, 1) % 5_000));
            let chosen = choose(digest(kill, 2), cluster.find_leader().unwrap_or(1));
            chosen.iter().for_each(|number| cluster.kill(*number));
            if chosen.len() * 2 < nodes && kill.is_multiple_of(2) {
                progress(cluster, 5);
            }
            chosen.iter().for_each(|number| cluster.start(*number).expect("it starts again"));
        }
    });
}

#[test]
fn nothing_acknowledged_is_lost_when_processes_are_killed_again_and_again() {
    survive_kills(Cluster::new("kills", 3), kills());
}

#[cfg(feature = "rocksdb")]
#[test]
fn nothing_acknowledged_is_lost_when_processes_with_logs_in_rocksdb_are_killed() {
    let backend = (super::node::BACKEND.to_owned(), "rocksdb".to_owned());
    survive_kills(Cluster::with("kills-rocksdb", 3, |_| vec![backend]), kills().div_ceil(4));
}

fn survive_kills(cluster: Cluster, count: u64) {
    // Three of five times the leader; and every fifth time all of them.
    kill_again_and_again(&cluster, count, |roll, leader| match roll % 15 {
        0..=8 => vec![leader],
        9..=11 => vec![leader % 3 + 1],
        _ => cluster.numbers().collect(),
    });
    cluster.finish();
}

#[test]
fn nothing_acknowledged_is_lost_of_five_of_which_two_or_three_are_killed_at_once() {
    let cluster = Cluster::new("kills-five", 5);
    let after = |leader: usize, places: usize| (leader + places - 1) % 5 + 1;
    kill_again_and_again(&cluster, kills().div_ceil(4), |roll, leader| match roll % 8 {
        0..=1 => vec![leader],
        2..=4 => vec![leader, after(leader, 1)],
        5 => vec![after(leader, 1), after(leader, 3)],
        // Those that are left are no majority, and the leader may be among them.
        6 => vec![leader, after(leader, 2), after(leader, 3)],
        _ => vec![after(leader, 1), after(leader, 2), after(leader, 4)],
    });
    cluster.finish();
}
