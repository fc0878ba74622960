//! `duo_replog`: requests whose answers are fetched later, for hosts whose threads must not wait in one piece.
#![expect(unsafe_code, reason = "exports C functions")]
#![expect(clippy::missing_safety_doc, reason = "the header's opening states the contract of all pointers")]

use super::argument::{self, DUO_BATCH_MAX, array, out};
use super::boundary::on;
use super::failure::Failure;
use super::replog::{ReplogObject, duo_replog};
use super::replog_append::{
    answered, change, duo_replog_append_options, duo_replog_change_t, duo_replog_receipt, flat,
};
use super::status::duo_status;
use crate::node::replica::{Asked, Giving, Pending, Receipt, ReplicaError, StateWriter};
use crate::types::{LogId, Status, Term};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

/// Batches, questions and snapshots of a log whose answer was not fetched.
pub const DUO_REPLOG_PENDING_MAX: usize = 65536;

/// What somebody will ask about.
pub(super) enum Request {
    Append(Pending),
    Question(Asked),
    Snapshot(Giving),
    State(StateWriter),
}

impl Request {
    fn wait(&self, timeout: Duration) -> Result<Receipt, ReplicaError> {
        let receipt = |id| Receipt { id, repeated: 0, stale: 0 };
        let snapshot = |index| receipt(LogId::new(Term::ORIGIN, index));
        match self {
            Self::Append(pending) => pending.wait(timeout),
            Self::Question(asked) => asked.wait(timeout).map(receipt),
            Self::Snapshot(giving) => giving.wait(timeout).map(snapshot),
            Self::State(writer) => writer.wait(timeout).map(snapshot),
        }
    }

    /// Nobody wants the answer. Whoever still uses it is told, where it would go on for nothing.
    fn give_up(&self) {
        if let Self::State(writer) = self {
            writer.give_up();
        }
    }

    /// The state that is handed over under this name.
    pub(super) fn state(&self, op: u64) -> Result<&StateWriter, Failure> {
        match self {
            Self::State(writer) => Ok(writer),
            _ => Err(Failure::argument(format!("{op} is no state that is handed over"))),
        }
    }
}

#[derive(Default)]
struct Requests {
    last: u64,
    by_op: HashMap<u64, Arc<Request>>,
    /// On their way into the table.
    coming: usize,
}

/// Requests by their numbers.
#[derive(Default)]
pub(super) struct PendingTable(Mutex<Requests>);

impl PendingTable {
    /// Makes a request if there is room for it, and gives its number.
    fn add(&self, make: impl FnOnce() -> Result<Request, Failure>) -> Result<Option<u64>, Failure> {
        {
            let mut requests = self.0.lock();
            if requests.by_op.len() + requests.coming >= DUO_REPLOG_PENDING_MAX {
                return Ok(None);
            }
            requests.coming += 1;
        }
        // Not under the lock: it may take the core's.
        let made = make();
        let mut requests = self.0.lock();
        requests.coming -= 1;
        let request = Arc::new(made?);
        requests.last += 1;
        let op = requests.last;
        requests.by_op.insert(op, request);
        Ok(Some(op))
    }

    pub(super) fn find(&self, op: u64) -> Result<Arc<Request>, Failure> {
        let found = self.0.lock().by_op.get(&op).map(Arc::clone);
        found.ok_or_else(|| Failure::argument(format!("{op} is no request that is waited for")))
    }

    /// What is left of it is dropped without the lock.
    fn remove(&self, op: u64) -> Option<Arc<Request>> {
        self.0.lock().by_op.remove(&op)
    }
}

impl ReplogObject {
    pub(super) fn request(
        &self,
        op: *mut u64,
        make: impl FnOnce() -> Result<Request, Failure>,
    ) -> Result<Status, Failure> {
        let target = out(op, "op")?;
        let Some(op) = self.pending.add(make)? else { return Ok(Status::Again) };
        target.put(op);
        Ok(Status::Ok)
    }
}

/// As `duo_replog_append_flat`, without waiting: `op` names the batch for `duo_replog_await`, which gives the answer.
/// `DUO_AGAIN` also when `DUO_REPLOG_PENDING_MAX` requests have an answer to come or to be fetched.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_submit(
    log: *const duo_replog,
    bytes: *const c_void,
    lens: *const u32,
    n: usize,
    options: *const duo_replog_append_options,
    op: *mut u64,
) -> duo_status {
    on(log, |log: &ReplogObject| {
        // SAFETY: the header's contract.
        let lens = unsafe { array(lens, n, DUO_BATCH_MAX, "lens") }?;
        // SAFETY: as above.
        let items = unsafe { flat(bytes, lens) }?;
        log.request(op, || Ok(Request::Append(log.submit(items, options)?)))
    })
}

/// As `duo_replog_read_index`, without waiting: `duo_replog_await` gives the answer, the index in that of the receipt.
/// A question that may have got lost is asked again while somebody waits. `DUO_AGAIN` as for `duo_replog_submit`.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_submit_read(log: *const duo_replog, op: *mut u64) -> duo_status {
    on(log, |log: &ReplogObject| log.request(op, || Ok(Request::Question(log.replica.ask_read()?))))
}

/// As `duo_replog_change`, without waiting: `duo_replog_await` gives the answer, with the place of the change in the
/// log. `DUO_AGAIN` as for `duo_replog_submit`; that another change is under way says the answer.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_submit_change(
    log: *const duo_replog,
    changes: *const duo_replog_change_t,
    n: usize,
    op: *mut u64,
) -> duo_status {
    on(log, |log: &ReplogObject| {
        // SAFETY: the header's contract.
        let change = unsafe { change(changes, n) }?;
        log.request(op, || Ok(Request::Question(log.replica.ask_change(change)?)))
    })
}

/// Waits up to `timeout_ns` for the answer of a request, which is that of the call that waits itself:
/// `duo_replog_append`, `duo_replog_read_index`, `duo_replog_change`, `duo_replog_snapshot`. After `DUO_TIMEOUT` it can be
/// asked for again; after any other, `DUO_PARTIAL` too, `op` is gone. One thread at a time asks for a request.
///
/// [any-thread] [blocks] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_await(
    log: *const duo_replog,
    op: u64,
    timeout_ns: i64,
    receipt: *mut duo_replog_receipt,
) -> duo_status {
    on(log, |log: &ReplogObject| {
        let target = out(receipt, "receipt")?;
        let answer = log.pending.find(op)?.wait(argument::timeout(timeout_ns));
        if matches!(answer, Err(ReplicaError::Timeout)) {
            return Ok(Status::Timeout);
        }
        drop(log.pending.remove(op));
        answered(answer, target)
    })
}

/// Nobody will ask for the request's answer. A batch or change may be committed all the same; a state that is handed over
/// and has not ended is given up.
///
/// [any-thread] Since: 0.1
#[unsafe(no_mangle)]
pub unsafe extern "C" fn duo_replog_forget(log: *const duo_replog, op: u64) -> duo_status {
    on(log, |log: &ReplogObject| {
        log.pending.find(op)?.give_up();
        drop(log.pending.remove(op));
        Ok(Status::Ok)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_on_its_way_takes_room() {
        let table = PendingTable::default();
        table.0.lock().coming = DUO_REPLOG_PENDING_MAX - 1;
        let first = table.add(|| {
            assert_eq!(table.add(|| unreachable!("there is no room")), Ok(None));
            Err(Failure::argument("not this one"))
        });
        assert!(first.is_err());
        assert_eq!(table.0.lock().coming, DUO_REPLOG_PENDING_MAX - 1);
    }
}
