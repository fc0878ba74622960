//! What owners, delegators and evidence do to stake and sets, case by case.

use super::testing::*;
use super::*;
use crate::types::{Epoch, ValidatorIndex};

const EQUAL: [u64; 4] = [1_000; 4];

#[test]
fn founders_decide_from_the_first_epoch_on() {
    let ledger = network(RULES, &[400, 100, 300, 200]);
    let expected = vec![(1, 400), (2, 100), (3, 300), (4, 200)];
    assert_eq!((powers(ledger.current()), powers(ledger.next())), (expected.clone(), expected));
    assert_eq!(ledger.current().hash(), ledger.next().hash());
    assert_eq!((ledger.held(), ledger.check()), (stake(1_000), Ok(())));
}

#[test]
fn the_order_of_founders_and_of_calls_that_do_not_touch_each_other_leaves_no_trace() {
    let settings = RULES.build().expect("they fit together");
    let mut founders = founders(&[400, 100, 300, 200]);
    let first = Ledger::new(settings, &founders).expect("a network");
    for turn in 1..4 {
        founders.rotate_left(turn);
        let mut other = Ledger::new(settings, &founders).expect("a network");
        let mut first = first.clone();
        assert_eq!(bytes(&other), bytes(&first));
        let orders = [[11, 12, 13], [13, 11, 12]];
        for (ledger, order) in [&mut first, &mut other].into_iter().zip(orders) {
            for name in order {
                ledger
                    .delegate(account(name), validator(name - 10), stake(50 + u64::from(name)))
                    .expect("room");
            }
            pass(ledger, 1);
        }
        assert_eq!(first.next().hash(), other.next().hash());
        assert_eq!((first.digest(), bytes(&first)), (other.digest(), bytes(&other)));
    }
}

#[test]
fn delegated_stake_counts_from_the_epoch_after_the_next() {
    let mut ledger = network(RULES, &EQUAL);
    ledger.delegate(account(9), validator(2), stake(500)).expect("room");
    for (epoch, power) in [(0, 1_000), (1, 1_000), (2, 1_500), (3, 1_500)] {
        assert_eq!((ledger.epoch(), powers(ledger.current())[1]), (Epoch::new(epoch), (2, power)));
        pass(&mut ledger, 1);
    }
    assert_eq!(ledger.stake_of(account(9), validator(2)), stake(500));
}

#[test]
fn unbonded_stake_counts_through_the_next_epoch_and_is_released_when_evidence_is_over() {
    let mut ledger = network(RULES, &EQUAL);
    pass(&mut ledger, 5);
    assert_eq!(ledger.unbond(account(2), validator(2), stake(600)), Ok(Epoch::new(10)));
    assert_eq!((ledger.leaving(account(2)), ledger.held()), (stake(600), stake(4_000)));
    for (epoch, power, released) in
        [(6, 1_000, 0), (7, 400, 0), (8, 400, 0), (9, 400, 0), (10, 400, 600), (11, 400, 0)]
    {
        let turn = pass(&mut ledger, 1);
        assert_eq!((ledger.epoch(), powers(ledger.current())[1]), (Epoch::new(epoch), (2, power)));
        let sum: Stake = turn.released.iter().map(|(_, stake)| *stake).sum();
        assert_eq!(sum, stake(released), "in epoch {epoch}");
    }
    assert_eq!((ledger.leaving(account(2)), ledger.held()), (Stake::ZERO, stake(3_400)));
}

#[test]
fn redelegated_stake_backs_both_one_after_the_other() {
    let mut ledger = network(RULES, &EQUAL);
    ledger.delegate(account(9), validator(1), stake(300)).expect("room");
    pass(&mut ledger, 4);
    ledger.redelegate(account(9), validator(1), validator(2), stake(300)).expect("there");
    for (epoch, first, second) in [(4, 1_300, 1_000), (5, 1_300, 1_000), (6, 1_000, 1_300)] {
        assert_eq!(ledger.epoch(), Epoch::new(epoch));
        assert_eq!(powers(ledger.current())[..2], [(1, first), (2, second)]);
        pass(&mut ledger, 1);
    }
    // Still in epoch 7 it answers for validator 1 in epoch 5.
    let again = ledger.redelegate(account(9), validator(2), validator(3), stake(300));
    assert_eq!(again, Err(Refusal::StillAnswers { wanted: stake(300), movable: Stake::ZERO }));
    pass(&mut ledger, 1);
    ledger.redelegate(account(9), validator(2), validator(3), stake(300)).expect("it is over");
}

#[test]
fn each_severity_has_its_price() {
    for (severity, price) in Severity::ALL.into_iter().zip([10, 50, 200, 500]) {
        let mut ledger = network(RULES, &EQUAL);
        let slashed = ledger.slash(&infraction(1, 3, 0, severity)).expect("proven");
        assert_eq!(slashed.amount, stake(price));
        assert_eq!(ledger.stake_of(account(3), validator(3)), stake(1_000 - price));
        assert_eq!(ledger.held(), stake(4_000 - price));
    }
}

#[test]
fn an_infraction_is_punished_once() {
    let mut ledger = network(RULES, &EQUAL);
    let one = infraction(1, 3, 0, Severity::Minor);
    ledger.slash(&one).expect("proven");
    let before = ledger.clone();
    assert_eq!(ledger.slash(&one), Err(Refusal::Punished));
    assert_eq!(ledger.slash(&Infraction { severity: Severity::Critical, ..one }), Err(Refusal::Punished));
    assert_eq!(ledger, before);
    // Another one of the same epoch costs a share of the same power.
    assert_eq!(ledger.slash(&infraction(2, 3, 0, Severity::Minor)).expect("proven").amount, stake(10));
    // The same name is another infraction of another validator.
    assert_eq!(ledger.slash(&infraction(1, 4, 0, Severity::Minor)).expect("proven").amount, stake(10));
    pass(&mut ledger, 2);
    assert_eq!(ledger.slash(&one), Err(Refusal::Punished));
}

#[test]
fn evidence_counts_for_its_time_and_against_who_had_power() {
    let mut ledger = network(RULES, &EQUAL);
    pass(&mut ledger, 5);
    let slash = |ledger: &mut Ledger, name, epoch| ledger.slash(&infraction(1, name, epoch, Severity::Minor));
    let early = Refusal::TooOld { epoch: Epoch::new(2), oldest: Epoch::new(3) };
    assert_eq!(slash(&mut ledger, 1, 2), Err(early));
    assert_eq!(slash(&mut ledger, 1, 6), Err(Refusal::NotYet { epoch: Epoch::new(6) }));
    assert_eq!(slash(&mut ledger, 7, 5), Err(Refusal::Unknown(validator(7))));
    ledger.register(validator(5), account(5), keys(5), stake(500)).expect("room");
    assert_eq!(slash(&mut ledger, 5, 5), Err(Refusal::NoPower { epoch: Epoch::new(5) }));
    assert!(slash(&mut ledger, 1, 3).is_ok());
}

#[test]
fn stake_answers_for_where_it_was_wherever_it_is() {
    // Of 1,000 and 3 times 200 behind validator 1, one stays, one leaves, one goes to validator 2, one comes too late.
    let mut ledger = network(RULES, &EQUAL);
    for name in [11, 12, 13] {
        ledger.delegate(account(name), validator(1), stake(200)).expect("room");
    }
    pass(&mut ledger, 2);
    ledger.unbond(account(12), validator(1), stake(200)).expect("there");
    ledger.redelegate(account(13), validator(1), validator(2), stake(200)).expect("there");
    ledger.delegate(account(14), validator(1), stake(200)).expect("room");
    pass(&mut ledger, 2);
    // In epoch 4, of epoch 3: the two that went still backed it then.
    assert_eq!(powers(ledger.current())[0], (1, 1_400));
    let slashed = ledger.slash(&infraction(1, 1, 3, Severity::Major)).expect("proven");
    assert_eq!(slashed.amount, stake(320), "a fifth of 1,600");
    assert_eq!(ledger.stake_of(account(1), validator(1)), stake(800));
    assert_eq!(ledger.stake_of(account(11), validator(1)), stake(160));
    assert_eq!(ledger.leaving(account(12)), stake(160));
    assert_eq!(ledger.stake_of(account(13), validator(2)), stake(160));
    assert_eq!(ledger.stake_of(account(14), validator(1)), stake(200), "it backed nothing then");
    assert_eq!(ledger.validator(&validator(2)).expect("registered").bonded(), stake(1_160));
    assert_eq!(ledger.check(), Ok(()));
    // Of epoch 4 those two no longer answer.
    let slashed = ledger.slash(&infraction(2, 1, 4, Severity::Major)).expect("proven");
    assert_eq!(slashed.amount, stake(282), "a fifth of 1,400, and what is rounded up for each of three");
    assert_eq!(ledger.leaving(account(12)), stake(160));
}

#[test]
fn a_hundred_infractions_take_everything_and_then_there_is_nothing_left() {
    let mut ledger = network(RULES, &EQUAL);
    for number in 0..100 {
        ledger.slash(&infraction(number, 1, 0, Severity::Minor)).expect("proven");
    }
    assert_eq!(ledger.validator(&validator(1)).expect("registered").bonded(), Stake::ZERO);
    let more = ledger.slash(&infraction(100, 1, 0, Severity::Critical));
    assert_eq!(more, Err(Refusal::NothingLeft { epoch: Epoch::ORIGIN }));
    assert_eq!((ledger.held(), ledger.check()), (stake(3_000), Ok(())));
}

#[test]
fn who_is_jailed_loses_power_at_the_boundary_and_not_before() {
    let mut ledger = network(RULES, &EQUAL);
    let hash = ledger.next().hash();
    let slashed = ledger.slash(&infraction(1, 2, 0, Severity::Major)).expect("proven");
    assert_eq!(slashed.jailed_until, Epoch::new(2));
    assert_eq!(powers(ledger.current())[1], (2, 1_000), "quorums do not move inside an epoch");
    pass(&mut ledger, 1);
    assert_eq!(powers(ledger.current()), [(1, 1_000), (2, 0), (3, 1_000), (4, 1_000)]);
    assert_eq!(ledger.current().jailed(), [ValidatorIndex::new(1)]);
    assert_eq!(ledger.current().hash(), hash, "what both chains know of it is the same");
    assert_eq!(powers(ledger.next()), [(1, 1_000), (3, 1_000), (4, 1_000)]);
}

#[test]
fn the_owner_unjails_after_the_cooldown_with_enough_stake() {
    let mut ledger = network(RULES, &EQUAL);
    let unjail = |ledger: &mut Ledger, owner| ledger.unjail(account(owner), validator(2));
    assert_eq!(unjail(&mut ledger, 2), Err(Refusal::NotJailed));
    ledger.slash(&infraction(1, 2, 0, Severity::Major)).expect("proven");
    pass(&mut ledger, 1);
    assert_eq!(unjail(&mut ledger, 2), Err(Refusal::CoolingDown { until: Epoch::new(2) }));
    pass(&mut ledger, 1);
    assert_eq!(unjail(&mut ledger, 3), Err(Refusal::NotOwner(account(3))));
    ledger.unbond(account(2), validator(2), stake(795)).expect("there");
    assert_eq!(unjail(&mut ledger, 2), Err(Refusal::TooLittle { offered: stake(5), minimum: stake(10) }));
    ledger.delegate(account(2), validator(2), stake(15)).expect("room");
    assert_eq!(unjail(&mut ledger, 2), Err(Refusal::TooLittle { offered: stake(20), minimum: stake(100) }));
    ledger.delegate(account(9), validator(2), stake(80)).expect("room");
    assert_eq!(unjail(&mut ledger, 2), Ok(()));
    pass(&mut ledger, 1);
    assert_eq!(ledger.current().place(&validator(2)), None);
    pass(&mut ledger, 1);
    assert_eq!(powers(ledger.current())[1], (2, 100));
}

#[test]
fn a_worse_infraction_makes_the_time_longer_and_none_makes_it_shorter() {
    let mut ledger = network(RULES, &EQUAL);
    let mut until = |number, severity| {
        ledger.slash(&infraction(number, 2, 0, severity)).expect("proven").jailed_until.get()
    };
    let severities = [Severity::Major, Severity::Minor, Severity::Critical, Severity::Moderate];
    let found: Vec<u64> = (0..).zip(severities).map(|(number, severity)| until(number, severity)).collect();
    assert_eq!(found, [2, 2, 4, 4]);
}

#[test]
fn seats_go_to_the_most_stake_and_then_to_the_smaller_id() {
    let mut ledger = network(RULES, &[100, 400, 300, 300]);
    ledger.register(validator(6), account(6), keys(6), stake(300)).expect("room");
    ledger.register(validator(5), account(5), keys(5), stake(99)).expect("room");
    pass(&mut ledger, 2);
    assert_eq!(powers(ledger.current()), [(2, 400), (3, 300), (4, 300), (6, 300)]);
    // Who has too little has no seat, even if one is free; nor has who owns too little of it.
    ledger.unbond(account(6), validator(6), stake(300)).expect("there");
    ledger.unbond(account(4), validator(4), stake(295)).expect("there");
    ledger.delegate(account(9), validator(4), stake(500)).expect("room");
    pass(&mut ledger, 2);
    assert_eq!(powers(ledger.current()), [(1, 100), (2, 400), (3, 300)]);
}

#[test]
fn a_set_that_shrinks_below_what_it_bears_says_so() {
    // Four equal ones bear one fault; three do not.
    let mut ledger = network(RULES, &EQUAL);
    ledger.slash(&infraction(1, 1, 0, Severity::Minor)).expect("proven");
    let turn = pass(&mut ledger, 1);
    let expected =
        SetShrunk { cause: Cause::Jailing, epoch: Epoch::new(1), total: 4_000, lost: 1_000, is_held: false };
    assert_eq!(turn.shrunk, Some(expected));
    // Of seven, one may go; that is what sets are for.
    let mut ledger = network(Config { seats_max: 7, validators_max: 7, ..RULES }, &[1_000; 7]);
    ledger.slash(&infraction(1, 1, 0, Severity::Minor)).expect("proven");
    assert_eq!(pass(&mut ledger, 1).shrunk, None);
}

#[test]
fn slashes_that_take_more_than_the_set_bears_say_so_once() {
    let mut ledger = network(RULES, &EQUAL);
    let mut shrunk =
        |number, name| ledger.slash(&infraction(number, name, 0, Severity::Critical)).expect("proven").shrunk;
    assert_eq!((shrunk(1, 1), shrunk(1, 2)), (None, None), "1,000 of 4,000, of which 1,333 may be faulty");
    let expected =
        SetShrunk { cause: Cause::Slashing, epoch: Epoch::ORIGIN, total: 4_000, lost: 1_500, is_held: false };
    assert_eq!((shrunk(1, 3), shrunk(1, 4)), (Some(expected), None));
}

#[test]
fn the_last_set_with_power_goes_on_and_says_so() {
    let mut ledger = network(RULES, &EQUAL);
    for name in 1..=4 {
        ledger.slash(&infraction(1, name, 0, Severity::Major)).expect("proven");
    }
    let turn = pass(&mut ledger, 1);
    let shrunk = turn.shrunk.expect("everybody is jailed");
    assert!(shrunk.is_held);
    assert_eq!((shrunk.total, shrunk.lost), (4_000, 4_000));
    assert_eq!(powers(ledger.current()), [(1, 1_000), (2, 1_000), (3, 1_000), (4, 1_000)]);
    assert_eq!(ledger.next().epoch(), Epoch::new(2));
    // They come back by themselves, or others do.
    ledger.register(validator(5), account(5), keys(5), stake(700)).expect("room");
    pass(&mut ledger, 2);
    assert_eq!(powers(ledger.current()), [(5, 700)]);
}

#[test]
fn reputation_follows_work_and_infractions() {
    let mut ledger = network(RULES, &EQUAL);
    let performances = [(10, 10), (5, 10), (0, 10), (0, 0)].map(|(done, due)| Performance { done, due });
    ledger.end_epoch(&performances).expect("as many as places");
    let of = |ledger: &Ledger| -> Vec<u32> {
        ledger.validators().map(|(_, validator)| validator.reputation().get()).collect()
    };
    assert_eq!(of(&ledger), [550_000, 500_000, 450_000, 500_000]);
    ledger.slash(&infraction(1, 1, 1, Severity::Minor)).expect("proven");
    assert_eq!(of(&ledger), [495_000, 500_000, 450_000, 500_000]);
    let few = ledger.end_epoch(&performances[..3]);
    assert_eq!(few, Err(Refusal::Performances { given: 3, places: 4 }));
}

#[test]
fn who_has_nothing_left_is_forgotten_when_nothing_can_happen_to_it() {
    let mut ledger = network(RULES, &[1_000, 1_000, 1_000]);
    ledger.unbond(account(3), validator(3), stake(1_000)).expect("there");
    // It has power in epochs 0 and 1; of epoch 1 it answers until epoch 3.
    for epoch in 1..=4 {
        let turn = pass(&mut ledger, 1);
        let expected: &[ValidatorId] = if epoch == 4 { &[validator(3)] } else { &[] };
        assert_eq!(turn.retired, expected, "in epoch {epoch}");
    }
    ledger.register(validator(3), account(8), keys(3), stake(100)).expect("name and keys are free");
}
