//! What the core asks of a frame: its place, and the members that it may name. It never looks at entries.
//!
//! # Invariants
//! A leader seals a batch once: of two frames with the same term and base, one is a copy of the other. So
//! whether a frame is already there is decided by the term of its last entry.

use super::Membership;
use crate::codec::Malformed;
use crate::frame::{Body, Frame, FrameKind};
use crate::types::LogId;

/// Whether a frame can stand after `before`: dense, and of a term that is not older.
pub(super) fn follows(frame: &Frame, before: LogId) -> bool {
    Some(before.index) == frame.base().back(1) && frame.term() >= before.term
}

/// The members that a frame names, if it is there to name them.
///
/// # Errors
/// When its bytes are no members.
pub(super) fn membership_of(frame: &Frame) -> Result<Option<Membership>, Malformed> {
    match frame.kind() {
        FrameKind::Entries | FrameKind::Blank => Ok(None),
        FrameKind::Membership => {
            let entry = frame.entries().next().map_or(&[][..], |entry| entry.bytes);
            Membership::decode(entry).map(Some)
        }
    }
}

/// The batch that names members.
pub(super) fn body_of(membership: &Membership) -> Body {
    let mut bytes = Vec::with_capacity(membership.bytes());
    membership.encode(&mut bytes);
    Body::membership(&bytes)
}
