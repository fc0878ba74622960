//! Calls of etcd's own interface, many at a time on one connection: as much of HTTP/2 and gRPC as that takes.
//!
//! Its HTTP gateway would do, and costs it more than the calls themselves. A call that etcd refuses ends without a
//! message, which is all that is looked at: headers that come back are not decoded.
//!
//! # Source
//! RFC 9113 (frames, windows), RFC 7541 (literal header fields), gRPC over HTTP/2, etcd's `rpc.proto`.

use crate::AnyError;
use std::collections::HashMap;
use std::io::{BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
/// Of data and headers.
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// Of settings and pings.
const ACK: u8 = 1;
const INITIAL_WINDOW: u16 = 4;
/// What both ends may send without a word of the other one.
const WINDOW: i64 = 65_535;
/// Most bytes of a frame, as long as nobody says more.
const FRAME_BYTES: usize = 16_384;

/// A call that is under way.
struct Call {
    /// Bytes that may still be sent for it.
    window: i64,
    is_answered: bool,
}

/// A connection with calls under way.
pub(crate) struct Connection {
    stream: TcpStream,
    input: BufReader<TcpStream>,
    /// Numbers of calls are odd.
    next: u32,
    window: i64,
    initial: i64,
    calls: HashMap<u32, Call>,
}

impl Connection {
    pub(crate) fn open(port: u16) -> Result<Self, AnyError> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(super::PATIENCE))?;
        let input = BufReader::new(stream.try_clone()?);
        let mut connection =
            Self { stream, input, next: 1, window: WINDOW, initial: WINDOW, calls: HashMap::new() };
        // What comes back is small; there is room for all of it.
        let room = (i32::MAX as u32 - WINDOW as u32).to_be_bytes();
        let mut hello = PREFACE.to_vec();
        frame(SETTINGS, 0, 0, &[], &mut hello);
        frame(WINDOW_UPDATE, 0, 0, &room, &mut hello);
        connection.stream.write_all(&hello)?;
        Ok(connection)
    }

    /// Begins a call; its number.
    pub(crate) fn call(&mut self, path: &str, message: &[u8]) -> Result<u32, AnyError> {
        let number = self.next;
        self.next += 2;
        self.calls.insert(number, Call { window: self.initial, is_answered: false });
        let mut out = Vec::with_capacity(message.len() + 256);
        frame(HEADERS, END_HEADERS, number, &head(path), &mut out);
        let mut body = vec![0];
        body.extend_from_slice(&u32::try_from(message.len())?.to_be_bytes());
        body.extend_from_slice(message);
        let mut rest = &body[..];
        while !rest.is_empty() {
            let window =
                self.calls.get(&number).map(|call| call.window).ok_or("a call ended before it was made")?;
            let room = usize::try_from(window.min(self.window).max(0))?.min(FRAME_BYTES).min(rest.len());
            if room == 0 {
                self.stream.write_all(&out)?;
                out.clear();
                self.read()?;
                continue;
            }
            let (now, later) = rest.split_at(room);
            frame(DATA, if later.is_empty() { END_STREAM } else { 0 }, number, now, &mut out);
            self.spend(number, room as i64);
            rest = later;
        }
        self.stream.write_all(&out)?;
        Ok(number)
    }

    fn spend(&mut self, number: u32, bytes: i64) {
        self.window -= bytes;
        if let Some(call) = self.calls.get_mut(&number) {
            call.window -= bytes;
        }
    }

    /// Waits until a call has ended.
    pub(crate) fn wait(&mut self, number: u32) -> Result<(), AnyError> {
        while self.is_under_way(number) {
            self.read()?;
        }
        Ok(())
    }

    pub(crate) fn is_under_way(&self, number: u32) -> bool {
        self.calls.contains_key(&number)
    }

    /// Takes the next frame in.
    fn read(&mut self) -> Result<(), AnyError> {
        let mut head = [0; 9];
        self.input.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let (kind, flags) = (head[3], head[4]);
        let number = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff;
        let mut bytes = vec![0; length];
        self.input.read_exact(&mut bytes)?;
        match kind {
            DATA | HEADERS => {
                if let Some(call) = self.calls.get_mut(&number) {
                    call.is_answered |= kind == DATA && length > 0;
                    if flags & END_STREAM != 0
                        && !self.calls.remove(&number).is_some_and(|call| call.is_answered)
                    {
                        return Err("etcd refused a call".into());
                    }
                }
            }
            SETTINGS if flags & ACK == 0 => self.set(&bytes)?,
            PING if flags & ACK == 0 => self.send(PING, ACK, &bytes)?,
            WINDOW_UPDATE => {
                let more = i64::from(u32::from_be_bytes(bytes[..].try_into()?) & 0x7fff_ffff);
                match self.calls.get_mut(&number) {
                    Some(call) => call.window += more,
                    None if number == 0 => self.window += more,
                    None => {}
                }
            }
            RESET | GO_AWAY => return Err(format!("etcd ended a call or the connection: {bytes:?}").into()),
            _ => {}
        }
        Ok(())
    }

    fn set(&mut self, settings: &[u8]) -> Result<(), AnyError> {
        for setting in settings.chunks_exact(6) {
            if u16::from_be_bytes([setting[0], setting[1]]) == INITIAL_WINDOW {
                let initial = i64::from(u32::from_be_bytes(setting[2..].try_into()?));
                self.calls.values_mut().for_each(|call| call.window += initial - self.initial);
                self.initial = initial;
            }
        }
        self.send(SETTINGS, ACK, &[])
    }

    fn send(&mut self, kind: u8, flags: u8, bytes: &[u8]) -> Result<(), AnyError> {
        let mut out = Vec::new();
        frame(kind, flags, 0, bytes, &mut out);
        Ok(self.stream.write_all(&out)?)
    }
}

fn frame(kind: u8, flags: u8, number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(bytes.len()).expect("frames are small").to_be_bytes();
    out.extend_from_slice(&length[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// The header fields of a call: two of the static table, the others in letters.
fn head(path: &str) -> Vec<u8> {
    let text = |out: &mut Vec<u8>, text: &str| {
        out.push(u8::try_from(text.len()).expect("below 127 bytes"));
        out.extend_from_slice(text.as_bytes());
    };
    // :method POST, :scheme http, :path, :authority
    let mut out = vec![0x83, 0x86, 0x04];
    text(&mut out, path);
    out.push(0x01);
    text(&mut out, "localhost");
    // content-type is number 31 of the table: 15 and 16 more.
    out.extend_from_slice(&[0x0f, 0x10]);
    text(&mut out, "application/grpc");
    out.push(0);
    text(&mut out, "te");
    text(&mut out, "trailers");
    out
}

fn varint(mut value: usize, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push(value as u8 & 0x7f | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A field of bytes of a message.
fn field(number: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    varint(bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn put_request(key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len() + value.len() + 16);
    field(1, key, &mut out);
    field(2, value, &mut out);
    out
}

/// Path and message that put one value.
pub(crate) fn put(key: &[u8], value: &[u8]) -> (&'static str, Vec<u8>) {
    ("/etcdserverpb.KV/Put", put_request(key, value))
}

/// Path and message that put several values, all or none.
pub(crate) fn transaction<'a>(pairs: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> (&'static str, Vec<u8>) {
    let (mut out, mut operation) = (Vec::new(), Vec::new());
    for (key, value) in pairs {
        operation.clear();
        field(2, &put_request(key, value), &mut operation);
        field(2, &operation, &mut out);
    }
    ("/etcdserverpb.KV/Txn", out)
}

#[cfg(test)]
mod tests {
    use super::super::{Members, PATIENCE, post, version};
    use super::*;

    #[test]
    fn a_message_is_as_protocol_buffers_have_it() {
        assert_eq!(put(b"k", b"v").1, [0x0a, 1, b'k', 0x12, 1, b'v']);
        let pairs = [(&b"k"[..], &b"v"[..]), (b"l", b"")];
        let (_, message) = transaction(pairs.into_iter());
        let first = [0x12, 8, 0x12, 6, 0x0a, 1, b'k', 0x12, 1, b'v'];
        let second = [0x12, 7, 0x12, 5, 0x0a, 1, b'l', 0x12, 0];
        assert_eq!(message, [&first[..], &second].concat());
        let mut out = Vec::new();
        varint(300, &mut out);
        assert_eq!(out, [0xac, 0x02]);
    }

    #[test]
    fn what_is_called_is_in_etcd_where_that_is_installed() {
        if version().is_none() {
            return;
        }
        let members = Members::start("replication", 100, 1_000).expect("it starts");
        let port = members.port(members.find_leader().expect("somebody leads"));
        let mut connection = Connection::open(port).expect("it listens");
        let keys: Vec<[u8; 8]> = (0..1_020u64).map(u64::to_be_bytes).collect();
        let value = [7; 256];
        let mut calls = Vec::new();
        for key in &keys[..20] {
            let (path, message) = put(key, &value);
            calls.push(connection.call(path, &message).expect("a call"));
        }
        // More than fits into the windows that a connection begins with.
        let (path, message) = transaction(keys[20..].iter().map(|key| (&key[..], &value[..])));
        calls.push(connection.call(path, &message).expect("a call"));
        calls.iter().for_each(|call| connection.wait(*call).expect("an answer"));
        assert!(calls.iter().all(|call| !connection.is_under_way(*call)));
        let all = r#"{"key":"AA==","range_end":"AA==","count_only":true}"#;
        let answer = post(port, "/v3/kv/range", all, PATIENCE).expect("an answer");
        assert!(answer.contains(r#""count":"1020""#), "{answer}");
        let (path, message) = put(b"", &value);
        let refused = connection.call(path, &message).and_then(|call| connection.wait(call));
        assert!(refused.is_err(), "a key has bytes");
    }
}
