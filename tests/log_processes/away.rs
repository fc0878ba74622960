//! Nodes that were away for longer than the log is kept: they take a snapshot and go on behind it, while the others are
//! at work.

use super::clients::under_load;
use super::cluster::Cluster;
use super::kills::progress;
use super::support::eventually;
use super::ways::Ways;

/// More than clients have under way: so much may be committed beyond what anybody has been told.
const UNDER_WAY: u64 = 100;

/// Waits until all others have forgotten what `away` lacks, which had what was committed when it went.
fn until_it_is_forgotten(cluster: &Cluster, away: usize, had: u64) {
    let lacks = had + UNDER_WAY;
    eventually("logs that begin behind what it has", || {
        let others = || cluster.numbers().filter(|number| *number != away);
        others().all(|other| cluster.status(other).is_some_and(|status| status.front > lacks)).then_some(())
    });
}

/// Waits until a node has taken the state of another one, of entries behind `had`, and everything behind that.
fn until_it_is_back(cluster: &Cluster, away: usize, had: u64) {
    let goal = cluster.status_of(cluster.leader()).commit;
    let status = eventually("a node that has caught up", || {
        cluster.status(away).filter(|status| status.applied >= goal)
    });
    assert!(status.restored > had, "it came by frames that were forgotten: {status:?}, before {had}");
}

/// What was committed anywhere by now, so at least as much as any node has.
fn committed(cluster: &Cluster) -> u64 {
    let known = cluster.numbers().filter_map(|number| cluster.status(number));
    known.map(|status| status.commit.max(status.applied)).max().expect("somebody runs")
}

#[test]
fn who_was_down_or_stopped_for_longer_than_the_log_is_kept_rejoins_by_snapshot_under_load() {
    let cluster = Cluster::in_ways("away", 3, Ways::ALL);
    under_load(&cluster, 6, || {
        progress(&cluster, 50);
        // One that begins again from its disk.
        let down = cluster.leader() % 3 + 1;
        cluster.kill(down);
        let had = committed(&cluster);
        until_it_is_forgotten(&cluster, down, had);
        cluster.start(down).expect("it starts again");
        until_it_is_back(&cluster, down, had);
        // One that goes on with what it has in memory.
        let stopped = cluster.leader();
        let process = cluster.process(stopped).expect("it runs");
        process.signal(libc::SIGSTOP);
        let had = committed(&cluster);
        until_it_is_forgotten(&cluster, stopped, had);
        process.signal(libc::SIGCONT);
        until_it_is_back(&cluster, stopped, had);
        progress(&cluster, 50);
    });
    cluster.finish();
}

/// Both that send and the one that takes are killed in the middle of it.
#[test]
fn a_rejoin_by_snapshot_goes_on_when_processes_die_in_the_middle_of_it() {
    let cluster = Cluster::in_ways("away-kills", 3, Ways::ALL);
    under_load(&cluster, 6, || {
        progress(&cluster, 50);
        for round in 0..4 {
            let down = cluster.leader() % 3 + 1;
            cluster.kill(down);
            let had = committed(&cluster);
            until_it_is_forgotten(&cluster, down, had);
            cluster.start(down).expect("it starts again");
            let victim = if round % 2 == 0 { cluster.leader() } else { down };
            cluster.kill(victim);
            cluster.start(victim).expect("it starts again");
            until_it_is_back(&cluster, down, had);
        }
    });
    cluster.finish();
}
