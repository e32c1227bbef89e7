//! What an operation asks permission for.

use std::borrow::Cow;

use rolecall_policy::{Context, PolicySet};
use rolecall_state::arn::ArnParts;
use rolecall_state::{AccountId, Snapshot, Unevaluable};
use smol_str::SmolStr;

/// The values of a context key that an operation brings along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// A key with one value.
    One(String),
    /// A multivalued key.
    Many(Vec<String>),
}

/// One action on one resource, with the context keys that only the operation knows.
#[derive(Clone, Debug)]
pub struct Demand {
    /// Such as `iam:CreateUser`.
    pub action: Cow<'static, str>,
    /// An ARN, or `*`.
    pub resource: SmolStr,
    /// The account that owns the resource; the caller's own unless said otherwise.
    pub resource_account: Option<AccountId>,
    /// The operation's own context keys.
    pub context: Vec<(Cow<'static, str>, Values)>,
    /// The policy on the resource, if it has one.
    pub resource_policy: Option<PolicySet>,
    /// Whether that policy must allow even within one account (a role's trust policy).
    pub resource_policy_required: bool,
}

impl Demand {
    /// An action on a resource of the caller's account.
    pub fn new(action: impl Into<Cow<'static, str>>, resource: impl Into<SmolStr>) -> Self {
        Self {
            action: action.into(),
            resource: resource.into(),
            resource_account: None,
            context: Vec::new(),
            resource_policy: None,
            resource_policy_required: false,
        }
    }

    /// Adds a context key with one value.
    #[must_use]
    pub fn with(mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.context.push((key.into(), Values::One(value.into())));
        self
    }

    /// Adds a context key with one value, where there is a value.
    #[must_use]
    pub fn with_option(self, key: impl Into<Cow<'static, str>>, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Adds a multivalued context key.
    #[must_use]
    pub fn with_many(mut self, key: impl Into<Cow<'static, str>>, values: Vec<String>) -> Self {
        self.context.push((key.into(), Values::Many(values)));
        self
    }

    /// Adds `aws:RequestTag/…` and `aws:TagKeys` for the tags that a request brings.
    #[must_use]
    pub fn with_request_tags<'t>(mut self, tags: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let mut keys = Vec::new();
        for (key, value) in tags {
            keys.push(key.to_owned());
            self = self.with(format!("aws:RequestTag/{key}"), value);
        }
        if keys.is_empty() { self } else { self.with_many("aws:TagKeys", keys) }
    }

    /// Adds `aws:ResourceTag/…`, and the service's own key of the same meaning.
    #[must_use]
    pub fn with_resource_tags<'t>(
        mut self,
        service_key: Option<&str>,
        tags: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) -> Self {
        for (key, value) in tags {
            self = self.with(format!("aws:ResourceTag/{key}"), value);
            if let Some(service_key) = service_key {
                self = self.with(format!("{service_key}/{key}"), value);
            }
        }
        self
    }

    /// Assuming a role is decided with its trust policy, where the role is known.
    ///
    /// # Errors
    /// When that policy can't be evaluated.
    pub fn with_trust(mut self, snapshot: &Snapshot) -> Result<Self, Unevaluable> {
        if !self.action.to_ascii_lowercase().starts_with("sts:assumerole") {
            return Ok(self);
        }
        self.resource_policy_required = true;
        let Some(parts) = ArnParts::parse(&self.resource) else { return Ok(self) };
        let owner = parts.account_id().and_then(|id| snapshot.account(id));
        let name = parts.resource.rsplit('/').next().unwrap_or_default();
        if let Some((account, role)) = owner.and_then(|account| Some((account, account.roles.get(name)?))) {
            self.resource_policy = Some(account.trust_policy(role)?.clone());
        }
        Ok(self)
    }

    pub(crate) fn set_keys(&self, context: &mut Context) {
        for (key, values) in &self.context {
            match values {
                Values::One(value) => context.set(key, value),
                Values::Many(values) => context.set_many(key, values),
            }
        }
    }
}
