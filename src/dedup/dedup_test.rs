//! Against a model that remembers every number by itself; and the state as bytes.

use super::*;
use crate::frame::{Body, ENTRY_ID_BYTES, Entry, FrameBuilder, FrameLimits, Seal};
use crate::types::{LaneId, Term};
use std::collections::{BTreeMap, BTreeSet};

type Id = [u8; ENTRY_ID_BYTES];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

const LIMITS: DedupLimits =
    DedupLimits { time_to_live: Duration::from_nanos(50), sessions_max: 4, ids_max: 6 };

/// What an entry is known by.
type Identity = (Origin, Option<Id>);

fn frame(after: Index, time: u64, identities: &[Identity]) -> Frame {
    let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::default());
    for (origin, id) in identities {
        builder.push(Entry { bytes: b"x", origin: *origin, id: id.as_ref() }).unwrap();
    }
    sealed(after, time, builder.finish().unwrap())
}

fn sealed(after: Index, time: u64, body: Body) -> Frame {
    Frame::new(Seal { term: Term::new(1), base: after.next(), time: UnixNanos::new(time) }, body)
}

const fn of(session: u64, sequence: u64) -> Identity {
    (Origin { session, sequence }, None)
}

const fn id(byte: u8) -> Identity {
    (Origin::NONE, Some([byte; ENTRY_ID_BYTES]))
}

fn whys(dedup: &mut Dedup, time: u64, identities: &[Identity]) -> Vec<Option<Why>> {
    let admission = dedup.admit(&frame(dedup.upto(), time, identities));
    (0..identities.len() as u32).map(|at| admission.why(at)).collect()
}

const REPEATED: Option<Why> = Some(Why::Repeated);

#[test]
fn an_entry_is_fresh_once_whatever_names_it() {
    let mut dedup = Dedup::new(LIMITS);
    assert_eq!(whys(&mut dedup, 1, &[of(7, 1), of(7, 2), of(7, 3)]), [None, None, None]);
    assert_eq!(whys(&mut dedup, 2, &[of(7, 3), of(7, 4)]), [REPEATED, None]);
    assert_eq!(whys(&mut dedup, 3, &[of(8, 3), of(7, 2), id(1), id(1)]), [None, REPEATED, None, REPEATED]);
    assert_eq!(whys(&mut dedup, 4, &[(Origin::NONE, None), (Origin::NONE, None)]), [None, None]);
    let both = (Origin { session: 9, sequence: 1 }, Some([5; ENTRY_ID_BYTES]));
    assert_eq!(whys(&mut dedup, 5, &[both, of(9, 1), id(5)]), [None, REPEATED, REPEATED]);
    assert_eq!(dedup.upto(), Index::new(14));
}

#[test]
fn what_is_unused_for_the_time_to_live_is_forgotten_and_not_before() {
    let mut dedup = Dedup::new(LIMITS);
    assert_eq!(whys(&mut dedup, 100, &[of(1, 1), of(2, 1), id(1)]), [None; 3]);
    assert_eq!(whys(&mut dedup, 150, &[of(1, 1), id(1)]), [REPEATED; 2]);
    // Session 1 was used at 150; session 2 and the id were first there at 100.
    assert_eq!(whys(&mut dedup, 151, &[of(1, 1), of(2, 1), id(1)]), [REPEATED, None, None]);
    dedup.admit(&sealed(dedup.upto(), 1_000, Body::blank()));
    assert_eq!((dedup.sessions(), dedup.ids()), (0, 0), "time passes with every frame");
    assert_eq!(dedup.pushed_out(), 0);
}

#[test]
fn a_session_or_id_too_many_pushes_the_idlest_or_oldest_out() {
    let mut dedup = Dedup::new(LIMITS);
    for session in 1..=4 {
        whys(&mut dedup, session, &[of(session, 1)]);
    }
    whys(&mut dedup, 5, &[of(1, 1)]);
    assert_eq!(whys(&mut dedup, 6, &[of(5, 1), of(1, 1), of(2, 1)]), [None, REPEATED, None]);
    let ids: Vec<Identity> = (1..=7).map(id).collect();
    assert_eq!(whys(&mut dedup, 7, &ids), [None; 7]);
    assert_eq!(whys(&mut dedup, 7, &[id(2), id(1)]), [REPEATED, None]);
    assert_eq!((dedup.sessions(), dedup.ids(), dedup.pushed_out()), (4, 6, 4));
}

#[test]
fn an_entry_that_is_stale_leaves_its_id_free() {
    let mut dedup = Dedup::new(LIMITS);
    let far: Vec<Identity> = (1..=RUNS_MAX as u64 + 1).map(|number| of(1, number * 2)).collect();
    whys(&mut dedup, 1, &far);
    let (origin, fresh) = (Origin { session: 1, sequence: 1 }, [3; ENTRY_ID_BYTES]);
    assert_eq!(whys(&mut dedup, 1, &[(origin, Some(fresh))]), [Some(Why::Stale)]);
    assert_eq!(whys(&mut dedup, 1, &[id(3)]), [None]);
}

#[test]
fn an_entry_with_both_identities_stands_for_both_even_when_it_is_left_out() {
    let mut dedup = Dedup::new(LIMITS);
    let both = |sequence, byte| (Origin { session: 1, sequence }, Some([byte; ENTRY_ID_BYTES]));
    assert_eq!(whys(&mut dedup, 1, &[both(1, 1)]), [None]);
    assert_eq!(whys(&mut dedup, 1, &[both(1, 2), both(2, 1)]), [REPEATED, REPEATED]);
    assert_eq!(whys(&mut dedup, 1, &[id(2), of(1, 2)]), [REPEATED, REPEATED]);
}

#[test]
fn limits_that_cannot_be_are_named() {
    assert_eq!(DedupLimits::default().check(), Ok(()));
    assert_eq!(LIMITS.check(), Ok(()));
    for limits in [
        DedupLimits { time_to_live: Duration::ZERO, ..LIMITS },
        DedupLimits { sessions_max: 0, ..LIMITS },
        DedupLimits { sessions_max: SESSIONS_CEILING + 1, ..LIMITS },
        DedupLimits { ids_max: 0, ..LIMITS },
        DedupLimits { ids_max: IDS_CEILING + 1, ..LIMITS },
    ] {
        assert!(limits.check().is_err(), "{limits:?}");
    }
}

/// Every number of a session by itself.
#[derive(Default)]
struct Numbers {
    from: u64,
    used: u64,
    there: BTreeSet<u64>,
}

impl Numbers {
    fn take(&mut self, numbers: &[u64]) -> Vec<Option<Why>> {
        let why = |number: &u64| match number {
            number if *number < self.from => Some(Why::Stale),
            number => self.there.contains(number).then_some(Why::Repeated),
        };
        let whys = numbers.iter().map(why).collect();
        self.there.extend(numbers.iter().filter(|number| **number >= self.from));
        let starts = self.there.iter().filter(|number| !self.there.contains(&number.wrapping_sub(1)));
        let starts: Vec<u64> = starts.copied().collect();
        if starts.len() > RUNS_MAX {
            self.from = starts[1];
            self.there.retain(|number| *number >= starts[1]);
        }
        whys
    }
}

#[derive(Default)]
struct Naive {
    sessions: BTreeMap<u64, Numbers>,
    ids: Vec<(u64, Id)>,
}

impl Naive {
    fn session(&mut self, number: u64, time: u64) -> &mut Numbers {
        if !self.sessions.contains_key(&number) && self.sessions.len() == LIMITS.sessions_max as usize {
            let idle = self.sessions.iter().min_by_key(|(number, session)| (session.used, **number));
            let idle = *idle.unwrap().0;
            self.sessions.remove(&idle);
        }
        let session = self.sessions.entry(number).or_default();
        session.used = time;
        session
    }

    fn admit(&mut self, time: u64, identities: &[Identity]) -> Vec<Option<Why>> {
        let lives = |since: u64| since + 50 >= time;
        self.sessions.retain(|_, session| lives(session.used));
        self.ids.retain(|(first, _)| lives(*first));
        let first = identities[0].0;
        let follows = |(at, identity): (u64, &Identity)| {
            identity.1.is_none() && Some(identity.0) == first.forward(at) && first.session != 0
        };
        if (0..).zip(identities).all(follows) {
            let numbers: Vec<u64> = identities.iter().map(|(origin, _)| origin.sequence).collect();
            return self.session(first.session, time).take(&numbers);
        }
        identities.iter().map(|identity| self.admit_one(time, *identity)).collect()
    }

    fn admit_one(&mut self, time: u64, (origin, id): Identity) -> Option<Why> {
        let mut why = None;
        if origin.session != 0 {
            why = self.session(origin.session, time).take(&[origin.sequence])[0];
        }
        let Some(id) = id.filter(|_| why != Some(Why::Stale)) else { return why };
        if self.ids.iter().any(|(_, known)| *known == id) {
            return REPEATED;
        }
        self.ids.push((time, id));
        if self.ids.len() > LIMITS.ids_max as usize {
            self.ids.remove(0);
        }
        why
    }
}

/// A batch as producers make them that repeat themselves: a run, or entries of several sessions and ids.
fn identities(random: &mut Random) -> Vec<Identity> {
    let session = random.below(6) + 1;
    let reach = [40, 400, 4_000][random.below(3) as usize];
    let (first, count) = (random.below(reach), random.below(12) + 1);
    if random.below(2) == 0 {
        return (0..count).map(|at| of(session, first + at)).collect();
    }
    let mut one = || {
        let origin = Origin { session: random.below(6), sequence: 0 };
        let sequence = if origin.session == 0 { 0 } else { random.below(reach) };
        let id = (random.below(3) == 0).then(|| [random.below(12) as u8; ENTRY_ID_BYTES]);
        (Origin { sequence, ..origin }, id.filter(|id| *id != [0; ENTRY_ID_BYTES]))
    };
    (0..count).map(|_| one()).collect()
}

#[test]
fn decisions_are_those_of_a_model_that_remembers_each_number_and_restarts_change_none() {
    for seed in 0..60 {
        let random = &mut Random(seed);
        let (mut dedup, mut naive, mut time) = (Dedup::new(LIMITS), Naive::default(), 1);
        for round in 0..400 {
            time += [0, 0, 1, 5, 30][random.below(5) as usize];
            let identities = identities(random);
            let found = whys(&mut dedup, time, &identities);
            assert_eq!(found, naive.admit(time, &identities), "seed {seed}, round {round}: {identities:?}");
            assert!(dedup.sessions() <= 4 && dedup.ids() <= 6, "within the limits (D4)");
            if random.below(10) == 0 {
                let before = bytes(&dedup);
                dedup = Dedup::decode(&before, LIMITS).unwrap();
                assert_eq!(bytes(&dedup), before, "equal states have equal bytes (D3)");
            }
        }
    }
}

fn bytes(dedup: &Dedup) -> Vec<u8> {
    let mut bytes = Vec::new();
    dedup.encode(&mut bytes);
    bytes
}

fn some_state() -> Dedup {
    let mut dedup = Dedup::new(LIMITS);
    whys(&mut dedup, 10, &[of(3, 5), of(3, 9), of(4, 0), id(1), id(2)]);
    whys(&mut dedup, 20, &[of(9, 1), id(3)]);
    dedup
}

#[test]
fn bytes_of_a_state_come_back_and_no_other_bytes_pass_for_it() {
    let state = some_state();
    let whole = bytes(&state);
    assert_eq!(Dedup::decode(&whole, LIMITS).unwrap().digest(), state.digest());
    for at in 0..whole.len() {
        assert!(Dedup::decode(&whole[..at], LIMITS).is_err(), "cut at {at}");
        let mut changed = whole.clone();
        changed[at] ^= 0x81;
        // Another state is possible; it is read as that one, and only it.
        if let Ok(other) = Dedup::decode(&changed, LIMITS) {
            assert_eq!(bytes(&other), changed, "changed at {at}");
            assert_ne!(other.digest(), state.digest());
        }
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert!(Dedup::decode(&longer, LIMITS).is_err());
    let other = DedupLimits { sessions_max: 5, ..LIMITS };
    let refused = Dedup::decode(&whole, other).unwrap_err();
    assert_eq!((refused.field, refused.fault.as_str()), ("sessions_max", "4 instead of 5"));
}

#[test]
fn a_count_beyond_the_bytes_allocates_nothing() {
    let mut lying = bytes(&Dedup::new(DedupLimits { ids_max: IDS_CEILING, ..LIMITS }));
    let at = lying.len() - 4;
    lying[at..].copy_from_slice(&IDS_CEILING.to_le_bytes());
    let refused = Dedup::decode(&lying, DedupLimits { ids_max: IDS_CEILING, ..LIMITS }).unwrap_err();
    assert_eq!(refused.field, "ids");
}

#[test]
#[should_panic(expected = "every frame, in order")]
fn a_frame_that_is_left_out_is_noticed() {
    Dedup::new(LIMITS).admit(&frame(Index::new(3), 1, &[of(1, 1)]));
}
