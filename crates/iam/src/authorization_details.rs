//! The whole account in one list: `GetAccountAuthorizationDetails`.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>

use rolecall_aws_model::iam as wire;
use rolecall_managed_policies as aws_managed;
use rolecall_state::entities::{AttachedPolicies, Group, InlinePolicies, ManagedPolicy, Role, User};
use rolecall_state::snapshot::Account;
use rolecall_state::{PolicyRef, Txn};

use crate::env::{Env, account};
use crate::error::IamError;
use crate::paging::Paging;
use crate::{documents, policies, tags, views};

/// One entity of the list; users come first, then groups, roles and policies.
enum Listed<'a> {
    User(&'a User),
    Group(&'a Group),
    Role(&'a Role),
    Customer(&'a ManagedPolicy),
    Aws(&'static aws_managed::ManagedPolicy),
}

impl Listed<'_> {
    // What the request's `Filter` calls it.
    fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "User",
            Self::Group(_) => "Group",
            Self::Role(_) => "Role",
            Self::Customer(_) => "LocalManagedPolicy",
            Self::Aws(_) => "AWSManagedPolicy",
        }
    }

    fn sort_key(&self) -> String {
        match self {
            Self::User(user) => format!("1/{}", user.key().as_str()),
            Self::Group(group) => format!("2/{}", group.key().as_str()),
            Self::Role(role) => format!("3/{}", role.key().as_str()),
            Self::Customer(policy) => format!("4/{}", policy.key().as_str()),
            Self::Aws(policy) => format!("5{}{}", policy.path, policy.name),
        }
    }
}

fn all(account: &Account) -> Vec<Listed<'_>> {
    let users = account.users.iter().map(|user| Listed::User(user));
    let groups = account.groups.iter().map(|group| Listed::Group(group));
    let roles = account.roles.iter().map(|role| Listed::Role(role));
    let own = account.policies.iter().map(|policy| Listed::Customer(policy));
    // Of AWS's policies only those that the account uses.
    let used = |policy: &&'static aws_managed::ManagedPolicy| {
        let name = format!("{}{}", policy.path.trim_start_matches('/'), policy.name);
        let reference = PolicyRef::Aws(name.into());
        account.attachment_count(&reference) + account.boundary_usage_count(&reference) > 0
    };
    let aws = aws_managed::all().iter().filter(used).map(Listed::Aws);
    let mut all: Vec<_> = users.chain(groups).chain(roles).chain(own).chain(aws).collect();
    all.sort_by_cached_key(Listed::sort_key);
    all
}

pub(crate) fn get_account_authorization_details(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetAccountAuthorizationDetailsRequest,
) -> Result<wire::GetAccountAuthorizationDetailsResponse, IamError> {
    let wire::GetAccountAuthorizationDetailsRequest { filter, max_items, marker } = request;
    let account = account(txn)?;
    let mut listed = all(&account);
    listed.retain(|one| filter.is_empty() || filter.iter().any(|kind| kind == one.kind()));
    let page = Paging::new(marker.as_deref(), *max_items)?.take(listed, Listed::sort_key);
    let mut answer = wire::GetAccountAuthorizationDetailsResponse {
        user_detail_list: Vec::new(),
        group_detail_list: Vec::new(),
        role_detail_list: Vec::new(),
        policies: Vec::new(),
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
    };
    for one in page.items {
        match one {
            Listed::User(user) => answer.user_detail_list.push(user_detail(env, &account, user)),
            Listed::Group(group) => answer.group_detail_list.push(group_detail(env, &account, group)),
            Listed::Role(role) => answer.role_detail_list.push(role_detail(env, &account, role)),
            Listed::Customer(policy) => answer.policies.push(customer_detail(env, &account, policy)),
            Listed::Aws(policy) => answer.policies.push(aws_detail(env, &account, policy)),
        }
    }
    Ok(answer)
}

fn inline(policies: &InlinePolicies) -> Vec<wire::PolicyDetail> {
    let detail = |(name, document): (&String, &std::sync::Arc<str>)| wire::PolicyDetail {
        policy_name: Some(name.clone()),
        policy_document: Some(documents::encode(document)),
    };
    policies.iter().map(detail).collect()
}

fn attached(env: &Env<'_>, account: &Account, policies: &AttachedPolicies) -> Vec<wire::AttachedPolicy> {
    let named = policies.iter().filter_map(|policy| policies::arn_and_name(env, account, policy));
    named.map(|(arn, name)| wire::AttachedPolicy { policy_name: Some(name), policy_arn: Some(arn) }).collect()
}

fn user_detail(env: &Env<'_>, account: &Account, user: &User) -> wire::UserDetail {
    wire::UserDetail {
        path: Some(user.path.clone()),
        user_name: Some(user.name.clone()),
        user_id: Some(user.id.to_string()),
        arn: Some(env.arn("user", &user.path, &user.name)),
        create_date: Some(views::time(user.created)),
        user_policy_list: inline(&user.inline),
        group_list: account.groups_of(user).into_iter().map(|group| group.name.clone()).collect(),
        attached_managed_policies: attached(env, account, &user.attached),
        permissions_boundary: views::boundary(env, account, user.boundary.as_ref()),
        tags: tags::all(&user.tags),
    }
}

fn group_detail(env: &Env<'_>, account: &Account, group: &Group) -> wire::GroupDetail {
    wire::GroupDetail {
        path: Some(group.path.clone()),
        group_name: Some(group.name.clone()),
        group_id: Some(group.id.to_string()),
        arn: Some(env.arn("group", &group.path, &group.name)),
        create_date: Some(views::time(group.created)),
        group_policy_list: inline(&group.inline),
        attached_managed_policies: attached(env, account, &group.attached),
    }
}

fn role_detail(env: &Env<'_>, account: &Account, role: &Role) -> wire::RoleDetail {
    let shown = views::role(env, account, role, views::Detail::Full);
    let profiles = account.profiles_of(&role.id);
    let profiles = profiles
        .into_iter()
        .map(|profile| views::instance_profile(env, account, profile, views::Detail::Listed));
    wire::RoleDetail {
        path: Some(shown.path),
        role_name: Some(shown.role_name),
        role_id: Some(shown.role_id),
        arn: Some(shown.arn),
        create_date: Some(shown.create_date),
        assume_role_policy_document: shown.assume_role_policy_document,
        instance_profile_list: profiles.collect(),
        role_policy_list: inline(&role.inline),
        attached_managed_policies: attached(env, account, &role.attached),
        permissions_boundary: shown.permissions_boundary,
        tags: shown.tags,
        role_last_used: shown.role_last_used,
    }
}

fn customer_detail(env: &Env<'_>, account: &Account, policy: &ManagedPolicy) -> wire::ManagedPolicyDetail {
    let mut versions: Vec<_> = policy.versions.iter().collect();
    versions.sort_by_key(|version| std::cmp::Reverse(version.number));
    let versions = versions.into_iter().map(|version| views::policy_version(policy, version, true)).collect();
    policy_detail(views::policy(env, account, policy, views::Detail::Full), versions)
}

fn aws_detail(
    env: &Env<'_>,
    account: &Account,
    policy: &'static aws_managed::ManagedPolicy,
) -> wire::ManagedPolicyDetail {
    let version = views::aws_policy_version(env, policy, true);
    policy_detail(views::aws_policy(env, account, policy, views::Detail::Listed), vec![version])
}

fn policy_detail(shown: wire::Policy, versions: Vec<wire::PolicyVersion>) -> wire::ManagedPolicyDetail {
    wire::ManagedPolicyDetail {
        policy_name: shown.policy_name,
        policy_id: shown.policy_id,
        arn: shown.arn,
        path: shown.path,
        default_version_id: shown.default_version_id,
        attachment_count: shown.attachment_count,
        permissions_boundary_usage_count: shown.permissions_boundary_usage_count,
        is_attachable: shown.is_attachable,
        description: shown.description,
        create_date: shown.create_date,
        update_date: shown.update_date,
        policy_version_list: versions,
    }
}
