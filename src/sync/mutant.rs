//! Mistakes made on purpose, in models only, which the models have to notice; and places that the models
//! have to reach.

use super::atomic::Ordering;

/// A mistake, made where [`has_mutant`] or [`weakened`] names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// Ring: any empty cell counts as vacant, whatever its turn.
    TurnUnchecked,
    /// Ring: the bound moves past a ticket that is not filled.
    TailBeyond,
    /// Ring: filling a cell does not publish the buffer.
    FillRelaxed,
    /// Ring: a consumer does not see what the producer did before it filled the cell.
    TakeRelaxed,
    /// Ring: freeing a cell does not publish what the consumer did before.
    FreeRelaxed,
    /// Ring: a raised tail does not bring along what its raiser saw.
    TailRelaxed,
    /// Ring: who walks over a filled cell does not see what its producer saw.
    WalkRelaxed,
    /// Handshakes: a producer's look at the word of lanes may be older than its cell.
    AnnounceRelaxed,
    /// Runs of handles: links are written after their run is published.
    LinksLate,
    /// Free list: pops keep the tag.
    Untagged,
    /// Free list: putting a buffer on it does not publish the buffer.
    PushRelaxed,
    /// Free list: who takes a buffer does not see what its last owner did.
    PopRelaxed,
    /// Handle: giving one out does not publish the buffer.
    HandOutRelaxed,
    /// Handle: who adopts one does not see the buffer.
    TakeBackRelaxed,
    /// Magazine: what was handed over as a block is kept as well.
    BlockKept,
    /// Limiter: a grant is stored without looking whether another came between.
    LimiterTorn,
    /// Breaker: who counted a failure judges without a fence.
    JudgeUnfenced,
    /// Breaker: who sees it open does not see until when.
    AskRelaxed,
    /// Breaker: until when it is open is said after it opened.
    UntilLate,
    /// Bulkhead: giving a permit back does not publish what was done under it.
    GiveBackRelaxed,
    /// Bulkhead: who takes a permit does not see what was done under it before.
    TakePermitRelaxed,
    /// Bulkhead: who gives a permit back does not look for waiters.
    WaitersUnseen,
    /// Bulkhead: a waiter that leaves keeps the permit that it was handed.
    LeaverKeeps,
}

#[cfg(modelled)]
std::thread_local! {
    /// One real thread runs all of a model's, so it is the same for all of them.
    static MADE: std::cell::Cell<Option<Mutant>> = const { std::cell::Cell::new(None) };
}

/// Makes a mistake in the models of this thread for as long as it lives.
#[cfg(all(test, modelled))]
pub(crate) struct Made;

#[cfg(all(test, modelled))]
impl Mutant {
    pub(crate) fn make(self) -> Made {
        MADE.set(Some(self));
        Made
    }
}

#[cfg(all(test, modelled))]
impl Drop for Made {
    fn drop(&mut self) {
        MADE.set(None);
    }
}

/// True when a model makes that mistake. Outside of models: false, at no cost.
#[inline(always)]
pub(crate) fn has_mutant(mutant: Mutant) -> bool {
    #[cfg(modelled)]
    return MADE.get() == Some(mutant);
    #[cfg(not(modelled))]
    {
        let _ = mutant;
        false
    }
}

/// `order`, or Relaxed when a model makes that mistake.
#[inline(always)]
pub(crate) fn weakened(mutant: Mutant, order: Ordering) -> Ordering {
    if has_mutant(mutant) { Ordering::Relaxed } else { order }
}

/// Code that a model could miss without anybody noticing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A full magazine handed a block over.
    BlockClosed,
    /// A block was taken.
    BlockOpened,
    /// An empty magazine took a run off the lists.
    RunTaken,
    /// An empty magazine took fresh buffers.
    FreshTaken,
    /// A thread's magazine ended.
    MagazineClosed,
    /// A slab was given back.
    SlabFreed,
}

#[cfg(modelled)]
const PLACES: usize = Place::SlabFreed as usize + 1;

#[cfg(modelled)]
std::thread_local! {
    static REACHED: [std::cell::Cell<u64>; PLACES] = const { [const { std::cell::Cell::new(0) }; PLACES] };
}

/// Counts a visit, in models.
#[inline(always)]
pub(crate) fn reached(place: Place) {
    #[cfg(modelled)]
    REACHED.with(|reached| reached[place as usize].set(reached[place as usize].get() + 1));
    #[cfg(not(modelled))]
    let _ = place;
}

/// Visits by the models of this thread.
#[cfg(all(test, modelled))]
pub(crate) fn visits(place: Place) -> u64 {
    REACHED.with(|reached| reached[place as usize].get())
}
