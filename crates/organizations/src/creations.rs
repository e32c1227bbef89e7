//! Making accounts.
//!
//! An account is there when the answer is: that says `IN_PROGRESS` all the same, as AWS's does, and
//! whoever asks for the status is told what became of it.
//!
//! <https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html>

use rolecall_aws_model::organizations as wire;
use rolecall_state::entities::{
    AccountCreation, FeatureSet, Format, JoinedMethod, MemberAccount, OrgId, OrgIdKind,
};
use rolecall_state::snapshot::Organization;
use rolecall_state::{AccountId, Txn};

use crate::account_creation::{access_role, is_email_taken, new_account, service_linked_role};
use crate::env::{Env, changing, organization};
use crate::error::{Constraint, InvalidInput, OrganizationsError};
use crate::organization::member;
use crate::paging::Paging;
use crate::{tags, views};

/// The role by which the management account gets in, where the request does not name it.
const ACCESS_ROLE: &str = "OrganizationAccountAccessRole";

pub(crate) fn create_account(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CreateAccountRequest,
) -> Result<wire::CreateAccountResponse, OrganizationsError> {
    let wire::CreateAccountRequest {
        email,
        account_name,
        role_name,
        // Who may see bills is nobody's business here: there are none.
        iam_user_access_to_billing: _,
        tags: wanted,
    } = request;
    let found = changing(txn, env)?;
    let role_name = role_name.as_deref().unwrap_or(ACCESS_ROLE);
    if role_name.starts_with("AWSServiceRoleFor") {
        return Err(InvalidInput::RoleName.into());
    }
    if found.member_count() >= env.quotas.accounts {
        return Err(Constraint::Accounts.into());
    }
    let tags = tags::new(env, wanted)?;
    let outcome = if is_email_taken(txn.snapshot(), email.expose()) {
        Err("EMAIL_ALREADY_EXISTS".to_owned())
    } else {
        let id = make(txn, env, &found, (account_name.expose(), email.expose(), role_name));
        let made =
            MemberAccount { id, tags, ..member(env, found.record.root.id.clone(), JoinedMethod::Created) };
        txn.put_in_organization(&found.record.id, &made);
        Ok(id)
    };
    let creation = AccountCreation {
        v: Format,
        id: OrgId::generate(OrgIdKind::AccountCreation, env.entropy),
        name: account_name.expose().to_owned(),
        at: env.now,
        outcome,
    };
    txn.put_in_organization(&found.record.id, &creation);
    let begun = wire::CreateAccountStatus {
        state: Some("IN_PROGRESS".to_owned()),
        completed_timestamp: None,
        account_id: None,
        failure_reason: None,
        ..views::creation(&creation)
    };
    Ok(wire::CreateAccountResponse { create_account_status: Some(begun) })
}

/// Writes the account, and into it the role that lets the management account in.
fn make(
    txn: &mut Txn,
    env: &Env<'_>,
    organization: &Organization,
    (name, email, role_name): (&str, &str, &str),
) -> AccountId {
    let made = new_account(txn.snapshot(), name, Some(email.to_owned()), env.now, env.entropy);
    txn.create_record(&made.record);
    txn.claim_email(email, made.id);
    txn.join_organization(made.id, &organization.record.id);
    let management = organization.record.management;
    txn.create_in(made.id, &access_role(role_name, management, env.partition(), env.now, env.entropy));
    if organization.record.features == FeatureSet::All {
        txn.create_in(made.id, &service_linked_role(env.now, env.entropy));
    }
    made.id
}

pub(crate) fn describe_create_account_status(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DescribeCreateAccountStatusRequest,
) -> Result<wire::DescribeCreateAccountStatusResponse, OrganizationsError> {
    let wire::DescribeCreateAccountStatusRequest { create_account_request_id } = request;
    let found = organization(txn, env)?;
    let creation = found.creation(create_account_request_id);
    let creation = creation.ok_or(OrganizationsError::CreateAccountStatusNotFound)?;
    Ok(wire::DescribeCreateAccountStatusResponse { create_account_status: Some(views::creation(creation)) })
}

pub(crate) fn list_create_account_status(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListCreateAccountStatusRequest,
) -> Result<wire::ListCreateAccountStatusResponse, OrganizationsError> {
    let wire::ListCreateAccountStatusRequest { states, next_token, max_results } = request;
    let found = organization(txn, env)?;
    let paging = Paging::new(next_token.as_deref(), *max_results)?;
    let all = found.creations().map(|creation| views::creation(creation));
    let wanted = |creation: &wire::CreateAccountStatus| {
        states.is_empty() || creation.state.as_ref().is_some_and(|state| states.contains(state))
    };
    let (create_account_statuses, next_token) =
        paging.take(all.filter(wanted), |creation| creation.id.clone().unwrap_or_default());
    Ok(wire::ListCreateAccountStatusResponse { create_account_statuses, next_token })
}
