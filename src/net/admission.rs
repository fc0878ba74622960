//! Who comes in: accepting, judging, and a thread for each connection.

use super::hello::Hello;
use super::inbound::Incoming;
use super::tcp::{Shared, spawn};
use super::{Protocol, Refusal};
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
            // Out of descriptors, most likely: somebody has to give one back first.
            Err(_) => {
                reap(&mut shared.inbound.lock());
                std::thread::sleep(shared.limits.redial_min);
            }
        }
    }
}

/// Gives a connection a thread of its own.
fn admit<P: Protocol>(shared: &Arc<Shared<P>>, number: u64, stream: TcpStream) {
    let mut inbound = shared.inbound.lock();
    reap(&mut inbound);
    if inbound.len() >= shared.limits.inbound_max {
        shared.counters.refused[Refusal::Crowded.index()].fetch_add(1, Ordering::Relaxed);
        return;
    }
    let (stream, from) = (Arc::new(stream), Arc::new(OnceLock::new()));
    let thread = spawn(format!("duo-net-in-{number}"), {
        let (shared, stream, from) = (Arc::clone(shared), Arc::clone(&stream), Arc::clone(&from));
        move || {
            receive(&shared, &stream, &from);
            let _ = stream.shutdown(Shutdown::Both);
        }
    });
    if let Ok(thread) = thread {
        inbound.push(Connection { stream, from, thread });
    }
}

/// Forgets connections that are over, and closes their sockets.
fn reap(inbound: &mut Vec<Connection>) {
    let (over, open): (Vec<_>, Vec<_>) =
        std::mem::take(inbound).into_iter().partition(|connection| connection.thread.is_finished());
    *inbound = open;
    over.into_iter().for_each(join);
}

/// Waits for a thread that is about to end. One that panicked was logged.
pub(super) fn join(connection: Connection) {
    let _ = connection.thread.join();
}

/// The body of a connection's thread.
fn receive<P: Protocol>(shared: &Shared<P>, stream: &Arc<TcpStream>, name: &OnceLock<NodeId>) {
    let counters = &shared.counters;
    let prepare = || {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(shared.limits.hello_timeout))
    };
    if prepare().is_err() {
        return;
    }
    let mut incoming = Incoming::new(Arc::clone(stream));
    let from = match incoming.welcome(|hello| judge(shared, hello)) {
        Ok(Ok(from)) => from,
        Ok(Err(refusal)) => {
            counters.refused[refusal.index()].fetch_add(1, Ordering::Relaxed);
            return;
        }
        Err(_) => return,
    };
    replace(shared, stream, from, name);
    // From here on silence is allowed: the protocol above knows what it means.
    if stream.set_read_timeout(None).is_err() || super::socket::keep_alive(stream).is_err() {
        return;
    }
    let count = |bytes: usize| {
        counters.received.fetch_add(1, Ordering::Relaxed);
        counters.received_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    };
    if incoming.serve(from, &shared.protocol, &*shared.inbox, count) {
        counters.malformed.fetch_add(1, Ordering::Relaxed);
    }
}

/// A node that connects again has given up its former connection.
fn replace<P: Protocol>(shared: &Shared<P>, stream: &Arc<TcpStream>, from: NodeId, name: &OnceLock<NodeId>) {
    let inbound = shared.inbound.lock();
    for former in inbound.iter().filter(|connection| connection.from.get() == Some(&from)) {
        let _ = former.stream.shutdown(Shutdown::Both);
    }
    // Under the same lock, so that of two that come together one is the later.
    let _ = name.set(from);
    // `set_peers` or `close` may have been there before this name was.
    if shared.is_closing.load(Ordering::Acquire) || !shared.links.lock().contains_key(&from) {
        let _ = stream.shutdown(Shutdown::Both);
    }
}

fn judge<P: Protocol>(shared: &Shared<P>, hello: &Hello) -> Result<(), Refusal> {
    if hello.cluster != shared.cluster {
        return Err(Refusal::Cluster);
    }
    if hello.to != shared.own {
        return Err(Refusal::NotMe);
    }
    match shared.links.lock().contains_key(&hello.from) {
        true => Ok(()),
        false => Err(Refusal::Stranger),
    }
}
