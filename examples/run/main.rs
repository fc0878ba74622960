//! The main job: feed transactions into both chains, watch them become final, and prove that what came
//! out is what went in.
//!
//! `run [--input PATH|-] [--count N] [--seed S] [--producers P] [--scale N] [--data-dir DIR] [--backend B]`

#![allow(unreachable_pub, reason = "a program exports nothing; `pub` marks what its parts use of each other")]

mod display;
mod feed;
mod generator;
mod input;
mod latency;
mod options;
mod verify;

use display::Display;
use duochain::node::{ChainSelect, Config, Node, Start, SubscribeOptions};
use duochain::types::ChainId;
use options::Options;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use verify::Verifier;

type AnyError = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    // A name that is not UTF-8 is told as one that does not exist.
    let arguments = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let outcome = Options::parse(arguments).map_err(AnyError::from).and_then(|options| run(&options));
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // The reason, and whatever lies beneath it.
            let _ = writeln!(std::io::stderr(), "run: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<bool, AnyError> {
    let records = options.records()?;
    let directory = options.directory()?;
    let mut config = Config::new();
    config.set("data_dir", &directory.path().to_string_lossy())?;
    config.set("storage.backend", &options.backend)?;
    config.set("time.scale", &options.scale.to_string())?;
    let settings = config.build()?;
    let interval = settings.chains[ChainId::Alpha.index()].interval;
    let node = Arc::new(Node::open(settings)?);
    let follow = SubscribeOptions { chains: ChainSelect::Both, name: None, start: Start::Latest };
    let subscription = node.subscribe(follow)?;
    let verifier = Arc::new(Verifier::new(Arc::clone(&node), options.producers));
    let mut display = Display::new(Arc::clone(&node), Arc::clone(&verifier), options);
    let watcher = verify::follow(Arc::clone(&verifier), subscription);
    let collector = verify::collect(Arc::clone(&verifier));
    let feeding = feed::start(&node, &verifier, records, options.producers);
    // Several finality times without any progress mean that something is lost.
    let patience = (interval * 12).max(Duration::from_secs(30));
    let outcome = display.until_final(&feeding, patience);
    let fed = feeding.stop();
    verifier.stop();
    let watched = watcher.join().map_err(|_| "the watcher panicked")?;
    let collected = collector.join().map_err(|_| "the collector panicked")?;
    let heads = ChainId::ALL.map(|chain| node.head(chain));
    node.close(Duration::from_secs(30))?;
    let sent = fed?;
    watched.and(collected)?;
    Ok(display.table(&heads, sent, outcome))
}
