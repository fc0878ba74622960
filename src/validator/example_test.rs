//! The worked example of `docs/validators.md`: what it shows is what happens.

use super::testing::*;
use super::*;
use crate::codec::dump::hold;
use crate::types::{Epoch, Height, View};
use std::fmt::Write;

const ADA: AccountId = account(11);
const BOB: AccountId = account(12);
const EVE: AccountId = account(13);

/// A line for the epoch under way.
fn epoch(text: &mut String, ledger: &Ledger) {
    let powers = |set: &ValidatorSet| -> String {
        powers(set).iter().map(|(name, power)| format!("  v{name} {power:>4}")).collect()
    };
    let (current, next) = (powers(ledger.current()), powers(ledger.next()));
    writeln!(text, "epoch {}   decides with {current}", ledger.epoch()).unwrap();
    writeln!(text, "          next is      {next}").unwrap();
}

fn says(text: &mut String, what: &str) {
    writeln!(text, "          {what}").unwrap();
}

/// Everything that is in the story.
fn holdings(text: &mut String, ledger: &Ledger) {
    let of = |holder, name| ledger.stake_of(holder, validator(name));
    writeln!(
        text,
        "          v1's own {}   ada with v1 {}   bob with v2 {}   eve leaving {}   all together {}",
        of(account(1), 1),
        of(ADA, 1),
        of(BOB, 2),
        ledger.leaving(EVE),
        ledger.held(),
    )
    .unwrap();
}

fn story() -> String {
    let mut text = String::new();
    let mut ledger = network(Config { unbonding_epochs: 2, ..RULES }, &[1_000; 4]);
    epoch(&mut text, &ledger);
    for (holder, name) in [(ADA, "ada"), (BOB, "bob"), (EVE, "eve")] {
        ledger.delegate(holder, validator(1), stake(200)).expect("room");
        says(&mut text, &format!("{name} delegates 200 to v1"));
    }
    pass(&mut ledger, 1);
    epoch(&mut text, &ledger);
    pass(&mut ledger, 1);
    epoch(&mut text, &ledger);
    ledger.redelegate(BOB, validator(1), validator(2), stake(200)).expect("there");
    says(&mut text, "bob redelegates 200 from v1 to v2");
    let release = ledger.unbond(EVE, validator(1), stake(200)).expect("there");
    says(&mut text, &format!("eve unbonds 200 from v1, to be released in epoch {release}"));
    pass(&mut ledger, 1);
    epoch(&mut text, &ledger);
    says(&mut text, "v1 signs two blocks of one height; nobody knows yet");
    pass(&mut ledger, 1);
    epoch(&mut text, &ledger);
    holdings(&mut text, &ledger);
    let slashed = ledger.slash(&infraction(1, 1, 3, Severity::Major)).expect("proven");
    says(&mut text, &format!("evidence: 20 % of the 1600 that v1 had in epoch 3, taken: {}", slashed.amount));
    holdings(&mut text, &ledger);
    says(&mut text, &format!("v1 is jailed and can be unjailed in epoch {}", slashed.jailed_until));
    pass(&mut ledger, 1);
    epoch(&mut text, &ledger);
    let turn = pass(&mut ledger, 1);
    epoch(&mut text, &ledger);
    let (_, released) = turn.released[0];
    says(&mut text, &format!("eve has {released} back"));
    ledger.unjail(account(1), validator(1)).expect("it is time");
    says(&mut text, "v1 is unjailed by its owner");
    pass(&mut ledger, 1);
    epoch(&mut text, &ledger);
    pass(&mut ledger, 1);
    epoch(&mut text, &ledger);
    text
}

/// Who leads, of four with the powers 800, 1,360, 1,000 and 1,000.
fn draws() -> String {
    let members = [800, 1_360, 1_000, 1_000].iter().zip(1..);
    let members =
        members.map(|(power, name)| Member { id: validator(name), power: *power, keys: keys(name) });
    let set = ValidatorSet::new(Epoch::new(8), members.collect()).expect("a set");
    let mut text = String::new();
    for chain in crate::types::ChainId::ALL {
        let election = Election::of(&set, chain, Seed::new([7; 32]));
        let name = |place: crate::types::ValidatorIndex| format!(" v{}", place.get() + 1);
        for view in 0..2 {
            let leaders: String = (100..112)
                .map(|height| name(election.leader(Height::new(height), View::new(view))))
                .collect();
            writeln!(text, "{chain:<6} leaders of heights 100 to 111, view {view}: {leaders}").unwrap();
        }
        let coordinators: String = (1..13).map(|view| name(election.coordinator(View::new(view)))).collect();
        writeln!(text, "{chain:<6} coordinators of views 1 to 12:           {coordinators}").unwrap();
    }
    text
}

#[test]
fn the_worked_example_dumps_what_happens() {
    hold("docs/validators.md", &[("example", story()), ("draws", draws())]);
}
