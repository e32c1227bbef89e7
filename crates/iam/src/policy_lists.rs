//! Listing managed policies, and who holds them.

use rolecall_aws_model::iam as wire;
use rolecall_managed_policies as aws_managed;
use rolecall_state::snapshot::{Account, Holder, HolderKind};
use rolecall_state::{PolicyRef, Txn};

use crate::env::{Env, account};
use crate::error::IamError;
use crate::paging::Paging;
use crate::{policies, views};

/// A policy in a list, before it is shown.
enum Listed<'a> {
    Customer(&'a rolecall_state::entities::ManagedPolicy),
    Aws(&'static aws_managed::ManagedPolicy),
}

impl Listed<'_> {
    fn reference(&self) -> PolicyRef {
        match self {
            Self::Customer(policy) => PolicyRef::Customer(policy.key()),
            Self::Aws(policy) => {
                let name = format!("{}{}", policy.path.trim_start_matches('/'), policy.name);
                PolicyRef::Aws(name.into())
            }
        }
    }

    fn path(&self) -> &str {
        match self {
            Self::Customer(policy) => &policy.path,
            Self::Aws(policy) => policy.path,
        }
    }

    // The account's own policies come before those of AWS.
    fn sort_key(&self) -> String {
        match self {
            Self::Customer(policy) => format!("1/{}", policy.key().as_str()),
            Self::Aws(policy) => format!("2{}{}", policy.path, policy.name),
        }
    }
}

pub(crate) fn list_policies(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListPoliciesRequest,
) -> Result<wire::ListPoliciesResponse, IamError> {
    let wire::ListPoliciesRequest {
        scope,
        only_attached,
        path_prefix,
        policy_usage_filter,
        marker,
        max_items,
    } = request;
    let account = account(txn)?;
    let scope = scope.as_deref().unwrap_or("All");
    let prefix = path_prefix.as_deref().unwrap_or("/");
    let own = account.policies.iter().filter(|_| scope != "AWS").map(|policy| Listed::Customer(policy));
    let aws = if scope == "Local" { &[] } else { aws_managed::all() };
    let mut listed: Vec<Listed<'_>> = own.chain(aws.iter().map(Listed::Aws)).collect();
    listed.retain(|policy| policy.path().starts_with(prefix));
    let in_use = |policy: &Listed<'_>, usage: &str| match usage {
        "PermissionsBoundary" => account.boundary_usage_count(&policy.reference()) > 0,
        _ => account.attachment_count(&policy.reference()) > 0,
    };
    if only_attached.unwrap_or(false) {
        listed.retain(|policy| in_use(policy, "PermissionsPolicy"));
    }
    if let Some(usage) = policy_usage_filter {
        listed.retain(|policy| in_use(policy, usage));
    }
    listed.sort_by_cached_key(Listed::sort_key);
    let page = Paging::new(marker.as_deref(), *max_items)?.take(listed, Listed::sort_key);
    let page = page.map(|policy| match policy {
        Listed::Customer(policy) => views::policy(env, &account, policy, views::Detail::Listed),
        Listed::Aws(policy) => views::aws_policy(env, &account, policy, views::Detail::Listed),
    });
    Ok(wire::ListPoliciesResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        policies: page.items,
    })
}

pub(crate) fn list_entities_for_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListEntitiesForPolicyRequest,
) -> Result<wire::ListEntitiesForPolicyResponse, IamError> {
    let wire::ListEntitiesForPolicyRequest {
        policy_arn,
        entity_filter,
        path_prefix,
        policy_usage_filter,
        marker,
        max_items,
    } = request;
    let policy = policies::resolve(txn, env, policy_arn)?;
    let account = account(txn)?;
    let filter =
        EntityFilter { kind: entity_filter.as_deref(), prefix: path_prefix.as_deref().unwrap_or("/") };
    let usage = policy_usage_filter.as_deref();
    let attached = account.attached_to(&policy).filter(|_| usage != Some("PermissionsBoundary"));
    let bounded = account.bounded_by(&policy).filter(|_| usage != Some("PermissionsPolicy"));
    // One entity may hold the policy in both ways and is listed once.
    let holders: std::collections::BTreeSet<&Holder> = attached.chain(bounded).collect();
    let named = holders.into_iter().filter_map(|holder| name_and_path(&account, holder));
    let named = named.filter(|entity| filter.admits(entity));
    let page = Paging::new(marker.as_deref(), *max_items)?
        .take(named, |entity| format!("{:?}/{}", entity.kind, entity.id));
    let mut response = wire::ListEntitiesForPolicyResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        ..Default::default()
    };
    for Named { kind, name, id, .. } in page.items {
        match kind {
            HolderKind::Group => {
                response.policy_groups.push(wire::PolicyGroup { group_name: Some(name), group_id: Some(id) })
            }
            HolderKind::Role => {
                response.policy_roles.push(wire::PolicyRole { role_name: Some(name), role_id: Some(id) })
            }
            HolderKind::User => {
                response.policy_users.push(wire::PolicyUser { user_name: Some(name), user_id: Some(id) })
            }
        }
    }
    Ok(response)
}

struct Named {
    kind: HolderKind,
    name: String,
    path: String,
    id: String,
}

fn name_and_path(account: &Account, holder: &Holder) -> Option<Named> {
    let (name, path) = match holder.kind {
        HolderKind::User => account.users.by_id(&holder.id).map(|u| (u.name.clone(), u.path.clone())),
        HolderKind::Role => account.roles.by_id(&holder.id).map(|r| (r.name.clone(), r.path.clone())),
        HolderKind::Group => account.groups.by_id(&holder.id).map(|g| (g.name.clone(), g.path.clone())),
    }?;
    Some(Named { kind: holder.kind, name, path, id: holder.id.to_string() })
}

struct EntityFilter<'a> {
    kind: Option<&'a str>,
    prefix: &'a str,
}

impl EntityFilter<'_> {
    fn admits(&self, entity: &Named) -> bool {
        let kind = match entity.kind {
            HolderKind::User => "User",
            HolderKind::Role => "Role",
            HolderKind::Group => "Group",
        };
        // The other filters name kinds of policies, which an entity can't be.
        self.kind.is_none_or(|wanted| wanted == kind) && entity.path.starts_with(self.prefix)
    }
}
