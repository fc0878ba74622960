//! A node of a replicated log as a process of its own: this test's program, started with [`PLACE`] set.
//!
//! It takes requests as lines and answers each with a line that begins with `@` and the number of the request, in any
//! order:
//! ```text
//! 7 append VALUE SESSION SEQUENCE MILLIS   @7 ok PLACE INDEX | @7 fail WHY | @7 info WHY
//! 8 read MILLIS           @8 ok LENGTH DIGEST | @8 fail WHY
//! 9 status                @9 ROLE TERM LEADER COMMIT APPLIED
//! 10 shutdown MILLIS      @10 ok 0 | @10 fail WHY
//! 11 dump PATH            @11 ok LENGTH, and PATH has a line "INDEX VALUE" for each
//! ```
//! `@0 open` says that it runs, `@0 refused WHY` that it does not. The end of its input ends it.

use super::history::digest;
use duochain::frame::{Body, Entry, FrameBuilder, FrameLimits, Origin};
use duochain::net::Limits;
use duochain::node::replica::{Applied, Apply, Replica, ReplicaConfig, ReplicaError};
use duochain::raft::{Config, Membership, Role};
use duochain::storage::frames::FrameLogOptions;
use duochain::types::{ClusterId, LaneId, NodeId};
use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// `NUMBER DIRECTORY LISTEN ADDRESS...`, the addresses of all nodes as this one reaches them.
pub(crate) const PLACE: &str = "DUO_LOG_NODE";

/// What was applied.
#[derive(Default)]
struct Applying {
    /// Index, value, and the digest up to there.
    list: Vec<(u64, u64, u64)>,
    /// Where a value is for the first time, from 1.
    places: HashMap<u64, usize>,
}

#[derive(Default)]
struct List(Mutex<Applying>);

struct Keep(Arc<List>);

impl Apply for Keep {
    fn apply(&mut self, batch: &Applied<'_>) {
        let Applying { list, places } = &mut *self.0.0.lock().unwrap();
        for (index, entry) in batch.entries() {
            let value = u64::from_le_bytes(entry.bytes.try_into().expect("values have eight bytes"));
            let before = list.last().map_or(0, |(_, _, digest)| *digest);
            list.push((index.get(), value, digest(before, value)));
            places.entry(value).or_insert(list.len());
        }
    }
}

fn say(number: u64, text: &str) {
    // One write for each line: they come from several threads. The harness may have begun a line of its own.
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("\n@{number} {text}\n").as_bytes()).and_then(|()| out.flush());
}

fn body(value: u64, origin: Origin) -> Body {
    let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::default());
    builder.push(Entry { bytes: &value.to_le_bytes(), origin, id: None }).expect("it is small");
    builder.finish().expect("not empty")
}

fn config(place: &str) -> ReplicaConfig {
    let words: Vec<&str> = place.split(' ').collect();
    let [number, dir, listen, addresses @ ..] = &words[..] else { panic!("{place}") };
    let number: u64 = number.parse().expect("a number");
    let node = |number| NodeId::new(number).expect("nodes count from 1");
    let members = (1..).zip(addresses).map(|(number, address)| (node(number), (*address).to_owned()));
    let listen = listen.parse().expect("an address");
    let cluster = ClusterId(*b"log of processes");
    ReplicaConfig {
        // Small files, so that they are rolled.
        raft: Config { frame_bytes_max: 64 << 10, ..Config::new(node(number)) },
        log: FrameLogOptions { segment_bytes: 1 << 20, ..FrameLogOptions::default() },
        // A link that works again is found soon.
        tls: None,
        net: Limits { redial_max: Duration::from_millis(100), ..Limits::default() },
        ..ReplicaConfig::new(node(number), dir, cluster, listen, Membership::of(members))
    }
}

fn append(replica: &Replica, list: &List, (value, origin): (u64, Origin), timeout: Duration) -> String {
    let receipt = match replica.append(body(value, origin), timeout) {
        Ok(receipt) => receipt,
        Err(error @ (ReplicaError::NotLeader(_) | ReplicaError::Busy | ReplicaError::Refused(_))) => {
            return format!("fail {error}");
        }
        Err(error @ ReplicaError::Superseded) => return format!("fail {error}"),
        Err(error) => return format!("info {error}"),
    };
    // Answered once it is applied here, which says its place.
    while replica.applied() < receipt.id.index {
        std::thread::sleep(Duration::from_micros(200));
    }
    match list.0.lock().unwrap().places.get(&value) {
        Some(place) => format!("ok {place} {}", receipt.id.index),
        None => format!("info acknowledged and not applied: {receipt:?}"),
    }
}

fn read(replica: &Replica, list: &List, timeout: Duration) -> String {
    match replica.read_index(timeout) {
        Ok(_) => {
            let list = &list.0.lock().unwrap().list;
            let digest = list.last().map_or(0, |(_, _, digest)| *digest);
            format!("ok {} {digest}", list.len())
        }
        // A read changes nothing, so nobody needs to know whether it happened.
        Err(error) => format!("fail {error}"),
    }
}

fn status(replica: &Replica) -> String {
    let status = replica.status();
    let role = match status.role {
        Role::Leader => "leader",
        Role::Follower => "follower",
        Role::PreCandidate | Role::Candidate => "candidate",
    };
    let leader = status.leader.map_or(0, NodeId::get);
    format!("{role} {} {leader} {} {}", status.term, status.commit, replica.applied())
}

fn dump(list: &List, path: &str) -> String {
    let list = &list.0.lock().unwrap().list;
    let lines: String = list.iter().map(|(index, value, _)| format!("{index} {value}\n")).collect();
    std::fs::write(path, lines).expect("there is room");
    format!("ok {}", list.len())
}

fn answer(replica: &Replica, list: &List, words: &[&str]) -> String {
    let millis = |text: &str| Duration::from_millis(text.parse().expect("a number"));
    match words {
        ["append", value, session, sequence, timeout] => {
            let number = |text: &str| text.parse::<u64>().expect("a number");
            let origin = Origin { session: number(session), sequence: number(sequence) };
            append(replica, list, (number(value), origin), millis(timeout))
        }
        ["read", timeout] => read(replica, list, millis(timeout)),
        ["status"] => status(replica),
        ["shutdown", timeout] => match replica.shutdown(millis(timeout)) {
            Ok(()) => "ok 0".to_owned(),
            Err(error) => format!("fail {error}"),
        },
        ["dump", path] => dump(list, path),
        _ => panic!("no request: {words:?}"),
    }
}

#[test]
#[ignore = "a node, which the other tests start"]
fn node_of_a_log() {
    let Ok(place) = std::env::var(PLACE) else { return };
    // SAFETY: changes how this process takes a signal, before there are threads that care. A write beyond a limit on
    // files then fails, as on a full disk.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    let list = Arc::new(List::default());
    let replica = match Replica::open(config(&place), Box::new(Keep(Arc::clone(&list)))) {
        Ok(replica) => replica,
        Err(error) => return say(0, &format!("refused {error}")),
    };
    say(0, "open");
    std::thread::scope(|scope| {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let (replica, list) = (&replica, &*list);
            // Clients wait for their answers, so there are not more threads than clients.
            scope.spawn(move || {
                let words: Vec<&str> = line.split(' ').collect();
                let (number, words) = words.split_first().expect("a number");
                say(number.parse().expect("a number"), &answer(replica, list, words));
            });
        }
        replica.close();
    });
}
