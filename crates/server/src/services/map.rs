//! Who there is in an account and who may become whom: for the console's map and its pages of roles.

use http::Response;
use http::request::Parts;
use rolecall_access::{Caller, Demand, Subject, authorize, evaluate};
use rolecall_aws_model::{Protocol, WireError};
use rolecall_policy::Outcome;
use rolecall_sts::map::{Also, Map};
use rolecall_sts::reach::Reach;
use serde_json::{Value, json};

use super::iam::{aside, denied};
use super::json::respond;
use crate::body::Body;
use crate::line::Passage;

/// Where it is asked for.
pub(crate) const PATH: &str = "/rolecall/map";
/// The most questions that are put to the engine for one map.
const BUDGET: usize = 60_000;

/// `GET /rolecall/map`: the whole map, of the names that contain `q`; with `from`, what one user or role may become;
/// with `role`, who may become it.
pub(crate) fn answer_map(passage: &mut Passage<'_>, caller: &Caller, parts: &Parts) -> Response<Body> {
    if parts.method != http::Method::GET {
        let unknown = WireError::new("UnknownOperation", 404, "There is no such operation.");
        return passage.fail(&unknown, Protocol::Json);
    }
    passage.trace.operation = "ListMap".into();
    let answered = answer(passage, caller, parts.uri.query().unwrap_or_default());
    respond(passage, answered)
}

fn answer(passage: &mut Passage<'_>, caller: &Caller, query: &str) -> Result<Value, WireError> {
    let of = |wanted: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    // The permissions for what it is put together from.
    let actions = ["iam:ListUsers", "iam:ListGroups", "iam:ListRoles", "iam:SimulatePrincipalPolicy"];
    let demands = actions.into_iter().map(|action| Demand::new(action, "*")).collect();
    let ruling = authorize((), Subject::Caller(caller), &passage.facts, &passage.snapshot, demands);
    passage.trace.evidence = ruling.evidence;
    ruling.result.map_err(|error| denied(passage, &error))?;
    let sees_instances = Demand::new("ec2:DescribeInstances", "*");
    let seen = evaluate(Subject::Caller(caller), &passage.facts, &passage.snapshot, sees_instances);
    let instances = seen.is_ok_and(|evidence| evidence.outcome == Outcome::Allowed);
    let gone = || WireError::new("ResourceNotFound", 404, "There is no such account.");
    let account = passage.snapshot.account(caller.account).ok_or_else(gone)?;
    let reach =
        Reach { snapshot: &passage.snapshot, account, partition: caller.partition, facts: &passage.facts };
    let also = Also { instances, profiles: false };
    let mut map = Map::of(&reach, &of("q").to_ascii_lowercase(), also, BUDGET);
    let drawn = aside(|| match (of("role").as_str(), of("from").as_str()) {
        ("", "") => map.everyone(),
        ("", from) => map.from(from),
        (role, _) => map.to(role),
    });
    drawn.map_err(|error| super::sts::failed(passage, &error))?;
    Ok(json!({"nodes": map.nodes, "edges": map.edges, "complete": map.complete}))
}
