//! Right responses, and what they give.

use super::*;

const IDP_EC_CERTIFICATE: &str = include_str!("../../../testdata/idp-ec.pem");

#[test]
fn responses_signed_by_other_programs_verify() {
    let both = Metadata::parse(&metadata_document(&[IDP_EC_CERTIFICATE, IDP_CERTIFICATE])).unwrap();
    for (name, response) in [
        ("signxml, the assertion", include_str!("../../../testdata/signxml-assertion.xml")),
        ("signxml, the response", include_str!("../../../testdata/signxml-response.xml")),
        ("signxml, ECDSA", include_str!("../../../testdata/signxml-ecdsa.xml")),
        ("xmlsec1, the assertion", include_str!("../../../testdata/xmlsec1-assertion.xml")),
    ] {
        let verified = check_with(&both, response, NOW + 1).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(verified.subject(), "robot@example.com", "{name}");
        let forged = replaced(response, "role/robot,", "role/admin,");
        assert_eq!(check_with(&both, &forged, NOW + 1), Err(SamlError::SignatureInvalid), "{name}");
    }
    let only_rsa = check_with(&metadata(), include_str!("../../../testdata/signxml-ecdsa.xml"), NOW + 1);
    assert_eq!(only_rsa, Err(SamlError::SignatureInvalid));
}

#[test]
fn everything_that_aws_reads_is_there() {
    let verified = check(&signed()).unwrap();
    assert_eq!(verified.issuer(), "https://idp.example.com/metadata");
    assert_eq!(verified.recipient(), "https://signin.aws.amazon.com/saml");
    assert_eq!(verified.subject_type(), "persistent");
    assert_eq!(verified.role_session_name(), "robot@example.com");
    assert_eq!(verified.session_duration(), Some(1_800));
    assert_eq!(verified.session_not_on_or_after(), Some(NOW + 8 * 3_600));
    assert_eq!(verified.source_identity(), Some("robot"));
    assert_eq!(verified.id(), "_assertion");
    let tags =
        [("CostCenter".to_owned(), "12345".to_owned()), ("Project".to_owned(), "Automation".to_owned())];
    assert_eq!(verified.session_tags().tags, tags);
    assert_eq!(verified.session_tags().transitive_keys, ["Project"]);
}

#[test]
fn roles_come_in_either_order() {
    let verified = check(&signed()).unwrap();
    let provider = "arn:aws:iam::123456789012:saml-provider/MySAMLIdP";
    assert!(verified.allows("arn:aws:iam::123456789012:role/robot", provider));
    assert!(verified.allows("arn:aws:iam::123456789012:role/path/second", provider));
    assert!(!verified.allows("arn:aws:iam::123456789012:role/admin", provider));
    assert!(
        !verified.allows("arn:aws:iam::123456789012:role/robot", "arn:aws:iam::123456789012:saml-provider/x")
    );
}

#[test]
fn condition_keys_are_named_as_aws_names_them() {
    let verified = check(&signed()).unwrap();
    let values = |key: &str| {
        let found = verified.condition_keys().iter().find(|(name, _)| name == key);
        found.map(|(_, values)| values.join("|")).unwrap_or_default()
    };
    assert_eq!(values("saml:aud"), "https://signin.aws.amazon.com/saml");
    assert_eq!(values("saml:doc"), "123456789012/MySAMLIdP");
    assert_eq!(values("saml:iss"), "https://idp.example.com/metadata");
    assert_eq!(values("saml:sub"), "robot@example.com");
    assert_eq!(values("saml:sub_type"), "persistent");
    assert_eq!(values("saml:edupersonaffiliation"), "staff|member");
    assert_eq!(verified.condition_keys().len(), 7);
    // printf 'https://idp.example.com/metadata123456789012/MySAMLIdP' | openssl sha1 -binary | base64
    assert_eq!(values("saml:namequalifier"), "RqDTN1JX4aIkTHx+0CaVfScDk84=");
    assert_eq!(verified.name_qualifier(), "RqDTN1JX4aIkTHx+0CaVfScDk84=");
}

#[test]
fn other_name_formats_are_shown_in_full() {
    let format = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
    let verified = check_changed("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", format).unwrap();
    assert_eq!(verified.subject_type(), format);
}

#[test]
fn a_comment_does_not_cut_a_name_short() {
    let name = "robot@example.com<!-- -->.evil.example";
    let verified =
        check_changed(">robot@example.com</saml:NameID>", &format!(">{name}</saml:NameID>")).unwrap();
    assert_eq!(verified.subject(), "robot@example.com.evil.example");
    // Put in by someone else it changes nothing either: the signature leaves comments out, and so do we.
    let added =
        replaced(&signed(), ">robot@example.com</saml:NameID>", ">robot@<!-- x -->example.com</saml:NameID>");
    assert_eq!(check(&added).unwrap().subject(), "robot@example.com");
}

#[test]
fn malformed_attributes_are_refused() {
    let name = ">robot@example.com</saml:AttributeValue>";
    for (value, error) in [
        ("", SamlError::InvalidRoleSessionName),
        ("x", SamlError::InvalidRoleSessionName),
        ("with space", SamlError::InvalidRoleSessionName),
        ("name<b xmlns=\"\"/>", SamlError::InvalidRoleSessionName),
        ("one</saml:AttributeValue><saml:AttributeValue>two", SamlError::InvalidRoleSessionName),
    ] {
        assert_eq!(check_changed(name, &format!(">{value}</saml:AttributeValue>")), Err(error), "{value}");
    }
    assert_eq!(
        check_changed("Attributes/RoleSessionName", "Attributes/Other"),
        Err(SamlError::NoRoleSessionName)
    );
    for seconds in ["899", "43201", "-1", "1e4", "x"] {
        let refused = check_changed(">1800<", &format!(">{seconds}<")).unwrap_err();
        assert_eq!(refused, SamlError::InvalidAttribute("SessionDuration".to_owned()));
        assert_eq!((refused.code(), refused.http_status()), ("IDPRejectedClaim", 403));
    }
    let two = ">12345</saml:AttributeValue><saml:AttributeValue>6</saml:AttributeValue>";
    let refused = check_changed(">12345</saml:AttributeValue>", two).unwrap_err();
    assert_eq!(refused, SamlError::InvalidAttribute("PrincipalTag:CostCenter".to_owned()));
}
