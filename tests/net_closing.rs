//! Who closes a transport, from where, and what is over then.

#[path = "support/net.rs"]
mod net;

use duochain::net::{Inbox, Limits, TcpTransport};
use duochain::types::NodeId;
use net::{CLUSTER, Node, PATIENCE, Plain, any_port, n, node};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

/// Calls what it is given with each message and each break.
struct Acts<F>(F);

impl<F: Fn() + Send + Sync + 'static> Inbox<(bool, Vec<u8>)> for Acts<F> {
    fn received(&self, _: NodeId, _: (bool, Vec<u8>)) {
        self.0();
    }

    fn broken(&self, _: NodeId) {
        self.0();
    }
}

type Slot = Arc<Mutex<Option<Arc<TcpTransport<Plain>>>>>;

/// Node 1, whose inbox acts, with what holds the transport.
fn acting(limits: Limits, act: impl Fn() + Send + Sync + 'static) -> Arc<TcpTransport<Plain>> {
    let inbox = Arc::new(Acts(act));
    Arc::new(TcpTransport::listen(any_port(), (CLUSTER, n(1)), limits, None, Plain, inbox).unwrap())
}

/// Node 1, whose inbox closes it after `before`, says what that gave, and where it is held.
fn closing(before: impl Fn() + Send + Sync + 'static) -> (Arc<TcpTransport<Plain>>, Slot, Receiver<bool>) {
    let (told, tells) = sync_channel(8);
    let slot = Slot::default();
    let own = Arc::clone(&slot);
    let net = acting(Limits::default(), move || {
        let net = own.lock().unwrap().clone();
        before();
        // Whoever is told of a break that the close made has none any more.
        let _ = net.map(|net| told.send(net.close()));
    });
    *slot.lock().unwrap() = Some(Arc::clone(&net));
    (net, slot, tells)
}

/// Nodes that call node 1, each with a message.
fn callers(net: &TcpTransport<Plain>, count: u64) -> Vec<Node> {
    let callers: Vec<Node> =
        (2..2 + count).map(|number| node(number, any_port(), 64, Limits::default())).collect();
    let places = (2..).zip(&callers).map(|(number, caller)| (n(number), caller.net.address().to_string()));
    net.set_peers(&places.collect()).unwrap();
    for caller in &callers {
        caller.knows(&[(1, net.address())]);
        caller.until("connection", |stats| stats.connected == 1);
        caller.net.send(n(1), &(false, b"x".to_vec()));
    }
    callers
}

fn is_free(net: &TcpTransport<Plain>) {
    drop(TcpListener::bind(net.address()).expect("the port is free"));
}

#[test]
fn an_inbox_may_close_its_transport() {
    let (net, slot, told) = closing(|| {});
    let _callers = callers(&net, 1);
    assert!(told.recv_timeout(PATIENCE).expect("it returned"), "all others are over");
    assert!(net.close(), "its own thread, too");
    is_free(&net);
    slot.lock().unwrap().take();
}

#[test]
fn several_calls_of_an_inbox_may_close_it_at_once() {
    let both = Barrier::new(2);
    let (net, slot, told) = closing(move || {
        both.wait();
    });
    let _callers = callers(&net, 2);
    for _ in 0..2 {
        told.recv_timeout(PATIENCE).expect("it returned");
    }
    assert!(net.close());
    is_free(&net);
    slot.lock().unwrap().take();
}

#[test]
fn an_inbox_that_hears_of_a_break_may_close_its_transport() {
    let (net, slot, told) = closing(|| {});
    let peer = node(2, any_port(), 64, Limits::default());
    peer.knows(&[(1, net.address())]);
    net.set_peers(&[(n(2), peer.net.address().to_string())].into()).unwrap();
    for _ in 0..PATIENCE.as_millis() {
        if net.stats().connected == 1 {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(peer);
    assert!(told.recv_timeout(PATIENCE).expect("it returned"));
    assert!(net.close());
    slot.lock().unwrap().take();
}

#[test]
fn an_inbox_may_drop_the_last_handle_of_its_transport() {
    let (told, tells) = sync_channel(8);
    let slot = Slot::default();
    let own = Arc::clone(&slot);
    let net = acting(Limits::default(), move || {
        let net = own.lock().unwrap().take();
        drop(net);
        let _ = told.send(());
    });
    let at = net.address();
    let callers = callers(&net, 1);
    // The message may be there before this: then the next one finds it.
    *slot.lock().unwrap() = Some(net);
    callers[0].net.send(n(1), &(false, b"x".to_vec()));
    tells.recv_timeout(PATIENCE).expect("it returned");
    for _ in 0..PATIENCE.as_millis() {
        if TcpListener::bind(at).is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("the port is taken");
}

#[test]
fn an_inbox_that_does_not_return_is_left() {
    let ((begun, has_begun), (open, gate)) = (sync_channel(8), sync_channel::<()>(0));
    let (begun, gate) = (Mutex::<SyncSender<()>>::new(begun), Mutex::new(gate));
    let net = acting(Limits::default(), move || {
        let _ = (begun.lock().unwrap().try_send(()), gate.lock().unwrap().recv());
    });
    let _callers = callers(&net, 1);
    has_begun.recv_timeout(PATIENCE).unwrap();
    assert!(!net.close_within(Duration::from_millis(20)), "it is with the inbox");
    is_free(&net);
    drop(open);
    assert!(net.close(), "whoever closes it again waits for what was left");
}
