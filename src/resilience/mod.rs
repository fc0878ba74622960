//! Pure policies: asked with a state of affairs, they answer with a decision. They never sleep and
//! never read a clock.

mod backoff;

pub use backoff::Backoff;
