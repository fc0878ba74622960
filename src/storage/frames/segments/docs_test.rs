//! The dumps in `docs/log-format.md` are what is written; `DUO_UPDATE_DOCS=1` writes them anew.

use super::format::{self, Cut, Prefix};
use crate::codec::dump::{dump, hold};
use crate::frame::{Entry, Frame, FrameBuilder, FrameLimits, Origin, Seal};
use crate::types::{Index, LaneId, Term, UnixNanos};

const SALT: u64 = 0x1122_3344_5566_7788;

fn frame() -> Frame {
    let mut builder = FrameBuilder::new(FrameLimits::default(), LaneId::new(1));
    for (bytes, sequence) in [(&b"pay 7 to ada"[..], 9), (b"hi", 10)] {
        let origin = Origin { session: 5, sequence };
        builder.push(Entry { bytes, origin, id: None }).unwrap();
    }
    let time = UnixNanos::new(1_700_000_000_000_000_000);
    let seal = Seal { term: Term::new(3), base: Index::new(17), time };
    Frame::new(seal, builder.finish().unwrap())
}

fn sections() -> Vec<(&'static str, String)> {
    let frame = frame();
    let mut bytes = Vec::new();
    frame.encode(&mut bytes);
    let mut record = Vec::new();
    let prefix = Prefix { base: frame.base(), durable: Index::new(16), generation: 1 };
    format::encode_head(prefix, SALT, &frame.header(), &mut record);
    let behind = Prefix { base: Index::new(19), durable: Index::new(18), generation: 1 };
    let (cut_at, cut) = Cut { generation: 1, at: format::RECORDS_AT }.encode(SALT);
    vec![
        ("frame", dump(&bytes, 0)),
        ("identity", dump(&format::page(SALT)[..32], 0)),
        ("cut", dump(&cut, cut_at as usize)),
        ("record", dump(&record[..format::PREFIX_BYTES], format::RECORDS_AT as usize)),
        ("mark", dump(&format::encode_mark(behind, SALT), format::RECORDS_AT as usize + 32 + bytes.len())),
    ]
}

#[test]
fn the_dumps_in_docs_are_what_is_written() {
    hold("docs/log-format.md", &sections());
}
