//! A connection that was made: messages leave on it, in clear or sealed.

use super::hello::{ANSWER_BYTES, Hello, decode_answer};
use super::packet::Packet;
use super::socket::{Timed, keep_alive};
use super::tls::{Client, Tls};
use super::{Limits, Refusal};
use crate::env::{Clock, SystemClock};
use crate::types::Tick;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;

/// How an alert of TLS begins.
const ALERT: [u8; 2] = [0x15, 3];

/// Why there is no connection.
pub(super) enum Failure {
    Unreachable,
    Refused(Refusal),
}

impl From<io::Error> for Failure {
    fn from(_: io::Error) -> Self {
        Self::Unreachable
    }
}

/// The dialling end of a connection.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) stream: Arc<TcpStream>,
    sealed: Option<Client>,
}

impl Line {
    /// Connects, says who calls whom, and waits for the answer: all of it by one deadline.
    pub(super) fn connect(
        address: &str,
        hello: &Hello,
        tls: Option<&Tls>,
        (limits, clock): (&Limits, &SystemClock),
    ) -> Result<Self, Failure> {
        let addresses: Vec<_> = address.to_socket_addrs()?.collect();
        let until = clock.now().after(limits.hello_timeout);
        let stream = reach(&addresses, clock, until).ok_or(Failure::Unreachable)?;
        stream.set_nodelay(true)?;
        keep_alive(&stream)?;
        let mut timed = Timed { stream: &stream, clock, until };
        let (bytes, mut answer) = (hello.encode(), [0; ANSWER_BYTES]);
        let mut sealed = None;
        if let Some(tls) = tls {
            let mut client = tls.connect(hello.to).map_err(Failure::Refused)?;
            client.handshake(&mut timed)?.map_err(Failure::Refused)?;
            client.ask(&mut timed, &bytes, &mut answer)?.map_err(Failure::Refused)?;
            sealed = Some(client);
        } else {
            timed.write_all(&bytes)?;
            hear(&mut timed, &mut answer)?;
        }
        decode_answer(&answer).map_err(Failure::Refused)?;
        Ok(Self { stream: Arc::new(stream), sealed })
    }

    /// Sends as much as the socket takes without waiting. `WouldBlock` when something is left.
    pub(super) fn send(&mut self, packet: &mut Packet) -> io::Result<()> {
        match &mut self.sealed {
            None => packet.send(&self.stream),
            Some(client) => client.send(&self.stream, packet),
        }
    }
}

/// The first of these addresses that answers. Each gets its share of the time that is left: one whose packets
/// get lost must not keep the next from being tried.
fn reach(addresses: &[SocketAddr], clock: &SystemClock, until: Tick) -> Option<TcpStream> {
    (1..=u32::try_from(addresses.len()).ok()?).rev().zip(addresses).find_map(|(untried, address)| {
        let share = until.since(clock.now()) / untried;
        (!share.is_zero()).then(|| TcpStream::connect_timeout(address, share).ok()).flatten()
    })
}

/// Reads the answer of a peer in clear.
fn hear(from: &mut impl Read, answer: &mut [u8; ANSWER_BYTES]) -> Result<(), Failure> {
    let mut heard = 0;
    while heard < ANSWER_BYTES {
        match from.read(&mut answer[heard..])? {
            0 => break,
            more => heard += more,
        }
    }
    if answer.starts_with(&ALERT) {
        return Err(Failure::Refused(Refusal::NoTls));
    }
    if heard < ANSWER_BYTES { Err(Failure::Unreachable) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::time::Duration;

    #[test]
    fn an_address_whose_packets_get_lost_leaves_time_for_the_next() {
        let (full, good) =
            (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        let at = [full.local_addr().unwrap(), good.local_addr().unwrap()];
        // Room for one that nobody accepts: who comes later is not answered.
        rustix::net::listen(&full, 0).unwrap();
        let wait = Duration::from_millis(50);
        let held: Vec<_> =
            std::iter::from_fn(|| TcpStream::connect_timeout(&at[0], wait).ok()).take(64).collect();
        let clock = SystemClock::new();
        let found = reach(&at, &clock, clock.now().after(Duration::from_secs(10)));
        assert_eq!(found.map(|stream| stream.peer_addr().unwrap()), Some(at[1]), "{} held", held.len());
    }

    #[test]
    fn an_alert_in_place_of_an_answer_says_that_the_peer_speaks_tls_only() {
        let told = |mut bytes: &[u8]| hear(&mut bytes, &mut [0; ANSWER_BYTES]);
        assert!(matches!(told(&[0x15, 3, 3, 0, 2, 2, 50]), Err(Failure::Refused(Refusal::NoTls))));
        assert!(matches!(told(&[]), Err(Failure::Unreachable)));
        assert!(matches!(told(b"DUOA"), Err(Failure::Unreachable)));
        assert!(told(&[0; ANSWER_BYTES]).is_ok());
    }
}
