//! `docs/config.md` says what the table of keys says; `DUO_UPDATE_DOCS=1` rewrites it.

use duochain::node::{KEYS, Key};
use std::fmt::Write;
use std::path::Path;

const OPENING: &str = "# Configuration

Generated from the table in `src/node/config/keys.rs`; the same table checks every value, whichever
way it comes: TOML (`[queue]` and `lanes = 2`, or `queue.lanes = 2`), `Config::set` in Rust,
`duo_config_set` in C, the builders in C++, Java and Python. A wrong key or value is refused with its
name, what is allowed, and the nearest key there is.

A minimal file:

```toml
data_dir = \"ledger\"
```
";

fn entry(text: &mut String, key: &Key) {
    let default = if key.default.is_empty() { "none".to_owned() } else { format!("`{}`", key.default) };
    let unit = if key.unit.is_empty() { String::new() } else { format!(" in {}", key.unit) };
    let Key { name, range, meaning, consequence, .. } = key;
    write!(
        text,
        "\n## `{name}`\n\n{meaning}\n\n- {}{unit}; default {default}; allowed: {range}\n- Set badly: {consequence}\n",
        key.kind.name()
    )
    .expect("a string grows");
}

fn reference() -> String {
    let mut text = OPENING.to_owned();
    for key in KEYS {
        entry(&mut text, key);
    }
    text
}

#[test]
fn the_reference_in_docs_matches_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/config.md");
    let expected = reference();
    if std::env::var_os("DUO_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &expected).expect("docs/config.md is writable");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/config.md is not what the table says: DUO_UPDATE_DOCS=1 cargo test --test config_reference"
    );
}

#[test]
fn every_key_says_what_it_does_and_what_breaks() {
    for key in KEYS {
        for sentence in [key.meaning, key.consequence] {
            assert!(
                sentence.ends_with('.') && sentence.split_whitespace().count() >= 3,
                "{}: {sentence}",
                key.name
            );
        }
        assert!(!key.range.is_empty(), "{}", key.name);
    }
}
