//! How entities look in answers. AWS shows more in some answers than in others.

use rolecall_aws_model::iam as wire;
use rolecall_managed_policies as aws_managed;
use rolecall_state::entities as entity;
use rolecall_state::snapshot::Account;
use rolecall_state::{PolicyRef, Timestamp, arn};

use crate::env::Env;
use crate::{documents, tags};

/// How much of an entity an answer shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// What the operation that makes it answers.
    Created,
    /// What lists answer: no tags, no boundary, no use.
    Listed,
    /// What `Get…` answers: everything.
    Full,
}

/// A time on the wire.
pub(crate) fn time(at: Timestamp) -> rolecall_aws_model::Timestamp {
    rolecall_aws_model::Timestamp::from_seconds(at.0)
}

/// The permissions boundary of a user or role.
pub(crate) fn boundary(
    env: &Env<'_>,
    account: &Account,
    policy: Option<&PolicyRef>,
) -> Option<wire::AttachedPermissionsBoundary> {
    let arn = match policy? {
        PolicyRef::Aws(name) => arn::aws_managed_policy(env.partition(), name),
        PolicyRef::Customer(key) => {
            let policy = account.policies.by_key(key)?;
            env.arn("policy", &policy.path, &policy.name)
        }
    };
    Some(wire::AttachedPermissionsBoundary {
        permissions_boundary_type: Some("Policy".into()),
        permissions_boundary_arn: Some(arn),
    })
}

/// A user.
pub(crate) fn user(env: &Env<'_>, account: &Account, user: &entity::User, detail: Detail) -> wire::User {
    let full = detail != Detail::Listed;
    wire::User {
        path: user.path.clone(),
        user_name: user.name.clone(),
        user_id: user.id.to_string(),
        arn: env.arn("user", &user.path, &user.name),
        create_date: time(user.created),
        password_last_used: password_last_used(env, account, user.id.as_str()),
        permissions_boundary: if full { boundary(env, account, user.boundary.as_ref()) } else { None },
        tags: if full { tags::all(&user.tags) } else { Vec::new() },
    }
}

/// When a user last signed in with its password.
pub(crate) fn password_last_used(
    env: &Env<'_>,
    account: &Account,
    user: &str,
) -> Option<rolecall_aws_model::Timestamp> {
    env.last_used.of(user, account.last_use(user)).map(|last| time(last.at))
}

/// The root user, as `GetUser` shows it to itself.
pub(crate) fn root_user(env: &Env<'_>, record: &entity::AccountRecord) -> wire::User {
    wire::User {
        path: String::new(),
        user_name: String::new(),
        user_id: record.id.to_string(),
        arn: arn::root(env.partition(), record.id),
        create_date: time(record.created),
        // The root user of this program has no password.
        password_last_used: None,
        permissions_boundary: None,
        tags: Vec::new(),
    }
}

/// A group.
pub(crate) fn group(env: &Env<'_>, group: &entity::Group) -> wire::Group {
    wire::Group {
        path: group.path.clone(),
        group_name: group.name.clone(),
        group_id: group.id.to_string(),
        arn: env.arn("group", &group.path, &group.name),
        create_date: time(group.created),
    }
}

/// A role. `CreateRole` and the lists leave out what only `GetRole` has.
pub(crate) fn role(env: &Env<'_>, account: &Account, role: &entity::Role, detail: Detail) -> wire::Role {
    let listed = detail == Detail::Listed;
    wire::Role {
        path: role.path.clone(),
        role_name: role.name.clone(),
        role_id: role.id.to_string(),
        arn: env.arn("role", &role.path, &role.name),
        create_date: time(role.created),
        assume_role_policy_document: Some(documents::encode(&documents::shown_trust_policy(role, account))),
        description: role.description.clone(),
        max_session_duration: match detail {
            Detail::Created => None,
            Detail::Listed | Detail::Full => i32::try_from(role.max_session_seconds).ok(),
        },
        permissions_boundary: if listed { None } else { boundary(env, account, role.boundary.as_ref()) },
        tags: if listed { Vec::new() } else { tags::all(&role.tags) },
        source_role_template: role.source.as_ref().map(|source| wire::SourceRoleTemplate {
            template_arn: source.template.clone(),
            template_minor_version: source.minor,
        }),
        role_last_used: (detail == Detail::Full).then(|| role_last_used(env, account, role)),
    }
}

fn role_last_used(env: &Env<'_>, account: &Account, role: &entity::Role) -> wire::RoleLastUsed {
    let last = env.last_used.of(role.id.as_str(), account.last_use(role.id.as_str()));
    last.map_or_else(wire::RoleLastUsed::default, |last| wire::RoleLastUsed {
        last_used_date: Some(time(last.at)),
        region: Some(last.region),
    })
}

/// An instance profile with its role.
pub(crate) fn instance_profile(
    env: &Env<'_>,
    account: &Account,
    profile: &entity::InstanceProfile,
    detail: Detail,
) -> wire::InstanceProfile {
    let role = crate::instance_profiles::role_of(account, profile);
    wire::InstanceProfile {
        path: profile.path.clone(),
        instance_profile_name: profile.name.clone(),
        instance_profile_id: profile.id.to_string(),
        arn: env.arn("instance-profile", &profile.path, &profile.name),
        create_date: time(profile.created),
        roles: role.map(|role| self::role(env, account, role, Detail::Created)).into_iter().collect(),
        tags: if detail == Detail::Listed { Vec::new() } else { tags::all(&profile.tags) },
    }
}

/// A customer managed policy.
pub(crate) fn policy(
    env: &Env<'_>,
    account: &Account,
    policy: &entity::ManagedPolicy,
    detail: Detail,
) -> wire::Policy {
    let reference = PolicyRef::Customer(policy.key());
    wire::Policy {
        policy_name: Some(policy.name.clone()),
        policy_id: Some(policy.id.to_string()),
        arn: Some(env.arn("policy", &policy.path, &policy.name)),
        path: Some(policy.path.clone()),
        default_version_id: Some(format!("v{}", policy.default_version)),
        attachment_count: count(account.attachment_count(&reference)),
        permissions_boundary_usage_count: count(account.boundary_usage_count(&reference)),
        is_attachable: Some(true),
        // Lists leave the description out.
        description: if detail == Detail::Full { policy.description.clone() } else { None },
        create_date: Some(time(policy.created)),
        update_date: Some(time(policy.updated)),
        tags: if detail == Detail::Listed { Vec::new() } else { tags::all(&policy.tags) },
    }
}

fn count(n: usize) -> Option<i32> {
    i32::try_from(n).ok()
}

/// An AWS managed policy, with this account's use of it.
pub(crate) fn aws_policy(
    env: &Env<'_>,
    account: &Account,
    policy: &'static aws_managed::ManagedPolicy,
    detail: Detail,
) -> wire::Policy {
    let name = format!("{}{}", policy.path.trim_start_matches('/'), policy.name);
    let reference = PolicyRef::Aws(name.into());
    wire::Policy {
        policy_name: Some(policy.name.into()),
        policy_id: Some(policy.policy_id()),
        arn: Some(policy.arn_in(env.partition().as_str())),
        path: Some(policy.path.into()),
        default_version_id: Some(policy.default_version_id()),
        attachment_count: count(account.attachment_count(&reference)),
        permissions_boundary_usage_count: count(account.boundary_usage_count(&reference)),
        is_attachable: Some(true),
        // FIDELITY: the descriptions of AWS managed policies are not in the data.
        description: (detail == Detail::Full).then(String::new),
        create_date: Some(time(Timestamp(policy.create_date))),
        update_date: Some(time(Timestamp(policy.update_date))),
        tags: Vec::new(),
    }
}

/// A version of a customer managed policy; lists leave the document out.
pub(crate) fn policy_version(
    policy: &entity::ManagedPolicy,
    version: &entity::PolicyVersion,
    with_document: bool,
) -> wire::PolicyVersion {
    wire::PolicyVersion {
        document: with_document.then(|| documents::encode(&version.document)),
        version_id: Some(format!("v{}", version.number)),
        is_default_version: Some(version.number == policy.default_version),
        create_date: Some(time(version.created)),
    }
}

/// The version in force of an AWS managed policy.
pub(crate) fn aws_policy_version(
    env: &Env<'_>,
    policy: &'static aws_managed::ManagedPolicy,
    with_document: bool,
) -> wire::PolicyVersion {
    wire::PolicyVersion {
        document: with_document.then(|| documents::encode(&policy.document_in(env.partition().as_str()))),
        version_id: Some(policy.default_version_id()),
        is_default_version: Some(true),
        create_date: Some(time(Timestamp(policy.update_date))),
    }
}
