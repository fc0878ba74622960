//! Batches of unknown length through calls that take slices, without allocating.

use super::argument::Out;
use super::boundary::Outcome;
use super::failure::Failure;
use crate::queue::RUN_MAX;
use crate::types::Status;

/// Items handed on at a time: a run.
const CHUNK: usize = RUN_MAX;

/// How far a batch got, and what stopped it.
#[derive(Debug)]
pub(super) struct Progress {
    done: usize,
    stopped: Option<Failure>,
}

impl Progress {
    /// Writes the count and turns the rest into a status: the reason only when nothing was accepted.
    pub(super) fn finish(self, done: Out<usize>, wanted: usize) -> Outcome {
        let status = match self.stopped {
            _ if self.done == wanted => Status::Ok,
            Some(failure) if self.done == 0 && failure.status.is_error() => return Err(failure),
            Some(failure) if self.done == 0 => failure.status,
            _ => Status::Partial,
        };
        done.put(self.done);
        Ok(status)
    }
}

/// Feeds items to a call in chunks.
pub(super) struct Chunks;

impl Chunks {
    /// `accept` gets the number of items accepted so far and the next chunk; it says how many of the
    /// chunk it accepted and why no more.
    ///
    /// # Errors
    /// When the first item is not acceptable by itself, so that nothing was tried.
    pub(super) fn run<'a>(
        mut items: impl Iterator<Item = Result<&'a [u8], Failure>>,
        mut accept: impl FnMut(usize, &[&'a [u8]]) -> (usize, Option<Failure>),
    ) -> Result<Progress, Failure> {
        let mut done = 0;
        let mut chunk = [&[][..]; CHUNK];
        loop {
            let (count, fault) = fill(&mut chunk, &mut items);
            if count > 0 {
                let (accepted, stopped) = accept(done, &chunk[..count]);
                done += accepted;
                if accepted < count {
                    return Ok(Progress { done, stopped });
                }
            }
            match fault {
                Some(failure) if done == 0 => return Err(failure),
                Some(failure) => return Ok(Progress { done, stopped: Some(failure) }),
                None if count < CHUNK => return Ok(Progress { done, stopped: None }),
                None => {}
            }
        }
    }
}

#[inline]
fn fill<'a>(
    chunk: &mut [&'a [u8]; CHUNK],
    items: &mut impl Iterator<Item = Result<&'a [u8], Failure>>,
) -> (usize, Option<Failure>) {
    for (count, place) in chunk.iter_mut().enumerate() {
        match items.next() {
            Some(Ok(item)) => *place = item,
            Some(Err(failure)) => return (count, Some(failure)),
            None => return (count, None),
        }
    }
    (CHUNK, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(count: usize, bad: usize, room: usize) -> Result<(usize, Option<Status>), Status> {
        let item = |at: usize| if at == bad { Err(Failure::argument("bad")) } else { Ok(&b"x"[..]) };
        let progress = Chunks::run((0..count).map(item), |done, chunk| {
            let accepted = chunk.len().min(room - done);
            (accepted, (accepted < chunk.len()).then(|| Failure::new(Status::Again, "")))
        });
        let progress = progress.map_err(|failure| failure.status)?;
        Ok((progress.done, progress.stopped.map(|failure| failure.status)))
    }

    #[test]
    fn a_batch_stops_at_the_first_item_that_is_refused() {
        const NEVER: usize = usize::MAX;
        assert_eq!(run(0, NEVER, 10), Ok((0, None)));
        for count in [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            assert_eq!(run(count, NEVER, NEVER), Ok((count, None)));
        }
        assert_eq!(run(200, NEVER, 100), Ok((100, Some(Status::Again))));
        assert_eq!(run(200, NEVER, 0), Ok((0, Some(Status::Again))));
        assert_eq!(run(200, 150, NEVER), Ok((150, Some(Status::InvalidArgument))));
        assert_eq!(run(200, 0, NEVER), Err(Status::InvalidArgument));
    }
}
