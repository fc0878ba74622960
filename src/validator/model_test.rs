//! Random calls, on the ledger and on the naive model: both always say the same.

use super::model::Model;
use super::testing::*;
use super::*;
use crate::types::Epoch;

struct Both {
    ledger: Ledger,
    model: Model,
    random: Random,
    /// How often which call was done, and refused.
    done: [u32; 7],
    refused: [u32; 7],
}

impl Both {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let stakes: Vec<u64> = (0..4).map(|_| 100 + random.magnitude(12)).collect();
        let ledger = network(RULES, &stakes);
        let model = Model::new(&founders(&stakes));
        Self { ledger, model, random, done: [0; 7], refused: [0; 7] }
    }

    fn validator(&mut self) -> u8 {
        1 + self.random.below(6) as u8
    }

    /// An owner or one of three delegators.
    fn holder(&mut self) -> AccountId {
        account(1 + self.random.below(9) as u8)
    }

    /// An amount: often all that is there.
    fn units(&mut self, has: Stake) -> u64 {
        match self.random.below(4) {
            0 => has.get(),
            _ => self.random.magnitude(11),
        }
    }

    fn note<T: PartialEq + std::fmt::Debug>(
        &mut self,
        call: usize,
        ours: Result<T, Refusal>,
        theirs: Result<T, ()>,
    ) {
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                assert_eq!(ours, theirs);
                self.done[call] += 1;
            }
            (Err(_), Err(())) => self.refused[call] += 1,
            (ours, theirs) => panic!("call {call}: the ledger says {ours:?}, the model {theirs:?}"),
        }
    }

    fn step(&mut self) {
        let (name, other, holder) = (self.validator(), self.validator(), self.holder());
        let (id, to) = (validator(name), validator(other));
        let units = self.units(self.ledger.stake_of(holder, id));
        match self.random.below(16) {
            0 => {
                let ours = self.ledger.register(id, account(name), keys(name), stake(units));
                let theirs = self.model.register(id, account(name), units);
                self.note(0, ours, theirs);
            }
            1..=4 => {
                let ours = self.ledger.delegate(holder, id, stake(units));
                let theirs = self.model.delegate(holder, id, units);
                self.note(1, ours, theirs);
            }
            5..=7 => {
                let ours = self.ledger.redelegate(holder, id, to, stake(units));
                let theirs = self.model.redelegate(holder, id, to, units);
                self.note(2, ours, theirs);
            }
            8..=10 => {
                let ours = self.ledger.unbond(holder, id, stake(units)).map(Epoch::get);
                let theirs = self.model.unbond(holder, id, units);
                self.note(3, ours, theirs);
            }
            11 => {
                let ours = self.ledger.unjail(account(name), id);
                let theirs = self.model.unjail(account(name), id);
                self.note(4, ours, theirs);
            }
            12 => self.slash(name),
            _ => self.end_epoch(),
        }
    }

    fn slash(&mut self, name: u8) {
        let epoch = (self.model.now + 1).saturating_sub(self.random.below(5));
        let severity = Severity::ALL[self.random.below(4) as usize];
        let infraction = infraction(self.random.below(3) as u8, name, epoch, severity);
        let ours = self.ledger.slash(&infraction).map(|slashed| slashed.amount.get());
        let theirs = self.model.slash(&infraction);
        self.note(5, ours, theirs);
    }

    fn end_epoch(&mut self) {
        let turn = pass(&mut self.ledger, 1);
        let ours: Vec<(AccountId, u64)> =
            turn.released.iter().map(|(account, stake)| (*account, stake.get())).collect();
        let theirs: Vec<(AccountId, u64)> = self.model.end_epoch().into_iter().collect();
        assert_eq!(ours, theirs);
        self.done[6] += 1;
    }

    fn compare(&self) {
        let Self { ledger, model, .. } = self;
        assert_eq!(ledger.check(), Ok(()));
        assert_eq!(ledger.epoch(), Epoch::new(model.now));
        assert_eq!(ledger.held().get(), model.held());
        assert_eq!(
            model.taken_in,
            model.held() + model.slashed + model.released,
            "no stake is made or lost (I1)"
        );
        for holder in (1..=9).map(account) {
            assert_eq!(ledger.leaving(holder).get(), model.leaving(holder));
            for id in (1..=6).map(validator) {
                assert_eq!(ledger.stake_of(holder, id).get(), model.stake_of(holder, id));
            }
        }
        let registered: Vec<ValidatorId> = ledger.validators().map(|(id, _)| *id).collect();
        assert_eq!(registered, model.registered());
        for (id, validator) in ledger.validators() {
            assert_eq!(validator.bonded().get(), model.bonded(*id));
            assert_eq!(validator.jailed().map(Epoch::get), model.jailed.get(id).copied());
        }
        for (set, epoch) in [(ledger.current(), model.now), (ledger.next(), model.now + 1)] {
            let ours: Vec<(ValidatorId, u64)> =
                set.members().iter().map(|member| member.id).zip(set.powers()).collect();
            let theirs: Vec<(ValidatorId, u64)> =
                model.sets[epoch as usize].iter().map(|(id, power)| (*id, *power)).collect();
            assert_eq!(ours, theirs, "of epoch {epoch}");
        }
    }
}

#[test]
fn random_calls_do_what_the_naive_model_does() {
    let (mut done, mut refused) = ([0; 7], [0; 7]);
    for seed in 0..150 {
        let mut both = Both::new(seed);
        for step in 0..150 {
            let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                both.step();
                both.compare();
            }));
            assert!(told.is_ok(), "seed {seed}, step {step}");
        }
        let state = bytes(&both.ledger);
        let read = Ledger::decode(&state, *both.ledger.settings()).expect("its own bytes");
        assert_eq!(read, both.ledger, "seed {seed}");
        (0..7).for_each(|call| {
            done[call] += both.done[call];
            refused[call] += both.refused[call];
        });
    }
    // Each call was done and refused often, or the comparison says little.
    assert!(done.iter().all(|count| *count > 100), "done {done:?}");
    assert!(refused[..6].iter().all(|count| *count > 100), "refused {refused:?}");
}

/// Moves of delegators and owners around one validator, who will be found out later.
fn run_away(ledger: &mut Ledger, random: &mut Random) {
    for _ in 0..random.below(12) {
        let holder = account(1 + random.below(9) as u8);
        let from = validator(1 + random.below(4) as u8);
        let to = validator(1 + random.below(4) as u8);
        let has = ledger.stake_of(holder, from);
        let part = if random.below(2) == 0 { has } else { stake(random.magnitude(10)) };
        let _ = match random.below(4) {
            0 | 1 => ledger.unbond(holder, from, part).map(drop),
            2 => ledger.redelegate(holder, from, to, part),
            _ => ledger.delegate(holder, to, part),
        };
    }
}

#[test]
fn nothing_that_is_unbonded_or_moved_escapes() {
    let mut moved = 0;
    for seed in 0..400 {
        let mut random = Random(seed);
        let rules = Config { departures_max: 1_000, holdings_max: 1_000, ..RULES };
        let mut ledger = network(rules, &[3_000, 2_000, 2_500, 1_500]);
        for name in 5..=9 {
            ledger
                .delegate(account(name), validator(1 + name % 4), stake(random.magnitude(10) + 5))
                .expect("room");
        }
        // Time before the infraction, and time until it is known.
        for _ in 0..2 + random.below(4) {
            run_away(&mut ledger, &mut random);
            pass(&mut ledger, 1);
        }
        let epoch = ledger.epoch();
        let culprit = ledger.current().members()[0].id;
        let power = ledger.current().members()[0].power;
        for _ in 0..=random.below(rules.evidence_epochs + 1) {
            run_away(&mut ledger, &mut random);
            if random.below(3) > 0 && ledger.epoch().get() < epoch.get() + rules.evidence_epochs {
                pass(&mut ledger, 1);
            }
        }
        let bonded = ledger.validator(&culprit).expect("registered").bonded();
        moved += u32::from(bonded.get() < power);
        let severity = Severity::ALL[random.below(4) as usize];
        let infraction = Infraction { id: InfractionId([1; 32]), validator: culprit, epoch, severity };
        let held = ledger.held();
        let amount = ledger.slash(&infraction).expect("proven").amount;
        let price = (power * u64::from(severity.permille())).div_ceil(1_000);
        // Each lot rounds up by less than one; there are not more than that.
        assert!((price..price + 200).contains(&amount.get()), "seed {seed}: {amount} of {price} (I2)");
        assert_eq!(ledger.held(), held.minus(amount));
    }
    assert!(moved > 100, "{moved} of 400 tried to get away");
}
