//! A follower of ours in a process of its own, whose disk may be slow.

use super::ours;
use crate::scratch::Scratch;
use crate::{AnyError, paths};
use duochain::node::replica::Replica;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The first argument of a program that is to be such a node.
pub(crate) const NODE: &str = "replication-node";

/// Ends with this value.
pub(super) struct Apart(Child);

impl Apart {
    /// Node `number` of those at `addresses`; each flush of its log takes `delay` longer.
    pub(super) fn start(
        scratch: &Scratch,
        number: usize,
        addresses: &[String],
        delay: Duration,
    ) -> Result<Self, AnyError> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(NODE).arg(number.to_string()).arg(scratch.path().join(format!("duochain-{number}")));
        command.args(addresses).stdin(Stdio::piped());
        command.env("LD_PRELOAD", slow_sync(scratch)?);
        command.env("DUOBENCH_SYNC_MICROS", delay.as_micros().to_string());
        Ok(Self(command.spawn()?))
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Builds what a process loads first so that its flushes are slow.
pub(crate) fn slow_sync(scratch: &Scratch) -> Result<PathBuf, AnyError> {
    let library = scratch.path().join("slow_sync.so");
    let source = paths::root().join("benches/c/slow_sync.c");
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).status()?;
    if built.success() { Ok(library) } else { Err(format!("cc ended with {built}").into()) }
}

/// Such a node, until its standard input ends. Arguments: number, directory, and the addresses of all in order.
pub(crate) fn run(arguments: &[String]) -> Result<(), AnyError> {
    let [number, dir, addresses @ ..] = arguments else { return Err("a node needs its place".into()) };
    let config = ours::config(number.parse()?, dir.into(), addresses)?;
    let replica = Replica::open(config, Box::new(ours::Nothing))?;
    // Its end is the parent's word or death.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    replica.close();
    Ok(())
}
