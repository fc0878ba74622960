//! Raft: agreement on a log among machines that may crash, as a state machine without a clock, thread,
//! disk or socket.

mod config;
mod effect;
mod frame;
mod input;
mod membership;
mod message;

pub use config::{Config, Misfit, Recovered, Settings, Snapshot};
pub use effect::{Effect, Fault, Refusal, Role, Vote, Write};
pub use frame::{Frame, Payload};
pub use input::{Input, Ticket, Timer, WriteId};
pub use membership::{ADDRESS_BYTES_MAX, Change, MEMBERS_MAX, Membership};
pub use message::{Message, Outcome};
