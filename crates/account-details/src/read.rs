//! From the answer to entities: every name, path, id and document is checked, and every reference found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use rolecall_managed_policies as aws_managed;
use rolecall_policy::{Document, Grammar, PolicyKind};
use rolecall_state::arn::ArnParts;
use rolecall_state::entities::{
    AttachedPolicies, Format, Group, InlinePolicies, InstanceProfile, ManagedPolicy, NameKey, PolicyVersion,
    Role, Tag, Tags, User,
};
use rolecall_state::trust::aws_principals;
use rolecall_state::{AccountId, Partition, PolicyRef, Timestamp, UniqueId};
use serde_json::value::RawValue;

use crate::file::{
    Answer, Attached, Boundary, GroupDetail, Inline, KeyAndValue, PolicyDetail, Profile, RoleDetail,
    UserDetail,
};
use crate::{Details, DetailsError};

const DEFAULT_MAX_SESSION_SECONDS: u32 = 3_600;
pub(crate) const SERVICE_ROLES: &str = "/aws-service-role/";

impl Details {
    /// Reads an answer of `GetAccountAuthorizationDetails`. Documents may be JSON or URL-encoded text.
    ///
    /// # Errors
    /// The first thing that is no good, by its ARN.
    pub fn parse(text: &str) -> Result<Self, DetailsError> {
        let answer: Answer = serde_json::from_str(text)?;
        let account = account(&answer)?;
        let partition = partition(&answer);
        let mut reading = Reading {
            account,
            policies: answer.policies.iter().filter(|policy| !is_aws(&policy.arn)).map(key_of).collect(),
            groups: answer
                .group_detail_list
                .iter()
                .map(|group| (NameKey::of(&group.group_name), UniqueId::from_stored(&group.group_id)))
                .collect(),
            principals: principals(&answer),
            left_out: BTreeSet::new(),
        };
        let own = answer.policies.iter().filter(|policy| !is_aws(&policy.arn));
        let policies = own.map(|policy| reading.policy(policy)).collect::<Result<_, _>>()?;
        let groups =
            answer.group_detail_list.iter().map(|group| reading.group(group)).collect::<Result<_, _>>()?;
        let users =
            answer.user_detail_list.iter().map(|user| reading.user(user)).collect::<Result<_, _>>()?;
        let roles =
            answer.role_detail_list.iter().map(|role| reading.role(role)).collect::<Result<_, _>>()?;
        let instance_profiles = answer
            .role_detail_list
            .iter()
            .flat_map(|role| role.instance_profile_list.iter().map(move |profile| (role, profile)))
            .map(|(role, profile)| reading.profile(role, profile))
            .collect::<Result<_, _>>()?;
        let left_out = reading.left_out.into_iter().collect();
        Ok(Self { account, partition, users, groups, roles, policies, instance_profiles, left_out })
    }
}

impl Details {
    /// Whether an AWS managed policy is known here.
    #[must_use]
    pub fn knows_aws_policy(arn: &str) -> bool {
        aws_managed::find(arn).is_some()
    }
}

fn key_of(policy: &PolicyDetail) -> NameKey {
    NameKey::of(&policy.policy_name)
}

pub(crate) fn is_aws(arn: &str) -> bool {
    aws_managed::is_aws_managed(arn)
}

fn arns(answer: &Answer) -> impl Iterator<Item = &str> {
    let users = answer.user_detail_list.iter().map(|user| user.arn.as_str());
    let groups = answer.group_detail_list.iter().map(|group| group.arn.as_str());
    let roles = answer.role_detail_list.iter().map(|role| role.arn.as_str());
    let policies = answer.policies.iter().map(|policy| policy.arn.as_str()).filter(|arn| !is_aws(arn));
    users.chain(groups).chain(roles).chain(policies)
}

/// The one account that everything is of.
pub(crate) fn account(answer: &Answer) -> Result<AccountId, DetailsError> {
    let mut account = None;
    for arn in arns(answer) {
        let of = ArnParts::parse(arn).and_then(|parts| parts.account_id());
        let of = of.ok_or_else(|| entity(arn, "it has no ARN of an account"))?;
        match account {
            Some(account) if account != of => {
                return Err(DetailsError::OtherAccount { what: arn.to_owned(), account });
            }
            _ => account = Some(of),
        }
    }
    account.ok_or(DetailsError::Empty)
}

/// The partition that the ARNs name.
fn partition(answer: &Answer) -> Partition {
    let named = |arn| ArnParts::parse(arn).and_then(|parts| Partition::from_name(parts.partition));
    arns(answer).find_map(named).unwrap_or_default()
}

/// The users and roles by ARN: what trust policies are bound to.
fn principals(answer: &Answer) -> BTreeMap<String, UniqueId> {
    let users = answer.user_detail_list.iter().map(|user| (&user.arn, &user.user_id));
    let roles = answer.role_detail_list.iter().map(|role| (&role.arn, &role.role_id));
    users.chain(roles).map(|(arn, id)| (arn.clone(), UniqueId::from_stored(id))).collect()
}

pub(crate) fn entity(arn: &str, cause: impl Into<String>) -> DetailsError {
    DetailsError::Entity { what: arn.to_owned(), cause: cause.into() }
}

struct Reading {
    account: AccountId,
    policies: BTreeSet<NameKey>,
    groups: BTreeMap<NameKey, UniqueId>,
    principals: BTreeMap<String, UniqueId>,
    left_out: BTreeSet<String>,
}

impl Reading {
    fn policy(&mut self, detail: &PolicyDetail) -> Result<ManagedPolicy, DetailsError> {
        check(&detail.arn, &detail.policy_name, &detail.path, &detail.policy_id)?;
        let number = |id: &str| id.strip_prefix('v')?.parse::<u32>().ok().filter(|number| *number > 0);
        let bad = |id: &str| entity(&detail.arn, format!("{id} is no version"));
        let created = Timestamp(detail.create_date.0);
        let mut versions = Vec::with_capacity(detail.policy_version_list.len());
        for version in &detail.policy_version_list {
            versions.push(PolicyVersion {
                number: number(&version.version_id).ok_or_else(|| bad(&version.version_id))?,
                document: document(&detail.arn, &version.document, PolicyKind::Identity)?,
                created: version.create_date.map_or(created, |date| Timestamp(date.0)),
            });
        }
        versions.sort_by_key(|version| version.number);
        let default_version =
            number(&detail.default_version_id).ok_or_else(|| bad(&detail.default_version_id))?;
        if !versions.iter().any(|version| version.number == default_version) {
            return Err(entity(&detail.arn, "its default version is not there"));
        }
        Ok(ManagedPolicy {
            v: Format,
            id: UniqueId::from_stored(&detail.policy_id),
            name: detail.policy_name.clone(),
            path: detail.path.clone(),
            description: detail.description.clone(),
            created,
            updated: detail.update_date.map_or(created, |date| Timestamp(date.0)),
            // The answer does not tell the tags of policies.
            tags: Tags::default(),
            last_version: versions.last().map_or(default_version, |version| version.number),
            versions,
            default_version,
        })
    }

    fn group(&mut self, detail: &GroupDetail) -> Result<Group, DetailsError> {
        check(&detail.arn, &detail.group_name, &detail.path, &detail.group_id)?;
        Ok(Group {
            v: Format,
            id: UniqueId::from_stored(&detail.group_id),
            name: detail.group_name.clone(),
            path: detail.path.clone(),
            created: Timestamp(detail.create_date.0),
            inline: inline(&detail.arn, &detail.group_policy_list)?,
            attached: self.attached(&detail.arn, &detail.attached_managed_policies)?,
        })
    }

    fn user(&mut self, detail: &UserDetail) -> Result<User, DetailsError> {
        check(&detail.arn, &detail.user_name, &detail.path, &detail.user_id)?;
        let group = |name: &String| {
            let found = self.groups.get(&NameKey::of(name)).cloned();
            found.ok_or_else(|| entity(&detail.arn, format!("its group {name} is not there")))
        };
        let groups = detail.group_list.iter().map(group).collect::<Result<_, _>>()?;
        Ok(User {
            v: Format,
            id: UniqueId::from_stored(&detail.user_id),
            name: detail.user_name.clone(),
            path: detail.path.clone(),
            created: Timestamp(detail.create_date.0),
            tags: tags(&detail.tags),
            boundary: self.boundary(&detail.arn, detail.permissions_boundary.as_ref())?,
            inline: inline(&detail.arn, &detail.user_policy_list)?,
            attached: self.attached(&detail.arn, &detail.attached_managed_policies)?,
            groups,
            access_keys: Vec::new(),
            login_profile: None,
            ssh_keys: Vec::new(),
            signing_certificates: Vec::new(),
            service_credentials: Vec::new(),
        })
    }

    fn role(&mut self, detail: &RoleDetail) -> Result<Role, DetailsError> {
        check(&detail.arn, &detail.role_name, &detail.path, &detail.role_id)?;
        let trust_policy = document(&detail.arn, &detail.assume_role_policy_document, PolicyKind::Trust)?;
        let linked_service =
            detail.path.strip_prefix(SERVICE_ROLES).map(|rest| rest.trim_end_matches('/').to_owned());
        Ok(Role {
            v: Format,
            id: UniqueId::from_stored(&detail.role_id),
            name: detail.role_name.clone(),
            path: detail.path.clone(),
            created: Timestamp(detail.create_date.0),
            // The answer tells neither of these.
            description: None,
            max_session_seconds: DEFAULT_MAX_SESSION_SECONDS,
            trust_bindings: self.bindings(&trust_policy),
            trust_policy,
            tags: tags(&detail.tags),
            boundary: self.boundary(&detail.arn, detail.permissions_boundary.as_ref())?,
            inline: inline(&detail.arn, &detail.role_policy_list)?,
            attached: self.attached(&detail.arn, &detail.attached_managed_policies)?,
            linked_service,
            source: None,
        })
    }

    fn profile(&self, role: &RoleDetail, detail: &Profile) -> Result<InstanceProfile, DetailsError> {
        check(&detail.arn, &detail.instance_profile_name, &detail.path, &detail.instance_profile_id)?;
        Ok(InstanceProfile {
            v: Format,
            id: UniqueId::from_stored(&detail.instance_profile_id),
            name: detail.instance_profile_name.clone(),
            path: detail.path.clone(),
            created: Timestamp(detail.create_date.0),
            tags: tags(&detail.tags),
            role: Some(UniqueId::from_stored(&role.role_id)),
        })
    }

    /// To whom a trust policy is bound: the users and roles of this account that it names.
    fn bindings(&self, trust_policy: &Arc<str>) -> BTreeMap<String, UniqueId> {
        let Ok(document) = Document::parse(trust_policy.clone(), Grammar::evaluated(PolicyKind::Trust))
        else {
            return BTreeMap::new();
        };
        let named = aws_principals(&document).into_iter();
        named.filter_map(|arn| Some((arn.to_owned(), self.principals.get(arn)?.clone()))).collect()
    }

    fn attached(&mut self, holder: &str, attached: &[Attached]) -> Result<AttachedPolicies, DetailsError> {
        let mut all = AttachedPolicies::new();
        for policy in attached {
            all.extend(self.reference(holder, &policy.policy_arn)?);
        }
        Ok(all)
    }

    fn boundary(
        &mut self,
        holder: &str,
        boundary: Option<&Boundary>,
    ) -> Result<Option<PolicyRef>, DetailsError> {
        let Some(boundary) = boundary else { return Ok(None) };
        let arn = &boundary.permissions_boundary_arn;
        // Without its boundary someone could do more than in truth.
        let unknown = || entity(holder, format!("its boundary {arn} is not known here"));
        self.reference(holder, arn)?.map(Some).ok_or_else(unknown)
    }

    /// The policy of an ARN; none where AWS has a policy that is not known here.
    fn reference(&mut self, holder: &str, arn: &str) -> Result<Option<PolicyRef>, DetailsError> {
        let reference = PolicyRef::from_arn(arn, self.account);
        match reference.ok_or_else(|| entity(holder, format!("{arn} is no policy of its account")))? {
            PolicyRef::Aws(name) if aws_managed::find(arn).is_none() => {
                self.left_out.insert(format!("{holder}: the AWS managed policy {name} is not known here"));
                Ok(None)
            }
            PolicyRef::Customer(key) if !self.policies.contains(&key) => {
                Err(entity(holder, format!("its policy {arn} is not there")))
            }
            known => Ok(Some(known)),
        }
    }
}

fn tags(tags: &[KeyAndValue]) -> Tags {
    tags.iter().map(|tag| Tag { key: tag.key.clone(), value: tag.value.clone() }).collect()
}

fn inline(holder: &str, policies: &[Inline]) -> Result<InlinePolicies, DetailsError> {
    let one = |policy: &Inline| {
        let document = document(holder, &policy.policy_document, PolicyKind::Identity)?;
        Ok((policy.policy_name.clone(), document))
    };
    policies.iter().map(one).collect()
}

/// A document as text: JSON in the answer, or a string that may be URL-encoded. It must be one that can be decided by.
pub(crate) fn document(holder: &str, raw: &RawValue, kind: PolicyKind) -> Result<Arc<str>, DetailsError> {
    let text: Arc<str> = match serde_json::from_str::<String>(raw.get()) {
        Ok(encoded) if encoded.starts_with('%') => {
            let decoded = percent_decode_str(&encoded).decode_utf8();
            decoded.map_err(|cause| entity(holder, cause.to_string()))?.into()
        }
        Ok(plain) => plain.into(),
        Err(_) => raw.get().into(),
    };
    Document::parse(text.clone(), Grammar::evaluated(kind))
        .map_err(|cause| entity(holder, cause.to_string()))?;
    Ok(text)
}

/// Names and ids become keys of the store.
fn check(arn: &str, name: &str, path: &str, id: &str) -> Result<(), DetailsError> {
    let good_name = (1..=128).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte));
    let good_path =
        path.starts_with('/') && path.ends_with('/') && path.bytes().all(|b| (0x21..=0x7e).contains(&b));
    let good_id = (16..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match (good_name, good_path, good_id) {
        (false, ..) => Err(entity(arn, format!("{name:?} is no name"))),
        (_, false, _) => Err(entity(arn, format!("{path:?} is no path"))),
        (.., false) => Err(entity(arn, format!("{id:?} is no unique id"))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "arn:aws:iam::123456789012";

    fn user(more: &str) -> String {
        format!(
            r#"{{"UserName": "jane", "UserId": "AIDA1234567890EXAMPLE", "Arn": "{BASE}:user/jane", "Path": "/",
            "CreateDate": "2013-10-14 18:32:24+00:00" {more}}}"#
        )
    }

    fn parse(users: &str) -> Result<Details, String> {
        Details::parse(&format!(r#"{{"UserDetailList": [{users}]}}"#)).map_err(|error| error.to_string())
    }

    #[test]
    fn what_the_answer_says_is_taken_over() {
        let details = parse(&user(
            r#", "UserPolicyList": [
                {"PolicyName": "plain", "PolicyDocument": {"Version": "2012-10-17", "Statement": []}},
                {"PolicyName": "coded", "PolicyDocument": "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D"}],
            "AttachedManagedPolicies": [{"PolicyName": "x", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
                {"PolicyName": "y", "PolicyArn": "arn:aws:iam::aws:policy/NoSuchPolicyOfAws"}],
            "Tags": [{"Key": "team", "Value": "data"}]"#,
        ))
        .unwrap();
        let [jane] = details.users.as_slice() else { panic!("one user") };
        assert_eq!((details.account.to_string().as_str(), jane.created.0), ("123456789012", 1_381_775_544));
        assert_eq!(&*jane.inline["coded"], r#"{"Version":"2012-10-17","Statement":[]}"#);
        assert_eq!(jane.attached.len(), 1);
        assert_eq!(details.left_out.len(), 1);
    }

    #[test]
    fn the_partition_is_that_of_the_arns() {
        assert_eq!(parse(&user("")).unwrap().partition, Partition::Aws);
        assert_eq!(parse(&user("").replace("arn:aws:", "arn:aws-cn:")).unwrap().partition, Partition::AwsCn);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (users, problem) in [
            (user(r#", "GroupList": ["none"]"#), "its group none is not there"),
            (user("").replace("AIDA1234567890EXAMPLE", "../../accounts"), "is no unique id"),
            (user("").replace("\"jane\"", "\"a/b\""), "is no name"),
            (user(r#", "Path": "x""#).replacen(r#""Path": "/","#, "", 1), "is no path"),
            (
                user(
                    r#", "PermissionsBoundary": {"PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/x"}"#,
                ),
                "is not there",
            ),
            (
                user(r#", "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": {"Statement": 1}}]"#),
                "user/jane: ",
            ),
            (
                format!("{}, {}", user(""), user("").replace("123456789012", "210987654321")),
                "is not of the account",
            ),
            (String::new(), "there is nothing in it"),
            ("{}".to_owned(), "missing field"),
        ] {
            let error = parse(&users).unwrap_err();
            assert!(error.contains(problem), "{error} for {users}");
        }
    }
}
