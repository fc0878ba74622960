//! The engine in a village of a few validators.

use super::invariants::Path;
use super::scene::{DELAY, MS, Scene};
use super::{Evidence, Kind, Message, Vote};
use crate::types::{Height, Tick, View};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn tips(scene: &Scene) -> Vec<u64> {
    (0..scene.members.len()).map(|of| scene.tip(of)).collect()
}

fn path(scene: &Scene, of: usize) -> Path {
    scene.members[of].proof.as_ref().expect("something is final").path()
}

#[test]
fn with_everybody_well_a_block_is_final_after_two_delays() {
    let mut scene = Scene::new(vec![1; 4], 0);
    scene.open(1);
    scene.run(2 * DELAY);
    assert_eq!(tips(&scene), [1, 1, 1, 1]);
    let (_, at) = scene.members[0].final_blocks[&Height::new(1)];
    assert_eq!((at, path(&scene, 0)), (Tick::ZERO.after(2 * DELAY), Path::Fast));
}

#[test]
fn with_one_silent_a_block_is_final_after_three_delays_and_the_wait_for_the_fast_path() {
    let mut scene = Scene::new(vec![1; 4], 0);
    scene.kill(3);
    scene.open(1);
    scene.run(2 * DELAY + 10 * MS + DELAY);
    assert_eq!(tips(&scene)[..3], [1, 1, 1]);
    assert_eq!(path(&scene, 0), Path::Slow);
}

#[test]
fn within_the_slack_the_fast_path_does_without_one() {
    let mut scene = Scene::new(vec![1; 6], 1);
    scene.kill(5);
    scene.open(1);
    scene.run(2 * DELAY);
    assert_eq!(tips(&scene)[..5], [1; 5]);
    assert_eq!(path(&scene, 0), Path::Fast);
}

#[test]
fn heights_that_are_open_are_agreed_on_at_the_same_time() {
    let mut scene = Scene::new(vec![1; 4], 0);
    scene.open(4);
    scene.run(8 * DELAY);
    assert_eq!(tips(&scene), [4; 4]);
    scene.open(100);
    scene.run(SECOND * 3);
    assert_eq!(tips(&scene), [100; 4]);
}

#[test]
fn a_dead_leader_is_replaced_and_what_it_began_is_finished() {
    let mut scene = Scene::new(vec![1; 4], 0);
    scene.open(1);
    // The leader of height 1 dies when its proposal is on its way.
    scene.kill(1);
    scene.run(SECOND * 5);
    assert_eq!((scene.tip(0), scene.tip(2), scene.tip(3)), (1, 1, 1));
    scene.open(6);
    scene.run(SECOND * 30);
    assert_eq!((scene.tip(0), scene.tip(2), scene.tip(3)), (6, 6, 6));
    scene.restart(1);
    scene.run(SECOND * 5);
    assert_eq!(scene.tip(1), 6);
}

#[test]
fn all_of_them_restarted_at_any_moment_go_on() {
    for moment in 0..60 {
        let mut scene = Scene::new(vec![1; 4], 0);
        scene.disk = 3 * MS;
        scene.open(6);
        scene.run(moment * MS);
        (0..4).for_each(|of| scene.restart(of));
        scene.run(SECOND * 20);
        assert_eq!(tips(&scene), [6; 4], "restarted after {moment} ms");
        for member in &scene.members {
            let votes = || member.said.iter().filter(|of| matches!(of.kind, Kind::Prepare | Kind::Commit));
            for vote in votes() {
                let same = |of: &&super::Statement| {
                    (vote.kind, vote.view, vote.height) == (of.kind, of.view, of.height)
                };
                assert!(votes().filter(same).all(|of| of.hash == vote.hash), "{vote:?}");
            }
        }
    }
}

#[test]
fn two_apart_from_two_decide_nothing_and_go_on_together() {
    let mut scene = Scene::new(vec![1; 4], 0);
    scene.cut = Box::new(|from, to, _| from / 2 != to / 2);
    scene.open(3);
    scene.run(SECOND * 60);
    assert_eq!(tips(&scene), [0; 4]);
    scene.cut = Box::new(|_, _, _| false);
    scene.run(SECOND * 60);
    assert_eq!(tips(&scene), [3; 4]);
}

#[test]
fn a_leader_that_votes_twice_is_blamed_and_left() {
    let mut scene = Scene::new(vec![1; 4], 0);
    scene.open(1);
    scene.run(DELAY / 2);
    let own = *scene.members[1].said.iter().find(|of| of.kind == Kind::Prepare).expect("it prepared");
    let other = super::Statement { hash: crate::types::BlockHash::new([9; 32]), ..own };
    let signature = super::scene::signature(1, &other);
    let vote = Vote { from: crate::types::ValidatorIndex::new(1), statement: other, signature };
    scene.cut = Box::new(|from, _, message| from == 1 || matches!(message, Message::Proof(_)));
    for to in [0, 2] {
        let from = Some(crate::types::ValidatorIndex::new(1));
        let message = super::verify::Verified::unchecked(Message::Vote(vote));
        scene.tell(to, super::Input::Received { from, message });
    }
    scene.run(SECOND * 10);
    for of in [0, 2, 3] {
        assert_eq!(scene.tip(of), 1);
        let blamed = &scene.members[of].blamed;
        assert!(matches!(blamed[..], [Evidence::Equivocation { .. }]), "{blamed:?}");
        assert!(scene.members[of].engine.as_ref().is_some_and(|engine| engine.view() > View::ORIGIN));
    }
}

#[test]
fn an_invalid_block_is_not_prepared() {
    let mut scene = Scene::new(vec![1; 4], 0);
    let bad = super::scene::block(1, View::ORIGIN, Height::new(1), crate::types::BlockHash::ZERO);
    (0..4).filter(|of| *of != 1).for_each(|of| {
        scene.members[of].invalid.insert(bad.hash);
    });
    scene.open(1);
    scene.run(SECOND * 10);
    assert_eq!(tips(&scene), [1; 4]);
    assert_ne!(scene.members[0].final_blocks[&Height::new(1)].0, bad.hash);
}

#[test]
fn who_left_alone_is_joined_after_a_while_and_the_fast_path_is_back() {
    let mut scene = Scene::new(vec![1; 4], 0);
    scene.open(1);
    scene.run(SECOND);
    // The others do not hear of it for a while: it waits for a block that they have.
    scene.cut = Box::new(|from, to, _| from == 2 || to == 2);
    scene.tell(2, super::Input::Opened(Height::new(2)));
    scene.run(SECOND * 5);
    scene.cut = Box::new(|_, _, _| false);
    let view = |scene: &Scene, of: usize| scene.members[of].engine.as_ref().map(super::Engine::view);
    assert_eq!((view(&scene, 2), view(&scene, 0)), (Some(View::new(1)), Some(View::ORIGIN)));
    for height in 2..=20 {
        scene.open(height);
        scene.run(SECOND);
    }
    assert_eq!(tips(&scene), [20; 4]);
    assert_eq!((0..4).map(|of| view(&scene, of)).collect::<Vec<_>>(), [Some(View::new(1)); 4]);
    assert_eq!(path(&scene, 0), Path::Fast);
}

#[test]
fn nothing_is_said_of_a_view_change_before_the_disk_has_it() {
    let mut scene = Scene::new(vec![1; 4], 0);
    scene.disk = 5 * SECOND;
    scene.kill(1);
    scene.open(1);
    // The view is left, and what was said is said again several times.
    scene.run(4 * SECOND);
    for of in [0, 2, 3] {
        assert!(scene.members[of].engine.as_ref().is_some_and(|engine| engine.view() > View::ORIGIN));
        assert_eq!(scene.members[of].said, [], "{of} asks for a view and would forget it in a crash");
    }
    scene.run(4 * SECOND);
    assert!(scene.members[0].said.iter().any(|of| of.kind == Kind::ViewChange));
}

#[test]
fn who_asks_for_a_later_view_alone_does_not_stop_those_that_need_it() {
    let mut scene = Scene::new(vec![1; 4], 0);
    scene.kill(0);
    scene.cut = Box::new(|_, _, _| true);
    scene.open(1);
    scene.run(1_300 * MS);
    // Two of them, it hears, ask for view 2.
    for of in [0, 3] {
        let view = View::new(2);
        let said =
            super::Statement::new(Kind::ViewChange, view, Height::ORIGIN, crate::types::BlockHash::ZERO);
        let claims = super::Claims {
            from: crate::types::ValidatorIndex::new(of),
            view,
            low: super::Tip::default(),
            above: Vec::new(),
            signature: super::scene::signature(usize::from(of), &said),
        };
        let change = super::ViewChange { claims, backing: super::Backing::default() };
        let message = super::verify::Verified::unchecked(Message::ViewChange(change.into()));
        scene.tell(2, super::Input::Received { from: None, message });
    }
    let views = [1, 2, 3].map(|of| scene.members[of].engine.as_ref().map(|engine| engine.view().get()));
    assert_eq!(views, [Some(1), Some(2), Some(1)]);
    scene.cut = Box::new(|_, _, _| false);
    scene.run(30 * SECOND);
    assert_eq!(tips(&scene)[1..], [1; 3]);
}

#[test]
fn a_disk_that_stands_still_does_not_fill_the_memory() {
    let mut scene = Scene::new(vec![1; 4], 0);
    scene.disk = Duration::from_secs(3_600);
    scene.kill(1);
    scene.open(1);
    for _ in 0..40 {
        scene.run(5 * SECOND);
        let held = scene.members[0].engine.as_ref().map(|engine| engine.held().waiting);
        assert!(held.is_some_and(|waiting| waiting <= 4), "{held:?} things wait for the disk");
    }
}

#[test]
fn the_same_inputs_make_the_same_state_and_others_do_not() {
    let after = |moment: u32| {
        let mut scene = Scene::new(vec![1; 4], 0);
        scene.kill(1);
        scene.open(6);
        scene.run(SECOND * moment);
        scene.members[0].engine.as_ref().map(super::Engine::state_hash)
    };
    assert_eq!(after(3), after(3));
    assert_ne!(after(3), after(4));
}
