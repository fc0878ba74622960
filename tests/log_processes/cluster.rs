//! Nodes, what lies between them, and the end of every scenario: all are the same, and the history is right.

use super::addresses::own_places;
use super::between::{Between, Wires, pairs};
use super::clients::History;
use super::history::{self, Operation, Outcome, Record, digest};
use super::judge::judge;
use super::node::{CLUSTER, certificates};
use super::process::Process;
use super::proxy::Gate;
use super::support::{Scratch, eventually};
use super::tls::{Authority, name_of, write};
use super::tmpfs::Tmpfs;
use super::ways::{WAYS, Ways};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// For an answer of a node that runs.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) role: String,
    pub(crate) term: u64,
    pub(crate) leader: usize,
    pub(crate) commit: u64,
    pub(crate) applied: u64,
    /// The last entry that its log has forgotten.
    pub(crate) front: u64,
    /// The last entry of the last snapshot that it began with, its own or another one's.
    pub(crate) restored: u64,
}

/// What a cluster begins with.
struct Plan {
    founders: usize,
    /// Numbers for nodes that come later.
    spares: usize,
    ways: Ways,
    variables: Vec<(String, String)>,
    disks: Vec<Tmpfs>,
    /// Networks of their own.
    wires: Option<Wires>,
}

impl Plan {
    const fn new(founders: usize, ways: Ways) -> Self {
        Self { founders, spares: 0, ways, variables: Vec::new(), disks: Vec::new(), wires: None }
    }
}

/// Parts go in this order: processes, their disks and networks, the folders.
pub(crate) struct Cluster {
    name: &'static str,
    /// `None`: it is down.
    nodes: Vec<Mutex<Option<Arc<Process>>>>,
    _disks: Vec<Tmpfs>,
    between: Between,
    scratch: Scratch,
    ways: Ways,
    /// Of all nodes that there can be; those who are in when it begins come first.
    listen: Vec<SocketAddr>,
    founders: usize,
    members: Mutex<BTreeSet<usize>>,
    variables: Vec<(String, String)>,
    pub(crate) history: History,
}

impl Cluster {
    /// Nodes 1 to `count`, running, in ways that the name draws.
    pub(crate) fn new(name: &'static str, count: usize) -> Self {
        Self::in_ways(name, count, Ways::drawn(name))
    }

    pub(crate) fn in_ways(name: &'static str, count: usize, ways: Ways) -> Self {
        Self::build(name, Scratch::new(name), Plan::new(count, ways))
    }

    /// The same, with variables of the environment that depend on the cluster's directory.
    pub(crate) fn with(
        name: &'static str,
        count: usize,
        variables: impl FnOnce(&Scratch) -> Vec<(String, String)>,
    ) -> Self {
        let scratch = Scratch::new(name);
        let variables = variables(&scratch);
        Self::build(name, scratch, Plan { variables, ..Plan::new(count, Ways::drawn(name)) })
    }

    /// The same, with numbers for nodes that come later. The log says where members are, the same to all of them: there
    /// are no relays.
    pub(crate) fn with_spares(name: &'static str, count: usize, spares: usize, ways: Ways) -> Self {
        Self::build(name, Scratch::new(name), Plan { spares, ..Plan::new(count, ways) })
    }

    /// The same, each node on a file system of its own with so much room. Needs the right to mount.
    pub(crate) fn on_small_disks(name: &'static str, count: usize, ways: Ways, size: &str) -> Self {
        let scratch = Scratch::new(name);
        let mount = |number| Tmpfs::mount(&directory(&scratch, number), &format!("size={size}"));
        let disks = (1..=count).map(mount).collect();
        Self::build(name, scratch, Plan { disks, ..Plan::new(count, ways) })
    }

    /// The same, each node in a network of its own.
    pub(crate) fn on_wires(name: &'static str, ways: Ways, wires: Wires) -> Self {
        let count = wires.places().len();
        Self::build(name, Scratch::new(name), Plan { wires: Some(wires), ..Plan::new(count, ways) })
    }

    fn build(name: &'static str, scratch: Scratch, plan: Plan) -> Self {
        let Plan { founders, spares, ways, variables, disks, wires } = plan;
        let all = founders + spares;
        let (listen, between) = match wires {
            Some(wires) => (wires.places(), Between::Wires(wires)),
            None => {
                let listen = own_places(all);
                let between = if spares == 0 { Between::relays(&listen) } else { Between::Nothing };
                (listen, between)
            }
        };
        let nodes = (0..all).map(|_| Mutex::new(None)).collect();
        let members = Mutex::new((1..=founders).collect());
        let history = History::default();
        let cluster = Self {
            name,
            nodes,
            _disks: disks,
            between,
            scratch,
            ways,
            listen,
            founders,
            members,
            variables,
            history,
        };
        if ways.tls {
            cluster.certify(all);
        }
        cluster.numbers().for_each(|number| cluster.start(number).unwrap());
        cluster
    }

    fn certify(&self, count: usize) {
        let authority = Authority::new();
        for number in 1..=count {
            let issued = authority.issue(&name_of(&CLUSTER, number as u64));
            let files = write(&self.directory(number).with_extension("tls"), &issued, &authority.pem);
            assert_eq!(files, certificates(&self.directory(number)));
        }
    }

    /// Those who are in.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = usize> + use<> {
        self.members.lock().unwrap().clone().into_iter()
    }

    /// From here on clients ask it too, and it counts in the end.
    pub(crate) fn come(&self, number: usize) {
        self.members.lock().unwrap().insert(number);
    }

    /// From here on nobody counts on it.
    pub(crate) fn leave(&self, number: usize) {
        self.members.lock().unwrap().remove(&number);
    }

    /// Where a node listens.
    pub(crate) fn place(&self, number: usize) -> SocketAddr {
        self.listen[number - 1]
    }

    pub(crate) fn directory(&self, number: usize) -> PathBuf {
        directory(&self.scratch, number)
    }

    fn slot(&self, number: usize) -> MutexGuard<'_, Option<Arc<Process>>> {
        self.nodes[number - 1].lock().unwrap()
    }

    /// # Errors
    /// Why the node refuses to run.
    pub(crate) fn start(&self, number: usize) -> Result<(), String> {
        let address = |to: usize| self.between.address(number, to).unwrap_or_else(|| self.place(to));
        // Who comes later begins with those who are in; the others with all founders, and are told who came.
        let founders: Vec<usize> = match number <= self.founders {
            true => (1..=self.founders).collect(),
            false => self.numbers().filter(|other| *other != number).collect(),
        };
        let later = self.numbers().filter(|other| *other != number && !founders.contains(other));
        let others = founders.iter().map(|other| format!("{other}={}", address(*other)));
        let others: Vec<_> =
            others.chain(later.map(|other| format!("+{other}={}", address(other)))).collect();
        let (dir, listen) = (self.directory(number), self.place(number));
        let place = format!("{number} {} {listen} {}", dir.display(), others.join(" "));
        let ways = self.ways.text();
        let own = [(WAYS, ways.as_str())];
        let variables = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let variables: Vec<_> = variables.chain(own).collect();
        *self.slot(number) =
            Some(Arc::new(Process::start(&place, &variables, self.between.network(number))?));
        Ok(())
    }

    /// With SIGKILL.
    pub(crate) fn kill(&self, number: usize) {
        let process = self.slot(number).take();
        if let Some(process) = process {
            process.end();
        }
    }

    pub(crate) fn process(&self, number: usize) -> Option<Arc<Process>> {
        self.slot(number).clone()
    }

    /// `None` when it does not answer at once, as one that is down or stopped.
    pub(crate) fn status(&self, number: usize) -> Option<Status> {
        let text = self.process(number)?.ask("status", Duration::from_millis(500))?;
        let words: Vec<&str> = text.split(' ').collect();
        let [role, term, leader, commit, applied, front, restored] = words[..] else { panic!("{text}") };
        let number = |text: &str| text.parse::<u64>().expect("a number");
        Some(Status {
            role: role.to_owned(),
            term: number(term),
            leader: number(leader) as usize,
            commit: number(commit),
            applied: number(applied),
            front: number(front),
            restored: number(restored),
        })
    }

    /// Of one that runs.
    pub(crate) fn status_of(&self, number: usize) -> Status {
        eventually("a status", || self.status(number))
    }

    /// Who leads the latest term, of those who answer.
    pub(crate) fn find_leader(&self) -> Option<usize> {
        let known = self.numbers().filter_map(|number| Some((number, self.status(number)?)));
        let leads = known.filter(|(_, status)| status.role == "leader");
        leads.max_by_key(|(_, status)| status.term).map(|(number, _)| number)
    }

    pub(crate) fn leader(&self) -> usize {
        eventually("a leader", || self.find_leader())
    }

    /// What goes from `from` to `to`.
    pub(crate) fn set(&self, from: usize, to: usize, gate: Gate) {
        self.between.set(from, to, gate);
    }

    fn set_all(&self, gate: Gate, is_chosen: impl Fn(usize, usize) -> bool) {
        let chosen = pairs(self.nodes.len()).filter(|(from, to)| is_chosen(*from, *to));
        chosen.for_each(|(from, to)| self.set(from, to, gate));
    }

    /// What goes from or to this node, from and to all others.
    pub(crate) fn around(&self, number: usize, gate: Gate) {
        self.set_all(gate, |from, to| from == number || to == number);
    }

    /// Cuts every link between these and the others.
    pub(crate) fn cut_between(&self, some: &[usize]) {
        self.set_all(Gate::Cut, |from, to| some.contains(&from) != some.contains(&to));
    }

    pub(crate) fn heal(&self) {
        if !matches!(self.between, Between::Nothing) {
            self.set_all(Gate::Open, |_, _| true);
        }
    }

    /// Whether a node has a connection to each of the others that it calls.
    pub(crate) fn links(&self, number: usize) -> BTreeMap<usize, bool> {
        let process = self.process(number).expect("it runs");
        let text = process.ask("links", PATIENCE).expect("an answer");
        let link = |text: &str| {
            let (peer, is_connected) = text.split_once('=').expect("a peer and its state");
            (peer.parse().expect("a number"), is_connected == "1")
        };
        text.split(',').map(link).collect()
    }

    /// Everything works again: all nodes get to the same list, and the history is judged. Returns the list.
    pub(crate) fn finish(self) -> Vec<u64> {
        self.finish_with_history().0
    }

    /// The same, and what clients were told.
    pub(crate) fn finish_with_history(self) -> (Vec<u64>, Vec<Record>) {
        self.heal();
        for number in self.numbers() {
            if self.process(number).is_none() {
                self.start(number).expect("it starts again");
            }
        }
        let last = self.history.append_somewhere(&self);
        let index = match last.outcome {
            Outcome::Appended { index, .. } => index,
            ref outcome => panic!("{outcome:?}"),
        };
        let lists: Vec<Vec<(u64, u64)>> = self.numbers().map(|number| self.list(number, index)).collect();
        for list in &lists {
            assert!(list.windows(2).all(|pair| pair[0].0 < pair[1].0), "an index is applied once, in order");
            assert!(*list == lists[0], "all nodes apply the same: {}", first_difference(list, &lists[0]));
        }
        let list: Vec<u64> = lists[0].iter().map(|(_, value)| *value).collect();
        let mut records = self.history.take();
        records.push(whole(&list, &records));
        history::keep(self.name, &records);
        if let Err(why) = judge(&records, &list) {
            panic!("{}: not linearizable: {why}", self.name);
        }
        (list, records)
    }

    /// What a node has applied, index and value, once it is as far as `index`.
    fn list(&self, number: usize, index: u64) -> Vec<(u64, u64)> {
        eventually("a node that has applied everything", || {
            self.status(number).filter(|status| status.applied >= index)
        });
        let path = self.scratch.path().join(format!("list{number}"));
        let process = self.process(number).expect("it runs");
        let answer = process.ask(&format!("dump {}", path.display()), PATIENCE);
        assert!(answer.is_some_and(|answer| answer.starts_with("ok")));
        let text = std::fs::read_to_string(path).expect("just written");
        let pair = |line: &str| {
            let (index, value) = line.split_once(' ').expect("index and value");
            (index.parse().expect("a number"), value.parse().expect("a number"))
        };
        text.lines().map(pair).collect()
    }
}

fn directory(scratch: &Scratch, number: usize) -> PathBuf {
    scratch.path().join(format!("n{number}"))
}

/// A read of the whole list after everything.
fn whole(list: &[u64], records: &[Record]) -> Record {
    let outcome = Outcome::Seen {
        length: list.len() as u64,
        digest: list.iter().fold(0, |before, value| digest(before, *value)),
    };
    let end = records.iter().map(|record| record.returned).max().unwrap_or(0);
    Record { process: 0, operation: Operation::Read, call: end + 1, returned: end + 2, outcome }
}

fn first_difference(a: &[(u64, u64)], b: &[(u64, u64)]) -> String {
    let at = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
    format!("at {at} {:?} and {:?}, of {} and {}", a.get(at), b.get(at), a.len(), b.len())
}
