//! The dump in `docs/snapshot-format.md` is what is written; `DUO_UPDATE_DOCS=1` writes it anew.

use super::SnapshotHead;
use super::format::Kind;
use super::snapshots_test::of_blocks;
use crate::types::{ClusterId, Index, LogId, Term, UnixNanos};
use std::fmt::Write;
use std::path::Path;

/// Offset, bytes, and the same as text.
fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (number, row) in bytes.chunks(16).enumerate() {
        let hex: Vec<String> = row
            .chunks(8)
            .map(|half| half.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "))
            .collect();
        let shown = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' };
        let plain: String = row.iter().map(shown).collect();
        writeln!(text, "{:06x}  {:<48} |{plain}|", number * 16, hex.join("  ")).unwrap();
    }
    text
}

#[test]
fn the_dump_in_docs_is_what_is_written() {
    let last = LogId::new(Term::new(3), Index::new(18));
    let time = UnixNanos::new(1_700_000_000_000_000_000);
    let head = SnapshotHead { cluster: ClusterId(*b"example of a log"), last, time };
    let dump = dump(&of_blocks(head, &[(Kind::Section, b"host"), (Kind::Data, b"ada has 7")]));

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/snapshot-format.md");
    let found = std::fs::read_to_string(&path).expect("docs/snapshot-format.md is readable");
    let begin = "<!-- snapshot -->\n```text\n";
    let start = found.find(begin).expect("there is a mark") + begin.len();
    let end = start + found[start..].find("```").expect("the block ends");
    let mut expected = found.clone();
    expected.replace_range(start..end, &dump);
    if std::env::var_os("DUO_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &expected).expect("docs/snapshot-format.md is writable");
    }
    assert!(found == expected, "not what is written: DUO_UPDATE_DOCS=1 cargo test --lib docs_test");
}
