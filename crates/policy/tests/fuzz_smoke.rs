//! What the fuzz targets do, on their corpus and on what comes of cutting and joining it.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../fuzz/fuzz_targets/entry.rs"]
#[expect(unreachable_pub, reason = "the targets include the same file")]
mod entry;

use std::path::Path;

use proptest::prelude::*;

fn corpus(target: &str) -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = std::fs::read_dir(directory).expect("the corpus is there");
    let mut texts: Vec<String> = entries
        .map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("text"))
        .collect();
    texts.sort();
    assert!(!texts.is_empty());
    texts
}

/// One text of a corpus with a part replaced by a part of another.
fn mutated(target: &'static str) -> impl Strategy<Value = String> {
    let texts = corpus(target);
    let part = |texts: Vec<String>| {
        (proptest::sample::select(texts), any::<prop::sample::Index>(), any::<prop::sample::Index>())
    };
    let junk = prop_oneof![Just(String::new()), "[\\[\\]{}\",:*?$a-z0-9\\\\]{0,6}"];
    (part(texts.clone()), part(texts), junk).prop_map(|((one, a, b), (other, c, d), junk)| {
        let cut = |text: &str, a: prop::sample::Index, b: prop::sample::Index| {
            let chars: Vec<char> = text.chars().collect();
            let (a, b) = (a.index(chars.len() + 1), b.index(chars.len() + 1));
            (chars, a.min(b), a.max(b))
        };
        let (one, start, end) = cut(&one, a, b);
        let (other, from, to) = cut(&other, c, d);
        // Small cuts keep a text nearly whole, and go deeper than large ones.
        let (end, to) = (end.min(start + 12), to.min(from + 24));
        one[..start]
            .iter()
            .chain(&other[from..to])
            .copied()
            .chain(junk.chars())
            .chain(one[end..].iter().copied())
            .collect()
    })
}

#[test]
fn the_corpus_passes() {
    for text in corpus("parse") {
        entry::parse(&text);
        entry::explained(&text);
    }
    for text in corpus("decision") {
        entry::decision(&text);
    }
    for pattern in corpus("pattern") {
        entry::pattern(&pattern, "arn:aws:s3:::b/bob/ab?x", "bob");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn mutated_policies_are_parsed_or_refused(text in mutated("parse")) {
        entry::parse(&text);
        entry::explained(&text);
    }

    #[test]
    fn mutated_lines_are_decided_on_or_refused(text in mutated("decision")) {
        entry::decision(&text);
    }

    #[test]
    fn patterns_mean_the_same_with_and_without_an_index(
        pattern in r"([ab:/*?]|arn:aws:s3:::|\$\{k\}|\$\{aws:username\}){0,8}", text in r"(arn:aws:s3:::)?[ab:/]{0,8}", value in "[ab*]{0,2}"
    ) {
        entry::pattern(&pattern, &text, &value);
    }
}
