//! The transport over real sockets: what arrives, who is let in, what breaks and what that costs.

use duochain::codec::Malformed;
use duochain::net::{ENVELOPE_BYTES, Inbox, Limits, NetStats, Packet, Protocol, Refusal, TcpTransport};
use duochain::types::{ClusterId, NodeId};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Generous: what is awaited comes in milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);
const BYTES_MAX: u32 = 8 << 20;
const CLUSTER: ClusterId = ClusterId([7; 16]);

/// Length, urgency, then the bytes.
#[derive(Clone, Copy)]
struct Plain;

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

    fn is_urgent(&self, message: &Self::Message) -> bool {
        message.0
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Event {
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

struct Node {
    /// Goes first: closing waits for an inbox that waits for its reader.
    events: Receiver<Event>,
    net: TcpTransport<Plain>,
}

fn n(number: u64) -> NodeId {
    NodeId::new(number).unwrap()
}

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

fn node(number: u64, at: SocketAddr, room: usize, limits: Limits) -> Node {
    let (sender, events) = sync_channel(room);
    let inbox = Arc::new(Into(Mutex::new(sender)));
    let net = TcpTransport::listen(at, (CLUSTER, n(number)), limits, Plain, inbox).unwrap();
    Node { events, net }
}

impl Node {
    fn knows(&self, peers: &[(u64, SocketAddr)]) {
        let peers: BTreeMap<_, _> =
            peers.iter().map(|(number, address)| (n(*number), address.to_string())).collect();
        self.net.set_peers(&peers).unwrap();
    }

    fn next(&self) -> Event {
        self.events.recv_timeout(PATIENCE).expect("something happens")
    }

    /// Waits until the counts are such.
    fn until(&self, what: &str, mut is_so: impl FnMut(NetStats) -> bool) {
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
fn pair(room: usize, limits: Limits) -> (Node, Node) {
    let one = node(1, any_port(), room, limits);
    let two = node(2, any_port(), room, limits);
    two.knows(&[(1, one.net.address())]);
    one.knows(&[(2, two.net.address())]);
    one.until("connection", |stats| stats.connected == 1);
    (one, two)
}

#[test]
fn messages_of_any_size_arrive_whole_and_in_order() {
    let (one, two) = pair(64, Limits::default());
    // The sockets' buffers hold a part of the large ones only.
    let sizes = [0, 1, 63, 65_535, 65_536, 65_537, 3 << 20, 7, BYTES_MAX as usize];
    for (number, size) in sizes.into_iter().enumerate() {
        one.net.send(n(2), &(false, vec![number as u8; size]));
    }
    for (number, size) in sizes.into_iter().enumerate() {
        assert_eq!(two.next(), Event::Received(n(1), false, vec![number as u8; size]), "{size} bytes");
    }
    one.until("last message sent", |stats| stats.sent == sizes.len() as u64);
    let bytes = sizes.iter().map(|size| (size + ENVELOPE_BYTES) as u64).sum::<u64>();
    assert_eq!((one.net.stats().sent_bytes, two.net.stats().received_bytes), (bytes, bytes));
}

#[test]
fn an_urgent_message_overtakes_what_waits() {
    let (one, two) = pair(0, Limits::default());
    for _ in 0..6 {
        one.net.send(n(2), &(false, vec![1; 4 << 20]));
    }
    one.net.send(n(2), &(true, b"vote".to_vec()));
    let place = (0..7).position(|_| matches!(two.next(), Event::Received(_, true, _)));
    // What the socket had taken before cannot be overtaken any more, nor what is half sent.
    assert!(place.is_some_and(|place| place < 6), "it came at {place:?}");
}

#[test]
fn a_peer_that_takes_nothing_costs_a_bounded_amount_and_no_time() {
    let limits = Limits { outbox_bytes_max: 1 << 20, ..Limits::default() };
    let (one, two) = pair(0, limits);
    for _ in 0..200 {
        one.net.send(n(2), &(false, vec![0; 256 << 10]));
    }
    let stats = one.net.stats();
    assert!(stats.dropped > 100, "{stats:?}");
    // Once it takes something again, it gets something again.
    for _ in 0..200 - stats.dropped {
        assert!(matches!(two.next(), Event::Received(..)));
    }
    one.net.send(n(2), &(false, b"more".to_vec()));
    assert_eq!(two.next(), Event::Received(n(1), false, b"more".to_vec()));
}

#[test]
fn a_peer_that_restarts_is_found_again_and_the_break_is_told() {
    let (one, two) = pair(64, Limits::default());
    let address = two.net.address();
    two.net.close();
    drop(two);
    loop {
        // The first one after the break may still be taken by the system.
        one.net.send(n(2), &(false, vec![0; 100]));
        match one.events.recv_timeout(Duration::from_millis(5)) {
            Ok(event) => {
                assert_eq!(event, Event::Broken(n(2)));
                break;
            }
            Err(_) => assert!(one.net.stats().sent < 100_000, "the break is noticed"),
        }
    }
    let two = node(2, address, 64, Limits::default());
    two.knows(&[(1, one.net.address())]);
    one.until("second connection", |stats| stats.connected == 2);
    one.net.send(n(2), &(false, b"again".to_vec()));
    assert_eq!(two.next(), Event::Received(n(1), false, b"again".to_vec()));
}

fn hello(cluster: u8, from: u64, to: u64, version: u32) -> Vec<u8> {
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
fn checksum(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

#[test]
fn whoever_does_not_belong_here_is_refused_by_name() {
    let one = node(1, any_port(), 64, Limits::default());
    one.knows(&[(2, "127.0.0.1:9".parse().unwrap())]);
    let calls = [
        (hello(7, 2, 1, 2), Refusal::Version),
        (hello(8, 2, 1, 1), Refusal::Cluster),
        (hello(7, 2, 3, 1), Refusal::NotMe),
        (hello(7, 9, 1, 1), Refusal::Stranger),
        (hello(7, 0, 1, 1), Refusal::Garbled),
        (vec![b'G'; 64], Refusal::Garbled),
    ];
    for (bytes, refusal) in calls {
        let before = one.net.stats().refused[refusal.index()];
        let mut stream = TcpStream::connect(one.net.address()).unwrap();
        stream.write_all(&bytes).unwrap();
        let mut answer = [0; 16];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!((&answer[..4], answer[4]), (&b"DUOA"[..], refusal as u8), "{refusal}");
        assert_eq!(stream.read(&mut answer).unwrap(), 0, "and the connection is closed");
        one.until("count", |stats| stats.refused[refusal.index()] == before + 1);
    }
    assert!(one.events.try_recv().is_err());
}

#[test]
fn bytes_that_are_no_message_close_their_connection_and_reach_nobody() {
    let one = node(1, any_port(), 64, Limits::default());
    one.knows(&[(2, "127.0.0.1:9".parse().unwrap())]);
    let mut too_long = [0; ENVELOPE_BYTES];
    too_long[..4].copy_from_slice(&(BYTES_MAX + 1).to_le_bytes());
    for (number, envelope) in [[0xff; ENVELOPE_BYTES], too_long].iter().enumerate() {
        let mut stream = TcpStream::connect(one.net.address()).unwrap();
        stream.write_all(&hello(7, 2, 1, 1)).unwrap();
        stream.read_exact(&mut [0; 16]).unwrap();
        stream.write_all(envelope).unwrap();
        // Closed, with or without the bytes that were not read.
        assert!(matches!(stream.read(&mut [0; 1]), Ok(0) | Err(_)));
        one.until("count", |stats| stats.malformed == number as u64 + 1);
    }
    assert_eq!(one.net.stats().received, 0);
    assert!(one.events.try_recv().is_err());
}

#[test]
fn silence_instead_of_a_hello_ends_a_connection() {
    let limits = Limits { hello_timeout: Duration::from_millis(50), ..Limits::default() };
    let one = node(1, any_port(), 64, limits);
    let mut stream = TcpStream::connect(one.net.address()).unwrap();
    assert!(matches!(stream.read(&mut [0; 1]), Ok(0) | Err(_)));
}

#[test]
fn a_member_that_leaves_is_cut_off() {
    let (one, two) = pair(64, Limits::default());
    one.net.send(n(2), &(false, b"first".to_vec()));
    assert_eq!(two.next(), Event::Received(n(1), false, b"first".to_vec()));
    two.knows(&[]);
    one.until("refusal", |_| {
        one.net.send(n(2), &(false, b"late".to_vec()));
        two.net.stats().refused[Refusal::Stranger.index()] > 0
    });
    assert!(two.net.stats().received < 1_000);
}

#[test]
fn more_connections_than_allowed_are_turned_away() {
    let limits = Limits { inbound_max: 3, ..Limits::default() };
    let one = node(1, any_port(), 64, limits);
    let streams: Vec<_> = (0..5).map(|_| TcpStream::connect(one.net.address()).unwrap()).collect();
    one.until("count", |stats| stats.refused[Refusal::Crowded.index()] == 2);
    drop(streams);
}

#[test]
fn closing_ends_every_thread_and_gives_the_port_back() {
    let (one, two) = pair(64, Limits::default());
    let address = two.net.address();
    one.net.send(n(2), &(false, vec![0; 1 << 20]));
    two.net.close();
    two.net.close();
    one.net.close();
    one.net.send(n(2), &(false, b"nobody".to_vec()));
    assert_eq!(one.net.stats().dropped, 1);
    drop(TcpListener::bind(address).expect("the port is free"));
}
