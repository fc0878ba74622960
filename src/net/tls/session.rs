//! The two ends of an encrypted connection: messages leave at one and arrive at the other.

use super::credentials::{is_named, name_of};
use super::fault::{broken, refusal_of};
use crate::net::Refusal;
use crate::net::packet::Packet;
use crate::net::socket::NoWait;
use crate::types::{ClusterId, NodeId};
use rustls::{ClientConnection, ConnectionCommon, ServerConnection};
use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::net::TcpStream;

/// What keeps an end from being made: a socket, or the peer.
type Handshake = io::Result<Result<(), Refusal>>;

/// The end that dialled and sends.
#[derive(Debug)]
pub(in crate::net) struct Client {
    connection: Box<ClientConnection>,
    /// Of the node at the other end.
    name: String,
}

impl Client {
    pub(super) fn new(connection: ClientConnection, name: String) -> Self {
        Self { connection: Box::new(connection), name }
    }

    /// Until both ends have shown who they are; of the other's verdict nothing is known yet.
    pub(in crate::net) fn handshake(&mut self, io: &mut (impl Read + Write)) -> Handshake {
        if let Err(refusal) = handshake(&mut self.connection, io)? {
            return Ok(Err(refusal));
        }
        let first = self.connection.peer_certificates().and_then(<[_]>::first);
        Ok(if is_named(first, &self.name) { Ok(()) } else { Err(Refusal::Misnamed) })
    }

    /// Sends the hello and waits for the answer. An alert, which a peer sends instead, is a refusal.
    pub(in crate::net) fn ask(
        &mut self,
        io: &mut (impl Read + Write),
        hello: &[u8],
        answer: &mut [u8],
    ) -> Handshake {
        self.connection.writer().write_all(hello)?;
        while self.connection.wants_write() {
            self.connection.write_tls(io)?;
        }
        let mut read = 0;
        while read < answer.len() {
            match self.connection.reader().read(&mut answer[read..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(more) => read += more,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if self.connection.read_tls(io)? == 0 {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                    if let Err(error) = self.connection.process_new_packets() {
                        return Ok(Err(refusal_of(&error)));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Ok(()))
    }

    /// Sends as much as the socket takes without waiting. `WouldBlock` when something is left, of the packet or
    /// of what it was sealed into (T3).
    pub(in crate::net) fn send(&mut self, stream: &TcpStream, packet: &mut Packet) -> io::Result<()> {
        loop {
            while self.connection.wants_write() {
                self.connection.write_tls(&mut NoWait(stream))?;
            }
            if packet.left() == 0 {
                return Ok(());
            }
            let sealed = self.connection.writer().write_vectored(&packet.slices())?;
            packet.advance(sealed);
        }
    }
}

/// The end that was dialled and receives.
#[derive(Debug)]
pub(in crate::net) struct Server {
    connection: Box<ServerConnection>,
    cluster: ClusterId,
}

impl Server {
    pub(super) fn new(connection: ServerConnection, cluster: ClusterId) -> Self {
        Self { connection: Box::new(connection), cluster }
    }

    /// Until the other end has shown a certificate of the authority.
    pub(in crate::net) fn handshake(&mut self, io: &mut (impl Read + Write)) -> Handshake {
        handshake(&mut self.connection, io)
    }

    /// Whether the certificate is that of `node` (T1).
    pub(in crate::net) fn is(&self, node: NodeId) -> bool {
        let first = self.connection.peer_certificates().and_then(<[_]>::first);
        is_named(first, &name_of(self.cluster, node))
    }

    /// Sends a few bytes, waiting as `io` does.
    pub(in crate::net) fn answer(&mut self, io: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
        self.connection.writer().write_all(bytes)?;
        while self.connection.wants_write() {
            self.connection.write_tls(io)?;
        }
        Ok(())
    }

    /// Fills `out`.
    pub(in crate::net) fn read_exact(
        &mut self,
        io: &mut impl BufRead,
        stream: &TcpStream,
        mut out: &mut [u8],
    ) -> io::Result<()> {
        while !out.is_empty() {
            match self.connection.reader().read(out) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => out = &mut out[read..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.read_more(io, stream)?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read_more(&mut self, io: &mut impl BufRead, stream: &TcpStream) -> io::Result<()> {
        if self.connection.read_tls(io)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.connection.process_new_packets().map_err(broken)?;
        // New keys are confirmed with a few bytes; the peer does not wait for them.
        if self.connection.wants_write() {
            let _ = self.connection.write_tls(&mut NoWait(stream));
        }
        Ok(())
    }
}

fn handshake<Side>(connection: &mut ConnectionCommon<Side>, io: &mut (impl Read + Write)) -> Handshake
where
    ConnectionCommon<Side>: Sized,
{
    while connection.is_handshaking() {
        while connection.wants_write() {
            connection.write_tls(io)?;
        }
        if connection.is_handshaking() && connection.wants_read() {
            if connection.read_tls(io)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if let Err(error) = connection.process_new_packets() {
                // The peer is told why; whether it hears that changes nothing.
                let _ = connection.write_tls(io);
                return Ok(Err(refusal_of(&error)));
            }
        }
    }
    while connection.wants_write() {
        connection.write_tls(io)?;
    }
    Ok(Ok(()))
}
