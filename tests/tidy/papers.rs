//! The tests of the Raft paper: each says which sentence it proves, and each rule of the paper names its tests.

use crate::tree::File;

const FOLDER: &str = "tests/raft_paper/";
/// Rules of the paper, one a line: section, what it says, and its tests, or `-` and why there is none.
const SENTENCES: &str = "tests/raft_paper/sentences.txt";
/// What a test of a rule of our own begins with.
const OWN: &str = "Beyond the papers";

pub(crate) fn is_paper_test(file: &File) -> bool {
    file.path.starts_with(FOLDER) && file.path.ends_with(".rs")
}

/// Tests that do not begin with their source: `/// Raft §5.2: "the sentence"`, or the thesis, or a rule of our own.
pub(crate) fn check_sources(file: &File) -> Vec<String> {
    let lines: Vec<&str> = file.text.lines().collect();
    let tests = (0..lines.len()).filter(|at| lines[*at] == "#[test]");
    let unsaid = tests.filter(|at| {
        let docs = lines[..*at].iter().rev().take_while(|line| line.starts_with("///"));
        let docs: Vec<&str> = docs.map(|line| line.trim_start_matches("///").trim()).collect();
        !says_source(&docs.into_iter().rev().collect::<Vec<_>>().join(" "))
    });
    unsaid
        .map(|at| {
            let path = &file.path;
            format!("{path}:{}: say which sentence it proves: `/// Raft §5.2: \"...\"`, or `{OWN}`", at + 1)
        })
        .collect()
}

fn says_source(docs: &str) -> bool {
    let Some((source, sentence)) = docs.split_once(": \"") else { return false };
    let named = |mark: &str| {
        source.split(mark).nth(1).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let is_paper = source.starts_with("Raft") || source.starts_with("Thesis");
    let has_section = named("§") || named("figure ");
    let has_words = sentence.split_once('"').is_some_and(|(words, _)| words.split_whitespace().count() > 1);
    has_words && (source == OWN || is_paper && has_section)
}

/// Rules of the paper whose tests are not there.
pub(crate) fn check_sentences(files: &[File]) -> Vec<String> {
    let Some(list) = files.iter().find(|file| file.path == SENTENCES) else {
        return vec![format!("{SENTENCES}: it is gone")];
    };
    let lines = list.text.lines().zip(1..).filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    let complaints = lines.flat_map(|(line, number)| {
        let fields: Vec<&str> = line.split(" | ").collect();
        let missing: Vec<String> = match fields[..] {
            [_, _, tests] if tests.starts_with("- ") => Vec::new(),
            [_, _, tests] => {
                let missing = tests.split(", ").filter(|test| !has_test(files, test));
                missing.map(|test| format!("no test `{test}`")).collect()
            }
            _ => vec!["section | rule | tests".to_owned()],
        };
        missing.into_iter().map(move |what| format!("{SENTENCES}:{number}: {what}"))
    });
    complaints.collect()
}

/// Whether there is this test, in the folder or in the file that it names.
fn has_test(files: &[File], test: &str) -> bool {
    let (path, name) = test.rsplit_once("::").unwrap_or((FOLDER, test));
    let head = format!("fn {name}(");
    let is_in = |file: &File| {
        let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
        lines.windows(2).any(|pair| pair[0] == "#[test]" && pair[1].starts_with(&head))
    };
    files.iter().filter(|file| file.path.starts_with(path)).any(is_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(docs: &str) -> File {
        File::sample("tests/raft_paper/a.rs", &format!("use x;\n\n{docs}#[test]\nfn it_does() {{}}\n"))
    }

    #[test]
    fn a_test_that_does_not_say_what_it_proves_is_named_by_line() {
        for docs in [
            "",
            "/// It works.\n",
            "/// Raft: \"At most one leader.\"\n",
            "/// Raft §5.2: at most one leader.\n",
            "/// Raft §x: \"At most one leader.\"\n",
            "/// Raft §5.2: \"\"\n",
            "/// Paxos §5.2: \"At most one leader.\"\n",
            "/// Raft §5.2: \"At most one leader.\"\n\n",
        ] {
            let found = check_sources(&sample(docs));
            assert_eq!(found.len(), 1, "{docs}");
            assert!(
                found[0].starts_with(&format!("tests/raft_paper/a.rs:{}:", 3 + docs.lines().count())),
                "{found:?}"
            );
        }
        for docs in [
            "/// Raft §5.2: \"At most one leader.\"\n",
            "/// Raft, figure 2, followers: \"Respond to\n/// RPCs.\" Always.\n",
            "/// Thesis §9.6: \"It asks first.\"\n///\n/// And more.\n",
            "/// Beyond the papers: \"Memory is bounded.\"\n",
        ] {
            assert_eq!(check_sources(&sample(docs)), Vec::<String>::new(), "{docs}");
        }
    }

    #[test]
    fn a_rule_whose_test_is_not_there_is_named() {
        let list = |text: &str| {
            let there = File::sample("src/b.rs", "    #[test]\n    fn that_too() {}\n");
            check_sentences(&[File::sample(SENTENCES, text), sample(""), there])
        };
        assert_eq!(
            list("# head\n\n5.2 | one leader | it_does, src/b.rs::that_too\n8 | clients | - none here\n"),
            [""; 0]
        );
        assert_eq!(list("5.2 | one leader | it_did\n").len(), 1);
        assert_eq!(list("5.2 | one leader | that_too\n").len(), 1, "it is elsewhere");
        assert_eq!(list("5.2 | one leader | src/b.rs::it_does\n").len(), 1);
        assert_eq!(list("5.2 | one leader\n").len(), 1);
        assert_eq!(check_sentences(&[]).len(), 1);
    }
}
