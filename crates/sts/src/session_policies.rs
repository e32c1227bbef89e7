//! Session policies: checked when the session is made.

use rolecall_aws_model::sts as wire;
use rolecall_policy::{Document, Grammar, PolicyKind};
use rolecall_state::entities::Tag;
use rolecall_state::{PolicyRef, Snapshot};

use crate::error::StsError;

/// Ten managed policies may limit a session.
const MAX_POLICY_ARNS: usize = 10;
/// The inline session policy may have this many characters.
const MAX_PLAIN_POLICY: usize = 2_048;
/// What the packed policies and tags may take, in the unit of which `PackedPolicySize` is a percentage.
const PACKED_LIMIT: usize = 4_096;

/// The session policies of a request, ready to be sealed.
#[derive(Debug, Default)]
pub(crate) struct SessionPolicies {
    /// Inline documents, as sent.
    pub(crate) inline: Vec<String>,
    /// ARNs of managed policies.
    pub(crate) arns: Vec<String>,
}

impl SessionPolicies {
    /// Checks what a request brings.
    ///
    /// # Errors
    /// When a document is malformed, a managed policy does not exist, or there are too many.
    pub(crate) fn check(
        inline: Option<&str>,
        arns: &[wire::PolicyDescriptorType],
        snapshot: &Snapshot,
        account: rolecall_state::AccountId,
    ) -> Result<Self, StsError> {
        let mut policies = Self::default();
        if let Some(text) = inline {
            if text.chars().count() > MAX_PLAIN_POLICY {
                return Err(StsError::Validation(format!(
                    "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to {MAX_PLAIN_POLICY}"
                )));
            }
            let parsed = Document::parse(text, Grammar::stored(PolicyKind::Session));
            parsed.map_err(|error| {
                StsError::MalformedPolicyDocument(format!("{} ({error})", error.message()))
            })?;
            policies.inline.push(text.to_owned());
        }
        if arns.len() > MAX_POLICY_ARNS {
            return Err(StsError::Validation(format!(
                "The number of session policy ARNs exceeds the limit of {MAX_POLICY_ARNS}"
            )));
        }
        for arn in arns.iter().filter_map(|descriptor| descriptor.arn.as_deref()) {
            check_managed(arn, snapshot, account)?;
            policies.arns.push(arn.to_owned());
        }
        Ok(policies)
    }

    /// How much of the room for policies and tags is taken, in percent; none when nothing was passed.
    ///
    /// # Errors
    /// When it is more than there is.
    // FIDELITY: AWS packs in a form that it does not publish; here the plain lengths count, so that
    // what AWS accepts is accepted.
    pub(crate) fn packed_size(&self, tags: &[Tag]) -> Result<Option<i32>, StsError> {
        let policies: usize = self.inline.iter().chain(&self.arns).map(String::len).sum();
        let tags: usize = tags.iter().map(|tag| tag.key.len() + tag.value.len()).sum();
        let percent = (policies / 2 + tags / 8).div_ceil(PACKED_LIMIT / 100);
        if policies + tags == 0 {
            return Ok(None);
        }
        if percent > 100 {
            return Err(StsError::PackedPolicyTooLarge(format!(
                "Packed size of session tags and policies consumes {percent}% of allotted space."
            )));
        }
        Ok(i32::try_from(percent.max(1)).ok())
    }
}

fn check_managed(arn: &str, snapshot: &Snapshot, account: rolecall_state::AccountId) -> Result<(), StsError> {
    let reference = PolicyRef::from_arn(arn, account);
    let found = reference.and_then(|policy| snapshot.account(account)?.managed_policy(&policy).ok());
    found.map(|_| ()).ok_or_else(|| {
        StsError::MalformedPolicyDocument(format!(
            "The policy {arn} does not exist or can't be used for sessions."
        ))
    })
}
