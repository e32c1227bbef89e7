//! See `entry`.

#![no_main]

#[expect(dead_code, reason = "each target uses its own part")]
mod entry;

libfuzzer_sys::fuzz_target!(|text: &str| {
    entry::decision(text);
});
