//! The fields of a line, and the policies compiled from them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Caller, FormatError, requires_resource_policy, resource_kind};
use crate::context::Context;
use crate::decision::Applicable;
use crate::document::Document;
use crate::kind::{Grammar, PolicyKind};
use crate::policy::Policy;
use crate::set::PolicySet;

/// A line, or a shared file. What is absent is taken from the shared file, if there is one; `null` is not absent.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Fields<'a> {
    #[serde(borrow)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) action: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) resource: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) resource_account: Option<Option<Cow<'a, str>>>,
    pub(super) principal: Option<Caller>,
    #[serde(borrow)]
    context: Option<Pairs<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    identity_policies: Option<Option<Vec<Named<'a>>>>,
    #[serde(borrow, default, deserialize_with = "present")]
    resource_policy: Option<Option<&'a RawValue>>,
    #[serde(borrow, default, deserialize_with = "present")]
    permissions_boundaries: Option<Option<Vec<Named<'a>>>>,
    #[serde(borrow, default, deserialize_with = "present")]
    session_policies: Option<Option<Vec<Named<'a>>>>,
    #[serde(borrow, default, deserialize_with = "present")]
    service_control_policies: Option<Option<Vec<Vec<Named<'a>>>>>,
    #[serde(borrow, default, deserialize_with = "present")]
    resource_control_policies: Option<Option<Vec<Vec<Named<'a>>>>>,
    #[serde(borrow, default, deserialize_with = "present")]
    vpc_endpoint_policies: Option<Option<Vec<Named<'a>>>>,
}

/// A policy of a line, its document still text.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Named<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    policy: &'a RawValue,
}

/// Tells a field that is `null` from one that is absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The fields of a shared file other than its policies.
#[derive(Default)]
pub(super) struct OwnedScalars {
    pub(super) id: Option<Box<RawValue>>,
    pub(super) action: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) resource_account: Option<String>,
    pub(super) principal: Option<Caller>,
    context: Context,
}

impl Fields<'_> {
    pub(super) const fn has_policies(&self) -> bool {
        self.identity_policies.is_some()
            || self.resource_policy.is_some()
            || self.permissions_boundaries.is_some()
            || self.session_policies.is_some()
            || self.service_control_policies.is_some()
            || self.resource_control_policies.is_some()
            || self.vpc_endpoint_policies.is_some()
    }

    pub(super) fn into_owned(self) -> Result<OwnedScalars, FormatError> {
        let mut context = Context::new();
        self.fill(&OwnedScalars::default(), &mut context);
        Ok(OwnedScalars {
            id: self.id.map(ToOwned::to_owned),
            action: self.action.map(Cow::into_owned),
            resource: self.resource.map(Cow::into_owned),
            resource_account: self.resource_account.flatten().map(Cow::into_owned),
            principal: self.principal,
            context,
        })
    }

    /// Fills a context with the shared keys and then the line's own.
    pub(super) fn fill(&self, shared: &OwnedScalars, context: &mut Context) {
        context.clear();
        for (key, values) in shared.context.iter() {
            match values.single() {
                Some(value) => context.set(key, value),
                None => context.set_many(key, values.iter()),
            }
        }
        for (key, values) in self.context.iter().flat_map(|pairs| &pairs.0) {
            match values.as_slice() {
                [value] => context.set(key, value),
                values => context.set_many(key, values),
            }
        }
    }
}

/// The keys and values of a context.
struct Pairs<'a>(Vec<(Cow<'a, str>, Vec<Cow<'a, str>>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of condition keys, each with a list of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::with_capacity(16);
                while let Some((Text(key), Texts(values))) = map.next_entry()? {
                    pairs.push((key, values));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

/// Text borrowed from the line where it has no escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Texts<'a>(Vec<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Texts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Texts<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of strings")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts<'de>, A::Error> {
                let mut texts = Vec::new();
                while let Some(Text(text)) = list.next_element()? {
                    texts.push(text);
                }
                Ok(Texts(texts))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

impl<'de> Deserialize<'de> for Caller {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Caller;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an ARN, {\"service\": NAME}, {\"federated\": PROVIDER} or \"*\"")
            }

            fn visit_str<E>(self, name: &str) -> Result<Caller, E> {
                Ok(Caller::Name(name.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Caller, A::Error> {
                let caller = match map.next_entry::<Cow<'de, str>, Box<str>>()? {
                    Some((key, name)) if key == "service" => Caller::Service(name),
                    Some((key, name)) if key == "federated" => Caller::Federated(name),
                    Some((key, _)) => {
                        return Err(serde::de::Error::unknown_field(&key, &["service", "federated"]));
                    }
                    None => return Err(serde::de::Error::missing_field("service")),
                };
                match map.next_key::<Cow<'de, str>>()? {
                    None => Ok(caller),
                    Some(key) => Err(serde::de::Error::unknown_field(&key, &["service"])),
                }
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// The id of a line that can't be decided on, if it can be read at all.
pub(super) fn id_of(line: &str) -> Option<&RawValue> {
    let fields: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(line).ok()?;
    fields.get("id").copied()
}

/// The compiled policies of a line.
#[derive(Clone, Default)]
pub(super) struct Policies {
    identity: Option<PolicySet>,
    boundary: Option<PolicySet>,
    session: Option<PolicySet>,
    /// The same policy as a resource's and as a role's.
    resource: Option<(PolicySet, PolicySet)>,
    service_control: Vec<PolicySet>,
    resource_control: Vec<PolicySet>,
    vpc_endpoint: Option<PolicySet>,
}

impl Policies {
    /// Compiles a line's policies; a kind which the line has no field for is taken from what is shared.
    pub(super) fn compile(fields: &Fields<'_>, shared: &Self) -> Result<Self, FormatError> {
        use PolicyKind as Kind;
        let set = |field, kind, own: &Option<Option<Vec<Named<'_>>>>, shared: &Option<PolicySet>| match own {
            Some(own) => own.as_ref().map(|list| compile(field, kind, list)).transpose(),
            None => Ok(shared.clone()),
        };
        let levels = |field, kind, own: &Option<Option<Vec<Vec<Named<'_>>>>>, shared: &[PolicySet]| match own
        {
            Some(own) => own.iter().flatten().map(|level| compile(field, kind, level)).collect(),
            None => Ok(shared.to_vec()),
        };
        Ok(Self {
            identity: set("identityPolicies", Kind::Identity, &fields.identity_policies, &shared.identity)?,
            boundary: set(
                "permissionsBoundaries",
                Kind::PermissionsBoundary,
                &fields.permissions_boundaries,
                &shared.boundary,
            )?,
            session: set("sessionPolicies", Kind::Session, &fields.session_policies, &shared.session)?,
            resource: match &fields.resource_policy {
                Some(own) => own.map(resource_policy).transpose()?,
                None => shared.resource.clone(),
            },
            service_control: levels(
                "serviceControlPolicies",
                Kind::ServiceControl,
                &fields.service_control_policies,
                &shared.service_control,
            )?,
            resource_control: levels(
                "resourceControlPolicies",
                Kind::ResourceControl,
                &fields.resource_control_policies,
                &shared.resource_control,
            )?,
            vpc_endpoint: set(
                "vpcEndpointPolicies",
                Kind::VpcEndpoint,
                &fields.vpc_endpoint_policies,
                &shared.vpc_endpoint,
            )?,
        })
    }

    pub(super) fn applicable(&self, action: &str, resource: &str) -> Applicable<'_> {
        let is_trust = resource_kind(action, resource) == PolicyKind::Trust;
        let on_resource = self.resource.as_ref();
        Applicable {
            identity: self.identity.as_ref(),
            boundary: self.boundary.as_ref(),
            session: self.session.as_ref(),
            resource: on_resource.map(|(plain, trust)| if is_trust { trust } else { plain }),
            resource_policy_required: requires_resource_policy(action, resource, on_resource.is_some()),
            service_control: &self.service_control,
            resource_control: &self.resource_control,
            vpc_endpoint: self.vpc_endpoint.as_ref(),
        }
    }
}

fn resource_policy(text: &RawValue) -> Result<(PolicySet, PolicySet), FormatError> {
    let policy = policy("resourcePolicy", PolicyKind::Resource, "resourcePolicy", text)?;
    let plain = PolicySet::compile(PolicyKind::Resource, [policy.clone()]);
    Ok((plain, PolicySet::compile(PolicyKind::Trust, [policy])))
}

fn compile(field: &'static str, kind: PolicyKind, list: &[Named<'_>]) -> Result<PolicySet, FormatError> {
    let policies = list.iter().map(|named| policy(field, kind, &named.name, named.policy));
    Ok(PolicySet::compile(kind, policies.collect::<Result<Vec<_>, _>>()?))
}

fn policy(field: &'static str, kind: PolicyKind, name: &str, text: &RawValue) -> Result<Policy, FormatError> {
    // What is on this machine's own disk is no attack: a line may have policies beyond AWS's quotas.
    let grammar = Grammar::evaluated(kind).with_max_bytes(1 << 28);
    match Document::parse(text.get(), grammar) {
        Ok(document) => Ok(Policy::new(name, document)),
        Err(error) => Err(FormatError::Policy { field, name: name.into(), error: Box::new(error) }),
    }
}
