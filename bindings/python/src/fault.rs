//! Statuses become exceptions: the class of each is looked up in `duochain._errors`.

use duochain::codec::Malformed;
use duochain::node::{self, ConfigError};
use duochain::types::Status;
use duochain::{pool, queue, resilience};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

/// `duochain._errors.CLASSES`: status number to exception class.
static CLASSES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();

/// The exception of `status`.
#[cold]
pub(crate) fn fault(py: Python<'_>, status: Status, message: impl Into<String>) -> PyErr {
    exception(py, status, &message.into()).map_or_else(|error| error, PyErr::from_value)
}

/// The same as an object, for those who hand it out instead of raising it.
pub(crate) fn exception<'py>(py: Python<'py>, status: Status, message: &str) -> PyResult<Bound<'py, PyAny>> {
    let classes = CLASSES.get_or_try_init(py, || -> PyResult<Py<PyDict>> {
        let classes = py.import("duochain._errors")?.getattr("CLASSES")?;
        Ok(classes.cast_into::<PyDict>()?.unbind())
    })?;
    let class = classes.bind(py).as_any().get_item(status.code())?;
    class.call1((message,))
}

/// A failure of the library, seen as a status and a text.
pub(crate) trait Failure {
    /// The status that all languages share, and what happened.
    fn told(&self) -> (Status, String);
}

macro_rules! failures {
    ($($error:ty),+) => {
        $(impl Failure for $error {
            fn told(&self) -> (Status, String) {
                (self.status(), self.to_string())
            }
        })+
    };
}

failures!(node::Error, queue::Error, pool::Error, resilience::Error, ConfigError);

impl Failure for Malformed {
    fn told(&self) -> (Status, String) {
        (Status::InvalidArgument, self.to_string())
    }
}

/// Turns a failure of the library into the exception of its status.
pub(crate) trait OrRaise<T> {
    /// The value, or the exception.
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T, E: Failure> OrRaise<T> for Result<T, E> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| {
            let (status, message) = error.told();
            fault(py, status, message)
        })
    }
}
