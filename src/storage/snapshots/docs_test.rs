//! The dump in `docs/snapshot-format.md` is what is written; `DUO_UPDATE_DOCS=1` writes it anew.

use super::SnapshotHead;
use super::format::Kind;
use super::snapshots_test::of_blocks;
use crate::codec::dump::{dump, hold};
use crate::types::{ClusterId, Index, LogId, Term, UnixNanos};

#[test]
fn the_dump_in_docs_is_what_is_written() {
    let last = LogId::new(Term::new(3), Index::new(18));
    let time = UnixNanos::new(1_700_000_000_000_000_000);
    let head = SnapshotHead { cluster: ClusterId(*b"example of a log"), last, time };
    let dump = dump(&of_blocks(head, &[(Kind::Section, b"host"), (Kind::Data, b"ada has 7")]), 0);
    hold("docs/snapshot-format.md", &[("snapshot", dump)]);
}
