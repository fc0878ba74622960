//! Every interleaving of small uses of a segment: its ring and records, and a seat that changes hands.

use super::inlet::{Drawn, Inlet};
use super::layout::{Choice, FIXED_WORDS, Geometry};
use super::memory::Memory;
use super::owner::Owner;
use super::part::{Origin, Part};
use super::segment::{Fault, Head, Segment};
use crate::pool::Meta;
use crate::queue::models::{Coverage, bounded};
use loom::thread;
use std::sync::Arc;

/// One lane of two cells; two seats with one granule each, which holds one item of eight bytes.
fn segment(part_granules: usize, fault: Fault) -> Arc<Segment> {
    let choice = Choice {
        lanes: 1,
        lane_cells: 2,
        seats: 2,
        part_bytes: 64 * part_granules,
        transaction_bytes_max: 8,
    };
    let geometry = Geometry::choose(&choice).expect("valid");
    let ring = [geometry.tail(0), geometry.cell(0, 0), geometry.cell(0, 1)].into_iter();
    let seats = (0..2).flat_map(|seat| (0..3).map(move |word| geometry.seat(seat) + 8 * word));
    let records = (0..geometry.granules()).flat_map(|handle| {
        let record = geometry.record(handle);
        (0..5).map(move |word| record + 8 * word)
    });
    let memory = Memory::of(ring.chain(seats).chain(records));
    Arc::new(Segment { memory, geometry, fault })
}

fn inlet(segment: &Arc<Segment>) -> Inlet {
    Inlet::new(Arc::clone(segment), [0; FIXED_WORDS], 8)
}

fn claim(segment: &Segment, me: u64, dead: u64) -> (Part, Origin) {
    Part::claim(segment, Owner(me), |owner| owner.0 == dead).expect("a seat is free or orphaned")
}

/// Writes a record; committing it is another step.
fn write(segment: &Segment, part: &mut Part, item: u64) -> Option<u64> {
    let handle = part.reserve(segment, 0, 1).expect("nobody writes over it")?;
    segment.write_head(handle, Head { len: 8, lane: 0, meta: Meta { tag: item, stamp: 0 } });
    segment.write_bytes(handle, &(item * 1_000).to_le_bytes());
    Some(handle)
}

fn enqueue_or_wait(segment: &Segment, part: &mut Part, hint: &mut u64, item: u64) {
    loop {
        if let Some(handle) = write(segment, part, item) {
            if segment.push(0, hint, handle).is_ok() {
                return;
            }
            part.abort(segment, 1);
        }
        thread::yield_now();
    }
}

/// The next item, whole.
fn take(inlet: &mut Inlet) -> Option<u64> {
    match inlet.take(0, |len| Some(vec![0; len])) {
        Drawn::Item { bytes, meta, .. } => {
            let content = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
            assert_eq!(content, meta.tag * 1_000, "the record arrived whole");
            Some(meta.tag)
        }
        _ => {
            assert_undamaged(inlet);
            None
        }
    }
}

fn take_or_wait(inlet: &mut Inlet, count: usize) -> Vec<u64> {
    let mut items = Vec::new();
    while items.len() < count {
        match take(inlet) {
            Some(item) => items.push(item),
            None => thread::yield_now(),
        }
    }
    items
}

fn assert_undamaged(inlet: &Inlet) {
    let stats = inlet.counters.stats(super::SharedStats::default());
    assert_eq!((stats.corrupt, stats.gaps, stats.tails), (0, 0, 0), "nothing was there to repair");
}

/// Two producers, one of which uses its granule twice, and a consumer that tends in between.
fn records_are_reused(fault: Fault) {
    let coverage = Arc::new(Coverage::default());
    let counting = Arc::clone(&coverage);
    bounded(2).check(move || {
        let segment = segment(1, fault);
        let spawn = |me: u64, items: &'static [u64]| {
            let segment = Arc::clone(&segment);
            let mut part = claim(&segment, me, 0).0;
            thread::spawn(move || {
                let mut hint = 0;
                items.iter().for_each(|item| enqueue_or_wait(&segment, &mut part, &mut hint, *item));
            })
        };
        let producers = [spawn(1, &[1, 2]), spawn(2, &[3])];
        let mut inlet = inlet(&segment);
        let mut items = take_or_wait(&mut inlet, 1);
        inlet.mend(0);
        items.extend(take_or_wait(&mut inlet, 2));
        producers.into_iter().for_each(|producer| producer.join().expect("no panic"));
        let place = |wanted: u64| items.iter().position(|item| *item == wanted).expect("nothing is lost");
        assert!(place(1) < place(2) && place(3) < 3, "in order of its producer: {items:?}");
        assert_eq!(take(&mut inlet), None, "and nothing was there to repair");
        counting.note(true);
    });
    coverage.report("shared ring and records");
}

/// A producer commits one item, is killed with another one written, and somebody takes over its seat while
/// the consumer is at work.
fn a_seat_changes_hands(fault: Fault) {
    let coverage = Arc::new(Coverage::default());
    let counting = Arc::clone(&coverage);
    bounded(3).check(move || {
        let segment = segment(2, fault);
        // Keeps the second seat.
        let _other = claim(&segment, 9, 0);
        assert_eq!(segment.seat_owner(0), Owner(9));
        let mut dying = claim(&segment, 1, 0).0;
        let mut hint = 0;
        let handle = write(&segment, &mut dying, 1).expect("room");
        segment.push(0, &mut hint, handle).expect("room");
        write(&segment, &mut dying, 2).expect("room");
        let heir = {
            let segment = Arc::clone(&segment);
            thread::spawn(move || {
                let (mut part, origin) = claim(&segment, 3, 1);
                assert_eq!(origin, Origin::Orphaned);
                let (mut hint, mut waited) = (0, false);
                for item in [3, 4] {
                    waited |= part.is_used_up();
                    enqueue_or_wait(&segment, &mut part, &mut hint, item);
                }
                waited
            })
        };
        let mut inlet = inlet(&segment);
        assert_eq!(take_or_wait(&mut inlet, 3), [1, 3, 4], "what was committed, in order, and nothing else");
        let waited = heir.join().expect("no panic");
        assert_eq!(take(&mut inlet), None, "and nothing was there to repair");
        counting.note(waited);
    });
    coverage.report("a seat that changes hands");
}

#[test]
fn loom_shared_records_are_reused() {
    records_are_reused(Fault::None);
}

#[test]
#[should_panic(expected = "assertion")]
fn loom_shared_mutant_fill_relaxed_is_caught() {
    records_are_reused(Fault::FillRelaxed);
}

#[test]
#[should_panic(expected = "assertion")]
fn loom_shared_mutant_freed_early_is_caught() {
    records_are_reused(Fault::FreedEarly);
}

#[test]
fn loom_shared_seat_changes_hands() {
    a_seat_changes_hands(Fault::None);
}

#[test]
#[should_panic(expected = "assertion")]
fn loom_shared_mutant_scan_left_out_is_caught() {
    a_seat_changes_hands(Fault::ScanLeftOut);
}

#[test]
#[should_panic(expected = "assertion")]
fn loom_shared_mutant_released_early_is_caught() {
    a_seat_changes_hands(Fault::ReleasedEarly);
}
