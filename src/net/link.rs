//! The way to one peer: a connection that is made again when it breaks, and what waits for it.

use super::hello::{ANSWER_BYTES, Hello, decode_answer};
use super::outbox::Outbox;
use super::packet::Packet;
use super::socket::{keep_alive, wait_writable};
use super::tcp::Counters;
use super::{Limits, Refusal};
use crate::resilience::Backoff;
use crate::types::NodeId;
use parking_lot::{Condvar, Mutex};
use std::io::{self, Read};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[derive(Debug)]
struct State {
    address: String,
    stream: Option<Arc<TcpStream>>,
    outbox: Outbox,
    is_closing: bool,
}

/// The way to one peer.
#[derive(Debug)]
pub(super) struct Link {
    hello: Hello,
    limits: Limits,
    state: Mutex<State>,
    /// Something waits, or the link is to end.
    wake: Condvar,
    counters: Arc<Counters>,
}

impl Link {
    pub(super) fn new(hello: Hello, address: String, limits: Limits, counters: Arc<Counters>) -> Self {
        let state = State { address, stream: None, outbox: Outbox::default(), is_closing: false };
        Self { hello, limits, state: Mutex::new(state), wake: Condvar::new(), counters }
    }

    pub(super) const fn peer(&self) -> NodeId {
        self.hello.to
    }

    pub(super) fn set_address(&self, address: &str) {
        let mut state = self.state.lock();
        if state.address != address {
            address.clone_into(&mut state.address);
        }
    }

    /// Sends without waiting; what the socket does not take now waits for the link's thread. `false` when the
    /// packet was dropped.
    pub(super) fn send(&self, packet: Packet, is_urgent: bool) -> bool {
        let mut state = self.state.lock();
        let Some(stream) = state.stream.clone() else { return false };
        if state.outbox.bytes + packet.left() > self.limits.outbox_bytes_max {
            return false;
        }
        let (was_empty, bytes) = (state.outbox.is_empty(), packet.left() as u64);
        state.outbox.push(packet, is_urgent);
        self.counters.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        // Behind others, the thread sends it: whoever finds the socket full need not try again.
        if was_empty {
            let (whole, outcome) = state.outbox.send(&stream);
            self.counters.sent.fetch_add(whole, Ordering::Relaxed);
            if outcome.is_err() {
                self.wake.notify_one();
            }
        }
        true
    }

    /// Ends the link's thread.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.is_closing = true;
        if let Some(stream) = state.stream.take() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.wake.notify_all();
    }

    /// The body of the link's thread. `broken` is told of each connection that is lost.
    pub(super) fn run(&self, broken: impl Fn(NodeId)) {
        let redial = Backoff { min: self.limits.redial_min, max: self.limits.redial_max, multiplier: 2 };
        let mut failures = 0;
        loop {
            match self.connect() {
                Ok(stream) => {
                    failures = 0;
                    if !self.serve(&Arc::new(stream)) {
                        return;
                    }
                    broken(self.peer());
                }
                Err(_) => failures += 1,
            }
            if self.pause(redial.delay(failures.max(1))) {
                return;
            }
        }
    }

    /// Waits before the next attempt. `true` when the link is to end.
    fn pause(&self, delay: Duration) -> bool {
        let mut state = self.state.lock();
        if !state.is_closing {
            self.wake.wait_for(&mut state, delay);
        }
        state.is_closing
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let address = self.state.lock().address.clone();
        let addresses: Vec<_> = address.to_socket_addrs()?.collect();
        let mut outcome = Err(io::Error::other("the name has no address"));
        for address in addresses {
            outcome = TcpStream::connect_timeout(&address, self.limits.hello_timeout);
            if outcome.is_ok() {
                break;
            }
        }
        let mut stream = outcome?;
        stream.set_nodelay(true)?;
        keep_alive(&stream)?;
        stream.set_read_timeout(Some(self.limits.hello_timeout))?;
        let mut hello = Packet::default();
        hello.push(self.hello.encode().to_vec());
        // An empty socket takes 64 bytes at once.
        hello.send(&stream)?;
        let mut answer = [0; ANSWER_BYTES];
        stream.read_exact(&mut answer)?;
        decode_answer(&answer).map_err(|refusal: Refusal| io::Error::other(refusal))?;
        self.counters.connected.fetch_add(1, Ordering::Relaxed);
        Ok(stream)
    }

    /// Sends what waits until the connection breaks. `false` when the link is to end.
    fn serve(&self, stream: &Arc<TcpStream>) -> bool {
        let mut state = self.state.lock();
        if state.is_closing {
            return false;
        }
        state.stream = Some(Arc::clone(stream));
        loop {
            if state.is_closing {
                return false;
            }
            let (whole, outcome) = state.outbox.send(stream);
            self.counters.sent.fetch_add(whole, Ordering::Relaxed);
            match outcome {
                Ok(()) => self.wake.wait(&mut state),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    parking_lot::MutexGuard::unlocked(&mut state, || wait_writable(stream));
                }
                Err(_) => {
                    state.stream = None;
                    state.outbox = Outbox::default();
                    self.counters.broken.fetch_add(1, Ordering::Relaxed);
                    let _ = stream.shutdown(Shutdown::Both);
                    return true;
                }
            }
        }
    }
}
