//! SAML: assertions and metadata. Whatever was done to a signed response, what comes of it is what was signed.
//!
//! A text that is a metadata document is read as such, too.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rolecall_federation::saml::{Expected, Metadata, SamlError, VerifiedAssertion, verify};

use crate::Run;

const GENUINE: &str = include_str!("../../federation/testdata/signxml-assertion.xml");
const CERTIFICATE: &str = include_str!("../../federation/testdata/idp.pem");
/// A second after the response was issued.
const NOW: i64 = 1_795_500_001;

/// See the module.
pub(crate) fn start() -> Run {
    let certificate: String = CERTIFICATE.lines().filter(|line| !line.starts_with('-')).collect();
    let metadata = Metadata::parse(&metadata_of(&certificate)).expect("metadata");
    let genuine = check(&metadata, GENUINE.as_bytes()).expect("a signed response");
    Box::new(move |input| {
        if let Ok(text) = std::str::from_utf8(input)
            && let Ok(read) = Metadata::parse(text)
        {
            assert!(!read.entity_id().is_empty());
        }
        match check(&metadata, input) {
            Ok(verified) => assert_eq!(verified, genuine, "more than what was signed"),
            Err(error) => assert!((400..500).contains(&error.http_status()) && !error.code().is_empty()),
        }
    })
}

fn check(metadata: &Metadata, response: &[u8]) -> Result<VerifiedAssertion, SamlError> {
    let own_urls = ["https://rolecall.example/console/saml".to_owned()];
    let expected =
        Expected { metadata, account_id: "123456789012", provider_name: "MySAMLIdP", own_urls: &own_urls };
    verify(&STANDARD.encode(response), &expected, NOW)
}

fn metadata_of(certificate: &str) -> String {
    format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"
        xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="https://idp.example.com/metadata">
        <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
        <md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>
        </ds:X509Data></ds:KeyInfo></md:KeyDescriptor></md:IDPSSODescriptor></md:EntityDescriptor>"#
    )
}
