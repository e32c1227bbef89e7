//! The pictures of `docs/decisions.md`. Each request in `docs/pictures/NAME.json`, in the format of
//! `rolecall decide`, is decided by the engine and drawn as `NAME.svg`: which policies were looked at,
//! what each said, and the outcome. `ROLECALL_UPDATE_DOCS=1` draws them anew.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "pictures/case.rs"]
mod case;
#[path = "pictures/svg.rs"]
mod svg;

use std::path::{Path, PathBuf};

use case::Case;
use rolecall_policy::decide_format::Decider;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// The names of the pictures that the page shows, in its order.
fn shown(page: &str) -> Vec<&str> {
    let rest = page.split("](pictures/").skip(1);
    rest.filter_map(|rest| rest.split_once(')')?.0.strip_suffix(".svg")).collect()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test is told by a variable to draw the pictures anew")]
fn the_pictures_are_what_the_engine_decides() {
    let page = std::fs::read_to_string(docs().join("decisions.md")).expect("docs/decisions.md");
    let pictures = docs().join("pictures");
    let update = std::env::var("ROLECALL_UPDATE_DOCS").is_ok();
    let names = shown(&page);
    assert!(names.len() >= 6, "only {} cases are drawn", names.len());
    for name in names {
        let text =
            std::fs::read_to_string(pictures.join(format!("{name}.json"))).expect("the request of a picture");
        let decided = Case::parse(&text).decided();
        let told = Decider::new(None).explain(&text, |explanation| explanation.decision.outcome);
        assert_eq!(told.ok(), Some(decided.outcome), "{name} is not what `rolecall decide` says");
        let drawn = svg::draw(&decided);
        let path = pictures.join(format!("{name}.svg"));
        if update {
            std::fs::write(&path, &drawn).expect("a picture can be written");
        }
        let present = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            present == drawn,
            "docs/pictures/{name}.svg is stale: ROLECALL_UPDATE_DOCS=1 cargo test -p rolecall-policy"
        );
    }
}

#[test]
fn every_case_is_on_the_page() {
    let page = std::fs::read_to_string(docs().join("decisions.md")).expect("docs/decisions.md");
    let mut shown: Vec<String> = shown(&page).into_iter().map(str::to_owned).collect();
    shown.sort();
    let files = std::fs::read_dir(docs().join("pictures")).expect("docs/pictures");
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    let mut cases: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect();
    cases.sort();
    assert_eq!(shown, cases);
}
