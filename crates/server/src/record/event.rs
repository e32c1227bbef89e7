//! A record as CloudTrail writes events.
//!
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>

use rolecall_access::{Evidence, iso8601};
use rolecall_policy::Outcome;
use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{CallerFacts, Record};

/// The event of a record, ready to be written. A denial carries its explanation.
pub(super) struct Event<'a>(pub(super) &'a Record);

/// The event of a record as a JSON value.
pub fn to_json(record: &Record) -> Value {
    serde_json::to_value(Event(record)).unwrap_or(Value::Null)
}

impl Serialize for Event<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = self.0;
        let mut event = serializer.serialize_struct("event", 19)?;
        event.serialize_field("eventVersion", "1.11")?;
        event.serialize_field("userIdentity", &Identity(record.caller.as_ref()))?;
        event.serialize_field("eventTime", &iso8601(record.at))?;
        event.serialize_field("eventSource", &format_args!("{}.amazonaws.com", record.service))?;
        event.serialize_field("eventName", &record.operation)?;
        event.serialize_field("awsRegion", &record.region)?;
        event.serialize_field("sourceIPAddress", &record.source_ip)?;
        event.serialize_field("userAgent", &record.user_agent)?;
        event.serialize_field("requestID", &record.request_id)?;
        event.serialize_field("eventID", &record.request_id)?;
        event.serialize_field("readOnly", &is_read_only(&record.operation))?;
        event.serialize_field("eventType", "AwsApiCall")?;
        event.serialize_field("managementEvent", &(record.service != "s3"))?;
        let account = record.caller.as_ref().map(|caller| caller.account);
        event.serialize_field("recipientAccountId", &account)?;
        if let Some((code, message)) = &record.error {
            event.serialize_field("errorCode", code)?;
            event.serialize_field("errorMessage", message)?;
        }
        event.serialize_field("additionalEventData", &Additional(record))?;
        event.end()
    }
}

struct Identity<'a>(Option<&'a CallerFacts>);

impl Serialize for Identity<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut identity = serializer.serialize_struct("userIdentity", 7)?;
        let Some(caller) = self.0 else {
            identity.serialize_field("type", "Unknown")?;
            return identity.end();
        };
        identity.serialize_field("type", caller.kind)?;
        identity.serialize_field("principalId", &caller.principal_id)?;
        identity.serialize_field("arn", &caller.arn)?;
        identity.serialize_field("accountId", &caller.account)?;
        identity.serialize_field("accessKeyId", &caller.access_key_id)?;
        if let Some(name) = &caller.user_name {
            identity.serialize_field("userName", name)?;
        }
        if caller.session.is_some() {
            identity.serialize_field("sessionContext", &SessionContext(caller))?;
        }
        identity.end()
    }
}

struct SessionContext<'a>(&'a CallerFacts);

impl Serialize for SessionContext<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut context = serializer.serialize_struct("sessionContext", 2)?;
        if let Some(arn) = &self.0.issuer_arn {
            context.serialize_field("sessionIssuer", &Issuer(arn))?;
        }
        if let Some((issued, mfa)) = self.0.session {
            let mfa = if mfa { "true" } else { "false" };
            context.serialize_field("attributes", &Attributes(iso8601(issued), mfa))?;
        }
        context.end()
    }
}

struct Issuer<'a>(&'a str);

impl Serialize for Issuer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut issuer = serializer.serialize_struct("sessionIssuer", 2)?;
        issuer.serialize_field("type", "Role")?;
        issuer.serialize_field("arn", self.0)?;
        issuer.end()
    }
}

struct Attributes(String, &'static str);

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut attributes = serializer.serialize_struct("attributes", 2)?;
        attributes.serialize_field("creationDate", &self.0)?;
        attributes.serialize_field("mfaAuthenticated", self.1)?;
        attributes.end()
    }
}

struct Additional<'a>(&'a Record);

impl Serialize for Additional<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut additional = serializer.serialize_struct("additionalEventData", 3)?;
        additional.serialize_field("httpStatus", &self.0.status)?;
        let micros = u64::try_from(self.0.took.as_micros()).unwrap_or(u64::MAX);
        additional.serialize_field("microseconds", &micros)?;
        additional.serialize_field("decisions", &Decisions(&self.0.evidence))?;
        additional.end()
    }
}

struct Decisions<'a>(&'a [Evidence]);

impl Serialize for Decisions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut decisions = serializer.serialize_seq(Some(self.0.len()))?;
        for evidence in self.0 {
            decisions.serialize_element(&Decided(evidence))?;
        }
        decisions.end()
    }
}

struct Decided<'a>(&'a Evidence);

impl Serialize for Decided<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let evidence = self.0;
        let mut decision = serializer.serialize_struct("decision", 4)?;
        decision.serialize_field("action", &evidence.action)?;
        decision.serialize_field("resource", &evidence.resource)?;
        let outcome = match evidence.outcome {
            Outcome::Allowed => "Allowed",
            Outcome::ImplicitlyDenied => "ImplicitlyDenied",
            Outcome::ExplicitlyDenied => "ExplicitlyDenied",
        };
        decision.serialize_field("decision", outcome)?;
        if evidence.outcome != Outcome::Allowed {
            let explanation = evidence.explain(|explanation| serde_json::to_value(explanation));
            decision.serialize_field("explanation", &explanation.unwrap_or(Value::Null))?;
        }
        decision.end()
    }
}

/// Whether an operation only reads, told by its name as CloudTrail does.
pub(crate) fn is_read_only(operation: &str) -> bool {
    ["Get", "List", "Describe", "Simulate", "Decode", "Head", "Lookup", "Validate"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}
