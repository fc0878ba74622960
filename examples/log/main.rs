//! Three processes on this machine replicate a log, and survive the death of their leader.
//!
//! `make run-log` starts this program, which starts itself once for each node. While it runs, `k` and Enter kill
//! the leader with SIGKILL; it comes back two seconds later. At the end it says whether any batch that was
//! acknowledged is missing anywhere, and whether all three applied the same.
//!
//! `log inspect DIR` (`make inspect DIR=path`) prints what is in the directory of a node, sound or not, and changes
//! nothing there.

mod inspect;
mod node;
mod nodes;
mod report;

use nodes::Nodes;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

/// How long, how often, where.
struct Options {
    seconds: u64,
    /// Seconds between kills of the leader; 0: only when asked.
    kill: u64,
    dir: Option<PathBuf>,
}

const USAGE: &str =
    "usage: log [--seconds N] [--kill SECONDS] [--data-dir DIR]\n       log inspect DIR [--frames]";

fn options(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options { seconds: 20, kill: 0, dir: None };
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { return Err(format!("{} has no value\n{USAGE}", pair[0])) };
        let number = || value.parse::<u64>().map_err(|_| format!("{name} {value}: not a number\n{USAGE}"));
        match name.as_str() {
            "--seconds" => options.seconds = number()?,
            "--kill" => options.kill = number()?,
            "--data-dir" => options.dir = Some(PathBuf::from(value)),
            _ => return Err(format!("{name} is not known\n{USAGE}")),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((first, rest)) if first == "node" => node::run(rest),
        Some((first, rest)) if first == "inspect" => return inspect::run(rest),
        _ => options(&arguments).and_then(|options| watch(&options).map_err(|error| error.to_string())),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "log: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What people type; closed standard input is nobody.
fn keys() -> Receiver<String> {
    let (sender, keys) = sync_channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    keys
}

#[expect(clippy::disallowed_methods, reason = "a program for people runs in real time")]
fn watch(options: &Options) -> std::io::Result<()> {
    let scratch = std::env::temp_dir().join(format!("duochain-log-{}", std::process::id()));
    let dir = options.dir.clone().unwrap_or_else(|| scratch.clone());
    let mut out = std::io::stdout();
    writeln!(out, "three nodes below {}; k and Enter kill the leader, q and Enter end", dir.display())?;
    let keys = keys();
    let mut nodes = Nodes::start(&dir)?;
    let began = Instant::now();
    let mut kills = 0;
    while began.elapsed() < Duration::from_secs(options.seconds) {
        let due = began.elapsed().as_secs().checked_div(options.kill).unwrap_or(0);
        match keys.recv_timeout(Duration::from_millis(500)) {
            Ok(key) if key.trim() == "q" => break,
            Ok(key) if key.trim() == "k" => drop(nodes.kill_leader(&mut out)?),
            Ok(_) => {}
            // Without a standard input this returns at once.
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
        // Where nobody leads just now, soon.
        if due > kills && nodes.kill_leader(&mut out)? {
            kills = due;
        }
        nodes.restart()?;
        nodes.print(&mut out)?;
    }
    let verdict = nodes.finish(&mut out);
    if options.dir.is_none() {
        let _ = std::fs::remove_dir_all(scratch);
    }
    verdict
}
