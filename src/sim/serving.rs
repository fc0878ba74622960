//! What hosts do for clients, and what clients do.

use super::agenda::{Event, Local, MILLISECOND};
use super::checker::Seen;
use super::client::{ATTEMPTS_MAX, Answer, Client, Doing, Kind, PATIENCE, Record, Request};
use super::machine::{Applied, Outcome};
use super::node::{Seat, Waiting, seat_of};
use super::world::World;
use super::{HostMutant, Mutant};
use crate::frame::{self, FrameBuilder, FrameLimits};
use crate::raft::{Input, Refusal, Ticket};
use crate::types::{Index, LaneId, LogId};

/// Requests that a host collects; more are refused.
pub(super) const INBOX_MAX: usize = 64;
/// Reads that a host lets wait; the oldest makes room.
pub(super) const READS_MAX: usize = 64;
/// Bytes of a batch.
const BATCH_BYTES_MAX: usize = 8 << 10;

impl World {
    pub(super) fn on_request(&mut self, seat: Seat, request: Request) {
        let Some(process) = &mut self.nodes[seat].process else {
            return self.tell(request.client, request.operation, Answer::Later);
        };
        if request.entry.is_none() {
            return self.read(seat, request);
        }
        if process.inbox.len() >= INBOX_MAX {
            return self.tell(request.client, request.operation, Answer::Later);
        }
        process.inbox.push(request);
        if process.inbox.len() == 1 {
            self.later(seat, self.options.batch_delay, Local::Flush);
        }
    }

    fn read(&mut self, seat: Seat, request: Request) {
        if self.mutant == Some(Mutant::Host(HostMutant::ReadWithoutAsking)) {
            let process = self.process(seat);
            process.ready.push((process.machine.applied.index, request));
            return self.answer_reads(seat);
        }
        let ticket = self.ticket();
        let reads = &mut self.process(seat).reads;
        reads.insert(ticket, request);
        if reads.len() > READS_MAX {
            reads.pop_first();
        }
        self.step(seat, Input::Read(Ticket(ticket)));
    }

    /// What has collected becomes a batch.
    pub(super) fn flush(&mut self, seat: Seat) {
        let ticket = self.ticket();
        let padding_max = self.options.padding_max;
        let time = self.nodes[seat].clock.date(self.agenda.now());
        let process = self.nodes[seat].process.as_mut().expect("it was noted for this process");
        let limits = FrameLimits { body_bytes_max: BATCH_BYTES_MAX, entries_max: INBOX_MAX as u32 };
        let mut builder = FrameBuilder::new(limits, LaneId::default());
        let mut requests = Vec::new();
        for request in std::mem::take(&mut process.inbox) {
            let Some(entry) = request.entry else { continue };
            let bytes = entry.bytes(self.host_random.below(padding_max + 1) as usize);
            let id = entry.id(request.operation);
            let entry = frame::Entry { bytes: &bytes, origin: entry.origin(), id: id.as_ref() };
            let is_taken = process.inbox.is_empty() && builder.push(entry).is_ok();
            if is_taken { requests.push(request) } else { process.inbox.push(request) }
        }
        let Some(body) = builder.finish() else { return };
        let is_more = !process.inbox.is_empty();
        process.proposals.insert(ticket, requests);
        if is_more {
            self.later(seat, 0, Local::Flush);
        }
        self.step(seat, Input::Proposed { ticket: Ticket(ticket), time, body });
    }

    pub(super) fn on_accepted(&mut self, seat: Seat, ticket: Ticket, id: LogId) {
        let process = self.process(seat);
        if let Some(requests) = process.proposals.remove(&ticket.0) {
            process.waiting.insert(id.index, Waiting { term: id.term, requests });
        } else {
            self.count("accepted change");
            if self.is_cut(seat) {
                self.count("change during a partition");
            }
        }
    }

    /// Whether a link between two members, as this leader knows them, carries nothing.
    fn is_cut(&self, seat: Seat) -> bool {
        let members: Vec<Seat> = self.nodes[seat]
            .raft()
            .iter()
            .flat_map(|raft| raft.membership().members())
            .map(seat_of)
            .collect();
        let blocked = |from: &Seat| members.iter().any(|to| self.network.is_blocked(*from, *to));
        members.iter().any(blocked)
    }

    pub(super) fn on_refused(&mut self, seat: Seat, ticket: Ticket, why: Refusal) {
        let process = self.process(seat);
        let mut requests = process.proposals.remove(&ticket.0).unwrap_or_default();
        requests.extend(process.reads.remove(&ticket.0));
        if why == Refusal::Busy {
            *self.counts.entry("busy").or_default() += 1;
        }
        let answer = match why {
            Refusal::NotLeader(leader) => Answer::Elsewhere(leader.map(seat_of)),
            _ => Answer::Later,
        };
        for request in requests {
            self.tell(request.client, request.operation, answer);
        }
    }

    pub(super) fn on_read_ready(&mut self, seat: Seat, ticket: Ticket, index: Index) {
        let process = self.process(seat);
        if let Some(request) = process.reads.remove(&ticket.0) {
            process.ready.push((index, request));
            self.answer_reads(seat);
        }
    }

    /// Answers the reads whose index is applied.
    pub(super) fn answer_reads(&mut self, seat: Seat) {
        let process = self.process(seat);
        let (applied, list) = (process.machine.applied.index, process.machine.list);
        let ready: Vec<Request> = process
            .ready
            .extract_if(.., |(index, _)| *index <= applied)
            .map(|(_, request)| request)
            .collect();
        for request in ready {
            let answer = Answer::Read { length: list.length, hash: list.hash };
            self.count("read");
            self.tell(request.client, request.operation, answer);
        }
    }

    /// What is after `keep_to` will not be in the log: who waits for it has to ask again.
    pub(super) fn drop_waiting(&mut self, seat: Seat, keep_to: Index) {
        let dropped = self.process(seat).waiting.split_off(&keep_to.next());
        for request in dropped.into_values().flat_map(|waiting| waiting.requests) {
            self.tell(request.client, request.operation, Answer::Later);
        }
    }

    /// Answers those whose batch was applied.
    pub(super) fn answer_applied(&mut self, seat: Seat, id: LogId, applied: &[Applied]) {
        let Some(waiting) = self.process(seat).waiting.remove(&id.index) else { return };
        for (request, applied) in waiting.requests.into_iter().zip(applied) {
            if waiting.term != id.term {
                self.tell(request.client, request.operation, Answer::Later);
                continue;
            }
            match applied.outcome {
                Outcome::Repeated(_) => self.count("repetition"),
                Outcome::Expired => self.count("expired session"),
                _ => {}
            }
            let answer = match applied.outcome {
                Outcome::Opened(session) => Answer::Opened(session),
                Outcome::Appended(position) | Outcome::Repeated(position) => Answer::Appended(position),
                Outcome::Expired => Answer::Expired,
                Outcome::Stale | Outcome::Nothing => continue,
            };
            if matches!(answer, Answer::Appended(_)) {
                let membership =
                    self.nodes[seat].raft().map(|raft| raft.membership().clone()).unwrap_or_default();
                self.see(&Seen::Acknowledged { seat, id, membership: &membership });
            }
            self.tell(request.client, request.operation, answer);
        }
    }

    /// A client begins its next operation, or sends the one it has again.
    pub(super) fn on_wake(&mut self, client: usize, operation: u64) {
        if self.clients[client].operation != operation {
            return;
        }
        if self.clients[client].doing == Doing::Idle && !self.begin(client) {
            return;
        }
        self.ask(client);
    }

    /// Chooses what a client does next; `false` if nothing.
    fn begin(&mut self, number: usize) -> bool {
        let is_read = self.client_random.chance(self.options.reads);
        let now = self.agenda.now();
        let client = &mut self.clients[number];
        if client.is_stopped && client.probes == 0 {
            return false;
        }
        // The first probe writes, the second one reads.
        let is_read = if client.is_stopped { client.probes == 1 } else { is_read };
        client.operation += 1;
        client.attempt = 0;
        client.doing = match client.session {
            _ if is_read => Doing::Reading,
            None => Doing::Opening,
            Some(_) => Doing::Appending(client.value()),
        };
        client.sequence += u64::from(matches!(client.doing, Doing::Appending(_)));
        let kind = match client.doing {
            Doing::Appending(value) => Kind::Append(value),
            Doing::Reading => Kind::Read,
            Doing::Opening | Doing::Idle => return true,
        };
        client.record = Some(self.history.len());
        self.history.push(Record { client: number, kind, asked: now, answered: None });
        true
    }

    /// Sends the question of a client to the node it believes in.
    fn ask(&mut self, number: usize) {
        let client = &mut self.clients[number];
        client.attempt += 1;
        client.is_waking = false;
        let (request, seat) = (client.request(), client.target);
        let patience =
            Event::Patience { client: number, operation: client.operation, attempt: client.attempt };
        self.agenda.after(PATIENCE, patience);
        if !self.client_random.chance(self.network.options.loss) {
            let way = self.network.latency();
            self.agenda.after(way, Event::Request { seat, request });
        }
    }

    pub(super) fn on_patience(&mut self, number: usize, operation: u64, attempt: u32) {
        let now = self.agenda.now();
        let client = &mut self.clients[number];
        if client.operation != operation || client.attempt != attempt || client.doing == Doing::Idle {
            return;
        }
        if attempt >= ATTEMPTS_MAX && !client.is_stopped {
            self.trace.note(now, format_args!("c{} gives up on {:?}", number + 1, client.doing));
            client.session = None;
            return self.rest(number);
        }
        self.wander(number, None);
        self.ask(number);
    }

    /// The client tries another node: the one it was told of, or any.
    fn wander(&mut self, number: usize, hint: Option<Seat>) {
        let any = self.client_random.below(self.nodes.len() as u64) as Seat;
        self.clients[number].target = hint.unwrap_or(any);
    }

    /// The operation of a client is over.
    fn rest(&mut self, number: usize) {
        let client = &mut self.clients[number];
        (client.doing, client.record) = (Doing::Idle, None);
        let operation = client.operation;
        let pause = self.client_random.below(self.options.think_max);
        self.agenda.after(pause, Event::Wake { client: number, operation });
    }

    pub(super) fn on_answer(&mut self, number: usize, operation: u64, answer: Answer) {
        let now = self.agenda.now();
        let client = &mut self.clients[number];
        if client.operation != operation || client.doing == Doing::Idle {
            return;
        }
        let told = match (answer, client.doing) {
            (Answer::Elsewhere(_) | Answer::Later, _) => return self.ask_again(number, answer),
            (Answer::Opened(session), Doing::Opening) => {
                (client.session, client.sequence) = (Some(session), 0);
                None
            }
            (Answer::Appended(position), Doing::Appending(_)) => Some((position, 0)),
            (Answer::Read { length, hash }, Doing::Reading) => Some((length, hash)),
            (Answer::Expired, Doing::Appending(_)) => {
                client.session = None;
                None
            }
            _ => return,
        };
        self.trace.note(now, format_args!("c{} {:?}: {answer:?}", number + 1, client.doing));
        if let (Some((what, hash)), Some(record)) = (told, client.record) {
            self.history[record].answered = Some((now, what, hash));
            client.probes = client.probes.saturating_sub(1);
        }
        self.rest(number);
    }

    fn ask_again(&mut self, number: usize, answer: Answer) {
        let hint = match answer {
            Answer::Elsewhere(hint) => hint,
            _ => Some(self.clients[number].target),
        };
        let stays = self.client_random.below(4) > 0;
        self.wander(number, hint.filter(|_| stays));
        let Client { operation, .. } = self.clients[number];
        if std::mem::replace(&mut self.clients[number].is_waking, true) {
            return;
        }
        let pause = self.client_random.between(MILLISECOND, 20 * MILLISECOND);
        // The patience of this attempt still runs: whoever was not answered asks again then, too.
        self.agenda.after(pause, Event::Wake { client: number, operation });
    }
}
