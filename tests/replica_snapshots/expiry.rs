//! What is remembered against repetitions is forgotten by log time, on every node alike: under each leader, and where a
//! node has begun with a snapshot.
//!
//! Nothing here depends on how fast a machine is: which log time a batch got is read from the log, what has to come of it follows
//! from that, and until both outcomes were seen it is tried again.

use crate::cluster::{Cluster, n};
use crate::replicas::{PATIENCE, eventually};
use duochain::dedup::DedupLimits;
use duochain::frame::{Entry, FrameBuilder, FrameLimits, Origin};
use duochain::node::replica::Receipt;
use duochain::raft::Role;
use duochain::types::{Index, LaneId, UnixNanos};
use std::time::Duration;

const TIME_TO_LIVE: Duration = Duration::from_millis(200);
/// What entries with an identity say.
const NAMED: &[u8] = b"named";

fn cluster(name: &str) -> Cluster {
    let mut cluster = Cluster::closed(name, 3);
    cluster.dedup = DedupLimits { time_to_live: TIME_TO_LIVE, ..DedupLimits::default() };
    (1..=3).for_each(|number| cluster.open(number));
    cluster
}

/// Log time of the frame that holds an entry.
fn time_of(cluster: &Cluster, index: Index) -> UnixNanos {
    eventually("a node that shows the frame", || {
        let frames =
            (1..=3).filter_map(|number| cluster.replica(number).read(index, 1).unwrap().into_iter().next());
        frames.map(|frame| frame.time()).next()
    })
}

/// One identity, an id or the number 1 of a session, and what has to be remembered of it.
struct Identity {
    session: Option<u64>,
    /// Of an id, when it was first there; of a session, when it was last used.
    since: Option<UnixNanos>,
    /// Whether it was there since then, and not only its session.
    is_there: bool,
    /// How often it was applied.
    fresh: usize,
}

impl Identity {
    const fn new(session: Option<u64>) -> Self {
        Self { session, since: None, is_there: false, fresh: 0 }
    }

    fn forget(&mut self, time: UnixNanos) {
        self.is_there &= self.since.is_some_and(|since| since.after(TIME_TO_LIVE) >= time);
    }

    /// Whether it is remembered at that log time; and from then on it is.
    fn meet(&mut self, time: UnixNanos) -> bool {
        self.forget(time);
        let is_known = std::mem::replace(&mut self.is_there, true);
        if !is_known || self.session.is_some() {
            self.since = Some(time);
        }
        self.fresh += usize::from(!is_known);
        is_known
    }

    /// Another number of its session was there.
    fn use_session(&mut self, time: UnixNanos) {
        self.forget(time);
        self.since = Some(time);
    }

    /// Appends the same once more. Whether it was left out is what log time says.
    fn append(&mut self, cluster: &Cluster) -> (bool, Receipt) {
        let origin = self.session.map_or(Origin::default(), |session| Origin { session, sequence: 1 });
        let id = self.session.is_none().then_some(&[9; 32]);
        let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::default());
        builder.push(Entry { bytes: NAMED, origin, id }).unwrap();
        let receipt = cluster.append_batch(&builder.finish().unwrap());
        let (before, time) = (self.since, time_of(cluster, receipt.id.index));
        let is_known = self.meet(time);
        assert_eq!(receipt.repeated == 1, is_known, "{:?}, since {before:?}, at {time:?}", self.session);
        (is_known, receipt)
    }
}

/// Has another node lead.
fn hand_over(cluster: &Cluster) {
    let next = cluster.leader() % 3 + 1;
    cluster.wait("a leader by request", |cluster| {
        (1..=3).for_each(|number| drop(cluster.replica(number).transfer(Some(n(next)), PATIENCE)));
        cluster.replica(next).status().role == Role::Leader
    });
}

/// All nodes have applied the same, and of entries with an identity those that were fresh.
fn assert_applied(cluster: &Cluster, identities: &[Identity], others: usize) {
    let last = cluster.append(&[(None, b"end")]).id.index;
    let states: Vec<_> = (1..=3).map(|number| cluster.state(number, last)).collect();
    let expected = others + identities.iter().map(|identity| identity.fresh).sum::<usize>();
    for state in &states {
        assert!(*state == states[0], "nodes decide otherwise");
        assert_eq!(state.values().filter(|bytes| *bytes == NAMED).count(), expected);
    }
}

#[test]
fn an_identity_is_known_for_its_time_and_then_fresh_again_under_one_leader_and_under_the_next() {
    let cluster = cluster("expiry-leaders");
    let mut identities = [Identity::new(Some(5)), Identity::new(None)];
    for identity in &mut identities {
        for is_handed_over in [false, true] {
            for is_late in [false, true] {
                let what = if is_late { "an identity that is forgotten" } else { "one that is known" };
                eventually(what, || {
                    let (_, before) = identity.append(&cluster);
                    if is_late {
                        std::thread::sleep(TIME_TO_LIVE);
                    }
                    if is_handed_over {
                        hand_over(&cluster);
                    }
                    let (is_known, after) = identity.append(&cluster);
                    let has_changed = after.id.term > before.id.term;
                    (is_known != is_late && has_changed >= is_handed_over).then_some(())
                });
            }
        }
    }
    assert_applied(&cluster, &identities, 0);
}

#[test]
fn what_a_snapshot_remembers_is_forgotten_behind_it_as_where_nobody_was_restarted() {
    let mut cluster = cluster("expiry-restart");
    let mut identity = Identity::new(Some(5));
    // In each frame, so that each snapshot ends with a session that has just been used.
    let bytes = vec![7; 1024];
    let mut sequence = 1;
    let mut fill = |cluster: &Cluster, identity: &mut Identity| {
        sequence += 1;
        let mut batch = vec![(None, &bytes[..]); 10];
        batch.push((Some(Origin { session: 5, sequence }), NAMED));
        let receipt = cluster.append(&batch);
        assert_eq!((receipt.repeated, receipt.stale), (0, 0), "a number that was never there");
        identity.use_session(time_of(cluster, receipt.id.index));
    };
    let mut filled = 0;
    for _ in 0..3 {
        eventually("logs that begin behind snapshots", || {
            fill(&cluster, &mut identity);
            filled += 1;
            let is_cut = |number| cluster.replica(number).status().snapshot.index > Index::ORIGIN;
            (filled % 60 == 0 && (1..=3).all(is_cut)).then_some(())
        });
        // One of them begins with its snapshot, and has to decide as those that live on.
        let restarted = cluster.leader() % 3 + 1;
        cluster.close(restarted);
        cluster.open(restarted);
        cluster.wait("restored", |cluster| cluster.ledger(restarted, |ledger| ledger.restored > 0));
        eventually("an identity that is forgotten", || {
            std::thread::sleep(TIME_TO_LIVE);
            (!identity.append(&cluster).0).then_some(())
        });
        hand_over(&cluster);
    }
    // All of them at once: nobody remembers but by snapshots and logs.
    fill(&cluster, &mut identity);
    filled += 1;
    (1..=3).for_each(|number| cluster.close(number));
    (1..=3).for_each(|number| cluster.open(number));
    identity.append(&cluster);
    eventually("an identity that is forgotten", || {
        std::thread::sleep(TIME_TO_LIVE);
        (!identity.append(&cluster).0).then_some(())
    });
    (1..=3).for_each(|number| assert!(cluster.ledger(number, |ledger| ledger.restored) > 0));
    assert_applied(&cluster, &[identity], filled);
}
