//! A transport in a process that is out of descriptors. Alone in its process, so that nobody else needs one.
#![expect(unsafe_code, reason = "lowers the limit of the process")]

#[path = "support/net.rs"]
mod net;

use duochain::net::{Limits, Refusal, TcpTransport};
use net::{PATIENCE, listen_within};
use std::fs::File;
use std::io::Read;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::time::Duration;

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

#[test]
fn a_caller_waits_for_a_descriptor_and_closing_does_not() {
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
