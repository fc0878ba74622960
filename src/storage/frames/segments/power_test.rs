//! The life of a log of frames whose every step is once the last.

use super::*;
use crate::storage::frames::FrameLimits;
use crate::storage::life::{Life, at_every_step};
use crate::storage::platter::Fate;
use crate::storage::suite::batches::{frame, read_all};
use std::collections::BTreeMap;

const OPTIONS: FrameLogOptions = FrameLogOptions {
    segment_bytes: 7 << 10,
    limits: FrameLimits { body_bytes_max: 1024, entries_max: 100 },
    recent_bytes_max: 0,
};

/// What was written and what was shown.
#[derive(Clone, Default)]
struct History {
    /// What may stand at an index: every frame written there that was not cut for good.
    written: BTreeMap<u64, Vec<Frame>>,
    /// What readers saw last: it must stay.
    shown: Vec<Frame>,
    /// No entry before it may come back.
    first: u64,
    /// Where a reset began that was not seen to end.
    reset: Option<Index>,
    term: u64,
}

impl History {
    /// Frames of so many entries, one sync. Contents differ by term.
    fn group(&mut self, log: &mut SegmentFrameLog, counts: &[u32]) -> Result<(), Error> {
        for count in counts {
            let frame = frame(self.term + 1, log.last().get() + 1, *count);
            self.written.entry(frame.base().get()).or_default().push(frame.clone());
            log.append(&[frame])?;
        }
        log.sync().map(drop)
    }

    fn cut_front(&mut self, log: &mut SegmentFrameLog, keep_from: u64) -> Result<(), Error> {
        log.purge_front(Index::new(keep_from))?;
        self.first = log.first().get();
        Ok(())
    }

    /// Takes `count` frames off the end; what follows is of a later term.
    fn cut_back(&mut self, log: &mut SegmentFrameLog, count: usize) -> Result<(), Error> {
        let frames = read_all(&*log.reader(), 1 << 20);
        let keep_to = frames[frames.len() - count].base().back(1).unwrap();
        log.truncate_back(keep_to)?;
        self.written.retain(|base, _| *base <= keep_to.get());
        self.term += 1;
        Ok(())
    }

    fn reset(&mut self, log: &mut SegmentFrameLog, next: Index) -> Result<(), Error> {
        self.reset = Some(next);
        log.reset(next)?;
        self.written.clear();
        (self.first, self.reset) = (next.get(), None);
        Ok(())
    }
}

impl Life for History {
    type Log = SegmentFrameLog;

    fn open(dir: &Path) -> Result<SegmentFrameLog, Error> {
        SegmentFrameLog::open_sized(dir, &OPTIONS)
    }

    /// Crosses files, cuts within one and across several, writes again over what was cut, uses files again.
    fn live(&mut self, log: &mut SegmentFrameLog) -> Result<(), Error> {
        for counts in [&[1][..], &[3, 7, 2], &[5], &[7, 7, 7, 7, 7, 7, 7, 7, 7], &[1]] {
            self.group(log, counts)?;
        }
        // A failure here is not one of the log; a process that is dead finds out at the next step.
        log.prepare_next().map(Preparation::run);
        self.group(log, &[7, 7, 7, 7])?;
        self.cut_front(log, 40)?;
        self.group(log, &[6, 6])?;
        self.cut_back(log, 1)?;
        self.group(log, &[6])?;
        self.cut_back(log, 2)?;
        self.group(log, &[6, 2])?;
        self.cut_back(log, 7)?;
        self.group(log, &[7, 7, 7, 7, 7, 7])?;
        self.reset(log, Index::new(1000))?;
        self.group(log, &[7, 7, 7, 7, 7, 7])?;
        self.cut_back(log, 6)?;
        self.group(log, &[7, 7])?;
        self.cut_front(log, 1010)?;
        self.group(log, &[1])
    }

    fn see(&mut self, log: &SegmentFrameLog) {
        self.shown = read_all(&*log.reader(), 1 << 20);
    }

    fn check(&self, log: &SegmentFrameLog, what: &str) {
        let found = read_all(&*log.reader(), 3000);
        let first = log.first().get();
        assert!(self.reset.is_some() || first >= self.first, "{what}: entry {first} came back");
        for frame in &self.shown {
            let at = found.iter().find(|found| found.base() == frame.base());
            assert!(at == Some(frame), "{what}: {frame:?} was shown; now {at:?}");
        }
        for frame in &found {
            let base = frame.base().get();
            assert!(self.written[&base].contains(frame), "{what}: {frame:?} is of nobody's making");
        }
        assert_eq!(log.last(), found.last().map_or(log.first().back(1).unwrap(), |frame| frame.last().index));
    }

    /// Ends what it began, and writes.
    fn go_on(&mut self, log: &mut SegmentFrameLog) {
        if let Some(next) = self.reset {
            self.reset(log, next).unwrap();
        }
        self.term += 1;
        self.group(log, &[7, 1]).unwrap();
    }
}

#[test]
fn what_was_shown_survives_a_kill_at_every_step_and_a_power_failure() {
    at_every_step::<History>(Fate::Killed, 100);
}

#[test]
fn what_was_shown_survives_every_failed_sync_and_a_power_failure() {
    at_every_step::<History>(Fate::SyncFails, 100);
}
