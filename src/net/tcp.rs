//! The transport over TCP: accepts, dials, counts, closes.

use super::hello::{Hello, Refusal};
use super::inbound::Incoming;
use super::link::Link;
use super::packet::Packet;
use super::{Inbox, Limits, NetStats, Protocol};
use crate::env::{fork, panic};
use crate::types::{ClusterId, NodeId};
use parking_lot::Mutex;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

/// Counts, kept without a lock: they are statistics and order nothing.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) sent: AtomicU64,
    pub(super) sent_bytes: AtomicU64,
    received: AtomicU64,
    received_bytes: AtomicU64,
    dropped: AtomicU64,
    pub(super) connected: AtomicU64,
    pub(super) broken: AtomicU64,
    malformed: AtomicU64,
    refused: [AtomicU64; Refusal::COUNT],
}

struct Running {
    link: Arc<Link>,
    thread: JoinHandle<()>,
}

/// A connection that came in.
struct Connection {
    stream: Arc<TcpStream>,
    /// Who it is, once welcome.
    from: Arc<OnceLock<NodeId>>,
    thread: JoinHandle<()>,
}

struct Shared<P: Protocol> {
    protocol: P,
    inbox: Arc<dyn Inbox<P::Message>>,
    cluster: ClusterId,
    own: NodeId,
    limits: Limits,
    counters: Arc<Counters>,
    links: Mutex<BTreeMap<NodeId, Running>>,
    inbound: Mutex<Vec<Connection>>,
    /// Links that were told to end.
    retired: Mutex<Vec<Running>>,
    /// Counted when it was opened: its threads do not exist under another count.
    forks: u32,
    is_closing: AtomicBool,
    wake: OwnedFd,
}

impl<P: Protocol> Shared<P> {
    /// Ends links without waiting: one may be about to connect. [`TcpTransport::close`] waits.
    fn retire(&self, links: Vec<Running>) {
        let mut retired = self.retired.lock();
        let (over, open): (Vec<_>, Vec<_>) =
            std::mem::take(&mut *retired).into_iter().partition(|running| running.thread.is_finished());
        *retired = open;
        links.iter().for_each(|running| running.link.close());
        retired.extend(links);
        end(over);
    }

    /// Forgets connections that are over, and closes their sockets.
    fn reap(inbound: &mut Vec<Connection>) {
        let (over, open): (Vec<_>, Vec<_>) =
            std::mem::take(inbound).into_iter().partition(|connection| connection.thread.is_finished());
        *inbound = open;
        over.into_iter().for_each(join);
    }
}

/// Messages over TCP.
pub struct TcpTransport<P: Protocol> {
    shared: Arc<Shared<P>>,
    address: SocketAddr,
    acceptor: Mutex<Option<JoinHandle<()>>>,
}

impl<P: Protocol> std::fmt::Debug for TcpTransport<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TcpTransport").field("address", &self.address).finish_non_exhaustive()
    }
}

impl<P: Protocol> TcpTransport<P> {
    /// Listens on `address` as node `own` of `cluster`; port 0 takes a free one. Nobody is known yet, so
    /// nobody is let in: see [`Self::set_peers`].
    ///
    /// # Errors
    /// When the system cannot listen there or start a thread.
    pub fn listen(
        address: SocketAddr,
        (cluster, own): (ClusterId, NodeId),
        limits: Limits,
        protocol: P,
        inbox: Arc<dyn Inbox<P::Message>>,
    ) -> io::Result<Self> {
        fork::watch();
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            protocol,
            inbox,
            cluster,
            own,
            limits,
            counters: Arc::default(),
            links: Mutex::default(),
            inbound: Mutex::default(),
            retired: Mutex::default(),
            forks: fork::generation(),
            is_closing: AtomicBool::new(false),
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        });
        let acceptor = spawn("duo-net-accept".to_owned(), {
            let shared = Arc::clone(&shared);
            move || accept(&shared, &listener)
        })?;
        Ok(Self { shared, address, acceptor: Mutex::new(Some(acceptor)) })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says who the others are and where: links to new ones are made, those to others end, and whoever is
    /// not among them is a stranger.
    ///
    /// # Errors
    /// When a thread cannot be started; the links that could be made are.
    pub fn set_peers(&self, peers: &BTreeMap<NodeId, String>) -> io::Result<()> {
        let shared = &self.shared;
        let mut outcome = Ok(());
        {
            let mut links = shared.links.lock();
            // Acquire: pairs with the Release of `close`.
            if shared.is_closing.load(Ordering::Acquire) {
                return Ok(());
            }
            let gone: Vec<NodeId> = links.keys().filter(|node| !peers.contains_key(node)).copied().collect();
            let gone: Vec<Running> = gone.iter().filter_map(|node| links.remove(node)).collect();
            shared.retire(gone);
            for (node, address) in peers.iter().filter(|(node, _)| **node != shared.own) {
                match links.get(node) {
                    Some(running) => running.link.set_address(address),
                    None => match Self::dial(shared, *node, address.clone()) {
                        Ok(running) => drop(links.insert(*node, running)),
                        Err(error) => outcome = Err(error),
                    },
                }
            }
        }
        // Who left may still be connected (N1).
        for connection in shared.inbound.lock().iter() {
            if connection.from.get().is_some_and(|from| !peers.contains_key(from)) {
                let _ = connection.stream.shutdown(Shutdown::Both);
            }
        }
        outcome
    }

    fn dial(shared: &Arc<Shared<P>>, to: NodeId, address: String) -> io::Result<Running> {
        let hello = Hello { cluster: shared.cluster, from: shared.own, to };
        let link = Arc::new(Link::new(hello, address, shared.limits, Arc::clone(&shared.counters)));
        let thread = spawn(format!("duo-net-{to}"), {
            let (link, shared) = (Arc::clone(&link), Arc::clone(shared));
            move || link.run(|peer| shared.inbox.broken(peer))
        })?;
        Ok(Running { link, thread })
    }

    /// Sends a message, at most once, without waiting. Dropped and counted when there is no connection or too
    /// much waits.
    pub fn send(&self, to: NodeId, message: &P::Message) {
        let link = self.shared.links.lock().get(&to).map(|running| Arc::clone(&running.link));
        let mut packet = Packet::default();
        let is_sent = link.is_some_and(|link| {
            self.shared.protocol.encode(message, &mut packet);
            link.send(packet, self.shared.protocol.is_urgent(message))
        });
        if !is_sent {
            self.shared.counters.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What it has done.
    pub fn stats(&self) -> NetStats {
        let counters = &self.shared.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        NetStats {
            sent: read(&counters.sent),
            sent_bytes: read(&counters.sent_bytes),
            received: read(&counters.received),
            received_bytes: read(&counters.received_bytes),
            dropped: read(&counters.dropped),
            connected: read(&counters.connected),
            broken: read(&counters.broken),
            malformed: read(&counters.malformed),
            refused: counters.refused.each_ref().map(read),
        }
    }

    /// Ends every thread and connection, and waits for them. Not to be called from within the inbox. Safe to
    /// call again.
    pub fn close(&self) {
        let shared = &self.shared;
        if shared.forks != fork::generation() {
            // What it owns is a copy, or the parent's as well.
            return;
        }
        // Release, with the loads of `set_peers` and `accept`: who sees it makes nothing new.
        shared.is_closing.store(true, Ordering::Release);
        // The counter cannot overflow: it is written once for each close.
        let _ = rustix::io::write(&shared.wake, &1_u64.to_ne_bytes());
        if let Some(acceptor) = self.acceptor.lock().take() {
            let _ = acceptor.join();
        }
        // Without the lock: a link's last word may be an inbox that sends.
        let links = std::mem::take(&mut *shared.links.lock());
        end(links.into_values().chain(std::mem::take(&mut *shared.retired.lock())).collect());
        let inbound = std::mem::take(&mut *shared.inbound.lock());
        for connection in &inbound {
            let _ = connection.stream.shutdown(Shutdown::Both);
        }
        inbound.into_iter().for_each(join);
    }
}

impl<P: Protocol> Drop for TcpTransport<P> {
    fn drop(&mut self) {
        self.close();
    }
}

/// Ends links and waits for their threads.
fn end(links: Vec<Running>) {
    links.iter().for_each(|running| running.link.close());
    for running in links {
        // A thread that panicked was logged and has ended, which is what is wanted.
        let _ = running.thread.join();
    }
}

fn spawn(name: String, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name).spawn(move || {
        let _quiet = panic::Quiet::enter();
        body();
    })
}

/// The body of the thread that accepts.
fn accept<P: Protocol>(shared: &Arc<Shared<P>>, listener: &TcpListener) {
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
                Shared::<P>::reap(&mut shared.inbound.lock());
                std::thread::sleep(shared.limits.redial_min);
            }
        }
    }
}

/// Gives a connection a thread of its own.
fn admit<P: Protocol>(shared: &Arc<Shared<P>>, number: u64, stream: TcpStream) {
    let mut inbound = shared.inbound.lock();
    Shared::<P>::reap(&mut inbound);
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

/// Waits for a thread that is about to end. One that panicked was logged.
fn join(connection: Connection) {
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
    if stream.set_read_timeout(None).is_err() || super::link::keep_alive(stream).is_err() {
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
