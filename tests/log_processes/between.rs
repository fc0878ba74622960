//! What lies between nodes, for each direction: a relay of the test, or the wires of networks that are each node's own.

use super::proxy::{Gate, Relay};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) enum Between {
    /// By who sends and who receives.
    Relays(BTreeMap<(usize, usize), Relay>),
    Wires(Wires),
    Nothing,
}

impl Between {
    pub(crate) fn relays(listen: &[SocketAddr]) -> Self {
        let pairs = pairs(listen.len());
        Self::Relays(pairs.map(|(from, to)| ((from, to), Relay::new(listen[to - 1]))).collect())
    }

    /// Where a node finds another one, if not where that listens.
    pub(crate) fn address(&self, from: usize, to: usize) -> Option<SocketAddr> {
        match self {
            Self::Relays(relays) => relays.get(&(from, to)).map(Relay::address),
            Self::Wires(_) | Self::Nothing => None,
        }
    }

    /// The network that a node has to itself.
    pub(crate) fn network(&self, number: usize) -> Option<String> {
        match self {
            Self::Wires(wires) => Some(wires.name(number)),
            Self::Relays(_) | Self::Nothing => None,
        }
    }

    /// What `from` sends to `to`.
    pub(crate) fn set(&self, from: usize, to: usize, gate: Gate) {
        match self {
            Self::Relays(relays) => relays[&(from, to)].set(gate),
            Self::Wires(wires) => wires.set(from, to, gate),
            Self::Nothing => panic!("nothing lies between them that could be cut"),
        }
    }
}

/// All directions between so many nodes.
pub(crate) fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    let pairs = (1..=count).flat_map(move |from| (1..=count).map(move |to| (from, to)));
    pairs.filter(|(from, to)| from != to)
}

/// Network namespaces, one for each node, and one with the bridge that joins them. Gone with this value.
///
/// Who sends to whom is a matter of the Ethernet address that the sender believes in: with one that nobody has, packets vanish
/// without a word, and nothing at either end knows.
pub(crate) struct Wires {
    number: u32,
    count: usize,
}

impl Wires {
    /// # Errors
    /// Why it is not allowed here, or cannot be done.
    pub(crate) fn new(count: usize) -> Result<Self, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = std::process::id() * 64 + NEXT.fetch_add(1, Ordering::Relaxed);
        // From here on what was made goes again.
        let wires = Self { number, count };
        let hub = wires.name(0);
        ip(&format!("netns add {hub}"))?;
        ip(&format!("-n {hub} link add name hub type bridge"))?;
        ip(&format!("-n {hub} link set dev hub up"))?;
        for node in 1..=count {
            let (name, address, place) = (wires.name(node), hardware(node), place(node).ip());
            ip(&format!("netns add {name}"))?;
            ip(&format!("-n {name} link set dev lo up"))?;
            ip(&format!("-n {name} link add name wire type veth peer name wire{node} netns {hub}"))?;
            ip(&format!("-n {name} link set dev wire address {address}"))?;
            ip(&format!("-n {name} address add {place}/24 dev wire"))?;
            ip(&format!("-n {name} link set dev wire up"))?;
            ip(&format!("-n {hub} link set dev wire{node} master hub up"))?;
        }
        pairs(count).try_for_each(|(from, to)| wires.believe(from, to, &hardware(to)))?;
        Ok(wires)
    }

    fn name(&self, number: usize) -> String {
        format!("duochain-{}-{number}", self.number)
    }

    /// Where nodes listen.
    pub(crate) fn places(&self) -> Vec<SocketAddr> {
        (1..=self.count).map(place).collect()
    }

    fn believe(&self, from: usize, to: usize, address: &str) -> Result<(), String> {
        let (name, place) = (self.name(from), place(to).ip());
        ip(&format!("-n {name} neighbour replace {place} lladdr {address} nud permanent dev wire"))
    }

    fn set(&self, from: usize, to: usize, gate: Gate) {
        let address = match gate {
            Gate::Open => hardware(to),
            Gate::Held => hardware(0xff),
            Gate::Cut => panic!("a wire that is cut tells nobody: hold it"),
        };
        self.believe(from, to, &address).expect("as when it was made");
    }
}

impl Drop for Wires {
    fn drop(&mut self) {
        // Those that were not made are not there.
        (0..=self.count).for_each(|number| drop(ip(&format!("netns delete {}", self.name(number)))));
    }
}

fn hardware(node: usize) -> String {
    format!("02:00:00:00:00:{node:02x}")
}

fn place(node: usize) -> SocketAddr {
    let node = u8::try_from(node).expect("a few");
    (Ipv4Addr::new(10, 77, 0, node), 7_400).into()
}

fn ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip").args(arguments.split(' ')).output();
    let output = output.map_err(|error| format!("ip: {error}"))?;
    let why = || format!("ip {arguments}: {}", String::from_utf8_lossy(&output.stderr).trim());
    output.status.success().then_some(()).ok_or_else(why)
}
