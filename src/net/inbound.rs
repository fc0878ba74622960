//! Connections that come in: hello, then one message after the other.

use super::hello::{HELLO_BYTES, Hello, encode_answer};
use super::packet::Packet;
use super::{ENVELOPE_BYTES, Inbox, Protocol, Refusal};
use crate::types::NodeId;
use std::io::{self, Read};
use std::net::TcpStream;
use std::sync::Arc;

/// Bytes read ahead, so that small messages do not cost a system call each.
const AHEAD_BYTES: usize = 64 << 10;

/// Reads from a connection.
pub(super) struct Incoming {
    stream: Arc<TcpStream>,
    ahead: Vec<u8>,
    start: usize,
    end: usize,
}

impl Incoming {
    pub(super) fn new(stream: Arc<TcpStream>) -> Self {
        Self { stream, ahead: vec![0; AHEAD_BYTES], start: 0, end: 0 }
    }

    /// Fills `out`: first with what was read ahead, then from the connection.
    fn read_exact(&mut self, out: &mut [u8]) -> io::Result<()> {
        let held = out.len().min(self.end - self.start);
        let (now, rest) = out.split_at_mut(held);
        now.copy_from_slice(&self.ahead[self.start..self.start + held]);
        self.start += held;
        if rest.is_empty() {
            return Ok(());
        }
        if rest.len() >= AHEAD_BYTES {
            return (&*self.stream).read_exact(rest);
        }
        (self.start, self.end) = (0, 0);
        while self.end < rest.len() {
            match (&*self.stream).read(&mut self.ahead[self.end..]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        rest.copy_from_slice(&self.ahead[..rest.len()]);
        self.start = rest.len();
        Ok(())
    }

    /// Reads the hello and answers it. `judge` decides.
    pub(super) fn welcome(
        &mut self,
        judge: impl FnOnce(&Hello) -> Result<(), Refusal>,
    ) -> io::Result<Result<NodeId, Refusal>> {
        let mut bytes = [0; HELLO_BYTES];
        self.read_exact(&mut bytes)?;
        let verdict = Hello::decode(&bytes).and_then(|hello| judge(&hello).map(|()| hello.from));
        let mut answer = Packet::default();
        answer.push(encode_answer(verdict.map(drop)).to_vec());
        answer.send(&self.stream)?;
        Ok(verdict)
    }

    /// Hands messages to `inbox` until the connection ends. Returns `true` when it ended for bytes that are
    /// no message.
    pub(super) fn serve<P: Protocol>(
        &mut self,
        from: NodeId,
        protocol: &P,
        inbox: &dyn Inbox<P::Message>,
        count: impl Fn(usize),
    ) -> bool {
        let mut envelope = [0; ENVELOPE_BYTES];
        while self.read_exact(&mut envelope).is_ok() {
            let Ok(length) = protocol.expect(&envelope) else { return true };
            let mut bytes = vec![0; length];
            if self.read_exact(&mut bytes).is_err() {
                return false;
            }
            let Ok(message) = protocol.decode(&envelope, &Arc::new(bytes)) else { return true };
            count(ENVELOPE_BYTES + length);
            inbox.received(from, message);
        }
        false
    }
}
