//! A way to a node that can be seen and spoiled: it reads messages and passes them on.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Bytes of a hello, and of an envelope.
const HELLO: usize = 64;
const ENVELOPE: usize = 16;
/// The kind of a chunk on the wire, and where its offset stands behind the envelope.
const CHUNK: u8 = 9;
const OFFSET_AT: usize = 4 * 8;

/// What happens to a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Pass,
    /// A bit of its last byte changes.
    Spoil,
    /// The connection ends in the middle of it.
    Cut,
}

type Judge = dyn FnMut(u64) -> Fate + Send;

/// Passes messages on to `target` until it is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// `judge` is asked about each chunk, by its offset.
    pub(crate) fn new(target: SocketAddr, judge: impl FnMut(u64) -> Fate + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, is_over) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
        let (judge, over) = (Arc::new(Mutex::new(Box::new(judge) as Box<Judge>)), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            while let Ok((caller, _)) = listener.accept() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(node) = TcpStream::connect(target) else { continue };
                let judge = Arc::clone(&judge);
                std::thread::spawn(move || {
                    let _ = pass(&caller, &node, &judge);
                    let _ = (caller.shutdown(Shutdown::Both), node.shutdown(Shutdown::Both));
                });
            }
        });
        Self { address, is_over, thread: Some(thread) }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        self.thread.take().map(JoinHandle::join);
    }
}

fn pass(caller: &TcpStream, node: &TcpStream, judge: &Mutex<Box<Judge>>) -> io::Result<()> {
    let mut answers = (node.try_clone()?, caller.try_clone()?);
    std::thread::spawn(move || io::copy(&mut answers.0, &mut answers.1));
    let (mut from, mut to) = (caller, node);
    let mut hello = [0; HELLO];
    from.read_exact(&mut hello)?;
    to.write_all(&hello)?;
    loop {
        let mut message = vec![0; ENVELOPE];
        from.read_exact(&mut message)?;
        let length = u32::from_le_bytes(message[8..12].try_into().unwrap()) as usize;
        message.resize(ENVELOPE + length, 0);
        from.read_exact(&mut message[ENVELOPE..])?;
        if message[5] == CHUNK {
            let at = ENVELOPE + OFFSET_AT;
            let offset = u64::from_le_bytes(message[at..at + 8].try_into().unwrap());
            let fate = judge.lock().unwrap()(offset);
            match fate {
                Fate::Pass => {}
                Fate::Spoil => *message.last_mut().unwrap() ^= 1,
                Fate::Cut => {
                    to.write_all(&message[..message.len() / 2])?;
                    return Ok(());
                }
            }
        }
        to.write_all(&message)?;
    }
}
