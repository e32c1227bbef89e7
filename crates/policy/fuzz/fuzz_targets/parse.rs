#![no_main]

mod entry;

libfuzzer_sys::fuzz_target!(|text: &str| {
    entry::parse(text);
    entry::explained(text);
});
