//! See `entry`.

#![no_main]

#[expect(dead_code, reason = "each target uses its own part")]
mod entry;

libfuzzer_sys::fuzz_target!(|texts: (&str, &str, &str)| {
    let (pattern, text, value) = texts;
    entry::pattern(pattern, text, value);
});
