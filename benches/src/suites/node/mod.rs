//! A whole node.

use super::Plan;
use crate::AnyError;
use crate::record::Row;

/// Measures.
pub(crate) fn run(_plan: Plan) -> Result<Vec<Row>, AnyError> {
    Ok(Vec::new())
}
