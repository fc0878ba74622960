//! Three processes of etcd on loopback, for suites that measure it where it is installed.

mod grpc;

use crate::AnyError;
use crate::scratch::Scratch;
use duochain::env::{Clock, SystemClock};
pub(crate) use grpc::{Connection, put, transaction};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

const NODES: usize = 3;
/// Puts of one transaction, which are 128 unless it is told.
const OPERATIONS_MAX: usize = 1_000;
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
pub(crate) const LOOK: Duration = Duration::from_millis(1);

/// Of the etcd that is installed.
pub(crate) fn version() -> Option<String> {
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

/// The processes, which end with this value.
pub(crate) struct Members {
    members: Vec<Member>,
    heartbeat: u64,
    election: u64,
    clock: SystemClock,
    scratch: Scratch,
}

impl Members {
    /// Heartbeat and election timeout in milliseconds.
    pub(crate) fn start(suite: &str, heartbeat: u64, election: u64) -> Result<Self, AnyError> {
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
            clock: SystemClock::new(),
            scratch: Scratch::new(suite)?,
        };
        (0..NODES).try_for_each(|node| cluster.spawn(node))?;
        Ok(cluster)
    }

    pub(crate) fn spawn(&mut self, node: usize) -> Result<(), AnyError> {
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
            ("--max-txn-ops", &OPERATIONS_MAX.to_string()),
        ] {
            command.arg(option).arg(value);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.members[node].process = Some(command.spawn()?);
        Ok(())
    }

    /// With SIGKILL.
    pub(crate) fn kill(&mut self, node: usize) -> Result<(), AnyError> {
        let mut process = self.members[node].process.take().ok_or("it is not there")?;
        process.kill()?;
        process.wait()?;
        Ok(())
    }

    /// Where the clients of each that runs find it.
    pub(crate) fn up(&self) -> impl Iterator<Item = (usize, u16)> {
        let runs = |member: &Member| member.process.is_some().then_some(member.client);
        self.members.iter().enumerate().filter_map(move |(at, member)| Some((at, runs(member)?)))
    }

    /// Where its clients find a node, also while it is down.
    pub(crate) fn port(&self, node: usize) -> u16 {
        self.members[node].client
    }

    /// The nodes, up or down.
    pub(crate) const fn nodes() -> std::ops::Range<usize> {
        0..NODES
    }

    /// Waits until somebody says that it leads.
    pub(crate) fn find_leader(&self) -> Result<usize, AnyError> {
        let begun = self.clock.now();
        while self.clock.now().since(begun) < PATIENCE {
            let leads = |port| status(port).is_ok_and(|status| status.own == status.leader);
            if let Some((at, _)) = self.up().find(|(_, port)| leads(*port)) {
                return Ok(at);
            }
            thread::sleep(LOOK);
        }
        Err("nobody leads".into())
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        for process in self.members.iter_mut().filter_map(|member| member.process.as_mut()) {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// What a member says of itself.
pub(crate) struct Status {
    own: String,
    leader: String,
    pub(crate) applied: u64,
}

pub(crate) fn status(port: u16) -> Result<Status, AnyError> {
    let answer: serde_json::Value =
        serde_json::from_str(&post(port, "/v3/maintenance/status", "{}", PATIENCE)?)?;
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    Ok(Status {
        own: text(&answer["header"]["member_id"]).ok_or("a status without a member")?,
        leader: text(&answer["leader"]).ok_or("nobody leads")?,
        applied: text(&answer["raftAppliedIndex"]).ok_or("a status without an index")?.parse()?,
    })
}

/// The body of an answer of the HTTP gateway that is fine. HTTP/1.0, so that it comes in one piece.
pub(crate) fn post(port: u16, path: &str, body: &str, patience: Duration) -> Result<String, AnyError> {
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
