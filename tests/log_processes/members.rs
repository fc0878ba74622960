//! Members come and go while clients append, and leaders die in the middle of it.

use super::clients::under_load;
use super::cluster::Cluster;
use super::kills::progress;
use super::support::eventually;
use super::ways::Ways;
use std::collections::BTreeMap;
use std::time::Duration;

/// Part of each member, as a node's log says.
type Parts = BTreeMap<usize, String>;

fn parts(cluster: &Cluster, number: usize) -> Option<Parts> {
    let text = cluster.process(number)?.ask("members", Duration::from_millis(500))?;
    let part = |member: &str| {
        let (number, part) = member.split_once('=').expect("a number and a part");
        (number.parse().expect("a number"), part.to_owned())
    };
    Some(text.split(',').filter(|member| !member.is_empty()).map(part).collect())
}

/// How the leader dies while it carries out a change: not at all, or right after it was asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Death {
    None,
    Early,
}

/// Puts `new` into the place of `old`, as docs/operations.md says: adds it, promotes it once it has the log, and removes
/// `old`. Whatever an answer says, the next step is what the members say; until all nodes know that it is done.
fn replace(cluster: &Cluster, old: usize, new: usize, death: Death) {
    cluster.start(new).expect("it starts");
    // It may lead before everything is done.
    cluster.come(new);
    let mut asked = Vec::new();
    let address = cluster.place(new);
    eventually("members that are replaced", || {
        let leader = cluster.find_leader()?;
        let known = parts(cluster, leader)?;
        let (what, of) = match (known.get(&new).map(String::as_str), known.get(&old)) {
            (None, _) => ("add", new),
            (Some("learner"), _) => {
                // Behind by no more than comes meanwhile.
                let goal = cluster.status(leader)?.commit.saturating_sub(200);
                cluster.status(new).filter(|status| status.applied >= goal)?;
                ("promote", new)
            }
            (Some("voter"), Some(part)) if part == "voter" => ("remove", old),
            (Some("voter"), None) => {
                let knows = |number: usize| parts(cluster, number).as_ref() == Some(&known);
                return cluster.numbers().filter(|number| *number != old).all(knows).then_some(());
            }
            // The change of voters is under way.
            _ => return None,
        };
        let is_first = !asked.contains(&what);
        asked.push(what);
        let patience = if is_first && death == Death::Early { 20 } else { 5_000 };
        let process = cluster.process(leader)?;
        process.ask(&format!("change {what} {of} {address} 5000"), Duration::from_millis(patience));
        if is_first && death == Death::Early {
            cluster.kill(leader);
            cluster.start(leader).expect("it starts again");
        }
        None
    });
    cluster.leave(old);
    assert!(["add", "promote", "remove"].iter().all(|what| asked.contains(what)), "{asked:?}");
}

#[test]
fn a_dead_leader_and_then_a_live_one_are_replaced_by_new_nodes_under_load() {
    let cluster = Cluster::with_spares("members", 3, 2, Ways::ALL);
    under_load(&cluster, 6, || {
        progress(&cluster, 300);
        let dead = cluster.leader();
        cluster.kill(dead);
        replace(&cluster, dead, 4, Death::None);
        progress(&cluster, 100);
        let left = cluster.leader();
        replace(&cluster, left, 5, Death::None);
        cluster.kill(left);
        progress(&cluster, 100);
    });
    cluster.finish();
}

#[test]
fn members_change_under_load_though_leaders_die_right_after_they_are_asked() {
    let cluster = Cluster::with_spares("members-kills", 3, 2, Ways::ALL);
    under_load(&cluster, 6, || {
        progress(&cluster, 300);
        for new in [4, 5] {
            let leader = cluster.leader();
            let old = cluster.numbers().find(|number| *number != leader).expect("three are in");
            replace(&cluster, old, new, Death::Early);
            cluster.kill(old);
            progress(&cluster, 100);
        }
    });
    cluster.finish();
}
