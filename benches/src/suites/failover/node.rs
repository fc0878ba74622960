//! A process of ours: a replica with clients of its own, until its standard input ends.
//!
//! It writes lines: `up` when it has heard how far the cluster is, and `led TERM` when the first of its writes is
//! acknowledged in a term, which it leads then.

use crate::AnyError;
use duochain::frame::{Body, Entry, FrameBuilder, FrameLimits};
use duochain::node::replica::{Applied, Apply, Replica, ReplicaConfig, ReplicaError};
use duochain::raft::Membership;
use duochain::types::{ClusterId, Index, LaneId, NodeId};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// The first argument of a program that is to be a node.
pub(crate) const NODE: &str = "failover-node";

const CLUSTER: ClusterId = ClusterId(*b"duobench of kill");
pub(super) const CLIENTS: usize = 4;
/// Of a write.
pub(super) const ENTRIES: usize = 16;
pub(super) const ENTRY_BYTES: usize = 256;
/// Between two writes of a client: the load is some thousands a second.
pub(super) const PAUSE: Duration = Duration::from_millis(5);
/// Until a client asks again whether its node leads.
const LOOK: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(30);

/// A host that applies nothing.
struct Nothing;

impl Apply for Nothing {
    fn apply(&mut self, _: &Applied<'_>) {}
}

fn batch() -> Result<Body, AnyError> {
    let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::default());
    for _ in 0..ENTRIES {
        builder
            .push(Entry { bytes: &[7; ENTRY_BYTES], ..Entry::default() })
            .map_err(|_| "no room for a batch")?;
    }
    Ok(builder.finish().ok_or("an empty batch")?)
}

/// Arguments: number, directory, and the addresses of all nodes in order.
pub(crate) fn run(arguments: &[String]) -> Result<(), AnyError> {
    let [number, dir, addresses @ ..] = arguments else { return Err("a node needs its place".into()) };
    let number: usize = number.parse()?;
    let node = |number: usize| NodeId::new(number as u64).ok_or("nodes count from 1");
    let members = (1..).zip(addresses).map(|(number, address)| Ok((node(number)?, address.clone())));
    let members = Membership::of(members.collect::<Result<Vec<_>, &str>>()?);
    let listen = addresses.get(number - 1).ok_or("a node without an address")?.parse()?;
    let config = ReplicaConfig::new(node(number)?, dir, CLUSTER, listen, members);
    let replica = Replica::open(config, Box::new(Nothing))?;
    let (batch, told, is_over) = (batch()?, AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| write(&replica, &batch, &told, &is_over));
        }
        if replica.wait_committed(Index::ORIGIN, PATIENCE).is_ok() {
            say("up");
        }
        // Its end is the parent's word or death.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        is_over.store(true, Ordering::Relaxed);
        replica.close();
    });
    Ok(())
}

/// One client.
fn write(replica: &Replica, batch: &Body, told: &AtomicU64, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        match replica.append(batch.clone(), PATIENCE) {
            Ok(receipt) => {
                let term = receipt.id.term.get();
                if told.fetch_max(term, Ordering::Relaxed) < term {
                    say(&format!("led {term}"));
                }
                thread::sleep(PAUSE);
            }
            Err(ReplicaError::Closed | ReplicaError::Failed(_)) => return,
            Err(_) => thread::sleep(LOOK),
        }
    }
}

/// A parent that reads no more has gone.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
