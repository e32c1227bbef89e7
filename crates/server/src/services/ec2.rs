//! EC2 on the line. Its denials carry their details sealed, for those who may decode them.

use rolecall_access::{AccessError, Caller, Subject, authorize, message};
use rolecall_aws_model::WireError;
use rolecall_aws_model::ec2::{Operation, Request, VERSION};
use rolecall_ec2::{Ec2Error, Env, demands, handle};
use rolecall_state::Txn;

use super::iam::aside;
use super::query::Asked;
use crate::line::Passage;

/// Parses, authorizes, handles and renders.
pub(super) async fn answer(
    passage: &mut Passage<'_>,
    caller: &Caller,
    asked: &Asked,
) -> Result<String, WireError> {
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
    let request = Request::parse(operation, &asked.params).map_err(|error| error.wire())?;
    let subject = Subject::Caller(caller);
    let region = passage.facts.region.clone();
    let demands = demands(operation, request.as_ref(), caller, &passage.snapshot, &region);
    let ruling = authorize(request, subject, &passage.facts, &passage.snapshot, demands);
    passage.trace.evidence = ruling.evidence;
    let authorized = ruling.result.map_err(|error| denied(passage, caller, &error))?;
    let not_built = || WireError::not_implemented("ec2", operation.name());
    let authorized = authorized.transpose().ok_or_else(not_built)?;
    if asked.params.get("DryRun").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err(failed(passage, &Ec2Error::DryRun));
    }
    let parts = passage.endpoint.parts();
    let env = Env {
        caller,
        now: passage.facts.now,
        entropy: passage.endpoint.entropy(),
        region: &region,
        console: &*parts.console,
        host: &parts.node,
    };
    let slow = operation == Operation::CreateKeyPair;
    let carry_out = |txn: &mut Txn| {
        if slow { aside(|| handle(txn, &env, &authorized)) } else { handle(txn, &env, &authorized) }
    };
    match parts.state.write(caller.account, carry_out).await {
        Ok(response) => Ok(response.to_xml(passage.id.as_str())),
        Err(error) => Err(failed(passage, &error)),
    }
}

fn failed(passage: &Passage<'_>, error: &Ec2Error) -> WireError {
    match error.code() {
        Some((code, status)) => WireError::new(code, status, error.to_string()),
        None => {
            tracing::error!(request_id = passage.id.as_str(), cause = %error, "an EC2 operation failed");
            WireError::internal()
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
