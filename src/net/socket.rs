//! Calls on a socket that do not wait, or not for ever.

use std::io;
use std::net::TcpStream;
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
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(WRITABLE_WAIT.subsec_nanos()) };
    // An interrupted or failed wait ends in another attempt to send, which tells what is wrong.
    let _ = poll(&mut [PollFd::new(stream, PollFlags::OUT)], Some(&timeout));
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
