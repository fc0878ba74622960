//! What was decided about the entries of one frame.

use std::ops::Range;

/// Why an entry is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was there before: its first occurrence is applied.
    Repeated,
    /// Its number is too far behind its session: nobody knows whether it was there.
    Stale,
}

/// Neighbours that are left out for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The first of them, counted from the first entry of the frame.
    pub first: u32,
    /// How many.
    pub count: u32,
    /// Why.
    pub why: Why,
}

/// Which entries of a frame are left out: none, most of the time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// Ascending, without overlap.
    left_out: Vec<LeftOut>,
}

impl Admission {
    /// Notes neighbours behind those noted before.
    pub(super) fn leave_out(&mut self, first: u32, count: u32, why: Why) {
        match self.left_out.last_mut() {
            Some(last) if last.why == why && last.first + last.count == first => last.count += count,
            _ => self.left_out.push(LeftOut { first, count, why }),
        }
    }

    /// The entries that are left out, ascending.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Why the entry at this place of the frame is left out; `None` when it is not.
    pub fn why(&self, at: u32) -> Option<Why> {
        let behind = self.left_out.partition_point(|part| part.first + part.count <= at);
        self.left_out.get(behind).filter(|part| part.first <= at).map(|part| part.why)
    }

    /// How many of these places are left out for that reason.
    pub fn count(&self, places: &Range<u32>, why: Why) -> u32 {
        let overlap = |part: &LeftOut| {
            let (first, end) = (part.first.max(places.start), (part.first + part.count).min(places.end));
            end.saturating_sub(first)
        };
        self.left_out.iter().filter(|part| part.why == why).map(overlap).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one_and_places_are_counted_where_they_are() {
        let mut admission = Admission::default();
        admission.leave_out(2, 1, Why::Repeated);
        admission.leave_out(3, 2, Why::Repeated);
        admission.leave_out(5, 1, Why::Stale);
        admission.leave_out(9, 1, Why::Repeated);
        assert_eq!(admission.left_out().len(), 3);
        let whys: Vec<_> = (0..11).map(|at| admission.why(at)).collect();
        let repeated = |at: &usize| whys[*at] == Some(Why::Repeated);
        assert_eq!((0..11).filter(repeated).collect::<Vec<_>>(), [2, 3, 4, 9]);
        assert_eq!(whys[5], Some(Why::Stale));
        assert_eq!(admission.count(&(0..11), Why::Repeated), 4);
        assert_eq!(admission.count(&(3..9), Why::Repeated), 2);
        assert_eq!(admission.count(&(3..9), Why::Stale), 1);
        assert_eq!(admission.count(&(6..9), Why::Stale), 0);
    }
}
