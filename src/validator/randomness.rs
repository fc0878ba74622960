//! The random numbers of one chain: what its leaders prove becomes the seed of the next epoch.
//!
//! # Model
//! ```text
//! epoch e          |----------- first two thirds -----------|--- last third ---|
//! finalised blocks   acc = SHA-512(acc | beta), each of them  ...   and these
//!                                                 seed of e+1 from acc          '-> count for e+2
//! stake of e+1     fixed at the end of e-1, before any of this
//! ```
//! The leader of a height proves `beta` for [`Randomness::alpha`] by its VRF key. It cannot choose it; it can only keep it
//! back, and its block with it. So it has one bit of influence for each block that it gives up. Stake cannot move towards a
//! seed that is known: the set of an epoch is fixed before its seed.
//!
//! # Invariants
//! I1 the seed of the next epoch is a function of the finalised blocks up to two thirds of the epoch's blocks, and changes
//! no more. I2 each chain has its own: neither waits for the other.
//!
//! # Caller contract
//! [`Randomness::absorb`] for each finalised block, in their order, with the output that its proof was verified to have;
//! [`Randomness::turn`] where the epoch ends. Blocks beyond the epoch's number are taken too.
//!
//! # Source
//! David, Gazi, Kiayias, Russell, Ouroboros Praos (Eurocrypt 2018), for stake before seed.

use crate::codec::{Malformed, Reader, Writer};
use crate::crypto::vrf::Output;
use crate::types::{ChainId, Epoch, Height};
use sha2::{Digest, Sha512};
use std::fmt;
use std::num::NonZeroU64;

/// The randomness of one epoch of one chain.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seed([u8; 32]);

impl Seed {
    /// From its bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

const ALPHA_DOMAIN: &[u8; 15] = b"duochain/vrf/v1";
/// Length of what a leader proves.
pub const ALPHA_BYTES: usize = ALPHA_DOMAIN.len() + 1 + 8 + 32 + 8;

const VERSION: u8 = 1;

/// The epoch ends before its seed is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{blocks} blocks of {epoch_blocks}: the seed of the next epoch is not fixed yet")]
pub struct TooShort {
    /// Finalised in the epoch so far.
    pub blocks: u64,
    /// That the epoch should have.
    pub epoch_blocks: NonZeroU64,
}

/// The accumulator of one chain, and its seeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Randomness {
    chain: ChainId,
    epoch_blocks: NonZeroU64,
    epoch: Epoch,
    /// Absorbed in this epoch.
    blocks: u64,
    accumulator: [u8; 64],
    seed: Seed,
    next: Option<Seed>,
}

impl Randomness {
    /// Before the first block. `genesis` is the network's own random number, the same for both chains; an epoch has
    /// `epoch_blocks` or more.
    pub fn new(chain: ChainId, genesis: &[u8; 32], epoch_blocks: NonZeroU64) -> Self {
        let accumulator: [u8; 64] = Sha512::new_with_prefix(b"duochain/randomness/v1")
            .chain_update([chain.wire()])
            .chain_update(genesis)
            .finalize()
            .into();
        let seed = seed_of(chain, Epoch::ORIGIN, &accumulator);
        Self { chain, epoch_blocks, epoch: Epoch::ORIGIN, blocks: 0, accumulator, seed, next: None }
    }

    /// The epoch under way.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The seed of this epoch.
    pub const fn seed(&self) -> Seed {
        self.seed
    }

    /// The seed of the next epoch, once it is fixed.
    pub const fn next_seed(&self) -> Option<Seed> {
        self.next
    }

    /// What the leader of a height proves in this epoch.
    pub fn alpha(&self, height: Height) -> [u8; ALPHA_BYTES] {
        let mut bytes = Vec::with_capacity(ALPHA_BYTES);
        Writer::new(&mut bytes)
            .bytes(ALPHA_DOMAIN)
            .u8(self.chain.wire())
            .u64(self.epoch.get())
            .bytes(&self.seed.0)
            .u64(height.get());
        bytes.try_into().expect("its length is the sum of its parts")
    }

    /// Takes the output of the next finalised block.
    pub fn absorb(&mut self, beta: &Output) {
        self.accumulator =
            Sha512::new_with_prefix(self.accumulator).chain_update(beta.as_bytes()).finalize().into();
        self.blocks = self.blocks.saturating_add(1);
        if self.next.is_none() && self.is_fixed() {
            self.next = Some(seed_of(self.chain, self.epoch.next(), &self.accumulator));
        }
    }

    /// Two thirds of the epoch's blocks, in whole numbers.
    fn is_fixed(&self) -> bool {
        3 * u128::from(self.blocks) >= 2 * u128::from(self.epoch_blocks.get())
    }

    /// Begins the next epoch.
    ///
    /// # Errors
    /// [`TooShort`], and nothing changed.
    pub fn turn(&mut self) -> Result<(), TooShort> {
        let short = TooShort { blocks: self.blocks, epoch_blocks: self.epoch_blocks };
        self.seed = self.next.take().ok_or(short)?;
        self.epoch = self.epoch.next();
        self.blocks = 0;
        Ok(())
    }

    /// Appends the state's bytes.
    ///
    /// ```text
    /// version u8 = 1   chain u8   epoch blocks u64   epoch u64   blocks u64   accumulator [64]   seed [32]
    /// 0, or 1 and the next seed [32]
    /// ```
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer
            .u8(VERSION)
            .u8(self.chain.wire())
            .u64(self.epoch_blocks.get())
            .u64(self.epoch.get())
            .u64(self.blocks)
            .bytes(&self.accumulator)
            .bytes(&self.seed.0);
        match &self.next {
            None => writer.u8(0),
            Some(next) => writer.u8(1).bytes(&next.0),
        };
    }

    /// Reads what [`Self::encode`] wrote for this chain and these epochs.
    ///
    /// # Errors
    /// Anything else, with the field and its offset.
    pub fn decode(bytes: &[u8], chain: ChainId, epoch_blocks: NonZeroU64) -> Result<Self, Malformed> {
        let reader = &mut Reader::new(bytes);
        let expect = |reader: &Reader<'_>, field, is_so: bool| match is_so {
            true => Ok(()),
            false => Err(reader.fault(field, "another one than expected".to_owned())),
        };
        let is_ours = reader.u8("version")? == VERSION;
        expect(reader, "version", is_ours)?;
        let is_ours = reader.u8("chain")? == chain.wire();
        expect(reader, "chain", is_ours)?;
        let is_ours = reader.u64("epoch blocks")? == epoch_blocks.get();
        expect(reader, "epoch blocks", is_ours)?;
        let mut read = Self {
            chain,
            epoch_blocks,
            epoch: Epoch::new(reader.u64("epoch")?),
            blocks: reader.u64("blocks")?,
            accumulator: reader.array("accumulator")?,
            seed: Seed(reader.array("seed")?),
            next: None,
        };
        if read.is_fixed() {
            let has_seed = reader.u8("next seed")? == 1;
            expect(reader, "next seed", has_seed)?;
            read.next = Some(Seed(reader.array("next seed")?));
        } else {
            let has_none = reader.u8("next seed")? == 0;
            expect(reader, "next seed", has_none)?;
        }
        reader.clone().finish("randomness")?;
        Ok(read)
    }
}

fn seed_of(chain: ChainId, epoch: Epoch, accumulator: &[u8; 64]) -> Seed {
    let hashed: [u8; 64] = Sha512::new_with_prefix(b"duochain/seed/v1")
        .chain_update([chain.wire()])
        .chain_update(epoch.get().to_le_bytes())
        .chain_update(accumulator)
        .finalize()
        .into();
    Seed(*hashed.first_chunk().expect("64 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::vrf::SecretKey;

    fn blocks(count: u64) -> NonZeroU64 {
        NonZeroU64::new(count).expect("not 0")
    }

    fn beta(number: u8) -> Output {
        SecretKey::from_seed(&[number; 32]).prove(b"").1
    }

    #[test]
    fn the_next_seed_is_fixed_at_two_thirds_and_moves_no_more() {
        // of an epoch of so many blocks, the block that fixes it
        for (epoch_blocks, fixing) in [(1, 1), (2, 2), (3, 2), (4, 3), (9, 6), (10, 7)] {
            let mut chain = Randomness::new(ChainId::Alpha, &[1; 32], blocks(epoch_blocks));
            for number in 1..=epoch_blocks {
                chain.absorb(&beta(number as u8));
                assert_eq!(chain.next_seed().is_some(), number >= fixing, "{number} of {epoch_blocks}");
            }
            let fixed = chain.next_seed();
            chain.absorb(&beta(99));
            assert_eq!(chain.next_seed(), fixed);
            chain.turn().expect("long enough");
            assert_eq!((Some(chain.seed()), chain.next_seed()), (fixed, None));
        }
    }

    #[test]
    fn the_last_third_counts_for_the_epoch_after_the_next() {
        let play = |last: u8| {
            let mut chain = Randomness::new(ChainId::Delta, &[1; 32], blocks(3));
            let mut seeds = vec![chain.seed()];
            for numbers in [[1, 2, last], [4, 5, 6]] {
                numbers.iter().for_each(|number| chain.absorb(&beta(*number)));
                chain.turn().expect("long enough");
                seeds.push(chain.seed());
            }
            seeds
        };
        let (one, other) = (play(3), play(33));
        assert_eq!(one[..2], other[..2]);
        assert_ne!(one[2], other[2]);
        assert_ne!(one[0], one[1]);
    }

    #[test]
    fn chains_epochs_and_heights_never_prove_the_same() {
        let of = |chain| Randomness::new(chain, &[1; 32], blocks(1));
        let (alpha, mut delta) = (of(ChainId::Alpha), of(ChainId::Delta));
        assert_ne!(alpha.seed(), delta.seed());
        let mut seen =
            vec![alpha.alpha(Height::new(1)), delta.alpha(Height::new(1)), delta.alpha(Height::new(2))];
        delta.absorb(&beta(1));
        delta.turn().expect("long enough");
        seen.push(delta.alpha(Height::new(1)));
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 4);
    }

    #[test]
    fn an_epoch_that_is_too_short_does_not_end() {
        let mut chain = Randomness::new(ChainId::Alpha, &[1; 32], blocks(3));
        chain.absorb(&beta(1));
        let before = chain.clone();
        assert_eq!(chain.turn(), Err(TooShort { blocks: 1, epoch_blocks: blocks(3) }));
        assert_eq!(chain, before);
    }

    #[test]
    fn its_bytes_are_read_back_and_no_others() {
        let mut chain = Randomness::new(ChainId::Alpha, &[1; 32], blocks(3));
        for number in 0..4 {
            let mut bytes = Vec::new();
            chain.encode(&mut bytes);
            assert_eq!(Randomness::decode(&bytes, ChainId::Alpha, blocks(3)).as_ref(), Ok(&chain));
            assert!(Randomness::decode(&bytes, ChainId::Delta, blocks(3)).is_err());
            assert!(Randomness::decode(&bytes, ChainId::Alpha, blocks(4)).is_err());
            for length in 0..bytes.len() {
                assert!(Randomness::decode(&bytes[..length], ChainId::Alpha, blocks(3)).is_err());
            }
            bytes.push(0);
            assert!(Randomness::decode(&bytes, ChainId::Alpha, blocks(3)).is_err());
            chain.absorb(&beta(number));
        }
    }
}
