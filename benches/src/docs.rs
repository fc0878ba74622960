//! Writes the latest outcome of every suite into docs/benchmarks.md, between two marks.

use crate::record::Row;
use crate::report::{self, Run};
use crate::suites::{self, Suite};
use crate::{AnyError, paths, table};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;

const BEGIN: &str = "<!-- tables: written by make bench DOCS=1 -->\n";
const END: &str = "<!-- end of tables -->\n";
/// Most rows of one table; a suite with more gets one for each kind of scenario.
const ROWS_MAX: usize = 40;

/// Replaces what stands between the marks; the text around them is written by hand.
pub(crate) fn rewrite() -> Result<(), AnyError> {
    let path = paths::root().join("docs/benchmarks.md");
    let text = fs::read_to_string(&path)?;
    let (mut tables, mut is_news) = (String::new(), false);
    for suite in suites::ALL {
        match report::last(suite)? {
            Some((run, rows)) => {
                is_news = true;
                tables.push_str(&section(suite, &run, &rows));
            }
            None => tables.push_str(earlier(&text, suite.name).unwrap_or_default()),
        }
    }
    if !is_news {
        return Err("nothing was measured yet: run `make bench` first".into());
    }
    let text = replace(&text, &tables).ok_or("docs/benchmarks.md has lost its marks")?;
    fs::write(&path, text)?;
    writeln!(std::io::stdout(), "docs/benchmarks.md is up to date")?;
    Ok(())
}

fn section(suite: &Suite, run: &Run, rows: &[Row]) -> String {
    let mut text = format!("\n## {}\n\n{}\n\n", suite.name, suite.about);
    let _ = writeln!(text, "Machine: {}.", run.machine.describe());
    let _ = write!(text, "Revision {}, {}; ", run.revision, run.date);
    let _ = writeln!(text, "load before the run {:.2}.", run.machine.load_before);
    if run.quick {
        text.push_str("A quick run with few repetitions: not to be quoted.\n");
    }
    text.push('\n');
    if rows.len() <= ROWS_MAX {
        return text + &table::markdown(rows);
    }
    for part in rows.chunk_by(|a, b| a.section() == b.section()) {
        let _ = write!(text, "### {}: {}\n\n{}\n", suite.name, part[0].section(), table::markdown(part));
    }
    text
}

/// The section that stands there of a suite that was not measured in this tree.
fn earlier<'a>(text: &'a str, suite: &str) -> Option<&'a str> {
    let (_, tables) = text.split_once(BEGIN)?;
    let (tables, _) = tables.split_once(END)?;
    let begin = tables.find(&format!("\n## {suite}\n"))?;
    let rest = &tables[begin..];
    let section = &rest[..rest[1..].find("\n## ").map_or(rest.len(), |end| end + 1)];
    Some(&rest[..=section.trim_end_matches('\n').len()])
}

/// `None` when a mark is missing.
fn replace(text: &str, tables: &str) -> Option<String> {
    let (head, rest) = text.split_once(BEGIN)?;
    let (_, tail) = rest.split_once(END)?;
    Some(format!("{head}{BEGIN}{tables}\n{END}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use crate::record::tests::sample_row;

    #[test]
    fn only_what_lies_between_the_marks_changes() {
        let text = format!("head\n{BEGIN}old\n{END}tail\n");
        let once = replace(&text, "new\n").expect("both marks are there");
        assert!(once.starts_with("head\n") && once.ends_with("tail\n") && !once.contains("old"), "{once}");
        assert_eq!(replace(&once, "new\n").expect("the marks stay"), once);
        assert_eq!(replace("head\n", "new\n"), None);
    }

    #[test]
    fn a_suite_that_was_not_measured_keeps_its_section() {
        let tables = "\n## log\n\n| a |\n\n## node\n\n### node: x\n\n| b |\n";
        let text = format!("## log\n{BEGIN}{tables}\n{END}## node\n");
        assert_eq!(earlier(&text, "log"), Some("\n## log\n\n| a |\n"));
        assert_eq!(earlier(&text, "node"), Some("\n## node\n\n### node: x\n\n| b |\n"));
        assert_eq!(earlier(&text, "pool"), None);
        let kept: String = ["log", "node"].map(|suite| earlier(&text, suite).unwrap()).concat();
        assert_eq!(replace(&text, &kept).as_deref(), Some(&*text));
    }

    #[test]
    fn a_suite_of_many_rows_has_a_table_for_each_kind() {
        let mut rows = vec![sample_row(); ROWS_MAX];
        let run =
            Run { machine: Machine::default(), revision: String::new(), date: String::new(), quick: false };
        assert_eq!(section(&suites::ALL[0], &run, &rows).matches("###").count(), 0);
        let mut other = sample_row();
        other.scenario = "Java: enqueue".into();
        rows.extend([other.clone(), other]);
        let text = section(&suites::ALL[0], &run, &rows);
        assert_eq!(text.matches("| scenario |").count(), 2, "{text}");
        assert!(text.contains(": C\n") && text.contains(": Java\n"), "{text}");
    }

    #[test]
    fn a_section_names_the_machine_and_a_quick_run() {
        let machine = Machine { cpu: "Fast CPU".into(), ..Machine::default() };
        let run = Run { machine, revision: "abc".into(), date: "2026-01-01".into(), quick: true };
        let text = section(&suites::ALL[0], &run, &[sample_row()]);
        for part in ["Fast CPU", "abc", "quick run", "**LOST**"] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }
}
