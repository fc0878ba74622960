//! kill -9 at any moment: a child process runs a node, says what it was told, and is killed; the next
//! one goes on in the same directory. At the end everything that any child was told must still be true.
//!
//! Half of the kills come after a number of lines, so just after something was announced; the others
//! after a number of milliseconds, so in the middle of opening, replay, a sync or an acknowledgement too.
//! Both numbers follow from a seed, which is printed; `DUOCHAIN_CRASH_SEED` sets it.

mod child;
#[path = "../support/mod.rs"]
mod support;
mod told;

use duochain::node::{Node, Settings};
use duochain::types::ChainId;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::{Scratch, events_until, eventually, with};
use told::Told;

const SEED: &str = "DUOCHAIN_CRASH_SEED";
const KILLS: u64 = 16;

/// When a child is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    Lines(u64),
    Millis(u64),
}

/// Small segments and few events retained, so that files are begun and retired all the time.
fn settings(dir: &Path, backend: &str) -> Settings {
    let pairs = [
        ("storage.backend", backend),
        ("log.segment_bytes", "1048576"),
        ("events.retained", "1024"),
        ("time.scale", "3000"),
    ];
    with(Some(dir), &pairs)
}

/// Not a test of its own: the body of the processes that are killed.
#[test]
#[ignore = "run in processes of their own by the tests below"]
fn child() {
    if std::env::var_os(child::DIR).is_some() {
        child::live();
    }
}

#[test]
fn nothing_acknowledged_is_lost_through_kills() {
    survive_kills("fjall");
}

#[cfg(feature = "rocksdb")]
#[test]
fn nothing_acknowledged_is_lost_through_kills_with_rocksdb() {
    survive_kills("rocksdb");
}

fn survive_kills(backend: &str) {
    let scratch = Scratch::new("crash");
    let mut random = Random::new(backend);
    let mut told = Told::default();
    for kill in 0..KILLS {
        let moment = match kill % 2 {
            0 => Moment::Lines(1 + random.below(400)),
            _ => Moment::Millis(random.below(500)),
        };
        println!("kill {kill}: {moment:?}");
        for line in run_and_kill(scratch.path(), backend, kill, moment) {
            told.take(&line);
        }
    }
    assert!(told.completions.len() > 100, "the children did real work: {}", told.completions.len());
    let node = Node::open(settings(scratch.path(), backend)).expect("opens");
    told.check_blocks(&node);
    let oldest = told.check_events(&node);
    println!("{} of {KILLS} had opened, oldest events {oldest:?}", told.opened);
    check_cursor(&node, &mut told);
    let before = ChainId::ALL.map(|chain| node.head(chain).final_height);
    eventually("both chains go on", || {
        ChainId::ALL.iter().all(|chain| node.head(*chain).final_height > before[chain.index()]).then_some(())
    });
}

/// The named cursor goes on after what was acknowledged last.
fn check_cursor(node: &Node, told: &mut Told) {
    let mut events = child::cursor(node);
    let seen = events_until(&mut events, |seen| {
        ChainId::ALL.iter().all(|chain| seen.iter().any(|event| event.chain == *chain))
    });
    for chain in ChainId::ALL {
        let first = seen.iter().find(|event| event.chain == chain).expect("just seen").sequence.get();
        told.check_first(chain.wire(), first - events.dropped()[chain.index()]);
    }
}

fn run_and_kill(dir: &Path, backend: &str, salt: u64, moment: Moment) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
        .env(child::DIR, dir)
        .env(child::SALT, salt.to_string())
        .env(child::BACKEND, backend)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("child starts");
    let out = child.stdout.take().expect("piped");
    let mut lines = BufReader::new(out).lines();
    let mut said = Vec::new();
    match moment {
        // The test harness says its own few lines first.
        Moment::Lines(count) => {
            let is_event = |line: &String| line.ends_with(" end");
            while (said.iter().filter(|line| is_event(line)).count() as u64) < count {
                match lines.next() {
                    Some(line) => said.push(line.expect("readable")),
                    None => break,
                }
            }
            child.kill().expect("SIGKILL");
            // What the pipe still holds was said before the kill.
            said.extend(lines.map(|line| line.expect("readable")));
        }
        Moment::Millis(after) => std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(after));
                child.kill().expect("SIGKILL");
            });
            said.extend(lines.map(|line| line.expect("readable")));
        }),
    }
    check_was_killed(child, &said);
    said
}

fn check_was_killed(mut child: Child, said: &[String]) {
    let status = child.wait().expect("reaped");
    if status.code().is_some() {
        let mut text = String::new();
        let _ = child.stderr.take().expect("piped").read_to_string(&mut text);
        panic!("the child ended by itself ({status}): {text}\n{said:#?}");
    }
}

/// A sequence of numbers that a seed repeats.
struct Random(u64);

impl Random {
    fn new(what: &str) -> Self {
        let given = std::env::var(SEED).ok().map(|seed| seed.parse().expect("a number"));
        let seed = given.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        println!("{what}: {SEED}={seed}");
        Self(seed)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}
