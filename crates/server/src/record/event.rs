//! A record as CloudTrail writes events.
//!
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>

use rolecall_access::{Evidence, iso8601};
use rolecall_policy::Outcome;
use serde_json::{Map, Value, json};

use super::{CallerFacts, Record};

/// The event of a record. A denial carries its explanation.
pub fn to_json(record: &Record) -> Value {
    let mut event = json!({
        "eventVersion": "1.11",
        "userIdentity": record.caller.as_ref().map_or_else(|| json!({"type": "Unknown"}), identity),
        "eventTime": iso8601(record.at),
        "eventSource": format!("{}.amazonaws.com", record.service),
        "eventName": record.operation,
        "awsRegion": record.region,
        "sourceIPAddress": record.source_ip.map(|ip| ip.to_string()),
        "userAgent": record.user_agent,
        "requestID": record.request_id,
        "eventID": record.request_id,
        "readOnly": is_read_only(&record.operation),
        "eventType": "AwsApiCall",
        "managementEvent": record.service != "s3",
        "recipientAccountId": record.caller.as_ref().map(|caller| caller.account.to_string()),
        "additionalEventData": {
            "httpStatus": record.status,
            "microseconds": u64::try_from(record.took.as_micros()).unwrap_or(u64::MAX),
            "decisions": record.evidence.iter().map(decision).collect::<Vec<_>>(),
        },
    });
    if let (Some((code, message)), Some(event)) = (&record.error, event.as_object_mut()) {
        event.insert("errorCode".into(), Value::from(&**code));
        event.insert("errorMessage".into(), Value::from(&**message));
    }
    event
}

fn identity(caller: &CallerFacts) -> Value {
    let mut identity = Map::new();
    identity.insert("type".into(), caller.kind.into());
    identity.insert("principalId".into(), Value::from(&*caller.principal_id));
    identity.insert("arn".into(), Value::from(&*caller.arn));
    identity.insert("accountId".into(), caller.account.to_string().into());
    identity.insert("accessKeyId".into(), Value::from(&*caller.access_key_id));
    if let Some(name) = &caller.user_name {
        identity.insert("userName".into(), Value::from(&**name));
    }
    if let Some((issued, mfa)) = caller.session {
        let attributes = json!({"creationDate": iso8601(issued), "mfaAuthenticated": mfa.to_string()});
        let mut context = json!({ "attributes": attributes });
        if let (Some(arn), Some(context)) = (&caller.issuer_arn, context.as_object_mut()) {
            context.insert("sessionIssuer".into(), json!({"type": "Role", "arn": arn}));
        }
        identity.insert("sessionContext".into(), context);
    }
    Value::Object(identity)
}

fn decision(evidence: &Evidence) -> Value {
    let outcome = match evidence.outcome {
        Outcome::Allowed => "Allowed",
        Outcome::ImplicitlyDenied => "ImplicitlyDenied",
        Outcome::ExplicitlyDenied => "ExplicitlyDenied",
    };
    let mut decision = json!({"action": evidence.action, "resource": evidence.resource, "decision": outcome});
    if let (false, Some(decision)) = (evidence.outcome == Outcome::Allowed, decision.as_object_mut()) {
        let explanation = evidence.explain(|explanation| serde_json::to_value(explanation));
        decision.insert("explanation".into(), explanation.unwrap_or(Value::Null));
    }
    decision
}

/// Whether an operation only reads, told by its name as CloudTrail does.
pub(crate) fn is_read_only(operation: &str) -> bool {
    ["Get", "List", "Describe", "Simulate", "Decode", "Head", "Lookup", "Validate"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}
