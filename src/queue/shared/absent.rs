//! A model's queue has no segments: mappings are not the model checker's. The ring and the parts of a segment
//! have models of their own.

use crate::pool::{BufferPool, Slot};
use std::marker::PhantomData;
use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct Inlets;

pub(crate) struct Nap {
    pub(crate) limit: Duration,
    pub(crate) words: [(*const u32, u32); 0],
}

pub(crate) struct Run<'a>(PhantomData<&'a ()>);

impl Run<'_> {
    pub(crate) fn next(&mut self) -> Option<(Slot, u64)> {
        None
    }
}

impl Inlets {
    pub(crate) fn any(&self) -> bool {
        false
    }

    pub(crate) fn ready_lanes(&self) -> u64 {
        0
    }

    pub(crate) fn has_something(&self) -> bool {
        false
    }

    pub(crate) fn take(&self, _lane: usize, _pool: &BufferPool) -> Option<(Slot, u64)> {
        None
    }

    pub(crate) fn take_run(&self, _lane: usize, _pool: &BufferPool, _max: usize) -> Run<'_> {
        Run(PhantomData)
    }

    pub(crate) fn put_back(&self, _lane: usize, items: impl Iterator<Item = (Slot, u64)>) {
        assert_eq!(items.count(), 0, "nothing was taken");
    }

    pub(crate) fn abandon(&self, _pool: &BufferPool) {}

    pub(crate) fn tend(&self) {}

    pub(crate) fn tend_idle(&self) {}

    pub(crate) fn are_starved(&self) -> bool {
        false
    }

    pub(crate) fn close(&self) {}

    pub(crate) fn have_ended(&self) -> bool {
        true
    }

    pub(crate) fn nap(&self, limit: Duration) -> Nap {
        Nap { limit, words: [] }
    }
}
