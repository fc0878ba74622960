//! The commands of a script. Numbers name nodes.
//!
//! ```text
//! nodes 3              three voters with empty logs     spare 4          a node that is to be added later
//! log 2 of 3: 1 1 4    node 2 of three voters finds entries of these terms, one a frame
//! elect 1              a second passes, the election timer of 1 runs out, all is delivered
//! campaign 1           the same, nothing is delivered   beat 1           the heartbeat timer of 1 runs out
//! propose 1 5          5 entries to node 1               read 1 7         read with ticket 7
//! change 1 add 4       also promote, demote, remove     transfer 1 2     1 should hand over to 2
//! deliver              what is under way now, shown     stabilize        all, and what that leads to
//! drop                 what is under way is lost        cut 1 2 / heal   nothing from or to these
//! pass 300             milliseconds pass, timers run out wait 300         no timer runs out
//! slow 1 / write 1     the disk of 1 waits / has written restart 1       what was durable is there
//! compact 1            snapshot of what is applied      stream 1 2       it comes to 2
//! lost 1 2             1 learns that its link to 2 broke
//! status [1], members 1
//! ```

use crate::support::{Cluster, Disk, frames_of, log_of, n, voters};
use crate::text;
use duochain::raft::{Change, Config, Input, Ticket, Timer};
use duochain::types::{NodeId, UnixNanos};
use std::collections::VecDeque;
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

/// Carries out a command; what it shows, and what hosts are told by it.
fn run(cluster: &mut Cluster, words: &[&str]) -> Vec<String> {
    let mut shown = match words {
        ["status"] => {
            let nodes = cluster.nodes.iter();
            nodes.map(|(node, host)| text::status(*node, &host.raft, cluster.now)).collect()
        }
        ["status", one] => vec![text::status(node(one), cluster.raft(node(one)), cluster.now)],
        ["members", one] => vec![text::members(cluster.raft(node(one)).membership())],
        ["deliver"] => deliver(cluster),
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

/// One round: what is under way now, not what that leads to.
fn deliver(cluster: &mut Cluster) -> Vec<String> {
    let mut shown = Vec::new();
    for _ in 0..cluster.wire.len() {
        let (from, to, message) = &cluster.wire[0];
        let is_cut = cluster.cut_off.contains(from) || cluster.cut_off.contains(to);
        let lost = if is_cut { " (lost)" } else { "" };
        shown.push(format!("{from}>{to} {}{lost}", text::message(message)));
        cluster.deliver_one();
    }
    shown
}

fn act(cluster: &mut Cluster, words: &[&str]) {
    match words {
        ["nodes", count] => *cluster = Cluster::new(number(count)),
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
        ["cut", nodes @ ..] => cluster.cut_off.extend(nodes.iter().map(|word| node(word))),
        ["heal"] => cluster.cut_off.clear(),
        ["pass", millis] => cluster.pass(Duration::from_millis(number(millis))),
        ["wait", millis] => cluster.now = cluster.now.after(Duration::from_millis(number(millis))),
        ["slow", one] => cluster.host(node(one)).waiting = Some(VecDeque::new()),
        ["write", one] => cluster.write(node(one)),
        ["restart", one] => cluster.restart(Config::new(node(one))),
        ["compact", one] => drop(cluster.compact(node(one))),
        ["stream", from, to] => cluster.stream(node(from), node(to)),
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

fn change(parts: &[&str]) -> Change {
    let mut change = Change::default();
    for part in parts.chunks(2) {
        let one = node(part[1]);
        let _ = match part[0] {
            "add" => change.add.insert(one, format!("n{one}")).is_none(),
            "promote" => change.promote.insert(one),
            "demote" => change.demote.insert(one),
            "remove" => change.remove.insert(one),
            word => panic!("no change: {word}"),
        };
    }
    change
}
