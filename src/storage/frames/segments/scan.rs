//! Reading one file from its first record to its end, and judging what is bad on the way.

use super::format::{Cut, HEAD_BYTES, Head, PREFIX_BYTES, RECORDS_AT};
use super::window::Window;
use crate::frame::FrameHeader;
use crate::types::{Index, Term};
use std::io;

/// Records begin at multiples of this.
const ALIGNMENT: u64 = 8;
/// Looked through at once in search of a record.
const SEARCH_BYTES: usize = 64 << 10;

/// What a file holds.
#[derive(Debug)]
pub(super) struct Scan {
    /// Index behind the last good frame.
    pub(super) next: Index,
    /// Where the last good record ends.
    pub(super) end: u64,
    /// Newest index that a record says was durable; nothing vouches for the frames after it.
    pub(super) proven: Index,
    /// Where those frames begin.
    pub(super) unproven_at: u64,
    /// What is missing although it was durable.
    pub(super) gaps: Vec<Gap>,
    /// Something was begun behind the last good record.
    pub(super) is_torn: bool,
}

/// Bytes of durable frames that are not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) at: u64,
    /// Where the next good record begins; `None`: there is none in this file.
    pub(super) end: Option<u64>,
    pub(super) from: Index,
    /// First index behind the gap; `None`: the file does not say.
    pub(super) to: Option<Index>,
    /// What frames in the gap have to say.
    pub(super) generation: u64,
    pub(super) durable: Index,
    /// Term before the gap, and that behind it where the file says it.
    pub(super) term: Term,
    pub(super) term_after: Option<Term>,
    /// Header of the first frame in the gap, where only its body is bad.
    pub(super) header: Option<FrameHeader>,
}

struct Walk<'a, 'b> {
    window: &'a mut Window<'b>,
    salt: u64,
    cut: Cut,
    generation: u64,
    term: Term,
    expected: Option<Index>,
    scan: Scan,
}

/// A file to be scanned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    /// Where its first frame must begin.
    pub(super) base: Index,
    /// Where the file behind it begins, whose being there says that everything before is durable.
    pub(super) expected: Option<Index>,
    pub(super) salt: u64,
    pub(super) cut: Cut,
    /// Term of the last frame of the file before.
    pub(super) term: Term,
}

/// Walks the records of a file; `found` gets each good frame, and where its record stands.
pub(super) fn scan(
    window: &mut Window<'_>,
    subject: Subject,
    found: &mut dyn FnMut(&FrameHeader, u64),
) -> io::Result<Scan> {
    let Subject { base, expected, salt, cut, term } = subject;
    let proven = base.back(1).expect("the first index is 1");
    let (end, unproven_at) = (RECORDS_AT, RECORDS_AT);
    let scan = Scan { next: base, end, proven, unproven_at, gaps: Vec::new(), is_torn: false };
    let mut walk = Walk { window, salt, cut, generation: 0, term, expected, scan };
    while walk.step(found)? {}
    Ok(walk.scan)
}

impl Walk<'_, '_> {
    /// Takes the record at the end of what is known; false when there is nothing more.
    fn step(&mut self, found: &mut dyn FnMut(&FrameHeader, u64)) -> io::Result<bool> {
        let at = self.scan.end;
        if self.expected == Some(self.scan.next) {
            return Ok(false);
        }
        let Some(head) = self.head_at(at)?.filter(|head| head.prefix.base == self.scan.next) else {
            return self.judge(at, None);
        };
        let Some(header) = head.frame else {
            // A mark says that the log ended here, durably.
            self.prove(head.prefix.durable);
            return self.judge(at + PREFIX_BYTES as u64, None);
        };
        let Some(seal) = header.seal.filter(|seal| seal.term >= self.term) else {
            return self.judge(at, None);
        };
        if !self.has_body(at, &header)? {
            return self.judge(at, Some(header));
        }
        self.prove(head.prefix.durable);
        (self.generation, self.term) = (head.prefix.generation, seal.term);
        self.scan.next = seal.base.forward(u64::from(header.count));
        self.scan.end = at + head.record_bytes();
        found(&header, at);
        Ok(true)
    }

    /// The head of a record that may stand at `at`, as far as salt, checksum and generation tell.
    fn head_at(&mut self, at: u64) -> io::Result<Option<Head>> {
        let floor = self.cut.floor(at, self.generation);
        let head = Head::decode(self.window.get(at, HEAD_BYTES)?, self.salt);
        Ok(head.filter(|head| head.prefix.generation >= floor))
    }

    fn has_body(&mut self, at: u64, header: &FrameHeader) -> io::Result<bool> {
        let body = self.window.get(at + HEAD_BYTES as u64, header.body_bytes as usize)?;
        Ok(header.check_body(body).is_ok())
    }

    /// Everything before the next record is durable when this says so, as far as it is known here.
    fn prove(&mut self, durable: Index) {
        if durable > self.scan.proven && durable < self.scan.next {
            self.scan.proven = durable;
            if durable.next() == self.scan.next {
                self.scan.unproven_at = self.scan.end;
            }
        }
    }

    /// The bytes from `at` on are not the next frame. If nothing behind them says that it was durable, the
    /// log ends here; else this is a gap, and the walk goes on behind it.
    fn judge(&mut self, at: u64, header: Option<FrameHeader>) -> io::Result<bool> {
        let next = self.scan.next;
        let mut resume = None;
        let mut is_proven = self.expected.is_some_and(|expected| expected > next);
        let mut from = at;
        self.scan.is_torn |= header.is_some();
        while let Some((place, head)) = self.find(from, next)? {
            self.scan.is_torn |= head.frame.is_some();
            is_proven |= head.prefix.durable >= next;
            if resume.is_none() && self.can_follow(place, &head, next)? {
                resume = Some((place, head));
            }
            if is_proven && resume.is_some() {
                break;
            }
            from = place + ALIGNMENT;
        }
        if !is_proven {
            return Ok(false);
        }
        let end = resume.map(|(place, _)| place);
        let to = resume.map(|(_, head)| head.prefix.base).or(self.expected);
        let generation = self.cut.floor(self.scan.end, self.generation);
        let (at, durable, term) = (self.scan.end, self.scan.proven, self.term);
        let seal_after = resume.and_then(|(_, head)| head.frame?.seal);
        let term_after = seal_after.map(|seal| seal.term);
        self.scan.gaps.push(Gap { at, end, from: next, to, generation, durable, term, term_after, header });
        let Some((place, head)) = resume else { return Ok(false) };
        (self.scan.end, self.scan.next) = (place, head.prefix.base);
        Ok(true)
    }

    /// Whether the walk can go on there, behind a gap which begins with index `next`.
    fn can_follow(&mut self, place: u64, head: &Head, next: Index) -> io::Result<bool> {
        let is_later = head.prefix.base > next && self.expected.is_none_or(|end| head.prefix.base <= end);
        match head.frame {
            Some(header) if is_later => self.has_body(place, &header),
            Some(_) => Ok(false),
            None => Ok(is_later),
        }
    }

    /// The next record from `from` on that can follow a gap which begins with index `next`.
    fn find(&mut self, mut from: u64, next: Index) -> io::Result<Option<(u64, Head)>> {
        // A record takes at least a head, so the indexes that can stand there are bounded. That is looked
        // at first: the checksum is computed only where it fits.
        let more_max = self.window.end / HEAD_BYTES as u64 * u64::from(crate::frame::ENTRIES_CEILING);
        let salt = self.salt;
        let is_near = |word: u64| (word ^ salt).checked_sub(next.get()).is_some_and(|more| more <= more_max);
        loop {
            let bytes = self.window.get(from, SEARCH_BYTES)?;
            if bytes.len() < PREFIX_BYTES {
                return Ok(None);
            }
            let words =
                bytes.chunks_exact(8).skip(1).map(|word| u64::from_le_bytes(word.try_into().expect("8")));
            let near =
                words.enumerate().find(|(_, word)| is_near(*word)).map(|(at, _)| at as u64 * ALIGNMENT);
            match near {
                Some(at) => {
                    if let Some(head) = self.head_at(from + at)? {
                        return Ok(Some((from + at, head)));
                    }
                    from += at + ALIGNMENT;
                }
                // The last word is the second of a record that begins with it.
                None => from += (bytes.len() as u64 / ALIGNMENT - 1).max(1) * ALIGNMENT,
            }
        }
    }
}
