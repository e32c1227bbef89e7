//! From an authorized input to its handler.

use rolecall_access::Authorized;
use rolecall_aws_model::iam::{Operation, Request, Response};
use rolecall_state::Txn;

use crate::env::Env;
use crate::error::IamError;
use crate::{
    access_keys, account, attachments, boundaries, groups, inline, instance_profiles, policies, policy_lists, roles,
    users,
};

macro_rules! handlers {
    ($($operation:ident => $handler:path,)*) => {
        /// Carries an authorized operation out. It may run again, on a newer snapshot.
        ///
        /// # Errors
        /// The operation's own, in AWS's words.
        pub fn handle(txn: &mut Txn, env: &Env<'_>, request: &Authorized<Request>) -> Result<Response, IamError> {
            match request.input() {
                $(Request::$operation(request) => {
                    Ok(Response::$operation(Box::new($handler(txn, env, request)?)))
                })*
                other => Err(IamError::NotImplemented(other.operation().name())),
            }
        }

        /// Whether there is a handler for an operation.
        pub fn is_handled(operation: Operation) -> bool {
            matches!(operation, $(Operation::$operation)|*)
        }
    };
}

handlers! {
    AddRoleToInstanceProfile => instance_profiles::add_role_to_instance_profile,
    AddUserToGroup => groups::add_user_to_group,
    AttachGroupPolicy => attachments::attach_group_policy,
    AttachRolePolicy => attachments::attach_role_policy,
    AttachUserPolicy => attachments::attach_user_policy,
    CreateAccessKey => access_keys::create_access_key,
    CreateAccountAlias => account::create_account_alias,
    CreateGroup => groups::create_group,
    CreateInstanceProfile => instance_profiles::create_instance_profile,
    CreatePolicy => policies::create_policy,
    CreatePolicyVersion => policies::create_policy_version,
    CreateRole => roles::create_role,
    CreateUser => users::create_user,
    DeleteAccessKey => access_keys::delete_access_key,
    DeleteAccountAlias => account::delete_account_alias,
    DeleteGroup => groups::delete_group,
    DeleteGroupPolicy => inline::delete_group_policy,
    DeleteInstanceProfile => instance_profiles::delete_instance_profile,
    DeletePolicy => policies::delete_policy,
    DeletePolicyVersion => policies::delete_policy_version,
    DeleteRole => roles::delete_role,
    DeleteRolePermissionsBoundary => boundaries::delete_role_permissions_boundary,
    DeleteRolePolicy => inline::delete_role_policy,
    DeleteUser => users::delete_user,
    DeleteUserPermissionsBoundary => boundaries::delete_user_permissions_boundary,
    DeleteUserPolicy => inline::delete_user_policy,
    DetachGroupPolicy => attachments::detach_group_policy,
    DetachRolePolicy => attachments::detach_role_policy,
    DetachUserPolicy => attachments::detach_user_policy,
    GetAccountSummary => account::get_account_summary,
    GetGroup => groups::get_group,
    GetGroupPolicy => inline::get_group_policy,
    GetInstanceProfile => instance_profiles::get_instance_profile,
    GetPolicy => policies::get_policy,
    GetPolicyVersion => policies::get_policy_version,
    GetRole => roles::get_role,
    GetRolePolicy => inline::get_role_policy,
    GetUser => users::get_user,
    GetUserPolicy => inline::get_user_policy,
    ListAccessKeys => access_keys::list_access_keys,
    ListAccountAliases => account::list_account_aliases,
    ListAttachedGroupPolicies => attachments::list_attached_group_policies,
    ListAttachedRolePolicies => attachments::list_attached_role_policies,
    ListAttachedUserPolicies => attachments::list_attached_user_policies,
    ListEntitiesForPolicy => policy_lists::list_entities_for_policy,
    ListGroupPolicies => inline::list_group_policies,
    ListGroups => groups::list_groups,
    ListGroupsForUser => groups::list_groups_for_user,
    ListInstanceProfileTags => instance_profiles::list_instance_profile_tags,
    ListInstanceProfiles => instance_profiles::list_instance_profiles,
    ListInstanceProfilesForRole => instance_profiles::list_instance_profiles_for_role,
    ListPolicies => policy_lists::list_policies,
    ListPolicyTags => policies::list_policy_tags,
    ListPolicyVersions => policies::list_policy_versions,
    ListRolePolicies => inline::list_role_policies,
    ListRoleTags => roles::list_role_tags,
    ListRoles => roles::list_roles,
    ListUserPolicies => inline::list_user_policies,
    ListUserTags => users::list_user_tags,
    ListUsers => users::list_users,
    PutGroupPolicy => inline::put_group_policy,
    PutRolePermissionsBoundary => boundaries::put_role_permissions_boundary,
    PutRolePolicy => inline::put_role_policy,
    PutUserPermissionsBoundary => boundaries::put_user_permissions_boundary,
    PutUserPolicy => inline::put_user_policy,
    RemoveRoleFromInstanceProfile => instance_profiles::remove_role_from_instance_profile,
    RemoveUserFromGroup => groups::remove_user_from_group,
    SetDefaultPolicyVersion => policies::set_default_policy_version,
    TagInstanceProfile => instance_profiles::tag_instance_profile,
    TagPolicy => policies::tag_policy,
    TagRole => roles::tag_role,
    TagUser => users::tag_user,
    UntagInstanceProfile => instance_profiles::untag_instance_profile,
    UntagPolicy => policies::untag_policy,
    UntagRole => roles::untag_role,
    UntagUser => users::untag_user,
    UpdateAccessKey => access_keys::update_access_key,
    UpdateAssumeRolePolicy => roles::update_assume_role_policy,
    UpdateGroup => groups::update_group,
    UpdateRole => roles::update_role,
    UpdateRoleDescription => roles::update_role_description,
    UpdateUser => users::update_user,
}
