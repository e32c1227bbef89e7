//! The account itself: its alias and its summary.

use rolecall_aws_model::iam as wire;
use rolecall_state::Txn;
use rolecall_state::entities::AccountRecord;

use crate::env::{Env, account};
use crate::error::IamError;
use crate::mfa;
use crate::paging::Paging;

/// What accounts have that never said. FIDELITY: older accounts of AWS start with 1.
const DEFAULT_TOKEN_VERSION: u8 = 2;

pub(crate) fn create_account_alias(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::CreateAccountAliasRequest,
) -> Result<wire::CreateAccountAliasResponse, IamError> {
    let wire::CreateAccountAliasRequest { account_alias } = request;
    let taken =
        || IamError::EntityAlreadyExists(format!("The account alias {account_alias} already exists."));
    let mut record = record(txn)?;
    if record.alias.as_deref() == Some(account_alias) {
        return Ok(wire::CreateAccountAliasResponse {});
    }
    if txn.snapshot().account_by_alias(account_alias).is_some() {
        return Err(taken());
    }
    // An account has one alias: a new one takes the place of the old.
    if let Some(old) = record.alias.replace(account_alias.clone()) {
        txn.release_alias(&old);
    }
    txn.claim_alias(account_alias);
    txn.put_record(&record);
    Ok(wire::CreateAccountAliasResponse {})
}

pub(crate) fn delete_account_alias(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DeleteAccountAliasRequest,
) -> Result<wire::DeleteAccountAliasResponse, IamError> {
    let wire::DeleteAccountAliasRequest { account_alias } = request;
    let mut record = record(txn)?;
    if record.alias.as_deref() != Some(account_alias) {
        return Err(IamError::NoSuchEntity(format!("The account alias {account_alias} cannot be found.")));
    }
    record.alias = None;
    txn.release_alias(account_alias);
    txn.put_record(&record);
    Ok(wire::DeleteAccountAliasResponse {})
}

/// FIDELITY: the tokens themselves have one form, whose length AWS leaves open; only the summary shows the version.
pub(crate) fn set_security_token_service_preferences(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::SetSecurityTokenServicePreferencesRequest,
) -> Result<wire::SetSecurityTokenServicePreferencesResponse, IamError> {
    let wire::SetSecurityTokenServicePreferencesRequest { global_endpoint_token_version } = request;
    let mut record = record(txn)?;
    let version = if global_endpoint_token_version == "v1Token" { 1 } else { DEFAULT_TOKEN_VERSION };
    record.global_endpoint_token_version = Some(version);
    txn.put_record(&record);
    Ok(wire::SetSecurityTokenServicePreferencesResponse {})
}

fn record(txn: &mut Txn) -> Result<AccountRecord, IamError> {
    let gone = || IamError::NoSuchEntity("The account cannot be found.".into());
    Ok(AccountRecord::clone(&*txn.read_record().ok_or_else(gone)?))
}

pub(crate) fn list_account_aliases(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::ListAccountAliasesRequest,
) -> Result<wire::ListAccountAliasesResponse, IamError> {
    let wire::ListAccountAliasesRequest { marker, max_items } = request;
    let account = account(txn)?;
    let page = Paging::new(marker.as_deref(), *max_items)?
        .take(account.record.alias.iter(), |alias| (*alias).clone());
    let page = page.map(Clone::clone);
    Ok(wire::ListAccountAliasesResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        account_aliases: page.items,
    })
}

pub(crate) fn get_account_summary(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetAccountSummaryRequest,
) -> Result<wire::GetAccountSummaryResponse, IamError> {
    let wire::GetAccountSummaryRequest {} = request;
    let account = account(txn)?;
    let quotas = env.quotas;
    let versions: usize = account.policies.iter().map(|policy| policy.versions.len()).sum();
    let root = &account.record.root;
    let token_version = account.record.global_endpoint_token_version.unwrap_or(DEFAULT_TOKEN_VERSION);
    let root_id = mfa::root_id(account.id());
    let entries: &[(&str, usize)] = &[
        ("AccessKeysPerUserQuota", quotas.access_keys_per_user),
        ("AccountAccessKeysPresent", usize::from(!root.access_keys.is_empty())),
        ("AccountMFAEnabled", usize::from(!account.mfa_devices_of(&root_id).is_empty())),
        ("AccountPasswordPresent", usize::from(root.login_profile.is_some())),
        ("AccountSigningCertificatesPresent", 0),
        ("AssumeRolePolicySizeQuota", quotas.trust_policy_size),
        ("AttachedPoliciesPerGroupQuota", quotas.attached_policies_per_group),
        ("AttachedPoliciesPerRoleQuota", quotas.attached_policies_per_role),
        ("AttachedPoliciesPerUserQuota", quotas.attached_policies_per_user),
        ("GlobalEndpointTokenVersion", usize::from(token_version)),
        ("GroupPolicySizeQuota", quotas.group_policy_size),
        ("Groups", account.groups.len()),
        ("GroupsPerUserQuota", quotas.groups_per_user),
        ("GroupsQuota", quotas.groups),
        ("InstanceProfiles", account.instance_profiles.len()),
        ("InstanceProfilesQuota", quotas.instance_profiles),
        ("MFADevices", account.mfa_devices.len()),
        ("MFADevicesInUse", account.mfa_devices.iter().filter(|d| d.assigned.is_some()).count()),
        ("Policies", account.policies.len()),
        ("PoliciesQuota", quotas.policies),
        ("PolicySizeQuota", quotas.policy_size),
        ("PolicyVersionsInUse", versions),
        ("PolicyVersionsInUseQuota", 10_000),
        ("Providers", account.oidc_providers.len() + account.saml_providers.len()),
        ("RolePolicySizeQuota", quotas.role_policy_size),
        ("Roles", account.roles.len()),
        ("RolesQuota", quotas.roles),
        ("ServerCertificates", account.server_certificates.len()),
        ("ServerCertificatesQuota", quotas.server_certificates),
        ("SigningCertificatesPerUserQuota", quotas.signing_certificates_per_user),
        ("UserPolicySizeQuota", quotas.user_policy_size),
        ("Users", account.users.len()),
        ("UsersQuota", quotas.users),
        ("VersionsPerPolicyQuota", quotas.versions_per_policy),
    ];
    let number = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let summary_map = entries.iter().map(|(name, n)| ((*name).to_owned(), number(*n))).collect();
    Ok(wire::GetAccountSummaryResponse { summary_map })
}
