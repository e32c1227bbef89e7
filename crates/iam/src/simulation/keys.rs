//! Which context keys policies ask for.

use std::collections::BTreeSet;

use rolecall_aws_model::iam as wire;
use rolecall_policy::PolicyKind;
use rolecall_state::Txn;

use super::policies;
use super::source::Source;
use crate::env::{Env, account};
use crate::error::IamError;

fn given(texts: &[String]) -> Result<BTreeSet<String>, IamError> {
    let policies = policies("PolicyInputList", texts, PolicyKind::Identity)?;
    Ok(policies.iter().flat_map(|policy| policy.document().context_keys()).collect())
}

fn answer(keys: BTreeSet<String>) -> wire::GetContextKeysForPolicyResponse {
    wire::GetContextKeysForPolicyResponse { context_key_names: keys.into_iter().collect() }
}

pub(crate) fn get_context_keys_for_custom_policy(
    _txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::GetContextKeysForCustomPolicyRequest,
) -> Result<wire::GetContextKeysForPolicyResponse, IamError> {
    Ok(answer(given(&request.policy_input_list)?))
}

pub(crate) fn get_context_keys_for_principal_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetContextKeysForPrincipalPolicyRequest,
) -> Result<wire::GetContextKeysForPolicyResponse, IamError> {
    let source = Source::find(txn, env, &request.policy_source_arn)?;
    let mut keys = given(&request.policy_input_list)?;
    let account = account(txn)?;
    let fault = |cause: rolecall_state::Unevaluable| IamError::PolicyEvaluation(cause.to_string());
    let own = match &source.caller.identity {
        rolecall_access::Identity::User(user) if source.is_principal => {
            account.user_policies(user).map_err(fault)?.policies().to_vec()
        }
        rolecall_access::Identity::AssumedRole(role, _) => {
            account.role_policies(role).map_err(fault)?.policies().to_vec()
        }
        _ => source.policies,
    };
    keys.extend(own.iter().flat_map(|policy| policy.document().context_keys()));
    Ok(answer(keys))
}
