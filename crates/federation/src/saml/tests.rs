//! Responses of a test provider: right ones by other programs and by our own signer, and forged ones.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

use super::*;

mod contents;
mod documents;
mod forgeries;
mod properties;

const RESPONSE: &str = include_str!("../../testdata/response.xml");
const IDP_KEY: &[u8] = include_bytes!("../../testdata/idp.pk8");
const OTHER_KEY: &[u8] = include_bytes!("../../testdata/other.pk8");
const IDP_CERTIFICATE: &str = include_str!("../../testdata/idp.pem");

/// 2026-11-24T06:00:00Z, when the response was issued.
const NOW: i64 = 1_795_500_000;

fn base64_of(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with('-')).collect()
}

fn metadata_document(certificates: &[&str]) -> String {
    let keys: String = certificates.iter().map(|pem| key_descriptor("use=\"signing\"", pem)).collect();
    format!(
        r#"<?xml version="1.0"?><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"
        xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="https://idp.example.com/metadata">
        <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{keys}
        <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp/sso"/>
        </md:IDPSSODescriptor></md:EntityDescriptor>"#
    )
}

fn key_descriptor(usage: &str, pem: &str) -> String {
    let certificate = base64_of(pem);
    format!(
        "<md:KeyDescriptor {usage}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\n{certificate}\n\
         </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )
}

fn metadata() -> Metadata {
    Metadata::parse(&metadata_document(&[IDP_CERTIFICATE])).unwrap()
}

fn check_with(metadata: &Metadata, response: &str, now: i64) -> Result<VerifiedAssertion, SamlError> {
    let own_urls = ["https://rolecall.example/console/saml".to_owned()];
    let expected =
        Expected { metadata, account_id: "123456789012", provider_name: "MySAMLIdP", own_urls: &own_urls };
    verify(&STANDARD.encode(response), &expected, now)
}

fn check(response: &str) -> Result<VerifiedAssertion, SamlError> {
    check_with(&metadata(), response, NOW + 1)
}

/// Signs what holds the marker `<!--SIGNATURE-->`, under its id, as an identity provider would.
fn sign(response: &str, id: &str, key: &[u8]) -> String {
    sign_changed(response, id, key, |info| info)
}

/// Like [`sign`], but signs other information than it should.
fn sign_changed(response: &str, id: &str, key: &[u8], change: impl Fn(String) -> String) -> String {
    let root = xml::parse(response, 10_000).unwrap();
    let element = root.descendants().into_iter().find(|element| element.attribute("ID") == Some(id)).unwrap();
    let digest = digest::digest(&digest::SHA256, canonical::canonical(element, &[], None).as_bytes());
    let info = change(format!(
        "<ds:SignedInfo xmlns:ds=\"{ns}\"><ds:CanonicalizationMethod Algorithm=\"{c14n}\"></ds:CanonicalizationMethod>\
         <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"></ds:SignatureMethod>\
         <ds:Reference URI=\"#{id}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform>\
         <ds:Transform Algorithm=\"{c14n}\"></ds:Transform></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>\
         <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
        ns = signature::NAMESPACE,
        c14n = canonical::ALGORITHM,
        digest = STANDARD.encode(digest),
    ));
    let key = RsaKeyPair::from_pkcs8(key).unwrap();
    let mut value = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), info.as_bytes(), &mut value).unwrap();
    let signature = format!(
        "<ds:Signature xmlns:ds=\"{}\">{info}<ds:SignatureValue>{}</ds:SignatureValue></ds:Signature>",
        signature::NAMESPACE,
        STANDARD.encode(value)
    );
    response.replacen("<!--SIGNATURE-->", &signature, 1)
}

/// The template with the marker in the assertion, changed before it is signed.
fn assertion_with(change: impl Fn(String) -> String) -> String {
    let issuer = "<saml:Issuer>https://idp.example.com/metadata</saml:Issuer>";
    let (head, tail) = RESPONSE.rsplit_once(issuer).unwrap();
    change(format!("{head}{issuer}<!--SIGNATURE-->{tail}"))
}

fn signed_with(change: impl Fn(String) -> String) -> String {
    sign(&assertion_with(change), "_assertion", IDP_KEY)
}

fn signed() -> String {
    signed_with(|response| response)
}

/// Replaces, and fails where there is nothing to replace.
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

/// What comes of a signed response in which `from` stands as `to`.
fn check_changed(from: &str, to: &str) -> Result<VerifiedAssertion, SamlError> {
    check(&signed_with(|response| replaced(&response, from, to)))
}
