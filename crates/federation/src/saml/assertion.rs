//! A response with its assertion: found, verified, and checked in every part that AWS names.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest;

use super::attributes::{Attributes, RoleAndProvider};
use super::signature::{self, Signed};
use super::xml::{self, Element};
use super::{ASSERTION, Metadata, PROTOCOL, SamlError, time};
use crate::SessionTags;

/// The longest `SAMLAssertion` that STS takes, and how many elements a response may have.
const MAXIMUM_LENGTH: usize = 100_000;
const MAXIMUM_ELEMENTS: usize = 5_000;

/// How long after its issue an assertion may be used.
const REDEEM_SECONDS: i64 = 300;

/// How far the provider's clock may be ahead of ours.
// FIDELITY: AWS does not publish its tolerance.
const SKEW_SECONDS: i64 = 60;

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const NAME_FORMAT_PREFIX: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:";

/// Whose response is expected, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The provider's metadata.
    pub metadata: &'a Metadata,
    /// The account that the provider belongs to.
    pub account_id: &'a str,
    /// The provider's name: the last part of its ARN.
    pub provider_name: &'a str,
    /// URLs that count as recipient and as audience beside AWS's own, such as this server's sign-in page.
    pub own_urls: &'a [String],
}

/// An assertion whose signature, issuer, audience, recipient and times have been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedAssertion {
    id: String,
    issuer: String,
    subject: String,
    subject_type: String,
    recipient: String,
    name_qualifier: String,
    roles: Vec<RoleAndProvider>,
    role_session_name: String,
    session_duration: Option<u32>,
    session_not_on_or_after: Option<i64>,
    session_tags: SessionTags,
    source_identity: Option<String>,
    condition_keys: Vec<(String, Vec<String>)>,
}

impl VerifiedAssertion {
    /// The assertion's id, unique with its issuer.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `Issuer` of the answer.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// `Subject` of the answer: the name id.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// `SubjectType` of the answer: `persistent`, `transient`, or a format's full name.
    pub fn subject_type(&self) -> &str {
        &self.subject_type
    }

    /// `Audience` of the answer: the recipient of the subject's confirmation.
    pub fn recipient(&self) -> &str {
        &self.recipient
    }

    /// `NameQualifier` of the answer.
    pub fn name_qualifier(&self) -> &str {
        &self.name_qualifier
    }

    /// The roles that the user may take.
    pub fn roles(&self) -> &[RoleAndProvider] {
        &self.roles
    }

    /// Whether the user may take `role_arn` through `provider_arn`. Where not, AWS's answer is
    /// `InvalidIdentityToken`, "SAML Assertion doesn't contain the requested Role and Metadata in the attributes".
    pub fn allows(&self, role_arn: &str, provider_arn: &str) -> bool {
        self.roles.iter().any(|pair| pair.role_arn == role_arn && pair.provider_arn == provider_arn)
    }

    /// The session's name.
    pub fn role_session_name(&self) -> &str {
        &self.role_session_name
    }

    /// How long the provider wants the session to last, in seconds.
    pub fn session_duration(&self) -> Option<u32> {
        self.session_duration
    }

    /// When the user's session with the provider ends, in seconds since 1970: no session lasts longer.
    pub fn session_not_on_or_after(&self) -> Option<i64> {
        self.session_not_on_or_after
    }

    /// The session tags that the provider gives.
    pub fn session_tags(&self) -> &SessionTags {
        &self.session_tags
    }

    /// The source identity that the provider gives.
    pub fn source_identity(&self) -> Option<&str> {
        self.source_identity.as_deref()
    }

    /// The condition keys `saml:…`, of the session too.
    pub fn condition_keys(&self) -> &[(String, Vec<String>)] {
        &self.condition_keys
    }
}

/// Verifies `saml_assertion`, the Base64 of a response, as AssumeRoleWithSAML is given it. `now` is in seconds since 1970.
///
/// # Errors
/// [`SamlError`].
pub fn verify(
    saml_assertion: &str,
    expected: &Expected<'_>,
    now: i64,
) -> Result<VerifiedAssertion, SamlError> {
    let response = parse(saml_assertion)?;
    let keys = expected.metadata.keys_at(now).ok_or(SamlError::MetadataExpired)?;
    let assertion = signed_assertion(&response, &keys)?;
    check_response(&response, expected)?;
    let entity_id = expected.metadata.entity_id();
    if assertion.element().only_child(ASSERTION, "Issuer").and_then(Element::text).as_deref()
        != Some(entity_id)
    {
        return Err(SamlError::WrongIssuer);
    }
    check_times(assertion, now)?;
    check_audience(assertion, expected)?;
    let recipient = confirmed_recipient(assertion, expected, now)?;
    contents(assertion, expected, recipient)
}

fn parse(saml_assertion: &str) -> Result<Element, SamlError> {
    if saml_assertion.len() > MAXIMUM_LENGTH {
        return Err(SamlError::Malformed);
    }
    let compact: String = saml_assertion.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(compact).map_err(|_| SamlError::Malformed)?;
    let text = String::from_utf8(bytes).map_err(|_| SamlError::Malformed)?;
    xml::parse(&text, MAXIMUM_ELEMENTS).map_err(|_| SamlError::Malformed)
}

/// Finds the one assertion of the response and verifies it, by its own signature or the response's; where both are
/// signed, both must hold.
fn signed_assertion<'a>(
    response: &'a Element,
    keys: &[super::keys::VerificationKey],
) -> Result<Signed<'a>, SamlError> {
    let all = response.descendants();
    if !response.is(PROTOCOL, "Response") || has_repeated_ids(&all) {
        return Err(SamlError::Malformed);
    }
    if all.iter().any(|element| element.is(ASSERTION, "EncryptedAssertion")) {
        return Err(SamlError::Encrypted);
    }
    // A second one anywhere, such as one hidden in a signature, is an attempt at wrapping.
    let assertions = all.iter().filter(|element| element.is(ASSERTION, "Assertion")).count();
    let assertion = response.only_child(ASSERTION, "Assertion").filter(|_| assertions == 1);
    let assertion = assertion.ok_or(SamlError::Malformed)?;
    let whole = signature::verify(response, keys).transpose().map_err(|()| SamlError::SignatureInvalid)?;
    let part = signature::verify(assertion, keys).transpose().map_err(|()| SamlError::SignatureInvalid)?;
    let signed = part.or_else(|| whole?.child(ASSERTION, "Assertion"));
    signed.ok_or(SamlError::SignatureInvalid)
}

/// Two elements with one id could be told apart by neither the signer nor us.
fn has_repeated_ids(elements: &[&Element]) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    let ids = elements.iter().flat_map(|element| &element.attributes);
    let mut ids = ids.filter(|attribute| attribute.local.eq_ignore_ascii_case("id"));
    ids.any(|attribute| !seen.insert(&attribute.value))
}

fn check_response(response: &Element, expected: &Expected<'_>) -> Result<(), SamlError> {
    let status =
        response.only_child(PROTOCOL, "Status").and_then(|status| status.only_child(PROTOCOL, "StatusCode"));
    if status.and_then(|code| code.attribute("Value")) != Some(SUCCESS) {
        return Err(SamlError::NotSuccessful);
    }
    let issuer = response.children_named(ASSERTION, "Issuer").next();
    if issuer.is_some_and(|issuer| issuer.text().as_deref() != Some(expected.metadata.entity_id())) {
        return Err(SamlError::WrongIssuer);
    }
    let destination = response.attribute("Destination").filter(|destination| !destination.is_empty());
    if destination.is_some_and(|destination| !is_recipient(destination, expected)) {
        return Err(SamlError::NotConfirmed);
    }
    Ok(())
}

fn check_times(assertion: Signed<'_>, now: i64) -> Result<(), SamlError> {
    let assertion = assertion.element();
    if assertion.attribute("Version") != Some("2.0") {
        return Err(SamlError::Malformed);
    }
    let issued = assertion.attribute("IssueInstant").and_then(time::seconds).ok_or(SamlError::Malformed)?;
    if issued > now + SKEW_SECONDS {
        return Err(SamlError::NotYetValid);
    }
    if now > issued + REDEEM_SECONDS {
        return Err(SamlError::Expired);
    }
    let conditions = assertion.only_child(ASSERTION, "Conditions").ok_or(SamlError::Malformed)?;
    check_window(conditions, now)
}

/// Checks `NotBefore` and `NotOnOrAfter`, where they are there.
fn check_window(element: &Element, now: i64) -> Result<(), SamlError> {
    let time =
        |name: &str| element.attribute(name).map(|text| time::seconds(text).ok_or(SamlError::Malformed));
    if time("NotBefore").transpose()?.is_some_and(|start| now + SKEW_SECONDS < start) {
        return Err(SamlError::NotYetValid);
    }
    if time("NotOnOrAfter").transpose()?.is_some_and(|end| now >= end) {
        return Err(SamlError::Expired);
    }
    Ok(())
}

/// Every restriction must name us, and there must be one.
fn check_audience(assertion: Signed<'_>, expected: &Expected<'_>) -> Result<(), SamlError> {
    let conditions = assertion.element().children_named(ASSERTION, "Conditions");
    let restrictions: Vec<&Element> = conditions
        .flat_map(|conditions| conditions.children_named(ASSERTION, "AudienceRestriction"))
        .collect();
    let names_us = |restriction: &&Element| {
        let mut audiences = restriction.children_named(ASSERTION, "Audience").filter_map(Element::text);
        audiences.any(|audience| is_audience(&audience, expected))
    };
    let all = !restrictions.is_empty() && restrictions.iter().all(names_us);
    if all { Ok(()) } else { Err(SamlError::WrongAudience) }
}

/// The recipient of a bearer confirmation that is valid now (SAML Profiles, section 4.1.4.3).
fn confirmed_recipient(
    assertion: Signed<'_>,
    expected: &Expected<'_>,
    now: i64,
) -> Result<String, SamlError> {
    let subject = assertion.element().only_child(ASSERTION, "Subject").ok_or(SamlError::NotConfirmed)?;
    let mut refused = SamlError::NotConfirmed;
    for confirmation in subject.children_named(ASSERTION, "SubjectConfirmation") {
        let data = confirmation.only_child(ASSERTION, "SubjectConfirmationData");
        let bearer = confirmation.attribute("Method") == Some(BEARER);
        let Some(data) = data.filter(|data| bearer && data.attribute("NotOnOrAfter").is_some()) else {
            continue;
        };
        let Some(recipient) = data.attribute("Recipient").filter(|url| is_recipient(url, expected)) else {
            continue;
        };
        match check_window(data, now) {
            Ok(()) => return Ok(recipient.to_owned()),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

fn contents(
    assertion: Signed<'_>,
    expected: &Expected<'_>,
    recipient: String,
) -> Result<VerifiedAssertion, SamlError> {
    let element = assertion.element();
    let subject = element.only_child(ASSERTION, "Subject");
    let name_id =
        subject.and_then(|subject| subject.only_child(ASSERTION, "NameID")).ok_or(SamlError::Malformed)?;
    let subject = name_id.text().filter(|name| !name.is_empty()).ok_or(SamlError::Malformed)?;
    let format =
        name_id.attribute("Format").unwrap_or("urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified");
    let subject_type = format.strip_prefix(NAME_FORMAT_PREFIX).unwrap_or(format).to_owned();
    let issuer = expected.metadata.entity_id().to_owned();
    let name_qualifier = name_qualifier(&issuer, expected);
    let attributes = Attributes::of(assertion);
    let mut condition_keys = attributes.condition_keys();
    let document = format!("{}/{}", expected.account_id, expected.provider_name);
    for (key, value) in [
        ("saml:aud", &recipient),
        ("saml:doc", &document),
        ("saml:iss", &issuer),
        ("saml:namequalifier", &name_qualifier),
        ("saml:sub", &subject),
        ("saml:sub_type", &subject_type),
    ] {
        condition_keys.push((key.to_owned(), vec![value.clone()]));
    }
    Ok(VerifiedAssertion {
        id: element.attribute("ID").unwrap_or_default().to_owned(),
        roles: attributes.roles(),
        role_session_name: attributes.role_session_name()?,
        session_duration: attributes.session_duration()?,
        session_not_on_or_after: session_end(element)?,
        session_tags: attributes.session_tags()?,
        source_identity: attributes.source_identity()?,
        condition_keys,
        issuer,
        subject,
        subject_type,
        recipient,
        name_qualifier,
    })
}

/// The earliest end among the authentication statements.
fn session_end(assertion: &Element) -> Result<Option<i64>, SamlError> {
    let statements = assertion.children_named(ASSERTION, "AuthnStatement");
    let ends = statements.filter_map(|statement| statement.attribute("SessionNotOnOrAfter"));
    let ends: Vec<i64> =
        ends.map(|end| time::seconds(end).ok_or(SamlError::Malformed)).collect::<Result<_, _>>()?;
    Ok(ends.into_iter().min())
}

/// `BASE64 ( SHA1 ( ISSUER + ACCOUNT + "/" + PROVIDER ) )`.
fn name_qualifier(issuer: &str, expected: &Expected<'_>) -> String {
    let text = format!("{issuer}{}/{}", expected.account_id, expected.provider_name);
    STANDARD.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}

fn is_audience(audience: &str, expected: &Expected<'_>) -> bool {
    let own_name = audience == "urn:amazon:webservices" || audience.starts_with("urn:amazon:webservices:");
    own_name || is_recipient(audience, expected)
}

/// Whether `url` is one of AWS's sign-in endpoints, global or of a region, or one of our own.
fn is_recipient(url: &str, expected: &Expected<'_>) -> bool {
    expected.own_urls.iter().any(|own| own == url) || is_aws_sign_in(url)
}

fn is_aws_sign_in(url: &str) -> bool {
    let Some((host, path)) = url.strip_prefix("https://").and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    let region = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let known = ["signin.aws.amazon.com", "signin.amazonaws.cn", "signin.amazonaws-us-gov.com"].iter();
    let mut hosts = known.filter_map(|sign_in| host.strip_suffix(sign_in));
    let host_fits = hosts.any(|rest| {
        rest.is_empty() || rest.strip_suffix('.').is_some_and(|rest| !rest.is_empty() && region(rest))
    });
    host_fits
        && (path == "saml" || path.strip_prefix("saml/acs/").is_some_and(|id| !id.is_empty() && region(id)))
}
