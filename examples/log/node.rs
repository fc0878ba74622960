//! One node: takes part, and as a leader appends as fast as it can.

use super::report::{Origin, Report};
use duochain::frame::{self, Body, Entry, FrameBuilder, FrameLimits};
use duochain::node::replica::{Applied, Apply, Replica, ReplicaConfig, ReplicaError};
use duochain::raft::{Membership, Role};
use duochain::types::{ClusterId, LaneId, NodeId};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PRODUCERS: u64 = 4;
const ENTRIES: u64 = 100;
const ENTRY_BYTES: usize = 256;

/// What was applied.
#[derive(Default)]
struct Seen {
    entries: u64,
    digest: u64,
    present: BTreeMap<Origin, u64>,
}

struct Count(Arc<Mutex<Seen>>);

impl Apply for Count {
    fn apply(&mut self, batch: &Applied<'_>) {
        let mut seen = self.0.lock().expect("nobody panics with it");
        let Some((_, first)) = batch.entries().next() else { return };
        for (_, entry) in batch.entries() {
            seen.entries += 1;
            // FNV-1a over the part that differs.
            for byte in &entry.bytes[..24] {
                seen.digest = (seen.digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        let number = |at: usize| first.bytes[at..at + 8].try_into().map(u64::from_le_bytes).unwrap_or(0);
        let (origin, batch) = (number(0), number(8));
        let present = seen.present.entry(origin).or_insert(0);
        // A batch whose answer got lost is appended again and applied once: one that comes twice, or after a gap,
        // leaves its producer without any.
        *present = if batch == *present + 1 { batch } else { 0 };
    }
}

fn batch(origin: Origin, number: u64) -> Body {
    let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::default());
    let mut bytes = [0; ENTRY_BYTES];
    bytes[..8].copy_from_slice(&origin.to_le_bytes());
    bytes[8..16].copy_from_slice(&number.to_le_bytes());
    for at in 0..ENTRIES {
        bytes[16..24].copy_from_slice(&at.to_le_bytes());
        let origin = frame::Origin { session: origin, sequence: number * ENTRIES + at };
        builder.push(Entry { bytes: &bytes, origin, id: None }).expect("within the limits");
    }
    builder.finish().expect("not empty")
}

/// Appends one batch after the other while this node leads.
fn produce(
    replica: &Replica,
    origin: Origin,
    acknowledged: &Mutex<BTreeMap<Origin, u64>>,
    is_over: &AtomicBool,
) {
    let mut next = 1;
    while !is_over.load(Ordering::Relaxed) {
        match replica.append(batch(origin, next), Duration::from_secs(5)) {
            Ok(_) => {
                acknowledged.lock().expect("nobody panics with it").insert(origin, next);
                next += 1;
            }
            Err(ReplicaError::Closed | ReplicaError::Failed(_)) => return,
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Arguments: number, run, directory, then the addresses of all nodes in order.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let [number, run, dir, addresses @ ..] = arguments else { return Err("node needs its place".to_owned()) };
    let number: u64 = number.parse().map_err(|_| "no number")?;
    let run: u64 = run.parse().map_err(|_| "no run")?;
    let node = |number| NodeId::new(number).ok_or("nodes count from 1");
    let members = (1..).zip(addresses).map(|(number, address)| Ok((node(number)?, address.clone())));
    let members: Vec<_> = members.collect::<Result<_, &str>>()?;
    let own = &addresses[usize::try_from(number).map_err(|_| "no number")? - 1];
    let listen = own.parse().map_err(|_| format!("{own} is no address"))?;
    let cluster = ClusterId(*b"example of a log");
    let config = ReplicaConfig::new(node(number)?, dir, cluster, listen, Membership::of(members));
    let seen = Arc::new(Mutex::new(Seen::default()));
    let replica =
        Replica::open(config, Box::new(Count(Arc::clone(&seen)))).map_err(|error| error.to_string())?;
    let (acknowledged, is_over) = (Mutex::new(BTreeMap::new()), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let origin = (number * 1_000 + run) * PRODUCERS + producer;
            let (replica, acknowledged, is_over) = (&replica, &acknowledged, &is_over);
            scope.spawn(move || produce(replica, origin, acknowledged, is_over));
        }
        // Each line of the parent asks for a report; "stop" ends the producers; the end of its lines, the node.
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if line == "stop" {
                is_over.store(true, Ordering::Relaxed);
            }
            if writeln!(std::io::stdout(), "{}", report(&replica, &seen, &acknowledged)).is_err() {
                break;
            }
        }
        is_over.store(true, Ordering::Relaxed);
        replica.close();
    });
    Ok(())
}

fn report(replica: &Replica, seen: &Mutex<Seen>, acknowledged: &Mutex<BTreeMap<Origin, u64>>) -> Report {
    let acknowledged = acknowledged.lock().expect("nobody panics with it").clone();
    let (status, applied) = (replica.status(), replica.applied());
    let seen = seen.lock().expect("nobody panics with it");
    let role = match status.role {
        Role::Follower => "follower",
        Role::PreCandidate | Role::Candidate => "candidate",
        Role::Leader => "leader",
    };
    Report {
        role: role.to_owned(),
        term: status.term.get(),
        leader: status.leader.map_or(0, NodeId::get),
        commit: status.commit.get(),
        applied: applied.get(),
        entries: seen.entries,
        digest: seen.digest,
        acknowledged,
        present: seen.present.clone(),
    }
}
