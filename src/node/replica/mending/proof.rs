//! What a peer may say to a node whose log is damaged, and what that one takes. Pure; cites the invariants of the module.
//!
//! "Whether": may frames be given, or taken? [`is_same_before`], [`is_same_behind`], [`check`]
//! "What": which answer does a log give?     [`refusal`], [`answer`]

use crate::frame::Frame;
use crate::raft::wire::{RepairAnswer, RepairRequest};
use crate::types::{Index, Term};

/// E2: the log of who asks is the committed one up to the gap. `theirs` is what is committed before it.
pub(in crate::node::replica) fn is_same_before(request: &RepairRequest, theirs: Term) -> bool {
    request.before == Term::ORIGIN || request.before == theirs
}

/// E3: the log of who asks is the committed one up to the entry behind the gap. `theirs` is what is committed there.
pub(in crate::node::replica) fn is_same_behind(request: &RepairRequest, theirs: Term) -> bool {
    request.behind == Term::ORIGIN || request.behind == theirs
}

/// Why nothing can be given; `None` where all that E1 to E3 ask for is so. `term_at` is that of a log from the end of
/// its snapshot on.
pub(in crate::node::replica) fn refusal(
    request: &RepairRequest,
    commit: Index,
    term_at: impl Fn(Index) -> Option<Term>,
) -> Option<RepairAnswer> {
    let RepairRequest { from, to, behind, .. } = *request;
    let committed = |index: Index| term_at(index).filter(|_| index <= commit);
    let before = from.back(1).and_then(committed);
    // E1: what is not known to be committed may be replaced yet.
    let upto = if behind == Term::ORIGIN { to } else { to.next() };
    if before.is_some_and(|theirs| !is_same_before(request, theirs)) {
        Some(RepairAnswer::OtherBefore)
    } else if committed(to.next()).is_some_and(|theirs| !is_same_behind(request, theirs)) {
        Some(RepairAnswer::OtherBehind)
    } else if commit < upto {
        Some(RepairAnswer::Uncommitted)
    } else if before.is_none() {
        Some(RepairAnswer::Forgotten)
    } else {
        None
    }
}

/// What is said with the frames that were read from `from` on. The core is asked again, since they are read without
/// its lock; and what is read may be older than what the core knows, where a snapshot is about to take its place.
pub(in crate::node::replica) fn answer(
    request: &RepairRequest,
    read: Vec<Frame>,
    commit: Index,
    term_at: impl Fn(Index) -> Option<Term>,
) -> RepairAnswer {
    if let Some(refusal) = refusal(request, commit, &term_at) {
        return refusal;
    }
    let mut next = request.from;
    let mut known = read;
    // Log Matching (Raft §5.3): with index and term it is the frame that is committed.
    let is_known = |frame: &Frame| {
        let last = frame.last();
        let is_next = std::mem::replace(&mut next, last.index.next()) == frame.base();
        is_next && last.index <= commit && term_at(last.index) == Some(last.term)
    };
    let count = known.iter().map(is_known).take_while(|is_known| *is_known).count();
    known.truncate(count);
    let within = known.iter().take_while(|frame| frame.last().index <= request.to).count();
    match (count, within) {
        // Committed, and not durable here yet.
        (0, _) => RepairAnswer::Uncommitted,
        // One frame stands in the gap and behind it: not what stood there.
        (_, 0) => RepairAnswer::OtherBehind,
        _ => {
            known.truncate(within);
            RepairAnswer::Frames(known)
        }
    }
}

/// Whether these frames may stand in the gap, from its beginning on: without a gap in themselves, of terms that do not
/// fall from one side to the other, none of them later than `known`, that of this node's vote (E4).
///
/// # Errors
/// What is wrong with them.
pub(super) fn check(request: &RepairRequest, frames: &[Frame], known: Term) -> Result<(), String> {
    let (mut next, mut term) = (request.from, request.before);
    for frame in frames {
        let (base, last) = (frame.base(), frame.last());
        if base != next || last.index > request.to {
            return Err(format!("gave entries {base} to {} for {next} to {}", last.index, request.to));
        }
        if last.term < term || (request.behind != Term::ORIGIN && last.term > request.behind) {
            return Err(format!("gave entries of term {}, which does not fit there", last.term));
        }
        if last.term > known {
            return Err(format!("gave entries of term {}, the vote knows {known} only", last.term));
        }
        (next, term) = (last.index.next(), last.term);
    }
    Ok(())
}
