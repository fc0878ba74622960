//! What the main job says, word for word, whatever it is written in.

use crate::feed;
use crate::workshop::Workshop;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const USAGE: &str = "usage: run [--input PATH|-] [--count N] [--seed S] [--producers P] [--scale N] [--data-dir DIR] \
                     [--backend fjall|rocksdb|memory]";
const TABLE: &str =
    "chain    blocks   final  transactions  duplicates     tx/s        p50        p99  restarts";

struct Job<'a> {
    workshop: &'a Workshop,
    program: &'a Path,
}

/// Runs all of it.
pub(crate) fn main_job(workshop: &Workshop, program: &Path) {
    let job = Job { workshop, program };
    job.proves_what_it_generates();
    job.goes_on_where_an_earlier_run_stopped();
    job.counts_repeated_records();
    job.refuses_broken_input();
    job.refuses_wrong_arguments();
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Records with their lengths.
fn framed<'a>(records: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in records {
        bytes.extend_from_slice(&u32::try_from(record.len()).expect("small").to_le_bytes());
        bytes.extend_from_slice(record);
    }
    bytes
}

impl Job<'_> {
    fn run(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = Command::new(self.program);
        self.workshop.prepare(command.args(arguments));
        feed(&mut command, input)
    }

    /// Exit status 0 and the lines of standard output.
    fn verifies(&self, arguments: &[&str], input: &[u8]) -> Vec<String> {
        let output = self.run(arguments, input);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!((output.status.code(), err.as_str()), (Some(0), ""), "{arguments:?}\n{out}");
        let lines: Vec<String> = out.lines().map(str::to_owned).collect();
        assert!(lines.len() > 6, "{out}");
        assert_eq!(lines[lines.len() - 4], TABLE);
        lines
    }

    /// Exit status 2 and exactly these words.
    fn refuses(&self, arguments: &[&str], input: &[u8], words: &str) {
        let output = self.run(arguments, input);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!((output.status.code(), err), (Some(2), format!("run: {words}\n")), "{arguments:?}\n{out}");
        assert!(!out.contains("verified"), "{out}");
    }

    fn proves_what_it_generates(&self) {
        let arguments = ["--count", "300", "--producers", "3", "--backend", "memory", "--scale", "1000"];
        let lines = self.verifies(&arguments, &[]);
        assert_eq!(lines[0], "transactions: 300 generated, 3 producers, memory store, time scale 1/1000");
        assert!(
            lines[1].starts_with("alpha  height ") && lines[2].starts_with("delta  height "),
            "{lines:?}"
        );
        assert_eq!(lines[lines.len() - 1], verdict(300, 300));
    }

    fn goes_on_where_an_earlier_run_stopped(&self) {
        let folder = self.workshop.folder().join("ledger");
        let _ = fs::remove_dir_all(&folder);
        let folder = folder.to_string_lossy();
        for (count, finals) in [("100", 100), ("250", 150), ("250", 0)] {
            let arguments = ["--count", count, "--data-dir", &folder, "--scale", "300"];
            let lines = self.verifies(&arguments, &[]);
            let sent = count.parse().expect("a number");
            assert_eq!(lines[lines.len() - 1], verdict(sent, finals));
            for row in &lines[lines.len() - 3..lines.len() - 1] {
                let cells: Vec<&str> = row.split_whitespace().collect();
                let numbers = [finals, sent - finals].map(|number| number.to_string());
                assert_eq!(cells[3..5], numbers, "{row}");
            }
        }
    }

    fn counts_repeated_records(&self) {
        let unique: Vec<Vec<u8>> = (0..40).map(|number| format!("record {number}").into_bytes()).collect();
        let repeated = unique.iter().chain(unique.iter().rev()).chain(&unique[7..17]);
        let input = framed(repeated.map(Vec::as_slice));
        let arguments = ["--input", "-", "--backend", "memory", "--scale", "1000"];
        let lines = self.verifies(&arguments, &input);
        assert_eq!(lines[0], "transactions: -, 4 producers, memory store, time scale 1/1000");
        assert_eq!(lines[lines.len() - 1], verdict(90, 40));
        assert_eq!(self.verifies(&arguments, &[]).last(), Some(&verdict(0, 0)));
    }

    fn refuses_broken_input(&self) {
        let file = self.workshop.folder().join("broken.txs");
        let path = file.to_string_lossy();
        let tails: [(&[u8], &str); 5] = [
            (&[5, 0], "ends inside its length, after 2 of 4 bytes"),
            (&[5, 0, 0, 0, b'a', b'b', b'c'], "ends after 3 of 5 bytes"),
            (&[0, 0, 0, 0], "states a length of 0; 1 to 1048576 are allowed"),
            (&[1, 0, 16, 0], "states a length of 1048577; 1 to 1048576 are allowed"),
            (&[255; 8], "states a length of 4294967295; 1 to 1048576 are allowed"),
        ];
        for (tail, what) in tails {
            let mut input = framed([b"one".as_slice()]);
            input.extend_from_slice(tail);
            fs::write(&file, &input).expect("a file");
            let fault = |name: &str| format!("INPUT {name}: record 1 at offset 7: {what}");
            let arguments = ["--backend", "memory", "--scale", "1000", "--input"];
            self.refuses(&[&arguments[..], &[&path]].concat(), &[], &fault(&path));
            self.refuses(&[&arguments[..], &["-"]].concat(), &input, &fault("standard input"));
        }
        self.refuses(&["--input", "no/file"], &[], "INPUT no/file: No such file or directory");
    }

    fn refuses_wrong_arguments(&self) {
        let from_1_to = |given: &str, max: &str| format!("{given}: a number from 1 to {max} is needed");
        self.refuses(&["--count", "0"], &[], &from_1_to("--count 0", "100000000"));
        self.refuses(&["--count", "1_0"], &[], &from_1_to("--count 1_0", "100000000"));
        self.refuses(&["--seed", "-1"], &[], &from_1_to("--seed -1", "18446744073709551615"));
        self.refuses(&["--producers", "1025"], &[], &from_1_to("--producers 1025", "1024"));
        self.refuses(&["--scale", "10001"], &[], &from_1_to("--scale 10001", "10000"));
        self.refuses(&["--count"], &[], &format!("--count needs a value\n{USAGE}"));
        self.refuses(&["--nonsense", "1"], &[], &format!("unknown option --nonsense\n{USAGE}"));
        let words = "`storage.backend` = `paper`: is not one of the words; allowed: fjall, memory or rocksdb";
        self.refuses(&["--backend", "paper"], &[], words);
    }
}

fn verdict(sent: u64, finals: u64) -> String {
    format!(
        "verified: {sent} sent, {finals} final on alpha, {finals} final on delta, none lost, none twice, in order, \
         digests equal"
    )
}
