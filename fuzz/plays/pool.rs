//! The pool against a set of handles, one thread.

use super::Script;
use duochain::pool::{BufferPool, ClassSettings, Error, Handle, Lease, OverflowSettings, PoolSettings};
use std::collections::HashMap;

/// Plays what `data` says.
///
/// # Panics
/// When the pool loses a buffer, gives one out twice, or honours a handle that it should not.
pub(crate) fn play(data: &[u8]) {
    let mut script = Script::new(data);
    let counts = [1 + script.roll(6), 1 + script.roll(6)];
    let overflow = script.roll(3) * 4096;
    let pool = BufferPool::new(PoolSettings {
        classes: vec![
            ClassSettings { buffer_bytes: 64, count_max: counts[0] },
            ClassSettings { buffer_bytes: 256, count_max: counts[1] },
        ],
        overflow: OverflowSettings { buffer_bytes_max: overflow.min(4096), total_bytes_max: overflow },
    })
    .expect("valid settings");
    let largest = if overflow == 0 { 256 } else { 4096 };
    let mut leases: Vec<(Lease, u8)> = Vec::new();
    let mut handles: HashMap<Handle, u8> = HashMap::new();
    let mut spent: Vec<Handle> = Vec::new();
    let mut mark = 0_u8;
    while script.goes_on() {
        match script.roll(8) {
            0..=2 => {
                let len = script.roll(4200);
                match pool.acquire(len) {
                    Ok(mut lease) => {
                        mark = mark.wrapping_add(1);
                        lease.fill(mark);
                        assert_eq!(lease.len(), len);
                        leases.push((lease, mark));
                    }
                    Err(Error::TooLarge { .. }) => assert!(len > largest),
                    Err(error) => {
                        assert_eq!(error, Error::Exhausted);
                        let in_use = leases.len() + handles.len();
                        let fits = counts[1] + if len <= 64 { counts[0] } else { 0 };
                        let reach = if len <= 256 { fits } else { 0 };
                        // Smaller requests may sit in larger buffers, so all that is certain is a bound.
                        assert!(in_use >= reach.min(counts[1]), "{in_use} in use, {len} bytes refused");
                    }
                }
            }
            3 if !leases.is_empty() => {
                let (lease, mark) = leases.swap_remove(script.roll(leases.len()));
                assert!(lease.iter().all(|byte| *byte == mark), "a buffer has one owner");
            }
            4 if !leases.is_empty() => {
                let (lease, mark) = leases.swap_remove(script.roll(leases.len()));
                assert!(handles.insert(lease.into_handle(), mark).is_none(), "a handle is given out once");
            }
            5 if !handles.is_empty() => {
                let at = script.roll(handles.len());
                let handle =
                    *handles.keys().min_by_key(|handle| handle.get().rotate_left(at as u32)).expect("one");
                let mark = handles.remove(&handle).expect("ours");
                if script.roll(2) == 0 {
                    let lease = pool.adopt(handle).expect("a valid handle");
                    assert!(lease.iter().all(|byte| *byte == mark), "a buffer has one owner");
                } else {
                    pool.release(handle).expect("a valid handle");
                }
                spent.push(handle);
            }
            6 => {
                let wrong = match spent.len() {
                    0 => Handle::from_raw(script.word()),
                    count => spent[script.roll(count)],
                };
                if !handles.contains_key(&wrong) {
                    assert!(pool.release(wrong).is_err() && pool.adopt(wrong).is_err(), "{wrong:?}");
                }
            }
            _ => drop(pool.trim(script.roll(4))),
        }
        let stats = pool.stats();
        assert_eq!(stats.in_use, (leases.len() + handles.len()) as u64);
        assert_eq!(stats.acquired - stats.released, stats.in_use);
    }
    leases.clear();
    handles.keys().for_each(|handle| pool.release(*handle).expect("a valid handle"));
    assert_eq!((pool.stats().in_use, pool.stats().overflow_bytes), (0, 0));
}
