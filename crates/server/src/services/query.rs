//! The query protocol: which operation of which service, and its parameters.

use http::Response;
use http::request::Parts;
use rolecall_aws_model::{QueryError, QueryParams, ValidationError, WireError};

use crate::authenticate::Authenticated;
use crate::body::Body;
use crate::line::Passage;
use crate::route::Service;
use crate::services::{ec2, iam, saml, sts, web_identity};

/// What the parameters of a request ask for.
pub(super) struct Asked {
    pub(super) params: QueryParams,
    pub(super) operation: String,
}

/// Answers an authenticated request.
pub(crate) async fn answer_query(
    passage: &mut Passage<'_>,
    service: Service,
    authenticated: &Authenticated,
    parts: &Parts,
    body: &[u8],
) -> Response<Body> {
    let protocol = passage.protocol(service);
    let asked = match asked(service, parts, body) {
        Ok(asked) => asked,
        Err(error) => return passage.fail(&error, protocol),
    };
    let answered = match service {
        Service::Iam => Box::pin(iam::answer(passage, authenticated.caller(), &asked)).await,
        Service::Sts => sts::answer(passage, authenticated.caller(), &asked).await,
        Service::Ec2 => Box::pin(ec2::answer(passage, authenticated.caller(), &asked)).await,
        Service::S3
        | Service::AccessAnalyzer
        | Service::CloudTrail
        | Service::Organizations
        | Service::Signin
        | Service::Rolecall => Err(WireError::not_implemented(service.name(), &asked.operation)),
    };
    match answered {
        Ok(xml) => crate::failure::success(xml, &passage.id),
        Err(error) => passage.fail(&error, protocol),
    }
}

/// Answers a request without a proof: only what STS lets anyone ask who has a proof of another kind.
pub(crate) async fn answer_unsigned_query(
    passage: &mut Passage<'_>,
    parts: &Parts,
    body: &[u8],
) -> Response<Body> {
    let params = params(parts, body);
    let version = params.as_ref().ok().and_then(|params| params.get("Version")).and_then(Service::of_version);
    let service = version.unwrap_or(Service::Sts);
    passage.trace.service = service.name();
    let protocol = passage.protocol(service);
    let asked = match asked(service, parts, body) {
        Ok(asked) => asked,
        Err(error) => return passage.fail(&error, protocol),
    };
    let answered = match (service, asked.operation.as_str()) {
        (Service::Sts, "AssumeRoleWithWebIdentity") => {
            Box::pin(web_identity::answer_unsigned(passage, &asked)).await
        }
        (Service::Sts, "AssumeRoleWithSAML") => saml::answer_unsigned(passage, &asked),
        _ => Err(missing_token(service)),
    };
    match answered {
        Ok(xml) => crate::failure::success(xml, &passage.id),
        Err(error) => passage.fail(&error, protocol),
    }
}

fn missing_token(service: Service) -> WireError {
    let error = rolecall_sigv4::SigError::MissingAuthenticationToken;
    let wire = error.wire(service.family(), rolecall_sigv4::Disclosure::Plain);
    WireError::new(wire.code, wire.status, wire.message)
}

fn params(parts: &Parts, body: &[u8]) -> Result<QueryParams, QueryError> {
    // A GET carries its parameters in the URL; a POST in its body.
    match body.is_empty() {
        true => QueryParams::parse(parts.uri.query().unwrap_or_default().as_bytes()),
        false => QueryParams::parse(body),
    }
}

fn asked(service: Service, parts: &Parts, body: &[u8]) -> Result<Asked, WireError> {
    let params = params(parts, body)
        .map_err(|error| WireError::new("MalformedQueryString", 400, error.to_string()))?;
    let missing = |name: &str| {
        WireError::new(
            "MissingAction",
            400,
            format!("The request is missing an action or a required parameter: {name}."),
        )
    };
    let operation =
        params.get("Action").filter(|action| !action.is_empty()).ok_or_else(|| missing("Action"))?.to_owned();
    let version = params.get("Version").unwrap_or_default();
    let known = match service {
        Service::Iam => rolecall_aws_model::iam::VERSION,
        Service::Sts => rolecall_aws_model::sts::VERSION,
        _ => rolecall_aws_model::ec2::VERSION,
    };
    if version != known {
        let shown = if version.is_empty() { "NO_VERSION_SPECIFIED" } else { version };
        return Err(WireError::invalid_action(&operation, shown));
    }
    Ok(Asked { params, operation })
}

/// What AWS answers for parameters that the model does not allow.
pub(super) fn validation(error: &ValidationError) -> WireError {
    let code = match error {
        ValidationError::Constraints(_) => "ValidationError",
        ValidationError::Malformed(_) => "MalformedInput",
    };
    WireError::new(code, 400, error.to_string())
}
