//! Limits of a transaction. To every layer below the state machine a transaction is opaque bytes.

/// Smallest transaction in bytes: an empty one carries nothing and is refused.
pub const TRANSACTION_BYTES_MIN: usize = 1;

/// Largest transaction in bytes unless configured otherwise: 1 MiB.
pub const TRANSACTION_BYTES_MAX_DEFAULT: usize = 1 << 20;

/// Largest value to which the configured maximum may be raised: 16 MiB, so that one block always
/// fits the 32-bit lengths of the encodings.
pub const TRANSACTION_BYTES_CEILING: usize = 16 << 20;

/// Most lanes that a queue can have.
pub const LANES_MAX: usize = 16;

const _: () = assert!(TRANSACTION_BYTES_MAX_DEFAULT <= TRANSACTION_BYTES_CEILING);
const _: () = assert!(TRANSACTION_BYTES_CEILING < u32::MAX as usize);
