//! The attributes of an assertion: AWS's own, and those that become `saml:` condition keys.

use super::signature::Signed;
use super::xml::Element;
use super::{ASSERTION, SamlError};
use crate::{SessionTags, SessionTagsError};

const PREFIX: &str = "https://aws.amazon.com/SAML/Attributes/";

/// Directory attributes and the condition keys that AWS makes of them.
const CONDITION_KEYS: [(&str, &str); 27] = [
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.1", "saml:edupersonaffiliation"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.2", "saml:edupersonnickname"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.3", "saml:edupersonorgdn"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.4", "saml:edupersonorgunitdn"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.5", "saml:edupersonprimaryaffiliation"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.6", "saml:edupersonprincipalname"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.7", "saml:edupersonentitlement"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.8", "saml:edupersonprimaryorgunitdn"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.9", "saml:edupersonscopedaffiliation"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.10", "saml:edupersontargetedid"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.11", "saml:edupersonassurance"),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.2", "saml:eduorghomepageuri"),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.3", "saml:eduorgidentityauthnpolicyuri"),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.4", "saml:eduorglegalname"),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.5", "saml:eduorgsuperioruri"),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.6", "saml:eduorgwhitepagesuri"),
    ("urn:oid:2.5.4.3", "saml:cn"),
    ("urn:oid:2.5.4.45", "saml:x500UniqueIdentifier"),
    ("urn:oid:0.9.2342.19200300.100.1.1", "saml:uid"),
    ("urn:oid:0.9.2342.19200300.100.1.3", "saml:mail"),
    ("urn:oid:0.9.2342.19200300.100.1.45", "saml:organizationStatus"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "saml:name"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname", "saml:givenName"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "saml:surname"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "saml:mail"),
    ("http://schemas.xmlsoap.org/claims/CommonName", "saml:commonName"),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid", "saml:primaryGroupSID"),
];

/// A role that the user may take, and the provider that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleAndProvider {
    /// The role's ARN.
    pub role_arn: String,
    /// The provider's ARN.
    pub provider_arn: String,
}

/// Names and values, in the document's order.
pub(super) struct Attributes(Vec<(String, Vec<String>)>);

impl Attributes {
    pub(super) fn of(assertion: Signed<'_>) -> Self {
        let statements = assertion.element().children_named(ASSERTION, "AttributeStatement");
        let attributes = statements.flat_map(|statement| statement.children_named(ASSERTION, "Attribute"));
        let named = attributes.filter_map(|attribute| {
            let values = attribute.children_named(ASSERTION, "AttributeValue").filter_map(Element::text);
            Some((attribute.attribute("Name")?.to_owned(), values.collect()))
        });
        Self(named.collect())
    }

    fn values(&self, name: &str) -> Vec<&str> {
        let named = self.0.iter().filter(|(found, _)| found == name);
        named.flat_map(|(_, values)| values).map(String::as_str).collect()
    }

    /// The one value of an attribute of AWS's, where the attribute is there.
    fn single(&self, name: &str) -> Result<Option<String>, SamlError> {
        if !self.0.iter().any(|(found, _)| found.strip_prefix(PREFIX) == Some(name)) {
            return Ok(None);
        }
        match self.values(&format!("{PREFIX}{name}")).as_slice() {
            [one] => Ok(Some((*one).to_owned())),
            _ => Err(SamlError::InvalidAttribute(name.to_owned())),
        }
    }

    /// The pairs in `Role`, each a role and a provider in either order. Other values are left out.
    pub(super) fn roles(&self) -> Vec<RoleAndProvider> {
        let pair = |value: &str| {
            let (one, other) = value.split_once(',')?;
            let (one, other) = (one.trim(), other.trim());
            let (role, provider) = if one.contains(":role/") { (one, other) } else { (other, one) };
            let whole = role.contains(":role/") && provider.contains(":saml-provider/");
            whole.then(|| RoleAndProvider { role_arn: role.to_owned(), provider_arn: provider.to_owned() })
        };
        self.values(&format!("{PREFIX}Role")).into_iter().filter_map(pair).collect()
    }

    pub(super) fn role_session_name(&self) -> Result<String, SamlError> {
        let name = self.single("RoleSessionName").map_err(|_| SamlError::InvalidRoleSessionName)?;
        let name = name.ok_or(SamlError::NoRoleSessionName)?;
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        let fits = (2..=64).contains(&name.len()) && name.bytes().all(letters);
        if fits { Ok(name) } else { Err(SamlError::InvalidRoleSessionName) }
    }

    /// `SessionDuration` in seconds; whether the role allows it is for the caller to check.
    pub(super) fn session_duration(&self) -> Result<Option<u32>, SamlError> {
        let Some(text) = self.single("SessionDuration")? else { return Ok(None) };
        let seconds = text.trim().parse().ok().filter(|seconds| (900..=43_200).contains(seconds));
        seconds.map(Some).ok_or_else(|| SamlError::InvalidAttribute("SessionDuration".to_owned()))
    }

    pub(super) fn source_identity(&self) -> Result<Option<String>, SamlError> {
        self.single("SourceIdentity")
    }

    pub(super) fn session_tags(&self) -> Result<SessionTags, SamlError> {
        let mut tags = SessionTags::default();
        for (name, values) in &self.0 {
            let Some(key) = name.strip_prefix(PREFIX).and_then(|name| name.strip_prefix("PrincipalTag:"))
            else {
                continue;
            };
            let [value] = values.as_slice() else {
                return Err(SessionTagsError::NotOneValue(key.to_owned()).into());
            };
            tags.tags.push((key.to_owned(), value.clone()));
        }
        let transitive = self.values(&format!("{PREFIX}TransitiveTagKeys"));
        tags.transitive_keys = transitive.into_iter().map(str::to_owned).collect();
        tags.tags.sort();
        Ok(tags)
    }

    /// The condition keys of directory attributes.
    pub(super) fn condition_keys(&self) -> Vec<(String, Vec<String>)> {
        let mut keys: Vec<(String, Vec<String>)> = Vec::new();
        for (name, key) in CONDITION_KEYS {
            let values: Vec<String> = self.values(name).into_iter().map(str::to_owned).collect();
            match keys.iter_mut().find(|(known, _)| known == key) {
                Some((_, known)) => known.extend(values),
                None if !values.is_empty() => keys.push((key.to_owned(), values)),
                None => {}
            }
        }
        keys
    }
}
