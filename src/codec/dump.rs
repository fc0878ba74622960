//! Worked dumps in documents: what they show is what is written, or a test fails.

use std::fmt::Write;
use std::path::Path;

/// Offset, bytes, and the same as text.
pub(crate) fn dump(bytes: &[u8], offset: usize) -> String {
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

/// Compares the block behind `<!-- name -->` in a document with `dump`, for each of `sections`.
/// `DUO_UPDATE_DOCS=1` writes them anew.
pub(crate) fn hold(document: &str, sections: &[(&str, String)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    let found = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{document}: {error}"));
    let mut expected = found.clone();
    for (name, dump) in sections {
        let begin = format!("<!-- {name} -->\n```text\n");
        let start = expected.find(&begin).unwrap_or_else(|| panic!("no mark for {name}")) + begin.len();
        let end = start + expected[start..].find("```").expect("the block ends");
        expected.replace_range(start..end, dump);
    }
    if std::env::var_os("DUO_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &expected).unwrap_or_else(|error| panic!("{document}: {error}"));
    }
    assert!(found == expected, "{document} is not what is written: DUO_UPDATE_DOCS=1 cargo test --lib dumps");
}
