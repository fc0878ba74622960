//! Records: a 4-byte little-endian length and that many bytes, from a file, a pipe or the generator.

use crate::generator::Generator;
use std::io::{BufReader, Read};

/// Largest record: the node's default for a transaction.
const RECORD_BYTES_MAX: usize = 1 << 20;

enum Source {
    Generated { generator: Generator, left: u64 },
    Stream { name: String, reader: BufReader<Box<dyn Read + Send>>, record: u64, offset: u64 },
}

/// An iterator over transactions; ends at the first fault.
pub struct Records {
    source: Source,
    failed: bool,
}

impl Records {
    /// `count` generated transactions.
    pub const fn generated(generator: Generator, count: u64) -> Self {
        Self { source: Source::Generated { generator, left: count }, failed: false }
    }

    /// Records of a stream.
    pub fn read(name: &str, stream: Box<dyn Read + Send>) -> Self {
        let reader = BufReader::with_capacity(1 << 16, stream);
        Self { source: Source::Stream { name: name.to_owned(), reader, record: 0, offset: 0 }, failed: false }
    }
}

impl Iterator for Records {
    type Item = Result<Vec<u8>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let record = match &mut self.source {
            Source::Generated { left: 0, .. } => None,
            Source::Generated { generator, left } => {
                *left -= 1;
                Some(Ok(generator.transaction()))
            }
            Source::Stream { name, reader, record, offset } => {
                read_record(name, reader, record, offset).transpose()
            }
        };
        self.failed = matches!(record, Some(Err(_)));
        record
    }
}

fn read_record(
    name: &str,
    reader: &mut impl Read,
    record: &mut u64,
    offset: &mut u64,
) -> Result<Option<Vec<u8>>, String> {
    let fault = |what: String| format!("INPUT {name}: record {record} at offset {offset}: {what}");
    let mut prefix = Vec::with_capacity(4);
    read_up_to(reader, 4, &mut prefix).map_err(|error| fault(reason(&error)))?;
    if prefix.is_empty() {
        return Ok(None);
    }
    let Ok(prefix) = <[u8; 4]>::try_from(prefix.as_slice()) else {
        return Err(fault(format!("ends inside its length, after {} of 4 bytes", prefix.len())));
    };
    let length = u32::from_le_bytes(prefix) as usize;
    if length == 0 || length > RECORD_BYTES_MAX {
        return Err(fault(format!("states a length of {length}; 1 to {RECORD_BYTES_MAX} are allowed")));
    }
    let mut bytes = Vec::with_capacity(length);
    read_up_to(reader, length, &mut bytes).map_err(|error| fault(reason(&error)))?;
    if bytes.len() < length {
        return Err(fault(format!("ends after {} of {length} bytes", bytes.len())));
    }
    *record += 1;
    *offset += 4 + length as u64;
    Ok(Some(bytes))
}

/// The words of the system, without the number that Rust adds.
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

fn read_up_to(reader: &mut impl Read, length: usize, out: &mut Vec<u8>) -> std::io::Result<()> {
    reader.take(length as u64).read_to_end(out).map(drop)
}
