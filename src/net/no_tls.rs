//! What stands in for TLS in a build without it: nothing can be made, so nothing has to be done.

use super::packet::Packet;
use super::{Refusal, TlsFiles};
use crate::types::{ClusterId, NodeId};
use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;

type Handshake = io::Result<Result<(), Refusal>>;

#[derive(Debug)]
pub(super) enum Tls {}

impl Tls {
    pub(super) fn load(_: &TlsFiles, _: ClusterId, _: NodeId) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "built without TLS: the feature `tls` is off"))
    }

    pub(super) fn reload(&self) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn connect(&self, _: NodeId) -> Result<Client, Refusal> {
        match *self {}
    }

    pub(super) fn accept(&self) -> Result<Server, Refusal> {
        match *self {}
    }
}

#[derive(Debug)]
pub(super) enum Client {}

impl Client {
    pub(super) fn handshake(&mut self, _: &mut (impl Read + Write)) -> Handshake {
        match *self {}
    }

    pub(super) fn ask(&mut self, _: &mut (impl Read + Write), _: &[u8], _: &mut [u8]) -> Handshake {
        match *self {}
    }

    pub(super) fn send(&mut self, _: &TcpStream, _: &mut Packet) -> io::Result<()> {
        match *self {}
    }
}

#[derive(Debug)]
pub(super) enum Server {}

impl Server {
    pub(super) fn handshake(&mut self, _: &mut (impl Read + Write)) -> Handshake {
        match *self {}
    }

    pub(super) fn is(&self, _: NodeId) -> bool {
        match *self {}
    }

    pub(super) fn answer(&mut self, _: &mut impl Write, _: &[u8]) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn read_exact(&mut self, _: &mut impl BufRead, _: &TcpStream, _: &mut [u8]) -> io::Result<()> {
        match *self {}
    }
}
