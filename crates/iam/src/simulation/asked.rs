//! What a simulation is asked for, whichever of the two operations asks.

use rolecall_aws_model::iam as wire;
use rolecall_state::AccountId;
use rolecall_state::arn::ArnParts;

use crate::error::IamError;

/// What a simulation is asked for.
pub(super) struct Asked<'a> {
    pub(super) identity: &'a [String],
    pub(super) boundary: &'a [String],
    pub(super) organization: &'a [wire::OrderedOrganizationPolicyType],
    pub(super) without: Vec<String>,
    pub(super) actions: &'a [String],
    pub(super) resources: &'a [String],
    pub(super) resource_policy: Option<&'a str>,
    pub(super) resource_owner: Option<&'a str>,
    pub(super) context: &'a [wire::ContextEntry],
}

impl Asked<'_> {
    /// Refuses what AWS refuses before anything is decided.
    pub(super) fn check(&self) -> Result<(), IamError> {
        for action in self.actions {
            let named =
                action.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
            if !named || action.contains(['*', '?']) {
                return Err(IamError::InvalidInput(format!("Invalid Action: {action}")));
            }
        }
        let bad = self.resources.iter().find(|arn| *arn != "*" && ArnParts::parse(arn).is_none());
        if let Some(arn) = bad {
            return Err(IamError::InvalidInput(format!("Invalid Entity Arn: {arn}")));
        }
        if self.context.iter().any(|entry| entry.context_key_name.as_deref().is_none_or(str::is_empty)) {
            return Err(IamError::InvalidInput("ContextEntries must have a ContextKeyName.".into()));
        }
        Ok(())
    }

    /// Whether a context key was given.
    pub(super) fn has_key(&self, key: &str) -> bool {
        self.context
            .iter()
            .any(|e| e.context_key_name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(key)))
    }
}

/// The account that a resource's owner is, given as an ARN or an id.
pub(super) fn owner(text: &str) -> Result<AccountId, IamError> {
    let account = text.parse().ok().or_else(|| ArnParts::parse(text).and_then(|parts| parts.account_id()));
    account.ok_or_else(|| IamError::InvalidInput(format!("Invalid Entity Arn: {text}")))
}

/// The names or ARNs of policies that are left out.
pub(super) fn excluded(list: &[wire::PolicyIdentifier]) -> Result<Vec<String>, IamError> {
    let one = |policy: &wire::PolicyIdentifier| {
        let inline = policy.inline_policy_identifier.as_ref().map(|inline| inline.policy_name.clone());
        let name = policy.policy_arn.clone().or(inline);
        name.ok_or_else(|| {
            IamError::InvalidInput("A policy to exclude has neither an ARN nor a name.".into())
        })
    };
    list.iter().map(one).collect()
}
