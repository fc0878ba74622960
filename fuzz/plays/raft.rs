//! One node of the Raft core, told anything.

#[path = "../../tests/support/raft/garbage.rs"]
mod garbage;

use super::Script;

/// Plays what `data` says.
///
/// # Panics
/// When an invariant is broken, a vote given twice, or a commit taken back.
pub(crate) fn play(data: &[u8]) {
    let mut script = Script::new(data);
    let mut node = garbage::Besieged::new(&mut |sides| script.roll(sides as usize) as u64);
    while script.goes_on() {
        node.step(&mut |sides| script.roll(sides as usize) as u64);
    }
}
