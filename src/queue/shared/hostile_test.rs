//! A segment that somebody writes over: the consumer survives, counts, and goes on.

use super::SharedError;
use super::layout::{FIXED_WORDS, Geometry, at, check_word};
use super::tests::queue;
use super::{SharedLanes, SharedPlace, SharedProducer, SharedSettings};
use crate::pool::Meta;
use crate::queue::{Consumer, Error};
use crate::sync::atomic::Ordering;
use crate::types::LaneId;
use std::sync::Arc;

/// A small generator; the seed is in each failure.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }
}

const SETTINGS: SharedSettings =
    SharedSettings { place: SharedPlace::Memory, lane_cells: 16, seats: 4, part_bytes: 4096 };

/// Writes over one word of a kind chosen by chance, with a value that is wild or nearly right.
fn spoil(dice: &mut Dice, lanes: &SharedLanes) {
    let (segment, geometry) = (lanes.segment(), &lanes.segment().geometry);
    let lane = dice.below(geometry.lanes as u64) as usize;
    let offset = match dice.below(8) {
        0 => dice.below(0x300 / 8) * 8,
        1 => geometry.tail(lane),
        2 | 3 => geometry.cell(lane, dice.below(geometry.order.cells())),
        4 => geometry.seat(dice.below(geometry.seats as u64) as usize) + 8 * dice.below(3),
        5 | 6 => geometry.record(dice.below(geometry.granules())) + 8 * dice.below(4),
        _ => dice.below(geometry.segment_bytes / 8) * 8,
    };
    let word = segment.word(offset);
    let before = word.load(Ordering::Relaxed);
    let after = match dice.below(5) {
        0 => dice.roll(),
        1 => before ^ 1 << dice.below(64),
        2 => before.wrapping_add(dice.below(64)),
        3 => 0,
        _ => before.wrapping_add(dice.below(40) << 24),
    };
    word.store(after, Ordering::Relaxed);
}

/// Puts in whatever is accepted, from a new seat whenever the old one is useless.
fn produce(lanes: &SharedLanes, producer: &mut Option<SharedProducer>, lane: LaneId, tag: u64) -> bool {
    if producer.is_none() {
        *producer = SharedProducer::attach(lanes.path()).ok();
    }
    let Some(attached) = producer else { return false };
    match attached.enqueue(lane, &[tag as u8; 100], Meta { tag, stamp: !tag }) {
        Ok(()) => true,
        Err(Error::Full) => false,
        Err(_) => {
            *producer = None;
            false
        }
    }
}

fn drain(consumer: &mut Consumer, mut seen: impl FnMut(u64)) {
    consumer.drain(64, |item| {
        if item.meta().stamp == !item.meta().tag {
            seen(item.meta().tag);
        }
    });
}

/// Both lanes must work again once nobody spoils any more. A first round takes the ring around several times:
/// until then it may hold cells that somebody wrote ahead of time. In the second nothing may be missing.
fn assert_recovers(seed: u64, lanes: &SharedLanes, consumer: &mut Consumer) {
    const FRESH: u64 = 1 << 40;
    const EACH: u64 = 200;
    let mut producer = None;
    for (lane, exact) in [(0, false), (0, true), (1, false), (1, true)] {
        let first = FRESH + 2 * EACH * u64::from(lane) + EACH * u64::from(exact);
        let (mut sent, mut got) = (0, 0);
        for step in 0.. {
            let stats = lanes.stats();
            assert!(step < 100_000, "seed {seed}, lane {lane}: stalls, {sent} sent, {got} seen, {stats:?}");
            if sent < EACH && produce(lanes, &mut producer, LaneId::new(lane), first + sent) {
                sent += 1;
            }
            drain(consumer, |tag| got += u64::from((first..first + EACH).contains(&tag)));
            if sent == EACH && (got == EACH || !exact) {
                break;
            }
        }
    }
}

#[test]
fn words_spoiled_between_calls_are_counted_and_both_lanes_recover() {
    let mut counted = 0;
    for seed in 1..=300 {
        let queue = queue();
        let lanes = queue.open_shared(&SETTINGS).expect("valid");
        let mut consumer = queue.consumer().expect("free");
        let (mut dice, mut producers) = (Dice(seed * 0x9e37_79b9), [const { None }; 2]);
        for step in 0..400 {
            let lane = LaneId::new(dice.below(2) as u8);
            produce(&lanes, &mut producers[dice.below(2) as usize], lane, step);
            if dice.below(4) == 0 {
                spoil(&mut dice, &lanes);
            }
            if dice.below(3) == 0 {
                drain(&mut consumer, |_| ());
            }
        }
        drop(producers);
        assert_recovers(seed, &lanes, &mut consumer);
        let stats = lanes.stats();
        counted += stats.corrupt + stats.gaps + stats.tails;
    }
    assert!(counted > 1_000, "{counted} repairs in all: the test spoils too little");
}

#[test]
fn words_spoiled_while_producers_run_do_not_stop_the_consumer() {
    for seed in 1..=4 {
        let queue = queue();
        let lanes = Arc::new(queue.open_shared(&SETTINGS).expect("valid"));
        let running = [1, 2].map(|who: u64| {
            let lanes = Arc::clone(&lanes);
            std::thread::spawn(move || {
                let (mut producer, mut dice) = (None, Dice(seed * who * 77));
                for tag in 0..20_000 {
                    produce(&lanes, &mut producer, LaneId::new((tag % 2) as u8), tag);
                    if dice.below(20) == 0 {
                        spoil(&mut dice, &lanes);
                    }
                }
            })
        });
        let mut consumer = queue.consumer().expect("free");
        while running.iter().any(|thread| !thread.is_finished()) {
            drain(&mut consumer, |_| ());
        }
        running.into_iter().for_each(|thread| thread.join().expect("producers do not panic either"));
        assert_recovers(seed, &lanes, &mut consumer);
        assert!(lanes.stats().corrupt > 0, "seed {seed}");
    }
}

#[test]
fn any_bytes_as_a_header_are_a_shape_that_fits_or_an_error() {
    let mut dice = Dice(0xdeca_f000);
    let queue = queue();
    let lanes = queue.open_shared(&SETTINGS).expect("valid");
    let mut good = [0; FIXED_WORDS];
    for (index, word) in good.iter_mut().enumerate() {
        *word = lanes.segment().word(8 * index as u64).load(Ordering::Relaxed);
    }
    let bytes = lanes.bytes() as u64;
    let (mut shapes, mut refused) = (0, 0);
    for _ in 0..200_000 {
        let mut header = good;
        for _ in 0..=dice.below(3) {
            let index = dice.below(FIXED_WORDS as u64) as usize;
            header[index] = match dice.below(4) {
                0 => dice.roll(),
                1 => dice.below(10_000),
                2 => header[index] ^ 1 << dice.below(64),
                _ => header[index].wrapping_add(64),
            };
        }
        header[at::CHECK as usize / 8] = check_word(&header);
        match Geometry::parse(&header, bytes) {
            Ok(shape) => {
                shapes += 1;
                let lane = shape.lanes - 1;
                let last_cell = shape.cell(lane, shape.order.cells() - 1);
                let last_record = shape.record(shape.granules() - 1);
                assert!(last_cell + 8 <= shape.seat(0) && shape.seat(shape.seats - 1) < last_record);
                assert!(last_record + 64 <= bytes && shape.granules() < (1 << 24) - 1);
            }
            Err(SharedError::Damaged(_) | SharedError::Io { .. }) => panic!("not a header's error"),
            Err(_) => refused += 1,
        }
    }
    assert!(shapes > 1_000 && refused > 1_000, "{shapes} shapes, {refused} refusals");
}

#[test]
fn any_bytes_as_a_segment_are_drained_without_end_or_panic() {
    for seed in 1..=40 {
        let queue = queue();
        let lanes = queue.open_shared(&SETTINGS).expect("valid");
        let mut dice = Dice(seed * 0x1234_5677);
        for offset in (0..lanes.bytes() as u64).step_by(8) {
            let word = if dice.below(2) == 0 { dice.roll() } else { dice.below(1 << 12) };
            lanes.segment().word(offset).store(word, Ordering::Relaxed);
        }
        let mut consumer = queue.consumer().expect("free");
        let mut got = 0;
        for _ in 0..100 {
            got += consumer.drain(64, |_| ());
        }
        assert!(got <= 2 * 16, "seed {seed}: {got} items out of 32 cells");
        assert!(lanes.stats().corrupt > 0, "seed {seed}");
        assert_recovers(seed, &lanes, &mut consumer);
    }
}
