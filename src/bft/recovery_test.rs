//! What becomes of the engine in hours that tests of the normal case do not see: early blocks, lone leavers, restarts, damaged logs.

use super::scene::{DELAY, InTurn, MS, Scene, block, proof, signature};
use super::{
    Claims, Config, Effect, Engine, InView, Input, Kind, Message, Misfit, Powers, Record, Recovered,
    Statement, Tip, ViewChange, Vote, verify::Verified,
};
use crate::types::{BlockHash, Height, Tick, ValidatorIndex, View};
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const X: BlockHash = BlockHash::new([0xaa; 32]);

fn view(scene: &Scene, of: usize) -> View {
    scene.members[of].engine.as_ref().map_or(View::ORIGIN, Engine::view)
}

fn config(place: Option<u16>, powers: Vec<u64>) -> Config {
    Config {
        place: place.map(ValidatorIndex::new),
        powers: Powers::new(powers, 0).expect("they have power"),
        base: Tip { height: Height::new(10), hash: X },
        window: 4,
        interval: 1_000 * MS,
        execution: 100 * MS,
        round_trip: 2 * DELAY,
    }
}

fn engine(place: Option<u16>, recovered: Recovered) -> Result<Engine, super::Violation> {
    Engine::new(config(place, vec![1; 4]).build().expect("it can be"), Arc::new(InTurn(4)), recovered)
}

#[test]
fn a_block_that_came_too_early_for_one_is_asked_again_when_it_is_selected() {
    let mut scene = Scene::new(vec![1; 4], 0);
    let x = block(1, View::ORIGIN, Height::new(1), BlockHash::ZERO);
    scene.members[0].early.insert(x.hash);
    // Its leader goes silent behind the proposal and its vote.
    scene.open(1);
    scene.run(DELAY + DELAY / 2);
    scene.kill(1);
    scene.run(SECOND * 20);
    for of in [0, 2, 3] {
        let (hash, _) = scene.members[of].final_blocks[&Height::new(1)];
        assert_eq!(hash, x.hash, "three had prepared it: it has a certificate");
    }
    assert_eq!(scene.members[0].reported, [ValidatorIndex::new(1)]);
}

#[test]
fn the_view_that_a_lone_liar_names_does_not_take_anybody_out_of_reach() {
    let mut scene = Scene::new(vec![1; 4], 0);
    let claims = Claims {
        from: ValidatorIndex::new(3),
        view: View::new(16),
        low: Tip::default(),
        above: Vec::new(),
        signature: signature(3, &Statement::new(Kind::ViewChange, View::new(16), Height::ORIGIN, X)),
    };
    let change = Arc::new(ViewChange { claims, backing: super::Backing::default() });
    let from = Some(ValidatorIndex::new(3));
    scene.tell(0, Input::Received { from, message: Verified::unchecked(Message::ViewChange(change)) });
    scene.cut = Box::new(|from, _, message| from == 3 && matches!(message, Message::ViewChange(_)));
    for height in 1..=20 {
        scene.open(height);
        scene.run(SECOND);
    }
    assert!(view(&scene, 0) <= View::new(4), "it went to {}", view(&scene, 0));
    scene.kill(3);
    for height in 21..=25 {
        scene.open(height);
        scene.run(SECOND * 10);
    }
    assert_eq!((scene.tip(0), scene.tip(1), scene.tip(2)), (25, 25, 25));
}

#[test]
fn who_is_restarted_while_nobody_hears_it_does_not_run_away() {
    let mut scene = Scene::new(vec![1; 4], 0);
    scene.kill(1);
    scene.open(1);
    scene.run(SECOND * 10);
    let before = view(&scene, 0);
    assert!(before > View::ORIGIN);
    for _ in 0..3 {
        scene.restart(0);
        scene.cut = Box::new(|from, to, _| from == 0 || to == 0);
        scene.run(SECOND * 30);
    }
    let voted = scene.members[0].said.iter().any(|said| said.kind == Kind::Prepare && said.view == before);
    assert!(view(&scene, 0).get() <= before.get() + u64::from(voted), "it went to {}", view(&scene, 0));
}

#[test]
fn a_leader_that_voted_twice_ahead_is_left_when_its_height_is_the_awaited_one() {
    let mut scene = Scene::new(vec![1; 4], 0);
    let two = |height: u64, hash: u8| {
        let statement =
            Statement::new(Kind::Prepare, View::ORIGIN, Height::new(height), BlockHash::new([hash; 32]));
        Vote { from: ValidatorIndex::new(2), statement, signature: signature(2, &statement) }
    };
    for hash in [1, 2] {
        let message = Verified::unchecked(Message::Vote(two(3, hash)));
        scene.tell(0, Input::Received { from: None, message });
    }
    assert_eq!(scene.members[0].blamed.len(), 1);
    scene.open(2);
    scene.kill(2);
    // The leader of height 2 is the liar.
    scene.run(DELAY * 8);
    for of in [0, 1, 3] {
        assert_eq!((scene.tip(of) >= 1, view(&scene, of)), (true, View::new(1)), "at once, not after a wait");
    }
}

#[test]
fn the_base_of_the_epoch_is_no_block_of_it() {
    let tip = Some(proof(Height::new(10), X));
    let started = engine(Some(0), Recovered { tip, records: Vec::new() }).expect("there are no records");
    assert_eq!((started.tip().height, started.proof), (Height::new(10), None));
    let tip = Some(proof(Height::new(11), X));
    let started = engine(Some(0), Recovered { tip, records: Vec::new() }).expect("there are no records");
    assert_eq!(started.tip(), Tip { height: Height::new(11), hash: X });
}

#[test]
fn an_observer_writes_nothing_says_nothing_and_follows() {
    let mut observer = engine(None, Recovered::default()).expect("there are no records");
    let mut out = Vec::new();
    observer.step(Tick::ZERO, Input::Started, &mut out);
    observer.step(Tick::ZERO, Input::Opened(Height::new(13)), &mut out);
    let message = Verified::unchecked(Message::Proof(proof(Height::new(12), X)));
    observer.step(Tick::ZERO, Input::Received { from: None, message }, &mut out);
    assert_eq!(observer.tip().height, Height::new(12));
    let is_quiet = |effect: &Effect| match effect {
        Effect::Broadcast(message) => matches!(message, Message::Status(_)),
        Effect::Persist { .. } | Effect::Sign(_) | Effect::Build { .. } | Effect::Validate { .. } => false,
        _ => true,
    };
    assert!(out.iter().all(is_quiet), "{out:?}");
}

#[test]
fn records_that_contradict_each_other_are_no_log_to_vote_by() {
    let at = |view: u64, of: usize| Record::Prepared {
        view: View::new(view),
        proposal: block(of, View::new(view), Height::new(11), X),
    };
    let refused = |records: Vec<Record>| engine(Some(0), Recovered { tip: None, records }).err();
    assert_eq!(refused(vec![at(0, 1), Record::View(View::new(2)), at(2, 3)]), None);
    assert!(refused(vec![at(1, 1), at(1, 2)]).is_some(), "two blocks in one view");
    assert!(refused(vec![Record::View(View::new(2)), at(1, 1)]).is_some(), "a vote below its view");
    let vote = InView::new(View::ORIGIN, X);
    let alone = Record::Committed { height: Height::new(11), vote };
    assert!(refused(vec![alone]).is_some(), "a commit vote without a certificate");
}

#[test]
fn who_has_no_power_gets_no_place() {
    let refused = config(Some(3), vec![1, 1, 1, 0]).build().err();
    assert_eq!(refused, Some(Misfit::NoPower(ValidatorIndex::new(3))));
    let refused = config(Some(4), vec![1; 4]).build().err();
    assert_eq!(refused, Some(Misfit::NoSuchPlace(ValidatorIndex::new(4))));
}
