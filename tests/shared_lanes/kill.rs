//! kill -9 of producer processes at random moments, in every language that has one.
//!
//! Each producer says on a pipe what it has committed, right after it. There are two seats: one for a
//! producer that is never killed and has to get on all the time, one that each killed producer leaves to
//! the next. At the end nothing that was said is missing, nothing came twice or torn, and no repair was
//! needed. `DUOCHAIN_SHARED_KILLS` sets how many are killed, `DUOCHAIN_SHARED_SEED` when.
#![expect(clippy::print_stdout, reason = "shown when a test fails: what to set to see the same again")]

use crate::support::{LANE, Scratch, eventually};
use crate::workshop::{Workshop, top};
use crate::{queue, record};
use duochain::pool::Meta;
use duochain::queue::{Consumer, Error, SharedError, SharedPlace, SharedProducer, SharedSettings};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PATH: &str = "DUOCHAIN_SHARED_PATH";
const NUMBER: &str = "DUOCHAIN_SHARED_NUMBER";
const KILLS: &str = "DUOCHAIN_SHARED_KILLS";
const SEED: &str = "DUOCHAIN_SHARED_SEED";

fn variable<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// The Rust producer: this very program, started with a path in its environment.
#[test]
fn child() {
    let (Some(path), Some(number)) = (variable::<String>(PATH), variable(NUMBER)) else { return };
    let mut producer = SharedProducer::attach(path).expect("a seat");
    let mut out = std::io::stdout();
    for sequence in 0.. {
        let bytes = record::make(number, sequence);
        // By turns copied and written in place.
        loop {
            let done = if sequence % 2 == 0 {
                producer.enqueue(LANE, &bytes, Meta { tag: sequence, stamp: 0 })
            } else {
                producer.claim(LANE, bytes.len()).and_then(|mut claim| {
                    claim.write(0, &bytes);
                    claim.commit(Meta { tag: sequence, stamp: 0 }).map_err(|(_, error)| error)
                })
            };
            match done {
                Ok(()) => break,
                Err(Error::Full) => std::thread::yield_now(),
                Err(Error::Closed | Error::Shared(SharedError::Gone)) => return,
                Err(error) => panic!("{error}"),
            }
        }
        let _ = out.write_all(format!("\nc {sequence} end\n").as_bytes());
    }
}

fn rust_child() -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "kill::child", "--nocapture", "--test-threads=1"]);
    command
}

/// What arrived: for each producer the next sequence number.
#[derive(Default)]
struct Arrived {
    next: Mutex<BTreeMap<u64, u64>>,
    stop: AtomicBool,
    /// The consumer takes nothing.
    paused: AtomicBool,
    items: AtomicU64,
}

impl Arrived {
    fn next(&self, number: u64) -> u64 {
        self.next.lock().expect("no panic").get(&number).copied().unwrap_or(0)
    }

    fn consume(&self, mut consumer: Consumer) {
        while !self.stop.load(Ordering::Relaxed) {
            if self.paused.load(Ordering::Relaxed) {
                std::thread::yield_now();
                continue;
            }
            match consumer.dequeue_wait(Duration::from_millis(100)) {
                Ok(item) => {
                    let (number, sequence) = record::read(&item).expect("whole");
                    assert_eq!(item.meta().tag, sequence);
                    let mut next = self.next.lock().expect("no panic");
                    let next = next.entry(number).or_default();
                    assert_eq!(sequence, *next, "of producer {number}: nothing missing, nothing twice");
                    *next += 1;
                    self.items.fetch_add(1, Ordering::Relaxed);
                }
                Err(Error::Timeout) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// A producer that is never killed, and notes how far it got.
fn steady(path: &Path, number: u64, stop: &AtomicBool, committed: &AtomicU64) {
    let mut producer = SharedProducer::attach(path).expect("a seat");
    let mut sequence = 0;
    while !stop.load(Ordering::Relaxed) {
        let bytes = record::make(number, sequence);
        match producer.enqueue(LANE, &bytes, Meta { tag: sequence, stamp: 0 }) {
            Ok(()) => sequence += 1,
            Err(Error::Full) => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
        committed.store(sequence, Ordering::Relaxed);
    }
}

/// Starts a producer, lets it commit, kills it after some microseconds; answers how many commits it told.
/// `started` is run once the process exists, `committed` once it told of a commit.
fn live_and_die(
    mut command: Command,
    path: &Path,
    number: u64,
    micros: u64,
    started: impl FnOnce(),
    committed: impl FnOnce(),
) -> u64 {
    command.env(PATH, path).env(NUMBER, number.to_string()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().expect("the producer starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut told = 0;
    let mut read = |line: std::io::Result<String>| {
        let line = line.expect("text");
        // A line that the kill cut short does not end with `end`.
        let commit = line.strip_prefix("c ").and_then(|rest| rest.strip_suffix(" end"));
        if let Some(sequence) = commit.and_then(|number| number.parse::<u64>().ok()) {
            assert_eq!(sequence, told, "in order");
            told += 1;
        }
        told
    };
    started();
    for line in lines.by_ref() {
        if read(line) > 0 {
            break;
        }
    }
    committed();
    std::thread::sleep(Duration::from_micros(micros));
    let killed = child.kill();
    for line in lines {
        read(line);
    }
    let status = child.wait().expect("a child");
    assert!(killed.is_ok() && std::os::unix::process::ExitStatusExt::signal(&status) == Some(9), "{status}");
    assert!(told > 0, "it never committed anything");
    told
}

fn kill_loop(
    name: &str,
    place: SharedPlace,
    path: Option<&Path>,
    kills: u64,
    producer: impl Fn() -> Command,
) {
    let kills = variable(KILLS).unwrap_or(kills);
    let seed: u64 = variable(SEED).unwrap_or_else(|| RandomState::new().build_hasher().finish());
    println!("{name}: {SEED}={seed}");
    let queue = queue(1);
    let settings = SharedSettings { place, lane_cells: 64, seats: 2, part_bytes: 16384 };
    let lanes = queue.open_shared(&settings).expect("valid");
    let path = path.unwrap_or_else(|| lanes.path());
    let (arrived, committed) = (Arc::new(Arrived::default()), Arc::new(AtomicU64::new(0)));
    let consuming = {
        let (arrived, consumer) = (Arc::clone(&arrived), queue.consumer().expect("free"));
        std::thread::spawn(move || arrived.consume(consumer))
    };
    let living = {
        let (arrived, committed, path) = (Arc::clone(&arrived), Arc::clone(&committed), path.to_owned());
        std::thread::spawn(move || steady(&path, 0, &arrived.stop, &committed))
    };
    eventually("the steady producer has a seat", || (committed.load(Ordering::Relaxed) > 0).then_some(()));
    let mut dice = seed | 1;
    let mut owed = None;
    for number in 1..=kills {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        // Every other one dies while nothing is taken, so that its heir finds committed records waiting.
        let heir_is_there = || {
            if arrived.paused.load(Ordering::Relaxed) {
                eventually("the seat is taken over", || {
                    (lanes.stats().seats_recovered == number - 1).then_some(())
                });
                arrived.paused.store(false, Ordering::Relaxed);
            }
        };
        let pause = || arrived.paused.store(number % 2 == 1 && number < kills, Ordering::Relaxed);
        let told = live_and_die(producer(), path, number, dice % 20_000, heir_is_there, pause);
        if arrived.paused.load(Ordering::Relaxed) {
            owed = Some((number, told));
            continue;
        }
        for (number, told) in owed.take().into_iter().chain([(number, told)]) {
            let what = format!("what {number} committed arrives");
            eventually(&what, || (consuming.is_finished() || arrived.next(number) >= told).then_some(()));
            assert!(arrived.next(number) <= told + 1, "at most the one that it could not tell of");
        }
        let before = committed.load(Ordering::Relaxed);
        eventually("the steady producer gets on", || {
            (living.is_finished() || committed.load(Ordering::Relaxed) > before + 200).then_some(())
        });
        assert!(!consuming.is_finished() && !living.is_finished(), "one of the threads has failed");
    }
    arrived.stop.store(true, Ordering::Relaxed);
    consuming.join().expect("every record was whole, in order, once");
    living.join().expect("never disturbed");
    let stats = lanes.stats();
    println!("{name}: {kills} kills, {} records, {stats:?}", arrived.items.load(Ordering::Relaxed));
    assert_eq!((stats.corrupt, stats.gaps, stats.tails), (0, 0, 0), "nothing was there to repair");
    assert_eq!(stats.seats_recovered, kills - 1, "each but the first took over from the one before");
}

#[test]
fn killed_rust_producers_lose_and_disturb_nothing() {
    kill_loop("rust", SharedPlace::Memory, None, 20, rust_child);
}

#[test]
fn killed_producers_on_a_file_lose_and_disturb_nothing() {
    let scratch = Scratch::in_memory("shared-kill");
    let path = scratch.path().join("segment");
    kill_loop("file", SharedPlace::File(path.clone()), Some(&path), 5, rust_child);
}

#[test]
fn killed_c_producers_lose_and_disturb_nothing() {
    let workshop = Workshop::open("shared_lanes");
    let source = top().join("tests/shared_lanes/producer.c");
    let program = workshop.compile("producer_c", "c11", &["-D_GNU_SOURCE"], &[source]);
    kill_loop("c", SharedPlace::Memory, None, 20, || {
        let mut command = Command::new(&program);
        workshop.prepare(&mut command);
        command
    });
}
