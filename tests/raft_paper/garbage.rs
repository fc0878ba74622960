//! A node among peers, disks and hosts that say anything: it keeps its invariants. `fuzz_plays` and `make sanitize S=fuzz`
//! play the same with other dice.

use crate::support::Besieged;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

const STEPS: usize = 2_000;

/// SplitMix64.
fn dice(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |sides| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// Beyond the papers: "No input in any order breaks an invariant of the core."
///
/// `DUOCHAIN_PLAYS=n` sets how many seeds.
#[test]
fn no_message_in_any_state_breaks_an_invariant() {
    let seeds = std::env::var("DUOCHAIN_PLAYS").ok().and_then(|text| text.parse().ok()).unwrap_or(300);
    let (mut roles, mut applied) = ([0_u64; 4], 0_u64);
    for seed in 0..seeds {
        let play = || {
            let mut roll = dice(seed);
            let mut node = Besieged::new(&mut roll);
            for _ in 0..STEPS {
                node.step(&mut roll);
                roles[node.face().0 as usize] += 1;
            }
            applied += node.face().1.index.get().min(1_000);
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(play)) {
            let _ = writeln!(std::io::stderr(), "it was seed {seed}");
            resume_unwind(panic);
        }
    }
    // The garbage is near enough to what is right to lead somewhere.
    assert!(roles.iter().all(|steps| *steps > seeds * 10) && applied > seeds * 10, "{roles:?}, {applied}");
}
