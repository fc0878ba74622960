//! Three processes of this program, as `node` has them.

use super::{Cluster, NODE};
use crate::AnyError;
use crate::scratch::Scratch;
use duochain::env::{Clock, SystemClock};
use duochain::types::Tick;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

const NODES: usize = 3;
const PATIENCE: Duration = Duration::from_secs(30);
/// Words that wait to be heard; a node says three in its life.
const WORDS_MAX: usize = 256;

/// What a node has said, and when.
struct Word {
    node: usize,
    line: String,
    at: Tick,
}

/// A process that ends with this value.
struct Process(Child);

impl Process {
    fn kill(&mut self) -> std::io::Result<()> {
        self.0.kill()?;
        self.0.wait().map(drop)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

pub(super) struct Ours {
    processes: Vec<Option<Process>>,
    addresses: Vec<String>,
    /// Who has led last, and in which term.
    leader: (usize, u64),
    clock: SystemClock,
    words: Receiver<Word>,
    to_words: SyncSender<Word>,
    scratch: Scratch,
}

impl Ours {
    pub(super) fn start() -> Result<Self, AnyError> {
        // Ports that were free a moment ago.
        let listeners: Vec<TcpListener> =
            (0..NODES).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
        let address = |listener: &TcpListener| listener.local_addr().map(|address| address.to_string());
        let addresses: Vec<String> = listeners.iter().map(address).collect::<Result<_, _>>()?;
        drop(listeners);
        let (to_words, words) = sync_channel(WORDS_MAX);
        let mut cluster = Self {
            processes: (0..NODES).map(|_| None).collect(),
            addresses,
            leader: (0, 0),
            clock: SystemClock::new(),
            words,
            to_words,
            scratch: Scratch::new("failover")?,
        };
        for node in 0..NODES {
            cluster.spawn(node)?;
        }
        let mut up = 0;
        while up < NODES || cluster.leader.1 == 0 {
            up += usize::from(cluster.hear()?.line == "up");
        }
        Ok(cluster)
    }

    fn spawn(&mut self, node: usize) -> Result<(), AnyError> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(NODE).arg((node + 1).to_string()).arg(self.scratch.path().join(format!("n{node}")));
        command.args(&self.addresses).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("it is piped")?).lines();
        let (words, clock) = (self.to_words.clone(), self.clock);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if words.send(Word { node, line, at: clock.now() }).is_err() {
                    return;
                }
            }
        });
        self.processes[node] = Some(Process(child));
        Ok(())
    }

    /// The next word of anybody.
    fn hear(&mut self) -> Result<Word, AnyError> {
        let word = self.words.recv_timeout(PATIENCE).map_err(|_| "the nodes say nothing any more")?;
        self.note(&word);
        Ok(word)
    }

    fn note(&mut self, word: &Word) {
        let term = word.line.strip_prefix("led ").and_then(|term| term.parse().ok()).unwrap_or(0);
        if term > self.leader.1 {
            self.leader = (word.node, term);
        }
    }
}

impl Cluster for Ours {
    fn kill_leader(&mut self) -> Result<f64, AnyError> {
        // Somebody else may have led since.
        while let Ok(word) = self.words.try_recv() {
            self.note(&word);
        }
        let (dead, term) = self.leader;
        let begun = self.clock.now();
        self.processes[dead].take().ok_or("the leader is not there")?.kill()?;
        loop {
            let word = self.hear()?;
            if self.leader.1 > term && self.leader.0 != dead {
                return Ok(word.at.since(begun).as_secs_f64() * 1e3);
            }
        }
    }

    fn restart(&mut self) -> Result<(), AnyError> {
        for node in 0..NODES {
            if self.processes[node].is_none() {
                self.spawn(node)?;
                while self.hear()?.line != "up" {}
            }
        }
        Ok(())
    }
}
