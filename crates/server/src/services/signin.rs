//! AWS Sign-In on the line, as far as `aws login` needs it: leave for a tool to act as whoever is signed in to the
//! console, and its credentials. The rules are in `rolecall_sts::login`.

use http::request::Parts;
use http::{HeaderValue, Response, header};
use rolecall_access::session::Session;
use rolecall_access::{AccessError, Caller, Demand, Subject, authorize};
use rolecall_aws_model::signin::{
    AccessToken, CreateOAuth2TokenRequestBody, CreateOAuth2TokenResponse, CreateOAuth2TokenResponseBody,
    Operation, Request, Response as Answer,
};
use rolecall_aws_model::{JsonInput, Protocol, WireError};
use rolecall_federation::dpop::{self, ProvenRequest, Thumbprint};
use rolecall_state::{Partition, Txn};
use rolecall_sts::login::{
    self, Authorization, Client, Grant, LoginError, RefreshToken, Spent, may_pass_on, still_counts,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::json::{permitted, respond};
use crate::body::{Body, full};
use crate::line::Passage;
use crate::record::CallerFacts;

/// Where tools get their credentials.
pub(crate) const TOKEN_PATH: &str = "/v1/token";
/// Where the console asks for a code, as whoever is signed in.
const AUTHORIZE_PATH: &str = "/v1/authorize";

/// What the console asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    client_id: String,
    redirect_uri: String,
    code_challenge: String,
    code_challenge_method: String,
    /// Whether only to look whether it could be agreed to.
    dry_run: bool,
}

/// Answers a signed request: of the console, as whoever is signed in to it.
pub(crate) async fn answer_signin(
    passage: &mut Passage<'_>,
    caller: &Caller,
    parts: &Parts,
    body: &[u8],
) -> Response<Body> {
    if (parts.method.as_str(), parts.uri.path()) != ("POST", AUTHORIZE_PATH) {
        let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
        let known = Operation::route(parts.method.as_str(), path).map(|(operation, _)| operation.name());
        let error = match known {
            Some(operation) => WireError::not_implemented("signin", operation),
            None => WireError::new("UnknownOperationException", 404, "There is no such operation."),
        };
        return passage.fail(&error, Protocol::Json);
    }
    passage.trace.operation = "AuthorizeOAuth2Access".into();
    let answered = agree(passage, caller, parts, body).await;
    respond(passage, answered)
}

async fn agree(
    passage: &mut Passage<'_>,
    caller: &Caller,
    parts: &Parts,
    body: &[u8],
) -> Result<Value, WireError> {
    let malformed = |_| WireError::new("ValidationException", 400, "The body is not what is asked for.");
    let asked: Asked = serde_json::from_slice(body).map_err(malformed)?;
    let challenge = (asked.code_challenge.as_str(), asked.code_challenge_method.as_str());
    let authorization = Authorization::new(&asked.client_id, &asked.redirect_uri, challenge, host(parts));
    let authorization = authorization.map_err(|error| refused(passage, &error))?;
    let resource = authorization.client().resource(caller, &passage.facts.region);
    permitted(passage, caller, Demand::new("signin:AuthorizeOAuth2Access", resource))?;
    let session = caller.session.as_deref().filter(|session| may_pass_on(session));
    let session = session.ok_or_else(|| {
        WireError::new(
            "AccessDeniedException",
            403,
            "Only a session of the console can be passed on to a tool.",
        )
    })?;
    if asked.dry_run {
        return Ok(json!({}));
    }
    let (endpoint, now) = (passage.endpoint, passage.facts.now);
    let keep = |txn: &mut Txn| Grant::keep(session, &authorization, txn, now, endpoint.entropy());
    let code = endpoint.state().write(session.account, keep).await;
    Ok(json!({"code": code.map_err(|error| refused(passage, &error))?}))
}

/// `CreateOAuth2Token`, which needs no signature: the code or the refresh token is the proof, and the tool's own key.
pub(crate) async fn answer_token(passage: &mut Passage<'_>, parts: &Parts, body: &[u8]) -> Response<Body> {
    passage.trace.service = "signin";
    let operation = Operation::CreateOAuth2Token;
    passage.trace.operation = operation.name().into();
    let answered = match parts.uri.query() {
        Some(query) if query.contains("x-amz-") => {
            Err((WireError::not_implemented("signin", "CreateOAuth2Token with IAM"), "INVALID_REQUEST"))
        }
        _ => token(passage, parts, body).await,
    };
    match answered {
        Ok(response) => respond(passage, Ok(response)),
        Err((error, kind)) => {
            passage.endpoint.metrics().unauthenticated();
            let text = json!({"error": kind, "message": error.message}).to_string();
            let json = HeaderValue::from_static("application/json");
            let mut response = passage.fail(&error, Protocol::Json).map(|_| full(text));
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            response
        }
    }
}

/// An error with the member `error` that the model's exceptions have.
type Refusal = (WireError, &'static str);

async fn token(passage: &mut Passage<'_>, parts: &Parts, body: &[u8]) -> Result<Value, Refusal> {
    let asked = parsed(body)?;
    let invalid = |what: &str| told(passage, &LoginError::Invalid(what.to_owned()));
    let client = Client::of_id(&asked.client_id).ok_or_else(|| invalid("clientId is not valid."))?;
    let key = proven_key(parts, passage.facts.now.0).map_err(|what| invalid(&what))?;
    match (asked.grant_type.as_str(), &asked.refresh_token) {
        ("authorization_code", _) => redeem(passage, &asked, client, &key).await,
        ("refresh_token", Some(shown)) => refresh(passage, shown.expose(), client, &key).await,
        _ => Err(invalid("refreshToken is missing.")),
    }
}

fn parsed(body: &[u8]) -> Result<CreateOAuth2TokenRequestBody, Refusal> {
    let invalid =
        |error: WireError| (WireError { code: "ValidationException".into(), ..error }, "INVALID_REQUEST");
    let malformed = |message: &str| invalid(WireError::new("ValidationException", 400, message));
    let given: Value = serde_json::from_slice(body).map_err(|_| malformed("The body is not JSON."))?;
    // The model's payload is the body itself.
    let whole = json!({ "tokenInput": given }).to_string();
    let input = JsonInput::json(whole.as_bytes()).map_err(invalid)?;
    let request =
        Request::parse(Operation::CreateOAuth2Token, &input).map_err(|error| invalid(error.wire()))?;
    match request {
        Some(Request::CreateOAuth2Token(request)) => Ok(request.token_input),
        None => Err(malformed("The operation is not built.")),
    }
}

/// The key whose possession the tool shows.
fn proven_key(parts: &Parts, now: i64) -> Result<Thumbprint, String> {
    let mut proofs = parts.headers.get_all("dpop").into_iter();
    let (Some(proof), None) = (proofs.next().and_then(|proof| proof.to_str().ok()), proofs.next()) else {
        return Err("One DPoP proof is needed.".to_owned());
    };
    let request = ProvenRequest { method: parts.method.as_str(), host: host(parts), path: parts.uri.path() };
    dpop::verify(proof, request, now).map_err(|error| error.to_string())
}

fn host(parts: &Parts) -> &str {
    let named = parts.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    named.or_else(|| parts.uri.authority().map(|authority| authority.as_str())).unwrap_or_default()
}

async fn redeem(
    passage: &mut Passage<'_>,
    asked: &CreateOAuth2TokenRequestBody,
    client: Client,
    key: &Thumbprint,
) -> Result<Value, Refusal> {
    let (Some(code), Some(to), Some(verifier)) = (&asked.code, &asked.redirect_uri, &asked.code_verifier)
    else {
        let missing = LoginError::Invalid("code, redirectUri and codeVerifier are needed.".into());
        return Err(told(passage, &missing));
    };
    let found = Grant::find(code, (client, to, verifier), &passage.snapshot, passage.facts.now);
    let session = found.map_err(|error| told(passage, &error))?.session;
    let caller = may_have(passage, &session, client)?;
    let state = passage.endpoint.state();
    let used = state.write(session.account, |txn: &mut Txn| login::redeem(code, txn)).await;
    used.map_err(|error| told(passage, &error))?;
    let next = RefreshToken::first(session, client, key, passage.endpoint.entropy());
    issued(passage, &caller, &next, true)
}

async fn refresh(
    passage: &mut Passage<'_>,
    shown: &str,
    client: Client,
    key: &Thumbprint,
) -> Result<Value, Refusal> {
    let now = passage.facts.now;
    let opened = RefreshToken::open(shown, client, key, &passage.snapshot);
    let token = opened.map_err(|error| told(passage, &error))?;
    let caller = may_have(passage, &token.session, client)?;
    let state = passage.endpoint.state();
    let spent = state.write(token.session.account, |txn: &mut Txn| token.spend(txn, now)).await;
    match spent.map_err(|error| told(passage, &error))? {
        Spent::Now => issued(passage, &caller, &token.next(passage.endpoint.entropy()), false),
        Spent::Again => Err(told(passage, &LoginError::TokenExpired)),
    }
}

/// Checks that a session still counts and that its principal may pass it on. It is recorded as the principal's request.
fn may_have(passage: &mut Passage<'_>, session: &Session, client: Client) -> Result<Caller, Refusal> {
    still_counts(session, &passage.snapshot, passage.facts.now).map_err(|error| told(passage, &error))?;
    let region = passage.facts.region.clone();
    let caller = Caller::of_session(session.clone(), Partition::of_region(&region), &passage.snapshot);
    let caller = caller.map_err(|_| told(passage, &LoginError::TokenExpired))?;
    passage.trace.caller = Some(CallerFacts::of(&caller).into());
    let demand = Demand::new("signin:CreateOAuth2Token", client.resource(&caller, &region));
    let ruling = authorize((), Subject::Caller(&caller), &passage.facts, &passage.snapshot, vec![demand]);
    passage.trace.evidence = ruling.evidence;
    match ruling.result {
        Ok(_) => Ok(caller),
        Err(AccessError::Denied { message }) => {
            passage.endpoint.metrics().denied();
            Err((WireError::new("AccessDeniedException", 403, message), "INSUFFICIENT_PERMISSIONS"))
        }
        Err(other) => Err((super::iam::denied(passage, &other), "server_error")),
    }
}

fn issued(
    passage: &Passage<'_>,
    caller: &Caller,
    token: &RefreshToken,
    with_identity: bool,
) -> Result<Value, Refusal> {
    let (snapshot, now, entropy) = (&passage.snapshot, passage.facts.now, passage.endpoint.entropy());
    let made = login::credentials(&token.session, snapshot, now, entropy);
    let made = made.map_err(|error| told(passage, &error))?;
    let refresh_token = token.seal(snapshot, entropy).map_err(|error| told(passage, &error))?;
    let issuer = &passage.endpoint.parts().public_url;
    let text = |secret: &rolecall_state::Secret| secret.expose_str().unwrap_or_default().to_owned();
    let answer = CreateOAuth2TokenResponse {
        token_output: CreateOAuth2TokenResponseBody {
            access_token: AccessToken {
                access_key_id: made.access_key_id.to_string(),
                secret_access_key: text(&made.secret_access_key),
                session_token: text(&made.session_token),
            },
            token_type: "aws_sigv4".to_owned(),
            expires_in: i32::try_from(made.expiration.seconds_since(now)).unwrap_or(1),
            refresh_token: refresh_token.into(),
            id_token: with_identity.then(|| login::id_token(caller.arn(), issuer, token.client, &made, now)),
        },
    };
    let text = Answer::from(answer).to_json();
    let whole: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    Ok(whole.get("tokenOutput").cloned().unwrap_or(Value::Null))
}

/// An error as the model has it; what went wrong inside is logged, and not told.
fn told(passage: &Passage<'_>, error: &LoginError) -> Refusal {
    let (code, kind, status) = error.wire();
    if status >= 500 {
        tracing::error!(request_id = passage.id.as_str(), cause = %error, "a login failed");
        return (WireError::new(code, status, "The request could not be carried out."), kind);
    }
    (WireError::new(code, status, error.to_string()), kind)
}

fn refused(passage: &Passage<'_>, error: &LoginError) -> WireError {
    told(passage, error).0
}
