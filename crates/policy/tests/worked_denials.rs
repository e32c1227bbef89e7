//! The denials that `docs/denials.md` works through: each block of JSON is a request, and the block
//! behind it is what `rolecall explain --request` prints for it. `ROLECALL_UPDATE_DOCS=1` writes the
//! outputs anew.

#[cfg(test)]
mod worked {
    use std::path::Path;

    use rolecall_policy::decide_format::Decider;

    const WIDTH: usize = 100;

    /// The document with every output made anew, and how many there are.
    fn rendered(document: &str) -> (String, usize) {
        let (mut out, mut count, mut rest) = (String::new(), 0, document);
        while let Some((before, after)) = rest.split_once("```json\n") {
            let (request, after) = after.split_once("```").expect("a block of JSON ends");
            let (between, after) = after.split_once("```text\n").expect("an output follows the request");
            let (_, after) = after.split_once("```").expect("the output ends");
            let line = request.replace('\n', " ");
            let text = Decider::new(None).explain(&line, |explanation| {
                assert!(!explanation.decision.is_allowed(), "a worked denial is allowed: {line}");
                explanation.to_text(WIDTH)
            });
            let text = text.unwrap_or_else(|error| panic!("{error}: {line}"));
            out.push_str(&format!("{before}```json\n{request}```{between}```text\n{}\n```", text.trim_end()));
            count += 1;
            rest = after;
        }
        (out + rest, count)
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test is told by a variable to write the outputs anew")]
    fn the_worked_denials_are_what_the_engine_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/denials.md");
        let document = std::fs::read_to_string(&path).expect("docs/denials.md");
        let (wanted, count) = rendered(&document);
        assert!(count >= 10, "only {count} denials are worked through");
        if std::env::var("ROLECALL_UPDATE_DOCS").is_ok() {
            std::fs::write(&path, &wanted).expect("docs/denials.md can be written");
            return;
        }
        assert!(
            document == wanted,
            "docs/denials.md is stale: ROLECALL_UPDATE_DOCS=1 cargo test -p rolecall-policy"
        );
    }
}
