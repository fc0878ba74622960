//! Tables of changes of members: `>` the voters, `+` learners, `/` outgoing voters in a change and `-` those of them that
//! become learners; then what is asked for, and below it who is in then, and who is when that change is over.
//!
//! ```text
//! > 1 2 3 + 4 : promote 4 remove 1          > 1 2 4 / 1 2 3 : add 5
//! ```

use crate::play::change;
use crate::support::n;
use crate::text;
use duochain::raft::Membership;
use duochain::types::NodeId;
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

/// Who is in, as the left half of a row says.
fn membership(text: &str) -> Membership {
    let mut membership = Membership::default();
    let mut group = &mut membership.voters;
    for word in text.split_whitespace() {
        match word {
            "+" => group = &mut membership.learners,
            "/" => group = &mut membership.outgoing,
            "-" => group = &mut membership.demoted,
            number => drop(group.insert(n(number.parse().expect("a number")))),
        }
    }
    let parts = [&membership.voters, &membership.learners, &membership.outgoing];
    let all: BTreeSet<NodeId> = parts.into_iter().flatten().copied().collect();
    membership.addresses = all.into_iter().map(|node| (node, node.to_string())).collect();
    membership
}

fn decide(row: &str) -> String {
    let (before, asked) = row.split_once(':').expect("who, then what is asked for");
    let words: Vec<&str> = asked.split_whitespace().collect();
    let Some(after) = membership(before).changed(&change(&words)) else { return "refused".to_owned() };
    let moved = after.addresses.iter().filter(|(node, address)| **address != node.to_string());
    let moved: String = moved.map(|(node, address)| format!(", {node} at {address}")).collect();
    let end = match after.is_joint() {
        true => format!("\nthen {}", text::members(&after.settled())),
        false => String::new(),
    };
    format!("{}{moved}{end}", text::members(&after))
}
