//! One caller that waits: by a thread, a future or a callback.

use super::ReplicaError;
use super::waiting::Receipt;
use crate::env::log::{self, Level};
use crate::env::panic;
use parking_lot::{Condvar, Mutex};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// What a caller is told in the end.
pub(super) type Outcome = Result<Receipt, ReplicaError>;

type Callback = Box<dyn FnOnce(Outcome) + Send>;

#[derive(Default)]
struct State {
    outcome: Option<Outcome>,
    waker: Option<Waker>,
    callback: Option<Callback>,
}

/// Where the outcome arrives.
#[derive(Default)]
pub(super) struct Waiter {
    state: Mutex<State>,
    told: Condvar,
}

impl Waiter {
    /// The first outcome stays. Runs a callback, if there is one: not under a lock.
    pub(super) fn tell(&self, outcome: Outcome) {
        let mut state = self.state.lock();
        if state.outcome.is_some() {
            return;
        }
        state.outcome = Some(outcome.clone());
        let (waker, callback) = (state.waker.take(), state.callback.take());
        drop(state);
        self.told.notify_all();
        if let Some(waker) = waker {
            call("waker", || waker.wake());
        }
        if let Some(callback) = callback {
            call("callback", || callback(outcome));
        }
    }

    pub(super) fn is_told(&self) -> bool {
        self.state.lock().outcome.is_some()
    }

    pub(super) fn wait(&self, timeout: Duration) -> Outcome {
        let mut state = self.state.lock();
        let wait = |state: &mut State| state.outcome.is_none();
        self.told.wait_while_for(&mut state, wait, timeout);
        state.outcome.clone().unwrap_or(Err(ReplicaError::Timeout))
    }
}

impl std::fmt::Debug for Waiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiter").field("outcome", &self.state.lock().outcome).finish_non_exhaustive()
    }
}

/// Calls what is the host's: a panic there must not end the replica.
fn call(what: &str, body: impl FnOnce()) {
    let _quiet = panic::Quiet::enter();
    if catch_unwind(AssertUnwindSafe(body)).is_err() {
        log::emit(Level::Error, "log", format_args!("a {what} of the host panicked"));
    }
}

/// Entries that were submitted. Dropping it gives up the answer, not the entries.
///
/// A thread waits with [`Self::wait`], a task awaits it, or a callback is called once. Any thread may hold it.
#[derive(Debug)]
#[must_use = "whether the entries are in the log is not known yet"]
pub struct Pending(pub(super) Arc<Waiter>);

impl Pending {
    /// Waits for the answer. After `Timeout` it may be waited for again.
    ///
    /// # Errors
    /// As [`super::Replica::submit`] says.
    pub fn wait(&self, timeout: Duration) -> Result<Receipt, ReplicaError> {
        self.0.wait(timeout)
    }

    /// The answer, if it is there.
    pub fn try_wait(&self) -> Option<Result<Receipt, ReplicaError>> {
        self.0.state.lock().outcome.clone()
    }

    /// Calls `callback` with the answer, once: now if it is there, or by the thread of the replica that learns it.
    /// It must not block, since others wait behind it; it may submit more, and drop or close the replica. A panic in
    /// it is logged.
    pub fn on_done(self, callback: impl FnOnce(Result<Receipt, ReplicaError>) + Send + 'static) {
        let mut state = self.0.state.lock();
        match state.outcome.clone() {
            None => state.callback = Some(Box::new(callback)),
            Some(outcome) => {
                drop(state);
                call("callback", || callback(outcome));
            }
        }
    }
}

impl Future for Pending {
    type Output = Result<Receipt, ReplicaError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.state.lock();
        match state.outcome.clone() {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::LogId;
    use std::sync::mpsc::sync_channel;

    const RECEIPT: Receipt = Receipt { id: LogId::ORIGIN, repeated: 1, stale: 0 };

    #[test]
    fn the_first_outcome_stays_and_a_callback_gets_it_once_whenever_it_comes() {
        let waiter = Arc::new(Waiter::default());
        let (sender, receiver) = sync_channel(4);
        let early = sender.clone();
        Pending(Arc::clone(&waiter)).on_done(move |outcome| early.send(outcome).unwrap());
        assert!(Pending(Arc::clone(&waiter)).try_wait().is_none());
        waiter.tell(Ok(RECEIPT));
        waiter.tell(Err(ReplicaError::Closed));
        Pending(Arc::clone(&waiter)).on_done(move |outcome| sender.send(outcome).unwrap());
        let told: Vec<_> = receiver.iter().map(Result::unwrap).collect();
        assert_eq!(told, [RECEIPT; 2]);
        assert_eq!(Pending(waiter).wait(Duration::ZERO).unwrap(), RECEIPT);
    }

    #[test]
    fn a_panic_in_a_callback_ends_nothing() {
        let waiter = Arc::new(Waiter::default());
        Pending(Arc::clone(&waiter)).on_done(|_| panic!("the host's"));
        waiter.tell(Ok(RECEIPT));
        assert_eq!(waiter.wait(Duration::ZERO).unwrap(), RECEIPT);
        Pending(waiter).on_done(|_| panic!("the host's, by the caller's thread"));
    }

    #[test]
    fn a_panic_in_a_waker_ends_nothing() {
        struct Broken;
        impl std::task::Wake for Broken {
            fn wake(self: Arc<Self>) {
                panic!("the host's");
            }
        }
        let waiter = Arc::new(Waiter::default());
        let waker = Waker::from(Arc::new(Broken));
        let mut pending = Pending(Arc::clone(&waiter));
        assert!(Pin::new(&mut pending).poll(&mut Context::from_waker(&waker)).is_pending());
        waiter.tell(Ok(RECEIPT));
        assert_eq!(waiter.wait(Duration::ZERO).unwrap(), RECEIPT);
    }

    #[test]
    fn a_task_is_woken_by_the_answer() {
        struct Flag(std::sync::atomic::AtomicBool);
        impl std::task::Wake for Flag {
            fn wake(self: Arc<Self>) {
                self.0.store(true, std::sync::atomic::Ordering::SeqCst);
            }
        }
        let flag = Arc::new(Flag(false.into()));
        let waker = Waker::from(Arc::clone(&flag));
        let mut context = Context::from_waker(&waker);
        let waiter = Arc::new(Waiter::default());
        let mut pending = Pending(Arc::clone(&waiter));
        assert!(Pin::new(&mut pending).poll(&mut context).is_pending());
        waiter.tell(Ok(RECEIPT));
        assert!(flag.0.load(std::sync::atomic::Ordering::SeqCst));
        assert!(matches!(Pin::new(&mut pending).poll(&mut context), Poll::Ready(Ok(RECEIPT))));
    }
}
