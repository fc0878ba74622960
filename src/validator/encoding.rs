//! The ledger as bytes, for snapshots and to compare nodes.
//!
//! # Model
//! ```text
//! version u8 = 1
//! the rules: 13 x u64                                      the network's
//! now u64   slashed now u64
//! validators u32   each: id [32]   owner [32]   vote key [32]   VRF key [32]   reputation u32   jailed: 0 | 1 until u64
//! holdings u32     each: validator [32]   account [32]   lots u32, each: kind   stake u64
//! departures u32   each: release u64   account [32]   validator [32]   kind   stake u64
//! current, next    each: members u32, each: id [32]  power u64  vote key [32]  VRF key [32];   jailed u32, each: place u32
//! past u32         each: epoch u64   members u32, each: id [32]   power u64
//! punished u32     each: epoch u64   infractions u32, each: validator [32]   id [32]
//!
//! kind             from u64   past: 0 | 1 validator [32]  from u64  until u64
//! ```
//! Little-endian; every list ascends, without repetitions. One state has one encoding, and no other bytes are accepted.
//!
//! # Limits
//! Every count is compared with its limit in the rules and with the bytes that are left before there is room made for it.

use super::ids::{AccountId, Stake, ValidatorId};
use super::ledger::{Departure, Ledger, Validator};
use super::lots::{Kind, Lots, Past};
use super::reputation::Reputation;
use super::set::{self, Keys, MEMBER_BYTES, MEMBERS_MAX, Member, ValidatorSet};
use super::settings::Settings;
use super::slashing::{INFRACTIONS_MAX, InfractionId};
use crate::codec::{Malformed, Reader, Writer};
use crate::crypto::ed25519::PublicKey;
use crate::crypto::hash;
use crate::types::{Epoch, ValidatorIndex};
use std::collections::{BTreeMap, BTreeSet};

const VERSION: u8 = 1;
/// No network reaches this epoch: at one a second that takes two billion years.
const EPOCH_MAX: u64 = 1 << 56;
const KIND_BYTES_MIN: usize = 8 + 1;
const VALIDATOR_BYTES_MIN: usize = 4 * 32 + 4 + 1;
const HOLDING_BYTES_MIN: usize = 2 * 32 + 4 + KIND_BYTES_MIN + 8;
const DEPARTURE_BYTES_MIN: usize = 8 + 2 * 32 + KIND_BYTES_MIN + 8;

impl Ledger {
    /// Appends the state's bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.u8(VERSION);
        self.settings.encode(&mut writer);
        writer.u64(self.now.get()).u64(self.slashed_now.get()).u32(self.validators.len() as u32);
        for (id, Validator { owner, keys: Keys { vote, vrf }, jailed, reputation, .. }) in &self.validators {
            writer.bytes(id.as_bytes()).bytes(owner.as_bytes()).bytes(vote.as_bytes()).bytes(vrf);
            writer.u32(reputation.get());
            match jailed {
                None => writer.u8(0),
                Some(until) => writer.u8(1).u64(until.get()),
            };
        }
        writer.u32(self.holdings.len() as u32);
        for ((validator, account), lots) in &self.holdings {
            writer.bytes(validator.as_bytes()).bytes(account.as_bytes()).u32(lots.len() as u32);
            for (kind, stake) in lots.iter() {
                encode_kind(&kind, &mut writer);
                writer.u64(stake.get());
            }
        }
        writer.u32(self.departures.len() as u32);
        for (Departure { release, holder, validator, kind }, stake) in &self.departures {
            writer.u64(release.get()).bytes(holder.as_bytes()).bytes(validator.as_bytes());
            encode_kind(kind, &mut writer);
            writer.u64(stake.get());
        }
        encode_set(&self.current, &mut writer);
        encode_set(&self.next, &mut writer);
        writer.u32(self.past.len() as u32);
        for (epoch, powers) in &self.past {
            writer.u64(epoch.get()).u32(powers.len() as u32);
            for (id, power) in powers {
                writer.bytes(id.as_bytes()).u64(*power);
            }
        }
        writer.u32(self.punished.len() as u32);
        for (epoch, infractions) in &self.punished {
            writer.u64(epoch.get()).u32(infractions.len() as u32);
            for (validator, InfractionId(id)) in infractions {
                writer.bytes(validator.as_bytes()).bytes(id);
            }
        }
    }

    /// Reads what [`Self::encode`] wrote under the same rules.
    ///
    /// # Errors
    /// Anything else, with the field and its offset.
    pub fn decode(bytes: &[u8], settings: Settings) -> Result<Self, Malformed> {
        let reader = &mut Reader::new(bytes);
        check(reader, "version", |reader| Ok(reader.u8("version")? == VERSION))?;
        settings.expect(reader)?;
        let now = epoch(reader, "now")?;
        let slashed_now = Stake::new(reader.u64("slashed now")?);
        let validators = decode_validators(reader, &settings)?;
        let holdings = decode_holdings(reader, &settings)?;
        let departures = decode_departures(reader, &settings)?;
        let current = decode_set(reader, now)?;
        let next = decode_set(reader, now.next())?;
        let past = decode_past(reader, &settings)?;
        let punished = decode_punished(reader, &settings)?;
        let held = Stake::ZERO;
        let mut ledger = Self {
            settings,
            now,
            validators,
            holdings,
            departures,
            current,
            next,
            past,
            punished,
            held,
            slashed_now,
        };
        ledger.count_stake().map_err(|fault| reader.fault("stake", fault.to_owned()))?;
        ledger.check().map_err(|fault| reader.fault("state", fault.to_string()))?;
        reader.clone().finish("ledger")?;
        Ok(ledger)
    }

    /// Sums that are not among the bytes.
    fn count_stake(&mut self) -> Result<(), &'static str> {
        let mut held = 0_u64;
        let mut count = |stake: Stake| {
            held = held.checked_add(stake.get()).ok_or("more than fits 64 bits")?;
            Ok::<_, &'static str>(())
        };
        self.departures.values().try_for_each(|stake| count(*stake))?;
        for ((id, _), lots) in &self.holdings {
            lots.iter().try_for_each(|(_, stake)| count(stake))?;
            let validator = self.validators.get_mut(id).ok_or("of a validator that is not registered")?;
            validator.bonded = validator.bonded.plus(lots.total());
        }
        self.held = Stake::new(held);
        Ok(())
    }

    /// Hash of the state's bytes: nodes that have done the same have the same.
    pub fn digest(&self) -> [u8; 32] {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        hash::stakes(&bytes)
    }
}

fn encode_kind(kind: &Kind, writer: &mut Writer<'_>) {
    writer.u64(kind.from.get());
    match &kind.past {
        None => writer.u8(0),
        Some(Past { validator, from, until }) => {
            writer.u8(1).bytes(validator.as_bytes()).u64(from.get()).u64(until.get())
        }
    };
}

fn encode_set(set: &ValidatorSet, writer: &mut Writer<'_>) {
    writer.u32(set.len() as u32);
    set.members().iter().for_each(|member| set::encode_member(member, writer));
    writer.u32(set.jailed().len() as u32);
    for place in set.jailed() {
        writer.u32(place.get().into());
    }
}

/// Reads something that has to be as `is_so` says.
fn check<'a>(
    reader: &mut Reader<'a>,
    field: &'static str,
    is_so: impl FnOnce(&mut Reader<'a>) -> Result<bool, Malformed>,
) -> Result<(), Malformed> {
    let at = reader.clone();
    if is_so(reader)? { Ok(()) } else { Err(at.fault(field, "not what it has to be".to_owned())) }
}

/// A number of things that take `bytes` each at least.
fn count(reader: &mut Reader<'_>, field: &'static str, max: usize, bytes: usize) -> Result<usize, Malformed> {
    let at = reader.clone();
    let count = reader.u32(field)? as usize;
    if count > max || count > reader.remaining() / bytes {
        let left = reader.remaining();
        return Err(at.fault(field, format!("{count}, the limit is {max} and {left} bytes are left")));
    }
    Ok(count)
}

/// A list that ascends.
fn ascending<T: Ord + Clone>(
    reader: &mut Reader<'_>,
    field: &'static str,
    count: usize,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<T, Malformed>,
    mut keep: impl FnMut(&mut Reader<'_>, T) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut before: Option<T> = None;
    for _ in 0..count {
        let at = reader.clone();
        let key = read(reader)?;
        if before.as_ref().is_some_and(|before| *before >= key) {
            return Err(at.fault(field, "not behind the one before it".to_owned()));
        }
        before = Some(key.clone());
        keep(reader, key)?;
    }
    Ok(())
}

fn epoch(reader: &mut Reader<'_>, field: &'static str) -> Result<Epoch, Malformed> {
    let at = reader.clone();
    match reader.u64(field)? {
        number if number <= EPOCH_MAX => Ok(Epoch::new(number)),
        number => Err(at.fault(field, format!("no network reaches epoch {number}"))),
    }
}

fn validator_id(reader: &mut Reader<'_>) -> Result<ValidatorId, Malformed> {
    Ok(ValidatorId::new(reader.array("validator")?))
}

fn account_id(reader: &mut Reader<'_>) -> Result<AccountId, Malformed> {
    Ok(AccountId::new(reader.array("account")?))
}

fn keys(reader: &mut Reader<'_>) -> Result<Keys, Malformed> {
    Ok(Keys { vote: PublicKey::new(reader.array("vote key")?), vrf: reader.array("VRF key")? })
}

/// 0 for none, 1 and something.
fn option<'a, T>(
    reader: &mut Reader<'a>,
    field: &'static str,
    some: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<Option<T>, Malformed> {
    let at = reader.clone();
    match reader.u8(field)? {
        0 => Ok(None),
        1 => some(reader).map(Some),
        other => Err(at.fault(field, format!("{other} is neither 0 nor 1"))),
    }
}

fn kind(reader: &mut Reader<'_>) -> Result<Kind, Malformed> {
    let from = epoch(reader, "from")?;
    let past = option(reader, "past", |reader| {
        let validator = validator_id(reader)?;
        Ok(Past { validator, from: epoch(reader, "past from")?, until: epoch(reader, "past until")? })
    })?;
    Ok(Kind { from, past })
}

/// An amount that is not 0.
fn stake(reader: &mut Reader<'_>) -> Result<Stake, Malformed> {
    let at = reader.clone();
    match reader.u64("stake")? {
        0 => Err(at.fault("stake", "none".to_owned())),
        units => Ok(Stake::new(units)),
    }
}

fn decode_validators(
    reader: &mut Reader<'_>,
    settings: &Settings,
) -> Result<BTreeMap<ValidatorId, Validator>, Malformed> {
    let mut validators = BTreeMap::new();
    let count = count(reader, "validators", settings.validators_max as usize, VALIDATOR_BYTES_MIN)?;
    ascending(reader, "validators", count, validator_id, |reader, id| {
        let owner = account_id(reader)?;
        let keys = keys(reader)?;
        let at = reader.clone();
        let reputation = Reputation::new(reader.u32("reputation")?);
        let reputation = reputation.ok_or_else(|| at.fault("reputation", "above a million".to_owned()))?;
        let jailed = option(reader, "jailed", |reader| epoch(reader, "jailed until"))?;
        validators.insert(id, Validator { owner, keys, bonded: Stake::ZERO, jailed, reputation });
        Ok(())
    })?;
    Ok(validators)
}

type Holdings = BTreeMap<(ValidatorId, AccountId), Lots>;

fn decode_holdings(reader: &mut Reader<'_>, settings: &Settings) -> Result<Holdings, Malformed> {
    let mut holdings = BTreeMap::new();
    let number = count(reader, "holdings", settings.holdings_max as usize, HOLDING_BYTES_MIN)?;
    let key = |reader: &mut Reader<'_>| Ok((validator_id(reader)?, account_id(reader)?));
    ascending(reader, "holdings", number, key, |reader, key| {
        let at = reader.clone();
        let number = count(reader, "lots", usize::MAX, KIND_BYTES_MIN + 8)?;
        if number == 0 {
            return Err(at.fault("lots", "none".to_owned()));
        }
        let mut lots = Lots::default();
        ascending(reader, "lots", number, kind, |reader, kind| {
            lots.add(kind, stake(reader)?);
            Ok(())
        })?;
        holdings.insert(key, lots);
        Ok(())
    })?;
    Ok(holdings)
}

fn decode_departures(
    reader: &mut Reader<'_>,
    settings: &Settings,
) -> Result<BTreeMap<Departure, Stake>, Malformed> {
    let mut departures = BTreeMap::new();
    let number = count(reader, "departures", settings.departures_max as usize, DEPARTURE_BYTES_MIN)?;
    let departure = |reader: &mut Reader<'_>| {
        let (release, holder) = (epoch(reader, "release")?, account_id(reader)?);
        Ok(Departure { release, holder, validator: validator_id(reader)?, kind: kind(reader)? })
    };
    ascending(reader, "departures", number, departure, |reader, departure| {
        departures.insert(departure, stake(reader)?);
        Ok(())
    })?;
    Ok(departures)
}

fn decode_set(reader: &mut Reader<'_>, of: Epoch) -> Result<ValidatorSet, Malformed> {
    let at = reader.clone();
    let mut members = Vec::new();
    let number = count(reader, "members", MEMBERS_MAX, MEMBER_BYTES)?;
    ascending(reader, "members", number, validator_id, |reader, id| {
        members.push(Member { id, power: reader.u64("power")?, keys: keys(reader)? });
        Ok(())
    })?;
    let set = ValidatorSet::new(of, members);
    let mut set = set.map_err(|fault| at.fault("members", fault.to_string()))?;
    let mut jailed = BTreeSet::new();
    let at = reader.clone();
    let number = count(reader, "jailed", set.len(), 4)?;
    ascending(
        reader,
        "jailed",
        number,
        |reader| reader.u32("place"),
        |reader, place| {
            let place = u16::try_from(place).ok().map(ValidatorIndex::new);
            let member = place.and_then(|place| set.member(place));
            jailed.insert(member.ok_or_else(|| reader.fault("place", "not in the set".to_owned()))?.id);
            Ok(())
        },
    )?;
    let outcome = set.jail(|id| jailed.contains(id));
    outcome.map_err(|_| at.fault("jailed", "nobody would have power".to_owned()))?;
    Ok(set)
}

fn decode_past(
    reader: &mut Reader<'_>,
    settings: &Settings,
) -> Result<BTreeMap<Epoch, Vec<(ValidatorId, u64)>>, Malformed> {
    let mut past = BTreeMap::new();
    let number = count(reader, "past", epochs_max(settings), 12)?;
    ascending(
        reader,
        "past",
        number,
        |reader| epoch(reader, "past"),
        |reader, of| {
            let mut powers = Vec::new();
            let number = count(reader, "past members", MEMBERS_MAX, 40)?;
            ascending(reader, "past members", number, validator_id, |reader, id| {
                powers.push((id, reader.u64("power")?));
                Ok(())
            })?;
            past.insert(of, powers);
            Ok(())
        },
    )?;
    Ok(past)
}

fn decode_punished(
    reader: &mut Reader<'_>,
    settings: &Settings,
) -> Result<BTreeMap<Epoch, BTreeSet<(ValidatorId, InfractionId)>>, Malformed> {
    let mut punished = BTreeMap::new();
    let number = count(reader, "punished", epochs_max(settings) + 1, 12)?;
    ascending(
        reader,
        "punished",
        number,
        |reader| epoch(reader, "punished"),
        |reader, of| {
            let mut infractions = BTreeSet::new();
            let number = count(reader, "infractions", MEMBERS_MAX * INFRACTIONS_MAX, 64)?;
            let key = |reader: &mut Reader<'_>| {
                Ok((validator_id(reader)?, InfractionId(reader.array("infraction")?)))
            };
            ascending(reader, "infractions", number, key, |_, infraction| {
                infractions.insert(infraction);
                Ok(())
            })?;
            punished.insert(of, infractions);
            Ok(())
        },
    )?;
    Ok(punished)
}

fn epochs_max(settings: &Settings) -> usize {
    usize::try_from(settings.evidence_epochs).unwrap_or(usize::MAX)
}
