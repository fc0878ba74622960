//! placeholder
use super::Message;

/// A message whose signatures, certificates and proofs are good, and whose parts are within their bounds. Made here only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified(Message);

impl Verified {
    /// The message.
    pub const fn message(&self) -> &Message {
        &self.0
    }

    /// The message.
    pub fn into_message(self) -> Message {
        self.0
    }
}
