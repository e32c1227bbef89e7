//! EC2 on the line. Its denials carry their details sealed, for those who may decode them.

use rolecall_access::{AccessError, Caller, Subject, authorize, message};
use rolecall_aws_model::WireError;
use rolecall_aws_model::ec2::{Operation, Request, VERSION};
use rolecall_ec2::{demands, handle};

use super::query::Asked;
use crate::line::Passage;

/// Parses, authorizes, handles and renders.
pub(super) fn answer(passage: &mut Passage<'_>, caller: &Caller, asked: &Asked) -> Result<String, WireError> {
    let invalid = || {
        WireError::new(
            "InvalidAction",
            400,
            format!("The action {} is not valid for this web service.", asked.operation),
        )
    };
    let operation = Operation::from_name(&asked.operation).ok_or_else(invalid)?;
    passage.trace.operation = operation.name().into();
    debug_assert_eq!(asked.params.get("Version"), Some(VERSION));
    let request = Request::parse(operation, &asked.params)
        .map_err(|error| WireError::new("InvalidParameterValue", 400, error.to_string()))?;
    let subject = Subject::Caller(caller);
    let ruling = authorize(request, subject, &passage.facts, &passage.snapshot, demands(operation, caller));
    passage.trace.evidence = ruling.evidence;
    let authorized = ruling.result.map_err(|error| denied(passage, caller, &error))?;
    let not_built = || WireError::not_implemented("ec2", operation.name());
    let authorized = authorized.transpose().ok_or_else(not_built)?;
    match handle(&authorized) {
        Ok(response) => Ok(response.to_xml(passage.id.as_str())),
        Err(error) => {
            let (code, status) = error.code();
            Err(WireError::new(code, status, error.to_string()))
        }
    }
}

fn denied(passage: &Passage<'_>, caller: &Caller, error: &AccessError) -> WireError {
    let AccessError::Denied { message: words } = error else { return super::iam::denied(passage, error) };
    passage.endpoint.metrics().denied();
    let ring = passage.snapshot.key_ring();
    let sealed = passage.trace.evidence.last();
    let sealed = sealed.and_then(|e| message::encode(e, caller.account, ring, passage.endpoint.entropy()));
    let text = format!(
        "You are not authorized to perform this operation. {words} Encoded authorization failure message: {}",
        sealed.unwrap_or_default()
    );
    WireError::new("UnauthorizedOperation", 403, text)
}
