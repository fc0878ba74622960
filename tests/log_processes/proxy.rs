//! What lies between two nodes: a relay for each direction, which passes on, holds or cuts.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// What a relay does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    Open,
    /// Connections stay, and nothing comes through: packets are lost.
    Held,
    /// Connections break, and new ones are refused.
    Cut,
}

struct State {
    gate: Gate,
    /// Connections that last, both ends of each, by number.
    sockets: BTreeMap<u64, (TcpStream, TcpStream)>,
    next: u64,
    is_over: bool,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    to: SocketAddr,
}

/// Relays to one address.
pub(crate) struct Relay {
    shared: Arc<Shared>,
    address: SocketAddr,
    listening: Option<JoinHandle<()>>,
}

impl Relay {
    pub(crate) fn new(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let state = Mutex::new(State { gate: Gate::Open, sockets: BTreeMap::new(), next: 0, is_over: false });
        let shared = Arc::new(Shared { state, changed: Condvar::new(), to });
        let accepting = Arc::clone(&shared);
        let listening = std::thread::spawn(move || {
            for incoming in listener.incoming() {
                if accepting.state.lock().unwrap().is_over {
                    return;
                }
                match incoming {
                    Ok(incoming) => accepting.relay(incoming),
                    // Short of descriptors: connections end, and who called waits.
                    Err(_) => std::thread::sleep(Duration::from_millis(1)),
                }
            }
        });
        Self { shared, address, listening: Some(listening) }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn set(&self, gate: Gate) {
        let mut state = self.shared.state.lock().unwrap();
        state.gate = gate;
        if gate == Gate::Cut {
            state.break_all();
        }
        self.shared.changed.notify_all();
    }
}

impl State {
    fn break_all(&mut self) {
        for (_, (one, other)) in std::mem::take(&mut self.sockets) {
            let _ = (one.shutdown(Shutdown::Both), other.shutdown(Shutdown::Both));
        }
    }
}

impl Shared {
    fn relay(self: &Arc<Self>, incoming: TcpStream) {
        if self.state.lock().unwrap().gate == Gate::Cut {
            return;
        }
        let Ok(outgoing) = TcpStream::connect(self.to) else { return };
        let _ = (incoming.set_nodelay(true), outgoing.set_nodelay(true));
        let both = || Some((incoming.try_clone().ok()?, outgoing.try_clone().ok()?));
        let (Some(there), Some(back), Some(known)) = (both(), both(), both()) else { return };
        let number = {
            let mut state = self.state.lock().unwrap();
            if state.gate == Gate::Cut || state.is_over {
                return;
            }
            state.next += 1;
            let number = state.next;
            state.sockets.insert(number, known);
            number
        };
        for (from, to) in [there, (back.1, back.0)] {
            let shared = Arc::clone(self);
            // It ends with its sockets, which `break_all` ends.
            std::thread::spawn(move || {
                shared.pump(from, to);
                shared.state.lock().unwrap().sockets.remove(&number);
            });
        }
    }

    fn pump(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let state = self.state.lock().unwrap();
            let state = self.changed.wait_while(state, |state| state.gate == Gate::Held && !state.is_over);
            drop(state.unwrap());
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        {
            let mut state = self.shared.state.lock().unwrap();
            state.is_over = true;
            state.break_all();
            self.shared.changed.notify_all();
        }
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        let _ = self.listening.take().map(JoinHandle::join);
    }
}
