//! A checker that shares no code with the writer of histories, on one that was recorded while leaders were killed: it accepts
//! that, and refuses it with any of some lies.

use super::clients::under_load;
use super::cluster::Cluster;
use super::history::{self, Operation, Outcome, Record};
use super::judge::judge;
use super::kills::progress;
use super::support::Scratch;
use super::tools;
use std::path::Path;
use std::process::Command;

/// Its status, and what it says.
fn verdict(path: &Path) -> (Option<i32>, String) {
    let checker = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/log_processes/outside.py");
    let output = Command::new("python3").arg(checker).arg(path).output().expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

/// A history of two clients that give up, which leave operations that nobody knows of, and two that do not.
fn recorded() -> (Vec<u64>, Vec<Record>) {
    let cluster = Cluster::new("outside", 3);
    under_load(&cluster, 4, || {
        for _ in 0..3 {
            progress(&cluster, 100);
            let leader = cluster.leader();
            cluster.kill(leader);
            progress(&cluster, 20);
            cluster.start(leader).expect("it starts again");
        }
        progress(&cluster, 100);
    });
    cluster.finish_with_history()
}

/// Places of the records of which `is_so` holds.
fn places(records: &[Record], is_so: impl Fn(&Record) -> bool) -> Vec<usize> {
    (0..records.len()).filter(|at| is_so(&records[*at])).collect()
}

const fn is_append(record: &Record) -> bool {
    matches!(record.outcome, Outcome::Appended { .. })
}

const fn is_read(record: &Record) -> bool {
    matches!(record.outcome, Outcome::Seen { .. })
}

/// The history with one thing that was not so.
fn lies(records: &[Record]) -> Vec<(&'static str, Vec<Record>)> {
    let (appends, reads) = (places(records, is_append), places(records, is_read));
    let (early, late) = (appends[appends.len() / 3], appends[2 * appends.len() / 3]);
    // Of a list with something in it, and long before the end.
    let seen = |at: &usize| matches!(records[*at].outcome, Outcome::Seen { length: 50.., .. });
    let read = *reads.iter().find(|at| seen(at)).expect("a tenth of what clients do");
    let stale = *reads.last().expect("the last line");
    let lie = |change: &dyn Fn(&mut Vec<Record>)| {
        let mut records = records.to_vec();
        change(&mut records);
        records
    };
    let swapped = lie(&|records| {
        let operation = records[early].operation;
        records[early].operation = records[late].operation;
        records[late].operation = operation;
    });
    vec![
        (
            "an acknowledged append is said to have failed",
            lie(&|records| {
                records[early].outcome = Outcome::Failed("never".to_owned());
            }),
        ),
        ("an acknowledged append is not there", lie(&|records| drop(records.remove(late)))),
        ("two appends have each other's places", swapped),
        (
            "a read saw another list",
            lie(&|records| {
                if let Outcome::Seen { digest, .. } = &mut records[read].outcome {
                    *digest ^= 1;
                }
            }),
        ),
        ("the last read is stale", lie(&|records| records[stale].outcome = records[read].outcome.clone())),
        (
            "a value is appended that is nowhere",
            lie(&|records| {
                let Outcome::Appended { place, index } = records[late].outcome else { return };
                let outcome = Outcome::Appended { place: place + 1_000_000, index: index + 1_000_000 };
                let operation = Operation::Append(u64::MAX >> 1);
                let process = u64::MAX >> 1;
                records.push(Record { process, operation, outcome, ..records[late].clone() });
            }),
        ),
    ]
}

#[test]
fn another_checker_accepts_what_was_recorded_and_refuses_every_lie() {
    if !tools::has("python3") {
        return;
    }
    let (list, records) = recorded();
    let scratch = Scratch::new("outside");
    let path = scratch.path().join("history.jsonl");
    history::write(&path, &records);
    let (status, text) = verdict(&path);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains(&format!("{} operations: linearizable", records.len())), "{text}");
    for (what, records) in lies(&records) {
        assert!(judge(&records, &list).is_err(), "{what}: the test's own checker too");
        history::write(&path, &records);
        let (status, text) = verdict(&path);
        assert_eq!(status, Some(1), "{what}: {text}");
    }
    std::fs::write(&path, "{}\n").expect("there is room");
    assert_eq!(verdict(&path).0, Some(2), "no history");
}
