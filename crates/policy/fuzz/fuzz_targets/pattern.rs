#![no_main]

mod entry;

libfuzzer_sys::fuzz_target!(|texts: (&str, &str, &str)| {
    let (pattern, text, value) = texts;
    entry::pattern(pattern, text, value);
});
