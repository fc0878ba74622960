//! A node of a replicated log as a process of its own: this test's program, started with [`PLACE`] set.
//!
//! It takes requests as lines and answers each with a line that begins with `@` and the number of the request, in any
//! order:
//! ```text
//! 7 append VALUE SESSION ID HOW MILLIS   @7 ok PLACE INDEX | @7 fail WHY | @7 info WHY | @7 lost WHY
//! 8 read MILLIS           @8 ok LENGTH DIGEST | @8 fail WHY
//! 9 status                @9 ROLE TERM LEADER COMMIT APPLIED FRONT RESTORED
//! 10 shutdown MILLIS      @10 ok 0 | @10 fail WHY
//! 11 dump PATH            @11 ok LENGTH, and PATH has a line "INDEX VALUE" for each
//! 12 change WHAT NODE ADDRESS MILLIS    @12 ok INDEX | @12 fail WHY, of a leader; WHAT: add, promote, remove
//! 13 members              @13 NODE=PART,...; PART: voter, learner, leaving, joining
//! 14 links                @14 NODE=1,...; 1: connected, 0: not
//! ```
//! SESSION is 0 and ID is 0 for a value that is not known by them; HOW is as `ways.rs` says. FRONT is the last entry that the
//! log has forgotten, RESTORED the last one in the last state that was restored. `lost`: it was acknowledged, and its place
//! is applied without it.
//!
//! `@0 open` says that it runs, `@0 refused WHY` that it does not. The end of its input ends it.

use super::state::{Keep, List};
use super::ways::{WAYS, Ways};
use duochain::frame::{Entry, FrameBuilder, FrameLimits, Origin};
use duochain::net::{Limits, PeerNet, TlsFiles};
use duochain::node::replica::{
    Lane, Receipt, Replica, ReplicaConfig, ReplicaError, SnapshotOptions, SubmitOptions, WaitFor,
};
use duochain::raft::{Change, Config, Membership, Role};
use duochain::storage::frames::{FrameLogOptions, LogBackend};
use duochain::types::{ClusterId, LaneId, NodeId};
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What keeps the log, where that is not the usual.
pub(crate) const BACKEND: &str = "DUO_LOG_BACKEND";

/// `NUMBER DIRECTORY LISTEN NODE=ADDRESS... +NODE=ADDRESS...`: who is in when the cluster begins, or when this node comes
/// to it, and with `+` who came later; each as this node reaches it.
pub(crate) const PLACE: &str = "DUO_LOG_NODE";

/// Bytes of a large value.
const LARGE_BYTES: usize = 8 << 10;

/// The cluster of all scenarios.
pub(crate) const CLUSTER: [u8; 16] = *b"log of processes";

fn say(number: u64, text: &str) {
    // One write for each line: they come from several threads. The harness may have begun a line of its own.
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("\n@{number} {text}\n").as_bytes()).and_then(|()| out.flush());
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("{text}: no number"))
}

fn node(text: &str) -> NodeId {
    NodeId::new(number(text)).expect("nodes count from 1")
}

/// Where a node's certificate is, beside its directory.
pub(crate) fn certificates(dir: &Path) -> TlsFiles {
    let dir = dir.with_extension("tls");
    let file = |name| dir.join(name);
    TlsFiles { certificate: file("node.pem"), key: file("node.key"), authority: file("authority.pem") }
}

fn config(place: &str, ways: Ways) -> ReplicaConfig {
    let words: Vec<&str> = place.split(' ').collect();
    let [this, dir, listen, others @ ..] = &words[..] else { panic!("{place}") };
    let other = |text: &&str| {
        let (number, address) = text.split_once('=').expect("a number and an address");
        (node(number), address.to_owned())
    };
    let (later, members): (Vec<&str>, Vec<&str>) = others.iter().partition(|other| other.starts_with('+'));
    let contacts = later.iter().map(|text| other(&&text[1..])).collect();
    let usual = SnapshotOptions::default();
    // A few steps of a scenario are a long log, and a state is sent in many pieces.
    let often = SnapshotOptions { every_entries: 150, tail_entries: 50, chunk_bytes: 1 << 10, ..usual };
    let listen = listen.parse().expect("an address");
    let members = Membership::of(members.iter().map(other));
    let backend = std::env::var(BACKEND).map(|name| LogBackend::parse(&name).expect("there is such a one"));
    ReplicaConfig {
        contacts,
        // Small files, so that they are rolled.
        raft: Config { frame_bytes_max: 64 << 10, ..Config::new(node(this)) },
        log_backend: backend.unwrap_or_default(),
        log: FrameLogOptions { segment_bytes: 1 << 20, ..FrameLogOptions::default() },
        tls: ways.tls.then(|| certificates(Path::new(dir))),
        // A link that works again is found soon.
        net: Limits { redial_max: Duration::from_millis(100), ..Limits::default() },
        snapshots: if ways.snapshots { often } else { usual },
        ..ReplicaConfig::new(node(this), dir, ClusterId(CLUSTER), listen, members)
    }
}

/// Hands an entry over as `how` says; answers what came of it, and whether that is for ever.
fn hand_over(
    replica: &Replica,
    entry: Entry<'_>,
    how: &str,
    timeout: Duration,
) -> (Result<Receipt, ReplicaError>, bool) {
    let (level, lane) = match how.strip_suffix('!') {
        Some(level) => (level, Lane::Critical),
        None => (how, Lane::Normal),
    };
    let wait = match level {
        "batch" => {
            let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::default());
            builder.push(entry).expect("it is small");
            return (replica.append(builder.finish().expect("not empty"), timeout), true);
        }
        "local" => WaitFor::Local,
        "quorum" => WaitFor::Quorum,
        "all" => WaitFor::All,
        _ => panic!("{how}: no way to hand something over"),
    };
    let pending = replica.submit(&[entry], SubmitOptions { lane, wait });
    (pending.and_then(|pending| pending.wait(timeout)), wait != WaitFor::Local)
}

fn append(
    replica: &Replica,
    list: &List,
    ways: Ways,
    [value, session, id, how]: [&str; 4],
    timeout: Duration,
) -> String {
    let value = number(value);
    let origin = match number(session) {
        0 => Origin::default(),
        session => Origin { session, sequence: value },
    };
    // A value is itself, once or many times, and so is its id.
    let bytes = value.to_le_bytes().repeat(if ways.large { LARGE_BYTES / 8 } else { 1 });
    let mut whole = [0; 32];
    whole.as_chunks_mut::<8>().0.iter_mut().for_each(|part| *part = value.to_le_bytes());
    let id = (id != "0").then_some(&whole);
    let (outcome, is_final) = hand_over(replica, Entry { bytes: &bytes, origin, id }, how, timeout);
    let receipt = match outcome {
        Ok(receipt) | Err(ReplicaError::NotEverywhere(receipt)) => receipt,
        Err(error @ (ReplicaError::NotLeader(_) | ReplicaError::Busy | ReplicaError::Refused(_))) => {
            return format!("fail {error}");
        }
        Err(error @ ReplicaError::Superseded) => return format!("fail {error}"),
        // Who waits for a node that is away is not told of what is done already.
        Err(error) => return found(list, value).unwrap_or_else(|| format!("info {error}")),
    };
    // Answered once it is applied here, which says its place.
    for _ in 0..timeout.as_micros() / 200 {
        if replica.applied() >= receipt.id.index {
            let otherwise = if is_final { "lost, as" } else { "info superseded:" };
            return found(list, value).unwrap_or_else(|| format!("{otherwise} {receipt:?}"));
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    format!("info not applied here: {receipt:?}")
}

/// The answer for a value that was applied here.
fn found(list: &List, value: u64) -> Option<String> {
    list.find(value).map(|(place, index)| format!("ok {place} {index}"))
}

fn read(replica: &Replica, list: &List, timeout: Duration) -> String {
    match replica.read_index(timeout) {
        Ok(_) => {
            let (length, digest) = list.read();
            format!("ok {length} {digest}")
        }
        // A read changes nothing, so nobody needs to know whether it happened.
        Err(error) => format!("fail {error}"),
    }
}

fn status(replica: &Replica, list: &List) -> String {
    let status = replica.status();
    let role = match status.role {
        Role::Leader => "leader",
        Role::Follower => "follower",
        Role::PreCandidate | Role::Candidate => "candidate",
    };
    let leader = status.leader.map_or(0, NodeId::get);
    let (front, restored) = (status.snapshot.index, list.restored());
    format!("{role} {} {leader} {} {} {front} {restored}", status.term, status.commit, replica.applied())
}

fn change(replica: &Replica, what: &str, of: &str, address: &str, timeout: Duration) -> String {
    let who = [node(of)];
    let change = match what {
        "add" => Change { add: [(who[0], address.to_owned())].into(), ..Change::default() },
        "promote" => Change { promote: who.into(), ..Change::default() },
        "remove" => Change { remove: who.into(), ..Change::default() },
        _ => panic!("{what}: no change"),
    };
    match replica.change(change, timeout) {
        Ok(id) => format!("ok {}", id.index),
        Err(error) => format!("fail {error}"),
    }
}

fn members(replica: &Replica) -> String {
    let members = replica.members();
    let part = |node: NodeId| match (members.voters.contains(&node), members.outgoing.contains(&node)) {
        (true, false) if members.is_joint() => "joining",
        (true, _) => "voter",
        (false, true) => "leaving",
        (false, false) => "learner",
    };
    let parts: Vec<_> = members.members().map(|node| format!("{}={}", node.get(), part(node))).collect();
    parts.join(",")
}

fn answer(replica: &Replica, list: &List, ways: Ways, words: &[&str]) -> String {
    let millis = |text: &str| Duration::from_millis(number(text));
    match words {
        ["append", value, session, id, how, timeout] => {
            append(replica, list, ways, [value, session, id, how], millis(timeout))
        }
        ["read", timeout] => read(replica, list, millis(timeout)),
        ["status"] => status(replica, list),
        ["shutdown", timeout] => match replica.shutdown(millis(timeout)) {
            Ok(()) => "ok 0".to_owned(),
            Err(error) => format!("fail {error}"),
        },
        ["dump", path] => {
            std::fs::write(path, list.lines()).expect("there is room");
            format!("ok {}", list.read().0)
        }
        ["change", what, of, address, timeout] => change(replica, what, of, address, millis(timeout)),
        ["members"] => members(replica),
        ["links"] => {
            let link = |peer: &PeerNet| format!("{}={}", peer.node.get(), u8::from(peer.is_connected));
            replica.net_peers().iter().map(link).collect::<Vec<_>>().join(",")
        }
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
    let ways = Ways::parse(&std::env::var(WAYS).expect("who starts it says how"));
    let list = Arc::new(List::default());
    let keep = Keep { list: Arc::clone(&list), gives: ways.snapshots };
    let replica = match Replica::open(config(&place, ways), Box::new(keep)) {
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
                let (request, words) = words.split_first().expect("a number");
                say(number(request), &answer(replica, list, ways, words));
            });
        }
        replica.close();
    });
}
