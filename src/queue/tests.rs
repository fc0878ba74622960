//! Behaviour of the queue on one thread.

use super::*;
use crate::pool::{ClassSettings, OverflowSettings, PoolSettings};
use crate::types::Status;

const L0: LaneId = LaneId::new(0);

fn settings(lane_cells: &[usize], consumers: Consumers) -> QueueSettings {
    QueueSettings {
        lane_cells: lane_cells.to_vec(),
        consumers,
        ageing: 0,
        run_max: 1,
        transaction_bytes_max: 8192,
        pool: PoolSettings {
            classes: vec![
                ClassSettings { buffer_bytes: 256, count_max: 4096 },
                ClassSettings { buffer_bytes: 1024, count_max: 64 },
            ],
            overflow: OverflowSettings { buffer_bytes_max: 8192, total_bytes_max: 1 << 20 },
        },
    }
}

fn queue(lane_cells: &[usize], consumers: Consumers) -> Arc<TxQueue> {
    TxQueue::new(settings(lane_cells, consumers)).unwrap()
}

fn meta(tag: u64) -> Meta {
    Meta { tag, stamp: !tag }
}

#[test]
fn what_goes_in_comes_out_in_order_with_its_words() {
    for consumers in [Consumers::One, Consumers::Many] {
        let queue = queue(&[8], consumers);
        let mut consumer = queue.consumer().unwrap();
        for lap in 0..20_u64 {
            for n in 0..5 {
                queue.enqueue(L0, &[lap as u8, n], meta(lap * 5 + u64::from(n))).unwrap();
            }
            for n in 0..5 {
                let item = consumer.dequeue().unwrap();
                assert_eq!(&*item, [lap as u8, n]);
                assert_eq!(item.meta(), meta(item.sequence()));
                assert_eq!((item.sequence(), item.lane()), (lap * 5 + u64::from(n), L0));
            }
            assert!(consumer.dequeue().is_none());
        }
    }
}

#[test]
fn full_and_empty_are_exact_at_every_capacity() {
    for consumers in [Consumers::One, Consumers::Many] {
        for cells in [1, 2, 4, if cfg!(miri) { 8 } else { 128 }] {
            let queue = queue(&[cells], consumers);
            let mut consumer = queue.consumer().unwrap();
            let mut producer = queue.producer();
            for lap in 0..5 {
                for n in 0..cells {
                    assert_eq!(queue.len(), n);
                    let sent = if n % 2 == 0 {
                        queue.enqueue(L0, b"x", meta(0))
                    } else {
                        producer.enqueue(L0, b"x", meta(0))
                    };
                    sent.unwrap();
                }
                assert_eq!(queue.enqueue(L0, b"x", meta(0)), Err(Error::Full));
                assert_eq!(producer.enqueue(L0, b"x", meta(0)), Err(Error::Full));
                assert_eq!(queue.lane_len(L0), cells);
                assert!(consumer.dequeue().is_some(), "lap {lap}");
                producer.enqueue(L0, b"x", meta(0)).unwrap();
                assert_eq!(consumer.drain(usize::MAX, |_| ()), cells);
                assert!(consumer.dequeue().is_none());
            }
            let stats = queue.stats();
            let passed = 5 * (cells as u64 + 1);
            let expected = LaneStats {
                accepted: passed,
                refused: 10,
                dequeued: passed,
                depth: 0,
                depth_high: cells as u64,
            };
            assert_eq!(stats.lanes, [expected]);
            assert_eq!(stats.pool.in_use, 0);
        }
    }
}

#[test]
fn transactions_of_no_or_too_many_bytes_are_refused_before_anything_else() {
    let queue = queue(&[1], Consumers::One);
    queue.enqueue(L0, &[1; 8192], meta(0)).unwrap();
    assert_eq!(queue.enqueue(L0, &[], meta(0)), Err(Error::Empty));
    assert_eq!(queue.enqueue(L0, &[1; 8193], meta(0)), Err(Error::TooLarge { len: 8193, max: 8192 }));
    assert_eq!(queue.claim(8193, L0).unwrap_err().status(), Status::TooLarge);
    assert_eq!(queue.claim(0, L0).unwrap_err().status(), Status::InvalidTx);
    let lane = LaneId::new(1);
    assert_eq!(queue.enqueue(lane, b"x", meta(0)), Err(Error::NoSuchLane { lane, lanes: 1 }));
    assert_eq!(queue.lane_len(lane), 0);
    assert_eq!(queue.consumer().unwrap().dequeue().unwrap().len(), 8192);
}

#[test]
fn a_claim_is_written_in_place_and_handed_back_when_the_lane_is_full() {
    let queue = queue(&[1, 1], Consumers::One);
    let mut claim = queue.claim(4, LaneId::new(1)).unwrap();
    claim.copy_from_slice(b"abcd");
    claim.set_len(3).unwrap();
    assert!(claim.set_len(257).is_err());
    claim.commit(meta(7)).unwrap();
    let mut second = queue.claim(2, LaneId::new(1)).unwrap();
    second.copy_from_slice(b"zz");
    let (second, error) = second.commit(meta(8)).unwrap_err();
    assert_eq!((&*second, error), (&b"zz"[..], Error::Full));
    let mut consumer = queue.consumer().unwrap();
    let item = consumer.dequeue().unwrap();
    assert_eq!((&*item, item.meta(), item.lane().get()), (&b"abc"[..], meta(7), 1));
    second.commit(meta(9)).unwrap();
    drop(item);
    drop(queue.claim(100, L0).unwrap());
    assert_eq!(consumer.drain(9, |item| assert_eq!(item.meta(), meta(9))), 1);
    assert_eq!(queue.stats().pool.in_use, 0);
}

#[test]
fn a_claim_can_travel_as_a_handle_once() {
    let queue = queue(&[4, 4], Consumers::One);
    let mut claim = queue.claim(3, LaneId::new(1)).unwrap();
    claim.copy_from_slice(b"abc");
    let handle = claim.into_handle();
    let lane = LaneId::new(2);
    assert_eq!(Claim::adopt(&queue, handle, lane).unwrap_err(), Error::NoSuchLane { lane, lanes: 2 });
    let claim = Claim::adopt_as_claimed(&queue, handle).unwrap();
    assert_eq!(claim.lane(), LaneId::new(1));
    let handle = claim.into_handle();
    Claim::adopt(&queue, handle, L0).unwrap().commit(meta(0)).unwrap();
    assert_eq!(Claim::adopt(&queue, handle, L0).unwrap_err(), Error::StaleHandle(handle));
    assert_eq!(queue.pool().release(handle).unwrap_err().status(), Status::BadHandle);
    let item = queue.consumer().unwrap().dequeue().unwrap();
    assert_eq!((&*item, item.lane()), (&b"abc"[..], L0));
}

#[test]
fn a_closed_queue_refuses_and_ends_when_it_is_drained() {
    for consumers in [Consumers::One, Consumers::Many] {
        let queue = queue(&[2, 2], consumers);
        let mut consumer = queue.consumer().unwrap();
        let claim = queue.claim(1, L0).unwrap();
        queue.enqueue(LaneId::new(1), b"x", meta(0)).unwrap();
        assert!(!consumer.is_ended());
        queue.close();
        assert!(queue.is_closed() && queue.stats().closed);
        assert_eq!(queue.enqueue(L0, b"x", meta(0)), Err(Error::Closed));
        assert_eq!(queue.claim(1, L0).unwrap_err(), Error::Closed);
        assert_eq!(claim.commit(meta(0)).unwrap_err().1, Error::Closed);
        assert!(!consumer.is_ended(), "something is left");
        assert!(consumer.dequeue_wait(Duration::ZERO).is_ok());
        assert!(consumer.is_ended());
        assert_eq!(consumer.dequeue_wait(Duration::MAX).unwrap_err(), Error::Ended);
        assert_eq!(queue.stats().lanes[1].accepted, 1);
        assert_eq!(queue.len(), 0);
    }
}

#[test]
fn an_enqueue_that_passed_the_flag_before_the_end_was_decided_is_either_refused_or_drained() {
    let queue = queue(&[4], Consumers::One);
    let mut consumer = queue.consumer().unwrap();
    let (target, mut hint) = (queue.lane(L0).unwrap(), 0);
    let late = |queue: &TxQueue, hint: &mut u64| {
        let slot = queue.pool.take(1).unwrap();
        queue.append(target, hint, L0, slot).map_err(|(slot, error)| {
            queue.pool.give(slot);
            error
        })
    };
    queue.close();
    late(&queue, &mut hint).unwrap();
    assert!(!consumer.is_ended());
    assert!(consumer.dequeue().is_some());
    assert!(consumer.is_ended());
    assert_eq!(late(&queue, &mut hint), Err(Error::Closed));
    assert!(consumer.is_ended() && consumer.dequeue().is_none());
}

#[test]
fn one_consumer_at_a_time_and_the_next_goes_on_where_the_last_stopped() {
    let queue = queue(&[4], Consumers::One);
    for n in 0..3 {
        queue.enqueue(L0, &[n], meta(0)).unwrap();
    }
    let mut first = queue.consumer().unwrap();
    assert_eq!(queue.consumer().unwrap_err().status(), Status::Busy);
    assert_eq!(&*first.dequeue().unwrap(), [0]);
    drop(first);
    let mut second = queue.consumer().unwrap();
    assert_eq!(&*second.dequeue().unwrap(), [1]);
    assert_eq!(&*second.dequeue().unwrap(), [2]);
}

#[test]
fn urgent_lanes_come_first_and_ageing_lets_the_last_one_move() {
    let mut settings = settings(&[16, 16, 16], Consumers::One);
    settings.ageing = 4;
    let queue = TxQueue::new(settings).unwrap();
    for n in 0..8 {
        for lane in [2, 0] {
            queue.enqueue(LaneId::new(lane), &[n], meta(0)).unwrap();
        }
    }
    let mut consumer = queue.consumer().unwrap();
    let lanes: Vec<_> = (0..16).map(|_| consumer.dequeue().unwrap().lane().get()).collect();
    assert_eq!(lanes, [0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 2, 2, 2, 2, 2, 2]);
}

#[test]
fn a_drain_lets_the_last_lane_move_as_often_as_single_takes_do() {
    let mut settings = settings(&[64, 64], Consumers::One);
    settings.ageing = 4;
    let queue = TxQueue::new(settings).unwrap();
    for n in 0..24 {
        for lane in [1, 0] {
            queue.enqueue(LaneId::new(lane), &[n], meta(0)).unwrap();
        }
    }
    let mut consumer = queue.consumer().unwrap();
    let mut lanes = Vec::new();
    assert_eq!(consumer.drain(5, |item| lanes.push(item.lane().get())), 5);
    assert_eq!(consumer.drain(11, |item| lanes.push(item.lane().get())), 11);
    assert_eq!(lanes, [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]);
}

#[test]
fn a_batch_is_accepted_up_to_the_first_refusal() {
    let queue = queue(&[4], Consumers::One);
    let items: Vec<&[u8]> = vec![b"a", b"b", b"", b"d"];
    assert_eq!(queue.enqueue_batch(L0, &items, |n| meta(n as u64)), (2, Some(Error::Empty)));
    let mut producer = queue.producer();
    assert_eq!(producer.enqueue_batch(L0, &[b"c", b"d", b"e"], |_| meta(0)), (2, Some(Error::Full)));
    assert_eq!(producer.enqueue_batch(L0, &[], |_| meta(0)), (0, None));
    let mut seen = Vec::new();
    assert_eq!(queue.consumer().unwrap().drain(3, |item| seen.extend_from_slice(&item)), 3);
    assert_eq!(seen, b"abc");
}

#[test]
fn an_exhausted_pool_refuses_before_the_lane_is_full() {
    let mut settings = settings(&[8], Consumers::One);
    settings.pool = PoolSettings {
        classes: vec![ClassSettings { buffer_bytes: 8192, count_max: 2 }],
        overflow: OverflowSettings::default(),
    };
    let queue = TxQueue::new(settings).unwrap();
    queue.enqueue(L0, b"a", meta(0)).unwrap();
    queue.enqueue(L0, b"b", meta(0)).unwrap();
    assert_eq!(queue.enqueue(L0, b"c", meta(0)).unwrap_err().status(), Status::NoMemory);
    let waited = queue.enqueue_wait(L0, b"c", meta(0), Duration::from_millis(1));
    assert_eq!(waited, Err(Error::NoMemory));
    drop(queue.consumer().unwrap().dequeue());
    queue.enqueue(L0, b"c", meta(0)).unwrap();
    assert_eq!(queue.stats().lanes[0].refused, 2);
}

#[test]
fn waiting_without_time_is_a_plain_attempt() {
    let queue = queue(&[1], Consumers::One);
    let mut consumer = queue.consumer().unwrap();
    assert_eq!(consumer.dequeue_wait(Duration::ZERO).unwrap_err(), Error::Timeout);
    queue.enqueue_wait(L0, b"x", meta(0), Duration::ZERO).unwrap();
    assert_eq!(queue.enqueue_wait(L0, b"x", meta(0), Duration::ZERO), Err(Error::Timeout));
    assert!(consumer.dequeue_wait(Duration::ZERO).is_ok());
}

#[test]
fn items_that_are_still_queued_go_with_the_queue() {
    let queue = queue(&[4, 4], Consumers::One);
    let pool = Arc::clone(queue.pool());
    queue.enqueue(L0, b"a", meta(0)).unwrap();
    queue.enqueue(LaneId::new(1), &[1; 8000], meta(0)).unwrap();
    let kept = {
        let mut consumer = queue.consumer().unwrap();
        consumer.dequeue().unwrap()
    };
    drop(queue);
    assert_eq!((pool.stats().in_use, pool.stats().overflow_bytes), (1, 0));
    assert_eq!(&*kept.into_lease(), b"a");
    assert_eq!(pool.stats().in_use, 0);
}

#[test]
fn a_new_queue_does_not_inherit_the_hints_of_one_that_lived_at_its_address() {
    let mut reused = 0;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..if cfg!(miri) { 5 } else { 1_000 } {
        let queue = queue(&[4], Consumers::One);
        reused += usize::from(!seen.insert(Arc::as_ptr(&queue)));
        let mut consumer = queue.consumer().unwrap();
        for n in 0..7 {
            queue.enqueue(L0, &[n], meta(0)).unwrap();
            assert_eq!(&*consumer.dequeue().unwrap(), [n]);
        }
        assert_eq!(queue.stats().lanes[0].accepted, 7);
    }
    // The allocator decides; under Miri addresses are never reused so soon.
    assert!(reused > 0 || cfg!(miri), "no address was reused, so the test proves nothing");
}

#[test]
fn settings_that_contradict_themselves_are_refused_by_name() {
    type Spoil = fn(&mut QueueSettings);
    let cases: [(Spoil, &str); 10] = [
        (|s| s.lane_cells.clear(), "0 lanes"),
        (|s| s.lane_cells = vec![1; 17], "17 lanes"),
        (|s| s.lane_cells = vec![3], "3 cells"),
        (|s| s.lane_cells = vec![1 << 24], "cells"),
        (|s| s.transaction_bytes_max = 0, "transaction_bytes_max 0"),
        (|s| s.transaction_bytes_max = 8193, "largest buffer"),
        (|s| s.pool.classes[0].count_max = 0, "no buffers"),
        (|s| s.run_max = 0, "run_max 0"),
        (|s| s.run_max = 33, "run_max 33"),
        (|s| (s.run_max, s.consumers) = (2, Consumers::Many), "many consumers"),
    ];
    for (spoil, names) in cases {
        let mut settings = settings(&[4], Consumers::One);
        spoil(&mut settings);
        let error = TxQueue::new(settings).unwrap_err();
        assert_eq!(error.status(), Status::Config);
        assert!(error.to_string().contains(names), "{error}");
    }
}
