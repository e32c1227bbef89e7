use serde::Deserialize;

use super::super::xml;
use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    xml: String,
    apex: String,
    inclusive: Vec<String>,
    canonical: String,
}

/// The cases were made by libxml2 (see testdata/make-saml.py).
#[test]
fn agrees_with_libxml2() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../../testdata/canonical.json")).unwrap();
    for case in &cases {
        let root = xml::parse(&case.xml, 100).unwrap();
        let apex = root.descendants().into_iter().find(|element| element.local == case.apex).unwrap();
        assert_eq!(canonical(apex, &case.inclusive, None), case.canonical, "{}", case.xml);
    }
    assert!(cases.len() >= 15);
}

#[test]
fn the_default_namespace_can_be_inclusive() {
    let root = xml::parse("<r xmlns='urn:d&amp;'><p:a xmlns:p='urn:p'><p:b/></p:a></r>", 100).unwrap();
    let apex = root.elements().next().unwrap();
    assert_eq!(canonical(apex, &[], None), r#"<p:a xmlns:p="urn:p"><p:b></p:b></p:a>"#);
    let inclusive = ["#default".to_owned()];
    assert_eq!(
        canonical(apex, &inclusive, None),
        r#"<p:a xmlns="urn:d&amp;" xmlns:p="urn:p"><p:b></p:b></p:a>"#
    );
}

#[test]
fn one_element_can_be_left_out() {
    let root = xml::parse("<a>1<b/>2<b/>3</a>", 100).unwrap();
    let second = root.elements().nth(1).unwrap();
    assert_eq!(canonical(&root, &[], Some(second)), "<a>1<b></b>23</a>");
}
