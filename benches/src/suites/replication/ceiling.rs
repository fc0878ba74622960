//! The limit: a leader and two followers that do only what any replicated log has to.
//!
//! Batches with a CRC-32C go over loopback TCP to two followers, which check it; all three write into files that were
//! laid out before and flush them, whatever has come in one go; what two of three have flushed is committed. There are
//! no terms and no elections, nothing is numbered on disk and nothing could be recovered. `Turns::OneByOne` asks one
//! follower after the other, for each group: replication without parallel work.

use super::Side;
use crate::AnyError;
use crate::scratch::Scratch;
use parking_lot::{Condvar, Mutex};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

const FILE_BYTES: u64 = 64 << 20;
const PIECE_BYTES: usize = 1 << 20;
/// Batches that are gathered into one write.
const GROUP_BYTES_MAX: usize = 4 << 20;
const HEADER_BYTES: usize = 8;

/// Whether both followers work at the same time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turns {
    Together,
    OneByOne,
}

/// What waits, and how far each of the three is: batches, counted from 1.
#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    submitted: u64,
    flushed: [u64; 3],
    failed: Option<String>,
    is_over: bool,
}

impl State {
    fn committed(&self) -> u64 {
        let mut flushed = self.flushed;
        flushed.sort_unstable();
        flushed[1]
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
    progress: Condvar,
}

impl Shared {
    fn flushed(&self, node: usize, batches: u64) {
        self.state.lock().flushed[node] = batches;
        self.progress.notify_all();
    }

    fn end(&self, outcome: Result<(), AnyError>) {
        let mut state = self.state.lock();
        if let Err(error) = outcome {
            state.failed.get_or_insert(error.to_string());
        }
        state.is_over = true;
        self.work.notify_all();
        self.progress.notify_all();
    }
}

/// A file that is written over and over.
struct Tape {
    file: File,
    at: u64,
}

impl Tape {
    fn new(path: &Path) -> Result<Self, AnyError> {
        let file = File::options().write(true).create_new(true).open(path)?;
        for at in (0..FILE_BYTES).step_by(PIECE_BYTES) {
            file.write_all_at(&[0; PIECE_BYTES], at)?;
        }
        file.sync_all()?;
        Ok(Self { file, at: 0 })
    }

    fn flush(&mut self, bytes: &[u8]) -> Result<(), AnyError> {
        if self.at + bytes.len() as u64 > FILE_BYTES {
            self.at = 0;
        }
        self.file.write_all_at(bytes, self.at)?;
        self.file.sync_data()?;
        self.at += bytes.len() as u64;
        Ok(())
    }
}

pub(super) struct Ceiling {
    shared: Arc<Shared>,
    streams: Vec<TcpStream>,
    threads: Vec<JoinHandle<()>>,
}

impl Ceiling {
    pub(super) fn start(scratch: &Scratch, turns: Turns) -> Result<Self, AnyError> {
        let shared = Arc::new(Shared::default());
        let (mut streams, mut threads) = (Vec::new(), Vec::new());
        for node in 1..3 {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let stream = TcpStream::connect(listener.local_addr()?)?;
            let (peer, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            peer.set_nodelay(true)?;
            let mut tape = Tape::new(&scratch.path().join(format!("{node}")))?;
            let end = Arc::clone(&shared);
            threads.push(std::thread::spawn(move || end.end(follow(&peer, &mut tape))));
            streams.push(stream);
        }
        if turns == Turns::Together {
            for (node, stream) in (1..).zip(&streams) {
                let (stream, shared) = (stream.try_clone()?, Arc::clone(&shared));
                threads.push(std::thread::spawn(move || shared.end(listen(&shared, node, &stream))));
            }
        }
        let tape = Tape::new(&scratch.path().join("0"))?;
        let ways = streams.iter().map(TcpStream::try_clone).collect::<Result<Vec<_>, _>>()?;
        let leader = Arc::clone(&shared);
        threads.push(std::thread::spawn(move || leader.end(lead(&leader, tape, &ways, turns))));
        Ok(Self { shared, streams, threads })
    }
}

impl Side for Ceiling {
    fn submit(&mut self, entries: &[&[u8]]) -> Result<u64, AnyError> {
        let bytes: usize = entries.iter().map(|entry| entry.len()).sum();
        let mut state = self.shared.state.lock();
        let at = state.waiting.len();
        state.waiting.extend_from_slice(&u32::try_from(bytes)?.to_le_bytes());
        state.waiting.extend_from_slice(&[0; 4]);
        for entry in entries {
            state.waiting.extend_from_slice(entry);
        }
        let crc = crc32c::crc32c(&state.waiting[at + HEADER_BYTES..]);
        state.waiting[at + 4..at + HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
        state.submitted += 1;
        self.shared.work.notify_one();
        Ok(state.submitted)
    }

    fn wait(&mut self, after: u64) -> Result<u64, AnyError> {
        let mut state = self.shared.state.lock();
        self.shared.progress.wait_while(&mut state, |state| !state.is_over && state.committed() <= after);
        match &state.failed {
            Some(failed) => Err(failed.clone().into()),
            None => Ok(state.committed()),
        }
    }
}

impl Drop for Ceiling {
    fn drop(&mut self) {
        self.shared.end(Ok(()));
        for stream in &self.streams {
            // Who has ended already has closed it.
            let _ = stream.shutdown(Shutdown::Both);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Sends what waits to both, and flushes it.
fn lead(shared: &Shared, mut tape: Tape, ways: &[TcpStream], turns: Turns) -> Result<(), AnyError> {
    let mut group = Vec::new();
    loop {
        group.clear();
        let batches = {
            let mut state = shared.state.lock();
            shared.work.wait_while(&mut state, |state| !state.is_over && state.waiting.is_empty());
            if state.is_over {
                return Ok(());
            }
            std::mem::swap(&mut state.waiting, &mut group);
            state.submitted
        };
        for (node, mut way) in (1..).zip(ways) {
            way.write_all(&group)?;
            if turns == Turns::OneByOne {
                hear(shared, node, way, batches)?;
            }
        }
        tape.flush(&group)?;
        shared.flushed(0, batches);
    }
}

/// Waits until a follower has flushed so many batches.
fn hear(shared: &Shared, node: usize, way: &TcpStream, batches: u64) -> Result<(), AnyError> {
    let mut flushed = 0;
    while flushed < batches {
        flushed = answer(way)?;
        shared.flushed(node, flushed);
    }
    Ok(())
}

fn answer(mut way: &TcpStream) -> Result<u64, AnyError> {
    let mut answer = [0; 8];
    way.read_exact(&mut answer)?;
    Ok(u64::from_le_bytes(answer))
}

/// Hears how far a follower is.
fn listen(shared: &Shared, node: usize, way: &TcpStream) -> Result<(), AnyError> {
    loop {
        match answer(way) {
            Ok(flushed) => shared.flushed(node, flushed),
            Err(_) if shared.state.lock().is_over => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Checks and flushes what has come, whole batches of it, and says so; until the leader is gone.
fn follow(mut way: &TcpStream, tape: &mut Tape) -> Result<(), AnyError> {
    let (mut bytes, mut filled, mut batches) = (vec![0; GROUP_BYTES_MAX], 0, 0u64);
    loop {
        let more = way.read(&mut bytes[filled..])?;
        if more == 0 {
            return Ok(());
        }
        filled += more;
        let before = batches;
        let whole = check(&bytes[..filled], &mut batches)?;
        if batches > before {
            tape.flush(&bytes[..whole])?;
            way.write_all(&batches.to_le_bytes())?;
            bytes.copy_within(whole..filled, 0);
            filled -= whole;
        }
    }
}

/// Bytes of the whole batches that `bytes` begins with.
fn check(bytes: &[u8], batches: &mut u64) -> Result<usize, AnyError> {
    let mut whole = 0;
    while let Some(header) = bytes.get(whole..whole + HEADER_BYTES) {
        let length = u32::from_le_bytes(header[..4].try_into()?) as usize;
        let crc = u32::from_le_bytes(header[4..].try_into()?);
        let Some(body) = bytes[whole + HEADER_BYTES..].get(..length) else { break };
        if crc32c::crc32c(body) != crc {
            return Err("a batch has arrived with a wrong checksum".into());
        }
        whole += HEADER_BYTES + length;
        *batches += 1;
    }
    Ok(whole)
}
