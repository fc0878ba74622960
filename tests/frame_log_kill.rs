//! A process that writes a log of frames and its votes is killed again and again, at any moment; what it said was
//! durable is there afterwards, and nothing that nobody wrote. `DUOCHAIN_KILLS=n` sets how often, 12 by default.

use duochain::frame::{Entry, Frame, FrameBuilder, FrameLimits, Seal};
use duochain::storage::DirLock;
use duochain::storage::frames::{FrameLog, FrameLogOptions, SegmentFrameLog};
use duochain::storage::votes::{FileVotes, Vote, VoteStore};
use duochain::types::{Index, LaneId, NodeId, Status, Term, UnixNanos};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const DIR: &str = "DUOCHAIN_KILL_DIR";
const OPTIONS: FrameLogOptions = FrameLogOptions {
    segment_bytes: 1 << 20,
    limits: FrameLimits { body_bytes_max: 64 << 10, entries_max: 100 },
    recent_bytes_max: 0,
};

/// Gone with the test.
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn mixed(mut value: u64) -> u64 {
    value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value ^ (value >> 27)
}

/// The frame that a leader of `term` makes at `base`; no other one is ever right there.
fn frame(term: u64, base: u64) -> Frame {
    let mut random = mixed(term << 40 ^ base);
    let mut builder = FrameBuilder::new(OPTIONS.limits, LaneId::default());
    for _ in 0..=random % 20 {
        random = mixed(random);
        let bytes = vec![random as u8; 1 + (random >> 8) as usize % 2000];
        builder.push(Entry { bytes: &bytes, ..Entry::default() }).expect("within the limits");
    }
    let seal = Seal { term: Term::new(term), base: Index::new(base), time: UnixNanos::new(base) };
    Frame::new(seal, builder.finish().expect("not empty"))
}

fn say(line: &str) {
    std::io::stdout().write_all(format!("{line} end\n").as_bytes()).expect("the parent reads");
}

/// Works until it is killed: a new term, then groups of frames, cuts at both ends.
#[test]
#[ignore = "the process that is killed"]
fn child_writes() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else { return };
    let _lock = DirLock::acquire(&dir).expect("the lock of a dead process is free");
    let mut votes = FileVotes::open(&dir.join("vote")).expect("opens after every kill");
    let mut log = SegmentFrameLog::open(&dir.join("log"), &OPTIONS).expect("opens after every kill");
    let term = votes.load().term.get() + 1;
    votes
        .save(Vote { term: Term::new(term), candidate: NodeId::new(term), ..Vote::default() })
        .expect("there is room");
    // The harness has begun a line of its own.
    say(&format!("\nvote {term}"));
    for round in 1_u64.. {
        let mut group = Vec::new();
        let mut base = log.last().get() + 1;
        for _ in 0..=mixed(round) % 3 {
            group.push(frame(term, base));
            base = group.last().map_or(base, |frame| frame.last().index.get() + 1);
        }
        log.append(&group).expect("they follow");
        log.sync().expect("there is room");
        let told: Vec<String> =
            group.iter().map(|frame| format!("durable {term} {} end\n", frame.base())).collect();
        std::io::stdout().write_all(told.concat().as_bytes()).expect("the parent reads");
        if round % 7 == 0 {
            let keep_to = group[0].base().get() - 1;
            say(&format!("cutting {keep_to}"));
            log.truncate_back(Index::new(keep_to)).expect("the end of a frame");
        }
        if round % 40 == 0 {
            let keep_from = log.last().get().saturating_sub(2000).max(1);
            log.purge_front(Index::new(keep_from)).expect("in the log");
            say(&format!("purged {keep_from}"));
        }
        if round % 25 == 0 {
            log.prepare_next().map_or(Ok(()), |preparation| preparation.run()).expect("there is room");
        }
    }
}

/// What children said before they were killed.
#[derive(Default)]
struct Told {
    term: u64,
    /// Base of each durable frame, and its term.
    frames: BTreeMap<u64, u64>,
    /// The oldest entry that has to be there is not after it.
    keep_from: u64,
}

impl Told {
    fn take(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |text: &str| text.parse::<u64>().expect("a number");
        match words[..] {
            ["vote", term, "end"] => self.term = number(term),
            ["durable", term, base, "end"] => drop(self.frames.insert(number(base), number(term))),
            ["cutting", keep_to, "end"] => drop(self.frames.split_off(&(number(keep_to) + 1))),
            ["purged", keep_from, "end"] => self.keep_from = number(keep_from),
            // Cut short by the kill, or the harness's own.
            _ => {}
        }
    }

    fn check(&self, dir: &Path) {
        let _lock = DirLock::acquire(dir).expect("the lock of a dead process is free");
        let vote = FileVotes::open(&dir.join("vote")).expect("opens after every kill").load();
        assert!(vote.term.get() >= self.term, "the vote of term {} is gone: {vote:?}", self.term);
        let log = SegmentFrameLog::open(&dir.join("log"), &OPTIONS).expect("opens after every kill");
        assert!(log.first().get() <= self.keep_from.max(1));
        let (reader, mut next, mut found) = (log.reader(), log.first(), BTreeMap::new());
        while next <= log.last() {
            for read in reader.read(next, 1 << 20).expect("verified") {
                assert_eq!(read, frame(read.term().get(), read.base().get()), "of nobody's making");
                found.insert(read.base().get(), read.term().get());
                next = read.last().index.next();
            }
        }
        for (base, term) in self.frames.range(log.first().get()..) {
            assert_eq!(found.get(base), Some(term), "the frame at {base} was durable");
        }
    }
}

/// One life of a child, to the end of the line that is its last.
fn live(dir: &Path, lines_max: u64, told: &mut Told) {
    let mut child = Command::new(std::env::current_exe().expect("a program"))
        .args(["--ignored", "--exact", "--nocapture", "child_writes"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the child starts");
    let out = BufReader::new(child.stdout.take().expect("piped"));
    // After the kill the pipe still holds what was said before.
    for (number, line) in (0..).zip(out.lines()) {
        let line = line.expect("readable");
        told.take(&line);
        if line.starts_with("vote ") {
            let error = DirLock::acquire(dir).expect_err("the child has it");
            assert_eq!(error.status(), Status::Busy);
        }
        if number == lines_max {
            child.kill().expect("SIGKILL, or dead already");
        }
    }
    let status = child.wait().expect("reaped");
    assert!(
        status.code().is_none(),
        "the child ended by itself: {status}, after {:?}",
        told.frames.last_key_value()
    );
}

#[test]
fn what_was_said_to_be_durable_survives_every_kill() {
    let kills = std::env::var("DUOCHAIN_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    let dir = Directory(std::env::temp_dir().join(format!("duochain-kill-{}", std::process::id())));
    std::fs::create_dir_all(&dir.0).expect("a folder");
    let mut told = Told::default();
    for kill in 0..kills {
        live(&dir.0, 20 + mixed(kill) % 400, &mut told);
        told.check(&dir.0);
    }
    assert_eq!(told.term, kills, "each child got so far as to vote");
}
