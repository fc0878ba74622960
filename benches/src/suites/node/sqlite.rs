//! The peer: SQLite, what programs embed today when they need a durable history.
//!
//! Built the way one would build it there: producers put into a bounded channel, one thread writes all that
//! waits in one transaction of the database, and what is committed is final. Each row has the id that our
//! chain would give it as its key, so that duplicates are refused; there is no Merkle root and no chain of
//! hashes, so the peer does less.

use super::load::{Load, Outcome};
use crate::AnyError;
use duochain::crypto::hash;
use duochain::env::{Clock, SystemClock};
use duochain::types::{ChainId, Tick};
use rusqlite::{Connection, params};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

/// As many as wait in our queue or fit into one of our blocks.
const BATCH_MAX: usize = 65_536;
const SCHEMA: &str =
    "CREATE TABLE tx (id BLOB PRIMARY KEY, height INTEGER, position INTEGER, bytes BLOB) STRICT";

type Submission = (Tick, Vec<u8>);

/// The library's version.
pub(super) fn version() -> &'static str {
    rusqlite::version()
}

/// Runs a load through a fresh database; in memory without a directory, else in a file inside of it.
pub(super) fn run(load: &Load, directory: Option<&Path>) -> Result<Outcome, AnyError> {
    let mut database = match directory {
        None => Connection::open_in_memory()?,
        Some(directory) => Connection::open(directory.join("ledger.db"))?,
    };
    if directory.is_some() {
        // A commit is on the disk when it returns, as our blocks are.
        database.pragma_update(None, "journal_mode", "WAL")?;
        database.pragma_update(None, "synchronous", "FULL")?;
    }
    database.execute_batch(SCHEMA)?;
    let clock = SystemClock::new();
    let (sender, receiver) = sync_channel::<Submission>(BATCH_MAX);
    let place = &mut database;
    let latencies = std::thread::scope(|scope| {
        let writer = scope.spawn(move || write(place, &receiver, clock).map_err(|error| error.to_string()));
        let fed = load.feed(|transaction| Ok(sender.send((clock.now(), transaction.to_vec()))?));
        drop(sender); // the writer ends when it has written the rest
        let written = writer.join().map_err(|_| "the writer panicked")?;
        // Its error comes first: it is why the feeder could not go on.
        let latencies = written.map_err(AnyError::from)?;
        fed.map(|()| latencies)
    })?;
    let seconds = clock.now().as_nanos() as f64 / 1e9;
    verify(&database, load)?;
    Ok(Outcome { seconds, latencies })
}

/// Commits what waits, again and again, until no more can come; the times from submit to commit.
fn write(
    database: &mut Connection,
    submissions: &Receiver<Submission>,
    clock: SystemClock,
) -> Result<Vec<f64>, AnyError> {
    let database = &*database;
    let mut insert = database.prepare("INSERT INTO tx VALUES (?1, ?2, ?3, ?4)")?;
    let mut latencies = Vec::new();
    let mut height = 0;
    while let Ok(first) = submissions.recv() {
        height += 1;
        let waiting = submissions.try_iter().take(BATCH_MAX - 1);
        let mut submitted = Vec::new();
        let transaction = database.unchecked_transaction()?;
        for (position, (tick, bytes)) in std::iter::once(first).chain(waiting).enumerate() {
            let id = hash::transaction(ChainId::Delta, &bytes);
            insert.execute(params![&id.as_bytes()[..], height, position as i64, bytes])?;
            submitted.push(tick);
        }
        transaction.commit()?;
        let now = clock.now();
        latencies.extend(submitted.into_iter().map(|tick| now.since(tick).as_secs_f64() * 1e3));
    }
    Ok(latencies)
}

/// Reads every row back and compares it with what was sent.
fn verify(database: &Connection, load: &Load) -> Result<(), AnyError> {
    let mut expectation = load.expectation();
    let mut statement = database.prepare("SELECT bytes FROM tx ORDER BY height, position")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        expectation.found(row.get_ref(0)?.as_blob()?)?;
    }
    expectation.expect_complete()
}
