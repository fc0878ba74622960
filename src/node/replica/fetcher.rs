//! The thread that reads for followers that are far behind. A disk that reads slowly delays only these.

use super::core::{Fetch, Shared};
use crate::env::log::{self, Level};
use crate::raft::Input;

pub(super) fn run(shared: &Shared) {
    loop {
        let fetch = {
            let mut core = shared.core.lock();
            shared.fetch.wait_while(&mut core, |core| core.ended.is_none() && core.fetches.is_empty());
            if core.ended.is_some() {
                return;
            }
            core.fetches.pop_front()
        };
        if let Some(fetch) = fetch {
            shared.step(read(shared, &fetch));
        }
    }
}

/// What cannot be read is not sent; the follower asks again with its next answer.
fn read(shared: &Shared, fetch: &Fetch) -> Input {
    let frames = shared.reader.0.read(fetch.from, fetch.bytes_max).unwrap_or_else(|error| {
        log::emit(
            Level::Error,
            "log",
            format_args!("{} cannot be fed from {}: {error}", fetch.to, fetch.from),
        );
        Vec::new()
    });
    Input::Fetched { to: fetch.to, frames }
}
