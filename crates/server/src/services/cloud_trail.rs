//! CloudTrail's `LookupEvents`, answered from the audit trail.
//!
//! <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>

use std::ops::ControlFlow;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Response;
use http::request::Parts;
use rolecall_access::{Caller, Demand, iso8601};
use rolecall_aws_model::cloudtrail::{
    self as wire, Event, LookupEventsRequest, LookupEventsResponse, Operation, Request, Resource,
    TARGET_PREFIX,
};
use rolecall_aws_model::{JsonInput, Timestamp, WireError};
use serde_json::Value;

use super::json::{permitted, respond_to_target, target, unknown_operation};
use crate::body::Body;
use crate::line::Passage;
use crate::record::backwards;

/// The most events of one answer, and as many as one has that does not say.
const MOST: usize = 50;
/// CloudTrail looks up the events of these days.
const DAYS: i64 = 90;

/// Answers a request.
pub(crate) async fn answer_cloud_trail(
    passage: &mut Passage<'_>,
    caller: &Caller,
    parts: &Parts,
    body: &[u8],
) -> Response<Body> {
    let answered = answer(passage, caller, parts, body).await;
    respond_to_target(passage, answered)
}

async fn answer(
    passage: &mut Passage<'_>,
    caller: &Caller,
    parts: &Parts,
    body: &[u8],
) -> Result<String, WireError> {
    let operation = Operation::from_name(target(parts, TARGET_PREFIX)?).ok_or_else(unknown_operation)?;
    passage.trace.operation = operation.name().into();
    let input = JsonInput::json(body)?;
    let parsed = Request::parse(operation, &input)
        .map_err(|error| refused("ValidationException", &error.to_string()))?;
    let Some(Request::LookupEvents(request)) = parsed else {
        return Err(WireError::not_implemented("cloudtrail", operation.name()));
    };
    permitted(passage, caller, Demand::new("cloudtrail:LookupEvents", "*"))?;
    let search = Search::new(&request, caller.account.to_string(), passage.facts.now.0)?;
    if request.event_category.is_some() {
        // Insights are CloudTrail's own findings; there are none here.
        return Ok(wire::Response::from(LookupEventsResponse::default()).to_json());
    }
    let directory = passage.endpoint.recorder().directory().to_owned();
    let looked = tokio::task::spawn_blocking(move || search.run(&directory)).await;
    let found = looked.map_err(|_| WireError::internal())?.map_err(|cause| {
        tracing::error!(%cause, "the audit trail can't be read");
        WireError::internal()
    })?;
    Ok(wire::Response::from(found).to_json())
}

fn refused(code: &'static str, message: &str) -> WireError {
    WireError::new(code, 400, message.to_owned())
}

/// What is looked for.
struct Search {
    account: String,
    /// The attribute's key and value.
    attribute: Option<(String, String)>,
    /// Times as events have them, which are ordered as texts are.
    from: String,
    to: String,
    most: usize,
    /// The event that the page before ended with.
    after: Option<String>,
}

impl Search {
    fn new(request: &LookupEventsRequest, account: String, now: i64) -> Result<Self, WireError> {
        let attribute = match request.lookup_attributes.as_slice() {
            [] => None,
            [one] => Some((one.attribute_key.clone(), one.attribute_value.clone())),
            _ => {
                let message = "You can only specify one lookup attribute.";
                return Err(refused("InvalidLookupAttributesException", message));
            }
        };
        let most = match request.max_results {
            None => MOST,
            Some(max) => {
                usize::try_from(max).ok().filter(|max| (1..=MOST).contains(max)).ok_or_else(|| {
                    refused("InvalidMaxResultsException", "The MaxResults parameter must be from 1 to 50.")
                })?
            }
        };
        let seconds = |time: Option<Timestamp>, default| time.map_or(default, Timestamp::seconds);
        let oldest = now - DAYS * 86_400;
        let (from, to) =
            (seconds(request.start_time, oldest).max(oldest), seconds(request.end_time, now + 1));
        if from > to {
            let message = "The start time must be before the end time.";
            return Err(refused("InvalidTimeRangeException", message));
        }
        let time = |at| iso8601(rolecall_state::Timestamp(at));
        let mut search = Self { account, attribute, from: time(from), to: time(to), most, after: None };
        if let Some(token) = &request.next_token {
            let after = search.read_token(token);
            let message = "The token is invalid, or was given out for other parameters.";
            search.after = Some(after.ok_or_else(|| refused("InvalidNextTokenException", message))?);
        }
        Ok(search)
    }

    /// A token names an event of the account, and for which question it was given out.
    fn token(&self, last: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!("{last} {} {:?}", self.account, self.attribute))
    }

    fn read_token(&self, token: &str) -> Option<String> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let (last, _) = text.split_once(' ')?;
        (self.token(last) == token).then(|| last.to_owned())
    }

    fn run(mut self, directory: &Path) -> std::io::Result<LookupEventsResponse> {
        let own = format!("\"recipientAccountId\":\"{}\"", self.account);
        let own = memchr::memmem::Finder::new(own.as_bytes());
        let (mut events, mut more) = (Vec::new(), false);
        backwards(directory, |line| {
            // Most lines are told apart without being read.
            if own.find(line).is_none() {
                return ControlFlow::Continue(());
            }
            let Ok(event) = serde_json::from_slice::<Value>(line) else { return ControlFlow::Continue(()) };
            let id = text(&event, "eventID");
            if let Some(after) = &self.after {
                if after == id {
                    self.after = None;
                }
                return ControlFlow::Continue(());
            }
            if text(&event, "eventTime") < self.from.as_str() {
                return ControlFlow::Break(());
            }
            if !self.wants(&event) {
                return ControlFlow::Continue(());
            }
            if events.len() == self.most {
                more = true;
                return ControlFlow::Break(());
            }
            events.push(view(&event, line));
            ControlFlow::Continue(())
        })?;
        let last = events.last().and_then(|event| event.event_id.as_deref()).filter(|_| more);
        let next_token = last.map(|last| self.token(last));
        Ok(LookupEventsResponse { events, next_token })
    }

    fn wants(&self, event: &Value) -> bool {
        let is = |name: &str| event.get(name).and_then(Value::as_bool) == Some(true);
        if text(event, "recipientAccountId") != self.account
            || !is("managementEvent")
            || text(event, "eventTime") > self.to.as_str()
        {
            return false;
        }
        let Some((key, value)) = &self.attribute else { return true };
        match key.as_str() {
            "EventId" => text(event, "eventID") == value,
            "EventName" => text(event, "eventName") == value,
            "EventSource" => text(event, "eventSource") == value,
            "ReadOnly" => is("readOnly").to_string() == *value,
            "Username" => user_name(event) == value,
            "AccessKeyId" => access_key_id(event) == value,
            "ResourceType" => resources(event).iter().any(|one| one.resource_type.as_ref() == Some(value)),
            "ResourceName" => resources(event).iter().any(|one| one.resource_name.as_ref() == Some(value)),
            _ => false,
        }
    }
}

fn text<'e>(event: &'e Value, name: &str) -> &'e str {
    event.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn identity<'e>(event: &'e Value, name: &str) -> &'e str {
    event.get("userIdentity").map(|identity| text(identity, name)).unwrap_or_default()
}

fn access_key_id(event: &Value) -> &str {
    identity(event, "accessKeyId")
}

/// The user's name, or the name of the session that a role or a federated user has.
fn user_name(event: &Value) -> &str {
    match (identity(event, "type"), identity(event, "userName")) {
        ("Root", _) => "root",
        (_, "") => identity(event, "arn").rsplit('/').next().unwrap_or_default(),
        (_, name) => name,
    }
}

// FIDELITY: which resources CloudTrail lists for each operation; here those that were decided on and have a type.
fn resources(event: &Value) -> Vec<Resource> {
    let decisions = event.pointer("/additionalEventData/decisions").and_then(Value::as_array);
    let arns = decisions.into_iter().flatten().map(|decision| text(decision, "resource"));
    arns.filter_map(resource).collect()
}

fn resource(arn: &str) -> Option<Resource> {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, rest) = (parts.next()?, parts.nth(2)?);
    let (kind, name) = rest.split_once('/').unwrap_or(("", rest));
    let kind = match (service, kind) {
        ("iam", "user") => "AWS::IAM::User",
        ("iam", "group") => "AWS::IAM::Group",
        ("iam", "role") => "AWS::IAM::Role",
        ("iam", "policy") => "AWS::IAM::Policy",
        ("iam", "instance-profile") => "AWS::IAM::InstanceProfile",
        ("ec2", "instance") => "AWS::EC2::Instance",
        ("s3", "") => "AWS::S3::Bucket",
        _ => return None,
    };
    let name = name.rsplit('/').next().filter(|name| !name.is_empty() && *name != "*")?;
    Some(Resource { resource_type: Some(kind.to_owned()), resource_name: Some(name.to_owned()) })
}

fn view(event: &Value, line: &[u8]) -> Event {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let basic = text(event, "eventTime").replace(['-', ':'], "");
    Event {
        event_id: some(text(event, "eventID")),
        event_name: some(text(event, "eventName")),
        read_only: event.get("readOnly").map(ToString::to_string),
        access_key_id: some(access_key_id(event)),
        event_time: rolecall_sigv4::Timestamp::parse_basic(&basic).map(|at| Timestamp::from_seconds(at.0)),
        event_source: some(text(event, "eventSource")),
        username: some(user_name(event)),
        resources: resources(event),
        cloud_trail_event: Some(String::from_utf8_lossy(line).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_typed_by_their_arns() {
        let named = |arn| {
            resource(arn).and_then(|one| Some(format!("{} {}", one.resource_type?, one.resource_name?)))
        };
        assert_eq!(named("arn:aws:iam::123456789012:user/a/b/jane").as_deref(), Some("AWS::IAM::User jane"));
        assert_eq!(named("arn:aws:s3:::bucket").as_deref(), Some("AWS::S3::Bucket bucket"));
        assert_eq!(named("arn:aws:iam::123456789012:role/*"), None);
        assert_eq!(named("*"), None);
    }
}
