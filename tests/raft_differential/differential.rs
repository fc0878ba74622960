//! This project's Raft core beside another implementation, `raft` 0.7, on the same schedules.
//!
//! # Model
//! A schedule comes from a seed: three or five voters, three nodes that nobody has added yet, and some fifty times somebody
//! campaigns, proposes, reads, hands over leadership or restarts, members change, a log forgets what a snapshot
//! covers, links are cut, lose everything for a while or are healed, a disk gets slow or recovers. Both sides get the same
//! events and exchange their own messages, in rounds: what is under way now, in the order of receivers and senders, then
//! what that led to. After each event leaders that reach a majority beat until nothing more can come of it. At that
//! quiet point both sides have to be the same.
//!
//! Members change as both allow it: one learner comes or leaves, or any number of voters do through a joint state, which
//! ends by itself. Who leaves may lead.
//!
//! # What is compared
//! Of each node: whether it leads, whom it follows, its term, its durable vote, the terms and payloads of all
//! entries of its log; and, where a leader with a majority has told both of it, its commit index and the members at it. So
//! after some fifty events in a row each election had the same outcome, each proposal the same place and fate, and each
//! log that went another way was cut at the same entry. Reads have the same answers, and a change that is taken here is
//! taken there.
//!
//! # What legitimately differs, and how the schedule keeps it apart
//! - Ours counts a batch as one frame, theirs each entry; both give each entry an index.
//! - Ours checks its quorum always and refuses to depose a leader that it hears (thesis §4.2.3, §6.2). Theirs does so
//!   with a clock only, `check_quorum`, which is off: so whoever leads is alone while others campaign, and a leader
//!   of ours that steps down after it was alone for too long is told so on the other side.
//! - Ours answers questions, as in a pre-vote, while its disk is slow; theirs holds back all that a follower says. So
//!   who has a slow disk is alone while others campaign.
//! - Ours learns of commits from a leader only; theirs from requests and answers for votes too, and remembers its commit
//!   index over a restart (here it is made to forget). So the commit index of a node without a leader is not compared.
//! - Ours gives up a transfer after the longest election timeout, theirs after ticks, and is told to.
//! - Members count here from their entry on, committed or not (Raft §6), there once that is applied. So while a change is not
//!   committed, links are cut and voters changed only where both majorities are reached or neither is, nobody hands over,
//!   no disk gets slow, and who has the change in its log campaigns only where all voters of either elect it.
//! - Ours takes no change before the first commit of its term (the erratum to the thesis' §4.1), theirs does.
//! - Members are in entries here, and changes of them there: theirs knows the first voters from the start, and
//!   remembers the last change that it applied over a restart. A change that it refuses becomes an empty entry, and so is not
//!   proposed where ours refuses.
//! - A leader that is no voter any more steps down here; there its host makes it.
//! - Who leaves gets the end of the change there, and not here, where it asks for votes until it learns more. So its machine
//!   is switched off when that is committed.
//! - The host of ours streams its last snapshot, of theirs one of the moment, since a snapshot whose members lack the
//!   receiver is thrown away there. Logs are compared where both have entries. A slow disk takes no snapshot.
//! - Messages, their number and their order are not compared, nor is the way to a quiet point.
//!
//! # Caller contract
//! `DUO_DIFFERENTIAL_SEEDS=a..b` runs others than the first 2,000. A difference prints its seed and all events.

mod dice;
mod drive;
mod events;
mod figure8;
mod members;
mod ours;
mod side;
mod store;
#[path = "../support/raft/mod.rs"]
mod support;
mod theirs;

use drive::{Difference, Tally, run};
use duochain::raft::Mutant;
use figure8::figure_8;
use std::ops::Range;
use std::panic::AssertUnwindSafe;

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("DUO_DIFFERENTIAL_SEEDS") else { return 0..2_000 };
    let ends = text.split_once("..").map(|(from, to)| (from.parse(), to.parse()));
    let Some((Ok(from), Ok(to))) = ends else { panic!("DUO_DIFFERENTIAL_SEEDS={text}: a..b is needed") };
    from..to
}

#[test]
fn the_same_schedules_lead_to_the_same_places() {
    let mut total = Tally::default();
    for seed in seeds() {
        match run(seed, None) {
            Ok(tally) => total.add(&tally),
            Err(difference) => panic!("{difference}"),
        }
    }
    // A schedule in which nothing happens would compare nothing.
    let runs = seeds().count() as u64;
    assert!(total.elections >= 2 * runs && total.committed >= 10 * runs, "{total:?}");
    assert!(total.behind >= runs && total.compared >= 100 * runs, "{total:?}");
    assert!(total.changed >= runs && total.installed >= runs / 2 && total.answered >= runs / 2, "{total:?}");
    assert!(total.abdicated >= runs / 8 && total.inherited >= runs / 100, "{total:?}");
    let events = [
        "campaign",
        "change",
        "compact",
        "heal",
        "partition",
        "propose",
        "read",
        "recover",
        "restart",
        "stall",
        "transfer",
    ];
    for event in events {
        assert!(total.by_event.get(event) >= Some(&(runs / 4)), "{event}: {total:?}");
    }
}

/// Whether a mistake leads to a difference, or to a broken invariant of the core, in any of these schedules.
fn is_noticed(mutant: Mutant, mut seeds: Range<u64>) -> bool {
    seeds.any(|seed| {
        let outcome: Result<Result<Tally, Box<Difference>>, _> =
            std::panic::catch_unwind(AssertUnwindSafe(|| run(seed, Some(mutant))));
        !matches!(outcome, Ok(Ok(_)))
    })
}

#[test]
fn an_entry_of_an_earlier_term_is_not_committed_by_counting_on_either_side() {
    let (ours, theirs) = figure_8(None);
    assert_eq!(ours, theirs);
    assert_eq!((ours.log.entries[1], ours.commit), ((1, 7), 1), "{ours:?}");
}

#[test]
fn mistakes_made_on_purpose_are_noticed() {
    for mutant in Mutant::ALL {
        let is_noticed = match mutant {
            Mutant::CommitOldTerm => {
                let (ours, theirs) = figure_8(Some(mutant));
                ours != theirs
            }
            _ => is_noticed(mutant, 0..20),
        };
        assert!(is_noticed, "{mutant:?} makes no difference");
    }
}
