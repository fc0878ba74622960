//! Handles: every wrong use is refused, and freeing waits for callers.

use super::*;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Barrier};

struct Opaque;

#[derive(Default)]
struct Probe {
    closed: AtomicBool,
    drops: Arc<AtomicUsize>,
    busy: AtomicBool,
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::SeqCst);
    }
}

impl Object for Probe {
    const KIND: Kind = Kind::Config;
    type Opaque = Opaque;
    const MAY_REFUSE: bool = true;

    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    fn may_destroy(&self) -> Result<(), Failure> {
        match self.busy.load(Ordering::SeqCst) {
            true => Err(Failure::new(Status::Busy, "in use")),
            false => Ok(()),
        }
    }
}

struct Stranger;

impl Object for Stranger {
    const KIND: Kind = Kind::Pool;
    type Opaque = Opaque;
}

fn fresh() -> (u64, Arc<AtomicUsize>) {
    let probe = Probe::default();
    let drops = Arc::clone(&probe.drops);
    (insert(probe).expect("room").addr() as u64, drops)
}

fn used<T: Object>(handle: u64) -> Result<(), Failure> {
    with(handle, |_: &T| ())
}

fn status<T>(result: Result<T, Failure>) -> Status {
    result.map(drop).unwrap_err().status
}

#[test]
fn freed_foreign_and_invented_handles_are_refused() {
    let (handle, drops) = fresh();
    assert!(used::<Probe>(handle).is_ok());
    assert_eq!(status(used::<Stranger>(handle)), Status::BadHandle);
    assert_eq!(status(destroy::<Stranger>(handle)), Status::BadHandle);
    for wrong in [1, 7, u64::MAX, handle | 1, handle ^ (1 << 30), 0xff << 56] {
        assert_eq!(status(used::<Probe>(wrong)), Status::BadHandle, "{wrong:#x}");
        assert_eq!(status(destroy::<Probe>(wrong)), Status::BadHandle, "{wrong:#x}");
    }
    assert_eq!(status(used::<Probe>(0)), Status::InvalidArgument);
    destroy::<Probe>(handle).expect("live");
    assert_eq!(status(used::<Probe>(handle)), Status::BadHandle);
    assert_eq!(status(destroy::<Probe>(handle)), Status::BadHandle);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn a_reused_entry_does_not_revive_an_old_handle() {
    let (old, _) = fresh();
    destroy::<Probe>(old).expect("live");
    for _ in 0..HANDLES_MAX {
        let (handle, _) = fresh();
        assert_ne!(handle, old);
        assert_eq!(status(used::<Probe>(old)), Status::BadHandle);
        let same_entry = index(handle) == index(old);
        destroy::<Probe>(handle).expect("live");
        if same_entry {
            return;
        }
    }
    panic!("the entry never came back");
}

#[test]
fn a_poisoned_handle_refuses_work_but_can_be_destroyed() {
    let (handle, drops) = fresh();
    thread::with(|thread| {
        let pinned = pin::<Probe>(thread, handle).expect("live");
        drop(PoisonOnPanic::new(&pinned));
    });
    assert_eq!(status(used::<Probe>(handle)), Status::Poisoned);
    destroy::<Probe>(handle).expect("poisoned handles are destroyed like others");
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn whoever_goes_through_all_objects_ends_the_poisoned_ones_whatever_they_do() {
    let ((sound, its), (broken, drops)) = (fresh(), fresh());
    thread::with(|thread| {
        let pinned = pin::<Probe>(thread, broken).expect("live");
        drop(PoisonOnPanic::new(&pinned));
    });
    // Other tests have objects in the table, too.
    let is = |probe: &Probe, one: &Arc<AtomicUsize>| Arc::ptr_eq(&probe.drops, one);
    let (mut visited, mut ended) = (Vec::new(), 0);
    let body = |probe: &Probe| visited.extend([&its, &drops].map(|one| is(probe, one)));
    let end = |probe: &Probe| {
        ended += u32::from(is(probe, &drops));
        panic!("again");
    };
    for_each(body, end);
    let visits = |at: usize| visited.iter().skip(at).step_by(2).filter(|is| **is).count();
    assert_eq!((visits(0), visits(1), ended), (1, 0, 1));
    assert_eq!(status(used::<Probe>(broken)), Status::Poisoned);
    for handle in [sound, broken] {
        destroy::<Probe>(handle).expect("live");
    }
}

#[test]
fn an_object_in_use_may_refuse_its_end() {
    let (handle, drops) = fresh();
    with(handle, |probe: &Probe| probe.busy.store(true, Ordering::SeqCst)).expect("live");
    assert_eq!(status(destroy::<Probe>(handle)), Status::Busy);
    with(handle, |probe: &Probe| probe.busy.store(false, Ordering::SeqCst)).expect("still live");
    destroy::<Probe>(handle).expect("idle");
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn an_object_that_comes_into_use_while_it_is_destroyed_stays() {
    let (handle, drops) = fresh();
    let inside = Arc::new(Barrier::new(2));
    let barrier = Arc::clone(&inside);
    let user = std::thread::spawn(move || {
        let use_it = |probe: &Probe| {
            barrier.wait();
            while !probe.closed.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            // The destroyer is on its way: this is the call that gives a buffer out.
            probe.busy.store(true, Ordering::SeqCst);
        };
        with(handle, use_it).expect("live");
        // Whoever comes while it is undecided waits, and is not refused for nothing.
        with(handle, |probe: &Probe| probe.busy.load(Ordering::SeqCst))
    });
    inside.wait();
    assert_eq!(status(destroy::<Probe>(handle)), Status::Busy);
    assert_eq!(user.join().expect("join"), Ok(true));
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    with(handle, |probe: &Probe| probe.busy.store(false, Ordering::SeqCst)).expect("live again");
    destroy::<Probe>(handle).expect("idle");
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn a_poisoned_object_in_use_ends_but_is_not_dropped() {
    let (handle, drops) = fresh();
    thread::with(|thread| {
        let pinned = pin::<Probe>(thread, handle).expect("live");
        pinned.busy.store(true, Ordering::SeqCst);
        drop(PoisonOnPanic::new(&pinned));
    });
    destroy::<Probe>(handle).expect("nobody can end its use any more");
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    assert_eq!(status(used::<Probe>(handle)), Status::BadHandle);
    assert_eq!(status(destroy::<Probe>(handle)), Status::BadHandle);
}

#[test]
fn destroying_closes_first_and_waits_for_the_caller_inside() {
    let (handle, drops) = fresh();
    let inside = Arc::new(Barrier::new(2));
    let (barrier, seen) = (Arc::clone(&inside), Arc::clone(&drops));
    let waiter = std::thread::spawn(move || {
        let inside = |probe: &Probe| {
            barrier.wait();
            while !probe.closed.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            seen.load(Ordering::SeqCst)
        };
        with(handle, inside).expect("live")
    });
    inside.wait();
    destroy::<Probe>(handle).expect("live");
    assert_eq!(waiter.join().expect("join"), 0, "dropped while a caller was inside");
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn of_many_destroyers_exactly_one_succeeds() {
    for _ in 0..200 {
        let (handle, drops) = fresh();
        let start = Arc::new(Barrier::new(4));
        let racers: Vec<_> = (0..4)
            .map(|racer| {
                let start = Arc::clone(&start);
                std::thread::spawn(move || {
                    start.wait();
                    if racer == 0 {
                        // A user among the destroyers: sees the object whole, or is refused.
                        let _ = with(handle, |probe: &Probe| probe.closed.load(Ordering::SeqCst));
                        return false;
                    }
                    destroy::<Probe>(handle).is_ok()
                })
            })
            .collect();
        let winners = racers.into_iter().map(|racer| racer.join().expect("join"));
        assert_eq!(winners.filter(|won| *won).count(), 1);
        assert_eq!(drops.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn a_handle_is_destroyed_from_within_itself_only_by_mistake() {
    let (handle, _) = fresh();
    let inside = |_: &Probe| status(destroy::<Probe>(handle));
    assert_eq!(with(handle, inside), Ok(Status::Reentrant));
    destroy::<Probe>(handle).expect("outside it works");
}
