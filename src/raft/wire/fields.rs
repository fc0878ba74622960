//! The fields of each kind of message.

use super::envelope::{Envelope, Kind, WireLimits, seal};
use crate::codec::{Malformed, Reader};
use crate::frame::{Body, FRAME_HEADER_BYTES, Frame, FrameHeader};
use crate::raft::{Message, Outcome, Ticket};
use crate::types::{Index, LogId, Term};
use std::sync::Arc;

const MATCHED: u64 = 1;
const CONFLICT: u64 = 2;

/// The frames of a message, which follow its head.
pub fn frames_of(message: &Message) -> &[Frame] {
    match message {
        Message::Append { frames, .. } => frames,
        _ => &[],
    }
}

/// Appends envelope and fixed fields.
pub fn encode_head(message: &Message, out: &mut Vec<u8>) {
    let pair = |id: LogId| [id.term.get(), id.index.get()];
    match message {
        Message::VoteRequest { term, last, pre, transfer } => {
            let [last_term, last_index] = pair(*last);
            let flags = u64::from(*pre) | u64::from(*transfer) << 1;
            seal(Kind::VoteRequest, &[term.get(), last_term, last_index, flags], 0, out);
        }
        Message::VoteReply { term, granted, pre } => {
            let flags = u64::from(*granted) | u64::from(*pre) << 1;
            seal(Kind::VoteReply, &[term.get(), flags], 0, out);
        }
        Message::Append { term, prev, commit, frames } => {
            let [prev_term, prev_index] = pair(*prev);
            let more = frames.iter().map(Frame::encoded_bytes).sum();
            let fixed = [term.get(), prev_term, prev_index, commit.get(), frames.len() as u64];
            seal(Kind::Append, &fixed, more, out);
        }
        Message::Heartbeat { term, prev, commit, round } => {
            let [prev_term, prev_index] = pair(*prev);
            seal(Kind::Heartbeat, &[term.get(), prev_term, prev_index, commit.get(), *round], 0, out);
        }
        Message::AppendReply { term, outcome, round } => {
            let [kind, a, b, c] = match outcome {
                Outcome::Matched { durable, received } => [MATCHED, durable.get(), received.get(), 0],
                Outcome::Conflict { prev, hint } => [CONFLICT, prev.get(), hint.term.get(), hint.index.get()],
            };
            seal(Kind::AppendReply, &[term.get(), *round, kind, a, b, c], 0, out);
        }
        Message::TimeoutNow { term } => seal(Kind::TimeoutNow, &[term.get()], 0, out),
        Message::ReadRequest { term, ticket } => seal(Kind::ReadRequest, &[term.get(), ticket.0], 0, out),
        Message::ReadReply { term, ticket, index } => {
            let known = u64::from(index.is_some());
            let index = index.unwrap_or_default().get();
            seal(Kind::ReadReply, &[term.get(), ticket.0, known, index], 0, out);
        }
    }
}

/// Appends the whole message, frames copied.
pub fn encode(message: &Message, out: &mut Vec<u8>) {
    encode_head(message, out);
    frames_of(message).iter().for_each(|frame| frame.encode(out));
}

impl Envelope {
    /// Reads the message behind this envelope from `buffer`, which its frames share from then on.
    ///
    /// # Errors
    /// A checksum that does not match, a value that no encoder writes, a frame that is none, anything behind
    /// the last one. Offsets count from the end of the envelope.
    pub fn message(&self, buffer: &Arc<Vec<u8>>, limits: &WireLimits) -> Result<Message, Malformed> {
        let mut reader = self.fixed(buffer)?;
        let term = Term::new(reader.u64("term")?);
        let message = match self.kind() {
            Kind::VoteRequest => {
                let last = log_id(&mut reader)?;
                let [pre, transfer] = flags(&mut reader)?;
                Message::VoteRequest { term, last, pre, transfer }
            }
            Kind::VoteReply => {
                let [granted, pre] = flags(&mut reader)?;
                Message::VoteReply { term, granted, pre }
            }
            Kind::Append => {
                let (prev, commit) = (log_id(&mut reader)?, index(&mut reader)?);
                let frames = frames(&mut reader, buffer, self.kind().fixed_bytes(), limits)?;
                Message::Append { term, prev, commit, frames }
            }
            Kind::Heartbeat => {
                let (prev, commit) = (log_id(&mut reader)?, index(&mut reader)?);
                Message::Heartbeat { term, prev, commit, round: reader.u64("round")? }
            }
            Kind::AppendReply => {
                let round = reader.u64("round")?;
                Message::AppendReply { term, outcome: outcome(&mut reader)?, round }
            }
            Kind::TimeoutNow => Message::TimeoutNow { term },
            Kind::ReadRequest => Message::ReadRequest { term, ticket: Ticket(reader.u64("ticket")?) },
            Kind::ReadReply => {
                let ticket = Ticket(reader.u64("ticket")?);
                let at = reader.clone();
                let known = reader.u64("known")?;
                let index = index(&mut reader)?;
                if known > 1 || (known == 0 && index != Index::ORIGIN) {
                    return Err(at.fault("known", format!("{known} with index {index}")));
                }
                Message::ReadReply { term, ticket, index: (known == 1).then_some(index) }
            }
            Kind::Chunk | Kind::ChunkReply | Kind::RepairRequest | Kind::RepairReply => {
                return Err(reader.fault("kind", "it is not for the core".to_owned()));
            }
        };
        Ok(message)
    }
}

fn index(reader: &mut Reader<'_>) -> Result<Index, Malformed> {
    Ok(Index::new(reader.u64("index")?))
}

fn log_id(reader: &mut Reader<'_>) -> Result<LogId, Malformed> {
    Ok(LogId::new(Term::new(reader.u64("log term")?), Index::new(reader.u64("log index")?)))
}

fn flags(reader: &mut Reader<'_>) -> Result<[bool; 2], Malformed> {
    let at = reader.clone();
    match reader.u64("flags")? {
        flags @ 0..=3 => Ok([flags & 1 == 1, flags & 2 == 2]),
        flags => Err(at.fault("flags", format!("{flags:#x} has bits that mean nothing here"))),
    }
}

fn outcome(reader: &mut Reader<'_>) -> Result<Outcome, Malformed> {
    let at = reader.clone();
    let kind = reader.u64("outcome")?;
    let values = [reader.u64("outcome")?, reader.u64("outcome")?, reader.u64("outcome")?];
    match (kind, values) {
        (MATCHED, [durable, received, 0]) => {
            Ok(Outcome::Matched { durable: Index::new(durable), received: Index::new(received) })
        }
        (CONFLICT, [prev, term, index]) => {
            let hint = LogId::new(Term::new(term), Index::new(index));
            Ok(Outcome::Conflict { prev: Index::new(prev), hint })
        }
        _ => Err(at.fault("outcome", format!("{kind} with {values:?} is none"))),
    }
}

/// As many frames as the last fixed field says, from `start` of the buffer to its end.
pub(super) fn frames(
    reader: &mut Reader<'_>,
    buffer: &Arc<Vec<u8>>,
    start: usize,
    limits: &WireLimits,
) -> Result<Vec<Frame>, Malformed> {
    let at = reader.clone();
    let count = reader.u64("frames")?;
    // Each has a header at least: a lie about their number is known before room is made for them.
    let max = u64::from(limits.frames_max).min(((buffer.len() - start) / FRAME_HEADER_BYTES) as u64);
    if count > max {
        return Err(at.fault("frames", format!("{count} is over the limit of {max}")));
    }
    let mut frames = Vec::with_capacity(count as usize);
    let mut from = start;
    for _ in 0..count {
        let offset = |fault: Malformed| Malformed { offset: fault.offset + from, ..fault };
        let header = FrameHeader::decode(&buffer[from..], &limits.frame).map_err(offset)?;
        let body = Body::attach(&header, buffer, from + FRAME_HEADER_BYTES).map_err(offset)?;
        frames.push(Frame::sealed(&header, body).map_err(offset)?);
        from += FRAME_HEADER_BYTES + header.body_bytes as usize;
    }
    match buffer.len() - from {
        0 => Ok(frames),
        left => Err(Malformed { field: "frames", offset: from, fault: format!("{left} bytes too many") }),
    }
}
