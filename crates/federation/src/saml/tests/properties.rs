//! What holds for any document.

use proptest::prelude::*;

use super::*;

/// Small documents with namespaces, some of them well-formed.
fn document() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<a>".to_owned()),
        Just("</a>".to_owned()),
        Just("<p:b xmlns:p='urn:p' p:x='1' y='&lt;'/>".to_owned()),
        Just("<c xmlns='urn:d' xmlns:p='urn:q'>".to_owned()),
        Just("</c>".to_owned()),
        Just("<!-- c -->".to_owned()),
        Just("<?pi d?>".to_owned()),
        Just("<![CDATA[<]]>".to_owned()),
        Just("&amp;&#13;".to_owned()),
        "[a-z \n\t\"'>]{0,4}",
        any::<String>(),
    ];
    let pieces = proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    pieces.prop_map(|inner| format!("<r xmlns:p='urn:r' xmlns:u='urn:u'>{inner}</r>"))
}

proptest! {
    /// What stands in canonical form is read as the same and written as the same.
    #[test]
    fn canonical_form_is_its_own(text in document()) {
        if let Ok(root) = xml::parse(&text, 1_000) {
            let once = canonical::canonical(&root, &[], None);
            let again = canonical::canonical(&xml::parse(&once, 1_000).unwrap(), &[], None);
            prop_assert_eq!(once, again);
        }
    }

    #[test]
    fn nothing_makes_reading_panic(text in any::<String>()) {
        let _ = xml::parse(&text, 1_000);
        let _ = time::seconds(&text);
        let _ = check(&text);
        let _ = crate::oidc::UnverifiedToken::parse(&text);
    }

    /// A signed response with any one byte changed is refused, or says the same.
    #[test]
    fn no_byte_of_a_signed_response_can_be_changed(position in any::<prop::sample::Index>(), byte in 0x20u8..0x7f) {
        let (signed, right) = SIGNED.get_or_init(|| {
            let signed = signed();
            let right = check(&signed).unwrap();
            (signed.into_bytes(), right)
        });
        let mut changed = signed.clone();
        changed[position.index(signed.len())] = byte;
        if let Ok(accepted) = check(&String::from_utf8(changed).unwrap()) {
            prop_assert_eq!(&accepted, right);
        }
    }
}

static SIGNED: std::sync::OnceLock<(Vec<u8>, VerifiedAssertion)> = std::sync::OnceLock::new();

#[test]
fn some_of_the_documents_are_well_formed() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let texts = (0..256).map(|_| document().new_tree(&mut runner).unwrap().current());
    assert!(texts.filter(|text| xml::parse(text, 1_000).is_ok()).count() > 20);
}
