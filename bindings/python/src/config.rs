//! `_native.Config`: the library's configuration, without the comforts that the package adds.

use crate::arguments::invalid;
use crate::boundary::caught;
use crate::fault::OrRaise;
use duochain::node::{self, ConfigError, KEYS, Kind};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyString, PyTuple};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Keys and the values given for them.
#[pyclass(frozen, subclass, module = "duochain._native")]
pub(crate) struct Config {
    inner: Mutex<node::Config>,
}

impl Config {
    fn with<R>(
        &self,
        py: Python<'_>,
        act: impl FnOnce(&mut node::Config) -> Result<R, ConfigError>,
    ) -> PyResult<R> {
        // A call on it changes everything or nothing, so a panic in between leaves nothing torn.
        let result = caught(py, || act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner)))?;
        // Not under the lock: making an exception may run finalizers, and they may come back here.
        result.or_raise(py)
    }

    /// A copy as it is now.
    pub(crate) fn current(&self, py: Python<'_>) -> PyResult<node::Config> {
        self.with(py, |config| Ok(config.clone()))
    }

    /// The typed form.
    pub(crate) fn build(&self, py: Python<'_>) -> PyResult<node::Settings> {
        self.with(py, |config| config.build())
    }
}

#[pymethods]
impl Config {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self { inner: Mutex::new(node::Config::new()) }
    }

    /// Sets one key from text, a whole number or a path.
    fn _set(&self, py: Python<'_>, key: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let value = text(value)?;
        self.with(py, |config| config.set(key, &value))
    }

    /// The value of one key as set, or its default; numbers as `int`.
    fn _get(&self, py: Python<'_>, key: &str) -> PyResult<Py<PyAny>> {
        let value = self.with(py, |config| config.get(key))?;
        let kind = KEYS.iter().find(|row| row.name == key).map(|row| row.kind);
        match (kind, value.parse::<u64>()) {
            (Some(Kind::Integer { .. } | Kind::PowerOfTwo { .. }), Ok(number)) => {
                Ok(number.into_pyobject(py)?.into_any().unbind())
            }
            _ => Ok(PyString::new(py, &value).into_any().unbind()),
        }
    }

    /// Sets every key that a TOML text names, or none when anything in it is wrong.
    fn load_toml(&self, py: Python<'_>, text: &str) -> PyResult<()> {
        self.with(py, |config| config.load_toml(text))
    }

    /// As `load_toml`, from a file.
    fn load_file(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.with(py, |config| config.load_file(&path))
    }

    /// Checks that a node could be opened with these values.
    fn validate(&self, py: Python<'_>) -> PyResult<()> {
        self.build(py).map(drop)
    }
}

/// How Python writes values: text, whole numbers, paths.
fn text(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(text.to_str()?.to_owned());
    }
    if value.is_instance_of::<PyInt>() && !value.is_instance_of::<PyBool>() {
        // An enumeration's own text is its name; the table wants the number.
        return Ok(value.call_method0("__index__")?.str()?.to_str()?.to_owned());
    }
    if let Ok(path) = value.extract::<PathBuf>() {
        return path
            .into_os_string()
            .into_string()
            .map_err(|_| invalid(value.py(), "a path that is not UTF-8"));
    }
    let kind = value.get_type().name()?;
    Err(PyTypeError::new_err(format!("a configuration value is a str, an int or a path, not '{kind}'")))
}
