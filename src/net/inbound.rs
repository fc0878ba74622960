//! Connections that come in: hello, then one message after the other.

use super::hello::{HELLO_BYTES, Hello, encode_answer};
use super::socket::Timed;
use super::tls::Server;
use super::{ENVELOPE_BYTES, Flaw, Inbox, Protocol, Refusal};
use crate::codec::Malformed;
use crate::env::SystemClock;
use crate::types::{NodeId, Tick};
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

/// Bytes read ahead, so that small messages do not cost a system call each.
const AHEAD_BYTES: usize = 64 << 10;

/// The socket: by the deadline as long as there is one, waiting for ever afterwards.
#[derive(Debug)]
struct Raw {
    stream: Arc<TcpStream>,
    clock: SystemClock,
    until: Option<Tick>,
}

impl Raw {
    fn timed(&self, until: Tick) -> Timed<'_> {
        let Self { stream, clock, .. } = self;
        Timed { stream, clock, until }
    }
}

impl Read for Raw {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.until {
            Some(until) => self.timed(until).read(out),
            // A signal that interrupts the host's threads must not cost a connection.
            None => loop {
                match (&*self.stream).read(out) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    outcome => return outcome,
                }
            },
        }
    }
}

/// Only before the deadline is gone: afterwards nothing is said to a peer that dialled.
impl Write for Raw {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.timed(self.until.unwrap_or_default()).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a handshake reads ahead of, and writes past, the buffer.
struct Duplex<'a>(&'a mut BufReader<Raw>);

impl Read for Duplex<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out)
    }
}

impl Write for Duplex<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.get_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads from a connection.
#[derive(Debug)]
pub(super) struct Incoming {
    raw: BufReader<Raw>,
    sealed: Option<Server>,
}

impl Incoming {
    /// `until`: when its peer has to be welcome.
    pub(super) fn new(
        stream: Arc<TcpStream>,
        clock: SystemClock,
        until: Tick,
        sealed: Option<Server>,
    ) -> Self {
        let raw = Raw { stream, clock, until: Some(until) };
        Self { raw: BufReader::with_capacity(AHEAD_BYTES, raw), sealed }
    }

    /// Fills `out`.
    fn read_exact(&mut self, out: &mut [u8]) -> io::Result<()> {
        match &mut self.sealed {
            None => self.raw.read_exact(out),
            Some(server) => {
                let stream = Arc::clone(&self.raw.get_ref().stream);
                server.read_exact(&mut self.raw, &stream, out)
            }
        }
    }

    /// Reads the hello and answers it. `judge` decides, once it is certain that the hello is the peer's own.
    pub(super) fn welcome(
        &mut self,
        judge: impl FnOnce(&Hello) -> Result<(), Refusal>,
    ) -> io::Result<Result<NodeId, Refusal>> {
        if let Some(server) = &mut self.sealed
            && let Err(refusal) = server.handshake(&mut Duplex(&mut self.raw))?
        {
            self.linger();
            return Ok(Err(refusal));
        }
        let mut bytes = [0; HELLO_BYTES];
        self.read_exact(&mut bytes)?;
        let sealed = self.sealed.as_ref();
        let named = |hello: &Hello| match sealed {
            Some(server) if !server.is(hello.from) => Err(Refusal::Misnamed),
            _ => Ok(()),
        };
        let verdict = Hello::decode(&bytes)
            .and_then(|hello| named(&hello).and_then(|()| judge(&hello)).map(|()| hello.from));
        let answer = encode_answer(verdict.map(drop));
        match &mut self.sealed {
            None => self.raw.get_mut().write_all(&answer)?,
            Some(server) => server.answer(self.raw.get_mut(), &answer)?,
        }
        // From here on silence is allowed: the protocol above knows what it means.
        self.raw.get_mut().until = None;
        Ok(verdict)
    }

    /// Closing over bytes that were not read would take away what was said last, so they are read, up to the
    /// deadline and to a bound.
    fn linger(&mut self) {
        let raw = self.raw.get_mut();
        let _ = raw.stream.shutdown(Shutdown::Write);
        let _ = io::copy(&mut raw.take(AHEAD_BYTES as u64), &mut io::sink());
    }

    /// Hands messages to `inbox` until the connection ends.
    ///
    /// # Errors
    /// When it ended for bytes that are no message.
    pub(super) fn serve<P: Protocol>(
        &mut self,
        from: NodeId,
        protocol: &P,
        inbox: &dyn Inbox<P::Message>,
        count: impl Fn(usize),
    ) -> Result<(), (Flaw, Malformed)> {
        let mut envelope = [0; ENVELOPE_BYTES];
        while self.read_exact(&mut envelope).is_ok() {
            let flawed = |fault| (protocol.flaw(&envelope, &fault), fault);
            let length = protocol.expect(&envelope).map_err(flawed)?;
            let mut bytes = vec![0; length];
            if self.read_exact(&mut bytes).is_err() {
                break;
            }
            let message = protocol.decode(&envelope, &Arc::new(bytes)).map_err(flawed)?;
            count(ENVELOPE_BYTES + length);
            inbox.received(from, message);
        }
        Ok(())
    }
}
