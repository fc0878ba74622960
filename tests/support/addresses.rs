//! Addresses for sockets of tests: of this machine, and each for one test alone.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};

/// Below those that the system gives to whoever does not ask for one.
const PORT: u16 = 23_000;

/// An address that no other test has, so that nobody takes a port of it while its owner is closed. All of 127/8 is this
/// machine.
pub fn own_address() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = std::process::id().wrapping_mul(64) + NEXT.fetch_add(1, Ordering::Relaxed);
    Ipv4Addr::from(0x7f80_0000 | number & 0x3f_ffff)
}

/// Places for nodes to listen. They are not bound to find them: a process that another test starts at that moment would
/// hold a copy of such a socket.
pub fn own_places(count: usize) -> Vec<SocketAddr> {
    let address = own_address();
    (PORT..).take(count).map(|port| SocketAddr::from((address, port))).collect()
}
