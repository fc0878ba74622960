//! Reads the files of vectors.

use std::collections::BTreeMap;
use std::path::Path;

/// One case.
pub(crate) struct Case {
    pub(crate) name: String,
    values: BTreeMap<String, Vec<u8>>,
}

impl Case {
    pub(crate) fn bytes(&self, name: &str) -> &[u8] {
        self.values.get(name).unwrap_or_else(|| panic!("{} has no {name}", self.name))
    }

    pub(crate) fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        let bytes = self.bytes(name);
        bytes.try_into().unwrap_or_else(|_| panic!("{}: {name} has {} bytes", self.name, bytes.len()))
    }
}

/// The cases of a file.
pub(crate) fn read(file: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crypto_vectors").join(file);
    let text = std::fs::read_to_string(path).expect("readable");
    let mut cases: Vec<Case> = Vec::new();
    let mut current = String::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, value) = line.split_once(' ').unwrap_or((line, ""));
        if name == "case" {
            cases.push(Case { name: value.trim().to_owned(), values: BTreeMap::new() });
            continue;
        }
        if !name.is_empty() {
            name.clone_into(&mut current);
        }
        let values = &mut cases.last_mut().expect("a case comes first").values;
        values.entry(current.clone()).or_default().extend(hex(value.trim()));
    }
    cases
}

fn hex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "{text}");
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits");
    (0..text.len()).step_by(2).map(digits).collect()
}
