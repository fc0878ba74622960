//! `plays::agreement` under libFuzzer.
#![no_main]

#[path = "../plays/mod.rs"]
mod plays;

libfuzzer_sys::fuzz_target!(|data: &[u8]| plays::agreement::play(data));
