//! Blocks of free buffers, and hosts that write to what they gave back.

use super::header::{Header, INDEX_MASK};
use super::magazine::{BLOCK_MAX, CLASS_MIN};
use super::*;
use std::collections::HashSet;

const COUNT: usize = CLASS_MIN as usize;

#[test]
fn a_block_is_read_as_it_was_written_whatever_its_indexes() {
    let headers = Header::table(200).expect("there is memory");
    let class = slab::Class::new(
        0,
        0,
        ClassSettings { buffer_bytes: 64, count_max: COUNT },
        slab::Keeping {
            initial: 0,
            shrink_after: std::time::Duration::ZERO,
            huge: false,
            keep_addresses: false,
        },
    );
    for stride in [1, 3, 5] {
        let wanted: [u32; BLOCK_MAX] = std::array::from_fn(|at| 199 - at as u32 * stride);
        class.close_block(&headers, &wanted);
        assert_eq!(class.in_blocks(&headers), BLOCK_MAX as u64);
        let mut found = [0; BLOCK_MAX];
        assert!(class.open_block(&headers, &mut found));
        assert_eq!(found, wanted);
        assert!(!class.open_block(&headers, &mut found));
    }
}

/// Everything can be had, each buffer once, and what is written to one is in no other.
fn check_whole(pool: &Arc<BufferPool>) -> Vec<Lease> {
    let mut all: Vec<_> = std::iter::from_fn(|| pool.acquire(64).ok()).collect();
    let indexes: HashSet<u32> = all.iter().map(Lease::index).collect();
    assert_eq!((all.len(), indexes.len()), (COUNT, COUNT), "every buffer once");
    let mark = |lease: &Lease| u64::from(lease.index()).to_le_bytes();
    for lease in &mut all {
        let mark = mark(lease);
        lease[..8].copy_from_slice(&mark);
    }
    assert!(all.iter().all(|lease| lease[..8] == mark(lease)));
    all
}

#[test]
fn a_write_to_a_buffer_that_was_given_back_spoils_its_content_and_not_the_pool() {
    let classes = vec![ClassSettings { buffer_bytes: 64, count_max: COUNT }];
    let settings = PoolSettings { classes, ..PoolSettings::default() };
    let pool = BufferPool::new(settings).expect("valid settings");
    // Out of range, the same index everywhere, and one for each.
    let late: [fn(u32) -> u32; 3] = [|_| u32::MAX, |_| 7, |number| number & INDEX_MASK as u32];
    for word in late {
        let mut all = check_whole(&pool);
        let views: Vec<*mut u32> = all.iter_mut().map(|lease| lease.as_mut_ptr().cast()).collect();
        drop(all);
        for (number, view) in views.into_iter().enumerate() {
            // SAFETY: inside of a buffer whose memory stays until the pool is trimmed; nobody else looks.
            (0..16).for_each(|at| unsafe { view.add(at).write(word((number + at) as u32)) });
        }
        drop(check_whole(&pool));
        let stats = pool.stats();
        assert_eq!((stats.in_use, stats.free), (0, COUNT as u64));
    }
}
