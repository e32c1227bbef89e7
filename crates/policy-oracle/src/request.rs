//! The `decide` request line, read field by field.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::json::{Read, as_list, as_object, as_text, malformed, member, scalar_texts};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// An ARN: user, role session, federated user session or root.
    Arn(String),
    /// A service principal.
    Service(String),
    /// Nobody in particular.
    Anonymous,
}

/// One request with all policies that might apply.
pub(crate) struct Request {
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) resource_account: Option<String>,
    pub(crate) caller: Caller,
    /// By lower-cased key, since keys are case-insensitive. A key without values counts as absent.
    pub(crate) context: BTreeMap<String, Vec<String>>,
    pub(crate) identity: Vec<Value>,
    pub(crate) resource_policy: Option<Value>,
    pub(crate) boundaries: Option<Vec<Value>>,
    pub(crate) session: Option<Vec<Value>>,
    pub(crate) service_control: Vec<Vec<Value>>,
    pub(crate) resource_control: Vec<Vec<Value>>,
    pub(crate) endpoint: Option<Vec<Value>>,
}

impl Request {
    pub(crate) fn read(line: &Value) -> Read<Self> {
        let line = as_object(line, "the request")?;
        Ok(Self {
            action: required(line, "action")?,
            resource: required(line, "resource")?,
            resource_account: optional(line, "resourceAccount")?,
            caller: caller(line)?,
            context: context(line)?,
            identity: policies(line, "identityPolicies")?.unwrap_or_default(),
            resource_policy: member(line, "resourcePolicy").cloned(),
            boundaries: policies(line, "permissionsBoundaries")?,
            session: policies(line, "sessionPolicies")?,
            service_control: levels(line, "serviceControlPolicies")?,
            resource_control: levels(line, "resourceControlPolicies")?,
            endpoint: policies(line, "vpcEndpointPolicies")?,
        })
    }

    /// The service prefix of the action.
    pub(crate) fn service(&self) -> String {
        self.action.split(':').next().unwrap_or_default().to_ascii_lowercase()
    }

    pub(crate) fn is_action(&self, name: &str) -> bool {
        self.action.eq_ignore_ascii_case(name)
    }

    /// The values of a context key, if it is present.
    pub(crate) fn values(&self, key: &str) -> Option<&[String]> {
        self.context.get(&key.to_ascii_lowercase()).map(Vec::as_slice)
    }
}

fn required(line: &Map<String, Value>, name: &str) -> Read<String> {
    optional(line, name)?.map_or_else(|| malformed(format!("no {name}")), Ok)
}

fn optional(line: &Map<String, Value>, name: &str) -> Read<Option<String>> {
    member(line, name).map(|value| as_text(value, name).map(str::to_owned)).transpose()
}

fn caller(line: &Map<String, Value>) -> Read<Caller> {
    match member(line, "principal") {
        Some(Value::String(text)) if text == "*" => Ok(Caller::Anonymous),
        Some(Value::String(text)) => Ok(Caller::Arn(text.clone())),
        Some(Value::Object(object)) => match object.get("service") {
            Some(Value::String(name)) => Ok(Caller::Service(name.clone())),
            _ => malformed("principal names no service"),
        },
        _ => malformed("no principal"),
    }
}

fn context(line: &Map<String, Value>) -> Read<BTreeMap<String, Vec<String>>> {
    let mut context = BTreeMap::new();
    let Some(given) = member(line, "context") else { return Ok(context) };
    for (key, values) in as_object(given, "context")? {
        let values = scalar_texts(values, key)?;
        if !values.is_empty() {
            context.insert(key.to_ascii_lowercase(), values);
        }
    }
    Ok(context)
}

fn policies(line: &Map<String, Value>, name: &str) -> Read<Option<Vec<Value>>> {
    member(line, name).map(|value| named_policies(value, name)).transpose()
}

fn levels(line: &Map<String, Value>, name: &str) -> Read<Vec<Vec<Value>>> {
    let Some(levels) = member(line, name) else { return Ok(Vec::new()) };
    as_list(levels, name)?.iter().map(|level| named_policies(level, name)).collect()
}

/// The documents of a list of `{"name": …, "policy": …}`.
fn named_policies(value: &Value, name: &str) -> Read<Vec<Value>> {
    let document = |entry: &Value| match as_object(entry, name)?.get("policy") {
        Some(policy) => Ok(policy.clone()),
        None => malformed(format!("{name} has an entry without a policy")),
    };
    as_list(value, name)?.iter().map(document).collect()
}
