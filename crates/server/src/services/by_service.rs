//! What a user, group or role can do, service by service: for the console's pages.

use http::Response;
use http::request::Parts;
use rolecall_access::{Caller, Demand, Subject, authorize};
use rolecall_aws_model::{Protocol, WireError};
use rolecall_iam::{Env, IamError, ServiceAccess, access_by_service};
use serde_json::{Value, json};

use super::iam::{aside, denied};
use super::json::respond;
use crate::body::Body;
use crate::line::Passage;

/// Where it is asked for.
pub(crate) const PATH: &str = "/rolecall/access";

/// `GET /rolecall/access?arn=…`; it takes the permission of IAM's own operation for the same question.
pub(crate) fn answer_by_service(passage: &mut Passage<'_>, caller: &Caller, parts: &Parts) -> Response<Body> {
    if parts.method != http::Method::GET {
        let unknown = WireError::new("UnknownOperation", 404, "There is no such operation.");
        return passage.fail(&unknown, Protocol::Json);
    }
    passage.trace.operation = "ListAccessByService".into();
    let answered = answer(passage, caller, parts);
    respond(passage, answered)
}

fn answer(passage: &mut Passage<'_>, caller: &Caller, parts: &Parts) -> Result<Value, WireError> {
    let query = parts.uri.query().unwrap_or_default();
    let arn = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "arn");
    let arn = arn.map(|(_, value)| value.into_owned()).unwrap_or_default();
    let demands = vec![Demand::new("iam:ListPoliciesGrantingServiceAccess", arn.clone())];
    let ruling = authorize((), Subject::Caller(caller), &passage.facts, &passage.snapshot, demands);
    passage.trace.evidence = ruling.evidence;
    ruling.result.map_err(|error| denied(passage, &error))?;
    let server = passage.endpoint.parts();
    let env = Env {
        caller,
        now: passage.facts.now,
        entropy: passage.endpoint.entropy(),
        quotas: &server.quotas,
        local_issuers: server.local_issuers,
        public_url: &server.public_url,
        providers: &server.providers,
        role_templates: &server.role_templates,
        last_used: server.state.last_used(),
    };
    let found = aside(|| access_by_service(&env, &passage.snapshot, &arn));
    let found = found.map_err(|error| failed(&error))?;
    Ok(json!({"services": found.iter().map(view).collect::<Vec<_>>()}))
}

fn view(access: &ServiceAccess) -> Value {
    let ServiceAccess { prefix, name, allowed, actions, everywhere, levels } = access;
    json!({"prefix": prefix, "name": name, "allowed": allowed, "actions": actions, "everywhere": everywhere,
        "levels": levels})
}

fn failed(error: &IamError) -> WireError {
    let code = error.code();
    WireError::new(code.code(), code.status(), error.to_string())
}
