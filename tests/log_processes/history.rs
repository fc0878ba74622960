//! What clients did, when, and what they were told: a history, as lines of JSON.
//!
//! # Model
//! The object is a list. `append` puts a value at its end and is answered with its place, counted from 1; `read` is
//! answered with the length of the list and a digest of all of it. No value is appended by two operations.
//!
//! One line is one operation:
//! ```text
//! {"process":3,"operation":"append","value":17,"call":120,"return":950,"outcome":"ok","place":12,"index":15}
//! {"process":3,"operation":"read","call":960,"return":1200,"outcome":"ok","length":12,"digest":"00c0..."}
//! {"process":4,"operation":"append","value":18,"call":990,"return":null,"outcome":"info","why":"no answer"}
//! ```
//! - `process` does one operation after the other. One that got no answer to an operation does none after it.
//! - `call` and `return` are nanoseconds of one clock. `index` is the place in the log, for people.
//! - `outcome` is `ok`; `fail`: it has not happened and never will; `info`: nobody knows, it may happen even later,
//!   so it has no `return`.
//! - the digest of an empty list is 0, each value makes it `mix(digest ^ (value + 0x9e3779b97f4a7c15))` (see [`digest`]); 16 hex digits.
//!
//! So the state of the object is two numbers, which is all that a model for a checker such as Porcupine or Knossos
//! needs: `append` at place p: length must be p - 1, then it is p, and the digest is mixed. `read`: both are equal.
//! The last line is a read of the whole list after everything.

use std::fmt::Write;
use std::path::Path;

/// Where histories are kept, if that is said; they are checked in any case.
const KEEP: &str = "DUO_HISTORIES";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Append(u64),
    Read,
}

/// What somebody was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is at this place.
    Appended {
        place: u64,
        index: u64,
    },
    /// This was the list.
    Seen {
        length: u64,
        digest: u64,
    },
    Failed(String),
    Unknown(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) process: u64,
    pub(crate) operation: Operation,
    pub(crate) call: u64,
    pub(crate) returned: u64,
    pub(crate) outcome: Outcome,
}

impl Record {
    pub(crate) fn is_ok(&self) -> bool {
        matches!(self.outcome, Outcome::Appended { .. } | Outcome::Seen { .. })
    }

    /// One line of JSON.
    pub(crate) fn line(&self) -> String {
        let mut line = format!("{{\"process\":{},", self.process);
        let _ = match self.operation {
            Operation::Append(value) => write!(line, "\"operation\":\"append\",\"value\":{value},"),
            Operation::Read => write!(line, "\"operation\":\"read\","),
        };
        let returned = match self.outcome {
            Outcome::Unknown(_) => "null".to_owned(),
            _ => self.returned.to_string(),
        };
        let _ = write!(line, "\"call\":{},\"return\":{returned},", self.call);
        let _ = match &self.outcome {
            Outcome::Appended { place, index } => {
                write!(line, "\"outcome\":\"ok\",\"place\":{place},\"index\":{index}}}")
            }
            Outcome::Seen { length, digest } => {
                write!(line, "\"outcome\":\"ok\",\"length\":{length},\"digest\":\"{digest:016x}\"}}")
            }
            Outcome::Failed(why) => write!(line, "\"outcome\":\"fail\",\"why\":\"{}\"}}", quoted(why)),
            Outcome::Unknown(why) => write!(line, "\"outcome\":\"info\",\"why\":\"{}\"}}", quoted(why)),
        };
        line
    }
}

fn quoted(text: &str) -> String {
    text.chars().map(|one| if one == '"' || one == '\\' || one.is_control() { '\'' } else { one }).collect()
}

/// The digest of a list one value longer: the finaliser of SplitMix64 over both.
pub(crate) const fn digest(before: u64, value: u64) -> u64 {
    let mut mixed = before ^ value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Writes the history where `DUO_HISTORIES` says, as `name.jsonl`.
pub(crate) fn keep(name: &str, records: &[Record]) {
    let Some(folder) = std::env::var_os(KEEP) else { return };
    std::fs::create_dir_all(&folder).expect("a folder for histories");
    write(&Path::new(&folder).join(name).with_extension("jsonl"), records);
}

pub(crate) fn write(path: &Path, records: &[Record]) {
    let lines: String = records.iter().map(|record| record.line() + "\n").collect();
    std::fs::write(path, lines).expect("there is room");
}

#[test]
fn a_record_is_one_line_of_json() {
    let record = |operation, outcome| Record { process: 3, operation, call: 120, returned: 950, outcome };
    let lines = [
        record(Operation::Append(17), Outcome::Appended { place: 12, index: 15 }).line(),
        record(Operation::Read, Outcome::Seen { length: 1, digest: 0xc0 }).line(),
        record(Operation::Append(18), Outcome::Failed("n2 \"leads\"".to_owned())).line(),
        record(Operation::Read, Outcome::Unknown("no answer".to_owned())).line(),
    ];
    assert_eq!(
        lines,
        [
            r#"{"process":3,"operation":"append","value":17,"call":120,"return":950,"outcome":"ok","place":12,"index":15}"#,
            r#"{"process":3,"operation":"read","call":120,"return":950,"outcome":"ok","length":1,"digest":"00000000000000c0"}"#,
            r#"{"process":3,"operation":"append","value":18,"call":120,"return":950,"outcome":"fail","why":"n2 'leads'"}"#,
            r#"{"process":3,"operation":"read","call":120,"return":null,"outcome":"info","why":"no answer"}"#,
        ]
    );
}
