//! Reading that is given up.

use std::io::{self, Read};

/// A reader that fails as soon as `is_over` says so: whoever ends does not wait until all of it is read. It is asked
/// before each read.
pub struct Until<'a, R> {
    input: R,
    is_over: &'a dyn Fn() -> bool,
}

impl<'a, R: Read> Until<'a, R> {
    /// Reads `input`.
    pub const fn new(input: R, is_over: &'a dyn Fn() -> bool) -> Self {
        Self { input, is_over }
    }
}

impl<R: Read> Read for Until<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        // Not `Interrupted`, which is tried again.
        if (self.is_over)() { Err(io::Error::other("given up")) } else { self.input.read(out) }
    }
}

impl<R> std::fmt::Debug for Until<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Until").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn what_is_given_up_is_no_end_and_not_tried_again() {
        let left = Cell::new(3);
        let is_over = || left.replace(left.get() - 1) == 0;
        let error = io::copy(&mut Until::new(io::repeat(1), &is_over), &mut io::sink()).unwrap_err();
        assert_eq!((error.to_string().as_str(), left.get()), ("given up", -1));
    }
}
