//! The transport over TCP: listens, dials, counts, closes.

use super::admission::{Connection, accept};
use super::hello::Hello;
use super::link::{Link, redial_of};
use super::packet::Packet;
use super::socket::{bell, ring};
use super::tls::Tls;
use super::{CLOSE_WITHIN, Flaw, Inbox, Limits, NetStats, PeerNet, Protocol, Refusal, TlsFiles};
use crate::env::log::{self, Level};
use crate::env::patience::{self, Patience};
use crate::env::{SystemClock, fork, panic};
use crate::resilience::RetryPolicy;
use crate::types::{ClusterId, NodeId};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Counts, kept without a lock: they are statistics and order nothing.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) sent: AtomicU64,
    pub(super) sent_bytes: AtomicU64,
    pub(super) received: AtomicU64,
    pub(super) received_bytes: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) connected: AtomicU64,
    pub(super) broken: AtomicU64,
    pub(super) malformed: [AtomicU64; Flaw::COUNT],
    pub(super) refused: [AtomicU64; Refusal::COUNT],
    pub(super) turned_away: [AtomicU64; Refusal::COUNT],
    pub(super) unreachable: AtomicU64,
    pub(super) unaccepted: AtomicU64,
}

pub(super) struct Running {
    link: Arc<Link>,
    thread: JoinHandle<()>,
}

impl Running {
    /// Itself while it goes on.
    fn join(self, patience: &Patience) -> Option<Self> {
        let Self { link, thread } = self;
        patience.join(thread).map(|thread| Self { link, thread })
    }
}

pub(super) struct Shared<P: Protocol> {
    pub(super) protocol: P,
    pub(super) inbox: Arc<dyn Inbox<P::Message>>,
    pub(super) cluster: ClusterId,
    pub(super) own: NodeId,
    pub(super) limits: Limits,
    pub(super) clock: SystemClock,
    /// Shared with the links.
    pub(super) tls: Arc<Option<Tls>>,
    redial: Arc<RetryPolicy>,
    pub(super) counters: Arc<Counters>,
    pub(super) links: Mutex<BTreeMap<NodeId, Running>>,
    pub(super) inbound: Mutex<Vec<Connection>>,
    /// Links that were told to end.
    pub(super) retired: Mutex<Vec<Running>>,
    /// Counted when it was opened: its threads do not exist under another count.
    pub(super) forks: u32,
    pub(super) is_closing: AtomicBool,
    pub(super) wake: OwnedFd,
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
        over.into_iter().for_each(|running| drop(running.thread.join()));
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
    /// nobody is let in: see [`Self::set_peers`]. With `tls` every connection, in and out, is TLS 1.3 with
    /// certificates on both ends; without, everyone who can connect is believed.
    ///
    /// # Errors
    /// When the system cannot listen there or start a thread; `InvalidInput` for limits that cannot be, and for
    /// files that cannot be read, do not belong together, or are refused by the rules that peers judge by;
    /// `Unsupported` for `tls` in a build without the feature of that name.
    pub fn listen(
        address: SocketAddr,
        (cluster, own): (ClusterId, NodeId),
        limits: Limits,
        tls: Option<&TlsFiles>,
        protocol: P,
        inbox: Arc<dyn Inbox<P::Message>>,
    ) -> io::Result<Self> {
        fork::watch();
        let redial = Arc::new(redial_of(&limits)?);
        let tls = Arc::new(tls.map(|files| Tls::load(files, cluster, own)).transpose()?);
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            protocol,
            inbox,
            cluster,
            own,
            limits,
            clock: SystemClock::new(),
            tls,
            redial,
            counters: Arc::default(),
            links: Mutex::default(),
            inbound: Mutex::default(),
            retired: Mutex::default(),
            forks: fork::generation(),
            is_closing: AtomicBool::new(false),
            wake: bell()?,
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
    /// When the system has no thread or descriptor left for a link; those that could be made are, and who has none
    /// is a stranger until it is asked again.
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
        let policy = (shared.limits, Arc::clone(&shared.redial), Arc::clone(&shared.tls));
        let link = Link::new(hello, address, policy, shared.clock, Arc::clone(&shared.counters))?;
        let link = Arc::new(link);
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

    /// Reads the files of TLS again, for the connections to come; those that are there live on. Does nothing
    /// without TLS.
    ///
    /// # Errors
    /// As [`Self::listen`] for its files. Then what was loaded before stays.
    pub fn reload_tls(&self) -> io::Result<()> {
        (*self.shared.tls).as_ref().map_or(Ok(()), Tls::reload)
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
            malformed: counters.malformed.each_ref().map(read),
            refused: counters.refused.each_ref().map(read),
            turned_away: counters.turned_away.each_ref().map(read),
            unreachable: read(&counters.unreachable),
            unaccepted: read(&counters.unaccepted),
        }
    }

    /// The way to each peer, in their order.
    pub fn peers(&self) -> Vec<PeerNet> {
        let links: Vec<_> =
            self.shared.links.lock().values().map(|running| Arc::clone(&running.link)).collect();
        links.iter().map(|link| link.stats()).collect()
    }

    /// [`Self::close_within`] of [`CLOSE_WITHIN`].
    pub fn close(&self) -> bool {
        self.close_within(CLOSE_WITHIN)
    }

    /// Ends every thread and connection, and waits for them, for `span` at most: for [`Limits::hello_timeout`] where one
    /// is connecting, for the system's resolver where one looks a name up, and for what the inbox does; from within the
    /// inbox it waits for all others. `false`: some go on, which end by themselves once they have handed on what they had read.
    /// Safe to call again, also to wait for those; a second caller does not wait for the first.
    pub fn close_within(&self, span: Duration) -> bool {
        let shared = &self.shared;
        if shared.forks != fork::generation() {
            // What it owns is a copy, or the parent's as well.
            return true;
        }
        let patience = Patience::of(span);
        // Release, with the loads of `set_peers`, `accept` and `claim`: who sees it makes nothing new.
        shared.is_closing.store(true, Ordering::Release);
        ring(&shared.wake);
        // It waits for nothing but the bell.
        let acceptor = self.acceptor.lock().take();
        drop(acceptor.map(JoinHandle::join));
        // Without the locks: a link's last word may be an inbox that sends.
        let links = std::mem::take(&mut *shared.links.lock()).into_values();
        let links: Vec<_> = links.chain(std::mem::take(&mut *shared.retired.lock())).collect();
        let inbound = std::mem::take(&mut *shared.inbound.lock());
        links.iter().for_each(|running| running.link.close());
        for connection in &inbound {
            let _ = connection.stream.shutdown(Shutdown::Both);
        }
        let links: Vec<_> = links.into_iter().filter_map(|running| running.join(&patience)).collect();
        let inbound: Vec<_> = inbound.into_iter().filter_map(|one| one.join(&patience)).collect();
        let left = links.iter().map(|running| &running.thread).chain(inbound.iter().map(|one| &one.thread));
        let left: Vec<_> = left.filter(|thread| !patience::is_own(thread)).collect();
        let is_over = left.is_empty();
        let what = format!("closed; busy after {span:?}: {}", patience::names(left));
        // Whoever closes next waits for them.
        shared.retired.lock().extend(links);
        shared.inbound.lock().extend(inbound);
        if !is_over {
            log::emit(Level::Warn, "net", format_args!("{what}"));
        }
        is_over
    }
}

impl<P: Protocol> Drop for TcpTransport<P> {
    fn drop(&mut self) {
        self.close();
    }
}

pub(super) fn spawn(name: String, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name).spawn(move || {
        let _quiet = panic::Quiet::enter();
        body();
    })
}
