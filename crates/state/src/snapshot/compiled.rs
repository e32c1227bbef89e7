//! Policies compiled when they are first needed, and kept for as long as nothing that they were
//! made from changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rolecall_managed_policies as aws_managed;
use rolecall_policy::{Document, Grammar, Policy, PolicyKind, PolicySet};

use super::account::Account;
use super::collection::{Entity, Entry};
use crate::arn;
use crate::entities::{
    AccessReport, AttachedPolicies, CredentialReport, Group, InlinePolicies, Instance, InstanceProfile,
    KeyPair, ManagedPolicy, MfaDevice, NameKey, Note, OidcProvider, Role, SamlProvider, ServerCertificate,
    User,
};
use crate::ids::{Partition, UniqueId};
use crate::policy_ref::PolicyRef;
use crate::trust;

/// A stored policy that can't be evaluated. A request that depends on it is refused as a failure:
/// going on without the policy might skip a deny.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unevaluable(Arc<String>);

impl Unevaluable {
    pub(crate) fn new(name: &str, cause: impl std::fmt::Display) -> Self {
        // One pointer, since each principal has room for several of these.
        Self(Arc::new(format!("the policy {name} can't be evaluated: {cause}")))
    }

    /// A session policy that can't be evaluated.
    pub fn in_session(cause: &dyn std::fmt::Display) -> Self {
        Self::new("session policy", cause)
    }
}

pub(super) type Once<T> = OnceLock<Result<T, Unevaluable>>;

/// What is compiled for a user or a role.
#[derive(Default)]
pub struct PrincipalPolicies {
    identity: Once<PolicySet>,
    boundary: Once<Option<PolicySet>>,
    trust: Once<PolicySet>,
}

/// What is compiled for a managed policy: its default version.
#[derive(Default)]
pub struct DefaultVersion(Once<Policy>);

impl Entity for User {
    const COLLECTION: &'static str = "users";
    type Derived = PrincipalPolicies;

    fn key(&self) -> NameKey {
        self.key()
    }

    fn id(&self) -> &UniqueId {
        &self.id
    }
}

impl Entity for Role {
    const COLLECTION: &'static str = "roles";
    type Derived = PrincipalPolicies;

    fn key(&self) -> NameKey {
        self.key()
    }

    fn id(&self) -> &UniqueId {
        &self.id
    }
}

impl Entity for ManagedPolicy {
    const COLLECTION: &'static str = "policies";
    type Derived = DefaultVersion;

    fn key(&self) -> NameKey {
        self.key()
    }

    fn id(&self) -> &UniqueId {
        &self.id
    }
}

impl Entity for Group {
    const COLLECTION: &'static str = "groups";
    type Derived = ();

    fn key(&self) -> NameKey {
        self.key()
    }

    fn id(&self) -> &UniqueId {
        &self.id
    }
}

impl Entity for InstanceProfile {
    const COLLECTION: &'static str = "instance-profiles";
    type Derived = ();

    fn key(&self) -> NameKey {
        self.key()
    }

    fn id(&self) -> &UniqueId {
        &self.id
    }
}

macro_rules! plain_entities {
    ($($entity:ident in $collection:literal,)*) => {$(
        impl Entity for $entity {
            const COLLECTION: &'static str = $collection;
            type Derived = ();

            fn key(&self) -> NameKey {
                self.key()
            }

            fn id(&self) -> &UniqueId {
                &self.id
            }
        }
    )*};
}

plain_entities! {
    MfaDevice in "mfa-devices",
    ServerCertificate in "server-certificates",
    OidcProvider in "oidc-providers",
    SamlProvider in "saml-providers",
    Instance in "instances",
    KeyPair in "key-pairs",
    AccessReport in "access-reports",
    Note in "notes",
    CredentialReport in "credential-reports",
}

/// AWS managed policies that were compiled, shared by all accounts.
#[derive(Default)]
pub(crate) struct AwsPolicies(Mutex<HashMap<Box<str>, Policy>>);

impl AwsPolicies {
    fn get(&self, path_and_name: &str) -> Result<Policy, Unevaluable> {
        // Only compiling comes here, never a decision: what is compiled is kept with its holder.
        let mut compiled = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(policy) = compiled.get(path_and_name) {
            return Ok(policy.clone());
        }
        let arn = arn::aws_managed_policy(Partition::Aws, path_and_name);
        let found = aws_managed::find(&arn)
            .ok_or_else(|| Unevaluable::new(&arn, "there is no such AWS managed policy"))?;
        let policy = compile(found.name, Some(arn), &found.document())?;
        compiled.insert(path_and_name.into(), policy.clone());
        Ok(policy)
    }
}

/// Compiles an identity-based document.
pub(crate) fn compile(name: &str, arn: Option<String>, document: &Arc<str>) -> Result<Policy, Unevaluable> {
    let parsed = Document::parse(document.clone(), Grammar::evaluated(PolicyKind::Identity));
    let parsed = parsed.map_err(|cause| Unevaluable::new(name, cause))?;
    Ok(match arn {
        Some(arn) => Policy::managed(name, arn, parsed),
        None => Policy::new(name, parsed),
    })
}

impl Account {
    /// The identity-based policies of a user: its own and those of its groups.
    ///
    /// # Errors
    /// When one of them can't be evaluated.
    pub fn user_policies<'u>(&self, user: &'u Entry<User>) -> Result<&'u PolicySet, Unevaluable> {
        let build = || {
            let mut policies = self.held(&user.inline, &user.attached)?;
            for group in self.groups_of(user) {
                policies.extend(self.held(&group.inline, &group.attached)?);
            }
            Ok(PolicySet::compile(PolicyKind::Identity, policies))
        };
        user.derived.identity.get_or_init(build).as_ref().map_err(Clone::clone)
    }

    /// The policies of a group.
    ///
    /// # Errors
    /// When one of them can't be evaluated.
    pub fn group_policies(&self, group: &Group) -> Result<Vec<Policy>, Unevaluable> {
        self.held(&group.inline, &group.attached)
    }

    /// The identity-based policies of a role.
    ///
    /// # Errors
    /// When one of them can't be evaluated.
    pub fn role_policies<'r>(&self, role: &'r Entry<Role>) -> Result<&'r PolicySet, Unevaluable> {
        let build = || Ok(PolicySet::compile(PolicyKind::Identity, self.held(&role.inline, &role.attached)?));
        role.derived.identity.get_or_init(build).as_ref().map_err(Clone::clone)
    }

    /// The permissions boundary of a user.
    ///
    /// # Errors
    /// When it can't be evaluated.
    pub fn user_boundary<'u>(&self, user: &'u Entry<User>) -> Result<Option<&'u PolicySet>, Unevaluable> {
        let built = user.derived.boundary.get_or_init(|| self.boundary(user.boundary.as_ref()));
        built.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }

    /// The permissions boundary of a role.
    ///
    /// # Errors
    /// When it can't be evaluated.
    pub fn role_boundary<'r>(&self, role: &'r Entry<Role>) -> Result<Option<&'r PolicySet>, Unevaluable> {
        let built = role.derived.boundary.get_or_init(|| self.boundary(role.boundary.as_ref()));
        built.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }

    /// The trust policy of a role, bound to the principals that it was saved with.
    ///
    /// # Errors
    /// When it can't be evaluated.
    pub fn trust_policy<'r>(&self, role: &'r Entry<Role>) -> Result<&'r PolicySet, Unevaluable> {
        let build = || {
            let text: Arc<str> = trust::bound(&role.trust_policy, &role.trust_bindings, |_| true).into();
            let parsed = Document::parse(text, Grammar::evaluated(PolicyKind::Trust));
            let parsed = parsed.map_err(|cause| Unevaluable::new(&role.name, cause))?;
            Ok(PolicySet::compile(PolicyKind::Trust, [Policy::new(role.name.as_str(), parsed)]))
        };
        role.derived.trust.get_or_init(build).as_ref().map_err(Clone::clone)
    }

    /// A managed policy of this account or of AWS, compiled.
    ///
    /// # Errors
    /// When it does not exist or can't be evaluated.
    pub fn managed_policy(&self, policy: &PolicyRef) -> Result<Policy, Unevaluable> {
        match policy {
            PolicyRef::Aws(name) => self.aws_policies.get(name),
            PolicyRef::Customer(key) => {
                let entry = self.policies.by_key(key);
                let entry =
                    entry.ok_or_else(|| Unevaluable::new(key.as_str(), "the policy does not exist"))?;
                let arn = arn::iam(Partition::Aws, self.id(), "policy", &entry.path, &entry.name);
                let build = || {
                    let document = entry.default_document();
                    let document =
                        document.ok_or_else(|| Unevaluable::new(&entry.name, "it has no default version"))?;
                    compile(&entry.name, Some(arn), document)
                };
                entry.derived.0.get_or_init(build).clone()
            }
        }
    }

    fn boundary(&self, policy: Option<&PolicyRef>) -> Result<Option<PolicySet>, Unevaluable> {
        let Some(policy) = policy else { return Ok(None) };
        let policy = self.managed_policy(policy)?;
        Ok(Some(PolicySet::compile(PolicyKind::PermissionsBoundary, [policy])))
    }

    fn held(&self, inline: &InlinePolicies, attached: &AttachedPolicies) -> Result<Vec<Policy>, Unevaluable> {
        let inline = inline.iter().map(|(name, document)| compile(name, None, document));
        inline.chain(attached.iter().map(|policy| self.managed_policy(policy))).collect()
    }
}
