//! What happens among validators.

use super::block::Block;
use super::faults::{FaultKind, Relief};
use crate::bft::{Message, Proposal, RecordId, Statement, Timer};
use crate::sim::agenda::Nanos;
use crate::sim::node::Seat;
use crate::types::{BlockHash, Height, ValidatorIndex, View};
use std::sync::Arc;

/// Something that happens to the process on one seat. It is void once that process is another one.
#[derive(Debug)]
pub(super) enum Local {
    /// A timer that was armed for the `arming`-th time.
    Timer { timer: Timer, arming: u64 },
    /// The log of votes is synced up to here.
    Logged { upto: RecordId },
    /// The store of final blocks is synced.
    Stored,
    /// The signer answers.
    Signed(Statement),
    /// Its clock says that the time of another height has come.
    Open,
    /// A block was made.
    Built { view: View, height: Height, parent: BlockHash },
    /// A block was checked.
    Checked(BlockHash),
    /// It looks for blocks that it lacks.
    Search,
    /// It measures a round trip.
    Ping,
    /// It has nothing else to do.
    Flush,
    /// An actor does something by itself.
    Act,
    /// What an actor has put off.
    Late(ValidatorIndex, Message),
}

/// What travels between machines.
#[derive(Clone, Debug)]
pub(super) enum Parcel {
    /// Of the agreement: its bytes, and what whoever keeps to the rules meant by them.
    Said(Arc<[u8]>, Option<Message>),
    /// Who has this block?
    Ask(BlockHash),
    /// Here is a block.
    Block(Arc<Block>),
    /// A round trip begins, at this time of whoever asks.
    Ping(Nanos),
    /// And comes back.
    Pong(Nanos),
}

/// Everything that can happen.
#[derive(Debug)]
pub(super) enum Event {
    /// To a process, by its number of starts.
    Local { seat: Seat, run: u32, what: Local },
    /// A parcel reaches its receiver, if the connection still is the one that it was sent on.
    Deliver { from: Seat, to: Seat, connection: u32, bytes: usize, parcel: Parcel },
    /// A process is started on what its disk holds.
    Start(Seat),
    /// A paused process goes on.
    Resume(Seat),
    /// Something breaks.
    Fault(FaultKind),
    /// Something that broke works again.
    Relief(Relief),
    /// Everything is made whole.
    Heal,
    /// Has it gone on?
    Poll,
}

/// A block that is being looked for and checked.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) proposal: Proposal,
    /// As the question said.
    pub(super) again: bool,
    /// Whether it is being checked by now.
    pub(super) is_running: bool,
}
