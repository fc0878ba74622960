//! How much memory a validator takes. Alone in its process, so that the figures are those of one ledger.
#![allow(unsafe_code, reason = "an allocator is")]

use duochain::crypto::{ed25519, vrf};
use duochain::types::ChainId;
use duochain::validator::{
    AccountId, Config, Election, Founder, Keys, Ledger, Performance, Seed, Stake, ValidatorId,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's, with a count of what is out.
struct Counted;

#[global_allocator]
static COUNTED: Counted = Counted;

static OUT: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came; `realloc` is made of the other two.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        OUT.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        OUT.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(start, layout) }
    }
}

const VALIDATORS: u32 = 3_000;
/// V6 of the product: less than a kilobyte.
const BYTES_MAX: usize = 1_024;

/// A name that says nothing about its neighbours, as hashes do.
fn name(number: u32) -> [u8; 32] {
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&number.to_le_bytes());
    *ed25519::SigningKey::from_seed(&seed).public_key().as_bytes()
}

fn founders() -> Vec<Founder> {
    let founder = |number: u32| {
        let mut seed = [1; 32];
        seed[..4].copy_from_slice(&number.to_le_bytes());
        Founder {
            id: ValidatorId::new(name(number)),
            owner: AccountId::new(name(number)),
            keys: Keys {
                vote: ed25519::SigningKey::from_seed(&seed).public_key(),
                vrf: *vrf::SecretKey::from_seed(&name(number)).public_key().as_bytes(),
            },
            stake: Stake::new(1_000_000 + u64::from(number)),
        }
    };
    (0..VALIDATORS).map(founder).collect()
}

#[test]
fn a_validator_in_every_set_takes_less_than_a_kilobyte() {
    let rules = Config { validators_max: VALIDATORS, seats_max: VALIDATORS, ..Config::USUAL };
    let settings = rules.build().expect("they fit together");
    let founders = founders();
    let before = OUT.load(Ordering::Relaxed);
    let mut ledger = Ledger::new(settings, &founders).expect("a network");
    // Until there are sets of every epoch that is kept, and each owner has added to its stake.
    for _ in 0..4 {
        for founder in &founders {
            ledger.delegate(founder.owner, founder.id, Stake::new(1_000)).expect("room");
        }
        ledger.end_epoch(&vec![Performance::default(); ledger.current().len()]).expect("as many as places");
    }
    let elections =
        ChainId::ALL.map(|chain| Election::of(ledger.current(), chain, Seed::new([chain.wire(); 32])));
    let bytes = (OUT.load(Ordering::Relaxed) - before) / VALIDATORS as usize;
    assert!(bytes < BYTES_MAX, "{bytes} bytes for each of {VALIDATORS}");
    assert!(bytes > 300, "{bytes} bytes: less than the facts themselves, so the count does not work");
    drop((ledger, elections));
}
