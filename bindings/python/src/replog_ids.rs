//! `id=` of an append: what entries of a replicated log are known by beside their session.

use crate::arguments::invalid;
use crate::bytes::BytesLike;
use duochain::frame::ENTRY_ID_BYTES;
use pyo3::prelude::*;

type Id = [u8; ENTRY_ID_BYTES];

/// One of 32 bytes for the only entry, or one or `None` for each: zeros are none.
pub(crate) struct Ids(pub(crate) Vec<Id>);

impl<'py> FromPyObject<'_, 'py> for Ids {
    type Error = PyErr;

    fn extract(obj: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(one) = obj.extract::<BytesLike<'_, '_>>() {
            return Ok(Self(vec![id(obj.py(), &one)?]));
        }
        let each = |item: PyResult<Bound<'py, PyAny>>| match item?.extract::<Option<BytesLike<'_, '_>>>()? {
            Some(bytes) => id(obj.py(), &bytes),
            None => Ok(Id::default()),
        };
        obj.try_iter()?.map(each).collect::<PyResult<_>>().map(Self)
    }
}

/// Zeros would protect against nothing, without a word.
fn id(py: Python<'_>, bytes: &BytesLike<'_, '_>) -> PyResult<Id> {
    let bytes = bytes.as_slice(py);
    let id =
        Id::try_from(bytes).map_err(|_| invalid(py, format!("an id is 32 bytes, not {}", bytes.len())))?;
    if id == Id::default() { Err(invalid(py, "zeros are no id")) } else { Ok(id) }
}
