//! The gate that every object has: who may pass, what becomes of panics, and how calls wait.
//!
//! # Model
//! ```text
//! open --close()--> closed: CLOSED          (closing again is fine)
//!   `---panic-----> poisoned: POISONED      (closing is fine)
//! any, in the child of a fork: FORKED       (the object is left as it is, its memory is not given back)
//! ```
//! Calls wait in slices, and signals are looked at between them. One that cannot be cut into slices runs aside.

use crate::fault::fault;
use duochain::env::panic::{Quiet, message};
use duochain::env::{Clock, SystemClock};
use duochain::types::{Status, Tick};
use pyo3::prelude::*;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// Longest time that a call waits between two looks at pending signals.
pub(crate) const SLICE: Duration = Duration::from_millis(50);

/// Forks between the start of the first process and this one.
static FORKS: AtomicU32 = AtomicU32::new(0);

const CLOSED: u8 = 1;
const POISONED: u8 = 2;

/// Called by the interpreter in the child of every fork.
#[pyfunction]
pub(crate) fn _after_fork_in_child() {
    // Relaxed: the child has one thread.
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// State of one object.
#[derive(Debug)]
pub(crate) struct Gate {
    noun: &'static str,
    forks: u32,
    state: AtomicU8,
}

impl Gate {
    /// An open gate; `noun` names the object in messages.
    pub(crate) fn new(noun: &'static str) -> Self {
        Self { noun, forks: FORKS.load(Ordering::Relaxed), state: AtomicU8::new(0) }
    }

    /// Runs `call` when the object is usable.
    #[inline]
    pub(crate) fn enter<R>(&self, py: Python<'_>, call: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
        self.check(py, CLOSED | POISONED)?;
        self.caught(py, call)
    }

    /// As [`Gate::enter`], for calls that a closed object still answers.
    pub(crate) fn enter_closed<R>(&self, py: Python<'_>, call: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
        self.check(py, POISONED)?;
        self.caught(py, call)
    }

    /// As [`Gate::enter`], for calls that only give something back.
    pub(crate) fn enter_always<R>(&self, py: Python<'_>, call: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
        self.check(py, 0)?;
        self.caught(py, call)
    }

    /// Marks the object closed, then runs `call`, whatever state it is in. Only a fork is refused.
    pub(crate) fn close<R>(&self, py: Python<'_>, call: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
        self.check(py, 0)?;
        self.state.fetch_or(CLOSED, Ordering::Relaxed);
        self.caught(py, call)
    }

    /// True once closed.
    pub(crate) fn is_closed(&self) -> bool {
        // Relaxed, here and below: the interpreter lock orders the accesses.
        self.state.load(Ordering::Relaxed) & CLOSED != 0
    }

    #[inline]
    fn check(&self, py: Python<'_>, refused: u8) -> PyResult<()> {
        let state = self.state.load(Ordering::Relaxed) & refused;
        if state == 0 && self.forks == FORKS.load(Ordering::Relaxed) { Ok(()) } else { Err(self.refusal(py)) }
    }

    #[cold]
    fn refusal(&self, py: Python<'_>) -> PyErr {
        let noun = self.noun;
        if self.forks != FORKS.load(Ordering::Relaxed) {
            fault(py, Status::Forked, format!("the {noun} belongs to the parent process"))
        } else if self.is_closed() {
            fault(py, Status::Closed, format!("the {noun} is closed"))
        } else {
            fault(py, Status::Poisoned, format!("an earlier panic left the {noun} unusable; close it"))
        }
    }

    #[inline]
    fn caught<R>(&self, py: Python<'_>, call: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
        let result = caught(py, call);
        result.unwrap_or_else(|panic| {
            self.state.fetch_or(POISONED, Ordering::Relaxed);
            Err(panic)
        })
    }
}

/// Runs `call`; a panic in it becomes the outer error. For calls that have no object.
#[inline]
pub(crate) fn caught<R>(py: Python<'_>, call: impl FnOnce() -> R) -> PyResult<R> {
    let _quiet = Quiet::enter();
    // Whoever owns state that the panic may have left torn poisons it.
    let result = catch_unwind(AssertUnwindSafe(|| {
        #[cfg(feature = "faults")]
        faults::strike();
        call()
    }));
    result.map_err(|payload| fault(py, Status::Panic, message(payload.as_ref())))
}

/// Waits for `attempt` to succeed, without the interpreter lock, in slices, looking at pending signals in
/// between; the last failure when `timeout` passed. A timeout of `None` is for ever.
///
/// `attempt` is told how long it may wait; `again` says which of its failures more time can heal.
pub(crate) fn wait<T: Send, E: Send>(
    py: Python<'_>,
    timeout: Option<Duration>,
    mut attempt: impl FnMut(Duration) -> Result<T, E> + Send,
    again: impl Fn(&E) -> bool,
) -> PyResult<Result<T, E>> {
    let clock = SystemClock::new();
    loop {
        let passed = clock.now().since(Tick::ZERO);
        let left = timeout.map(|timeout| timeout.saturating_sub(passed));
        let slice = left.map_or(SLICE, |left| left.min(SLICE));
        match py.detach(|| attempt(slice)) {
            Err(error) if again(&error) && left.is_none_or(|left| left > SLICE) => py.check_signals()?,
            // Not after an answer: a signal handler that raises would lose it.
            answer => return Ok(answer),
        }
    }
}

/// A call that cannot be cut into slices, by a thread of its own.
pub(crate) struct Aside<T> {
    thread: JoinHandle<()>,
    over: Receiver<std::thread::Result<T>>,
}

impl<T: Send + 'static> Aside<T> {
    /// Begins with `body`, which nobody stops.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub(crate) fn start(name: &str, body: impl FnOnce() -> T + Send + 'static) -> std::io::Result<Self> {
        let (give, over) = sync_channel(1);
        let thread = Builder::new().name(name.to_owned()).spawn(move || {
            let _quiet = Quiet::enter();
            // Nobody takes it after a signal: then it is dropped here.
            let _ = give.send(catch_unwind(AssertUnwindSafe(body)));
        })?;
        Ok(Self { thread, over })
    }

    /// Waits for it without the interpreter lock. A signal ends the wait and not the call. Panics as `body` did.
    pub(crate) fn wait(self, py: Python<'_>) -> PyResult<T> {
        let Self { thread, over } = self;
        // Behind a lock because a receiver is for one thread at a time, which is true here.
        let over = Mutex::new(over);
        let receive = |slice| over.lock().expect("used by this call alone").recv_timeout(slice);
        match wait(py, None, receive, |error| *error == RecvTimeoutError::Timeout) {
            Ok(told) => {
                // It has said what there is to say, and ends at once.
                let _ = py.detach(|| thread.join());
                told.expect("it says something, or its body has panicked")
                    .or_else(|panic| resume_unwind(panic))
            }
            Err(signal) => {
                // It may be there by now, and take its time to be dropped.
                py.detach(|| drop(over));
                Err(signal)
            }
        }
    }
}

/// A value that only the process that made it drops: in the child of a fork its locks may be held by
/// threads that are not there, so there it is left alone.
#[derive(Debug)]
pub(crate) struct Own<T: Send> {
    value: ManuallyDrop<T>,
    forks: u32,
}

impl<T: Send> Own<T> {
    /// Owns `value` in this process.
    pub(crate) fn new(value: T) -> Self {
        Self { value: ManuallyDrop::new(value), forks: FORKS.load(Ordering::Relaxed) }
    }
}

impl<T: Send> Deref for Own<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Dropping a node waits for its threads, which must not happen under the interpreter lock.
#[expect(unsafe_code, reason = "a conditional drop")]
impl<T: Send> Drop for Own<T> {
    fn drop(&mut self) {
        if self.forks != FORKS.load(Ordering::Relaxed) {
            return;
        }
        // SAFETY: `drop` runs once and nothing reads the value after it.
        let value = unsafe { ManuallyDrop::take(&mut self.value) };
        let _quiet = Quiet::enter();
        // There is nobody to report to: the object is gone.
        let _ = catch_unwind(AssertUnwindSafe(move || {
            let mut value = Some(value);
            Python::try_attach(|py| py.detach(|| drop(value.take())));
            // Without an interpreter (it is being finalised) there is no lock to give up.
            drop(value);
        }));
    }
}

#[cfg(feature = "faults")]
mod faults {
    //! Panics on demand.

    use std::sync::atomic::{AtomicBool, Ordering};

    pub(super) static ARMED: AtomicBool = AtomicBool::new(false);

    pub(super) fn strike() {
        if ARMED.swap(false, Ordering::SeqCst) {
            panic!("injected");
        }
    }
}

/// Makes the next guarded call of this process panic; with a node and a chain, that chain's thread.
#[cfg(feature = "faults")]
#[pyfunction]
#[pyo3(signature = (node=None, chain=None))]
pub(crate) fn _inject_panic(node: Option<&crate::node::Node>, chain: Option<crate::arguments::Chain>) {
    match (node, chain) {
        (Some(node), Some(chain)) => node.inner().inject_panic(chain.0),
        _ => faults::ARMED.store(true, std::sync::atomic::Ordering::SeqCst),
    }
}
