//! Three processes of etcd, and clients of its HTTP gateway in this process.

use super::Cluster;
use super::node::{CLIENTS, ENTRIES, ENTRY_BYTES, PAUSE};
use crate::AnyError;
use crate::scratch::Scratch;
use duochain::env::{Clock, SystemClock};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

const NODES: usize = 3;
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(1);
/// After which a client asks again: a follower passes a write on to a leader that is dead, and says so after 5 s only.
const ANSWER: Duration = Duration::from_millis(50);

/// Of the etcd that is installed.
pub(super) fn version() -> Option<String> {
    let output = Command::new("etcd").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.lines().next()?.strip_prefix("etcd Version: ")?.to_owned())
}

/// A node, and the ports of its clients and of its peers.
struct Member {
    process: Option<Child>,
    client: u16,
    peer: u16,
}

pub(super) struct Etcd {
    members: Vec<Member>,
    heartbeat: u64,
    election: u64,
    /// Whom the clients write to.
    leader: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
    clock: SystemClock,
    scratch: Scratch,
}

impl Etcd {
    /// Heartbeat and election timeout in milliseconds.
    pub(super) fn start(heartbeat: u64, election: u64) -> Result<Self, AnyError> {
        // Ports that were free a moment ago.
        let listeners: Vec<TcpListener> =
            (0..2 * NODES).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<Result<_, _>>()?;
        let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port());
        let ports: Vec<u16> = listeners.iter().map(port).collect::<Result<_, _>>()?;
        drop(listeners);
        let member = |ports: &[u16]| Member { process: None, client: ports[0], peer: ports[1] };
        let mut cluster = Self {
            members: ports.chunks(2).map(member).collect(),
            heartbeat,
            election,
            leader: Arc::default(),
            is_over: Arc::default(),
            clock: SystemClock::new(),
            scratch: Scratch::new("failover")?,
        };
        (0..NODES).try_for_each(|node| cluster.spawn(node))?;
        cluster.find_leader()?;
        for _ in 0..CLIENTS {
            let ports: Vec<u16> = cluster.members.iter().map(|member| member.client).collect();
            let (leader, is_over) = (Arc::clone(&cluster.leader), Arc::clone(&cluster.is_over));
            thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let _ = put(ports[leader.load(Ordering::Relaxed)], PATIENCE);
                    thread::sleep(PAUSE);
                }
            });
        }
        Ok(cluster)
    }

    fn spawn(&mut self, node: usize) -> Result<(), AnyError> {
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let names: Vec<String> = self
            .members
            .iter()
            .enumerate()
            .map(|(at, member)| format!("n{at}={}", url(member.peer)))
            .collect();
        let (client, peer) = (url(self.members[node].client), url(self.members[node].peer));
        let mut command = Command::new("etcd");
        command.arg("--name").arg(format!("n{node}"));
        command.arg("--data-dir").arg(self.scratch.path().join(format!("n{node}")));
        for (option, value) in [
            ("--listen-client-urls", &client),
            ("--advertise-client-urls", &client),
            ("--listen-peer-urls", &peer),
            ("--initial-advertise-peer-urls", &peer),
            ("--initial-cluster", &names.join(",")),
            ("--heartbeat-interval", &self.heartbeat.to_string()),
            ("--election-timeout", &self.election.to_string()),
        ] {
            command.arg(option).arg(value);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.members[node].process = Some(command.spawn()?);
        Ok(())
    }

    /// Waits until somebody says that it leads.
    fn find_leader(&self) -> Result<usize, AnyError> {
        let begun = self.clock.now();
        while self.clock.now().since(begun) < PATIENCE {
            for (at, member) in self.members.iter().enumerate().filter(|(_, member)| member.process.is_some())
            {
                if status(member.client).is_ok_and(|status| status.leads()) {
                    self.leader.store(at, Ordering::Relaxed);
                    return Ok(at);
                }
            }
            thread::sleep(LOOK);
        }
        Err("nobody leads".into())
    }
}

impl Cluster for Etcd {
    fn kill_leader(&mut self) -> Result<f64, AnyError> {
        let dead = self.find_leader()?;
        let begun = self.clock.now();
        let mut process = self.members[dead].process.take().ok_or("the leader is not there")?;
        process.kill()?;
        process.wait()?;
        let (acknowledged, first) = sync_channel(NODES);
        for member in self.members.iter().filter(|member| member.process.is_some()) {
            let (port, acknowledged, clock) = (member.client, acknowledged.clone(), self.clock);
            let is_over = Arc::clone(&self.is_over);
            thread::spawn(move || {
                while put(port, ANSWER).is_err() && !is_over.load(Ordering::Relaxed) {
                    thread::sleep(LOOK);
                }
                let _ = acknowledged.send(clock.now());
            });
        }
        let at = first.recv_timeout(PATIENCE).map_err(|_| "nobody takes a write any more")?;
        self.find_leader()?;
        Ok(at.since(begun).as_secs_f64() * 1e3)
    }

    fn restart(&mut self) -> Result<(), AnyError> {
        let begun = self.clock.now();
        let leader = self.members[self.find_leader()?].client;
        for node in 0..NODES {
            if self.members[node].process.is_some() {
                continue;
            }
            self.spawn(node)?;
            let target = status(leader)?.applied;
            while !status(self.members[node].client).is_ok_and(|status| status.applied >= target) {
                if self.clock.now().since(begun) > PATIENCE {
                    return Err("a node that was started again does not catch up".into());
                }
                thread::sleep(LOOK);
            }
        }
        Ok(())
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        for process in self.members.iter_mut().filter_map(|member| member.process.as_mut()) {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// What a member says of itself.
struct Status {
    own: String,
    leader: String,
    applied: u64,
}

impl Status {
    fn leads(&self) -> bool {
        self.own == self.leader
    }
}

fn status(port: u16) -> Result<Status, AnyError> {
    let answer: serde_json::Value =
        serde_json::from_str(&post(port, "/v3/maintenance/status", "{}", PATIENCE)?)?;
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    Ok(Status {
        own: text(&answer["header"]["member_id"]).ok_or("a status without a member")?,
        leader: text(&answer["leader"]).ok_or("nobody leads")?,
        applied: text(&answer["raftAppliedIndex"]).ok_or("a status without an index")?.parse()?,
    })
}

/// Writes as many bytes as a client of ours does at once.
fn put(port: u16, patience: Duration) -> Result<(), AnyError> {
    // Base64, of a key and of zeros.
    let value = "A".repeat(ENTRIES * ENTRY_BYTES * 4 / 3 / 4 * 4);
    post(port, "/v3/kv/put", &format!(r#"{{"key":"a2V5","value":"{value}"}}"#), patience).map(drop)
}

/// The body of an answer that is fine. HTTP/1.0, so that it comes in one piece.
fn post(port: u16, path: &str, body: &str, patience: Duration) -> Result<String, AnyError> {
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), PATIENCE)?;
    stream.set_read_timeout(Some(patience))?;
    let length = body.len();
    stream.write_all(format!("POST {path} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("half an answer")?;
    match head.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        _ => Err(format!("{path}: {head}").into()),
    }
}
