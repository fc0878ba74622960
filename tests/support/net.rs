//! Two ends of a transport with a protocol of a few bytes.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test binary uses its own part")]

#[path = "addresses.rs"]
pub mod addresses;

use addresses::own_address;
use duochain::codec::Malformed;
use duochain::net::{
    ENVELOPE_BYTES, Flaw, Inbox, Limits, NetStats, Packet, Protocol, TcpTransport, TlsFiles,
};
use duochain::types::{ClusterId, NodeId};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Generous: what is awaited comes in milliseconds.
pub const PATIENCE: Duration = Duration::from_secs(30);
pub const BYTES_MAX: u32 = 8 << 20;
pub const CLUSTER: ClusterId = ClusterId([7; 16]);

/// Length, urgency, then the bytes.
#[derive(Clone, Copy)]
pub struct Plain;

impl Protocol for Plain {
    type Message = (bool, Vec<u8>);

    fn encode(&self, (is_urgent, bytes): &Self::Message, out: &mut Packet) {
        let mut envelope = vec![0; ENVELOPE_BYTES];
        envelope[..4].copy_from_slice(&u32::try_from(bytes.len()).unwrap().to_le_bytes());
        envelope[4] = u8::from(*is_urgent);
        out.push(envelope);
        out.push(bytes.clone());
    }

    fn expect(&self, envelope: &[u8; ENVELOPE_BYTES]) -> Result<usize, Malformed> {
        let length = u32::from_le_bytes(*envelope.first_chunk().unwrap());
        let fault = || Malformed { field: "length", offset: 0, fault: "too long".to_owned() };
        (length <= BYTES_MAX && envelope[5..] == [0; 11]).then_some(length as usize).ok_or_else(fault)
    }

    fn decode(
        &self,
        envelope: &[u8; ENVELOPE_BYTES],
        bytes: &Arc<Vec<u8>>,
    ) -> Result<Self::Message, Malformed> {
        Ok((envelope[4] == 1, bytes.to_vec()))
    }

    fn flaw(&self, _: &[u8; ENVELOPE_BYTES], _: &Malformed) -> Flaw {
        Flaw::Length
    }

    fn is_urgent(&self, message: &Self::Message) -> bool {
        message.0
    }
}

#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    Received(NodeId, bool, Vec<u8>),
    Broken(NodeId),
}

struct Into(Mutex<SyncSender<Event>>);

impl Inbox<(bool, Vec<u8>)> for Into {
    fn received(&self, from: NodeId, (is_urgent, bytes): (bool, Vec<u8>)) {
        let sender = self.0.lock().unwrap().clone();
        // A test that has seen enough is gone.
        let _ = sender.send(Event::Received(from, is_urgent, bytes));
    }

    fn broken(&self, peer: NodeId) {
        let sender = self.0.lock().unwrap().clone();
        let _ = sender.send(Event::Broken(peer));
    }
}

pub struct Node {
    /// Goes first: closing waits for an inbox that waits for its reader.
    pub events: Receiver<Event>,
    pub net: TcpTransport<Plain>,
}

pub fn n(number: u64) -> NodeId {
    NodeId::new(number).unwrap()
}

pub fn any_port() -> SocketAddr {
    (own_address(), 0).into()
}

pub fn node(number: u64, at: SocketAddr, room: usize, limits: Limits) -> Node {
    any_node(number, at, room, limits, None)
}

pub fn secure_node(number: u64, at: SocketAddr, room: usize, limits: Limits, files: &TlsFiles) -> Node {
    any_node(number, at, room, limits, Some(files))
}

fn any_node(number: u64, at: SocketAddr, room: usize, limits: Limits, files: Option<&TlsFiles>) -> Node {
    let (sender, events) = sync_channel(room);
    let inbox = Arc::new(Into(Mutex::new(sender)));
    let net = TcpTransport::listen(at, (CLUSTER, n(number)), limits, files, Plain, inbox).unwrap();
    Node { events, net }
}

/// A node that takes nothing in.
pub fn listen(number: u64, files: Option<&TlsFiles>) -> std::io::Result<TcpTransport<Plain>> {
    listen_within(number, Limits::default(), files)
}

pub fn listen_within(
    number: u64,
    limits: Limits,
    files: Option<&TlsFiles>,
) -> std::io::Result<TcpTransport<Plain>> {
    TcpTransport::listen(any_port(), (CLUSTER, n(number)), limits, files, Plain, Arc::new(Deaf))
}

impl Node {
    pub fn knows(&self, peers: &[(u64, SocketAddr)]) {
        let peers: BTreeMap<_, _> =
            peers.iter().map(|(number, address)| (n(*number), address.to_string())).collect();
        self.net.set_peers(&peers).unwrap();
    }

    pub fn next(&self) -> Event {
        self.events.recv_timeout(PATIENCE).expect("something happens")
    }

    /// The next message: links that break are passed over.
    pub fn message(&self) -> Event {
        loop {
            match self.next() {
                Event::Broken(_) => {}
                message => return message,
            }
        }
    }

    /// Waits until the counts are such.
    pub fn until(&self, what: &str, mut is_so: impl FnMut(NetStats) -> bool) {
        for _ in 0..PATIENCE.as_millis() {
            if is_so(self.net.stats()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("no {what}: {:?}", self.net.stats());
    }
}

/// Two nodes that know each other; the first is connected to the second.
pub fn pair(room: usize, limits: Limits) -> (Node, Node) {
    let one = node(1, any_port(), room, limits);
    let two = node(2, any_port(), room, limits);
    two.knows(&[(1, one.net.address())]);
    one.knows(&[(2, two.net.address())]);
    one.until("connection", |stats| stats.connected == 1);
    (one, two)
}

pub fn hello(cluster: u8, from: u64, to: u64, version: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(b"DUOH");
    bytes.extend_from_slice(&version.to_le_bytes());
    bytes.extend_from_slice(&[cluster; 16]);
    bytes.extend_from_slice(&[0; 16]);
    bytes.extend_from_slice(&from.to_le_bytes());
    bytes.extend_from_slice(&to.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&checksum(&bytes).to_le_bytes());
    bytes
}

/// CRC-32C, bit by bit.
pub fn checksum(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// The answer of a node that lets somebody in.
pub fn welcome() -> Vec<u8> {
    let mut bytes = b"DUOA\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend_from_slice(&checksum(&bytes).to_le_bytes());
    bytes
}

/// Takes nothing in.
pub struct Deaf;

impl Inbox<(bool, Vec<u8>)> for Deaf {
    fn received(&self, _: NodeId, _: (bool, Vec<u8>)) {}

    fn broken(&self, _: NodeId) {}
}
