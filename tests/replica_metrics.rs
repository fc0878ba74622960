//! A replica's figures: that they move with what happens, that both texts can be read, and that the dashboard names
//! nothing else; and the documentation's way to add a node.

#[path = "support/add_node.rs"]
mod add_node;
#[path = "support/replicas.rs"]
mod replicas;

use duochain::net::Flaw;
use duochain::node::replica::{Replica, ReplicaError, ReplicaStats, STEPS_US};
use duochain::raft::Role;
use duochain::types::NodeId;
use replicas::{Applied, Cluster, Keep, PATIENCE, batch, n, own_places, until, while_one_leads};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Prometheus's text format, read strictly: families with help and type, then their samples, nothing between.
#[derive(Default)]
struct Exposition {
    /// Kind by family.
    kinds: BTreeMap<String, String>,
    samples: BTreeMap<String, f64>,
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit())
}

impl Exposition {
    fn read(text: &str) -> Self {
        let (mut read, mut family) = (Self::default(), String::new());
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').expect("a help has a name and words");
                assert!(is_name(name) && words.ends_with('.'), "{line}");
                let kind =
                    lines.next().and_then(|line| line.strip_prefix(&format!("# TYPE {name} "))).expect(line);
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                assert!(read.kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "twice: {name}");
                family = name.to_owned();
                continue;
            }
            let (sample, value) = line.rsplit_once(' ').expect(line);
            let (name, labels) = sample.split_once('{').expect(line);
            let suffix = name.strip_prefix(&family).unwrap_or_else(|| panic!("{line} below {family}"));
            let is_histogram = read.kinds[&family] == "histogram";
            assert!(suffix.is_empty() != is_histogram, "{line}");
            assert!(!is_histogram || ["_bucket", "_sum", "_count"].contains(&suffix), "{line}");
            for label in labels.strip_suffix('}').expect(line).split(',') {
                let (label, value) = label.split_once('=').expect(line);
                assert!(is_name(label) && value.starts_with('"') && value.ends_with('"'), "{line}");
            }
            let value: f64 = value.parse().expect(line);
            assert!(value.is_finite() && value >= 0.0, "{line}");
            assert!(read.samples.insert(sample.to_owned(), value).is_none(), "twice: {line}");
        }
        read
    }

    fn of(&self, name: &str, labels: &str) -> f64 {
        let sample = format!("{name}{{{labels}}}");
        *self.samples.get(&sample).unwrap_or_else(|| panic!("no {sample}"))
    }
}

/// One JSON value from the front; returns the rest. Enough of JSON to refuse what is none.
fn json(text: &str) -> &str {
    let rest = &text[1..];
    match text.as_bytes()[0] {
        b'{' if rest.starts_with('}') => &rest[1..],
        b'{' => members(rest, |text| json(json(text).strip_prefix(':').expect("a colon")), '}'),
        b'[' if rest.starts_with(']') => &rest[1..],
        b'[' => members(rest, json, ']'),
        b'"' => {
            let mut is_escaped = false;
            let is_end = |c: char| {
                let is_end = c == '"' && !is_escaped;
                is_escaped = c == '\\' && !is_escaped;
                is_end
            };
            &rest[rest.find(is_end).expect("a string ends") + 1..]
        }
        _ => {
            let end = text.find([',', '}', ']']).unwrap_or(text.len());
            assert!(
                text[..end].parse::<f64>().is_ok() || ["true", "false", "null"].contains(&&text[..end]),
                "{text}"
            );
            &text[end..]
        }
    }
}

fn members<'a>(mut text: &'a str, one: impl Fn(&'a str) -> &'a str, end: char) -> &'a str {
    loop {
        text = one(text);
        match text.strip_prefix(',') {
            Some(rest) => text = rest,
            None => return text.strip_prefix(end).expect("a comma or the end"),
        }
    }
}

fn stats(cluster: &Cluster, number: usize) -> ReplicaStats {
    cluster.replica(number).stats()
}

#[test]
fn figures_move_with_what_happens() {
    while_one_leads(figures_of_one_leader);
}

fn figures_of_one_leader() -> Option<()> {
    let mut cluster = Cluster::new("metrics-move", 3);
    let leader = cluster.leader();
    let before = stats(&cluster, leader);
    let last = (0..50).map(|number| cluster.append(&format!("a{number} b{number}"))).max().unwrap();
    (1..=3).for_each(|number| drop(cluster.applied(number, last.index)));
    let after = stats(&cluster, leader);
    if after.status.term > before.status.term || after.status.role != Role::Leader {
        return None;
    }
    assert!(after.counts.terms_led >= 1, "{after:?}");
    assert_eq!(after.status.commit.get() - before.status.commit.get(), 100);
    assert_eq!(after.counts.accepted - before.counts.accepted, 50);
    assert_eq!(after.counts.acknowledged - before.counts.acknowledged, 50);
    assert_eq!(after.commit.count() - before.commit.count(), 50);
    assert!(after.sync.count() > before.sync.count() && after.written_bytes > before.written_bytes);
    assert!(after.counts.frames_sent - before.counts.frames_sent >= 100, "to two followers: {after:?}");
    assert_eq!(after.peers.len(), 2);
    assert!(after.peers.iter().all(|peer| peer.is_connected && peer.busy > Duration::ZERO), "{after:?}");
    // A follower refuses, and leads nothing.
    let follower = leader % 3 + 1;
    let refused = stats(&cluster, follower).counts.not_leader;
    let Err(ReplicaError::NotLeader(_)) = cluster.replica(follower).append(batch("x"), PATIENCE) else {
        return None;
    };
    let of_follower = stats(&cluster, follower);
    assert_eq!(
        (of_follower.counts.not_leader, of_follower.commit.count()),
        (refused + 1, of_follower.counts.acknowledged)
    );
    // One that is away lags behind, and its link is open.
    cluster.close(follower);
    let last = cluster.append("without it").index;
    let lacks = || {
        let stats = stats(&cluster, leader);
        // Who leads no longer knows nothing of the others.
        let known = stats.status.peers.iter().find(|peer| peer.node == n(follower))?.matched;
        let way = *stats.peers.iter().find(|peer| peer.node == n(follower)).expect("a member");
        Some(known < last && !way.is_connected && way.failures > 0)
    };
    until("open link", || lacks() != Some(false));
    lacks()?;
    cluster.open(follower);
    cluster.applied(follower, last);
    until("sent again", || stats(&cluster, leader).peers.iter().all(|peer| peer.is_connected));
    // The leader goes: somebody stands for election and is elected.
    cluster.close(leader);
    cluster.append("led by another");
    let others: Vec<_> = cluster.alive().map(|(number, _)| stats(&cluster, number)).collect();
    assert!(
        others.iter().any(|stats| stats.counts.elections >= 1 && stats.counts.terms_led >= 1),
        "{others:?}"
    );
    assert!(others.iter().all(|stats| stats.counts.leader_changes >= 2), "{others:?}");
    Some(())
}

#[test]
fn both_texts_can_be_read_and_say_the_same() {
    while_one_leads(texts_of_one_leader);
}

fn texts_of_one_leader() -> Option<()> {
    let cluster = Cluster::new("metrics-text", 3);
    let leader = cluster.leader();
    let last = cluster.append("one two three").index;
    (1..=3).for_each(|number| drop(cluster.applied(number, last)));
    let stats = stats(&cluster, leader);
    if stats.status.role != Role::Leader {
        return None;
    }
    let (text, node) = (stats.prometheus(), format!("node=\"{leader}\""));
    let read = Exposition::read(&text);
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let float = |value: u64| value as f64;
    assert_eq!(read.of("duochain_log_role", &node), 3.0);
    assert_eq!(read.of("duochain_log_commit_index", &node), float(stats.status.commit.get()));
    assert_eq!(read.of("duochain_log_commit_seconds_count", &node), float(stats.commit.count()));
    assert_eq!(
        read.of("duochain_log_commit_seconds_bucket", &format!("{node},le=\"+Inf\"")),
        float(stats.commit.count())
    );
    let buckets = STEPS_US.map(|micros| {
        let bound = Duration::from_micros(micros).as_secs_f64();
        read.of("duochain_log_sync_seconds_bucket", &format!("{node},le=\"{bound}\""))
    });
    assert!(buckets.is_sorted(), "{buckets:?}");
    for peer in &stats.peers {
        let labels = format!("{node},peer=\"{}\"", peer.node.get());
        assert_eq!(read.of("duochain_log_peer_connected", &labels), float(u64::from(peer.is_connected)));
        read.of("duochain_log_peer_lag_entries", &labels);
    }
    let json_text = stats.json();
    assert_eq!(json(&json_text), "", "{json_text}");
    for flaw in Flaw::ALL {
        let labels = format!("{node},reason=\"{}\"", flaw.name());
        let count = stats.net.malformed[flaw.index()];
        assert_eq!(read.of("duochain_log_net_malformed_total", &labels), float(count));
    }
    for name in [
        "\"committed_entries\":",
        "\"commit_seconds\":{\"count\":",
        "\"late\":",
        "\"net_malformed\":{\"magic\":",
        "\"lag_entries\":",
    ] {
        assert!(json_text.contains(name), "{name} in {json_text}");
    }
    let number = |name: &str| {
        let (_, rest) = json_text.split_once(&format!("\"{name}\":"))?;
        rest[..rest.find([',', '}'])?].parse::<f64>().ok()
    };
    let labels = format!("{{{node}}}");
    let own = |(sample, value): (&String, &f64)| {
        let name = sample.strip_suffix(&labels)?.trim_start_matches("duochain_log_");
        let is_of_histogram = name.ends_with("_sum") || name.ends_with("_count");
        (!is_of_histogram).then(|| (name.trim_end_matches("_total").to_owned(), *value))
    };
    let values: Vec<(String, f64)> = read.samples.iter().filter_map(own).collect();
    assert!(values.len() > 25, "{values:?}");
    for (name, value) in values {
        assert_eq!(number(&name), Some(value), "{name} in {json_text}");
    }
    assert_eq!(number("commit_seconds\":{\"count"), Some(float(stats.commit.count())));
    // The limits of the head docs.
    assert!(text.len() < (16 << 10) + 2 * (3 << 10) && json_text.len() < (6 << 10) + 2 * (1 << 10));
    // What hosts in other languages get has them all.
    let whole = cluster.replica(leader).json();
    assert_eq!(json(&whole), "", "{whole}");
    let (_, stats) = whole.split_once(",\"stats\":{").expect("it has them");
    assert!(
        stats.contains("\"sync_seconds\":{\"count\":") && whole.len() < (7 << 10) + 3 * (2 << 10),
        "{whole}"
    );
    Some(())
}

/// Words of a file that look like our metrics.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c == '_' || c.is_ascii_alphanumeric();
    let words = text
        .split(|c: char| !is_part(c))
        .filter(|word| word.strip_prefix("duochain_log_").is_some_and(|rest| !rest.is_empty()));
    words.map(str::to_owned).collect()
}

fn file(path: &str) -> String {
    std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

#[test]
fn dashboard_and_documentation_name_metrics_that_exist_and_the_documentation_all_of_them() {
    let cluster = Cluster::new("metrics-names", 3);
    let read = Exposition::read(&stats(&cluster, cluster.leader()).prometheus());
    let exists = |word: &String| {
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| word.strip_suffix(suffix));
        read.kinds.contains_key(word)
            || family.is_some_and(|family| read.kinds.get(family).is_some_and(|kind| kind == "histogram"))
    };
    let dashboard = file("deploy/grafana/replicated-log.json");
    assert_eq!(json(&dashboard.split_whitespace().collect::<Vec<_>>().join("")), "");
    let used = metrics_in(&dashboard);
    assert!(used.len() > 15, "{used:?}");
    let unknown: Vec<_> = used.iter().filter(|word| !exists(word)).collect();
    assert!(unknown.is_empty(), "the dashboard asks for {unknown:?}");
    let documented = metrics_in(&file("docs/operations.md"));
    let missing: Vec<_> = read.kinds.keys().filter(|name| !documented.contains(*name)).collect();
    assert!(missing.is_empty(), "not in docs/operations.md: {missing:?}");
    let unknown: Vec<_> = documented.iter().filter(|word| !exists(word)).collect();
    assert!(unknown.is_empty(), "docs/operations.md names {unknown:?}");
}

#[test]
fn an_unknown_leader_is_0() {
    let mut cluster = Cluster::new("metrics-nobody", 3);
    let leader = cluster.leader();
    (1..=3).filter(|number| *number != leader).for_each(|number| cluster.close(number));
    until("steps down", || cluster.replica(leader).status().role != Role::Leader);
    let stats = stats(&cluster, leader);
    assert_eq!(stats.status.leader.map_or(0, NodeId::get), 0);
    Exposition::read(&stats.prometheus());
}

#[test]
fn a_restart_is_no_throughput() {
    let mut cluster = Cluster::new("metrics-restart", 3);
    let last = (0..50).map(|number| cluster.append(&format!("a{number} b{number}"))).max().unwrap().index;
    let again = cluster.leader() % 3 + 1;
    cluster.applied(again, last);
    cluster.close(again);
    cluster.open(again);
    // All of it is replayed; a rate over this must not show what nobody wrote.
    cluster.applied(again, last);
    let read = Exposition::read(&stats(&cluster, again).prometheus());
    let of = |name: &str| read.of(&format!("duochain_log_{name}"), &format!("node=\"{again}\""));
    assert!(of("commit_index") >= 100.0 && of("applied_index") >= 100.0);
    // A few are new, or were not durable here when it went: blank frames of leaders, and who was asked who leads.
    assert!(of("committed_entries_total") < 50.0 && of("applied_entries_total") < 50.0);
    // What comes from now on is counted.
    let before = stats(&cluster, again);
    let last = (0..50).map(|number| cluster.append(&format!("c{number} d{number}"))).max().unwrap().index;
    cluster.applied(again, last);
    let after = stats(&cluster, again);
    assert!(after.status.commit.get() - after.opened_at.get() >= 100, "{after:?}");
    assert_eq!(after.opened_at, before.opened_at);
}

#[test]
fn a_node_is_added_as_the_documentation_says_and_not_by_one_that_does_not_lead() {
    let code = file("tests/support/add_node.rs");
    let (_, code) = code.split_once("\n\n").expect("a head");
    assert!(file("docs/operations.md").contains(code), "docs/operations.md has another example");

    let cluster = Cluster::new("metrics-add", 3);
    let leader = cluster.leader();
    let address = own_places(1)[0];
    let mut config = cluster.config(leader);
    (config.dir, config.listen) = (cluster.scratch.path().join("n4"), address);
    (config.raft.id, config.raft.seed) = (n(4), 4);
    let fourth = Replica::open(config, Box::new(Keep(Applied::default()))).unwrap();
    let added = add_node::add(cluster.replica(leader % 3 + 1), n(4), &address.to_string());
    assert!(matches!(added, Err(ReplicaError::NotLeader(_))), "{added:?}");
    // Elections may come in between; whoever leads then goes on.
    until("member", || {
        cluster.alive().any(|(_, replica)| add_node::add(replica, n(4), &address.to_string()).is_ok())
    });
    until("voter", || fourth.members().is_voter(n(4)));
}
