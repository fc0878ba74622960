//! Events: what a chain tells its host, numbered without gaps, one stream per chain.

use super::HealthState;
use crate::codec::{Malformed, Reader, Writer};
use crate::types::{BlockHash, ChainId, Height, Sequence, UnixNanos};

const VERSION: u8 = 1;
const DETAIL_BYTES_MAX: usize = 512;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)+) => {
        /// What happened. The numbers are permanent.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum EventKind { $($(#[$doc])* $name = $code,)+ }

        impl EventKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// From its number.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$name),)+ _ => None }
            }

            /// Its permanent number.
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// Its name in every language.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

kinds! {
    /// An Alpha block is final.
    AlphaBlockFinalized = 1, "alpha_block_finalized";
    /// A Delta block is final.
    DeltaBlockFinalized = 2, "delta_block_finalized";
    /// A cross-chain lock is attested.
    SaxLockAttested = 3, "sax_lock_attested";
    /// A cross-chain lock is released.
    SaxUnlocked = 4, "sax_unlocked";
    /// A governance decision took effect.
    GovernanceExecuted = 5, "governance_executed";
    /// A governance decision missed its window.
    GovernanceExpired = 6, "governance_expired";
    /// Both chains reached the end of an epoch.
    EpochBoundaryReached = 7, "epoch_boundary_reached";
    /// A change of epoch was put off.
    EpochAborted = 8, "epoch_aborted";
    /// The chain's service got worse; the detail says from what to what, and why.
    ChainDegraded = 9, "chain_degraded";
    /// The chain's service got better; the detail says from what to what, and why.
    ChainRecovered = 10, "chain_recovered";
    /// A validator lost stake.
    ValidatorSlashed = 11, "validator_slashed";
    /// A validator was excluded for a while.
    ValidatorJailed = 12, "validator_jailed";
}

impl EventKind {
    /// The kind that says "a block of this chain is final".
    pub const fn finalized(chain: ChainId) -> Self {
        match chain {
            ChainId::Alpha => Self::AlphaBlockFinalized,
            ChainId::Delta => Self::DeltaBlockFinalized,
        }
    }
}

/// One entry of a chain's event stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The chain whose stream it is in.
    pub chain: ChainId,
    /// Its number in that stream, from 1 without gaps.
    pub sequence: Sequence,
    /// What happened.
    pub kind: EventKind,
    /// The block concerned; for health, the highest final one.
    pub height: Height,
    /// Hash of that block.
    pub hash: BlockHash,
    /// For a final block its header's time, otherwise the time of the transition.
    pub time: UnixNanos,
    /// Transactions in the block; 0 for other kinds.
    pub tx_count: u32,
    /// The chain's health after a transition; `None` for other kinds.
    pub health: Option<HealthState>,
    /// A short text for people; empty for final blocks.
    pub detail: String,
}

impl Event {
    /// Appends the encoding.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let detail = &self.detail.as_bytes()[..self.detail.floor_char_boundary(DETAIL_BYTES_MAX)];
        let mut writer = Writer::new(out);
        let health = self.health.map_or(0, |state| state as u8);
        writer.u8(VERSION).u8(self.chain.wire()).u8(self.kind.code()).u8(health);
        writer.u32(self.tx_count).u64(self.sequence.get()).u64(self.height.get()).u64(self.time.get());
        writer.bytes(self.hash.as_bytes()).tail(detail);
    }

    /// Reads what [`Event::encode`] wrote.
    ///
    /// # Errors
    /// Names the field and its offset.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let unknown = |field, value: u8| Reader::new(bytes).fault(field, format!("{value} is unknown"));
        let version = reader.u8("version")?;
        if version != VERSION {
            return Err(unknown("version", version));
        }
        let wire = reader.u8("chain")?;
        let chain = ChainId::from_wire(wire).ok_or_else(|| unknown("chain", wire))?;
        let code = reader.u8("kind")?;
        let kind = EventKind::from_code(code).ok_or_else(|| unknown("kind", code))?;
        let health = match reader.u8("health")? {
            0 => None,
            code => Some(HealthState::from_code(code).ok_or_else(|| unknown("health", code))?),
        };
        let tx_count = reader.u32("tx_count")?;
        let sequence = Sequence::new(reader.u64("sequence")?);
        let height = Height::new(reader.u64("height")?);
        let time = UnixNanos::new(reader.u64("time")?);
        let hash = BlockHash::new(reader.array("hash")?);
        let at = reader.clone();
        let detail = reader.tail("detail", DETAIL_BYTES_MAX)?.to_vec();
        let detail = String::from_utf8(detail).map_err(|_| at.fault("detail", "is not UTF-8".into()))?;
        reader.finish("event")?;
        Ok(Self { chain, sequence, kind, height, hash, time, tx_count, health, detail })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(detail: String) -> Event {
        Event {
            chain: ChainId::Alpha,
            sequence: Sequence::new(4),
            kind: EventKind::ChainDegraded,
            height: Height::new(9),
            hash: BlockHash::new([7; 32]),
            time: UnixNanos::new(1),
            tx_count: 3,
            health: Some(HealthState::Stalled),
            detail,
        }
    }

    #[test]
    fn an_event_survives_its_encoding_and_every_truncation_is_refused() {
        let event = sample("healthy to stalled: panic".into());
        let mut bytes = Vec::new();
        event.encode(&mut bytes);
        assert_eq!(Event::decode(&bytes), Ok(event));
        for length in 0..bytes.len() {
            assert!(Event::decode(&bytes[..length]).is_err(), "accepted {length} bytes");
        }
    }

    #[test]
    fn a_long_detail_is_cut_at_a_character() {
        let mut bytes = Vec::new();
        sample("\u{e9}".repeat(400)).encode(&mut bytes);
        let detail = Event::decode(&bytes).expect("valid").detail;
        assert_eq!(detail, "\u{e9}".repeat(256));
    }

    #[test]
    fn numbers_and_names_round_trip() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::from_code(kind.code()), Some(*kind));
        }
        assert_eq!(EventKind::from_code(0), None);
        assert_eq!(EventKind::finalized(ChainId::Delta).name(), "delta_block_finalized");
    }
}
