//! The policy simulator, on the path that enforces: what it answers is what would be decided.
//!
//! AWS's own leaves trust policies out; here `sts:AssumeRole` of a role that exists is decided with
//! the role's trust policy, unless the request brings a resource policy of its own.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>

mod asked;
mod keys;
mod source;
mod views;

use rolecall_access::{Caller, Demand, Evidence, RequestFacts, Subject, Supposed, Values, evaluate_with};
use rolecall_aws_model::iam as wire;
use rolecall_policy::{Document, Grammar, Policy, PolicyKind, PolicySet};
use rolecall_state::Txn;
use rolecall_state::arn::ArnParts;

use crate::env::Env;
use crate::error::IamError;
use crate::paging::Paging;
use asked::Asked;
pub(crate) use keys::{get_context_keys_for_custom_policy, get_context_keys_for_principal_policy};
use source::Source;

pub(crate) fn simulate_custom_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::SimulateCustomPolicyRequest,
) -> Result<wire::SimulatePolicyResponse, IamError> {
    let asked = Asked {
        identity: &request.policy_input_list,
        boundary: &request.permissions_boundary_policy_input_list,
        organization: &request.ordered_organization_policy_input_list,
        without: Vec::new(),
        actions: &request.action_names,
        resources: &request.resource_arns,
        resource_policy: request.resource_policy.as_deref(),
        resource_owner: request.resource_owner.as_deref(),
        context: &request.context_entries,
    };
    let caller = match &request.caller_arn {
        Some(arn) => Source::user(txn, env, arn)?.caller,
        None => source::nobody_in_particular(env),
    };
    simulate(txn, env, &asked, &caller, Own::Nothing, request.marker.as_deref(), request.max_items)
}

pub(crate) fn simulate_principal_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::SimulatePrincipalPolicyRequest,
) -> Result<wire::SimulatePolicyResponse, IamError> {
    let source = Source::find(txn, env, &request.policy_source_arn)?;
    let asked = Asked {
        identity: &request.policy_input_list,
        boundary: &request.permissions_boundary_policy_input_list,
        organization: &[],
        without: asked::excluded(&request.policy_exclusion_list)?,
        actions: &request.action_names,
        resources: &request.resource_arns,
        resource_policy: request.resource_policy.as_deref(),
        resource_owner: request.resource_owner.as_deref(),
        context: &request.context_entries,
    };
    let own = if source.is_principal { Own::Stored } else { Own::These(source.policies.clone()) };
    let caller = match &request.caller_arn {
        Some(arn) if !source.is_principal => Source::user(txn, env, arn)?.caller,
        _ => source.caller,
    };
    simulate(txn, env, &asked, &caller, own, request.marker.as_deref(), request.max_items)
}

/// Which policies the caller has beside those of the request.
#[derive(Clone)]
enum Own {
    /// None: the request's alone are tried.
    Nothing,
    /// Those that are stored for it.
    Stored,
    /// These, of a group.
    These(Vec<Policy>),
}

/// What all decisions of a simulation have in common.
struct Common {
    identity: Vec<Policy>,
    boundary: Option<PolicySet>,
    service_control: Vec<PolicySet>,
    resource_policy: Option<PolicySet>,
    without: Vec<String>,
}

fn simulate(
    txn: &Txn,
    env: &Env<'_>,
    asked: &Asked<'_>,
    caller: &Caller,
    own: Own,
    marker: Option<&str>,
    max_items: Option<i32>,
) -> Result<wire::SimulatePolicyResponse, IamError> {
    asked.check()?;
    let common = common(asked, &own)?;
    let everything = ["*".to_owned()];
    let resources = if asked.resources.is_empty() { &everything[..] } else { asked.resources };
    let pairs =
        asked.actions.iter().flat_map(|action| resources.iter().map(move |resource| (action, resource)));
    let numbered = pairs.enumerate().collect::<Vec<_>>();
    let paging = Paging::new(marker, max_items)?;
    let page = paging.take(numbered, |(number, _)| format!("{number:08}"));
    let mut results = Vec::with_capacity(page.items.len());
    for (_, (action, resource)) in &page.items {
        // An action that takes no resource is decided on `*`, as it is when it is really asked for.
        let known = rolecall_service_reference::action(action);
        let decided_on = if known.is_some_and(|known| known.is_wildcard_only()) { "*" } else { resource };
        let evidence = decide(txn, env, asked, &common, caller, &own, (action, decided_on))?;
        results.push(views::result(&evidence, asked, action, resource));
    }
    Ok(wire::SimulatePolicyResponse {
        evaluation_results: results,
        is_truncated: Some(page.marker.is_some()),
        marker: page.marker,
    })
}

fn common(asked: &Asked<'_>, own: &Own) -> Result<Common, IamError> {
    let mut identity = policies("PolicyInputList", asked.identity, PolicyKind::Identity)?;
    if let Own::These(policies) = own {
        identity.splice(0..0, policies.iter().cloned());
    }
    let boundary =
        policies("PermissionsBoundaryPolicyInputList", asked.boundary, PolicyKind::PermissionsBoundary)?;
    let boundary =
        (!boundary.is_empty()).then(|| PolicySet::compile(PolicyKind::PermissionsBoundary, boundary));
    let mut service_control = Vec::new();
    for level in asked.organization {
        let name = "OrderedOrganizationPolicyInputList";
        let level = policies(name, &level.service_control_policy_input_list, PolicyKind::ServiceControl)?;
        service_control.push(PolicySet::compile(PolicyKind::ServiceControl, level));
    }
    let resource_policy = match asked.resource_policy {
        None => None,
        Some(text) => {
            let texts = [text.to_owned()];
            Some(PolicySet::compile(
                PolicyKind::Resource,
                policies("ResourcePolicy", &texts, PolicyKind::Resource)?,
            ))
        }
    };
    Ok(Common { identity, boundary, service_control, resource_policy, without: asked.without.clone() })
}

/// The documents of a parameter, named as AWS names them: `PolicyInputList.1`.
fn policies(parameter: &str, texts: &[String], kind: PolicyKind) -> Result<Vec<Policy>, IamError> {
    let policy = |(index, text): (usize, &String)| {
        let document = Document::parse(text.as_str(), Grammar::evaluated(kind)).map_err(|cause| {
            IamError::InvalidInput(format!("{parameter}.{} is not a valid policy: {cause}", index + 1))
        })?;
        let name = if parameter == "ResourcePolicy" {
            parameter.to_owned()
        } else {
            format!("{parameter}.{}", index + 1)
        };
        Ok(Policy::new(name, document))
    };
    texts.iter().enumerate().map(policy).collect()
}

fn decide(
    txn: &Txn,
    env: &Env<'_>,
    asked: &Asked<'_>,
    common: &Common,
    caller: &Caller,
    own: &Own,
    (action, resource): (&str, &str),
) -> Result<Evidence, IamError> {
    let mut demand = Demand::new(action.to_owned(), resource);
    for entry in asked.context {
        let key = entry.context_key_name.clone().unwrap_or_default();
        let is_list = entry.context_key_type.as_deref().is_some_and(|kind| kind.ends_with("List"));
        let value = match (entry.context_key_values.as_slice(), is_list) {
            ([one], false) => Values::One(one.clone()),
            (many, _) => Values::Many(many.to_vec()),
        };
        demand.context.push((key.into(), value));
    }
    demand.resource_account = match asked.resource_owner {
        Some(owner) => Some(asked::owner(owner)?),
        None => ArnParts::parse(resource).and_then(|parts| parts.account_id()),
    };
    demand.resource_policy.clone_from(&common.resource_policy);
    if common.resource_policy.is_none() {
        let trusted = demand.with_trust(txn.snapshot());
        demand = trusted.map_err(|cause| IamError::PolicyEvaluation(cause.to_string()))?;
    }
    let mut without = common.without.clone();
    if matches!(own, Own::Nothing | Own::These(_)) {
        without.extend(source::own_policies(txn, caller)?);
    }
    let supposed = Supposed {
        identity: common.identity.clone(),
        without,
        boundary: common.boundary.clone(),
        service_control: common.service_control.clone(),
    };
    let decided = evaluate_with(Subject::Caller(caller), &facts(env), txn.snapshot(), demand, supposed);
    decided.map_err(|cause| IamError::PolicyEvaluation(cause.to_string()))
}

/// What is known of a request that nobody made.
pub(crate) fn facts(env: &Env<'_>) -> RequestFacts {
    RequestFacts {
        now: env.now,
        source_ip: None,
        user_agent: None,
        referer: None,
        secure_transport: true,
        region: "us-east-1".into(),
    }
}
