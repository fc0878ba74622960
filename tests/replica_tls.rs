//! Three replicas over TLS: they agree as they do in clear, and nobody else takes part.
#![cfg(feature = "tls")]

#[path = "support/replicas.rs"]
mod replicas;
#[path = "support/tls.rs"]
mod tls;

use duochain::net::{Refusal, TlsFiles};
use duochain::node::replica::{Applied, Apply, Replica, ReplicaConfig, ReplicaError};
use duochain::raft::{Config, Membership};
use duochain::storage::frames::FrameLogOptions;
use duochain::types::{ClusterId, LogId, NodeId};
use replicas::{PATIENCE, Scratch, batch, eventually, own_places, unless_it_went};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;
use tls::{Authority, name, write};

struct Keep(SyncSender<Vec<u8>>);

impl Apply for Keep {
    fn apply(&mut self, batch: &Applied<'_>) {
        // A test that has seen enough is gone.
        batch.entries().for_each(|(_, entry)| drop(self.0.send(entry.bytes.to_vec())));
    }
}

fn n(number: u64) -> NodeId {
    NodeId::new(number).unwrap()
}

fn config(scratch: &Scratch, number: u64, places: &[SocketAddr]) -> ReplicaConfig {
    let members = (1..).map(n).zip(places.iter().map(SocketAddr::to_string));
    let mut raft = Config::new(n(number));
    (raft.election_min, raft.election_max) = (Duration::from_millis(500), Duration::from_secs(1));
    raft.disk_stall_max = PATIENCE;
    let (dir, listen) = (scratch.path().join(format!("n{number}")), places[number as usize - 1]);
    let log = FrameLogOptions { segment_bytes: 16 << 20, ..FrameLogOptions::default() };
    let config = ReplicaConfig::new(n(number), dir, ClusterId([7; 16]), listen, Membership::of(members));
    ReplicaConfig { raft, log, ..config }
}

fn open(
    scratch: &Scratch,
    number: u64,
    places: &[SocketAddr],
    tls: Option<TlsFiles>,
) -> (Replica, Receiver<Vec<u8>>) {
    let config = ReplicaConfig { tls, ..config(scratch, number, places) };
    let (sender, applied) = sync_channel(1_000);
    (Replica::open(config, Box::new(Keep(sender))).unwrap(), applied)
}

fn append(replicas: &[&Replica], text: &str) -> LogId {
    eventually("leader", || {
        replicas.iter().find_map(|replica| Some(unless_it_went(replica.append(batch(text), PATIENCE))?.id))
    })
}

#[test]
fn three_nodes_commit_and_one_without_a_certificate_takes_no_part() {
    let (scratch, authority, places) = (Scratch::new("replica-tls"), Authority::new(), own_places(3));
    let files = |number: u64| {
        let dir = scratch.path().join(format!("tls{number}"));
        write(&dir, &authority.issue(&name(number)), &authority.pem)
    };
    // Two of three are a majority; the third one comes in clear first.
    let (one, first) = open(&scratch, 1, &places, Some(files(1)));
    let (two, second) = open(&scratch, 2, &places, Some(files(2)));
    let (stranger, seen) = open(&scratch, 3, &places, None);
    append(&[&one, &two], "secret");
    let refused = |replica: &Replica| replica.net_stats().refused[Refusal::NoTls.index()];
    eventually("refusal", || (refused(&one) > 0 && refused(&two) > 0).then_some(()));
    assert!(seen.try_recv().is_err(), "nothing reaches it");
    assert_eq!(stranger.net_stats().received, 0);
    stranger.close();
    drop(stranger);
    // With its certificate it belongs to them.
    let (three, third) = open(&scratch, 3, &places, Some(files(3)));
    let last = append(&[&one, &two, &three], "shared");
    let has_all = || [&one, &two, &three].iter().all(|replica| replica.applied() >= last.index);
    eventually("application", || has_all().then_some(()));
    for applied in [first, second, third] {
        let all: Vec<_> = applied.try_iter().collect();
        assert_eq!(all, [b"secret".to_vec(), b"shared".to_vec()]);
    }
}

#[test]
fn files_that_do_not_fit_are_refused_when_opening_and_when_loading_anew() {
    let (scratch, authority, places) = (Scratch::new("replica-tls-files"), Authority::new(), own_places(3));
    let dir = scratch.path().join("tls");
    let files = write(&dir, &authority.issue(&name(1)), &authority.pem);
    let (one, _applied) = open(&scratch, 1, &places, Some(files));
    one.reload_tls().unwrap();
    write(&dir, &authority.issue(&name(2)), &authority.pem);
    assert!(matches!(one.reload_tls(), Err(ReplicaError::Config(_))));
    one.close();
    assert!(matches!(one.reload_tls(), Err(ReplicaError::Closed)));
}

#[test]
fn files_that_do_not_fit_are_refused_before_anything_is_made() {
    let (scratch, authority, places) = (Scratch::new("replica-tls-early"), Authority::new(), own_places(3));
    let files = write(&scratch.path().join("tls"), &authority.issue(&name(2)), &authority.pem);
    let refused = |files: TlsFiles, text: &str| {
        let config = ReplicaConfig { tls: Some(files), ..config(&scratch, 1, &places) };
        let (dir, (sender, _applied)) = (config.dir.clone(), sync_channel(1));
        let error = Replica::open(config, Box::new(Keep(sender))).unwrap_err();
        assert!(matches!(&error, ReplicaError::Config(why) if why.contains(text)), "{error:?}");
        assert!(!dir.exists());
    };
    refused(files.clone(), "does not name node-1.");
    refused(TlsFiles { key: "".into(), ..files.clone() }, "key \"\"");
    let absent = std::env::current_dir().unwrap().join("absent.pem");
    refused(TlsFiles { authority: "absent.pem".into(), ..files.clone() }, &absent.display().to_string());
    let certificate =
        write(&scratch.path().join("tls"), &authority.issue(&name(1)), &authority.pem).certificate;
    refused(TlsFiles { key: certificate, ..files }, "node.pem: no private key");
}
