//! Children of a fork, for tests.
#![expect(unsafe_code, reason = "there is no safe fork")]

/// Runs `body` in a forked child; true when it did not panic and answered true.
pub(crate) fn in_child(body: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child touches memory of its own, calls the library and leaves by `_exit`. glibc makes
    // its allocator usable after a fork.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let well = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).unwrap_or(false);
        // SAFETY: ends the process at once, without destructors that belong to the parent.
        unsafe { libc::_exit(if well { 0 } else { 1 }) };
    }
    assert!(child > 0, "fork: {}", std::io::Error::last_os_error());
    let mut status = 0;
    // SAFETY: waits for the child made above, into a variable of ours.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(waited, child);
    status == 0
}
