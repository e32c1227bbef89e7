//! What an account asks of its users' passwords.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html>

use rolecall_aws_model::iam as wire;
use rolecall_credentials::password_policy as rules;
use rolecall_state::Txn;
use rolecall_state::entities::{AccountRecord, PasswordPolicy};

use crate::env::Env;
use crate::error::IamError;

/// The stored policy as the rules that it stands for.
pub(crate) fn rules(policy: &PasswordPolicy) -> rules::PasswordPolicy {
    rules::PasswordPolicy {
        minimum_password_length: policy.minimum_length,
        require_symbols: policy.require_symbols,
        require_numbers: policy.require_numbers,
        require_uppercase_characters: policy.require_uppercase,
        require_lowercase_characters: policy.require_lowercase,
        allow_users_to_change_password: policy.users_may_change,
        max_password_age: policy.max_age_days,
        password_reuse_prevention: policy.reuse_prevention,
        hard_expiry: policy.hard_expiry,
    }
}

fn record(txn: &mut Txn) -> Result<AccountRecord, IamError> {
    let gone = || IamError::NoSuchEntity("The account cannot be found.".into());
    Ok(AccountRecord::clone(&*txn.read_record().ok_or_else(gone)?))
}

fn absent(account: &AccountRecord) -> IamError {
    IamError::NoSuchEntity(format!("The Password Policy with domain name {} cannot be found.", account.id))
}

fn number(given: Option<i32>) -> Option<u32> {
    given.and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0)
}

fn shown(given: Option<u32>) -> Option<i32> {
    given.and_then(|n| i32::try_from(n).ok())
}

pub(crate) fn get_account_password_policy(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::GetAccountPasswordPolicyRequest,
) -> Result<wire::GetAccountPasswordPolicyResponse, IamError> {
    let wire::GetAccountPasswordPolicyRequest {} = request;
    let record = record(txn)?;
    let policy = record.password_policy.as_ref().ok_or_else(|| absent(&record))?;
    let password_policy = wire::PasswordPolicy {
        minimum_password_length: i32::try_from(policy.minimum_length).ok(),
        require_symbols: Some(policy.require_symbols),
        require_numbers: Some(policy.require_numbers),
        require_uppercase_characters: Some(policy.require_uppercase),
        require_lowercase_characters: Some(policy.require_lowercase),
        allow_users_to_change_password: Some(policy.users_may_change),
        expire_passwords: Some(policy.max_age_days.is_some()),
        max_password_age: shown(policy.max_age_days),
        password_reuse_prevention: shown(policy.reuse_prevention),
        hard_expiry: policy.hard_expiry,
    };
    Ok(wire::GetAccountPasswordPolicyResponse { password_policy })
}

pub(crate) fn update_account_password_policy(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::UpdateAccountPasswordPolicyRequest,
) -> Result<wire::UpdateAccountPasswordPolicyResponse, IamError> {
    let wire::UpdateAccountPasswordPolicyRequest {
        minimum_password_length,
        require_symbols,
        require_numbers,
        require_uppercase_characters,
        require_lowercase_characters,
        allow_users_to_change_password,
        max_password_age,
        password_reuse_prevention,
        hard_expiry,
    } = request;
    // What is left out goes back to its default: nothing of an earlier policy stays.
    let default = rules::PasswordPolicy::default();
    let mut record = record(txn)?;
    record.password_policy = Some(PasswordPolicy {
        minimum_length: number(*minimum_password_length).unwrap_or(default.minimum_password_length),
        require_symbols: require_symbols.unwrap_or(default.require_symbols),
        require_numbers: require_numbers.unwrap_or(default.require_numbers),
        require_uppercase: require_uppercase_characters.unwrap_or(default.require_uppercase_characters),
        require_lowercase: require_lowercase_characters.unwrap_or(default.require_lowercase_characters),
        users_may_change: allow_users_to_change_password.unwrap_or(default.allow_users_to_change_password),
        max_age_days: number(*max_password_age),
        reuse_prevention: number(*password_reuse_prevention),
        hard_expiry: *hard_expiry,
    });
    txn.put_record(&record);
    Ok(wire::UpdateAccountPasswordPolicyResponse {})
}

pub(crate) fn delete_account_password_policy(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DeleteAccountPasswordPolicyRequest,
) -> Result<wire::DeleteAccountPasswordPolicyResponse, IamError> {
    let wire::DeleteAccountPasswordPolicyRequest {} = request;
    let mut record = record(txn)?;
    record.password_policy.take().ok_or_else(|| absent(&record))?;
    txn.put_record(&record);
    Ok(wire::DeleteAccountPasswordPolicyResponse {})
}
