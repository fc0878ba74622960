//! kill -9 at any moment: a child process runs a node, says what it was told, and is killed; the next
//! one goes on in the same directory. At the end everything that any child was told must still be true.
//!
//! Half of the kills come after a number of lines, so just after something was announced; the others
//! after a time, so in the middle of opening, replay, a sync or an acknowledgement too. Both follow from a
//! seed, which is printed, and from how long a child took to open; `DUOCHAIN_CRASH_SEED` sets the seed.
#![expect(clippy::print_stdout, reason = "shown when a test fails: what to set to see the same again")]

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
use std::time::{Duration, Instant};
use support::{Scratch, events_until, eventually, with};
use told::Told;

const SEED: &str = "DUOCHAIN_CRASH_SEED";
const KILLS: u64 = 24;
const RETAINED: u64 = 1_024;
/// Once twice as many as are retained were there, the older ones are gone.
const ENOUGH: u64 = 9 * RETAINED / 4;

/// When a child is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// After this event of Delta.
    Event(u64),
    Lines(u64),
    Time(Duration),
}

impl Moment {
    /// True once `line`, after so many others, was said.
    fn has_come(self, line: &str, others: usize) -> bool {
        match self {
            Self::Event(wanted) => {
                let chain = ChainId::Delta.wire().to_string();
                let mut words = line.split(' ');
                let is_delta = words.next() == Some("event") && words.next() == Some(&chain);
                is_delta
                    && words.next().is_some_and(|word| word.parse().is_ok_and(|found: u64| found >= wanted))
            }
            Self::Lines(wanted) => others as u64 >= wanted,
            Self::Time(_) => false,
        }
    }
}

/// Small segments and few events retained, so that files are begun and retired all the time.
fn settings(dir: &Path, backend: &str) -> Settings {
    let retained = RETAINED.to_string();
    let pairs = [
        ("storage.backend", backend),
        ("log.segment_bytes", "65536"),
        ("events.retained", &retained),
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
    // A kill leaves what the page cache has, whatever is below it.
    let scratch = Scratch::in_memory("crash");
    let mut random = Random::new(backend);
    let mut told = Told::default();
    // The least that a child has taken to open.
    let mut open_time = Duration::MAX;
    for kill in 0..KILLS {
        let moment = match kill % 4 {
            // The first one leaves several segments, which all others open.
            _ if kill == 0 => Moment::Event(ENOUGH),
            0 | 2 => Moment::Lines(1 + random.below(400)),
            1 => Moment::Time(random.below_time(open_time)),
            _ => Moment::Time(random.below_time(Duration::from_millis(500))),
        };
        println!("kill {kill}: {moment:?}");
        let (said, opened_after) = run_and_kill(scratch.path(), backend, kill, moment);
        open_time = opened_after.map_or(open_time, |time| time.min(open_time));
        for line in said {
            told.take(&line);
        }
    }
    assert!(told.completions.len() > 100, "the children did real work: {}", told.completions.len());
    let node = Node::open(settings(scratch.path(), backend)).expect("opens");
    told.check_blocks(&node);
    let oldest = told.check_events(&node);
    println!("{} of {KILLS} had opened; the oldest events are {oldest:?}", told.opened);
    assert!(told.opened < KILLS, "some were killed while they opened");
    assert!(oldest[ChainId::Delta.index()] > 1, "old events were retired");
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

/// What a child said, and how long after its start it had opened.
#[expect(clippy::disallowed_methods, reason = "processes run in real time")]
fn run_and_kill(dir: &Path, backend: &str, salt: u64, moment: Moment) -> (Vec<String>, Option<Duration>) {
    let (begun, mut opened_after) = (Instant::now(), None);
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
    // After the kill the pipe still holds what was said before.
    let lines = BufReader::new(out).lines().map(|line| line.expect("readable")).inspect(|line| {
        if line == "opened end" {
            opened_after = Some(begun.elapsed());
        }
    });
    let mut said = Vec::new();
    if let Moment::Time(after) = moment {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(after);
                child.kill().expect("SIGKILL");
            });
            said.extend(lines);
        });
    } else {
        for line in lines {
            let has_come = moment.has_come(&line, said.len());
            said.push(line);
            if has_come {
                child.kill().expect("SIGKILL, or dead already");
            }
        }
    }
    check_was_killed(child, &said);
    (said, opened_after)
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

    fn below_time(&mut self, bound: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(bound.as_micros()).expect("a child has opened")))
    }
}
