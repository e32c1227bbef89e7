//! From an authorized input to its handler.

use rolecall_access::Authorized;
use rolecall_aws_model::organizations::{Operation, Request, Response};
use rolecall_state::Txn;

use crate::env::Env;
use crate::error::OrganizationsError;
use crate::{
    accounts, attachments, creations, delegation, effective, features, handshakes, moves, organization,
    policies, policy_types, resource_policy, tags, trusted_services, units, validity,
};

macro_rules! handlers {
    ($($operation:ident => $handler:path,)*) => {
        /// Carries an authorized operation out. It may run again, on a newer snapshot.
        ///
        /// # Errors
        /// The operation's own, in AWS's words.
        pub fn handle(
            txn: &mut Txn,
            env: &Env<'_>,
            request: &Authorized<Request>,
        ) -> Result<Response, OrganizationsError> {
            match request.input() {
                $(Request::$operation(request) => {
                    Ok(Response::$operation(Box::new($handler(txn, env, request)?)))
                })*
                other => Err(OrganizationsError::NotImplemented(other.operation().name())),
            }
        }

        /// Whether there is a handler for an operation.
        pub fn is_handled(operation: Operation) -> bool {
            matches!(operation, $(Operation::$operation)|*)
        }
    };
}

handlers! {
    AcceptHandshake => handshakes::accept_handshake,
    AttachPolicy => attachments::attach_policy,
    CancelHandshake => handshakes::cancel_handshake,
    CloseAccount => accounts::close_account,
    CreateAccount => creations::create_account,
    CreateOrganization => organization::create_organization,
    CreateOrganizationalUnit => units::create_organizational_unit,
    CreatePolicy => policies::create_policy,
    DeclineHandshake => handshakes::decline_handshake,
    DeleteOrganization => organization::delete_organization,
    DeleteOrganizationalUnit => units::delete_organizational_unit,
    DeletePolicy => policies::delete_policy,
    DeleteResourcePolicy => resource_policy::delete_resource_policy,
    DeregisterDelegatedAdministrator => delegation::deregister_delegated_administrator,
    DescribeAccount => accounts::describe_account,
    DescribeCreateAccountStatus => creations::describe_create_account_status,
    DescribeEffectivePolicy => effective::describe_effective_policy,
    DescribeHandshake => handshakes::describe_handshake,
    DescribeOrganization => organization::describe_organization,
    DescribeOrganizationalUnit => units::describe_organizational_unit,
    DescribePolicy => policies::describe_policy,
    DescribeResourcePolicy => resource_policy::describe_resource_policy,
    DetachPolicy => attachments::detach_policy,
    DisableAWSServiceAccess => trusted_services::disable_aws_service_access,
    DisablePolicyType => policy_types::disable_policy_type,
    EnableAWSServiceAccess => trusted_services::enable_aws_service_access,
    EnableAllFeatures => features::enable_all_features,
    EnablePolicyType => policy_types::enable_policy_type,
    InviteAccountToOrganization => handshakes::invite_account_to_organization,
    LeaveOrganization => accounts::leave_organization,
    ListAWSServiceAccessForOrganization => trusted_services::list_aws_service_access_for_organization,
    ListAccounts => accounts::list_accounts,
    ListAccountsForParent => accounts::list_accounts_for_parent,
    ListAccountsWithInvalidEffectivePolicy => validity::list_accounts_with_invalid_effective_policy,
    ListChildren => units::list_children,
    ListCreateAccountStatus => creations::list_create_account_status,
    ListDelegatedAdministrators => delegation::list_delegated_administrators,
    ListDelegatedServicesForAccount => delegation::list_delegated_services_for_account,
    ListEffectivePolicyValidationErrors => validity::list_effective_policy_validation_errors,
    ListHandshakesForAccount => handshakes::list_handshakes_for_account,
    ListHandshakesForOrganization => handshakes::list_handshakes_for_organization,
    ListOrganizationalUnitsForParent => units::list_organizational_units_for_parent,
    ListParents => units::list_parents,
    ListPolicies => policies::list_policies,
    ListPoliciesForTarget => attachments::list_policies_for_target,
    ListRoots => organization::list_roots,
    ListTagsForResource => tags::list_tags_for_resource,
    ListTargetsForPolicy => attachments::list_targets_for_policy,
    MoveAccount => moves::move_account,
    PutResourcePolicy => resource_policy::put_resource_policy,
    RegisterDelegatedAdministrator => delegation::register_delegated_administrator,
    RemoveAccountFromOrganization => accounts::remove_account_from_organization,
    TagResource => tags::tag_resource,
    UntagResource => tags::untag_resource,
    UpdateOrganizationalUnit => units::update_organizational_unit,
    UpdatePolicy => policies::update_policy,
}
