//! From an authorized input to its handler.

use rolecall_access::Authorized;
use rolecall_aws_model::iam::{Operation, Request, Response};
use rolecall_state::Txn;

use crate::env::Env;
use crate::error::IamError;
use crate::{
    access_keys, account, account_properties, attachments, authorization_details, boundaries,
    credential_report, delegation, groups, inline, instance_profiles, last_accessed, login_profiles, mfa,
    oidc_providers, outbound_federation, password_policy, policies, policy_lists, role_templates, roles,
    root_access, saml_providers, server_certificates, service_credentials, service_linked_roles,
    signing_certificates, simulation, ssh_keys, users,
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
            }
        }

        /// Whether there is a handler for an operation.
        pub fn is_handled(operation: Operation) -> bool {
            matches!(operation, $(Operation::$operation)|*)
        }
    };
}

handlers! {
    AcquireRole => role_templates::acquire_role,
    GetRoleTemplateVersion => role_templates::get_role_template_version,
    AcceptDelegationRequest => delegation::accept_delegation_request,
    AssociateDelegationRequest => delegation::associate_delegation_request,
    CreateDelegationRequest => delegation::create_delegation_request,
    GetDelegationRequest => delegation::get_delegation_request,
    GetHumanReadableSummary => delegation::get_human_readable_summary,
    ListDelegationRequests => delegation::list_delegation_requests,
    RejectDelegationRequest => delegation::reject_delegation_request,
    SendDelegationToken => delegation::send_delegation_token,
    UpdateDelegationRequest => delegation::update_delegation_request,
    AddClientIDToOpenIDConnectProvider => oidc_providers::add_client_id,
    AddRoleToInstanceProfile => instance_profiles::add_role_to_instance_profile,
    AddUserToGroup => groups::add_user_to_group,
    AttachGroupPolicy => attachments::attach_group_policy,
    AttachRolePolicy => attachments::attach_role_policy,
    AttachUserPolicy => attachments::attach_user_policy,
    ChangePassword => login_profiles::change_password,
    CreateAccessKey => access_keys::create_access_key,
    CreateAccountAlias => account::create_account_alias,
    CreateGroup => groups::create_group,
    CreateInstanceProfile => instance_profiles::create_instance_profile,
    CreateLoginProfile => login_profiles::create_login_profile,
    CreateOpenIDConnectProvider => oidc_providers::create_open_id_connect_provider,
    CreatePolicy => policies::create_policy,
    CreatePolicyVersion => policies::create_policy_version,
    CreateRole => roles::create_role,
    CreateSAMLProvider => saml_providers::create_saml_provider,
    CreateServiceLinkedRole => service_linked_roles::create_service_linked_role,
    CreateServiceSpecificCredential => service_credentials::create_service_specific_credential,
    CreateUser => users::create_user,
    CreateVirtualMFADevice => mfa::create_virtual_mfa_device,
    DeactivateMFADevice => mfa::deactivate_mfa_device,
    DeleteAccessKey => access_keys::delete_access_key,
    DeleteAccountAlias => account::delete_account_alias,
    DeleteAccountPasswordPolicy => password_policy::delete_account_password_policy,
    DeleteGroup => groups::delete_group,
    DeleteGroupPolicy => inline::delete_group_policy,
    DeleteInstanceProfile => instance_profiles::delete_instance_profile,
    DeleteLoginProfile => login_profiles::delete_login_profile,
    DeleteOpenIDConnectProvider => oidc_providers::delete_open_id_connect_provider,
    DeletePolicy => policies::delete_policy,
    DeletePolicyVersion => policies::delete_policy_version,
    DeleteRole => roles::delete_role,
    DeleteRolePermissionsBoundary => boundaries::delete_role_permissions_boundary,
    DeleteRolePolicy => inline::delete_role_policy,
    DeleteSAMLProvider => saml_providers::delete_saml_provider,
    DeleteSSHPublicKey => ssh_keys::delete_ssh_public_key,
    DeleteServerCertificate => server_certificates::delete_server_certificate,
    DeleteServiceLinkedRole => service_linked_roles::delete_service_linked_role,
    DeleteServiceSpecificCredential => service_credentials::delete_service_specific_credential,
    DeleteSigningCertificate => signing_certificates::delete_signing_certificate,
    DeleteUser => users::delete_user,
    DeleteUserPermissionsBoundary => boundaries::delete_user_permissions_boundary,
    DeleteUserPolicy => inline::delete_user_policy,
    DeleteVirtualMFADevice => mfa::delete_virtual_mfa_device,
    DetachGroupPolicy => attachments::detach_group_policy,
    DetachRolePolicy => attachments::detach_role_policy,
    DetachUserPolicy => attachments::detach_user_policy,
    EnableMFADevice => mfa::enable_mfa_device,
    GenerateCredentialReport => credential_report::generate_credential_report,
    DisableOrganizationsRootCredentialsManagement => root_access::disable_organizations_root_credentials_management,
    DisableOrganizationsRootSessions => root_access::disable_organizations_root_sessions,
    EnableOrganizationsRootCredentialsManagement => root_access::enable_organizations_root_credentials_management,
    EnableOrganizationsRootSessions => root_access::enable_organizations_root_sessions,
    ListOrganizationsFeatures => root_access::list_organizations_features,
    DisableOutboundWebIdentityFederation => outbound_federation::disable_outbound_web_identity_federation,
    EnableOutboundWebIdentityFederation => outbound_federation::enable_outbound_web_identity_federation,
    GetOutboundWebIdentityFederationInfo => outbound_federation::get_outbound_web_identity_federation_info,
    GenerateOrganizationsAccessReport => last_accessed::generate_organizations_access_report,
    GetOrganizationsAccessReport => last_accessed::get_organizations_access_report,
    GenerateServiceLastAccessedDetails => last_accessed::generate_service_last_accessed_details,
    GetServiceLastAccessedDetails => last_accessed::get_service_last_accessed_details,
    GetServiceLastAccessedDetailsWithEntities => last_accessed::get_service_last_accessed_details_with_entities,
    ListPoliciesGrantingServiceAccess => last_accessed::list_policies_granting_service_access,
    GetAccessKeyLastUsed => access_keys::get_access_key_last_used,
    GetAccountAuthorizationDetails => authorization_details::get_account_authorization_details,
    GetAccountPasswordPolicy => password_policy::get_account_password_policy,
    GetAccountProperties => account_properties::get_account_properties,
    PutAccountProperties => account_properties::put_account_properties,
    GetAccountSummary => account::get_account_summary,
    GetContextKeysForCustomPolicy => simulation::get_context_keys_for_custom_policy,
    GetContextKeysForPrincipalPolicy => simulation::get_context_keys_for_principal_policy,
    GetCredentialReport => credential_report::get_credential_report,
    GetGroup => groups::get_group,
    GetGroupPolicy => inline::get_group_policy,
    GetInstanceProfile => instance_profiles::get_instance_profile,
    GetLoginProfile => login_profiles::get_login_profile,
    GetMFADevice => mfa::get_mfa_device,
    GetOpenIDConnectProvider => oidc_providers::get_open_id_connect_provider,
    GetPolicy => policies::get_policy,
    GetPolicyVersion => policies::get_policy_version,
    GetRole => roles::get_role,
    GetRolePolicy => inline::get_role_policy,
    GetSAMLProvider => saml_providers::get_saml_provider,
    GetSSHPublicKey => ssh_keys::get_ssh_public_key,
    GetServerCertificate => server_certificates::get_server_certificate,
    GetServiceLinkedRoleDeletionStatus => service_linked_roles::get_service_linked_role_deletion_status,
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
    ListMFADeviceTags => mfa::list_mfa_device_tags,
    ListMFADevices => mfa::list_mfa_devices,
    ListOpenIDConnectProviderTags => oidc_providers::list_open_id_connect_provider_tags,
    ListOpenIDConnectProviders => oidc_providers::list_open_id_connect_providers,
    ListPolicies => policy_lists::list_policies,
    ListPolicyTags => policies::list_policy_tags,
    ListPolicyVersions => policies::list_policy_versions,
    ListRolePolicies => inline::list_role_policies,
    ListRoleTags => roles::list_role_tags,
    ListRoles => roles::list_roles,
    ListSAMLProviderTags => saml_providers::list_saml_provider_tags,
    ListSAMLProviders => saml_providers::list_saml_providers,
    ListSSHPublicKeys => ssh_keys::list_ssh_public_keys,
    ListServerCertificateTags => server_certificates::list_server_certificate_tags,
    ListServerCertificates => server_certificates::list_server_certificates,
    ListServiceSpecificCredentials => service_credentials::list_service_specific_credentials,
    ListSigningCertificates => signing_certificates::list_signing_certificates,
    ListUserPolicies => inline::list_user_policies,
    ListUserTags => users::list_user_tags,
    ListUsers => users::list_users,
    ListVirtualMFADevices => mfa::list_virtual_mfa_devices,
    PutGroupPolicy => inline::put_group_policy,
    PutRolePermissionsBoundary => boundaries::put_role_permissions_boundary,
    PutRolePolicy => inline::put_role_policy,
    PutUserPermissionsBoundary => boundaries::put_user_permissions_boundary,
    PutUserPolicy => inline::put_user_policy,
    RemoveClientIDFromOpenIDConnectProvider => oidc_providers::remove_client_id,
    RemoveRoleFromInstanceProfile => instance_profiles::remove_role_from_instance_profile,
    RemoveUserFromGroup => groups::remove_user_from_group,
    ResetServiceSpecificCredential => service_credentials::reset_service_specific_credential,
    ResyncMFADevice => mfa::resync_mfa_device,
    SetDefaultPolicyVersion => policies::set_default_policy_version,
    SetSecurityTokenServicePreferences => account::set_security_token_service_preferences,
    SimulateCustomPolicy => simulation::simulate_custom_policy,
    SimulatePrincipalPolicy => simulation::simulate_principal_policy,
    TagInstanceProfile => instance_profiles::tag_instance_profile,
    TagMFADevice => mfa::tag_mfa_device,
    TagOpenIDConnectProvider => oidc_providers::tag_open_id_connect_provider,
    TagPolicy => policies::tag_policy,
    TagRole => roles::tag_role,
    TagSAMLProvider => saml_providers::tag_saml_provider,
    TagServerCertificate => server_certificates::tag_server_certificate,
    TagUser => users::tag_user,
    UntagInstanceProfile => instance_profiles::untag_instance_profile,
    UntagMFADevice => mfa::untag_mfa_device,
    UntagOpenIDConnectProvider => oidc_providers::untag_open_id_connect_provider,
    UntagPolicy => policies::untag_policy,
    UntagRole => roles::untag_role,
    UntagSAMLProvider => saml_providers::untag_saml_provider,
    UntagServerCertificate => server_certificates::untag_server_certificate,
    UntagUser => users::untag_user,
    UpdateAccessKey => access_keys::update_access_key,
    UpdateAccountPasswordPolicy => password_policy::update_account_password_policy,
    UpdateAssumeRolePolicy => roles::update_assume_role_policy,
    UpdateGroup => groups::update_group,
    UpdateLoginProfile => login_profiles::update_login_profile,
    UpdateOpenIDConnectProviderThumbprint => oidc_providers::update_thumbprint,
    UpdateRole => roles::update_role,
    UpdateRoleDescription => roles::update_role_description,
    UpdateSAMLProvider => saml_providers::update_saml_provider,
    UpdateSSHPublicKey => ssh_keys::update_ssh_public_key,
    UpdateServerCertificate => server_certificates::update_server_certificate,
    UpdateServiceSpecificCredential => service_credentials::update_service_specific_credential,
    UpdateSigningCertificate => signing_certificates::update_signing_certificate,
    UpdateUser => users::update_user,
    UploadSSHPublicKey => ssh_keys::upload_ssh_public_key,
    UploadServerCertificate => server_certificates::upload_server_certificate,
    UploadSigningCertificate => signing_certificates::upload_signing_certificate,
}

/// Whether an operation takes tens of milliseconds of work, for which the server must not hold up
/// its other requests: hashing passwords, checking chains of certificates.
pub fn is_slow(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::ChangePassword
            | Operation::CreateLoginProfile
            | Operation::EnableOutboundWebIdentityFederation
            | Operation::UpdateLoginProfile
            | Operation::UploadServerCertificate
    )
}
