//! Links of which one direction is lost: who hears is not heard, or the other way round.

use super::clients::under_load;
use super::cluster::Cluster;
use super::history::Outcome;
use super::kills::progress;
use super::proxy::Gate;
use super::support::eventually;
use std::time::Duration;

/// Longer than many elections: who would disturb the others in it had them all change their term.
const A_WHILE: Duration = Duration::from_secs(2);

fn others(cluster: &Cluster, number: usize) -> Vec<usize> {
    cluster.numbers().filter(|other| *other != number).collect()
}

/// Somebody else leads and goes on; the old leader acknowledges nothing.
fn is_replaced(cluster: &Cluster, old: usize) {
    eventually("a new leader", || cluster.find_leader().filter(|leader| *leader != old));
    under_load(cluster, 6, || progress(cluster, 100));
    eventually("a refusal", || {
        let record = cluster.history.append_at(cluster, old);
        assert!(!record.is_ok(), "{record:?}");
        matches!(record.outcome, Outcome::Failed(_)).then_some(())
    });
}

/// While nothing is healed, terms do not rise.
fn nobody_is_disturbed(cluster: &Cluster) {
    let term = || cluster.status(cluster.find_leader()?).map(|status| status.term);
    eventually("a term that lasts", || {
        let before = term()?;
        std::thread::sleep(A_WHILE);
        (term()? == before).then_some(())
    });
}

fn is_back(cluster: &Cluster, old: usize) {
    cluster.heal();
    eventually("the old leader following", || {
        cluster.status(old).filter(|status| status.role == "follower" && status.leader != 0)
    });
}

/// It hears who leads now, so it follows while it is not heard itself.
pub(crate) fn a_leader_that_is_not_heard(cluster: Cluster) {
    let old = cluster.leader();
    under_load(&cluster, 6, || progress(&cluster, 100));
    others(&cluster, old).iter().for_each(|other| cluster.set(old, *other, Gate::Held));
    is_replaced(&cluster, old);
    eventually("an old leader that has stepped down", || {
        cluster.status(old).filter(|status| status.role != "leader")
    });
    is_back(&cluster, old);
    cluster.finish();
}

#[test]
fn a_leader_that_hears_the_others_and_is_not_heard_follows_the_next_one() {
    a_leader_that_is_not_heard(Cluster::new("unheard", 3));
}

#[test]
fn a_leader_that_is_heard_and_hears_nobody_steps_down_and_disturbs_nobody() {
    let cluster = Cluster::new("deaf", 3);
    let old = cluster.leader();
    under_load(&cluster, 6, || progress(&cluster, 100));
    others(&cluster, old).iter().for_each(|other| cluster.set(*other, old, Gate::Held));
    is_replaced(&cluster, old);
    nobody_is_disturbed(&cluster);
    let status = cluster.status_of(old);
    assert!(status.role != "leader" && status.leader == 0, "{status:?}");
    is_back(&cluster, old);
    cluster.finish();
}

#[test]
fn a_follower_that_does_not_hear_its_leader_and_is_heard_disturbs_nobody() {
    let cluster = Cluster::new("deaf-follower", 3);
    under_load(&cluster, 4, || {
        eventually("a leader that stays", || {
            cluster.heal();
            let leader = cluster.leader();
            let follower = leader % 3 + 1;
            progress(&cluster, 50);
            let term = cluster.status(leader)?.term;
            cluster.set(leader, follower, Gate::Held);
            eventually("a follower without a leader, or another leader", || {
                let has_missed = cluster.status(follower).is_some_and(|status| status.leader == 0);
                (has_missed || cluster.find_leader() != Some(leader)).then_some(())
            });
            std::thread::sleep(A_WHILE);
            progress(&cluster, 50);
            // On a machine that stands still for a while a leader may go for another reason.
            let status = cluster.status(leader)?;
            (status.role == "leader" && status.term == term).then_some(())
        });
    });
    cluster.finish();
}
