//! A process that is out of descriptors. Alone in their process, one after the other, so that nobody else needs one.
#![expect(unsafe_code, reason = "lowers the limit of the process")]
#![allow(clippy::duplicate_mod, reason = "both parts of support find addresses, at ports that differ")]

#[path = "support/net.rs"]
mod net;
#[path = "support/replicas.rs"]
mod replicas;

use duochain::env::log::{Level, set_sink};
use duochain::net::{Limits, Refusal, TcpTransport};
use duochain::raft::Change;
use net::{PATIENCE, listen_within};
use replicas::{Cluster, n, until};
use std::fs::File;
use std::io::Read;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Who may use up the process's descriptors.
static ALONE: Mutex<()> = Mutex::new(());

fn limit_descriptors(to: u64) {
    let limit = libc::rlimit { rlim_cur: to, rlim_max: libc::RLIM_INFINITY };
    let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both structures live through the calls; only this process's soft limit changes.
    let outcome = unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut now);
        libc::setrlimit(libc::RLIMIT_NOFILE, &libc::rlimit { rlim_max: now.rlim_max, ..limit })
    };
    assert_eq!(outcome, 0);
}

/// What this process has open, as far as it has a name.
fn open_files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap();
    entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok()).collect()
}

#[test]
fn a_caller_waits_for_a_descriptor_and_closing_does_not() {
    let _alone = ALONE.lock().unwrap();
    let hour = Duration::from_secs(3_600);
    let patient = Limits { redial_min: hour, redial_max: hour, ..Limits::default() };
    let brief = Limits {
        redial_min: Duration::from_millis(1),
        hello_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let (one, two) = (listen_within(1, patient, None).unwrap(), listen_within(2, brief, None).unwrap());
    let short_of = |what: &TcpTransport<_>| {
        // Numbers are given out from below: there is one left, and the caller takes it.
        let free = File::open("/dev/null").unwrap().as_raw_fd();
        limit_descriptors(free as u64 + 1);
        let caller = TcpStream::connect(what.address()).unwrap();
        for _ in 0..PATIENCE.as_millis() {
            if what.stats().unaccepted > 0 {
                return caller;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("there was a descriptor left: {:?}", what.stats());
    };
    // It would hang for an hour if closing waited with the one who accepts.
    let _first = short_of(&one);
    one.close();
    // The other one accepts as soon as it can, and then waits in vain for a hello.
    let mut second = short_of(&two);
    limit_descriptors(256);
    assert!(matches!(second.read(&mut [0; 1]), Ok(0) | Err(_)));
    assert_eq!(two.stats().refused[Refusal::Late.index()], 1);
}

#[test]
fn a_member_for_whom_there_was_no_descriptor_gets_its_link_later() {
    let _alone = ALONE.lock().unwrap();
    let records = Arc::new(Mutex::new(String::new()));
    let sink = Arc::clone(&records);
    set_sink(Some((Arc::new(move |record| *sink.lock().unwrap() += record.message), Level::Error)));
    let cluster = Cluster::new("net-descriptors", 1);
    let leader = cluster.replica(cluster.leader());
    // The next file of the log is there, so that nobody but the link needs a descriptor. Its folder is synced
    // just after it got its name; some looks later that is over.
    let log = cluster.scratch.path().join("n1/log");
    let mut looks = 0;
    until("laid out", || {
        let is_laid_out = log.join("next.ready").exists() && !open_files().contains(&log);
        looks = if is_laid_out { looks + 1 } else { 0 };
        looks > 20
    });
    limit_descriptors(64);
    let held: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    let add = [(n(2), "127.0.0.1:9".to_owned())].into();
    leader.change(Change { add, ..Change::default() }, PATIENCE).unwrap();
    until("failure", || records.lock().unwrap().contains("no link to a member"));
    assert!(leader.net_peers().is_empty(), "{:?}", leader.net_peers());
    drop(held);
    limit_descriptors(256);
    until("link", || leader.net_peers().iter().any(|peer| peer.node == n(2) && peer.failures > 0));
    set_sink(None);
}
