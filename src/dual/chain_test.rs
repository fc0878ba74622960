//! The chain against a host in virtual time.

use super::*;
use crate::dual::Solo;
use crate::types::{ChainId, PeerReference, TxRoot};

const INTERVAL: Duration = Duration::from_secs(3);

fn settings() -> ChainSettings {
    ChainSettings {
        chain: ChainId::Delta,
        interval: INTERVAL,
        finality_depth: 3,
        skew: Duration::from_millis(500),
        degraded_intervals: 3,
        stalled_intervals: 10,
        recovery_blocks: 2,
    }
}

fn genesis() -> Restored {
    Restored {
        pending: Vec::new(),
        tip: Tip::default(),
        state: LedgerState::default(),
        last_sequence: Sequence::ORIGIN,
        final_height: Height::ORIGIN,
        final_hash: BlockHash::ZERO,
        health: HealthState::Healthy,
        failure: None,
    }
}

/// A host whose disk is two vectors and whose clock is a number.
struct Host {
    chain: Chain<Solo>,
    now: Tick,
    timer: Tick,
    blocks: Vec<Header>,
    events: Vec<Event>,
    applied: LedgerState,
}

impl Host {
    fn start(restored: Restored, now: Tick) -> Self {
        let applied = restored.state;
        let chain = Chain::new(settings(), Solo::new(restored.tip.height), restored, now);
        let mut host = Self { chain, now, timer: now, blocks: Vec::new(), events: Vec::new(), applied };
        host.feed(Input::Started);
        host
    }

    fn unix(&self) -> UnixNanos {
        UnixNanos::new(1_000_000_000_000 + self.now.as_nanos())
    }

    fn feed(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let mut out = Vec::new();
            self.chain.step(self.now, self.unix(), input, &mut out);
            for effect in out {
                match effect {
                    Effect::SetTimer(at) => self.timer = at,
                    Effect::Build(order) => inputs.push_back(Input::Built(Arc::new(block(&order)))),
                    Effect::Persist(block) => {
                        self.blocks.push(block.header);
                        inputs.push_back(Input::Persisted(block.header.height));
                    }
                    Effect::Apply(block) => {
                        assert_eq!(self.blocks.last(), Some(&block.header), "I2: durable before applied");
                        self.applied.apply(&block.header);
                    }
                    Effect::Announce(events) => self.events.extend(events),
                }
            }
        }
    }

    fn run(&mut self, blocks: usize) {
        for _ in 0..blocks {
            self.now = self.timer;
            self.feed(Input::Expired);
        }
    }

    fn finals(&self) -> Vec<u64> {
        let finals = self.events.iter().filter(|event| event.kind == EventKind::DeltaBlockFinalized);
        finals.map(|event| event.height.get()).collect()
    }
}

fn block(order: &BuildOrder) -> Block {
    let header = Header {
        chain: ChainId::Delta,
        height: order.height,
        slot: order.slot,
        time: order.time,
        parent: order.parent,
        tx_root: TxRoot::ZERO,
        state_root: order.state_root,
        peer: PeerReference::default(),
        tx_count: 0,
        body_bytes: 0,
    };
    Block::assemble(header, Block::body_buffer(0))
}

#[test]
fn a_block_is_final_when_three_follow_it() {
    let mut host = Host::start(genesis(), Tick::ZERO);
    host.run(3);
    assert!(host.finals().is_empty());
    host.run(4);
    assert_eq!(host.finals(), [1, 2, 3, 4]);
    assert_eq!(host.chain.final_height(), Height::new(4));
    assert_eq!(host.now, Tick::from_nanos(21_000_000_000));
    assert_eq!(host.applied, *host.chain.state());
}

#[test]
fn event_numbers_have_no_gaps_and_slots_follow_the_clock() {
    let mut host = Host::start(genesis(), Tick::ZERO);
    host.run(5);
    host.timer = host.timer.after(INTERVAL * 4);
    host.run(6);
    let numbers: Vec<_> = host.events.iter().map(|event| event.sequence.get()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let slots: Vec<_> = host.blocks.iter().map(|header| header.slot).collect();
    assert_eq!(slots[..7], [1, 2, 3, 4, 5, 10, 11]);
    assert!(slots.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn a_restart_repeats_the_events_that_a_crash_cut_off_and_no_others() {
    let mut host = Host::start(genesis(), Tick::ZERO);
    host.run(7);
    // The crash lost the event of block 4: the disk says 3 were announced.
    let restored = Restored {
        pending: host.blocks[3..].to_vec(),
        tip: *host.chain.tip(),
        state: host.applied,
        last_sequence: Sequence::new(3),
        final_height: Height::new(3),
        ..genesis()
    };
    let mut again = Host::start(restored, Tick::ZERO);
    assert_eq!(again.events, host.events[3..]);
    again.now = host.now;
    again.timer = host.now.after(INTERVAL);
    again.run(1);
    assert_eq!(again.finals(), [4, 5]);
    assert_eq!(again.blocks[0].parent, host.chain.tip().hash);
}

#[test]
fn a_failed_chain_reports_stalled_then_recovering_then_healthy() {
    let failed = Restored { failure: Some("panic".into()), ..genesis() };
    let mut host = Host::start(failed, Tick::ZERO);
    assert_eq!(host.events[0].detail, "healthy to stalled: panic");
    host.run(6);
    let states: Vec<_> = host.events.iter().filter_map(|event| event.health).collect();
    assert_eq!(states, [HealthState::Stalled, HealthState::Recovering, HealthState::Healthy]);
}

#[test]
fn a_chain_that_fails_while_it_is_not_well_says_what_it_was_and_names_its_final_block() {
    let (final_height, final_hash) = (Height::new(4), BlockHash::new([4; 32]));
    for (health, detail) in [
        (HealthState::Recovering, "recovering to stalled: panic"),
        (HealthState::Stalled, "stalled to stalled: panic"),
    ] {
        let tip = Tip { height: final_height, hash: final_hash, ..Tip::default() };
        let failed =
            Restored { tip, final_height, final_hash, health, failure: Some("panic".into()), ..genesis() };
        let host = Host::start(failed, Tick::ZERO);
        let [event] = &host.events[..] else { panic!("{:?}", host.events) };
        assert_eq!((event.kind, event.detail.as_str()), (EventKind::ChainDegraded, detail));
        assert_eq!((event.height, event.hash), (final_height, final_hash));
    }
}

#[test]
fn a_process_that_starts_again_says_that_the_chain_is_recovering() {
    for (health, announced) in [
        (HealthState::Healthy, None),
        (HealthState::Recovering, None),
        (HealthState::Degraded, Some("degraded to recovering: started again from its log")),
        (HealthState::Stalled, Some("stalled to recovering: started again from its log")),
    ] {
        let host = Host::start(Restored { health, ..genesis() }, Tick::ZERO);
        let details: Vec<_> = host.events.iter().map(|event| event.detail.as_str()).collect();
        assert_eq!(details, Vec::from_iter(announced));
        assert!(host.events.iter().all(|event| event.kind == EventKind::ChainRecovered));
    }
}

#[test]
fn late_finality_halves_the_blocks_until_it_advances() {
    let mut host = Host::start(genesis(), Tick::ZERO);
    host.run(6);
    host.now = host.timer.after(INTERVAL * 5);
    let mut out = Vec::new();
    host.chain.step(host.now, host.unix(), Input::Expired, &mut out);
    let halves: Vec<_> = out
        .iter()
        .filter_map(|effect| match effect {
            Effect::Build(order) => Some(order.half),
            _ => None,
        })
        .collect();
    assert_eq!(halves, [true]);
    assert!(matches!(&out[0], Effect::Announce(events) if events[0].health == Some(HealthState::Degraded)));
}

#[test]
fn a_clock_set_back_beyond_the_skew_makes_the_chain_wait() {
    let ahead = Tip { height: Height::new(1), time: UnixNanos::new(1_003_000_000_000), ..Tip::default() };
    let restored = Restored { tip: ahead, final_height: Height::new(1), ..genesis() };
    let mut host = Host::start(restored, Tick::ZERO);
    host.now = Tick::from_nanos(2_000_000_000);
    host.feed(Input::Expired);
    assert!(host.blocks.is_empty());
    assert_eq!(host.timer, host.now.after(INTERVAL));
    host.run(1);
    assert_eq!(host.blocks.len(), 1);
}
