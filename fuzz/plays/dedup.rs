//! Bytes that claim to be what is remembered against repetitions, and frames that change it.

use super::{Script, heap};
use duochain::dedup::{Dedup, DedupLimits};
use duochain::frame::{Entry, Frame, FrameBuilder, FrameLimits, Origin, Seal};
use duochain::types::{Index, LaneId, Term, UnixNanos};
use std::time::Duration;

/// Small enough that every one of them is met.
const LIMITS: DedupLimits =
    DedupLimits { time_to_live: Duration::from_nanos(100), sessions_max: 4, ids_max: 6 };
/// The words of a refusal, and the beginning of each table.
const HEAP_BYTES_MIN: usize = 16 << 10;

/// Plays what `data` says: as it is, and as a state that frames made, of whose bytes some are others.
///
/// # Panics
/// When reading panics or allocates by what bytes claim, when two encodings are read as the same state, or when a state that
/// was read decides otherwise than the one that was written.
pub(crate) fn play(data: &[u8]) {
    judge(data);
    let mut script = Script::new(data);
    let (mut state, mut time) = (Dedup::new(LIMITS), 0);
    while script.goes_on() {
        time += [0, 1, 40, 200][script.roll(4)];
        let frame = frame(&mut script, state.upto().next(), time);
        let mut bytes = bytes_of(&state);
        let mut read = judge(&bytes).expect("what was written is read");
        assert_eq!(read.admit(&frame), state.admit(&frame), "both decide alike");
        assert_eq!(read.digest(), state.digest());
        assert!(state.sessions() <= 4 && state.ids() <= 6, "within the limits");
        for _ in 0..1 + script.roll(3) {
            let at = script.roll(bytes.len());
            bytes[at] = script.word() as u8;
        }
        bytes.truncate(bytes.len() - script.roll(2) * script.roll(bytes.len()));
        if let Some(mut other) = judge(&bytes)
            && other.upto() < Index::new(u64::MAX / 2)
        {
            // Whatever it is, it goes on.
            let next = self::frame(&mut script, other.upto().next(), time);
            other.admit(&next);
            judge(&bytes_of(&other)).expect("what was written is read");
        }
    }
}

fn bytes_of(state: &Dedup) -> Vec<u8> {
    let mut bytes = Vec::new();
    state.encode(&mut bytes);
    bytes
}

fn frame(script: &mut Script<'_>, base: Index, time: u64) -> Frame {
    let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::new(0));
    for _ in 0..=script.roll(4) {
        let session = script.roll(7) as u64;
        let sequence = match script.roll(8) {
            _ if session == 0 => 0,
            0 => script.word(),
            1 => u64::MAX - script.roll(3) as u64,
            // With more gaps than are remembered.
            _ => script.roll(200) as u64,
        };
        let id = [1 + script.roll(9) as u8; 32];
        let id = (script.roll(2) == 0).then_some(&id);
        builder.push(Entry { bytes: b"x", origin: Origin { session, sequence }, id }).expect("small");
    }
    let seal = Seal { term: Term::new(1), base, time: UnixNanos::new(time) };
    Frame::new(seal, builder.finish().expect("not empty"))
}

fn judge(bytes: &[u8]) -> Option<Dedup> {
    let (outcome, allocated) = heap::counted(|| Dedup::decode(bytes, LIMITS));
    assert!(allocated <= HEAP_BYTES_MIN + 64 * bytes.len(), "{allocated} bytes for {}", bytes.len());
    let state = outcome.ok()?;
    assert_eq!(bytes_of(&state), bytes, "one state, one encoding");
    Some(state)
}
