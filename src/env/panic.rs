//! Panics of our own threads and calls go to the log, not to the host's standard error.
//!
//! # Model
//! One process-wide hook, installed once, in front of whatever hook the host has. It looks at a
//! thread-local depth: inside a [`Quiet`] scope the panic becomes a log record, everywhere else the
//! host's own hook runs as if we were not there.

use super::log::{self, Level};
use std::cell::Cell;
use std::panic::PanicHookInfo;
use std::sync::{Once, OnceLock};

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

static INSTALL: Once = Once::new();

/// Another count of scopes, kept by a layer above.
static ELSEWHERE: OnceLock<fn() -> bool> = OnceLock::new();

/// Installs the hook and lets it ask `inside` too. For a layer whose calls are so short that it counts
/// them in thread state that it touches anyway. The first one stays.
pub fn ask_also(inside: fn() -> bool) {
    // Set before the hook may ask; a second caller changes nothing.
    let _ = ELSEWHERE.set(inside);
    INSTALL.call_once(install);
}

/// While it lives, panics of this thread are logged instead of printed. Whoever opens a scope also
/// catches the panic.
#[derive(Debug)]
pub struct Quiet(());

impl Quiet {
    /// Opens a scope on this thread. Scopes nest.
    pub fn enter() -> Self {
        INSTALL.call_once(install);
        // A thread that is being torn down has no thread-locals any more; then the host's hook speaks.
        let _ = DEPTH.try_with(|depth| depth.set(depth.get() + 1));
        Self(())
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = DEPTH.try_with(|depth| depth.set(depth.get().saturating_sub(1)));
    }
}

fn install() {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| if is_ours() { report(info) } else { previous(info) }));
}

fn is_ours() -> bool {
    DEPTH.try_with(Cell::get).unwrap_or(0) > 0 || ELSEWHERE.get().is_some_and(|inside| inside())
}

fn report(info: &PanicHookInfo<'_>) {
    let place =
        info.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
    log::emit(Level::Error, "panic", format_args!("{}{place}", message(info.payload())));
}

/// The text of a panic's payload.
pub fn message(payload: &(dyn std::any::Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic without a text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caught_panic_keeps_its_text_and_scopes_nest() {
        let _outer = Quiet::enter();
        let caught = std::panic::catch_unwind(|| {
            let _inner = Quiet::enter();
            panic!("number {}", 7);
        });
        assert_eq!(message(caught.unwrap_err().as_ref()), "number 7");
        assert_eq!(DEPTH.with(Cell::get), 1);
    }
}
