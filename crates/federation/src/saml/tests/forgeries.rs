//! What a forger would try.

use super::*;

#[test]
fn an_unsigned_response_is_refused() {
    assert_eq!(check(RESPONSE), Err(SamlError::SignatureInvalid));
    let signature = signed();
    let (head, rest) = signature.split_once("<ds:Signature ").unwrap();
    let (_, tail) = rest.split_once("</ds:Signature>").unwrap();
    assert_eq!(check(&format!("{head}{tail}")), Err(SamlError::SignatureInvalid));
    assert_eq!(
        check(&format!("{head}<ds:Signature xmlns:ds=\"{}\"/>{tail}", signature::NAMESPACE)),
        Err(SamlError::SignatureInvalid)
    );
}

#[test]
fn another_key_does_not_sign() {
    let forged = sign(&assertion_with(|response| response), "_assertion", OTHER_KEY);
    assert_eq!(check(&forged), Err(SamlError::SignatureInvalid));
    // Not even where the forger's certificate comes along.
    let certificate = base64_of(include_str!("../../../testdata/other.pem"));
    let info = format!(
        "</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    );
    assert_eq!(check(&replaced(&forged, "</ds:SignatureValue>", &info)), Err(SamlError::SignatureInvalid));
}

#[test]
fn nothing_in_the_assertion_can_be_changed() {
    let signed = signed();
    for (from, to) in [
        ("role/robot,", "role/admin,"),
        (">robot@example.com</saml:NameID>", ">root@example.com</saml:NameID>"),
        ("2026-11-24T06:05:00Z", "2027-11-24T06:05:00Z"),
        ("ID=\"_assertion\"", "ID=\"_other\""),
        ("<saml:Audience>", "<saml:Audience x=\"\">"),
        ("PrincipalTag:Project", "PrincipalTag:Admin"),
    ] {
        assert_eq!(check(&replaced(&signed, from, to)), Err(SamlError::SignatureInvalid), "{from}");
    }
}

/// The assertion of a signed response, with its signature, and a forged one without.
fn parts() -> (String, String, String, String) {
    let signed = signed();
    let (head, rest) = signed.split_once("<saml:Assertion ").unwrap();
    let (body, tail) = rest.split_once("</saml:Assertion>").unwrap();
    let right = format!("<saml:Assertion {body}</saml:Assertion>");
    let (before, after) = right.split_once("<ds:Signature ").unwrap();
    let (_, after) = after.split_once("</ds:Signature>").unwrap();
    let forged = replaced(&format!("{before}{after}"), "role/robot", "role/admin");
    let forged = replaced(&forged, "ID=\"_assertion\"", "ID=\"_forged\"");
    (head.to_owned(), right, forged, tail.to_owned())
}

#[test]
fn a_signed_assertion_does_not_lend_its_signature_to_another() {
    let (head, right, forged, tail) = parts();
    assert!(check(&format!("{head}{right}{tail}")).is_ok());
    let holder = |inner: &str| format!("<samlp:Extensions>{inner}</samlp:Extensions>");
    let with_signature_of = |outer: &str, inner: &str| {
        let (_, signature) = right.split_once("<ds:Signature ").unwrap();
        let (signature, _) = signature.split_once("</ds:Signature>").unwrap();
        let signature = format!("<ds:Signature {signature}<ds:Object>{inner}</ds:Object></ds:Signature>");
        replaced(outer, "</saml:Assertion>", &format!("{signature}</saml:Assertion>"))
    };
    let bare = {
        let (before, rest) = right.split_once("<ds:Signature ").unwrap();
        let (_, after) = rest.split_once("</ds:Signature>").unwrap();
        format!("{before}{after}")
    };
    for (name, response) in [
        ("both, the forged first", format!("{head}{forged}{right}{tail}")),
        ("both, the forged last", format!("{head}{right}{forged}{tail}")),
        ("the right one put aside", format!("{head}{}{forged}{tail}", holder(&right))),
        (
            "the forged one around the right one",
            format!(
                "{head}{}{tail}",
                replaced(&forged, "</saml:Assertion>", &format!("{right}</saml:Assertion>"))
            ),
        ),
        ("the right one inside the signature", format!("{head}{}{tail}", with_signature_of(&forged, &bare))),
        (
            "in another namespace",
            format!(
                "{head}{}{tail}",
                replaced(&right, "saml:Assertion ", "samlp:Assertion ")
                    .replace("</saml:Assertion>", "</samlp:Assertion>")
            ),
        ),
    ] {
        assert_eq!(check(&response), Err(SamlError::Malformed), "{name}");
    }
    // The forged one takes the right one's id and signature, and nothing else of it.
    let stolen = replaced(&forged, "_forged", "_assertion");
    assert_eq!(
        check(&format!("{head}{}{tail}", with_signature_of(&stolen, ""))),
        Err(SamlError::SignatureInvalid)
    );
    assert_eq!(
        check(&format!("{head}{}{tail}", with_signature_of(&forged, ""))),
        Err(SamlError::SignatureInvalid)
    );
}

#[test]
fn ids_must_be_unique() {
    let same = replaced(&signed(), "ID=\"_response\"", "ID=\"_assertion\"");
    assert_eq!(check(&same), Err(SamlError::Malformed));
    let lower = replaced(&signed(), "ID=\"_response\"", "Id=\"_assertion\"");
    assert_eq!(check(&lower), Err(SamlError::Malformed));
}

#[test]
fn a_signature_covers_the_element_that_holds_it_or_nothing() {
    // A right signature of the response's status, put into the assertion.
    let status =
        assertion_with(|response| replaced(&response, "<samlp:Status>", "<samlp:Status ID=\"_status\">"));
    let signed = sign(&status, "_status", IDP_KEY);
    assert_eq!(check(&signed), Err(SamlError::SignatureInvalid));
    // A reference to something else, though the digest is the assertion's.
    for uri in ["#_response", "", "#", "#_assertion2", "_assertion", "https://idp.example.com/#_assertion"] {
        let change = |info: String| replaced(&info, "URI=\"#_assertion\"", &format!("URI=\"{uri}\""));
        let elsewhere = sign_changed(&assertion_with(|response| response), "_assertion", IDP_KEY, change);
        assert_eq!(check(&elsewhere), Err(SamlError::SignatureInvalid), "{uri}");
    }
}

#[test]
fn where_response_and_assertion_are_signed_both_must_hold() {
    let issuer = "<saml:Issuer>https://idp.example.com/metadata</saml:Issuer>";
    let marked = signed().replacen(issuer, &format!("{issuer}<!--SIGNATURE-->"), 1);
    let both = sign(&marked, "_response", IDP_KEY);
    assert!(check(&both).is_ok());
    let outer_broken =
        replaced(&both, "Destination=\"https://signin", "Consent=\"x\" Destination=\"https://signin");
    assert_eq!(check(&outer_broken), Err(SamlError::SignatureInvalid));
    let other = sign(&marked, "_response", OTHER_KEY);
    assert_eq!(check(&other), Err(SamlError::SignatureInvalid));
}

#[test]
fn other_ways_to_sign_are_refused_even_by_the_right_key() {
    let enveloped =
        "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform>";
    let exclusive = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform>";
    let reference = "<ds:Reference URI=\"#_response\"></ds:Reference><ds:Reference ";
    for (from, to) in [
        (enveloped, ""),
        (exclusive, ""),
        (enveloped, exclusive),
        (exclusive, &format!("{exclusive}{exclusive}")),
        (
            enveloped,
            "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"></ds:Transform>",
        ),
        (
            "CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"",
            "CanonicalizationMethod Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"",
        ),
        ("<ds:Reference ", reference),
    ] {
        let change = |info: String| replaced(&info, from, to);
        let odd = sign_changed(&assertion_with(|response| response), "_assertion", IDP_KEY, change);
        assert_eq!(check(&odd), Err(SamlError::SignatureInvalid), "{to}");
    }
}

#[test]
fn weak_and_unknown_algorithms_are_refused() {
    let signed = signed();
    for (from, to) in [
        ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
        ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2000/09/xmldsig#hmac-sha1"),
        (
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        ),
        ("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1"),
        (
            "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
            "http://www.w3.org/TR/1999/REC-xslt-19991116",
        ),
        (
            "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
            "http://www.w3.org/TR/1999/REC-xpath-19991116",
        ),
    ] {
        assert_eq!(check(&replaced(&signed, from, to)), Err(SamlError::SignatureInvalid), "{to}");
    }
}

#[test]
fn only_the_provider_issues() {
    let refused = check_changed("https://idp.example.com/metadata", "https://idp.example.com/metadata2");
    assert_eq!(refused, Err(SamlError::WrongIssuer));
    let response_only = signed().replacen("metadata</saml:Issuer>", "other</saml:Issuer>", 1);
    assert_eq!(check(&response_only), Err(SamlError::WrongIssuer));
}

#[test]
fn a_response_for_someone_else_is_refused() {
    for audience in ["urn:amazon:webservicesx", "https://signin.aws.amazon.com.evil.example/saml", "", "x"] {
        let refused =
            check_changed("<saml:Audience>urn:amazon:webservices<", &format!("<saml:Audience>{audience}<"));
        assert_eq!(refused, Err(SamlError::WrongAudience), "{audience}");
    }
    let none = check_changed(
        "<saml:AudienceRestriction><saml:Audience>urn:amazon:webservices</saml:Audience></saml:AudienceRestriction>",
        "",
    );
    assert_eq!(none, Err(SamlError::WrongAudience));
    let second = "</saml:AudienceRestriction><saml:AudienceRestriction><saml:Audience>x</saml:Audience></saml:AudienceRestriction>";
    assert_eq!(check_changed("</saml:AudienceRestriction>", second), Err(SamlError::WrongAudience));
}

#[test]
fn a_recipient_is_a_sign_in_endpoint() {
    for recipient in [
        "https://signin.aws.amazon.com/saml",
        "https://us-west-2.signin.aws.amazon.com/saml",
        "https://signin.aws.amazon.com/saml/acs/SAMLSP1234",
        "https://signin.amazonaws.cn/saml",
        "https://rolecall.example/console/saml",
    ] {
        let verified = check_changed(
            "Recipient=\"https://signin.aws.amazon.com/saml\"",
            &format!("Recipient=\"{recipient}\""),
        );
        assert_eq!(verified.unwrap().recipient(), recipient);
    }
    for recipient in [
        "http://signin.aws.amazon.com/saml",
        "https://signin.aws.amazon.com/",
        "https://evilsignin.aws.amazon.com/saml",
        "https://evil.example/x.signin.aws.amazon.com/saml",
        "https://rolecall.example/console/saml/",
        "",
    ] {
        let refused = check_changed(
            "Recipient=\"https://signin.aws.amazon.com/saml\"",
            &format!("Recipient=\"{recipient}\""),
        );
        assert_eq!(refused, Err(SamlError::NotConfirmed), "{recipient}");
        let refused = check_changed(
            "Destination=\"https://signin.aws.amazon.com/saml\"",
            "Destination=\"https://evil.example/saml\"",
        );
        assert_eq!(refused, Err(SamlError::NotConfirmed));
    }
    let holder = check_changed("cm:bearer", "cm:holder-of-key");
    assert_eq!(holder, Err(SamlError::NotConfirmed));
    let endless = check_changed("NotOnOrAfter=\"2026-11-24T06:05:00Z\" Recipient", "Recipient");
    assert_eq!(endless, Err(SamlError::NotConfirmed));
}

#[test]
fn a_response_counts_for_five_minutes_and_within_its_conditions() {
    let at = |response: &str, now: i64| check_with(&metadata(), response, now);
    let long = signed_with(|response| replaced(&response, "2026-11-24T06:05:00Z", "2026-11-24T07:00:00Z"));
    assert!(at(&long, NOW + 300).is_ok());
    assert_eq!(at(&long, NOW + 301), Err(SamlError::Expired));
    assert_eq!(SamlError::Expired.to_string(), "Token must be redeemed within 5 minutes of issuance");
    let short = signed_with(|response| replaced(&response, "2026-11-24T06:05:00Z", "2026-11-24T06:00:30Z"));
    assert!(at(&short, NOW + 29).is_ok());
    assert_eq!(at(&short, NOW + 30), Err(SamlError::Expired));
    assert!(at(&long, NOW - 60).is_ok());
    assert_eq!(at(&long, NOW - 61), Err(SamlError::NotYetValid));
    let later = signed_with(|response| replaced(&response, "2026-11-24T05:59:00Z", "2026-11-24T06:02:00Z"));
    assert_eq!(at(&later, NOW + 59), Err(SamlError::NotYetValid));
    assert!(at(&later, NOW + 60).is_ok());
    let confirmed_late = signed_with(|response| {
        replaced(
            &response,
            "<saml:SubjectConfirmationData NotOnOrAfter=\"2026-11-24T06:05:00Z\"",
            "<saml:SubjectConfirmationData NotOnOrAfter=\"2026-11-24T06:00:01Z\"",
        )
    });
    assert_eq!(at(&confirmed_late, NOW + 1), Err(SamlError::Expired));
}

#[test]
fn a_response_that_reports_no_success_is_refused() {
    assert_eq!(check_changed("status:Success", "status:AuthnFailed"), Err(SamlError::NotSuccessful));
    let encrypted = check_changed("<saml:Issuer>", "<saml:EncryptedAssertion/><saml:Issuer>");
    assert_eq!(encrypted, Err(SamlError::Encrypted));
    assert_eq!(
        check_changed("_assertion\" Version=\"2.0\"", "_assertion\" Version=\"1.1\""),
        Err(SamlError::Malformed)
    );
}
