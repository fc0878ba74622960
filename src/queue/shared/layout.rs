//! Where everything lies in a segment, and the check of a header that may say anything.
//!
//! # Model
//! `docs/shared-lanes.md` is the table for writers in other languages; the constants here are its source, and a
//! test compares a real segment with the page. All words are little-endian `u64` at multiples of 8.
//!
//! # Invariants
//! L1 a [`Geometry`] exists only with all its parts inside the segment, in order, without overlap, and
//!    aligned. Offsets derived from one, with a lane, seat, ticket or checked handle, are inside.

use super::SharedError;
use crate::pool::INDEX_BITS;
use crate::queue::cell::Order;
use crate::types::{LANES_MAX, TRANSACTION_BYTES_CEILING};

/// "DUOLANES" as a little-endian word.
pub(super) const MAGIC: u64 = u64::from_le_bytes(*b"DUOLANES");
/// The only version so far.
pub(super) const VERSION: u64 = 1;
/// The helped-slot ring, the only strategy so far.
pub(super) const STRATEGY_HELPED_SLOT: u64 = 1;

/// Bytes of the header page.
pub(super) const HEADER_BYTES: u64 = 4096;
/// Bytes before the first cell of a ring; the tail is the first word.
pub(super) const RING_HEAD_BYTES: u64 = 128;
/// Bytes of a seat.
pub(super) const SEAT_BYTES: u64 = 128;
/// Unit of room for records.
pub(super) const GRANULE_BYTES: u64 = 64;
/// Words before the bytes of a transaction.
pub(super) const RECORD_HEAD_BYTES: u64 = 32;

/// Most cells of one shared lane.
pub const SHARED_LANE_CELLS_MAX: usize = 1 << 20;
/// Most producers attached to one segment at the same time.
pub const SHARED_SEATS_MAX: usize = 1024;
/// Largest segment: what the JVM can map in one piece.
pub const SHARED_SEGMENT_BYTES_MAX: u64 = (1 << 31) - 1;

/// Records are named by 24 bits, of which two values mean something else.
const GRANULES_MAX: u64 = (1 << INDEX_BITS) - 2;

/// Byte offsets of the header's words. The first [`FIXED_WORDS`] never change once the segment is open.
pub(super) mod at {
    pub(crate) const MAGIC: u64 = 0x00;
    pub(crate) const VERSION: u64 = 0x08;
    pub(crate) const SEGMENT_BYTES: u64 = 0x10;
    pub(crate) const LANES: u64 = 0x18;
    pub(crate) const ORDER: u64 = 0x20;
    pub(crate) const STRATEGY: u64 = 0x28;
    pub(crate) const RINGS: u64 = 0x30;
    pub(crate) const RING_STRIDE: u64 = 0x38;
    pub(crate) const SEATS: u64 = 0x40;
    pub(crate) const SEATS_AT: u64 = 0x48;
    pub(crate) const SEAT_STRIDE: u64 = 0x50;
    pub(crate) const DATA: u64 = 0x58;
    pub(crate) const PART_BYTES: u64 = 0x60;
    pub(crate) const GRANULE_BYTES: u64 = 0x68;
    pub(crate) const TRANSACTION_BYTES_MAX: u64 = 0x70;
    pub(crate) const PID_NAMESPACE: u64 = 0x78;
    pub(crate) const OWNER: u64 = 0x80;
    pub(crate) const CHECK: u64 = 0x88;
    pub(crate) const STATE: u64 = 0x100;
    pub(crate) const RECOVERED: u64 = 0x180;
    pub(crate) const WAKE: u64 = 0x200;
    pub(crate) const ASLEEP: u64 = 0x208;
}

/// Words that a reader of the header needs, [`at::MAGIC`] to [`at::CHECK`].
pub(super) const FIXED_WORDS: usize = 18;

/// FNV-1a over the words before [`at::CHECK`]: a producer that attached by a header which somebody wrote over
/// would put its records where nobody looks.
pub(super) fn check_word(header: &[u64; FIXED_WORDS]) -> u64 {
    let step = |hash: u64, word: &u64| (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3);
    header[..at::CHECK as usize / 8].iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// [`at::STATE`]: producers may put in.
pub(super) const STATE_OPEN: u64 = 1;
/// [`at::STATE`]: nothing new is taken.
pub(super) const STATE_CLOSED: u64 = 2;

/// Shape of a segment whose parts all lie inside (L1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) segment_bytes: u64,
    pub(super) lanes: usize,
    pub(super) order: Order,
    rings: u64,
    ring_stride: u64,
    pub(super) seats: usize,
    seats_at: u64,
    seat_stride: u64,
    data: u64,
    part_bytes: u64,
    pub(super) transaction_bytes_max: usize,
}

/// What the maker of a segment chooses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub(super) lanes: usize,
    pub(super) lane_cells: usize,
    pub(super) seats: usize,
    pub(super) part_bytes: usize,
    pub(super) transaction_bytes_max: usize,
}

fn refuse<T>(what: String) -> Result<T, SharedError> {
    Err(SharedError::Layout(what))
}

impl Geometry {
    /// # Errors
    /// [`SharedError::Layout`] says which value is wrong and what would be right.
    pub(super) fn choose(choice: &Choice) -> Result<Self, SharedError> {
        let Choice { lanes, lane_cells, seats, part_bytes, transaction_bytes_max } = *choice;
        if !lane_cells.is_power_of_two() || lane_cells > SHARED_LANE_CELLS_MAX {
            return refuse(format!(
                "a shared lane of {lane_cells} cells, not a power of two up to {SHARED_LANE_CELLS_MAX}"
            ));
        }
        if seats > SHARED_SEATS_MAX {
            return refuse(format!("{seats} seats, not in 1..={SHARED_SEATS_MAX}"));
        }
        let room_max = part_bytes.saturating_sub(RECORD_HEAD_BYTES as usize);
        let ring_stride = (RING_HEAD_BYTES + 8 * lane_cells as u64).next_multiple_of(128);
        let seats_at = HEADER_BYTES + lanes as u64 * ring_stride;
        let data = (seats_at + seats as u64 * SEAT_BYTES).next_multiple_of(4096);
        let geometry = Self {
            segment_bytes: data.saturating_add((seats as u64).saturating_mul(part_bytes as u64)),
            lanes,
            order: Order::of(lane_cells),
            rings: HEADER_BYTES,
            ring_stride,
            seats,
            seats_at,
            seat_stride: SEAT_BYTES,
            data,
            part_bytes: part_bytes as u64,
            transaction_bytes_max: transaction_bytes_max.min(room_max),
        };
        geometry.check()?;
        Ok(geometry)
    }

    /// The header of a segment with this shape that `owner` drains.
    pub(super) fn header(&self, owner: u64, pid_namespace: u64) -> [u64; FIXED_WORDS] {
        let mut header = [0; FIXED_WORDS];
        let words = [
            (at::MAGIC, MAGIC),
            (at::VERSION, VERSION),
            (at::SEGMENT_BYTES, self.segment_bytes),
            (at::LANES, self.lanes as u64),
            (at::ORDER, u64::from(self.order.bits())),
            (at::STRATEGY, STRATEGY_HELPED_SLOT),
            (at::RINGS, self.rings),
            (at::RING_STRIDE, self.ring_stride),
            (at::SEATS, self.seats as u64),
            (at::SEATS_AT, self.seats_at),
            (at::SEAT_STRIDE, self.seat_stride),
            (at::DATA, self.data),
            (at::PART_BYTES, self.part_bytes),
            (at::GRANULE_BYTES, GRANULE_BYTES),
            (at::TRANSACTION_BYTES_MAX, self.transaction_bytes_max as u64),
            (at::PID_NAMESPACE, pid_namespace),
            (at::OWNER, owner),
        ];
        for (offset, word) in words {
            header[offset as usize / 8] = word;
        }
        header[at::CHECK as usize / 8] = check_word(&header);
        header
    }

    /// From the first words of a header found in a file of `file_bytes`.
    ///
    /// # Errors
    /// [`SharedError::Magic`], [`SharedError::Version`], [`SharedError::Truncated`],
    /// [`SharedError::Layout`].
    pub(super) fn parse(header: &[u64; FIXED_WORDS], file_bytes: u64) -> Result<Self, SharedError> {
        let word = |offset: u64| header[offset as usize / 8];
        if word(at::MAGIC) != MAGIC {
            return Err(SharedError::Magic(word(at::MAGIC)));
        }
        if word(at::VERSION) != VERSION {
            return Err(SharedError::Version(word(at::VERSION)));
        }
        if word(at::STRATEGY) != STRATEGY_HELPED_SLOT || word(at::GRANULE_BYTES) != GRANULE_BYTES {
            let (strategy, granule) = (word(at::STRATEGY), word(at::GRANULE_BYTES));
            return refuse(format!("strategy {strategy} with granules of {granule} bytes"));
        }
        let order = word(at::ORDER);
        if order > u64::from(SHARED_LANE_CELLS_MAX.trailing_zeros()) {
            return refuse(format!("lanes of 2^{order} cells, at most {SHARED_LANE_CELLS_MAX}"));
        }
        let geometry = Self {
            segment_bytes: word(at::SEGMENT_BYTES),
            // Larger counts than fit are over the limits that `check` knows.
            lanes: usize::try_from(word(at::LANES)).unwrap_or(usize::MAX),
            order: Order::of(1 << order),
            rings: word(at::RINGS),
            ring_stride: word(at::RING_STRIDE),
            seats: usize::try_from(word(at::SEATS)).unwrap_or(usize::MAX),
            seats_at: word(at::SEATS_AT),
            seat_stride: word(at::SEAT_STRIDE),
            data: word(at::DATA),
            part_bytes: word(at::PART_BYTES),
            transaction_bytes_max: usize::try_from(word(at::TRANSACTION_BYTES_MAX)).unwrap_or(usize::MAX),
        };
        geometry.check()?;
        if word(at::CHECK) != check_word(header) {
            return refuse("the header does not match its check word".to_owned());
        }
        if geometry.segment_bytes > file_bytes {
            return Err(SharedError::Truncated { bytes: file_bytes, needed: geometry.segment_bytes });
        }
        Ok(geometry)
    }

    /// L1.
    fn check(&self) -> Result<(), SharedError> {
        if !(1..=LANES_MAX).contains(&self.lanes) {
            return refuse(format!("{} lanes, not in 1..={LANES_MAX}", self.lanes));
        }
        if !(1..=SHARED_SEATS_MAX).contains(&self.seats) {
            return refuse(format!("{} seats, not in 1..={SHARED_SEATS_MAX}", self.seats));
        }
        if self.segment_bytes > SHARED_SEGMENT_BYTES_MAX {
            return refuse(format!("{} bytes, at most {SHARED_SEGMENT_BYTES_MAX}", self.segment_bytes));
        }
        let part = self.part_bytes;
        if part < GRANULE_BYTES || !part.is_multiple_of(GRANULE_BYTES) {
            return refuse(format!("parts of {part} bytes, not a multiple of {GRANULE_BYTES}"));
        }
        let granules = (self.seats as u64).saturating_mul(part / GRANULE_BYTES);
        if granules > GRANULES_MAX {
            return refuse(format!("{granules} granules in all parts, at most {GRANULES_MAX}"));
        }
        let bytes_max = (part - RECORD_HEAD_BYTES).min(TRANSACTION_BYTES_CEILING as u64) as usize;
        if !(1..=bytes_max).contains(&self.transaction_bytes_max) {
            let max = self.transaction_bytes_max;
            return refuse(format!("transactions of up to {max} bytes, not in 1..={bytes_max}"));
        }
        self.check_places()
    }

    fn check_places(&self) -> Result<(), SharedError> {
        let offsets = [self.rings, self.ring_stride, self.seats_at, self.seat_stride, self.data];
        if let Some(odd) = offsets.iter().find(|offset| !offset.is_multiple_of(GRANULE_BYTES)) {
            return refuse(format!("offset {odd:#x} is not a multiple of {GRANULE_BYTES}"));
        }
        // Each bounded by the segment first, so that the products below cannot overflow.
        if let Some(far) = offsets.iter().find(|offset| **offset > self.segment_bytes) {
            return refuse(format!("offset {far:#x} is beyond the segment's {} bytes", self.segment_bytes));
        }
        let ring_bytes = RING_HEAD_BYTES + 8 * self.order.cells();
        let ordered = self.rings >= HEADER_BYTES
            && self.ring_stride >= ring_bytes
            && self.rings + self.lanes as u64 * self.ring_stride <= self.seats_at
            && self.seat_stride >= SEAT_BYTES
            && self.seats_at + self.seats as u64 * self.seat_stride <= self.data
            && self.data + self.seats as u64 * self.part_bytes <= self.segment_bytes;
        if !ordered {
            return refuse("the rings, seats and parts overlap or do not fit".to_owned());
        }
        Ok(())
    }

    /// Granules of one seat's part.
    pub(super) const fn part_granules(&self) -> u64 {
        self.part_bytes / GRANULE_BYTES
    }

    /// How far in its part a checked handle lies.
    #[inline]
    pub(super) const fn within_part(&self, handle: u64) -> u64 {
        // 24 bits each ([`GRANULES_MAX`]); dividing 64 takes some processors three times as long.
        (handle as u32 % self.part_granules() as u32) as u64
    }

    /// Granules of all parts: handles are below this.
    pub(super) const fn granules(&self) -> u64 {
        self.seats as u64 * self.part_granules()
    }

    pub(super) const fn tail(&self, lane: usize) -> u64 {
        self.rings + lane as u64 * self.ring_stride
    }

    #[inline]
    pub(super) const fn cell(&self, lane: usize, ticket: u64) -> u64 {
        self.tail(lane) + RING_HEAD_BYTES + 8 * self.order.position(ticket) as u64
    }

    pub(super) const fn seat(&self, seat: usize) -> u64 {
        self.seats_at + seat as u64 * self.seat_stride
    }

    /// Where the record of a checked handle begins.
    #[inline]
    pub(super) const fn record(&self, handle: u64) -> u64 {
        self.data + handle * GRANULE_BYTES
    }

    /// Granules that a transaction of `len` bytes takes.
    #[inline]
    pub(super) const fn granules_for(len: usize) -> u64 {
        (RECORD_HEAD_BYTES + len as u64).div_ceil(GRANULE_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHOICE: Choice =
        Choice { lanes: 4, lane_cells: 1024, seats: 16, part_bytes: 65536, transaction_bytes_max: 1 << 20 };

    #[test]
    fn a_chosen_shape_survives_its_header() {
        let chosen = Geometry::choose(&CHOICE).expect("valid");
        assert_eq!(Geometry::parse(&chosen.header(7, 8), chosen.segment_bytes), Ok(chosen));
        assert_eq!(chosen.transaction_bytes_max, 65536 - 32);
        assert_eq!(chosen.record(chosen.granules()), chosen.segment_bytes);
    }

    #[test]
    fn each_kind_of_bad_header_has_its_own_error() {
        let good = Geometry::choose(&CHOICE).expect("valid");
        let parse = |offset: u64, word: u64| {
            let mut header = good.header(7, 8);
            header[offset as usize / 8] = word;
            // Who writes over a header on purpose also knows this.
            header[at::CHECK as usize / 8] = check_word(&header);
            Geometry::parse(&header, good.segment_bytes)
        };
        assert_eq!(parse(at::MAGIC, 7), Err(SharedError::Magic(7)));
        assert_eq!(parse(at::VERSION, 2), Err(SharedError::Version(2)));
        let truncated = SharedError::Truncated { bytes: 4096, needed: good.segment_bytes };
        assert_eq!(Geometry::parse(&good.header(7, 8), 4096), Err(truncated));
        let layouts = [
            (at::LANES, 0),
            (at::LANES, u64::MAX),
            (at::ORDER, 64),
            (at::STRATEGY, 9),
            (at::RINGS, 0),
            (at::RINGS, 4097),
            (at::RING_STRIDE, 64),
            (at::SEATS, 0),
            (at::SEATS, u64::MAX),
            (at::SEATS_AT, u64::MAX),
            (at::SEAT_STRIDE, 8),
            (at::DATA, 1 << 62),
            (at::PART_BYTES, 63),
            (at::PART_BYTES, !63),
            (at::GRANULE_BYTES, 0),
            (at::TRANSACTION_BYTES_MAX, 0),
            (at::TRANSACTION_BYTES_MAX, 65536),
            (at::SEGMENT_BYTES, u64::MAX),
        ];
        let mut unchecked = good.header(7, 8);
        unchecked[at::ORDER as usize / 8] -= 1;
        let refused = Geometry::parse(&unchecked, good.segment_bytes).expect_err("smaller, and unchecked");
        assert!(refused.to_string().contains("check word"));
        for (offset, word) in layouts {
            let parsed = parse(offset, word);
            assert!(matches!(parsed, Err(SharedError::Layout(_))), "{offset:#x} {word}: {parsed:?}");
        }
    }

    #[test]
    fn choices_beyond_the_limits_are_refused_by_name() {
        let refused = |choice: Choice| Geometry::choose(&choice).expect_err("beyond a limit").to_string();
        assert!(refused(Choice { lane_cells: 3, ..CHOICE }).contains("power of two"));
        assert!(refused(Choice { lane_cells: 1 << 21, ..CHOICE }).contains("1048576"));
        assert!(refused(Choice { seats: 1025, ..CHOICE }).contains("1..=1024"));
        assert!(refused(Choice { part_bytes: 1 << 30, ..CHOICE }).contains("at most 2147483647"));
        let many = Choice { seats: 1024, part_bytes: 1 << 20, lanes: 1, ..CHOICE };
        assert!(refused(many).contains("granules"));
        assert!(refused(Choice { part_bytes: 100, ..CHOICE }).contains("multiple of 64"));
    }
}
