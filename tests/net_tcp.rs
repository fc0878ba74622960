//! The transport over real sockets: what arrives, who is let in, what breaks and what that costs.

#[path = "support/net.rs"]
mod net;

use duochain::env::log::{Level, Record, set_sink};
use duochain::net::{ENVELOPE_BYTES, Flaw, Limits, Refusal};
use net::{BYTES_MAX, Event, any_port, hello, n, node, pair};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

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
    let (one, two) = pair(0, Limits { outbox_bytes_max: 256 << 20, ..Limits::default() });
    // Far more than the sockets' buffers grow to.
    for _ in 0..30 {
        one.net.send(n(2), &(false, vec![1; 4 << 20]));
    }
    one.net.send(n(2), &(true, b"vote".to_vec()));
    let place = (0..31).position(|_| matches!(two.next(), Event::Received(_, true, _)));
    // What the socket had taken before cannot be overtaken any more, nor what is half sent.
    assert!(place.is_some_and(|place| place < 30), "it came at {place:?}");
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
    let mut told = None;
    one.until("word of the break", |_| {
        // The first one after the break may still be taken by the system.
        one.net.send(n(2), &(false, vec![0; 100]));
        told = one.events.try_recv().ok();
        told.is_some()
    });
    assert_eq!(told, Some(Event::Broken(n(2))));
    let two = node(2, address, 64, Limits::default());
    two.knows(&[(1, one.net.address())]);
    one.until("second connection", |stats| stats.connected == 2);
    one.net.send(n(2), &(false, b"again".to_vec()));
    assert_eq!(two.next(), Event::Received(n(1), false, b"again".to_vec()));
}

#[test]
fn a_quiet_link_whose_peer_goes_is_noticed_though_nothing_is_sent() {
    let (one, two) = pair(64, Limits::default());
    two.net.close();
    assert_eq!(one.next(), Event::Broken(n(2)));
    let peer = one.net.peers()[0];
    assert!(!peer.is_connected && one.net.stats().broken == 1, "{peer:?}");
    // So the first message to a peer that is back is not lost.
    let two = node(2, two.net.address(), 64, Limits::default());
    two.knows(&[(1, one.net.address())]);
    one.until("second connection", |stats| stats.connected == 2);
    one.net.send(n(2), &(true, b"vote".to_vec()));
    assert_eq!(two.next(), Event::Received(n(1), true, b"vote".to_vec()));
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
    let records = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&records);
    let keep = move |record: Record<'_>| sink.lock().unwrap().push(record.message.to_owned());
    set_sink(Some((Arc::new(keep), Level::Warn)));
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
        one.until("count", |stats| stats.malformed[Flaw::Length.index()] == number as u64 + 1);
    }
    assert_eq!(one.net.stats().received, 0);
    assert!(one.events.try_recv().is_err());
    // Whose they were and what was wrong: a number alone helps nobody.
    let expected = format!("{} is cut off for what is no message: length at offset 0: too long", n(2));
    assert_eq!(*records.lock().unwrap(), [expected.clone(), expected]);
}

#[test]
fn silence_instead_of_a_hello_ends_a_connection() {
    let limits = Limits { hello_timeout: Duration::from_millis(50), ..Limits::default() };
    let one = node(1, any_port(), 64, limits);
    let mut stream = TcpStream::connect(one.net.address()).unwrap();
    assert!(matches!(stream.read(&mut [0; 1]), Ok(0) | Err(_)));
    one.until("count", |stats| stats.refused[Refusal::Late.index()] == 1);
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
fn closing_gives_the_port_back_and_drops_what_comes_after() {
    let (one, two) = pair(64, Limits::default());
    let address = two.net.address();
    one.net.send(n(2), &(false, vec![0; 1 << 20]));
    two.net.close();
    two.net.close();
    one.net.close();
    let before = one.net.stats().dropped;
    one.net.send(n(2), &(false, b"nobody".to_vec()));
    assert_eq!(one.net.stats().dropped, before + 1);
    drop(TcpListener::bind(address).expect("the port is free"));
}
