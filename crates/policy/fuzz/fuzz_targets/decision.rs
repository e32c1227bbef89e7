#![no_main]

mod entry;

libfuzzer_sys::fuzz_target!(|text: &str| {
    entry::decision(text);
});
