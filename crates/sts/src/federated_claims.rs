//! What an identity provider asks for its user beside a role: session tags and a source identity.

use rolecall_access::Demand;
use rolecall_aws_model::sts as wire;
use rolecall_federation::SessionTags as Claimed;
use rolecall_state::Snapshot;
use rolecall_state::arn::ArnParts;
use rolecall_state::entities::Tag;

use crate::assume_role::find;
use crate::error::StsError;
use crate::tags::SessionTags;

const MAX_TAGS: usize = 50;

/// Session tags and source identity of a proof, within AWS's limits.
#[derive(Debug, Default)]
pub(crate) struct FederatedClaims {
    pub(crate) tags: Vec<Tag>,
    pub(crate) transitive_keys: Vec<String>,
    pub(crate) source_identity: Option<String>,
}

impl FederatedClaims {
    /// Checks what a proof brings; none when it is not within the limits that requests are held to.
    pub(crate) fn check(claimed: &Claimed, source_identity: Option<&str>) -> Option<Self> {
        let within = claimed.tags.len() <= MAX_TAGS
            && claimed.transitive_keys.len() <= MAX_TAGS
            && claimed.tags.iter().all(|(key, value)| is_tag(key, 1, 128) && is_tag(value, 0, 256))
            && source_identity.is_none_or(is_source_identity);
        if !within {
            return None;
        }
        let tag = |(key, value): &(String, String)| wire::Tag { key: key.clone(), value: value.clone() };
        let tags: Vec<wire::Tag> = claimed.tags.iter().map(tag).collect();
        let joined = SessionTags::default().and(&tags, &claimed.transitive_keys).ok()?;
        Some(Self {
            tags: joined.tags,
            transitive_keys: joined.transitive_keys,
            source_identity: source_identity.map(str::to_owned),
        })
    }

    /// The actions that must be allowed on the role.
    pub(crate) fn actions(&self, assuming: &'static str) -> Vec<&'static str> {
        let mut actions = vec![assuming];
        if !self.tags.is_empty() {
            actions.push("sts:TagSession");
        }
        if self.source_identity.is_some() {
            actions.push("sts:SetSourceIdentity");
        }
        actions
    }

    /// What one of these actions needs.
    ///
    /// # Errors
    /// When the trust policy can't be evaluated.
    pub(crate) fn demand(
        &self,
        action: &'static str,
        (role_arn, session_name): (&str, &str),
        seconds: Option<i32>,
        snapshot: &Snapshot,
    ) -> Result<Demand, StsError> {
        let mut demand = Demand::new(action, role_arn)
            .with("sts:RoleSessionName", session_name)
            .with_option("sts:SourceIdentity", self.source_identity.as_deref())
            .with_option("sts:DurationSeconds", seconds.map(|seconds| seconds.to_string()))
            .with_request_tags(self.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())));
        if !self.transitive_keys.is_empty() {
            demand = demand.with_many("sts:TransitiveTagKeys", self.transitive_keys.clone());
        }
        // A role that does not exist trusts no one.
        demand.resource_policy_required = true;
        demand.resource_account = ArnParts::parse(role_arn).and_then(|parts| parts.account_id());
        if let Some((account, role)) = find(snapshot, role_arn) {
            demand.resource_policy = Some(account.trust_policy(role)?.clone());
            let tags = role.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
            demand = demand.with_resource_tags(Some("iam:ResourceTag"), tags);
        }
        Ok(demand)
    }
}

/// Whether a text has the length and the characters that tags may have: letters, numbers, spaces of any
/// script, and some signs.
fn is_tag(text: &str, min: usize, max: usize) -> bool {
    let length = text.chars().count();
    let allowed =
        |c: char| c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c);
    (min..=max).contains(&length) && text.chars().all(allowed)
}

fn is_source_identity(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    // FIDELITY: "aws:" is reserved as its beginning, which the colon rules out already.
    (2..=64).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimed(tags: &[(&str, &str)], transitive: &[&str]) -> Claimed {
        Claimed {
            tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            transitive_keys: transitive.iter().map(|key| (*key).to_owned()).collect(),
        }
    }

    #[test]
    fn what_a_proof_brings_is_demanded() {
        let plain = FederatedClaims::check(&claimed(&[], &[]), None).unwrap();
        assert_eq!(plain.actions("sts:X"), ["sts:X"]);
        let full = FederatedClaims::check(&claimed(&[("team", "a")], &["team"]), Some("jane")).unwrap();
        assert_eq!(full.actions("sts:X"), ["sts:X", "sts:TagSession", "sts:SetSourceIdentity"]);
        assert_eq!(full.transitive_keys, ["team"]);
    }

    #[test]
    fn tags_beyond_the_limits_are_refused() {
        let long = "k".repeat(129);
        for tags in [[("", "v")], [(long.as_str(), "v")], [("aws:x", "v")], [("k", "<v>")]] {
            assert!(FederatedClaims::check(&claimed(&tags, &[]), None).is_none(), "{tags:?}");
        }
        assert!(FederatedClaims::check(&claimed(&[("k", "v"), ("K", "w")], &[]), None).is_none());
        assert!(FederatedClaims::check(&claimed(&[("k", "v")], &["other"]), None).is_none());
        let many: Vec<_> = (0..=MAX_TAGS).map(|at| (at.to_string(), String::new())).collect();
        let many = Claimed { tags: many, transitive_keys: Vec::new() };
        assert!(FederatedClaims::check(&many, None).is_none());
    }

    #[test]
    fn a_source_identity_has_two_to_64_letters() {
        for (identity, taken) in [("j", false), ("jo", true), ("a b", false), ("aws:jane", false)] {
            assert_eq!(
                FederatedClaims::check(&claimed(&[], &[]), Some(identity)).is_some(),
                taken,
                "{identity}"
            );
        }
    }
}
