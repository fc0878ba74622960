//! Disks that take no more, and directories that may not be written.
//!
//! A limit on the size of files and a directory without write permission need no privilege and always
//! run. The tests in `mounted` mount real file systems; `cargo test` counts them as ignored, and
//! `-- --ignored mounted::` runs them where that is allowed.

mod support;
#[path = "support/tmpfs.rs"]
mod tmpfs;

use duochain::node::{HealthState, Node};
use duochain::types::{ChainId, OpId, Status};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use support::{LANE, PATIENCE, Scratch, complete, eventually, open, settings, with};

const DIR: &str = "DUOCHAIN_SPACE_DIR";
/// Room for a few of Delta's large blocks, and for all that Alpha writes meanwhile.
const FILE_BYTES: &str = "2097152";

fn small_segments(dir: &Path) -> Node {
    let pairs = [("log.segment_bytes", "1048576"), ("supervisor.restart_delay_max_ms", "100")];
    Node::open(with(Some(dir), &pairs)).expect("opens")
}

/// Submits what does not compress to Delta until it says that there is no space.
fn fill(node: &Node) -> Vec<OpId> {
    let mut ops = Vec::new();
    let mut seed = 1u64;
    let reason = eventually("Delta has no space", || {
        let mut bytes = vec![0u8; 200_000];
        for chunk in bytes.chunks_mut(8) {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            chunk.copy_from_slice(&seed.to_be_bytes()[..chunk.len()]);
        }
        if let Ok(op) = node.submit(ChainId::Delta, LANE, &bytes) {
            ops.push(op);
        }
        let chain = &node.health().chains[ChainId::Delta.index()];
        // A slow sync is reported as a stall of its own; the missing space follows.
        (chain.state == HealthState::Stalled && chain.reason.contains("no space left"))
            .then(|| chain.reason.clone())
    });
    assert!(reason.contains("/delta/blocks/"), "names the file: {reason}");
    ops
}

/// Fills Delta's disk, sees Alpha go on, makes room, and sees Delta finish what it had accepted.
fn stop_one_chain_and_bring_it_back(node: Node, dir: &Path, make_room: impl FnOnce()) {
    let ops = fill(&node);
    node.submit_detached(ChainId::Alpha, LANE, b"here is room").expect("accepted");
    eventually("Alpha goes on", || (node.head(ChainId::Alpha).final_transactions == 1).then_some(()));
    make_room();
    let done = complete(&node, &ops);
    assert!(done.iter().all(|completion| completion.status == Status::Ok), "nothing lost, nothing twice");
    node.close(PATIENCE).expect("closed");
    drop(node);
    open(Some(dir)).close(PATIENCE).expect("opens again");
}

fn refusal(dir: &Path) -> (Status, String) {
    let error = Node::open(settings(Some(dir))).expect_err("must be refused");
    (error.status(), error.to_string())
}

#[test]
fn a_file_that_may_not_grow_stops_one_chain_only_and_room_brings_it_back() {
    let scratch = Scratch::new("limit");
    // Without the signal, a write beyond the limit fails like any other.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().expect("this test"))
        .args(["--exact", "child_meets_its_limit", "--ignored", "--nocapture"])
        .env(DIR, scratch.path())
        .output()
        .expect("child starts");
    let told = String::from_utf8_lossy(&output.stdout);
    let is_done = output.status.success() && told.contains("1 passed");
    assert!(is_done, "{told}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "run in a process of its own by the test above"]
fn child_meets_its_limit() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let pairs = [("log.segment_bytes", "16777216"), ("supervisor.restart_delay_max_ms", "100")];
    let node = Node::open(with(Some(dir), &pairs)).expect("opens");
    let limit = |soft: &str| {
        let (pid, limit) = (std::process::id().to_string(), format!("--fsize={soft}:unlimited"));
        assert!(Command::new("prlimit").args(["--pid", &pid, &limit]).status().expect("runs").success());
    };
    // Only now: the state store's journal has its address space already.
    limit(FILE_BYTES);
    stop_one_chain_and_bring_it_back(node, dir, || limit("unlimited"));
}

#[test]
fn a_directory_that_may_not_be_written_is_refused_by_name() {
    let scratch = Scratch::new("forbidden");
    let path = scratch.path().join("closed");
    fs::create_dir(&path).expect("created");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o555)).expect("set");
    // A thread of its own: capabilities are a thread's, and root without this one is like anybody.
    let outcome = std::thread::scope(|scope| {
        let refused = scope.spawn(|| {
            let mut sets = capabilities(None).expect("known");
            sets.effective -= CapabilitySet::DAC_OVERRIDE;
            set_capabilities(None, sets).expect("given up");
            refusal(&path)
        });
        refused.join().expect("no panic")
    });
    let (status, text) = outcome;
    assert_eq!(status, Status::Permission, "{text}");
    assert!(text.contains("/closed/LOCK"), "{text}");
}

mod mounted {
    use super::tmpfs::Tmpfs;
    use super::*;

    #[test]
    #[ignore = "mounts a file system, which needs the right to"]
    fn a_full_disk_stops_one_chain_only_and_room_brings_it_back() {
        let scratch = Scratch::new("full");
        open(Some(scratch.path())).close(PATIENCE).expect("the directory is made");
        fs::remove_dir_all(scratch.path().join("delta")).expect("Delta starts over on a disk of its own");
        let disk = Tmpfs::mount(&scratch.path().join("delta"), "size=96m");
        let node = small_segments(scratch.path());
        stop_one_chain_and_bring_it_back(node, scratch.path(), || disk.remount("size=1g"));
    }

    #[test]
    #[ignore = "mounts a file system, which needs the right to"]
    fn a_read_only_file_system_is_refused_by_name() {
        let scratch = Scratch::new("readonly");
        let path = scratch.path().join("ro");
        let _disk = Tmpfs::mount(&path, "ro,size=1m");
        let (status, text) = refusal(&path);
        assert_eq!(status, Status::Permission, "{text}");
        assert!(text.contains("/ro/LOCK"), "{text}");
    }
}
