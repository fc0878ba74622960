//! The process that is killed: runs a node, and says what it was told, one line each.

use crate::support::LANE;
use duochain::node::{ChainSelect, EventKind, Node, Start, SubscribeOptions, Subscription};
use duochain::types::{ChainId, Sequence, Status};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

pub(crate) const DIR: &str = "DUOCHAIN_CRASH_DIR";
pub(crate) const SALT: &str = "DUOCHAIN_CRASH_SALT";
pub(crate) const BACKEND: &str = "DUOCHAIN_CRASH_BACKEND";

/// The cursor that every child moves on.
pub(crate) fn cursor(node: &Node) -> Subscription {
    let name = Some("child".to_owned());
    let options = SubscribeOptions { chains: ChainSelect::Both, name, start: Start::Cursor };
    node.subscribe(options).expect("subscribed")
}

/// Works until it is killed.
pub(crate) fn live() {
    let variable = |name| std::env::var(name).expect("set by the parent");
    let dir = variable(DIR);
    let salt: u64 = variable(SALT).parse().expect("a number");
    let settings = super::settings(Path::new(&dir), &variable(BACKEND));
    let node = Node::open(settings).expect("opens after every kill");
    // The harness has begun a line of its own.
    say("\nopened end\n");
    let mut events = cursor(&node);
    let (mut number, mut has_begun) = (0u64, [false; 2]);
    loop {
        for chain in ChainId::ALL {
            for _ in 0..20 {
                let mut bytes = vec![chain.wire(); 200 + number as usize % 300];
                bytes[..8].copy_from_slice(&salt.to_le_bytes());
                bytes[8..16].copy_from_slice(&number.to_le_bytes());
                number += u64::from(node.submit(chain, LANE, &bytes).is_ok());
            }
        }
        let mut lines = completions(&node);
        let acked = read(&mut events, &mut has_begun, &mut lines);
        for (chain, sequence) in &acked {
            lines += &format!("acking {} {sequence} end\n", chain.wire());
        }
        say(&lines);
        for (chain, sequence) in acked {
            events.ack(chain, sequence).expect("durable");
            say(&format!("acked {} {sequence} end\n", chain.wire()));
        }
    }
}

fn say(lines: &str) {
    std::io::stdout().write_all(lines.as_bytes()).expect("the parent reads");
}

fn completions(node: &Node) -> String {
    let mut done = Vec::new();
    let _ = node.poll_completions(&mut done, 10_000, Duration::from_millis(2));
    let mut lines = String::new();
    for completion in done {
        assert_eq!(completion.status, Status::Ok, "{completion:?}");
        let (chain, tx, height) = (completion.chain.wire(), completion.tx, completion.height);
        lines += &format!("done {chain} {tx} {height} end\n");
    }
    lines
}

/// Adds a line per event, and returns how far each chain was read.
fn read(
    events: &mut Subscription,
    has_begun: &mut [bool; 2],
    lines: &mut String,
) -> BTreeMap<ChainId, Sequence> {
    let mut last = BTreeMap::new();
    for event in events.poll(1_000).expect("readable") {
        let (chain, sequence) = (event.chain.wire(), event.sequence);
        if !std::mem::replace(&mut has_begun[event.chain.index()], true) {
            let dropped = events.dropped()[event.chain.index()];
            *lines += &format!("first {chain} {sequence} {dropped} end\n");
        }
        if event.kind == EventKind::finalized(event.chain) {
            *lines += &format!("event {chain} {sequence} {} {} end\n", event.height, event.hash);
        }
        last.insert(event.chain, sequence);
    }
    last
}
