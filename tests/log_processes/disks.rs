//! Disks that are full, slow or damaged.

use super::clients::under_load;
use super::cluster::Cluster;
use super::history::Outcome;
use super::kills::progress;
use super::support::{Scratch, eventually};
use super::tools;
use super::ways::Ways;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The process stops and says so; with room again it is as before.
fn a_full_disk(cluster: Cluster, chosen: impl Fn(usize) -> usize) {
    let full = chosen(cluster.leader());
    under_load(&cluster, 6, || {
        progress(&cluster, 100);
        // All its files are longer already, so every further write fails.
        cluster.process(full).expect("it runs").limit_files(1);
        progress(&cluster, 100);
        eventually("a node that has stopped", || match cluster.history.append_at(&cluster, full).outcome {
            Outcome::Unknown(why) => why.contains("this node has stopped").then_some(()),
            _ => None,
        });
        cluster.kill(full);
        cluster.start(full).expect("it starts when there is room");
        progress(&cluster, 100);
    });
    cluster.finish();
}

#[test]
fn a_leader_whose_disk_is_full_is_replaced_and_comes_back_when_there_is_room() {
    a_full_disk(Cluster::new("full-leader", 3), |leader| leader);
}

#[test]
fn a_follower_whose_disk_is_full_stops_nobody_and_comes_back_when_there_is_room() {
    a_full_disk(Cluster::new("full-follower", 3), |leader| leader % 3 + 1);
}

mod mounted {
    use super::*;
    use crate::tmpfs::take_all_room;

    /// A disk has no room left, by somebody else's file, and then it has. It is full when the log needs its next file, so
    /// the node stops; snapshots before that are given up and cost nothing.
    fn without_room(name: &'static str, snapshots: bool, chosen: impl Fn(usize) -> usize) {
        let ways = Ways { snapshots, large: true, ..Ways::ALL };
        let cluster = Cluster::on_small_disks(name, 3, ways, "128m");
        let full = chosen(cluster.leader());
        under_load(&cluster, 6, || {
            progress(&cluster, 50);
            let ballast = take_all_room(&cluster.directory(full));
            eventually("a node that has stopped", || {
                match cluster.history.append_at(&cluster, full).outcome {
                    Outcome::Unknown(why) if why.contains("this node has stopped") => {
                        assert!(why.contains("no space left"), "{why}");
                        Some(())
                    }
                    _ => None,
                }
            });
            progress(&cluster, 50);
            // It keeps what it knows, and answers nobody with it.
            assert_ne!(cluster.find_leader(), Some(full));
            cluster.kill(full);
            fs::remove_file(ballast).expect("it is there");
            cluster.start(full).expect("it starts when there is room");
            let goal = cluster.status_of(cluster.leader()).commit;
            eventually("a node that has caught up", || {
                cluster.status(full).filter(|status| status.applied >= goal)
            });
        });
        cluster.finish();
    }

    #[test]
    #[ignore = "mounts file systems, which needs the right to"]
    fn a_leader_on_a_disk_without_room_stops_and_comes_back_when_there_is_some() {
        without_room("no-room-leader", false, |leader| leader);
    }

    #[test]
    #[ignore = "mounts file systems, which needs the right to"]
    fn a_follower_on_a_disk_without_room_stops_and_comes_back_when_there_is_some() {
        without_room("no-room-follower", true, |leader| leader % 3 + 1);
    }
}

/// A library before the system's: every sync takes as long as a file beside the node's directory says.
const SLOW_SYNC: &str = r#"
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int fdatasync(int file) {
    char path[4096], directory[4000];
    const char *place = getenv("DUO_LOG_NODE");
    if (place && sscanf(place, "%*s %3999s", directory) == 1) {
        snprintf(path, sizeof path, "%s.delay", directory);
        FILE *delay = fopen(path, "r");
        unsigned micros = 0;
        if (delay) {
            if (fscanf(delay, "%u", &micros) == 1) usleep(micros);
            fclose(delay);
        }
    }
    return (int)syscall(SYS_fdatasync, file);
}
"#;

/// The library's path.
fn slow_sync(scratch: &Scratch) -> PathBuf {
    let (source, library) = (scratch.path().join("slow.c"), scratch.path().join("slow.so"));
    fs::write(&source, SLOW_SYNC).expect("there is room");
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).status();
    assert!(built.expect("cc runs").success());
    library
}

fn set_delay(cluster: &Cluster, number: usize, micros: u32) {
    // Renamed into place: it is read at any moment.
    let path = cluster.directory(number).with_extension("delay");
    let new = path.with_extension("new");
    fs::write(&new, micros.to_string()).and_then(|()| fs::rename(&new, &path)).expect("there is room");
}

fn with_slow_disks(name: &'static str) -> Option<Cluster> {
    if !tools::has("cc") {
        return None;
    }
    let preload =
        |scratch: &Scratch| vec![("LD_PRELOAD".to_owned(), slow_sync(scratch).display().to_string())];
    Some(Cluster::with(name, 3, preload))
}

#[test]
fn a_follower_with_a_slow_disk_costs_no_leader_and_has_everything_in_the_end() {
    let Some(cluster) = with_slow_disks("slow-follower") else { return };
    let leader = cluster.leader();
    let slow = leader % 3 + 1;
    under_load(&cluster, 6, || {
        progress(&cluster, 50);
        set_delay(&cluster, slow, 100_000);
        progress(&cluster, 300);
        set_delay(&cluster, slow, 0);
        let goal = cluster.status_of(cluster.leader()).commit;
        eventually("a follower that has caught up", || {
            cluster.status(slow).filter(|status| status.applied >= goal)
        });
    });
    cluster.finish();
}

#[test]
fn a_leader_whose_disk_stands_still_steps_down_and_loses_nothing() {
    let Some(cluster) = with_slow_disks("stalled-leader") else { return };
    let old = cluster.leader();
    under_load(&cluster, 6, || {
        progress(&cluster, 50);
        // Longer than `disk_stall_max`, and it ends.
        set_delay(&cluster, old, 3_000_000);
        eventually("another leader", || cluster.find_leader().filter(|leader| *leader != old));
        progress(&cluster, 100);
        set_delay(&cluster, old, 0);
        progress(&cluster, 100);
    });
    cluster.finish();
}

/// The file of its log with the latest entries.
fn newest(directory: &Path) -> PathBuf {
    let names =
        fs::read_dir(directory.join("log")).expect("a log").map(|entry| entry.expect("readable").path());
    let is_log = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "frames");
    names.filter(is_log).max().expect("a log has a file")
}

/// Where records begin, and where what is not zero ends.
const RECORDS_AT: usize = 0x1000;

fn end_of(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(RECORDS_AT, |at| at + 1)
}

#[test]
fn a_torn_tail_is_cut_and_the_node_goes_on() {
    let cluster = Cluster::new("torn", 3);
    let torn = cluster.leader() % 3 + 1;
    under_load(&cluster, 4, || {
        progress(&cluster, 100);
        cluster.kill(torn);
        let path = newest(&cluster.directory(torn));
        let mut bytes = fs::read(&path).expect("readable");
        // Half of one more record, whose sync never came: nobody was told of it.
        let end = end_of(&bytes).next_multiple_of(8);
        let half = bytes[RECORDS_AT..RECORDS_AT + 60].to_vec();
        bytes[end..end + half.len()].copy_from_slice(&half);
        fs::write(&path, bytes).expect("there is room");
        cluster.start(torn).expect("a torn tail is no damage");
        progress(&cluster, 100);
    });
    cluster.finish();
}

#[test]
fn damage_in_the_middle_is_mended_by_the_others_while_they_go_on() {
    // What the others have in snapshots only mends nothing.
    let cluster = Cluster::in_ways("damaged", 3, Ways::drawn("damaged").with_the_whole_log());
    let damaged = cluster.leader() % 3 + 1;
    under_load(&cluster, 4, || {
        progress(&cluster, 100);
        cluster.kill(damaged);
        let path = newest(&cluster.directory(damaged));
        let mut bytes = fs::read(&path).expect("readable");
        let middle = RECORDS_AT + (end_of(&bytes) - RECORDS_AT) / 2;
        bytes[middle] ^= 0x10;
        fs::write(&path, &bytes).expect("there is room");
        progress(&cluster, 100);
        cluster.start(damaged).expect("it is mended");
        progress(&cluster, 100);
    });
    cluster.finish();
}
