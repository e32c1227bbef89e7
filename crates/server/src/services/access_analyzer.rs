//! Access Analyzer on the line: `ValidatePolicy`. What else it has is not built.
//!
//! <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ValidatePolicy.html>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Response;
use http::request::Parts;
use rolecall_access::{Caller, Demand};
use rolecall_aws_model::accessanalyzer::{Operation, Request, ValidatePolicyRequest};
use rolecall_aws_model::{JsonInput, WireError};
use rolecall_policy_validation::{Options, PolicyKind, validate};
use serde_json::{Value, json};

use super::json::{permitted, respond};
use crate::body::Body;
use crate::line::Passage;

/// How many findings a page has when the request does not say.
const PAGE: usize = 100;

/// Answers a request.
pub(crate) fn answer_access_analyzer(
    passage: &mut Passage<'_>,
    caller: &Caller,
    parts: &Parts,
    body: &[u8],
) -> Response<Body> {
    let answered = answer(passage, caller, parts, body);
    respond(passage, answered)
}

fn answer(
    passage: &mut Passage<'_>,
    caller: &Caller,
    parts: &Parts,
    body: &[u8],
) -> Result<Value, WireError> {
    let unknown = || WireError::new("UnknownOperationException", 404, "There is no such operation.");
    let (operation, labels) =
        Operation::route(parts.method.as_str(), parts.uri.path()).ok_or_else(unknown)?;
    passage.trace.operation = operation.name().into();
    let input = JsonInput::rest(labels, parts.uri.query().unwrap_or_default(), body)?;
    let request = Request::parse(operation, &input).map_err(|error| error.wire())?;
    permitted(passage, caller, Demand::new(format!("access-analyzer:{}", operation.name()), "*"))?;
    match request {
        Some(Request::ValidatePolicy(request)) => validate_policy(&request),
        _ => Err(WireError::not_implemented("access-analyzer", operation.name())),
    }
}

fn validate_policy(request: &ValidatePolicyRequest) -> Result<Value, WireError> {
    let findings = validate(&request.policy_document, kind(request)?, Options::default());
    let from = position(request.next_token.as_deref())?;
    let size = request.max_results.and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0);
    let size = size.unwrap_or(PAGE).min(1_000);
    let page: Vec<_> = findings.iter().skip(from).take(size).collect();
    let mut answer = json!({ "findings": page });
    if let (Some(object), true) = (answer.as_object_mut(), findings.len() > from + size) {
        object.insert("nextToken".to_owned(), URL_SAFE_NO_PAD.encode((from + size).to_string()).into());
    }
    Ok(answer)
}

fn kind(request: &ValidatePolicyRequest) -> Result<PolicyKind, WireError> {
    let trust =
        request.validate_policy_resource_type.as_deref() == Some("AWS::IAM::AssumeRolePolicyDocument");
    Ok(match request.policy_type.as_str() {
        "IDENTITY_POLICY" => PolicyKind::Identity,
        "RESOURCE_POLICY" if trust => PolicyKind::Trust,
        "RESOURCE_POLICY" => PolicyKind::Resource,
        "SERVICE_CONTROL_POLICY" => PolicyKind::ServiceControl,
        "RESOURCE_CONTROL_POLICY" => PolicyKind::ResourceControl,
        other => {
            let words = format!("Policies of type {other} can't be validated here.");
            return Err(WireError::new("ValidationException", 400, words));
        }
    })
}

fn position(token: Option<&str>) -> Result<usize, WireError> {
    let Some(token) = token else { return Ok(0) };
    let decoded = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let number = decoded.and_then(|text| text.parse().ok());
    number.ok_or_else(|| WireError::new("ValidationException", 400, "The nextToken is invalid."))
}
