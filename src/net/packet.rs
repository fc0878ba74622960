//! A message on its way out: pieces that are written together, without joining them first.

use super::socket::send_some;
use crate::frame::Body;
use std::collections::VecDeque;
use std::io;
use std::net::TcpStream;

/// Pieces that one system call takes.
const PIECES_MAX: usize = 64;

#[derive(Clone, Debug)]
enum Piece {
    Bytes(Vec<u8>),
    Body(Body),
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Body(body) => body.bytes(),
        }
    }
}

/// The bytes of a message, in pieces.
#[derive(Clone, Debug, Default)]
pub struct Packet {
    pieces: VecDeque<Piece>,
    /// Bytes of the first piece that are sent.
    done: usize,
    left: usize,
}

impl Packet {
    /// Adds bytes.
    pub fn push(&mut self, bytes: Vec<u8>) {
        self.left += bytes.len();
        self.pieces.push_back(Piece::Bytes(bytes));
    }

    /// Adds the bytes of a batch, which are shared.
    pub fn push_body(&mut self, body: &Body) {
        self.left += body.bytes().len();
        self.pieces.push_back(Piece::Body(body.clone()));
    }

    /// Bytes that are not sent yet.
    pub(super) const fn left(&self) -> usize {
        self.left
    }

    /// The first bytes that are not sent yet, in pieces.
    pub(super) fn slices(&self) -> Vec<io::IoSlice<'_>> {
        let pieces = self.pieces.iter().take(PIECES_MAX).map(Piece::bytes).enumerate();
        pieces
            .map(|(at, bytes)| io::IoSlice::new(if at == 0 { &bytes[self.done..] } else { bytes }))
            .collect()
    }

    /// Sends as much as the socket takes without waiting. `WouldBlock` when something is left.
    pub(super) fn send(&mut self, stream: &TcpStream) -> io::Result<()> {
        while self.left > 0 {
            let sent = send_some(stream, &self.slices())?;
            self.advance(sent);
        }
        Ok(())
    }

    /// So many bytes more are sent.
    pub(super) fn advance(&mut self, sent: usize) {
        self.left -= sent;
        self.done += sent;
        while let Some(first) = self.pieces.front().map(|piece| piece.bytes().len())
            && self.done >= first
        {
            self.done -= first;
            self.pieces.pop_front();
        }
    }
}
