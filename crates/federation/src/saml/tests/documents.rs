//! Metadata and XML: what is read, and what is refused before anything in it is believed.

use super::*;

#[test]
fn metadata_is_read() {
    let read = metadata();
    assert_eq!(read.entity_id(), "https://idp.example.com/metadata");
    assert_eq!(read.valid_until(), None);
    let document = metadata_document(&[IDP_CERTIFICATE]);
    let dated = replaced(&document, "entityID=", "validUntil=\"2026-11-25T00:00:00Z\" entityID=");
    assert_eq!(Metadata::parse(&dated).unwrap().valid_until(), Some(NOW + 18 * 3_600));
    assert_eq!(Metadata::parse(&format!("\u{feff}{document}")).unwrap(), read);
}

#[test]
fn metadata_that_cannot_be_used_is_refused() {
    let right = metadata_document(&[IDP_CERTIFICATE]);
    for document in [
        String::new(),
        "not xml".to_owned(),
        metadata_document(&[]),
        metadata_document(&["AAAA"]),
        replaced(&right, "entityID=\"https://idp.example.com/metadata\"", ""),
        replaced(&right, "EntityDescriptor", "EntitiesDescriptor"),
        replaced(&right, "IDPSSODescriptor", "SPSSODescriptor"),
        replaced(&right, "use=\"signing\"", "use=\"encryption\""),
        replaced(&right, "urn:oasis:names:tc:SAML:2.0:protocol", "urn:oasis:names:tc:SAML:1.1:protocol"),
        replaced(&right, "entityID=", "validUntil=\"soon\" entityID="),
        replaced(&right, "</md:EntityDescriptor>", ""),
    ] {
        assert_eq!(Metadata::parse(&document), Err(MetadataError::Unparsable), "{document}");
    }
    assert_eq!(MetadataError::Unparsable.to_string(), "Could not parse metadata");
    let either = replaced(&right, "use=\"signing\"", "");
    assert!(Metadata::parse(&either).is_ok(), "a key without a use signs too");
}

#[test]
fn metadata_counts_until_its_end() {
    let document = metadata_document(&[IDP_CERTIFICATE]);
    let dated = replaced(&document, "entityID=", "validUntil=\"2026-11-24T06:00:02Z\" entityID=");
    let dated = Metadata::parse(&dated).unwrap();
    assert!(check_with(&dated, &signed(), NOW + 1).is_ok());
    assert_eq!(check_with(&dated, &signed(), NOW + 2), Err(SamlError::MetadataExpired));
}

#[test]
fn bombs_and_declarations_are_refused() {
    let bomb = "<!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;\">]><lolz>&lol2;</lolz>";
    let external = "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><x/>";
    let deep = format!("{}{}", "<a>".repeat(65), "</a>".repeat(65));
    let wide = format!("<a>{}</a>", "<b/>".repeat(100));
    for text in [bomb, external, &deep, &wide, "<a>&lol;</a>"] {
        assert!(xml::parse(text, 100).is_err(), "{text}");
        assert_eq!(check(text), Err(SamlError::Malformed));
    }
    assert!(xml::parse(&format!("{}{}", "<a>".repeat(64), "</a>".repeat(64)), 100).is_ok());
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for text in [
        "",
        "text",
        "<a>",
        "</a>",
        "<a></b>",
        "<a/><b/>",
        "<a/>text",
        "text<a/>",
        "<a b='1' b='2'/>",
        "<a xmlns:p='urn:1' xmlns:q='urn:1' p:b='1' q:b='2'/>",
        "<p:a/>",
        "<a p:b='1'/>",
        "<a:b:c xmlns:a='urn:a'/>",
        "<a xmlns:p=''/>",
        "<a xmlns:xml='urn:x'/>",
        "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
        "<a b='<'/>",
        "<a b=1/>",
        "<a>&#0;</a>",
        "<a>&#x1;</a>",
        "<a>\u{1}</a>",
        "<a><!-- -- --></a>",
        "<?xml version='1.0' encoding='UTF-16'?><a/>",
        "<?xml version='1.1'?><a/>",
        "<a><![CDATA[</a>",
    ] {
        assert!(xml::parse(text, 100).is_err(), "{text}");
    }
}

#[test]
fn what_is_no_response_is_refused() {
    let metadata = metadata();
    let expected = Expected { metadata: &metadata, account_id: "1", provider_name: "x", own_urls: &[] };
    for assertion in ["", "!", "AAAA", &STANDARD.encode([0xff, 0xfe]), &"A".repeat(100_001)] {
        assert_eq!(verify(assertion, &expected, NOW), Err(SamlError::Malformed));
    }
    assert_eq!(check("<a/>"), Err(SamlError::Malformed));
}
