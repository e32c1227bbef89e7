//! XML signatures over an element that holds its own signature, as SAML has them.
//!
//! What a signature covers is one element by its id. The only thing that verification gives out is
//! that very element ([`Signed`]), so nothing else of the document can be taken for signed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest;

use super::canonical::{self, canonical};
use super::keys::{Algorithm, VerificationKey};
use super::xml::Element;

/// The namespace of XML signatures.
pub(super) const NAMESPACE: &str = "http://www.w3.org/2000/09/xmldsig#";

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// An element whose signature has been verified.
#[derive(Clone, Copy)]
pub(super) struct Signed<'a>(&'a Element);

impl<'a> Signed<'a> {
    pub(super) fn element(self) -> &'a Element {
        self.0
    }

    /// A child of a signed element is signed with it.
    pub(super) fn child(self, namespace: &'static str, local: &'static str) -> Option<Self> {
        self.0.only_child(namespace, local).map(Signed)
    }
}

/// Verifies the signature that is a child of `element`; `None` where it has none. `Some(Err(()))`
/// is a signature that does not hold.
pub(super) fn verify<'a>(element: &'a Element, keys: &[VerificationKey]) -> Option<Result<Signed<'a>, ()>> {
    element.children_named(NAMESPACE, "Signature").next()?;
    Some(holds(element, keys).map(|()| Signed(element)).ok_or(()))
}

fn holds(element: &Element, keys: &[VerificationKey]) -> Option<()> {
    let signature = element.only_child(NAMESPACE, "Signature")?;
    let info = signature.only_child(NAMESPACE, "SignedInfo")?;
    check_reference(element, signature, info)?;

    let inclusive = exclusive_canonicalization(info.only_child(NAMESPACE, "CanonicalizationMethod")?)?;
    let method = info.only_child(NAMESPACE, "SignatureMethod")?.attribute("Algorithm")?;
    let algorithm = Algorithm::parse(method)?;
    let value = decoded(&signature.only_child(NAMESPACE, "SignatureValue")?.text()?)?;
    let message = canonical(info, &inclusive, None);
    // `KeyInfo` is not looked at: the keys are the provider's, whatever the document says.
    keys.iter().any(|key| key.verifies(algorithm, message.as_bytes(), &value)).then_some(())
}

/// Checks that the one reference is to `element`, by its id, and that its digest is right.
fn check_reference(element: &Element, signature: &Element, info: &Element) -> Option<()> {
    let reference = info.only_child(NAMESPACE, "Reference")?;
    let id = element.attribute("ID").filter(|id| !id.is_empty())?;
    if reference.attribute("URI")?.strip_prefix('#')? != id {
        return None;
    }
    let inclusive = transforms(reference.only_child(NAMESPACE, "Transforms")?)?;
    let method = reference.only_child(NAMESPACE, "DigestMethod")?.attribute("Algorithm")?;
    let algorithm = digest_algorithm(method)?;
    let expected = decoded(&reference.only_child(NAMESPACE, "DigestValue")?.text()?)?;
    let actual = digest::digest(algorithm, canonical(element, &inclusive, Some(signature)).as_bytes());
    (actual.as_ref() == expected).then_some(())
}

/// The transforms must be the two of SAML (Core, section 5.4.4), each once; others could pick out
/// other parts of the document.
fn transforms(transforms: &Element) -> Option<Vec<String>> {
    let all: Vec<&Element> = transforms.elements().collect();
    let [first, second] = all.as_slice() else { return None };
    let both = [first, second].iter().all(|element| element.is(NAMESPACE, "Transform"));
    if !both || first.attribute("Algorithm")? != ENVELOPED {
        return None;
    }
    exclusive_canonicalization(second)
}

/// The prefixes of `InclusiveNamespaces`, where the method is exclusive canonicalization.
fn exclusive_canonicalization(method: &Element) -> Option<Vec<String>> {
    if method.attribute("Algorithm")? != canonical::ALGORITHM {
        return None;
    }
    let list = method.children_named(canonical::ALGORITHM, "InclusiveNamespaces").next();
    let prefixes = list.and_then(|list| list.attribute("PrefixList")).unwrap_or_default();
    Some(prefixes.split_ascii_whitespace().map(str::to_owned).collect())
}

// SHA-1 is refused: a collision would be a forgery.
// FIDELITY: whether AWS still takes SHA-1 in SAML is not documented.
fn digest_algorithm(method: &str) -> Option<&'static digest::Algorithm> {
    match method {
        "http://www.w3.org/2001/04/xmlenc#sha256" => Some(&digest::SHA256),
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => Some(&digest::SHA384),
        "http://www.w3.org/2001/04/xmlenc#sha512" => Some(&digest::SHA512),
        _ => None,
    }
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.split_ascii_whitespace().collect::<String>()).ok()
}
