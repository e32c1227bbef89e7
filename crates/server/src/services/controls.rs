//! The policies of the organization that stand over the caller's account: for questions about what it comes to.

use http::Response;
use http::request::Parts;
use rolecall_access::{Caller, Demand, Subject, authorize};
use rolecall_aws_model::{Protocol, WireError};
use rolecall_policy::PolicySet;
use serde_json::{Value, json};

use super::iam::denied;
use super::json::respond;
use crate::body::Body;
use crate::line::Passage;

/// Where it is asked for.
pub(crate) const PATH: &str = "/rolecall/controls";

/// `GET /rolecall/controls`; it takes the permission of the simulator, whose answers show as much.
pub(crate) fn answer_controls(passage: &mut Passage<'_>, caller: &Caller, parts: &Parts) -> Response<Body> {
    if parts.method != http::Method::GET {
        let unknown = WireError::new("UnknownOperation", 404, "There is no such operation.");
        return passage.fail(&unknown, Protocol::Json);
    }
    passage.trace.operation = "ListControls".into();
    let answered = answer(passage, caller);
    respond(passage, answered)
}

fn answer(passage: &mut Passage<'_>, caller: &Caller) -> Result<Value, WireError> {
    let demands = vec![Demand::new("iam:SimulatePrincipalPolicy", "*")];
    let ruling = authorize((), Subject::Caller(caller), &passage.facts, &passage.snapshot, demands);
    passage.trace.evidence = ruling.evidence;
    ruling.result.map_err(|error| denied(passage, &error))?;
    let governance = passage.snapshot.governance(caller.account).map_err(|cause| {
        tracing::error!(%cause, "an organization's policies can't be evaluated");
        WireError::internal()
    })?;
    let levels =
        |levels: Option<&[PolicySet]>| levels.map(|levels| levels.iter().map(level).collect::<Vec<_>>());
    Ok(json!({
        "organization": governance.map(|found| found.organization.as_str()),
        "path": governance.map(|found| found.path.as_str()),
        "serviceControl": governance.and_then(|found| levels(found.service_control.as_deref())),
        "resourceControl": governance.and_then(|found| levels(found.resource_control.as_deref())),
    }))
}

fn level(set: &PolicySet) -> Vec<Value> {
    let policies = set.policies().iter();
    policies.map(|policy| json!({"name": policy.name(), "document": &**policy.document().source()})).collect()
}
