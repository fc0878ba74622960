//! A replica's figures as text, for people and scripts.
//!
//! # Limits
//! Below 7 KiB, and for each member 2 KiB and its address, in which a control character counts six times.

use super::Replica;
use crate::raft::{PeerStatus, Role};
use std::fmt::{Display, Write};

impl Replica {
    /// The figures as one JSON object. Times are nanoseconds; a leader that is not known is 0; `peers` is
    /// empty but on a leader. `stats` is [`ReplicaStats::json`](super::ReplicaStats::json), with times in seconds.
    pub fn json(&self) -> String {
        let (status, net) = (self.status(), self.net_stats());
        let mut out = String::with_capacity(8 << 10);
        write!(out, "{{\"role\":\"{}\"", role_name(status.role)).expect("a string takes everything");
        fields(
            &mut out,
            &[
                ("node", &self.node.get()),
                ("term", &status.term),
                ("leader", &status.leader.map_or(0, crate::types::NodeId::get)),
                ("first", &self.first()),
                ("snapshot", &self.snapshot_index()),
                ("last", &status.last.index),
                ("durable", &status.durable),
                ("commit", &status.commit),
                ("applied", &self.applied()),
                ("uncommitted_bytes", &status.uncommitted_bytes),
                ("window_bytes", &status.window_bytes),
            ],
        );
        self.write_members(&mut out);
        write_peers(&status.peers, &mut out);
        let (refused, malformed): (u64, u64) = (net.refused.iter().sum(), net.malformed.iter().sum());
        out.push_str(",\"net\":{\"sent\":");
        write!(out, "{}", net.sent).expect("a string takes everything");
        fields(
            &mut out,
            &[
                ("sent_bytes", &net.sent_bytes),
                ("received", &net.received),
                ("received_bytes", &net.received_bytes),
                ("dropped", &net.dropped),
                ("connected", &net.connected),
                ("broken", &net.broken),
                ("malformed", &malformed),
                ("refused", &refused),
            ],
        );
        write!(out, "}},\"stats\":{}}}", self.stats().json()).expect("a string takes everything");
        out
    }

    fn write_members(&self, out: &mut String) {
        out.push_str(",\"members\":[");
        let members = self.members();
        for (at, (node, address)) in members.addresses.iter().enumerate() {
            let (comma, voter) = (if at == 0 { "" } else { "," }, members.is_voter(*node));
            write!(out, "{comma}{{\"node\":{},\"voter\":{voter},\"address\":\"", node.get())
                .expect("a string takes everything");
            escape(address, out);
            out.push_str("\"}");
        }
        out.push(']');
    }
}

/// Its name in every language.
const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Follower => "follower",
        Role::PreCandidate | Role::Candidate => "candidate",
        Role::Leader => "leader",
    }
}

fn write_peers(peers: &[PeerStatus], out: &mut String) {
    out.push_str(",\"peers\":[");
    for (at, peer) in peers.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(out, "{comma}{{\"node\":{}", peer.node.get()).expect("a string takes everything");
        fields(
            out,
            &[
                ("matched", &peer.matched),
                ("next", &peer.next),
                ("inflight_bytes", &peer.inflight_bytes),
                ("silent", &peer.silent.as_nanos()),
                ("in_snapshot", &peer.is_in_snapshot),
            ],
        );
        out.push('}');
    }
    out.push(']');
}

/// Appends `,"a":1,…`.
fn fields(out: &mut String, fields: &[(&str, &dyn Display)]) {
    for (name, value) in fields {
        write!(out, ",\"{name}\":{value}").expect("a string takes everything");
    }
}

/// A text as it stands between the quotes of JSON: addresses are whatever somebody gave.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => write!(out, "\\u{:04x}", u32::from(c)).expect("a string takes everything"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_cannot_break_out_of_its_quotes() {
        let mut out = String::new();
        escape("a\"b\\c\nd", &mut out);
        assert_eq!(out, "a\\\"b\\\\c\\u000ad");
    }
}
