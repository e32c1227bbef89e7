//! A record as CloudTrail writes events.
//!
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>

use rolecall_access::{Evidence, iso8601};
use rolecall_policy::Outcome;
use rolecall_state::Timestamp;
use serde_json::Value;

use super::json::JsonText;
use super::{CallerFacts, Record};

/// Writes events; the records of a batch mostly share their second.
#[derive(Default)]
pub(super) struct EventWriter {
    time: Option<(Timestamp, String)>,
}

/// The event of a record as a JSON value.
pub fn to_json(record: &Record) -> Value {
    let mut text = Vec::with_capacity(1_024);
    EventWriter::default().write(&mut text, record);
    serde_json::from_slice(&text).unwrap_or(Value::Null)
}

impl EventWriter {
    /// `at`, as events have times.
    pub(super) fn time(&mut self, at: Timestamp) -> &str {
        if self.time.as_ref().is_none_or(|(known, _)| *known != at) {
            self.time = None;
        }
        &self.time.get_or_insert_with(|| (at, iso8601(at))).1
    }

    /// Writes the event of a record. A denial carries its explanation.
    pub(super) fn write(&mut self, out: &mut Vec<u8>, record: &Record) {
        let time = self.time(record.at);
        JsonText::new(out).object(|event| {
            event.text("eventVersion", "1.11");
            match &record.caller {
                Some(caller) => event.written("userIdentity", caller.memo.identity(|| identity(caller))),
                None => event.nested("userIdentity", |identity| identity.text("type", "Unknown")),
            }
            event.text("eventTime", time);
            event.pieces("eventSource", &[record.service, ".amazonaws.com"]);
            event.text("eventName", &record.operation);
            event.text("awsRegion", &record.region);
            event.optional("sourceIPAddress", record.source_ip.as_deref());
            event.optional("userAgent", record.user_agent.as_deref());
            event.text("requestID", record.request_id.as_str());
            event.text("eventID", record.request_id.as_str());
            event.truth("readOnly", is_read_only(&record.operation));
            event.text("eventType", "AwsApiCall");
            event.truth("managementEvent", !is_data_event(record.service, &record.operation));
            match &record.caller {
                Some(caller) => event.account("recipientAccountId", caller.account),
                None => event.optional("recipientAccountId", None),
            }
            if let Some((code, message)) = &record.error {
                event.text("errorCode", code);
                event.text("errorMessage", message);
            }
            event.nested("additionalEventData", |data| {
                data.number("httpStatus", u64::from(record.status));
                data.number("microseconds", u64::try_from(record.took.as_micros()).unwrap_or(u64::MAX));
                data.list("decisions", &record.evidence, write_decision);
            });
        });
    }
}

/// The `userIdentity` of a caller.
fn identity(caller: &CallerFacts) -> Vec<u8> {
    let mut text = Vec::with_capacity(512);
    JsonText::new(&mut text).object(|identity| write_identity(identity, caller));
    text
}

fn write_identity(identity: &mut JsonText<'_>, caller: &CallerFacts) {
    identity.text("type", caller.kind);
    identity.text("principalId", &caller.principal_id);
    identity.text("arn", &caller.arn);
    identity.account("accountId", caller.account);
    identity.text("accessKeyId", &caller.access_key_id);
    if let Some(name) = &caller.user_name {
        identity.text("userName", name);
    }
    let Some((issued, mfa)) = caller.session else { return };
    identity.nested("sessionContext", |session| {
        if let Some(arn) = &caller.issuer_arn {
            session.nested("sessionIssuer", |issuer| {
                issuer.text("type", "Role");
                issuer.text("arn", arn);
            });
        }
        session.nested("attributes", |attributes| {
            attributes.text("creationDate", &iso8601(issued));
            attributes.text("mfaAuthenticated", if mfa { "true" } else { "false" });
        });
    });
    if let Some(delegate) = caller.delegate {
        identity.nested("invokedByDelegate", |by| by.account("accountId", delegate));
    }
}

fn write_decision(decision: &mut JsonText<'_>, evidence: &Evidence) {
    decision.text("action", &evidence.action);
    decision.text("resource", &evidence.resource);
    let outcome = match evidence.outcome {
        Outcome::Allowed => "Allowed",
        Outcome::ImplicitlyDenied => "ImplicitlyDenied",
        Outcome::ExplicitlyDenied => "ExplicitlyDenied",
    };
    decision.text("decision", outcome);
    if evidence.outcome != Outcome::Allowed {
        evidence.explain(|explanation| decision.value("explanation", explanation));
    }
}

/// Whether an event is about what is in a resource, not about the resource: of S3, about objects.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html>
fn is_data_event(service: &str, operation: &str) -> bool {
    service == "s3" && ["Object", "Part", "Multipart"].iter().any(|part| operation.contains(part))
}

/// Whether an operation only reads, told by its name as CloudTrail does.
pub(crate) fn is_read_only(operation: &str) -> bool {
    ["Get", "List", "Describe", "Simulate", "Decode", "Head", "Lookup", "Validate"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}
