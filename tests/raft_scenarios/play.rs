//! The commands of a script. Numbers name nodes.
//!
//! ```text
//! nodes 3              three voters with empty logs     spare 4          a node that is to be added later
//! nodes 3 inflight 2   the same, with two appends under way to each at most
//! log 2 of 3: 1 1 4    node 2 of three voters finds entries of these terms, one a frame
//! elect 1              a second passes, the election timer of 1 runs out, all is delivered
//! campaign 1           the same, nothing is delivered   beat 1           the heartbeat timer of 1 runs out
//! propose 1 5          5 entries to node 1               read 1 7         read with ticket 7
//! change 1 add 4       also move (another address), promote, demote, remove
//! transfer 1 2         1 should hand over to 2
//! deliver              what is under way now, shown     stabilize        all, and what that leads to
//! deliver to 1 2       the same, what is for these; the rest waits
//! drop                 what is under way is lost        drop to 1 2      what is for these, `drop from` by these
//! cut 1 2 / heal       nothing from or to these
//! pass 300             milliseconds pass, timers run out wait 300         no timer runs out
//! slow 1 / write 1     the disk of 1 waits / has written write 1 once    it has written the oldest
//! restart 1            what was durable is there
//! compact 1            snapshot of what is applied      stream 1 2       it comes to 2, and 1 knows
//! bring 1 2            it comes to 2, and 1 does not know
//! lost 1 2             1 learns that its link to 2 broke
//! status [1], members 1
//! ```

use crate::support::{Cluster, Disk, frames_of, log_of, n, voters};
use crate::text;
use duochain::raft::{Change, Config, Input, Snapshot, Ticket, Timer};
use duochain::types::{NodeId, UnixNanos};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// The script, with what its commands show.
pub(crate) fn play(script: &str) -> String {
    let (mut cluster, mut shown) = (Cluster::empty(), String::new());
    let mut is_answer = false;
    for line in script.lines() {
        if let Some(command) = line.strip_prefix('>') {
            shown += &format!("{line}\n");
            let words: Vec<&str> = command.split_whitespace().collect();
            for answer in run(&mut cluster, &words) {
                shown += &format!("{answer}\n");
            }
            is_answer = true;
        } else if line.starts_with('#') || line.is_empty() || !is_answer {
            shown += &format!("{line}\n");
        }
    }
    shown
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or_else(|_| panic!("'{word}' is no number"))
}

fn node(word: &str) -> NodeId {
    n(number(word))
}

fn nodes_of(words: &[&str]) -> BTreeSet<NodeId> {
    words.iter().map(|word| node(word)).collect()
}

/// Carries out a command; what it shows, and what hosts are told by it.
fn run(cluster: &mut Cluster, words: &[&str]) -> Vec<String> {
    let mut shown = match words {
        ["status"] => {
            let nodes = cluster.nodes.iter();
            nodes.map(|(node, host)| text::status(*node, &host.raft, cluster.now)).collect()
        }
        ["status", one] => vec![text::status(node(one), cluster.raft(node(one)), cluster.now)],
        ["members", one] => vec![text::members(cluster.raft(node(one)).membership())],
        ["deliver"] => deliver(cluster, |_| true),
        ["deliver", "to", nodes @ ..] => {
            let nodes = nodes_of(nodes);
            deliver(cluster, |(_, to)| nodes.contains(&to))
        }
        _ => {
            act(cluster, words);
            Vec::new()
        }
    };
    for (node, host) in &mut cluster.nodes {
        let news = std::mem::take(&mut host.told);
        shown.extend(news.iter().filter_map(text::told).map(|told| format!("{node}: {told}")));
    }
    shown
}

/// One round: what is under way now between those that are wanted, not what that leads to.
fn deliver(cluster: &mut Cluster, is_wanted: impl Fn((NodeId, NodeId)) -> bool) -> Vec<String> {
    let (mut shown, mut waits) = (Vec::new(), VecDeque::new());
    for _ in 0..cluster.wire.len() {
        let (from, to, message) = &cluster.wire[0];
        if !is_wanted((*from, *to)) {
            waits.extend(cluster.wire.pop_front());
            continue;
        }
        let is_cut = cluster.cut_off.contains(from) || cluster.cut_off.contains(to);
        let lost = if is_cut { " (lost)" } else { "" };
        shown.push(format!("{from}>{to} {}{lost}", text::message(message)));
        cluster.deliver_one();
    }
    waits.append(&mut cluster.wire);
    cluster.wire = waits;
    shown
}

/// What is under way between these is lost.
fn lose(cluster: &mut Cluster, is_lost: impl Fn((NodeId, NodeId)) -> bool) {
    cluster.wire.retain(|(from, to, _)| !is_lost((*from, *to)));
}

fn act(cluster: &mut Cluster, words: &[&str]) {
    match words {
        ["nodes", count] => *cluster = Cluster::new(number(count)),
        ["nodes", count, "inflight", appends] => {
            *cluster = Cluster::empty();
            let snapshot = Snapshot { membership: voters(number(count)), ..Snapshot::default() };
            for one in 1..=number(count) {
                let inflight_appends_max = usize::try_from(number(appends)).expect("a few");
                let config = Config { inflight_appends_max, ..Config::new(n(one)) };
                cluster.add_with(config, Disk { snapshot: snapshot.clone(), ..Disk::default() });
            }
        }
        ["spare", one] => cluster.add(Config::new(node(one))),
        ["log", one, "of", rest @ ..] => load(cluster, node(one), rest),
        ["campaign", one] => campaign(cluster, node(one)),
        ["elect", one] => {
            campaign(cluster, node(one));
            cluster.deliver();
        }
        ["beat", one] => {
            cluster.now = cluster.now.after(Duration::from_millis(50));
            cluster.step(node(one), Input::Expired(Timer::Heartbeat));
        }
        ["propose", one, count] => {
            cluster.propose(node(one), 1, u32::try_from(number(count)).expect("a batch"));
        }
        ["read", one, ticket] => cluster.step(node(one), Input::Read(Ticket(number(ticket)))),
        ["change", one, parts @ ..] => {
            let (ticket, time) = (Ticket(1), UnixNanos::new(0));
            cluster.step(node(one), Input::Changed { ticket, time, change: change(parts) });
        }
        ["transfer", one, to] => {
            let to = Some(node(to));
            cluster.step(node(one), Input::Transferred { ticket: Ticket(1), to });
        }
        ["stabilize"] => cluster.deliver(),
        ["drop"] => cluster.wire.clear(),
        ["drop", "to", nodes @ ..] => {
            let nodes = nodes_of(nodes);
            lose(cluster, |(_, to)| nodes.contains(&to));
        }
        ["drop", "from", nodes @ ..] => {
            let nodes = nodes_of(nodes);
            lose(cluster, |(from, _)| nodes.contains(&from));
        }
        ["cut", nodes @ ..] => cluster.cut_off.extend(nodes_of(nodes)),
        ["heal"] => cluster.cut_off.clear(),
        ["pass", millis] => cluster.pass(Duration::from_millis(number(millis))),
        ["wait", millis] => cluster.now = cluster.now.after(Duration::from_millis(number(millis))),
        ["slow", one] => cluster.host(node(one)).waiting = Some(VecDeque::new()),
        ["write", one] => cluster.write(node(one)),
        ["write", one, "once"] => {
            let host = cluster.host(node(one));
            let write = host.waiting.as_mut().and_then(VecDeque::pop_front).expect("it waits");
            host.disk.write(&write);
            cluster.step(node(one), Input::Written(write.id));
        }
        ["restart", one] => cluster.restart(Config::new(node(one))),
        ["compact", one] => drop(cluster.compact(node(one))),
        ["stream", from, to] => cluster.stream(node(from), node(to)),
        ["bring", from, to] => {
            let (from, term) = (node(from), cluster.raft(node(from)).term());
            let snapshot = cluster.nodes[&from].disk.snapshot.clone();
            cluster.step(node(to), Input::SnapshotReceived { from, term, snapshot });
        }
        ["lost", one, peer] => cluster.step(node(one), Input::Unreachable(node(peer))),
        _ => panic!("no command: {words:?}"),
    }
}

fn campaign(cluster: &mut Cluster, node: NodeId) {
    cluster.now = cluster.now.after(Duration::from_secs(1));
    cluster.step(node, Input::Expired(Timer::Election));
}

fn load(cluster: &mut Cluster, node: NodeId, rest: &[&str]) {
    let (count, terms) = rest.split_first().expect("how many voters");
    let count = number(count.trim_end_matches(':'));
    let terms: Vec<u64> = terms.iter().map(|word| number(word)).collect();
    let mut disk = Disk { frames: frames_of(&terms), vote: log_of(count, &terms).vote, ..Disk::default() };
    disk.snapshot.membership = voters(count);
    cluster.add_with(Config::new(node), disk);
}

/// A change in words: `add 4 promote 5`.
pub(crate) fn change(parts: &[&str]) -> Change {
    let mut change = Change::default();
    for part in parts.chunks(2) {
        let one = node(part[1]);
        let _ = match part[0] {
            "add" => change.add.insert(one, format!("n{}", one.get())).is_none(),
            "move" => change.add.insert(one, format!("m{}", one.get())).is_none(),
            "promote" => change.promote.insert(one),
            "demote" => change.demote.insert(one),
            "remove" => change.remove.insert(one),
            word => panic!("no change: {word}"),
        };
    }
    change
}
