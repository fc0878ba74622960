//! What a peer or a stranger can hold of a node: places, time and memory.

#[path = "support/net.rs"]
mod net;

use duochain::net::{ENVELOPE_BYTES, INBOUND_PER_PEER_MAX, Inbox, Limits, Refusal, TcpTransport};
use duochain::types::NodeId;
use net::addresses::own_places;
use net::{CLUSTER, Event, PATIENCE, Plain, any_port, hello, n, node, welcome};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

fn nowhere() -> SocketAddr {
    "127.0.0.1:9".parse().unwrap()
}

/// Calls as node `from`; returns the connection and the code of the answer.
fn call(at: SocketAddr, from: u64) -> (TcpStream, u8) {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&hello(7, from, 1, 1)).unwrap();
    let mut answer = [0; 16];
    stream.read_exact(&mut answer).unwrap();
    (stream, answer[4])
}

fn message(bytes: &[u8]) -> Vec<u8> {
    let mut message = vec![0; ENVELOPE_BYTES];
    message[..4].copy_from_slice(&u32::try_from(bytes.len()).unwrap().to_le_bytes());
    message.extend_from_slice(bytes);
    message
}

/// Does not survive what it is given.
struct Fragile;

impl Inbox<(bool, Vec<u8>)> for Fragile {
    fn received(&self, _: NodeId, _: (bool, Vec<u8>)) {
        panic!("as the test wants it");
    }

    fn broken(&self, _: NodeId) {}
}

#[test]
fn a_connection_whose_thread_panics_is_closed() {
    let inbox = Arc::new(Fragile);
    let one =
        TcpTransport::listen(any_port(), (CLUSTER, n(1)), Limits::default(), None, Plain, inbox).unwrap();
    one.set_peers(&[(n(2), nowhere().to_string())].into()).unwrap();
    let (mut stream, _) = call(one.address(), 2);
    stream.write_all(&message(b"x")).unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn a_hello_that_drips_is_over_in_time() {
    let limits = Limits { hello_timeout: Duration::from_millis(200), ..Limits::default() };
    let one = node(1, any_port(), 64, limits);
    one.knows(&[(2, nowhere())]);
    let mut stream = TcpStream::connect(one.net.address()).unwrap();
    // Each byte comes long before the timeout, the last one long after it.
    stream.set_read_timeout(Some(Duration::from_millis(60))).unwrap();
    let is_closed = hello(7, 2, 1, 1).iter().any(|byte| {
        let is_broken = stream.write_all(&[*byte]).is_err();
        let answer = stream.read(&mut [0; 1]).map_err(|error| error.kind());
        is_broken || !matches!(answer, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut))
    });
    assert!(is_closed);
    one.until("count", |stats| stats.refused[Refusal::Late.index()] == 1);
}

#[test]
fn a_peer_that_calls_again_and_again_holds_two_places() {
    // Nobody takes what comes, so the threads of connections that were given up stay.
    let one = node(1, any_port(), 0, Limits::default());
    one.knows(&[(2, nowhere())]);
    let mut calls = Vec::new();
    for number in 0..INBOUND_PER_PEER_MAX {
        let (mut stream, code) = call(one.net.address(), 2);
        assert_eq!(code, 0, "call {number}");
        stream.write_all(&message(b"x")).unwrap();
        one.until("message", |stats| stats.received == number as u64 + 1);
        calls.push(stream);
    }
    let (mut stream, code) = call(one.net.address(), 2);
    assert_eq!(code, Refusal::Crowded as u8);
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    // Once the inbox has taken what it was given, there is room again.
    assert_eq!(one.next(), Event::Received(n(2), false, b"x".to_vec()));
    assert_eq!(one.next(), Event::Received(n(2), false, b"x".to_vec()));
    one.until("room", |_| call(one.net.address(), 2).1 == 0);
}

#[test]
fn places_of_members_are_kept_apart_from_those_of_strangers() {
    let one = node(1, any_port(), 64, Limits { inbound_max: 1, ..Limits::default() });
    one.knows(&[(2, nowhere()), (3, nowhere())]);
    let (second, third) = (call(one.net.address(), 2), call(one.net.address(), 3));
    assert_eq!((second.1, third.1), (0, 0));
    // One that says nothing has the only place; the next is turned away, and the members stay.
    let silent = TcpStream::connect(one.net.address()).unwrap();
    let mut late = TcpStream::connect(one.net.address()).unwrap();
    assert!(matches!(late.read(&mut [0; 1]), Ok(0) | Err(_)));
    one.until("count", |stats| stats.refused[Refusal::Crowded.index()] == 1);
    for (mut stream, number) in [(second.0, 2), (third.0, 3)] {
        stream.write_all(&message(b"still here")).unwrap();
        assert_eq!(one.next(), Event::Received(n(number), false, b"still here".to_vec()));
    }
    drop(silent);
}

#[test]
fn a_slow_reader_gets_whole_messages_in_order_and_bounds_what_waits_for_it() {
    const ROOM: usize = 1 << 20;
    const SIZE: usize = 100_000;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let one = node(1, any_port(), 64, Limits { outbox_bytes_max: ROOM, ..Limits::default() });
    one.knows(&[(2, listener.local_addr().unwrap())]);
    let mut slow = let_in(&listener);
    one.until("connection", |stats| stats.connected == 1);
    let (mut given, mut full) = (0_u32, 0);
    // Until nothing moves any more: the sockets are full, and so is the outbox.
    one.until("standstill", |_| {
        let mut bytes = vec![0; SIZE];
        bytes[..4].copy_from_slice(&given.to_le_bytes());
        let before = one.net.peers()[0].dropped;
        one.net.send(n(2), &(false, bytes));
        given += 1;
        full = if one.net.peers()[0].dropped > before { full + 1 } else { 0 };
        full > 100
    });
    one.net.send(n(2), &(true, b"vote".to_vec()));
    let total = u64::from(given) + 1;
    let peer = one.net.peers()[0];
    assert!(peer.dropped > 100 && peer.outbox_bytes > ROOM / 2, "{peer:?}");
    assert!(peer.outbox_bytes_high <= ROOM, "{peer:?}");
    let (mut numbers, mut vote_at) = (Vec::new(), None);
    while numbers.len() as u64 + u64::from(vote_at.is_some()) < total - peer.dropped {
        let mut envelope = [0; ENVELOPE_BYTES];
        slow.read_exact(&mut envelope).unwrap();
        let length = u32::from_le_bytes(*envelope.first_chunk().unwrap()) as usize;
        let mut bytes = vec![0; length];
        // In small pieces, as one that is busy with other things would.
        bytes.chunks_mut(1_000).for_each(|piece| slow.read_exact(piece).unwrap());
        match length {
            SIZE => numbers.push(u32::from_le_bytes(*bytes.first_chunk().unwrap())),
            _ => vote_at = Some(numbers.len()),
        }
    }
    assert!(numbers.is_sorted(), "{numbers:?}");
    assert!(vote_at.is_some_and(|place| place < numbers.len()), "the vote came at {vote_at:?}");
    one.until("emptiness", |_| one.net.peers()[0].outbox_bytes == 0);
    let peer = one.net.peers()[0];
    assert!(peer.busy > Duration::ZERO && peer.stalled > Duration::ZERO, "{peer:?}");
    assert_eq!(peer.sent, total - peer.dropped);
}

#[test]
fn a_link_that_is_refused_says_why_and_goes_on_trying() {
    let one = node(1, any_port(), 64, Limits::default());
    let two = node(2, any_port(), 64, Limits::default());
    one.knows(&[(2, two.net.address())]);
    one.until("second refusal", |stats| stats.turned_away[Refusal::Stranger.index()] >= 2);
    let peer = one.net.peers()[0];
    assert!(!peer.is_connected && peer.failures >= 2, "{peer:?}");
    assert_eq!((peer.node, peer.refusal), (n(2), Some(Refusal::Stranger)));
    one.net.send(n(2), &(false, b"lost".to_vec()));
    assert_eq!(one.net.peers()[0].dropped, 1);
    two.knows(&[(1, one.net.address())]);
    one.until("connection", |stats| stats.connected == 1);
    let peer = one.net.peers()[0];
    assert_eq!((peer.failures, peer.refusal), (0, None));
}

#[test]
fn nobody_there_is_counted_and_tried_again() {
    let one = node(1, any_port(), 64, Limits::default());
    one.knows(&[(2, own_places(1)[0])]);
    one.until("third attempt", |stats| stats.unreachable >= 3);
    let peer = one.net.peers()[0];
    assert_eq!((peer.is_connected, peer.refusal), (false, None));
}

/// Lets the next caller in.
fn let_in(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.read_exact(&mut [0; 64]).unwrap();
    stream.write_all(&welcome()).unwrap();
    stream
}

#[test]
fn a_peer_that_lets_in_and_hangs_up_is_called_less_and_less_often() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let hour = Duration::from_secs(3_600);
    let limits = Limits { redial_min: Duration::from_millis(1), redial_max: hour, ..Limits::default() };
    let one = node(1, any_port(), 64, limits);
    one.knows(&[(2, listener.local_addr().unwrap())]);
    for number in 1..=6 {
        drop(let_in(&listener));
        assert_eq!(one.next(), Event::Broken(n(2)));
        assert_eq!(one.net.stats().connected, number);
    }
    // It counts between the connections; in one that was just made there are none.
    assert_eq!(one.net.peers()[0].failures, 6);
    let _last = let_in(&listener);
    one.until("connection", |stats| stats.connected == 7);
    assert_eq!(one.net.peers()[0].failures, 0);
}

#[test]
fn what_waits_when_a_connection_breaks_is_counted_as_dropped() {
    const COUNT: u64 = 20;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let one = node(1, any_port(), 64, Limits { outbox_bytes_max: 64 << 20, ..Limits::default() });
    one.knows(&[(2, listener.local_addr().unwrap())]);
    let peer = let_in(&listener);
    one.until("connection", |stats| stats.connected == 1);
    for _ in 0..COUNT {
        one.net.send(n(2), &(false, vec![0; 2 << 20]));
    }
    drop(peer);
    one.until("break", |stats| stats.broken == 1);
    let (stats, peer) = (one.net.stats(), one.net.peers()[0]);
    assert!(stats.dropped > 0, "the socket took it all: {stats:?}");
    assert_eq!((stats.sent + stats.dropped, peer.sent + peer.dropped), (COUNT, COUNT));
}

#[test]
fn limits_that_cannot_be_are_refused_by_name() {
    let (zero, days) = (Duration::ZERO, Duration::from_secs(48 * 3_600));
    let usual = Limits::default;
    let cases = [
        (Limits { outbox_bytes_max: 0, ..usual() }, "outbox_bytes_max is 0"),
        (Limits { inbound_max: 0, ..usual() }, "inbound_max is 0"),
        (Limits { hello_timeout: zero, ..usual() }, "hello_timeout is below 1 ms"),
        (Limits { redial_min: zero, redial_max: zero, ..usual() }, "redial_min is below 1 ms"),
        (Limits { redial_min: Duration::from_secs(2), ..usual() }, "redial_max is below redial_min"),
        (Limits { redial_max: days, ..usual() }, "redial_max is above a day"),
    ];
    for (limits, rule) in cases {
        let error = net::listen_within(1, limits, None).unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::InvalidInput, rule.to_owned()));
    }
}

#[cfg(not(feature = "tls"))]
#[test]
fn a_build_without_tls_says_so() {
    let none = || std::path::PathBuf::from("none");
    let files = duochain::net::TlsFiles { certificate: none(), key: none(), authority: none() };
    let error = net::listen(1, Some(&files)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("feature `tls`"), "{error}");
    let cluster = duochain::types::ClusterId([7; 16]);
    assert_eq!(files.check(cluster, n(1)).unwrap_err().kind(), ErrorKind::Unsupported);
}
