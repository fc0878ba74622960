//! Who comes in: accepting, judging, and a thread for each connection.

use super::hello::Hello;
use super::inbound::Incoming;
use super::socket::{keep_alive, wait_for};
use super::tcp::{Shared, spawn};
use super::tls::Tls;
use super::{INBOUND_PER_PEER_MAX, Protocol, Refusal};
use crate::env::Clock;
use crate::env::log::{self, Level};
use crate::env::patience::Patience;
use crate::types::NodeId;
use rustix::event::{PollFd, PollFlags, poll};
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

/// A connection that came in.
pub(super) struct Connection {
    pub(super) stream: Arc<TcpStream>,
    /// Who it is, once welcome.
    pub(super) from: Arc<OnceLock<NodeId>>,
    pub(super) thread: JoinHandle<()>,
}

impl Connection {
    /// Itself while it goes on.
    pub(super) fn join(self, patience: &Patience) -> Option<Self> {
        let Self { stream, from, thread } = self;
        patience.join(thread).map(|thread| Self { stream, from, thread })
    }
}

/// The body of the thread that accepts.
pub(super) fn accept<P: Protocol>(shared: &Arc<Shared<P>>, listener: &TcpListener) {
    for number in 0.. {
        let mut fds = [PollFd::new(listener, PollFlags::IN), PollFd::new(&shared.wake, PollFlags::IN)];
        // An interrupted wait is tried again.
        let _ = poll(&mut fds, None);
        if shared.is_closing.load(Ordering::Acquire) {
            return;
        }
        match listener.accept() {
            Ok((stream, _)) => admit(shared, number, stream),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // Out of descriptors, most likely: somebody has to give one back first. Closing does not wait for it.
            Err(_) => {
                shared.counters.unaccepted.fetch_add(1, Ordering::Relaxed);
                reap(&mut shared.inbound.lock());
                wait_for(&shared.wake, PollFlags::IN, shared.limits.redial_min);
            }
        }
    }
}

/// Gives a connection a thread of its own.
fn admit<P: Protocol>(shared: &Arc<Shared<P>>, number: u64, stream: TcpStream) {
    let mut inbound = shared.inbound.lock();
    reap(&mut inbound);
    let nameless = inbound.iter().filter(|connection| connection.from.get().is_none()).count();
    if nameless >= shared.limits.inbound_max {
        shared.counters.refused[Refusal::Crowded.index()].fetch_add(1, Ordering::Relaxed);
        return;
    }
    let (stream, from) = (Arc::new(stream), Arc::new(OnceLock::new()));
    let thread = spawn(format!("duo-net-in-{number}"), {
        let (shared, stream, from) = (Arc::clone(shared), Arc::clone(&stream), Arc::clone(&from));
        move || {
            let ended = Ended(stream);
            receive(&shared, &ended.0, &from);
        }
    });
    match thread {
        Ok(thread) => inbound.push(Connection { stream, from, thread }),
        Err(_) => drop(shared.counters.unaccepted.fetch_add(1, Ordering::Relaxed)),
    }
}

/// Shuts a connection down however its thread ends, by a panic too: its peer must not write to one that nobody reads.
struct Ended(Arc<TcpStream>);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// Forgets connections that are over, and closes their sockets.
fn reap(inbound: &mut Vec<Connection>) {
    let (over, open): (Vec<_>, Vec<_>) =
        std::mem::take(inbound).into_iter().partition(|connection| connection.thread.is_finished());
    *inbound = open;
    over.into_iter().for_each(|connection| drop(connection.thread.join()));
}

/// The body of a connection's thread.
fn receive<P: Protocol>(shared: &Shared<P>, stream: &Arc<TcpStream>, name: &OnceLock<NodeId>) {
    let counters = &shared.counters;
    let until = shared.clock.now().after(shared.limits.hello_timeout);
    let refused = |refusal: Refusal| {
        counters.refused[refusal.index()].fetch_add(1, Ordering::Relaxed);
    };
    if stream.set_nonblocking(false).and_then(|()| stream.set_nodelay(true)).is_err() {
        return;
    }
    let sealed = match (*shared.tls).as_ref().map(Tls::accept).transpose() {
        Ok(sealed) => sealed,
        Err(refusal) => return refused(refusal),
    };
    let mut incoming = Incoming::new(Arc::clone(stream), shared.clock, until, sealed);
    let from =
        match incoming.welcome(|hello| judge(shared, hello).and_then(|()| claim(shared, hello.from, name))) {
            Ok(Ok(from)) => from,
            Ok(Err(refusal)) => return refused(refusal),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return refused(Refusal::Late),
            // It left by itself.
            Err(_) => return,
        };
    if keep_alive(stream).is_err() {
        return;
    }
    let count = |bytes: usize| {
        counters.received.fetch_add(1, Ordering::Relaxed);
        counters.received_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    };
    if let Err((flaw, fault)) = incoming.serve(from, &shared.protocol, &*shared.inbox, count) {
        log::emit(Level::Warn, "net", format_args!("{from} is cut off for what is no message: {fault}"));
        counters.malformed[flaw.index()].fetch_add(1, Ordering::Relaxed);
    }
}

fn judge<P: Protocol>(shared: &Shared<P>, hello: &Hello) -> Result<(), Refusal> {
    if hello.cluster != shared.cluster {
        return Err(Refusal::Cluster);
    }
    if hello.to != shared.own {
        return Err(Refusal::NotMe);
    }
    Ok(())
}

/// Takes the place of a peer (N5). A node that connects again has given up its former connection.
fn claim<P: Protocol>(shared: &Shared<P>, from: NodeId, name: &OnceLock<NodeId>) -> Result<(), Refusal> {
    let inbound = shared.inbound.lock();
    // Under the same lock as the name, which `set_peers` and `close` look at: whichever of them comes later
    // sees the other. Acquire: pairs with the Release of `close`.
    if shared.is_closing.load(Ordering::Acquire) || !shared.links.lock().contains_key(&from) {
        return Err(Refusal::Stranger);
    }
    let is_former =
        |connection: &&Connection| connection.from.get() == Some(&from) && !connection.thread.is_finished();
    if inbound.iter().filter(is_former).count() >= INBOUND_PER_PEER_MAX {
        return Err(Refusal::Crowded);
    }
    for former in inbound.iter().filter(is_former) {
        let _ = former.stream.shutdown(Shutdown::Both);
    }
    // Empty until now: one hello is read from a connection.
    let _ = name.set(from);
    Ok(())
}
