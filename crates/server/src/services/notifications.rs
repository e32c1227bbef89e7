//! What IAM would publish to a product provider's SNS topic, which this program has none of: the provider fetches it.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/temporary-delegation-building-integration.html>

use http::Response;
use http::request::Parts;
use ring::digest::{SHA256, digest};
use rolecall_access::{Caller, Demand, Subject, authorize, iso8601};
use rolecall_aws_model::{Protocol, WireError};
use rolecall_state::entities::{DelegationRequest, DelegationState};
use rolecall_state::{Timestamp, Uuid};
use rolecall_sts::trade_in_token;
use serde_json::{Value, json};

use super::iam::denied;
use super::json::respond;
use crate::body::Body;
use crate::line::Passage;

/// Where it is asked for.
pub(crate) const PATH: &str = "/rolecall/notifications";

/// `GET /rolecall/notifications?topic=ARN`: the messages to a topic of the caller's account, the oldest first. It takes
/// the permission to subscribe to the topic.
pub(crate) fn answer_notifications(
    passage: &mut Passage<'_>,
    caller: &Caller,
    parts: &Parts,
) -> Response<Body> {
    if parts.method != http::Method::GET {
        let unknown = WireError::new("UnknownOperation", 404, "There is no such operation.");
        return passage.fail(&unknown, Protocol::Json);
    }
    passage.trace.operation = "ListNotifications".into();
    let answered = answer(passage, caller, parts);
    respond(passage, answered)
}

fn answer(passage: &mut Passage<'_>, caller: &Caller, parts: &Parts) -> Result<Value, WireError> {
    let query = parts.uri.query().unwrap_or_default();
    let topic = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "topic");
    let topic = topic.map(|(_, value)| value.into_owned()).unwrap_or_default();
    let demands = vec![Demand::new("sns:Subscribe", topic.clone())];
    let ruling = authorize((), Subject::Caller(caller), &passage.facts, &passage.snapshot, demands);
    passage.trace.evidence = ruling.evidence;
    ruling.result.map_err(|error| denied(passage, &error))?;
    let now = passage.facts.now;
    // The topic of a request is one of its maker's account, so no other account's are found.
    let mut messages: Vec<(Timestamp, Value)> = Vec::new();
    for request in passage.snapshot.delegations_by(caller.account).filter(|request| request.topic == topic) {
        messages.extend(changes(request, now));
        messages.extend(token(passage, request, now));
    }
    messages.sort_by_key(|(at, _)| *at);
    let notifications: Vec<Value> =
        messages.iter().map(|(at, message)| envelope(&topic, *at, message)).collect();
    Ok(json!({"notifications": notifications}))
}

/// A message for each change of a request.
fn changes(request: &DelegationRequest, now: Timestamp) -> Vec<(Timestamp, Value)> {
    let expired = (request.state(now) == DelegationState::Expired)
        .then(|| (DelegationState::Expired, request.expires()));
    let changes = request.history.iter().skip(1).copied().chain(expired);
    changes.map(|(state, at)| (at, message(request, "StateChange", state, at))).collect()
}

/// The message that brings the token, while it is good.
fn token(passage: &Passage<'_>, request: &DelegationRequest, now: Timestamp) -> Option<(Timestamp, Value)> {
    let token = trade_in_token(request, &passage.snapshot, now, passage.endpoint.entropy())?;
    let at = request.updated();
    let mut message = message(request, "ExchangeToken", DelegationState::Finalized, at);
    let members = message.as_object_mut()?;
    members.insert("ExchangeToken".into(), token.into());
    members.insert("ExpiresAt".into(), iso8601(request.access_ends()?).into());
    Some((at, message))
}

fn message(request: &DelegationRequest, kind: &str, state: DelegationState, at: Timestamp) -> Value {
    json!({
        "Type": kind,
        "RequestId": request.id,
        "RequestorWorkflowId": request.workflow,
        "State": state.as_str(),
        "OwnerAccountId": request.owner_account.map(|account| account.to_string()),
        "UpdatedAt": iso8601(at),
    })
}

/// The message as SNS delivers it, but for the signature.
fn envelope(topic: &str, at: Timestamp, message: &Value) -> Value {
    let of = |name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default();
    json!({
        "Type": "Notification",
        "MessageId": message_id(&format!("{}/{}/{}/{}", of("RequestId"), of("Type"), of("State"), at.0)),
        "TopicArn": topic,
        "Message": message.to_string(),
        "Timestamp": iso8601(at),
    })
}

/// The same id for the same message, however often it is fetched.
fn message_id(what: &str) -> String {
    let hash = digest(&SHA256, what.as_bytes());
    let bits = hash.as_ref().first_chunk().copied().unwrap_or_default();
    Uuid::of(bits).to_string()
}
