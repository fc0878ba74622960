//! Tables of quorums: `>` voters, a `/` and outgoing voters in a change, then what each node has said in order of its
//! number, and below it what that decides.
//!
//! ```text
//! > commit 1 2 3 : 5 6 0      the index that each has          > vote 1 2 3 / 3 4 : y n - y    yes, no, not heard
//! ```

use crate::support::n;
use duochain::raft::Membership;
use duochain::types::{Index, NodeId};
use std::collections::BTreeSet;

pub(crate) fn play(script: &str) -> String {
    let mut shown = String::new();
    for line in script.lines() {
        if let Some(row) = line.strip_prefix('>') {
            shown += &format!("{line}\n{}\n", decide(row));
        } else if line.starts_with('#') || line.is_empty() {
            shown += &format!("{line}\n");
        }
    }
    shown
}

fn decide(row: &str) -> String {
    let (left, said) = row.split_once(':').expect("who, then what they said");
    let (kind, groups) = left.trim().split_once(' ').unwrap_or((left.trim(), ""));
    let (voters, outgoing) = groups.split_once('/').unwrap_or((groups, ""));
    let group = |text: &str| -> BTreeSet<NodeId> {
        text.split_whitespace().map(|word| n(word.parse().expect("a number"))).collect()
    };
    let (voters, outgoing) = (group(voters), group(outgoing));
    let nodes: BTreeSet<NodeId> = voters.union(&outgoing).copied().collect();
    let said: Vec<&str> = said.split_whitespace().collect();
    assert_eq!(said.len(), nodes.len(), "one word for each node: {row}");
    let says = |node: NodeId| nodes.iter().position(|one| *one == node).map_or("-", |at| said[at]);
    let membership = Membership { voters, outgoing, ..Membership::default() };
    match kind {
        "commit" => membership.reached(|node| Index::new(says(node).parse().unwrap_or(0))).to_string(),
        "vote" => {
            let answer = |node| match says(node) {
                "y" => Some(true),
                "n" => Some(false),
                _ => None,
            };
            format!("{:?}", membership.tally(answer)).to_lowercase()
        }
        _ => panic!("neither commit nor vote: {row}"),
    }
}
