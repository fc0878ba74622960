//! The three processes, from outside.

use super::report::{Origin, Report};
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const NODES: usize = 3;
const DOWN: Duration = Duration::from_secs(2);
/// For all nodes to have applied the same once nobody appends.
const SETTLE: Duration = Duration::from_secs(60);

struct Running {
    child: Child,
    ask: ChildStdin,
    answer: BufReader<ChildStdout>,
}

#[derive(Default)]
struct Slot {
    running: Option<Running>,
    died: Option<Instant>,
    runs: u64,
    last: Report,
    /// Entries a second since the report before.
    rate: f64,
    asked: Option<Instant>,
}

pub(crate) struct Nodes {
    dir: PathBuf,
    addresses: Vec<String>,
    slots: Vec<Slot>,
    acknowledged: BTreeMap<Origin, u64>,
    lines: usize,
}

#[expect(clippy::disallowed_methods, reason = "a program for people runs in real time")]
fn now() -> Instant {
    Instant::now()
}

impl Nodes {
    pub(crate) fn start(dir: &Path) -> io::Result<Self> {
        // Bound at the same time, so that they differ; free again when the nodes listen.
        let listeners =
            (0..NODES).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<io::Result<Vec<_>>>()?;
        let addresses = listeners.iter().map(|listener| Ok(listener.local_addr()?.to_string()));
        let addresses = addresses.collect::<io::Result<_>>()?;
        drop(listeners);
        let slots = (0..NODES).map(|_| Slot::default()).collect();
        let mut nodes =
            Self { dir: dir.to_path_buf(), addresses, slots, acknowledged: BTreeMap::new(), lines: 0 };
        (0..NODES).try_for_each(|at| nodes.spawn(at))?;
        Ok(nodes)
    }

    fn spawn(&mut self, at: usize) -> io::Result<()> {
        let slot = &mut self.slots[at];
        slot.runs += 1;
        let mut child = Command::new(std::env::current_exe()?)
            .args(["node", &(at + 1).to_string(), &slot.runs.to_string()])
            .arg(self.dir.join(format!("n{}", at + 1)))
            .args(&self.addresses)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (ask, answer) = (child.stdin.take(), child.stdout.take());
        let (Some(ask), Some(answer)) = (ask, answer) else { return Err(io::Error::other("no pipes")) };
        slot.running = Some(Running { child, ask, answer: BufReader::new(answer) });
        slot.died = None;
        Ok(())
    }

    /// Asks every node how it is; one that does not answer has died.
    fn ask(&mut self, line: &str) {
        for slot in &mut self.slots {
            let Some(running) = &mut slot.running else { continue };
            let mut text = String::new();
            let outcome = writeln!(running.ask, "{line}").and_then(|()| running.answer.read_line(&mut text));
            match outcome.ok().and_then(|_| Report::parse(text.trim_end())) {
                Some(report) => slot.take(report, &mut self.acknowledged),
                None => slot.kill(),
            }
        }
    }

    /// False: nobody leads.
    pub(crate) fn kill_leader(&mut self, out: &mut impl Write) -> io::Result<bool> {
        self.ask("how");
        let newest = self.slots.iter().map(|slot| slot.last.term).max();
        let leader = self.slots.iter().position(|slot| {
            slot.running.is_some() && slot.last.role == "leader" && Some(slot.last.term) == newest
        });
        if let Some(leader) = leader {
            self.slots[leader].kill();
            self.lines = 0;
            writeln!(out, "n{} leads term {}: killed", leader + 1, self.slots[leader].last.term)?;
        }
        Ok(leader.is_some())
    }

    /// Those that died come back after a while.
    pub(crate) fn restart(&mut self) -> io::Result<()> {
        for at in 0..NODES {
            if self.slots[at].died.is_some_and(|died| now().duration_since(died) > DOWN) {
                self.spawn(at)?;
            }
        }
        Ok(())
    }

    pub(crate) fn print(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.ask("how");
        let is_terminal = io::IsTerminal::is_terminal(&io::stdout());
        if is_terminal && self.lines > 0 {
            // Over the table before.
            write!(out, "\x1b[{}A", self.lines)?;
        }
        let clear = if is_terminal { "\x1b[K" } else { "" };
        writeln!(out, "node  role       term  leader     commit    applied   entries/s{clear}")?;
        for (at, slot) in self.slots.iter().enumerate() {
            let Report { role, term, leader, commit, applied, .. } = &slot.last;
            let role = if slot.running.is_some() { role } else { "down" };
            let (number, rate) = (at + 1, slot.rate);
            writeln!(
                out,
                "n{number:<4} {role:<10} {term:>4}  n{leader:<5} {commit:>10} {applied:>10} {rate:>11.0}{clear}"
            )?;
        }
        self.lines = NODES + 1;
        out.flush()
    }

    /// Stops the producers, lets everybody finish, and compares.
    pub(crate) fn finish(mut self, out: &mut impl Write) -> io::Result<()> {
        let until = now() + SETTLE;
        loop {
            for at in 0..NODES {
                if self.slots[at].running.is_none() {
                    self.spawn(at)?;
                }
            }
            self.ask("stop");
            let last: Vec<&Report> = self.slots.iter().map(|slot| &slot.last).collect();
            let is_same = last.iter().all(|report| {
                (report.entries, report.digest) == (last[0].entries, last[0].digest)
                    && report.applied == report.commit
            });
            let is_whole = |report: &&Report| {
                self.acknowledged.iter().all(|(origin, last)| report.present.get(origin) >= Some(last))
            };
            if is_same && last[0].entries > 0 && last.iter().all(is_whole) {
                let batches: u64 = self.acknowledged.values().sum();
                writeln!(out, "{batches} batches acknowledged, none of them missing on any node")?;
                writeln!(
                    out,
                    "{} entries applied by all three, digest {:016x}",
                    last[0].entries, last[0].digest
                )?;
                return Ok(());
            }
            if now() > until {
                let missing = self.acknowledged.iter().filter(|(origin, last)| {
                    self.slots.iter().any(|slot| slot.last.present.get(origin) < Some(last))
                });
                return Err(io::Error::other(format!(
                    "the nodes differ: {last:#?}; not everywhere: {:?}",
                    missing.collect::<Vec<_>>()
                )));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Slot {
    fn take(&mut self, report: Report, acknowledged: &mut BTreeMap<Origin, u64>) {
        let at = now();
        let span = self.asked.map_or(0.0, |before| at.duration_since(before).as_secs_f64());
        let more = report.entries.saturating_sub(self.last.entries);
        self.rate = if span > 0.0 { more as f64 / span } else { 0.0 };
        self.asked = Some(at);
        acknowledged.extend(&report.acknowledged);
        self.last = report;
    }

    /// With SIGKILL.
    fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
        self.died = Some(now());
        self.rate = 0.0;
        self.asked = None;
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.slots.iter_mut().for_each(Slot::kill);
    }
}
