//! What every store does.

use super::{StoreCase, TestDir, assert_all_closed, cases, open_store};
use crate::storage::faulty::{Faults, FaultyStore};
use crate::storage::{Backend, Batch, Error, Family, KEY_BYTES_MAX, Pairs, Store};
use crate::types::Status;
use Family::{Cursors, Meta, Transactions};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

fn put(store: &dyn Store, family: Family, key: &[u8], value: &[u8]) {
    let mut batch = Batch::new();
    batch.put(family, key, value);
    store.write(batch).unwrap();
}

fn keys(pairs: Pairs) -> Vec<Vec<u8>> {
    pairs.into_iter().map(|(key, _)| key).collect()
}

fn a_value_is_read_back_replaced_and_deleted(case: StoreCase) {
    let dir = TestDir::new();
    let store = (case.open)(dir.path()).unwrap();
    assert_eq!(store.get(Meta, b"a").unwrap(), None);
    put(&*store, Meta, b"a", b"1");
    put(&*store, Meta, b"a", b"");
    assert_eq!(store.get(Meta, b"a").unwrap().as_deref(), Some(&b""[..]));
    let mut batch = Batch::new();
    batch.delete(Meta, b"a").delete(Meta, b"never there");
    store.write(batch).unwrap();
    assert_eq!(store.get(Meta, b"a").unwrap(), None);
}

fn families_do_not_see_each_other(case: StoreCase) {
    let dir = TestDir::new();
    let store = (case.open)(dir.path()).unwrap();
    for family in Family::ALL {
        put(&*store, family, b"key", family.name().as_bytes());
    }
    for family in Family::ALL {
        let expected = vec![(b"key".to_vec(), family.name().as_bytes().to_vec())];
        assert_eq!(store.scan(family, b"", None, 9).unwrap(), expected);
        assert_eq!(store.get(family, b"key").unwrap().unwrap(), family.name().as_bytes());
    }
}

fn the_last_operation_of_a_key_in_a_batch_wins(case: StoreCase) {
    let dir = TestDir::new();
    let check = |store: &dyn Store| {
        assert_eq!(store.get(Meta, b"twice").unwrap().as_deref(), Some(&b"2"[..]));
        assert_eq!(store.get(Meta, b"gone").unwrap(), None);
        assert_eq!(store.get(Meta, b"back").unwrap().as_deref(), Some(&b"3"[..]));
    };
    let mut store = (case.open)(dir.path()).unwrap();
    let mut batch = Batch::new();
    batch.put(Meta, b"twice", b"1").put(Meta, b"twice", b"2");
    batch.put(Meta, b"gone", b"1").delete(Meta, b"gone");
    batch.delete(Meta, b"back").put(Meta, b"back", b"3");
    store.write(batch).unwrap();
    check(&*store);
    if case.survives {
        store.sync().unwrap();
        drop(store);
        store = (case.open)(dir.path()).unwrap();
        check(&*store);
    }
}

fn a_scan_is_ordered_bounded_and_limited(case: StoreCase) {
    let dir = TestDir::new();
    let store = (case.open)(dir.path()).unwrap();
    let all: [&[u8]; 6] = [b"\x00", b"a", b"a\x00", b"ab", b"b", b"\xff\xff"];
    for key in [4, 2, 0, 5, 1, 3] {
        put(&*store, Transactions, all[key], b"v");
    }
    let scan = |from: &[u8], to, limit| keys(store.scan(Transactions, from, to, limit).unwrap());
    assert_eq!(scan(b"", None, 9), all);
    assert_eq!(scan(b"a", Some(b"b"), 9), all[1..4], "from is included, to is not");
    assert_eq!(scan(b"a\x00", None, 2), all[2..4]);
    assert_eq!(scan(b"aa", Some(b"az"), 9), all[3..4]);
    assert_eq!(scan(b"b\x00", Some(b"\xff"), 9), [[0_u8; 0]; 0]);
    assert_eq!(scan(b"b", Some(b"b"), 9), [[0_u8; 0]; 0]);
    assert_eq!(scan(b"b", Some(b"a"), 9), [[0_u8; 0]; 0], "upside down is empty");
    assert_eq!(scan(b"", None, 0), [[0_u8; 0]; 0]);
}

fn keys_that_not_every_store_can_hold_are_refused_and_nothing_changes(case: StoreCase) {
    let dir = TestDir::new();
    let store = (case.open)(dir.path()).unwrap();
    for key in [vec![], vec![7; KEY_BYTES_MAX + 1]] {
        let mut batch = Batch::new();
        batch.put(Meta, b"first", b"1").put(Meta, &key, b"2");
        let error = store.write(batch).unwrap_err();
        assert!(matches!(error, Error::TooLarge { what: "key", .. }), "{error}");
        assert_eq!(error.status(), Status::TooLarge);
    }
    assert_eq!(store.get(Meta, b"first").unwrap(), None);
    put(&*store, Meta, &[7; KEY_BYTES_MAX], &[8; 1 << 20]);
    assert_eq!(store.get(Meta, &[7; KEY_BYTES_MAX]).unwrap(), Some(vec![8; 1 << 20]));
    store.write(Batch::new()).unwrap();
}

fn a_reopened_store_holds_what_was_synced(case: StoreCase) {
    if !case.survives {
        return;
    }
    let dir = TestDir::new();
    for round in 0..4_u8 {
        let store = (case.open)(dir.path()).unwrap();
        assert_eq!(store.scan(Cursors, b"", None, 999).unwrap().len(), usize::from(round) * 50);
        let mut batch = Batch::new();
        for key in 0..50 {
            batch.put(Cursors, &[round, key], &[key; 100]);
        }
        batch.put(Meta, b"round", &[round]);
        store.write(batch).unwrap();
        store.sync().unwrap();
        drop(store);
        let store = (case.open)(dir.path()).unwrap();
        assert_eq!(store.get(Meta, b"round").unwrap(), Some(vec![round]));
    }
}

fn readers_never_see_half_a_batch(case: StoreCase) {
    let dir = TestDir::new();
    let store = (case.open)(dir.path()).unwrap();
    let is_done = AtomicBool::new(false);
    let write = |round: u32| {
        let mut batch = Batch::new();
        for key in 0..20_u8 {
            batch.put(Meta, &[key], &round.to_be_bytes());
        }
        store.write(batch).unwrap();
    };
    write(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Relaxed: ends the loop some time, orders nothing.
            while !is_done.load(Ordering::Relaxed) {
                let pairs = store.scan(Meta, b"", None, 99).unwrap();
                assert_eq!(pairs.len(), 20);
                assert!(pairs.iter().all(|(_, value)| *value == pairs[0].1), "{pairs:?}");
            }
        });
        (1..300).for_each(write);
        is_done.store(true, Ordering::Relaxed);
    });
}

fn the_counts_follow_what_was_done(case: StoreCase) {
    let dir = TestDir::new();
    let store = (case.open)(dir.path()).unwrap();
    put(&*store, Meta, b"a", &[3; 20_000]);
    put(&*store, Meta, b"b", b"1");
    store.sync().unwrap();
    let stats = store.stats();
    assert_eq!((stats.writes, stats.syncs), (2, 1));
    assert_eq!(stats.disk_bytes > 0, case.survives);
}

fn twenty_open_and_close_cycles_leak_no_descriptor(case: StoreCase) {
    let dir = TestDir::new();
    for cycle in 0..20_u8 {
        let store = (case.open)(dir.path()).unwrap();
        put(&*store, Meta, &[cycle + 1], b"1");
        store.sync().unwrap();
        drop(store);
        assert_all_closed(dir.path(), &format!("after cycle {cycle}"));
    }
}

macro_rules! store_suite {
    ($backend:ident, $case:expr) => {
        mod $backend {
            use super::*;

            const CASE: StoreCase = $case;

            cases! { CASE;
                a_value_is_read_back_replaced_and_deleted,
                families_do_not_see_each_other,
                the_last_operation_of_a_key_in_a_batch_wins,
                a_scan_is_ordered_bounded_and_limited,
                keys_that_not_every_store_can_hold_are_refused_and_nothing_changes,
                a_reopened_store_holds_what_was_synced,
                readers_never_see_half_a_batch,
                the_counts_follow_what_was_done,
                twenty_open_and_close_cycles_leak_no_descriptor,
            }
        }
    };
}

fn without_faults(dir: &Path) -> Result<Box<dyn Store>, Error> {
    Ok(Box::new(FaultyStore::new(open_store(Backend::Fjall, dir)?, Faults::new())))
}

store_suite!(memory, StoreCase { open: |dir| open_store(Backend::Memory, dir), survives: false });
store_suite!(fjall, StoreCase { open: |dir| open_store(Backend::Fjall, dir), survives: true });
store_suite!(faulty, StoreCase { open: without_faults, survives: true });
#[cfg(feature = "rocksdb")]
store_suite!(rocksdb, StoreCase { open: |dir| open_store(Backend::RocksDb, dir), survives: true });

#[cfg(not(feature = "rocksdb"))]
#[test]
fn a_store_that_was_not_built_in_is_refused_naming_the_feature() {
    let dir = TestDir::new();
    let Err(error) = open_store(Backend::RocksDb, dir.path()) else { panic!("opened") };
    assert_eq!(error.status(), Status::Unsupported);
    assert!(error.to_string().contains("feature `rocksdb`"), "{error}");
}
