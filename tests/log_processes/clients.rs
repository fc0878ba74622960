//! Clients: each does one operation after the other, somewhere, and notes what it was told.

use super::cluster::Cluster;
use super::history::{Operation, Outcome, Record, digest};
use super::ways::Manner;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A node gives up after this, and a client that hears nothing a little later.
const TIMEOUT: Duration = Duration::from_secs(1);
const SILENCE: Duration = Duration::from_millis(1_500);

/// What all clients of a cluster did.
pub(crate) struct History {
    records: Mutex<Vec<Record>>,
    begun: Instant,
    values: AtomicU64,
    processes: AtomicU64,
}

impl Default for History {
    #[expect(clippy::disallowed_methods, reason = "real clients have real time")]
    fn default() -> Self {
        let (values, processes) = (AtomicU64::new(1), AtomicU64::new(1));
        Self { records: Mutex::default(), begun: Instant::now(), values, processes }
    }
}

impl History {
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).expect("no test runs for centuries")
    }

    pub(crate) fn take(&self) -> Vec<Record> {
        std::mem::take(&mut self.records.lock().unwrap())
    }

    /// How many appends were acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        let is_ours = |record: &&Record| matches!(record.outcome, Outcome::Appended { .. });
        self.records.lock().unwrap().iter().filter(is_ours).count()
    }

    /// A number that no process had.
    fn process(&self) -> u64 {
        self.processes.fetch_add(1, Ordering::Relaxed)
    }

    fn value(&self) -> u64 {
        self.values.fetch_add(1, Ordering::Relaxed)
    }

    /// Appends one more value at this node, as a client that nobody has heard of, and takes the first answer.
    pub(crate) fn append_at(&self, cluster: &Cluster, node: usize) -> Record {
        self.note(self.process(), Operation::Append(self.value()), |operation| {
            self.ask(cluster, (self.process(), Manner::PLAIN), node, operation)
        })
    }

    /// Appends one more value at whoever takes it.
    pub(crate) fn append_somewhere(&self, cluster: &Cluster) -> Record {
        let append = || {
            let record = self.append_at(cluster, cluster.find_leader()?);
            record.is_ok().then_some(record)
        };
        super::support::eventually("an acknowledged append", append)
    }

    /// One operation, from its call to its return.
    fn note(&self, process: u64, operation: Operation, ask: impl FnOnce(Operation) -> Outcome) -> Record {
        let call = self.now();
        let outcome = ask(operation);
        let record = Record { process, operation, call, returned: self.now(), outcome };
        self.records.lock().unwrap().push(record.clone());
        record
    }

    /// Asks a node, as somebody and in some manner.
    fn ask(
        &self,
        cluster: &Cluster,
        (process, manner): (u64, Manner),
        node: usize,
        operation: Operation,
    ) -> Outcome {
        let millis = TIMEOUT.as_millis();
        let session = if manner.has_origin { process } else { 0 };
        let (id, how) = (u8::from(manner.has_id), manner.how);
        let request = match operation {
            Operation::Append(value) => format!("append {value} {session} {id} {how} {millis}"),
            Operation::Read => format!("read {millis}"),
        };
        let Some(node) = cluster.process(node) else { return Outcome::Failed("it is down".to_owned()) };
        match (node.ask(&request, SILENCE), operation) {
            (Some(answer), _) => outcome(operation, &answer),
            (None, Operation::Append(_)) => Outcome::Unknown("no answer".to_owned()),
            (None, Operation::Read) => Outcome::Failed("no answer".to_owned()),
        }
    }
}

fn outcome(operation: Operation, answer: &str) -> Outcome {
    let number = |text: &str| text.parse::<u64>().expect("a number");
    match answer.split_once(' ') {
        Some(("ok", rest)) => {
            let (a, b) = rest.split_once(' ').expect("two numbers");
            match operation {
                Operation::Append(_) => Outcome::Appended { place: number(a), index: number(b) },
                Operation::Read => Outcome::Seen { length: number(a), digest: number(b) },
            }
        }
        Some(("fail", why)) => Outcome::Failed(why.to_owned()),
        Some(("info", why)) => Outcome::Unknown(why.to_owned()),
        Some(("lost", _)) => panic!("{operation:?} was acknowledged and is {answer}"),
        _ => panic!("no answer: {answer}"),
    }
}

/// Runs `clients` clients beside `body`; when that returns, they end. A tenth of what they do are reads.
pub(crate) fn under_load<T>(cluster: &Cluster, clients: u64, body: impl FnOnce() -> T) -> T {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for seed in 0..clients {
            let is_over = &is_over;
            scope.spawn(move || work(cluster, seed, || is_over.load(Ordering::Relaxed)));
        }
        // A panic ends the clients too, which the scope would wait for.
        let _over = Over(&is_over);
        body()
    })
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One client: where the last append went well, or anywhere. Of two clients one asks for the same append again
/// when it got no answer, under the same identity; the other one gives up and is somebody else from then on.
fn work(cluster: &Cluster, seed: u64, is_over: impl Fn() -> bool) {
    let history = &cluster.history;
    let (mut process, mut state, mut target) = (history.process(), seed, None);
    let mut roll = || {
        state = digest(state, seed);
        state
    };
    let repeats = seed.is_multiple_of(2);
    while !is_over() {
        if roll() % 10 == 0 {
            // Any node answers reads.
            let node = one_of(cluster, roll());
            let read = |read| history.ask(cluster, (process, Manner::PLAIN), node, read);
            history.note(process, Operation::Read, read);
            continue;
        }
        let manner = Manner::drawn(roll(), repeats);
        let record = history.note(process, Operation::Append(history.value()), |append| {
            let mut ask = || {
                let node = target.unwrap_or_else(|| one_of(cluster, roll()));
                let outcome = history.ask(cluster, (process, manner), node, append);
                target = matches!(outcome, Outcome::Appended { .. }).then_some(node);
                outcome
            };
            let mut outcome = ask();
            while repeats && matches!(outcome, Outcome::Unknown(_)) && !is_over() {
                // Once nobody knows, only an acknowledgement says more: a refusal is about the repetition.
                let again = ask();
                if matches!(again, Outcome::Appended { .. }) {
                    outcome = again;
                }
            }
            outcome
        });
        match record.outcome {
            Outcome::Unknown(_) => process = history.process(),
            // Nobody leads perhaps; who asks at once again keeps the others from finding out.
            Outcome::Failed(_) => std::thread::sleep(Duration::from_millis(2)),
            _ => {}
        }
    }
}

/// One of the nodes that are in the cluster now.
fn one_of(cluster: &Cluster, roll: u64) -> usize {
    let numbers: Vec<usize> = cluster.numbers().collect();
    numbers[(roll % numbers.len() as u64) as usize]
}
