//! The transport over TLS: who is let in and who is called, by certificates; and that bounds and order stay.
#![cfg(feature = "tls")]
#![expect(unsafe_code, reason = "sends signals to threads of this process")]

#[path = "support/net.rs"]
mod net;
mod support;
#[path = "support/tls.rs"]
mod tls;
#[path = "support/tools.rs"]
mod tools;

use duochain::net::{Limits, Refusal, TcpTransport, TlsFiles};
use duochain::types::ClusterId;
use net::{Event, Node, any_port, hello, n, secure_node};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use rustls::{SupportedProtocolVersion, pki_types::pem::PemObject};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use support::Scratch;
use tls::{Authority, Issued, clients_only, expired, name, name_in, not_yet, servers_only, write};

const ANY: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
const OLD: &[&SupportedProtocolVersion] = &[&TLS12];

struct World {
    scratch: Scratch,
    authority: Authority,
}

impl World {
    fn new(name: &str) -> Self {
        Self { scratch: Scratch::new(name), authority: Authority::new() }
    }

    fn files(&self, number: u64) -> TlsFiles {
        let issued = self.authority.issue(&name(number));
        write(&self.scratch.path().join(number.to_string()), &issued, &self.authority.pem)
    }

    fn node(&self, number: u64, room: usize, limits: Limits) -> Node {
        secure_node(number, any_port(), room, limits, &self.files(number))
    }

    /// Two nodes that know each other; the first is connected to the second.
    fn pair(&self, room: usize, limits: Limits) -> (Node, Node) {
        let (one, two) = (self.node(1, room, limits), self.node(2, room, limits));
        two.knows(&[(1, one.net.address())]);
        one.knows(&[(2, two.net.address())]);
        one.until("connection", |stats| stats.connected == 1);
        (one, two)
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.pem.as_bytes()).unwrap()).unwrap();
        roots
    }

    /// Calls node 1 with a certificate, or none, and says hello; returns the code of the answer if one came.
    fn call(
        &self,
        at: SocketAddr,
        issued: Option<&Issued>,
        versions: &[&'static SupportedProtocolVersion],
        bytes: &[u8],
    ) -> Option<u8> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(self.roots());
        let config = match issued {
            Some(issued) => config.with_client_auth_cert(issued.chain(), issued.private_key()).unwrap(),
            None => config.with_no_client_auth(),
        };
        let to = ServerName::try_from(name(1)).unwrap();
        let connection = ClientConnection::new(Arc::new(config), to).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(at).unwrap());
        stream.write_all(bytes).ok()?;
        let mut answer = [0; 16];
        stream.read_exact(&mut answer).ok()?;
        Some(answer[4])
    }

    /// Stands in for node 2 for one call, with a certificate.
    fn answer(
        &self,
        listener: &TcpListener,
        issued: &Issued,
        versions: &[&'static SupportedProtocolVersion],
    ) {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(issued.chain(), issued.private_key())
            .unwrap();
        let connection = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = StreamOwned::new(connection, listener.accept().unwrap().0);
        // The caller ends it, for what it sees.
        assert!(stream.read(&mut [0; 64]).is_err());
    }
}

#[test]
fn messages_of_any_size_arrive_whole_and_in_order() {
    let world = World::new("tls-sizes");
    let (one, two) = world.pair(64, Limits::default());
    let sizes = [0, 1, 16_383, 16_384, 65_535, 65_536, 65_537, 3 << 20, 7, 8 << 20];
    for (number, size) in sizes.into_iter().enumerate() {
        one.net.send(n(2), &(false, vec![number as u8; size]));
    }
    for (number, size) in sizes.into_iter().enumerate() {
        assert_eq!(two.next(), Event::Received(n(1), false, vec![number as u8; size]), "{size} bytes");
    }
    one.until("last message sent", |stats| stats.sent == sizes.len() as u64);
    assert_eq!(one.net.stats().sent_bytes, two.net.stats().received_bytes);
}

#[test]
fn an_urgent_message_overtakes_what_waits() {
    let world = World::new("tls-urgent");
    let (one, two) = world.pair(0, Limits { outbox_bytes_max: 256 << 20, ..Limits::default() });
    // Far more than the sockets' buffers grow to.
    for _ in 0..30 {
        one.net.send(n(2), &(false, vec![1; 4 << 20]));
    }
    one.net.send(n(2), &(true, b"vote".to_vec()));
    let place = (0..31).position(|_| matches!(two.next(), Event::Received(_, true, _)));
    assert!(place.is_some_and(|place| place < 30), "it came at {place:?}");
}

#[test]
fn a_peer_that_takes_nothing_costs_a_bounded_amount() {
    const ROOM: usize = 1 << 20;
    let world = World::new("tls-bounds");
    let (one, two) = world.pair(0, Limits { outbox_bytes_max: ROOM, ..Limits::default() });
    for _ in 0..200 {
        one.net.send(n(2), &(false, vec![0; 256 << 10]));
    }
    let peer = one.net.peers()[0];
    assert!(peer.dropped > 100 && peer.outbox_bytes_high <= ROOM, "{peer:?}");
    for _ in 0..200 - peer.dropped {
        assert!(matches!(two.next(), Event::Received(..)));
    }
    one.net.send(n(2), &(false, b"more".to_vec()));
    assert_eq!(two.next(), Event::Received(n(1), false, b"more".to_vec()));
}

#[test]
fn who_calls_is_judged_by_its_certificate() {
    let world = World::new("tls-callers");
    let one = world.node(1, 64, Limits::default());
    one.knows(&[(2, "127.0.0.1:9".parse().unwrap())]);
    let own = &world.authority;
    let two = own.issue(&name(2));
    assert_eq!(world.call(one.net.address(), Some(&two), ANY, &hello(7, 2, 1, 1)), Some(0));

    let wildcard = name(2).replacen("node-2", "*", 1);
    let calls = [
        // Refused after the handshake, by an answer.
        (Some(own.issue(&name(3))), ANY, 2, Refusal::Misnamed, true),
        (Some(own.issue(&name_in(8, 2))), ANY, 2, Refusal::Misnamed, true),
        (Some(own.issue(&wildcard)), ANY, 2, Refusal::Misnamed, true),
        (Some(own.issue(&name(9))), ANY, 9, Refusal::Stranger, true),
        // Refused by an alert.
        (Some(own.issue_with(&name(2), expired)), ANY, 2, Refusal::Expired, false),
        (Some(own.issue_with(&name(2), not_yet)), ANY, 2, Refusal::Expired, false),
        (Some(own.issue_with(&name(2), servers_only)), ANY, 2, Refusal::Unfit, false),
        (Some(Authority::new().issue(&name(2))), ANY, 2, Refusal::Untrusted, false),
        (Some(Authority::named("another").issue(&name(2))), ANY, 2, Refusal::Untrusted, false),
        (None, ANY, 2, Refusal::Uncertified, false),
        (Some(own.issue(&name(2))), OLD, 2, Refusal::NoTls, false),
    ];
    for (number, (issued, versions, from, refusal, is_answered)) in calls.into_iter().enumerate() {
        let before = one.net.stats().refused[refusal.index()];
        let answer = world.call(one.net.address(), issued.as_ref(), versions, &hello(7, from, 1, 1));
        assert_eq!(answer, is_answered.then_some(refusal as u8), "call {number}, {refusal}");
        one.until("count", |stats| stats.refused[refusal.index()] == before + 1);
    }
    assert!(one.events.try_recv().is_err());
}

#[test]
fn a_caller_in_clear_or_one_that_drips_is_refused() {
    let world = World::new("tls-clear");
    let one = world.node(1, 64, Limits::default());
    one.knows(&[(2, "127.0.0.1:9".parse().unwrap())]);
    let mut stream = TcpStream::connect(one.net.address()).unwrap();
    stream.write_all(&hello(7, 2, 1, 1)).unwrap();
    one.until("count", |stats| stats.refused[Refusal::NoTls.index()] == 1);
    // The head of a record that is long, and then one byte after the other.
    let one = world.node(1, 64, Limits { hello_timeout: Duration::from_millis(200), ..Limits::default() });
    let mut slow = TcpStream::connect(one.net.address()).unwrap();
    slow.write_all(&[22, 3, 1, 2, 0, 1, 0, 1, 252]).unwrap();
    slow.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    one.until("count", |stats| {
        let _ = slow.write_all(&[3]);
        let _ = slow.read(&mut [0; 1]);
        stats.refused[Refusal::Late.index()] == 1
    });
}

#[test]
fn a_node_in_clear_hears_from_one_that_it_calls_that_there_is_tls_only() {
    let world = World::new("tls-called-in-clear");
    let secure = world.node(2, 64, Limits::default());
    let clear = net::node(1, any_port(), 64, Limits::default());
    secure.knows(&[(1, clear.net.address())]);
    clear.knows(&[(2, secure.net.address())]);
    clear.until("reason", |stats| stats.turned_away[Refusal::NoTls.index()] > 0);
    // And the other way round: bytes that are no hello.
    clear.until("count", |stats| stats.refused[Refusal::Garbled.index()] > 0);
    secure.until("reason", |stats| stats.turned_away[Refusal::NoTls.index()] > 0);
}

/// Interrupts what threads of this name wait for, in this process.
fn interrupt(name: &str) {
    extern "C" fn nothing(_: i32) {}
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let path = task.unwrap().path();
        // A thread may be gone meanwhile.
        if std::fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.starts_with(name)) {
            let number: i32 = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
            // SAFETY: the handler does nothing, and nobody else uses this signal. No flags: calls are not restarted.
            unsafe {
                let action =
                    libc::sigaction { sa_sigaction: nothing as *const () as usize, ..std::mem::zeroed() };
                assert_eq!(libc::sigaction(libc::SIGUSR2, &raw const action, std::ptr::null_mut()), 0);
                libc::syscall(libc::SYS_tgkill, libc::getpid(), number, libc::SIGUSR2);
            }
        }
    }
}

#[test]
fn a_signal_that_the_host_catches_costs_no_connection() {
    let world = World::new("tls-signal");
    let (one, two) = world.pair(64, Limits::default());
    for number in 0..20 {
        one.net.send(n(2), &(false, vec![number]));
        assert_eq!(two.next(), Event::Received(n(1), false, vec![number]));
        interrupt("duo-net-in");
    }
    assert_eq!((one.net.stats().connected, one.net.stats().broken), (1, 0));
}

#[test]
fn who_is_called_is_judged_by_its_certificate() {
    let world = World::new("tls-called");
    let own = &world.authority;
    let answers = [
        (own.issue(&name(3)), ANY, Refusal::Misnamed),
        (own.issue(&name_in(8, 2)), ANY, Refusal::Misnamed),
        (own.issue(&name(2).replacen("node-2", "*", 1)), ANY, Refusal::Misnamed),
        (own.issue_with(&name(2), expired), ANY, Refusal::Expired),
        (own.issue_with(&name(2), clients_only), ANY, Refusal::Unfit),
        (Authority::new().issue(&name(2)), ANY, Refusal::Untrusted),
        (Authority::named("another").issue(&name(2)), ANY, Refusal::Untrusted),
        (own.issue(&name(2)), OLD, Refusal::NoTls),
    ];
    for (issued, versions, refusal) in answers {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let one = world.node(1, 64, Limits::default());
        one.knows(&[(2, listener.local_addr().unwrap())]);
        world.answer(&listener, &issued, versions);
        one.until("count", |stats| stats.turned_away[refusal.index()] == 1);
        assert_eq!(one.net.stats().connected, 0, "{refusal}");
    }
}

#[test]
fn a_node_that_is_refused_for_its_certificate_hears_why() {
    // Its own files are in order, and of another authority than those of whom it calls.
    let (world, other) = (World::new("tls-told"), World::new("tls-told-other"));
    let one = world.node(1, 64, Limits::default());
    let mut files = other.files(2);
    files.authority = world.files(1).authority;
    let both = format!("{}{}", world.authority.pem, other.authority.pem);
    std::fs::write(&files.authority, both).unwrap();
    let two = secure_node(2, any_port(), 64, Limits::default(), &files);
    one.knows(&[(2, two.net.address())]);
    two.knows(&[(1, one.net.address())]);
    two.until("reason", |stats| stats.turned_away[Refusal::Untrusted.index()] >= 1);
    one.until("count", |stats| stats.refused[Refusal::Untrusted.index()] >= 1);
}

#[test]
fn files_are_loaded_anew_without_a_restart_and_bad_ones_change_nothing() {
    let world = World::new("tls-reload");
    let (one, two) = world.pair(64, Limits::default());
    let (new, dirs) = (Authority::new(), [1, 2].map(|number| world.scratch.path().join(format!("{number}"))));
    // A certificate of another node, and a key that is not its own: said by name, and nothing changes.
    let stray = world.authority.issue(&name(3));
    write(&dirs[0], &stray, &world.authority.pem);
    let error = one.net.reload_tls().unwrap_err().to_string();
    assert!(error.contains("node.pem") && error.contains("node-1."), "{error}");
    one.net.send(n(2), &(false, b"before".to_vec()));
    assert_eq!(two.next(), Event::Received(n(1), false, b"before".to_vec()));
    // The way to a new authority: first it is trusted everywhere, then certificates change, then the old one goes.
    let both = format!("{}{}", world.authority.pem, new.pem);
    write(&dirs[0], &new.issue(&name(1)), &both);
    one.net.reload_tls().unwrap();
    let reconnect = |times: u64| {
        one.knows(&[]);
        one.knows(&[(2, two.net.address())]);
        one.until("attempt", |stats| {
            stats.connected == times || stats.turned_away[Refusal::Untrusted.index()] > 0
        });
    };
    reconnect(2);
    assert!(one.net.stats().turned_away[Refusal::Untrusted.index()] > 0, "the other does not trust it yet");
    write(&dirs[1], &new.issue(&name(2)), &new.pem);
    two.net.reload_tls().unwrap();
    one.until("connection", |stats| stats.connected == 2);
    one.net.send(n(2), &(false, b"after".to_vec()));
    assert_eq!(two.message(), Event::Received(n(1), false, b"after".to_vec()));
}

#[test]
fn files_that_peers_would_refuse_are_refused_here() {
    let world = World::new("tls-files");
    let dir = world.scratch.path().join("bad");
    let own = &world.authority;
    let mixed = Issued { key: own.issue(&name(1)).key, ..own.issue(&name(1)) };
    let cases = [
        (own.issue_with(&name(1), expired), "expired"),
        (own.issue_with(&name(1), servers_only), "as a client"),
        (own.issue_with(&name(1), clients_only), "as a server"),
        (own.issue(&name(2)), "does not name node-1."),
        (Authority::new().issue(&name(1)), "node.pem"),
        (mixed, "node.key"),
        (Issued { certificate: String::new(), ..own.issue(&name(1)) }, "no certificate"),
        (Issued { key: String::new(), ..own.issue(&name(1)) }, "node.key"),
    ];
    for (issued, text) in cases {
        let files = write(&dir, &issued, &own.pem);
        let error = net::listen(1, Some(&files)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains(text), "{error} has no {text:?}");
    }
    let files = TlsFiles { certificate: dir.join("absent.pem"), ..world.files(1) };
    let error = net::listen(1, Some(&files)).unwrap_err();
    assert!(error.to_string().contains("absent.pem"), "{error}");
}

#[test]
fn certificates_made_as_the_documentation_says_are_taken() {
    if !tools::has("openssl") {
        return;
    }
    let scratch = Scratch::new("tls-openssl");
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md")).unwrap();
    let script = text.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let made = Command::new("sh").args(["-euc", script]).current_dir(scratch.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let file = |name: &str| scratch.path().join(name);
    let files = TlsFiles {
        certificate: file("node-1.pem"),
        key: file("node-1.key"),
        authority: file("authority.pem"),
    };
    let cluster = ClusterId(*b"example of a log");
    let listen = |node| {
        let inbox = Arc::new(net::Deaf);
        TcpTransport::listen(
            any_port(),
            (cluster, n(node)),
            Limits::default(),
            Some(&files),
            net::Plain,
            inbox,
        )
    };
    drop(listen(1).unwrap());
    assert!(listen(2).unwrap_err().to_string().contains("does not name node-2."));
}
