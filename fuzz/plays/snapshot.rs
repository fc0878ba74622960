//! Bytes that claim to be a snapshot, some with checksums that fit.

use super::{Script, heap};
use duochain::storage::snapshots::{BLOCK_BYTES_MAX, Blocks, NAME_BYTES_MAX, SECTIONS_MAX, Unsound};
use std::io::Read;

const HEAD_BYTES: usize = 64;
/// A block, the names of sections, and the words of a refusal.
const HEAP_BYTES_MAX: usize = BLOCK_BYTES_MAX + SECTIONS_MAX * NAME_BYTES_MAX + (16 << 10);

/// Plays what `data` says: as it is, and as blocks whose checksums fit, but for the digest at the end.
///
/// # Panics
/// When reading panics, takes more memory than a block needs, or hands out what no checksum covers.
pub(crate) fn play(data: &[u8]) {
    judge(data, None);
    let mut script = Script::new(data);
    let mut bytes = Vec::from(*b"DUOSNP\r\n");
    bytes.extend_from_slice(&1_u32.to_le_bytes());
    bytes.resize(HEAD_BYTES - 4, 0);
    bytes[32..40].copy_from_slice(&script.word().to_le_bytes());
    bytes.extend_from_slice(&super::frame::checksum(&bytes).to_le_bytes());
    let mut given = Vec::new();
    while script.goes_on() && bytes.len() < 64 << 10 {
        let (kind, claim) = (1 + script.roll(4) as u32, script.roll(8));
        let length = script.roll(if kind == 2 { 600 } else { 34 });
        let payload: Vec<u8> = (0..length).map(|_| b'a' + script.roll(20) as u8).collect();
        // Now and then a length that is not that of what follows.
        let said = if claim == 0 { script.word() as u32 } else { length as u32 };
        let mut head = [kind, said, super::frame::checksum(&payload)].map(u32::to_le_bytes).concat();
        head.extend_from_slice(&super::frame::checksum(&head).to_le_bytes());
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(&payload);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        if kind == 2 {
            given.extend_from_slice(&payload);
        }
    }
    judge(&bytes, Some(&given));
}

/// `given` holds what the blocks of data have, in order.
fn judge(bytes: &[u8], given: Option<&[u8]>) {
    let (outcome, allocated) = heap::counted(|| Blocks::new(bytes).and_then(Blocks::verify));
    assert!(allocated <= 2 * HEAP_BYTES_MAX, "{allocated} bytes for {}", bytes.len());
    if let Ok((_, length)) = outcome {
        assert_eq!(length, bytes.len() as u64, "nothing is left over");
    }
    let mut found = Vec::new();
    let whole = read(bytes, &mut found);
    if let Some(given) = given {
        assert!(given.starts_with(&found), "only what was there, in its order");
    }
    assert_eq!(whole.is_ok(), Blocks::new(bytes).and_then(Blocks::verify).is_ok(), "both ways agree");
}

fn read(bytes: &[u8], found: &mut Vec<u8>) -> Result<(), Unsound> {
    let mut blocks = Blocks::new(bytes)?;
    while blocks.section()?.is_some() {
        blocks.read_to_end(found).map_err(Unsound::Io)?;
    }
    Ok(())
}
