//! What the operations on delegation requests need permission for. Whoever claimed a request may do with it what its
//! owner does, without any policy that says so.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies-temporary-delegation.html#temporary-delegation-managing-permissions>

use rolecall_access::{Caller, Demand};
use rolecall_aws_model::iam::{CreateDelegationRequestRequest, Request};
use rolecall_policy::{Document, Grammar, Policy, PolicyKind, PolicySet};
use rolecall_state::Snapshot;
use rolecall_state::arn::{self, ArnParts};
use rolecall_state::entities::DelegationRequest;

use super::is_visible;

/// The context key for who claimed a request.
const OWNER: &str = "iam:DelegationRequestOwner";

/// What a request about delegation needs permission for; none for requests about anything else.
pub(crate) fn demand(request: &Request, caller: &Caller, snapshot: &Snapshot) -> Option<Demand> {
    use Request as R;
    let about = |action: &'static str, id: &str, leave: LeaveOf| about(action, id, leave, caller, snapshot);
    Some(match request {
        R::CreateDelegationRequest(r) => create(r, caller),
        R::AssociateDelegationRequest(r) => {
            about("iam:AssociateDelegationRequest", &r.delegation_request_id, LeaveOf::Anyone)
        }
        R::GetDelegationRequest(r) => {
            about("iam:GetDelegationRequest", &r.delegation_request_id, LeaveOf::Anyone)
        }
        // Whoever may look at a request may have it summed up.
        R::GetHumanReadableSummary(r) => {
            about("iam:GetDelegationRequest", id_of(&r.entity_arn), LeaveOf::Anyone)
        }
        R::UpdateDelegationRequest(r) => {
            about("iam:UpdateDelegationRequest", &r.delegation_request_id, LeaveOf::Owner)
        }
        R::RejectDelegationRequest(r) => {
            about("iam:RejectDelegationRequest", &r.delegation_request_id, LeaveOf::Owner)
        }
        R::SendDelegationToken(r) => {
            about("iam:SendDelegationToken", &r.delegation_request_id, LeaveOf::Owner)
        }
        R::AcceptDelegationRequest(r) => {
            about("iam:AcceptDelegationRequest", &r.delegation_request_id, LeaveOf::Nobody)
        }
        R::ListDelegationRequests(r) => {
            let demand =
                Demand::new("iam:ListDelegationRequests", "*").with_option(OWNER, r.owner_id.as_deref());
            match r.owner_id.as_deref() == Some(caller.arn()) {
                true => with_leave(demand, caller),
                false => demand,
            }
        }
        _ => return None,
    })
}

/// The request that an ARN names.
pub(super) fn id_of(arn: &str) -> &str {
    let parts = ArnParts::parse(arn).filter(|parts| parts.service == "iam");
    parts.and_then(|parts| parts.resource.strip_prefix("delegation-request/")).unwrap_or_default()
}

fn create(request: &CreateDelegationRequestRequest, caller: &Caller) -> Demand {
    // FIDELITY: whose account the ARN of a request that is yet to be made has; here the provider's, whose policies
    // decide.
    Demand::new("iam:CreateDelegationRequest", resource(caller, "*"))
        .with("iam:DelegationDuration", request.session_duration.to_string())
        .with("iam:NotificationChannel", request.notification_channel.as_str())
        .with_option("iam:TemplateArn", request.permissions.policy_template_arn.as_deref())
}

/// Who needs no policy for an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LeaveOf {
    /// Whoever claimed the request; while nobody has, anyone who may know of it.
    Anyone,
    /// Whoever claimed the request.
    Owner,
    /// Nobody.
    Nobody,
}

fn about(action: &'static str, id: &str, leave: LeaveOf, caller: &Caller, snapshot: &Snapshot) -> Demand {
    let found = snapshot.delegation(id).filter(|request| is_visible(request, caller.account));
    let owner = found.and_then(|request| request.owner.as_deref());
    let demand = Demand::new(action, resource(caller, id)).with_option(OWNER, owner);
    let is_given = |request: &DelegationRequest| match (leave, request.owner.as_deref()) {
        (LeaveOf::Anyone, None) => true,
        (LeaveOf::Anyone | LeaveOf::Owner, Some(owner)) => owner == caller.arn(),
        (LeaveOf::Owner, None) | (LeaveOf::Nobody, _) => false,
    };
    match found.is_some_and(|request| is_given(request)) {
        true => with_leave(demand, caller),
        false => demand,
    }
}

fn resource(caller: &Caller, id: &str) -> String {
    arn::iam(caller.partition, caller.account, "delegation-request", "/", id)
}

/// An allow from beside the caller's policies, which a deny in them still overrides.
fn with_leave(mut demand: Demand, caller: &Caller) -> Demand {
    let text = format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Principal": {{"AWS": "{}"}},
        "Action": "{}", "Resource": "*"}}}}"#,
        caller.arn(),
        demand.action,
    );
    // A text that could not be read would allow nothing.
    if let Ok(document) = Document::parse(text.as_str(), Grammar::evaluated(PolicyKind::Resource)) {
        let policy = Policy::new("default permissions for delegation requests", document);
        demand.resource_policy = Some(PolicySet::compile(PolicyKind::Resource, vec![policy]));
    }
    demand
}
