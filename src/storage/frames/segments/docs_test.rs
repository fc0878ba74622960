//! The dumps in `docs/log-format.md` are what is written; `DUO_UPDATE_DOCS=1` writes them anew.

use super::format::{self, Cut, Prefix};
use crate::frame::{Entry, Frame, FrameBuilder, FrameLimits, Origin, Seal};
use crate::types::{Index, LaneId, Term, UnixNanos};
use std::fmt::Write;
use std::path::Path;

const SALT: u64 = 0x1122_3344_5566_7788;

/// Offset, bytes, and the same as text.
fn dump(bytes: &[u8], offset: usize) -> String {
    let mut text = String::new();
    for (number, row) in bytes.chunks(16).enumerate() {
        let hex: Vec<String> = row
            .chunks(8)
            .map(|half| half.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "))
            .collect();
        let shown = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' };
        let plain: String = row.iter().map(shown).collect();
        writeln!(text, "{:06x}  {:<48} |{plain}|", offset + number * 16, hex.join("  ")).unwrap();
    }
    text
}

fn frame() -> Frame {
    let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::new(1));
    for (bytes, sequence) in [(&b"pay 7 to ada"[..], 9), (b"hi", 10)] {
        let origin = Origin { session: 5, sequence };
        builder.push(Entry { bytes, origin, id: None }).unwrap();
    }
    let time = UnixNanos::new(1_700_000_000_000_000_000);
    let seal = Seal { term: Term::new(3), base: Index::new(17), time };
    Frame::new(seal, builder.finish().unwrap())
}

fn sections() -> Vec<(&'static str, String)> {
    let frame = frame();
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    let mut record = Vec::new();
    let prefix = Prefix { base: frame.base(), durable: Index::new(16), generation: 1 };
    format::encode_head(prefix, SALT, &frame.header(), &mut record);
    let behind = Prefix { base: Index::new(19), durable: Index::new(18), generation: 1 };
    let (cut_at, cut) = Cut { generation: 1, at: format::RECORDS_AT }.encode(SALT);
    vec![
        ("frame", dump(&bytes, 0)),
        ("identity", dump(&format::page(SALT)[..32], 0)),
        ("cut", dump(&cut, cut_at as usize)),
        ("record", dump(&record[..format::PREFIX_BYTES], format::RECORDS_AT as usize)),
        ("mark", dump(&format::encode_mark(behind, SALT), format::RECORDS_AT as usize + 32 + bytes.len())),
    ]
}

#[test]
fn the_dumps_in_docs_are_what_is_written() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/log-format.md");
    let found = std::fs::read_to_string(&path).expect("docs/log-format.md is readable");
    let mut expected = found.clone();
    for (name, dump) in sections() {
        let begin = format!("<!-- {name} -->\n```text\n");
        let start = expected.find(&begin).unwrap_or_else(|| panic!("no mark for {name}")) + begin.len();
        let end = start + expected[start..].find("```").expect("the block ends");
        expected.replace_range(start..end, &dump);
    }
    if std::env::var_os("DUO_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &expected).expect("docs/log-format.md is writable");
    }
    assert!(found == expected, "not what is written: DUO_UPDATE_DOCS=1 cargo test --lib docs_test");
}
