//! A connection that was made: messages leave on it, in clear or sealed.

use super::hello::{ANSWER_BYTES, Hello, decode_answer};
use super::packet::Packet;
use super::socket::{Timed, keep_alive};
use super::tls::{Client, Tls};
use super::{Limits, Refusal};
use crate::env::{Clock, SystemClock};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;

/// Why there is no connection.
pub(super) enum Failure {
    Unreachable,
    Refused(Refusal),
}

impl From<io::Error> for Failure {
    fn from(_: io::Error) -> Self {
        Self::Unreachable
    }
}

/// The dialling end of a connection.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) stream: Arc<TcpStream>,
    sealed: Option<Client>,
}

impl Line {
    /// Connects, says who calls whom, and waits for the answer: all of it by one deadline.
    pub(super) fn connect(
        address: &str,
        hello: &Hello,
        tls: Option<&Tls>,
        (limits, clock): (&Limits, &SystemClock),
    ) -> Result<Self, Failure> {
        let addresses: Vec<_> = address.to_socket_addrs()?.collect();
        let until = clock.now().after(limits.hello_timeout);
        let mut found = None;
        for address in addresses {
            let left = until.since(clock.now());
            if left.is_zero() {
                break;
            }
            found = TcpStream::connect_timeout(&address, left).ok();
            if found.is_some() {
                break;
            }
        }
        let stream = found.ok_or(Failure::Unreachable)?;
        stream.set_nodelay(true)?;
        keep_alive(&stream)?;
        let mut timed = Timed { stream: &stream, clock, until };
        let (bytes, mut answer) = (hello.encode(), [0; ANSWER_BYTES]);
        let mut sealed = None;
        if let Some(tls) = tls {
            let mut client = tls.connect(hello.to).map_err(Failure::Refused)?;
            client.handshake(&mut timed)?.map_err(Failure::Refused)?;
            client.ask(&mut timed, &bytes, &mut answer)?.map_err(Failure::Refused)?;
            sealed = Some(client);
        } else {
            timed.write_all(&bytes)?;
            timed.read_exact(&mut answer)?;
        }
        decode_answer(&answer).map_err(Failure::Refused)?;
        Ok(Self { stream: Arc::new(stream), sealed })
    }

    /// Sends as much as the socket takes without waiting. `WouldBlock` when something is left.
    pub(super) fn send(&mut self, packet: &mut Packet) -> io::Result<()> {
        match &mut self.sealed {
            None => packet.send(&self.stream),
            Some(client) => client.send(&self.stream, packet),
        }
    }
}
