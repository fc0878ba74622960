//! Log records: level, target and message, handed to one sink per process.
//!
//! # Caller contract
//! Records are made on slow paths only: opening, closing, failures, degradation. The sink runs on the
//! thread that made the record and must not call back into the library. It is dropped outside of every
//! lock, so its drop may wait for threads that log.
//!
//! # Limits
//! Without a sink nothing is formatted, kept or printed.

use parking_lot::RwLock;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// How much a record matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// Something failed that the library could not repair.
    Error = 1,
    /// Something failed and was handled.
    Warn = 2,
    /// A change of state worth knowing.
    Info = 3,
    /// Details for a developer.
    Debug = 4,
}

impl Level {
    /// From its number; `None` for any other.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Error),
            2 => Some(Self::Warn),
            3 => Some(Self::Info),
            4 => Some(Self::Debug),
            _ => None,
        }
    }
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// How much it matters.
    pub level: Level,
    /// Which part of the library speaks, such as `node::alpha`.
    pub target: &'a str,
    /// What it says: one line, no payload bytes.
    pub message: &'a str,
}

/// Receives records.
pub type Sink = Arc<dyn Fn(Record<'_>) + Send + Sync>;

static LEVEL: AtomicU8 = AtomicU8::new(0);
static SINK: RwLock<Option<Sink>> = RwLock::new(None);

/// Replaces the sink; `None` removes it. When this returns, the former sink is not running any more, and
/// is dropped when nobody else holds it. A sink must not call this: it would wait for itself.
pub fn set_sink(sink: Option<(Sink, Level)>) {
    drop(exchange_sink(sink));
}

/// As [`set_sink`], for callers that hold a lock: gives them the former sink, because what a sink owns may
/// wait for other threads when it is dropped.
#[must_use]
pub fn exchange_sink(sink: Option<(Sink, Level)>) -> Option<Sink> {
    let level = sink.as_ref().map_or(0, |(_, level)| *level as u8);
    let former = std::mem::replace(&mut *SINK.write(), sink.map(|(sink, _)| sink));
    // Relaxed: only a filter; a record too many or too few around the switch is harmless.
    LEVEL.store(level, Ordering::Relaxed);
    former
}

/// Turns the log off without touching the sink: for the child of a fork, where a thread that is gone may
/// have held the sink's lock.
pub fn silence() {
    LEVEL.store(0, Ordering::Relaxed);
}

/// True when a record of `level` would reach a sink.
pub fn enabled(level: Level) -> bool {
    level as u8 <= LEVEL.load(Ordering::Relaxed)
}

/// Hands one record to the sink, if there is one that wants it.
pub fn emit(level: Level, target: &str, message: fmt::Arguments<'_>) {
    if !enabled(level) {
        return;
    }
    let guard = SINK.read_recursive();
    if let Some(sink) = guard.as_ref() {
        sink(Record { level, target, message: &message.to_string() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;
    use std::sync::mpsc::sync_channel;
    use std::time::Duration;

    /// There is one sink, so one test at a time.
    static TURN: Mutex<()> = Mutex::new(());

    #[test]
    fn records_reach_the_sink_by_level_and_stop_when_it_is_removed() {
        let _turn = TURN.lock();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&seen);
        let sink: Sink = Arc::new(move |record| {
            if record.target == "log-test" {
                keep.lock().push(record.message.to_owned());
            }
        });
        set_sink(Some((sink, Level::Warn)));
        emit(Level::Warn, "log-test", format_args!("kept {}", 1));
        emit(Level::Info, "log-test", format_args!("below the level"));
        set_sink(None);
        emit(Level::Error, "log-test", format_args!("no sink"));
        assert_eq!(*seen.lock(), ["kept 1"]);
    }
    /// As a host does that ends its logging thread with the sink.
    struct Joins;

    impl Drop for Joins {
        fn drop(&mut self) {
            let speaker = std::thread::spawn(|| emit(Level::Error, "log-test", format_args!("meanwhile")));
            speaker.join().expect("no panic");
        }
    }

    #[test]
    fn a_sink_is_dropped_while_others_may_log() {
        let _turn = TURN.lock();
        let (done, ended) = sync_channel(1);
        std::thread::spawn(move || {
            let joins = Joins;
            let sink: Sink = Arc::new(move |_| {
                let _ = &joins;
            });
            set_sink(Some((sink, Level::Error)));
            set_sink(None);
            done.send(()).expect("somebody waits");
        });
        ended.recv_timeout(Duration::from_secs(60)).expect("the drop waits for a lock of the log");
    }
}
