//! The metadata document of an identity provider, as CreateSAMLProvider takes it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::keys::VerificationKey;
use super::xml::{self, Element};
use super::{PROTOCOL, signature, time};

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";

/// The largest document that IAM takes, in characters, and how many elements one may have.
const MAXIMUM_LENGTH: usize = 10_000_000;
const MAXIMUM_ELEMENTS: usize = 200_000;

/// What verification needs of a provider's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    entity_id: String,
    valid_until: Option<i64>,
    pub(super) keys: Vec<VerificationKey>,
}

/// Why a document is refused (`InvalidInput`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// Not well-formed, too large, or without an identity provider's signing certificate.
    #[error("Could not parse metadata")]
    Unparsable,
}

impl Metadata {
    /// Reads an `EntityDescriptor` with an `IDPSSODescriptor`. Its own signature is not looked at: whoever uploads it
    /// vouches for it.
    ///
    /// # Errors
    /// [`MetadataError::Unparsable`].
    pub fn parse(document: &str) -> Result<Self, MetadataError> {
        if document.len() > MAXIMUM_LENGTH {
            return Err(MetadataError::Unparsable);
        }
        let document = document.trim_start_matches('\u{feff}');
        let root = xml::parse(document, MAXIMUM_ELEMENTS).map_err(|_| MetadataError::Unparsable)?;
        read(&root).ok_or(MetadataError::Unparsable)
    }

    /// The provider's name for itself: the issuer of its assertions.
    pub fn entity_id(&self) -> &str {
        &self.entity_id
    }

    /// Until when the document is valid, in seconds since 1970, where it says so.
    pub fn valid_until(&self) -> Option<i64> {
        self.valid_until
    }

    /// Whether the document may be used at `now`, and a certificate in it.
    // FIDELITY: whether AWS takes signatures by expired certificates is not documented.
    pub(super) fn keys_at(&self, now: i64) -> Option<Vec<VerificationKey>> {
        if self.valid_until.is_some_and(|end| now >= end) {
            return None;
        }
        let valid: Vec<_> = self.keys.iter().filter(|key| now <= key.not_after).cloned().collect();
        (!valid.is_empty()).then_some(valid)
    }
}

fn read(root: &Element) -> Option<Metadata> {
    if !root.is(METADATA, "EntityDescriptor") {
        return None;
    }
    let entity_id = root.attribute("entityID").filter(|id| !id.is_empty())?.to_owned();
    let speaks_saml = |descriptor: &&Element| {
        let protocols = descriptor.attribute("protocolSupportEnumeration").unwrap_or_default();
        protocols.split_ascii_whitespace().any(|protocol| protocol == PROTOCOL)
    };
    let descriptor = root.children_named(METADATA, "IDPSSODescriptor").find(speaks_saml)?;
    let valid_until = earliest([root, descriptor])?;
    let keys: Vec<_> = descriptor
        .children_named(METADATA, "KeyDescriptor")
        .filter(|key| matches!(key.attribute("use"), None | Some("signing")))
        .flat_map(certificates)
        .filter_map(|der| VerificationKey::from_certificate(&der))
        .collect();
    (!keys.is_empty()).then_some(Metadata { entity_id, valid_until, keys })
}

/// The earlier `validUntil` of both; the outer `None` is a malformed one.
fn earliest(elements: [&Element; 2]) -> Option<Option<i64>> {
    let mut earliest = None;
    for text in elements.into_iter().filter_map(|element| element.attribute("validUntil")) {
        let time = time::seconds(text)?;
        earliest = Some(earliest.map_or(time, |other: i64| other.min(time)));
    }
    Some(earliest)
}

fn certificates(key: &Element) -> Vec<Vec<u8>> {
    let info = key.children_named(signature::NAMESPACE, "KeyInfo");
    let data = info.flat_map(|info| info.children_named(signature::NAMESPACE, "X509Data"));
    let certificates = data.flat_map(|data| data.children_named(signature::NAMESPACE, "X509Certificate"));
    let texts = certificates.filter_map(Element::text);
    texts.filter_map(|text| STANDARD.decode(text.split_ascii_whitespace().collect::<String>()).ok()).collect()
}
