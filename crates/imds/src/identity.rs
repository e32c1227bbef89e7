//! The instance identity document and its signatures, each verifiable with the certificate here.
//!
//! AWS signs `pkcs7` with a DSA key in most regions, and with RSA in China's; ours is RSA everywhere,
//! so `pkcs7` and `rsa2048` are the same message.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::digest::{SHA256, digest};
use ring::rand::SecureRandom;
use ring::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};

use crate::der::{
    BIT_STRING, CONTEXT_0, GENERALIZED_TIME, NULL, OCTET_STRING, SET, UTC_TIME, UTF8_STRING, object,
    positive, sequence, set_content, value,
};
use crate::facts::InstanceFacts;
use crate::json;
use crate::timestamp::{iso_8601, utc_time};

const DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const SIGNED_DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const CONTENT_TYPE: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
const MESSAGE_DIGEST: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
const SIGNING_TIME: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x05];
const RSA_ENCRYPTION: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_WITH_SHA256: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const SHA256_OID: [u8; 9] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];

/// Signs identity documents, with an RSA key and a certificate for it.
pub struct IdentitySigner {
    key: RsaKeyPair,
    issuer: Vec<u8>,
    serial: Vec<u8>,
    certificate: Vec<u8>,
    random: Box<dyn SecureRandom + Send + Sync>,
}

impl std::fmt::Debug for IdentitySigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdentitySigner")
    }
}

/// The key can't be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SignerError {
    /// It is no RSA key of 2048 to 4096 bits in PKCS #8.
    #[error("the identity key is not a usable RSA key: {0}")]
    Key(String),
    /// The signature could not be made.
    #[error("signing failed")]
    Signing,
}

impl IdentitySigner {
    /// From an RSA key (PKCS #8, DER). The certificate is made of the key alone: the same key gives
    /// the same certificate, so only the key need be kept.
    ///
    /// # Errors
    /// When the key is unusable.
    pub fn new(pkcs8: &[u8], random: Box<dyn SecureRandom + Send + Sync>) -> Result<Self, SignerError> {
        let key = RsaKeyPair::from_pkcs8(pkcs8).map_err(|error| SignerError::Key(error.to_string()))?;
        let fingerprint = digest(&SHA256, key.public_key().as_ref());
        let serial = positive(fingerprint.as_ref().get(..16).unwrap_or_default());
        let name = sequence(&[&object(&COMMON_NAME), &value(UTF8_STRING, b"rolecall instance identity")]);
        let issuer = sequence(&[&value(SET, &name)]);
        let mut signer = Self { key, issuer, serial, certificate: Vec::new(), random };
        signer.certificate = signer.self_signed()?;
        Ok(signer)
    }

    /// The certificate to verify with, as PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines(&self.certificate, 64))
    }

    fn self_signed(&self) -> Result<Vec<u8>, SignerError> {
        let algorithm = sequence(&[&object(&RSA_WITH_SHA256), &NULL]);
        let validity =
            sequence(&[&value(UTC_TIME, b"200101000000Z"), &value(GENERALIZED_TIME, b"21200101000000Z")]);
        let key_algorithm = sequence(&[&object(&RSA_ENCRYPTION), &NULL]);
        let key = sequence(&[&key_algorithm, &bits(self.key.public_key().as_ref())]);
        let version_3 = value(CONTEXT_0, &positive(&[2]));
        let body =
            sequence(&[&version_3, &self.serial, &algorithm, &self.issuer, &validity, &self.issuer, &key]);
        let signature = self.sign(&body)?;
        Ok(sequence(&[&body, &algorithm, &bits(&signature)]))
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, self.random.as_ref(), message, &mut signature)
            .map_err(|_| SignerError::Signing)?;
        Ok(signature)
    }

    /// `signature`: RSA with SHA-256 over the document, base64.
    pub(crate) fn signature(&self, document: &str) -> Result<String, SignerError> {
        Ok(lines(&self.sign(document.as_bytes())?, 76))
    }

    /// `rsa2048` and `pkcs7`: a signed message (RFC 5652) that contains the document, base64 without
    /// header lines.
    pub(crate) fn signed_message(&self, document: &str, now: SystemTime) -> Result<String, SignerError> {
        let hash = digest(&SHA256, document.as_bytes());
        let attribute = |name: &[u8], content: Vec<u8>| sequence(&[&object(name), &value(SET, &content)]);
        let attributes = set_content(vec![
            attribute(&CONTENT_TYPE, object(&DATA)),
            attribute(&SIGNING_TIME, value(UTC_TIME, utc_time(now).as_bytes())),
            attribute(&MESSAGE_DIGEST, value(OCTET_STRING, hash.as_ref())),
        ]);
        // What is signed is tagged as the set that it is; what is sent, as the field it stands in.
        let signature = self.sign(&value(SET, &attributes))?;
        let hash_algorithm = sequence(&[&object(&SHA256_OID), &NULL]);
        let signer = sequence(&[
            &positive(&[1]),
            &sequence(&[&self.issuer, &self.serial]),
            &hash_algorithm,
            &value(CONTEXT_0, &attributes),
            &sequence(&[&object(&RSA_ENCRYPTION), &NULL]),
            &value(OCTET_STRING, &signature),
        ]);
        let content = value(CONTEXT_0, &value(OCTET_STRING, document.as_bytes()));
        let signed = sequence(&[
            &positive(&[1]),
            &value(SET, &hash_algorithm),
            &sequence(&[&object(&DATA), &content]),
            &value(SET, &signer),
        ]);
        Ok(lines(&sequence(&[&object(&SIGNED_DATA), &value(CONTEXT_0, &signed)]), 64))
    }
}

fn bits(content: &[u8]) -> Vec<u8> {
    value(BIT_STRING, &[&[0], content].concat())
}

/// Base64 in lines, as `openssl` wants it.
fn lines(bytes: &[u8], width: usize) -> String {
    let text = BASE64.encode(bytes);
    let lines = text.as_bytes().chunks(width).map(String::from_utf8_lossy);
    lines.collect::<Vec<_>>().join("\n")
}

/// The identity document.
pub(crate) fn document(facts: &InstanceFacts) -> String {
    let text = |text: &str| Some(text.to_owned());
    json::object(&[
        ("accountId", text(&facts.account_id)),
        ("architecture", text(&facts.architecture)),
        ("availabilityZone", text(&facts.availability_zone)),
        ("billingProducts", None),
        ("devpayProductCodes", None),
        ("marketplaceProductCodes", None),
        ("imageId", text(&facts.image_id)),
        ("instanceId", text(&facts.instance_id)),
        ("instanceType", text(&facts.instance_type)),
        ("kernelId", None),
        ("pendingTime", Some(iso_8601(facts.launched))),
        ("privateIp", Some(facts.network.private_ip.to_string())),
        ("ramdiskId", None),
        ("region", text(&facts.region)),
        ("version", text("2017-09-30")),
    ])
}
