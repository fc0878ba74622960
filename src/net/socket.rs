//! Calls on a socket that do not wait, or not for ever.

use crate::env::{Clock, SystemClock};
use crate::types::Tick;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

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

/// Ends waits of who listens to it.
pub(super) fn bell() -> io::Result<OwnedFd> {
    Ok(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)
}

pub(super) fn ring(bell: &OwnedFd) {
    // Refused only when it was rung 2^64 times and nobody came: then it still rings.
    let _ = rustix::io::write(bell, &1_u64.to_ne_bytes());
}

fn hush(bell: &OwnedFd) {
    let _ = rustix::io::read(bell, &mut [0_u8; 8]);
}

/// Waits until it rings, or the time is over, or a little less.
pub(super) fn nap(bell: &OwnedFd, span: Duration) {
    wait_for(bell, PollFlags::IN, span);
    hush(bell);
}

/// Waits until the connection is over (`true`), the bell rings, or, if it `is_full`, the socket takes something
/// again. The other end sends nothing that has to be read.
pub(super) fn hung_up(stream: &TcpStream, is_full: bool, bell: &OwnedFd) -> bool {
    let room = if is_full { PollFlags::OUT } else { PollFlags::empty() };
    let mut fds = [PollFd::new(stream, PollFlags::RDHUP | room), PollFd::new(bell, PollFlags::IN)];
    // An interrupted wait is as good as one that the bell has ended.
    let _ = poll(&mut fds, None);
    hush(bell);
    fds[0].revents().intersects(PollFlags::RDHUP | PollFlags::ERR | PollFlags::HUP)
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
