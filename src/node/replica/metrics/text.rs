//! The figures as text: JSON for people and scripts, Prometheus for monitoring.

use super::{ReplicaStats, STEPS_US, Spans};
use crate::net::{Flaw, PeerNet, Refusal};
use crate::raft::Role;
use std::fmt::{Display, Write};
use std::time::Duration;

/// One family without labels of its own, and where its value comes from.
struct Metric {
    name: &'static str,
    is_counter: bool,
    help: &'static str,
    value: fn(&ReplicaStats) -> f64,
}

const fn gauge(name: &'static str, help: &'static str, value: fn(&ReplicaStats) -> f64) -> Metric {
    Metric { name, is_counter: false, help, value }
}

const fn counter(name: &'static str, help: &'static str, value: fn(&ReplicaStats) -> f64) -> Metric {
    Metric { name, is_counter: true, help, value }
}

#[expect(clippy::cast_precision_loss, reason = "metrics are floating point; counters stay exact below 2^53")]
const fn float(value: u64) -> f64 {
    value as f64
}

const METRICS: &[Metric] = &[
    gauge(
        "duochain_log_role",
        "0 follower, 1 asks whether it would be elected, 2 asks for votes, 3 leader.",
        |s| role(s.status.role),
    ),
    gauge("duochain_log_leader", "Number of the node that leads, 0 when none is known.", |s| {
        float(s.status.leader.map_or(0, crate::types::NodeId::get))
    }),
    gauge("duochain_log_term", "Term.", |s| float(s.status.term.get())),
    gauge("duochain_log_first_index", "Index of the oldest entry in the log.", |s| float(s.first.get())),
    gauge(
        "duochain_log_snapshot_index",
        "Index of the last entry in the newest snapshot; 0: there is none.",
        |s| float(s.snapshot.get()),
    ),
    gauge(
        "duochain_log_last_index",
        "Index of the last entry in the log; an election can take some back.",
        |s| float(s.status.last.index.get()),
    ),
    gauge("duochain_log_durable_index", "Index of the last entry that is durable on this node.", |s| {
        float(s.status.durable.get())
    }),
    gauge(
        "duochain_log_commit_index",
        "Index of the last entry known to be committed; after opening that of the snapshot, or 0, until a leader says.",
        |s| float(s.status.commit.get()),
    ),
    gauge("duochain_log_applied_index", "Index of the last entry applied; 0 while opening replays.", |s| {
        float(s.applied.get())
    }),
    counter(
        "duochain_log_committed_entries",
        "Entries committed behind what the log had when it was opened.",
        |s| float(s.status.commit.get().saturating_sub(s.opened_at.get())),
    ),
    counter(
        "duochain_log_applied_entries",
        "Entries applied behind what the log had when it was opened.",
        |s| float(s.applied.get().saturating_sub(s.opened_at.get())),
    ),
    gauge("duochain_log_apply_lag_entries", "Entries committed and not applied.", |s| {
        float(s.status.commit.get().saturating_sub(s.applied.get()))
    }),
    gauge("duochain_log_uncommitted_bytes", "Bytes that wait to be committed; of a leader.", |s| {
        float(s.status.uncommitted_bytes as u64)
    }),
    gauge("duochain_log_window_bytes", "Bytes of frames in memory.", |s| float(s.status.window_bytes as u64)),
    gauge("duochain_log_staged_bytes", "Bytes of entries that are submitted and in no frame yet.", |s| {
        float(s.staged_bytes as u64)
    }),
    gauge("duochain_log_writes_waiting", "Writes that wait for the disk.", |s| {
        float(s.writes_waiting as u64)
    }),
    counter("duochain_log_written_bytes", "Bytes of frames written to the log.", |s| float(s.written_bytes)),
    counter("duochain_log_frames_accepted", "Frames that this node gave a place as leader.", |s| {
        float(s.counts.accepted)
    }),
    counter("duochain_log_frames_acknowledged", "Those of them that were committed.", |s| {
        float(s.counts.acknowledged)
    }),
    counter("duochain_log_frames_superseded", "Those in whose place something else was committed.", |s| {
        float(s.counts.superseded)
    }),
    counter("duochain_log_frames_sent", "Frames sent to followers.", |s| float(s.counts.frames_sent)),
    counter("duochain_log_frames_sent_again", "Those that were sent to the same follower before.", |s| {
        float(s.counts.frames_again)
    }),
    counter("duochain_log_pre_elections", "Times it asked whether it would be elected.", |s| {
        float(s.counts.pre_elections)
    }),
    counter("duochain_log_elections", "Times it asked for votes.", |s| float(s.counts.elections)),
    counter("duochain_log_terms_led", "Times it was elected.", |s| float(s.counts.terms_led)),
    counter("duochain_log_leader_changes", "Times it learnt of another leader, or of none.", |s| {
        float(s.counts.leader_changes)
    }),
    counter("duochain_log_faults", "Messages that broke the protocol.", |s| float(s.counts.faults)),
    counter("duochain_log_net_sent_bytes", "Bytes of messages taken for sending.", |s| {
        float(s.net.sent_bytes)
    }),
    counter("duochain_log_net_received_bytes", "Bytes of messages that came.", |s| {
        float(s.net.received_bytes)
    }),
    counter("duochain_log_net_sent_messages", "Messages given to the system.", |s| float(s.net.sent)),
    counter("duochain_log_net_received_messages", "Messages that came.", |s| float(s.net.received)),
    counter("duochain_log_net_unreachable", "Attempts to connect that nobody answered.", |s| {
        float(s.net.unreachable)
    }),
    counter("duochain_log_net_unaccepted", "Connections lost for want of descriptors or threads.", |s| {
        float(s.net.unaccepted)
    }),
];

/// As [`Metric`], with the label `peer`.
struct PeerMetric {
    name: &'static str,
    is_counter: bool,
    help: &'static str,
    value: fn(&PeerNet) -> f64,
}

const PEER_METRICS: &[PeerMetric] = &[
    PeerMetric {
        name: "duochain_log_peer_connected",
        is_counter: false,
        help: "1 when messages can be sent, 0 between attempts to connect.",
        value: |peer| float(u64::from(peer.is_connected)),
    },
    PeerMetric {
        name: "duochain_log_peer_failures",
        is_counter: false,
        help: "Attempts to connect that failed or did not last, in a row.",
        value: |peer| float(u64::from(peer.failures)),
    },
    PeerMetric {
        name: "duochain_log_peer_outbox_bytes",
        is_counter: false,
        help: "Bytes that wait for the socket.",
        value: |peer| float(peer.outbox_bytes as u64),
    },
    PeerMetric {
        name: "duochain_log_peer_sent_bytes",
        is_counter: true,
        help: "Bytes of messages taken for sending.",
        value: |peer| float(peer.sent_bytes),
    },
    PeerMetric {
        name: "duochain_log_peer_dropped_messages",
        is_counter: true,
        help: "Messages dropped: no connection, one that broke, or too much waits.",
        value: |peer| float(peer.dropped),
    },
    PeerMetric {
        name: "duochain_log_peer_busy_seconds",
        is_counter: true,
        help: "Time spent in sending: its rate is the sender's utilisation, 0 to 1.",
        value: |peer| peer.busy.as_secs_f64(),
    },
    PeerMetric {
        name: "duochain_log_peer_stalled_seconds",
        is_counter: true,
        help: "Time in which something waited and the socket took nothing.",
        value: |peer| peer.stalled.as_secs_f64(),
    },
];

fn role(role: Role) -> f64 {
    float(match role {
        Role::Follower => 0,
        Role::PreCandidate => 1,
        Role::Candidate => 2,
        Role::Leader => 3,
    })
}

/// Appends one family; `lines` adds its values behind the head.
fn family(out: &mut String, name: &str, kind: &str, help: &str, lines: &[(String, f64)]) {
    if lines.is_empty() {
        return;
    }
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("a string takes everything");
    for (labels, value) in lines {
        writeln!(out, "{name}{{{labels}}} {value}").expect("a string takes everything");
    }
}

fn named(name: &str, is_counter: bool) -> (String, &'static str) {
    if is_counter { (format!("{name}_total"), "counter") } else { (name.to_owned(), "gauge") }
}

fn histogram(out: &mut String, (name, help): (&str, &str), node: &str, spans: &Spans) {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} histogram").expect("a string takes everything");
    let mut count = 0;
    for (at, more) in spans.counts.iter().enumerate() {
        count += more;
        let bound = STEPS_US.get(at).map_or_else(
            || "+Inf".to_owned(),
            |micros| Duration::from_micros(*micros).as_secs_f64().to_string(),
        );
        writeln!(out, "{name}_bucket{{{node},le=\"{bound}\"}} {count}").expect("a string takes everything");
    }
    let total = spans.total.as_secs_f64();
    writeln!(out, "{name}_sum{{{node}}} {total}\n{name}_count{{{node}}} {count}")
        .expect("a string takes everything");
}

impl ReplicaStats {
    /// The figures in Prometheus's text format, each with the node's number as the label `node`. Times are
    /// seconds.
    pub fn prometheus(&self) -> String {
        let mut out = String::with_capacity(16 << 10);
        let node = format!("node=\"{}\"", self.node.get());
        for metric in METRICS {
            let (name, kind) = named(metric.name, metric.is_counter);
            family(&mut out, &name, kind, metric.help, &[(node.clone(), (metric.value)(self))]);
        }
        let refused = [
            ("not_leader", self.counts.not_leader),
            ("busy", self.counts.busy),
            ("other", self.counts.refused),
        ];
        let lines = refused.map(|(why, count)| (format!("{node},reason=\"{why}\""), float(count)));
        let help = "Requests of which nothing was taken.";
        family(&mut out, "duochain_log_requests_refused_total", "counter", help, &lines);
        for (name, help, counts) in [
            ("duochain_log_net_refused_total", "Connections refused here.", &self.net.refused),
            (
                "duochain_log_net_turned_away_total",
                "Connections to peers refused, by them or here.",
                &self.net.turned_away,
            ),
        ] {
            let lines = Refusal::ALL
                .map(|why| (format!("{node},reason=\"{}\"", why.name()), float(counts[why.index()])));
            family(&mut out, name, "counter", help, &lines);
        }
        let lines = Flaw::ALL.map(|flaw| {
            (format!("{node},reason=\"{}\"", flaw.name()), float(self.net.malformed[flaw.index()]))
        });
        let help = "Connections closed for bytes that are no message.";
        family(&mut out, "duochain_log_net_malformed_total", "counter", help, &lines);
        self.write_peers(&node, &mut out);
        let commit =
            ("duochain_log_commit_seconds", "From a place in the log to the commit, of frames led here.");
        histogram(&mut out, commit, &node, &self.commit);
        let sync = ("duochain_log_sync_seconds", "Of writing and syncing what waited.");
        histogram(&mut out, sync, &node, &self.sync);
        out
    }

    fn write_peers(&self, node: &str, out: &mut String) {
        for metric in PEER_METRICS {
            let (name, kind) = named(metric.name, metric.is_counter);
            let line =
                |peer: &PeerNet| (format!("{node},peer=\"{}\"", peer.node.get()), (metric.value)(peer));
            let lines: Vec<_> = self.peers.iter().map(line).collect();
            family(out, &name, kind, metric.help, &lines);
        }
        let of_peers = |value: fn(&Self, usize) -> f64| -> Vec<_> {
            let peers = self.status.peers.iter().enumerate();
            peers
                .map(|(at, peer)| (format!("{node},peer=\"{}\"", peer.node.get()), value(self, at)))
                .collect()
        };
        let lag = of_peers(|s, at| {
            float(s.status.last.index.get().saturating_sub(s.status.peers[at].matched.get()))
        });
        family(out, "duochain_log_peer_lag_entries", "gauge", "Entries that it lacks; of a leader.", &lag);
        let inflight = of_peers(|s, at| float(s.status.peers[at].inflight_bytes as u64));
        family(
            out,
            "duochain_log_peer_inflight_bytes",
            "gauge",
            "Bytes on their way; of a leader.",
            &inflight,
        );
        let silent = of_peers(|s, at| s.status.peers[at].silent.as_secs_f64());
        family(
            out,
            "duochain_log_peer_silent_seconds",
            "gauge",
            "Time since it answered; of a leader.",
            &silent,
        );
    }

    /// The figures as one JSON object: names without `duochain_log_`, those of peers without `duochain_log_peer_`, the
    /// rest as in [`Self::prometheus`].
    pub fn json(&self) -> String {
        let mut out = format!("{{\"node\":{}", self.node.get());
        for metric in METRICS {
            field(&mut out, short(metric.name), (metric.value)(self));
        }
        let requests = [
            ("not_leader", self.counts.not_leader),
            ("busy", self.counts.busy),
            ("other", self.counts.refused),
        ];
        counts(&mut out, "requests_refused", &requests);
        let by_reason = |numbers: &[u64]| Refusal::ALL.map(|why| (why.name(), numbers[why.index()]));
        counts(&mut out, "net_refused", &by_reason(&self.net.refused));
        counts(&mut out, "net_turned_away", &by_reason(&self.net.turned_away));
        let malformed = Flaw::ALL.map(|flaw| (flaw.name(), self.net.malformed[flaw.index()]));
        counts(&mut out, "net_malformed", &malformed);
        for (name, spans) in [("commit_seconds", &self.commit), ("sync_seconds", &self.sync)] {
            let quantile = |thousandths| spans.at_most(thousandths).map_or(-1.0, |span| span.as_secs_f64());
            write!(out, ",\"{name}\":{{\"count\":{}", spans.count()).expect("a string takes everything");
            field(&mut out, "sum", spans.total.as_secs_f64());
            field(&mut out, "p50", quantile(500));
            field(&mut out, "p99", quantile(990));
            out.push('}');
        }
        self.json_peers(&mut out);
        out.push('}');
        out
    }

    fn json_peers(&self, out: &mut String) {
        out.push_str(",\"peers\":[");
        for (at, peer) in self.peers.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(out, "{comma}{{\"peer\":{}", peer.node.get()).expect("a string takes everything");
            for metric in PEER_METRICS {
                field(out, metric.name.trim_start_matches("duochain_log_peer_"), (metric.value)(peer));
            }
            if let Some(known) = self.status.peers.iter().find(|known| known.node == peer.node) {
                let lag = self.status.last.index.get().saturating_sub(known.matched.get());
                field(out, "lag_entries", lag);
                field(out, "inflight_bytes", known.inflight_bytes);
                field(out, "silent_seconds", known.silent.as_secs_f64());
            }
            out.push('}');
        }
        out.push(']');
    }
}

fn short(name: &str) -> &str {
    name.trim_start_matches("duochain_log_")
}

fn field(out: &mut String, name: &str, value: impl Display) {
    write!(out, ",\"{name}\":{value}").expect("a string takes everything");
}

/// Appends `,"name":{"a":1,…}`.
fn counts(out: &mut String, name: &str, fields: &[(&str, u64)]) {
    write!(out, ",\"{name}\":{{").expect("a string takes everything");
    for (at, (field, value)) in fields.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(out, "{comma}\"{field}\":{value}").expect("a string takes everything");
    }
    out.push('}');
}
