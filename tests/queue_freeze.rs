//! Nobody waits for a producer that is stopped: not the consumer, not another producer.
//!
//! A signal parks one producer at whatever instruction it has reached. It stays there until the others
//! have got on by so many transactions; if they cannot, the test says so. There is no clock in the
//! verdict, only a bound on patience.
#![expect(unsafe_code, reason = "signals are the only way to stop a thread anywhere")]

mod support;

use duochain::pool::{ClassSettings, Meta, OverflowSettings, PoolSettings};
use duochain::queue::{Consumers, QueueSettings, TxQueue};
use duochain::types::LaneId;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use support::eventually;

/// Parks of each case; two cases make the thousand.
const PARKS: u64 = 500;
/// What the others have to do while one is parked: several times around the small ring.
const PROGRESS: u64 = 256;
const LANE: LaneId = LaneId::new(0);

/// How often the producer was parked, and how often it may go on.
static PARKED: AtomicU64 = AtomicU64::new(0);
static RELEASED: AtomicU64 = AtomicU64::new(0);

/// Runs on the producer. Atomics and a system call only: anything else is not safe in a handler.
extern "C" fn park(_signal: libc::c_int) {
    let number = PARKED.fetch_add(1, Ordering::SeqCst) + 1;
    while RELEASED.load(Ordering::SeqCst) < number {
        // SAFETY: gives the processor away; allowed in a handler.
        unsafe { libc::sched_yield() };
    }
}

fn install() {
    // SAFETY: an action is plain numbers; the handler lives as long as the program.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = park as extern "C" fn(libc::c_int) as libc::sighandler_t;
        action.sa_flags = libc::SA_RESTART;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()), 0);
    }
}

fn queue(cells: usize) -> Arc<TxQueue> {
    let settings = QueueSettings {
        lane_cells: vec![cells],
        consumers: Consumers::One,
        ageing: 0,
        run_max: 1,
        transaction_bytes_max: 64,
        pool: PoolSettings {
            // More than all cells and hands together: a refusal is the ring's.
            classes: vec![ClassSettings { buffer_bytes: 64, count_max: cells + 1_024 }],
            overflow: OverflowSettings { buffer_bytes_max: 0, total_bytes_max: 0 },
        },
    };
    TxQueue::new(settings).expect("valid")
}

/// What everybody has done so far.
#[derive(Default)]
struct Counts {
    stop: AtomicBool,
    other: AtomicU64,
    taken: AtomicU64,
}

/// Two producers and a consumer; the first producer is parked again and again.
fn freeze(cells: usize, sleepy: bool) {
    let (queue, counts) = (queue(cells), Arc::new(Counts::default()));
    let producer = |own: Option<&'static str>| {
        let (queue, counts) = (Arc::clone(&queue), Arc::clone(&counts));
        std::thread::spawn(move || {
            let mut hints = queue.producer();
            while !counts.stop.load(Ordering::Relaxed) {
                match hints.enqueue(LANE, &[7; 64], Meta::default()) {
                    Ok(()) if own.is_some() => drop(counts.other.fetch_add(1, Ordering::Relaxed)),
                    Ok(()) => {}
                    Err(_) => std::thread::yield_now(),
                }
                if sleepy {
                    // Lets the consumer find the queue empty and go to sleep.
                    std::thread::yield_now();
                }
            }
        })
    };
    let (victim, other) = (producer(None), producer(Some("counts")));
    let consumer = {
        let (queue, counts) = (Arc::clone(&queue), Arc::clone(&counts));
        std::thread::spawn(move || {
            let mut consumer = queue.consumer().expect("the only one");
            while !consumer.is_ended() {
                // Endless: a wake-up that does not come is not made up for.
                if sleepy && consumer.dequeue_wait(Duration::MAX).is_ok() {
                    counts.taken.fetch_add(1, Ordering::Relaxed);
                }
                let drained = consumer.drain(1_024, |_| ());
                counts.taken.fetch_add(drained as u64, Ordering::Relaxed);
            }
        })
    };
    let thread = std::os::unix::thread::JoinHandleExt::as_pthread_t(&victim);
    for _ in 0..PARKS {
        let number = PARKED.load(Ordering::SeqCst) + 1;
        // SAFETY: the thread runs until `stop`, which comes later.
        assert_eq!(unsafe { libc::pthread_kill(thread, libc::SIGUSR1) }, 0);
        eventually("the signal arrives", || (PARKED.load(Ordering::SeqCst) == number).then_some(()));
        let (other, taken) = (counts.other.load(Ordering::Relaxed), counts.taken.load(Ordering::Relaxed));
        eventually("the others get on while one producer is parked", || {
            let others = counts.other.load(Ordering::Relaxed) - other;
            let takes = counts.taken.load(Ordering::Relaxed) - taken;
            (others >= PROGRESS && takes >= PROGRESS).then_some(())
        });
        RELEASED.store(number, Ordering::SeqCst);
    }
    counts.stop.store(true, Ordering::Relaxed);
    for thread in [victim, other] {
        thread.join().expect("no panic");
    }
    queue.close();
    consumer.join().expect("no panic");
    let stats = queue.stats();
    assert_eq!(stats.lanes[0].accepted, stats.lanes[0].dequeued);
    assert_eq!(stats.lanes[0].accepted, counts.taken.load(Ordering::Relaxed));
    assert_eq!(stats.pool.in_use, 0);
}

#[test]
fn a_producer_stopped_anywhere_stops_nobody() {
    install();
    // Far from full, with a consumer that sleeps; and full most of the time.
    freeze(1 << 18, true);
    freeze(1 << 6, false);
}
