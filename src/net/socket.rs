//! Calls on a socket that do not wait, or not for ever.

use crate::env::{Clock, SystemClock};
use crate::types::Tick;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::time::Duration;

/// Longest wait for a socket that takes nothing, before its owner looks whether it should end.
const WRITABLE_WAIT: Duration = Duration::from_millis(500);

/// A connection whose other end confirms nothing for longer is over.
const SILENCE_MAX: Duration = Duration::from_secs(6);

/// One call that neither waits nor raises SIGPIPE, which would end a host that does not ignore it; the
/// vectored write of the standard library could do both.
pub(super) fn send_some(stream: &TcpStream, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
    use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    loop {
        match sendmsg(stream, slices, &mut SendAncillaryBuffer::default(), flags) {
            Ok(sent) => return Ok(sent),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

pub(super) fn wait_writable(stream: &TcpStream) {
    wait_for(stream, PollFlags::OUT, WRITABLE_WAIT);
}

/// Waits until something can be done, or the time is over. An interrupted or failed wait ends early: the
/// attempt that follows tells what is wrong.
pub(super) fn wait_for(fd: &impl AsFd, flags: PollFlags, span: Duration) {
    // A span that the system cannot express is as good as for ever.
    let span = Timespec::try_from(span).ok();
    let _ = poll(&mut [PollFd::new(fd, flags)], span.as_ref());
}

/// Writes what the socket takes now, never waiting.
#[cfg(feature = "tls")]
pub(super) struct NoWait<'a>(pub(super) &'a TcpStream);

#[cfg(feature = "tls")]
impl Write for NoWait<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[io::IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        send_some(self.0, slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads and writes that are over by a deadline, whatever comes in between.
pub(super) struct Timed<'a> {
    pub(super) stream: &'a TcpStream,
    pub(super) clock: &'a SystemClock,
    pub(super) until: Tick,
}

impl Timed<'_> {
    pub(super) fn left(&self) -> io::Result<Duration> {
        let left = self.until.since(self.clock.now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }

    /// `attempt` does not wait.
    fn retry(&self, flags: PollFlags, mut attempt: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
        loop {
            let left = self.left()?;
            match attempt() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait_for(self.stream, flags, left),
                outcome => return outcome,
            }
        }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        use rustix::net::{RecvFlags, recv};
        self.retry(PollFlags::IN, || Ok(recv(self.stream, &mut *out, RecvFlags::DONTWAIT)?.0))
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.retry(PollFlags::OUT, || send_some(self.stream, &[io::IoSlice::new(bytes)]))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A peer that vanished without a word is missed after some seconds, whether or not anything is on its way.
pub(super) fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    use rustix::net::sockopt;
    let millis = u32::try_from(SILENCE_MAX.as_millis()).unwrap_or(u32::MAX);
    sockopt::set_tcp_user_timeout(stream, millis)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, SILENCE_MAX / 2)?;
    sockopt::set_tcp_keepintvl(stream, Duration::from_secs(1))?;
    Ok(())
}
