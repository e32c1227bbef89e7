//! `rolecall explain REQUEST_ID`: why a recorded request was allowed or denied.

use std::io::Write;
use std::process::ExitCode;

use http_body_util::{BodyExt, Empty};
use rolecall_policy::decide_format::Decider;
use rolecall_server::{Clock as _, SystemClock};
use rolecall_sigv4::{PayloadHash, SecretKey, Signer, Timestamp};
use serde_json::Value;

use super::{Failure, read_text, variable};
use crate::cli::ExplainArgs;

/// How wide explanations are.
const TEXT_WIDTH: usize = 100;

/// Asks the server, and prints what it says.
#[expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is absent")]
pub(crate) fn run(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    if let Some(path) = &args.request {
        return hypothetical(&read_text(path)?, args.json);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::Environment(format!("no runtime: {cause}")))?;
    let (status, body) = runtime.block_on(fetch(args))?;
    let answer: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    if status != 200 {
        let message = answer["message"].as_str().unwrap_or("the server's answer can't be read");
        eprintln!("rolecall: {message}");
        return Ok(ExitCode::from(if status == 403 || status == 404 { 1 } else { 2 }));
    }
    let text = if args.json { format!("{answer:#}\n") } else { as_text(&answer) };
    let written = std::io::stdout().write_all(text.as_bytes());
    written.map_err(|cause| Failure::Environment(format!("standard output: {cause}")))?;
    Ok(ExitCode::SUCCESS)
}

/// Explains a request that was never made. The answer is no when it would be denied.
fn hypothetical(line: &str, json: bool) -> Result<ExitCode, Failure> {
    let shown = Decider::new(None).explain(line, |explanation| {
        let text = match json {
            true => serde_json::to_string_pretty(explanation).map(|text| text + "\n"),
            false => Ok(explanation.to_text(TEXT_WIDTH) + "\n"),
        };
        (explanation.decision.is_allowed(), text)
    });
    let (allowed, text) = shown.map_err(|cause| Failure::Environment(cause.to_string()))?;
    let text = text.map_err(|cause| Failure::Environment(cause.to_string()))?;
    let written = std::io::stdout().write_all(text.as_bytes());
    written.map_err(|cause| Failure::Environment(format!("standard output: {cause}")))?;
    Ok(ExitCode::from(u8::from(!allowed)))
}

#[expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is absent")]
fn as_text(answer: &Value) -> String {
    let request = &answer["request"];
    let shown = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut out = format!(
        "{} {}:{} by {}: {}\n",
        shown(&request["eventTime"]),
        shown(&request["eventSource"]),
        shown(&request["eventName"]),
        shown(&request["userIdentity"]["arn"]),
        request["errorCode"].as_str().unwrap_or("done"),
    );
    for explanation in answer["explanations"].as_array().into_iter().flatten() {
        out.push('\n');
        out.push_str(explanation["text"].as_str().unwrap_or_default());
        out.push('\n');
    }
    out
}

async fn fetch(args: &ExplainArgs) -> Result<(u16, Vec<u8>), Failure> {
    let environment = |what: &str, cause: String| Failure::Environment(format!("{what}: {cause}"));
    let url = format!(
        "{}/rolecall/requests/{}",
        args.endpoint_url.trim_end_matches('/'),
        args.request_id.as_deref().unwrap_or_default()
    );
    let uri: http::Uri =
        url.parse().map_err(|cause: http::uri::InvalidUri| environment(&url, cause.to_string()))?;
    let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http"));
    let authority =
        authority.ok_or_else(|| environment(&url, "the endpoint must be an http:// address".into()))?;
    let address = match authority.port_u16() {
        Some(_) => authority.to_string(),
        None => format!("{authority}:80"),
    };
    let path = uri.path().to_owned();
    let (mut parts, ()) = http::Request::get(path)
        .header(http::header::HOST, authority.as_str())
        .body(())
        .map_err(|cause| environment(&url, cause.to_string()))?
        .into_parts();
    sign(&mut parts)?;
    let stream = tokio::net::TcpStream::connect(&address)
        .await
        .map_err(|cause| environment(&address, cause.to_string()))?;
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io)
        .await
        .map_err(|cause| environment(&address, cause.to_string()))?;
    tokio::spawn(connection);
    let request = http::Request::from_parts(parts, Empty::<&[u8]>::new());
    let answered =
        sender.send_request(request).await.map_err(|cause| environment(&address, cause.to_string()))?;
    let status = answered.status().as_u16();
    let body =
        answered.into_body().collect().await.map_err(|cause| environment(&address, cause.to_string()))?;
    Ok((status, body.to_bytes().to_vec()))
}

fn sign(parts: &mut http::request::Parts) -> Result<(), Failure> {
    let needed = |name: &str| {
        variable(name).ok_or_else(|| {
            Failure::Environment(format!("${name} is not set: try `eval \"$(rolecall env)\"`"))
        })
    };
    let access_key_id = needed("AWS_ACCESS_KEY_ID")?;
    let secret = SecretKey::new(&needed("AWS_SECRET_ACCESS_KEY")?);
    let token = variable("AWS_SESSION_TOKEN").filter(|token| !token.is_empty());
    let region = variable("AWS_REGION").unwrap_or_else(|| "us-east-1".into());
    let signer = Signer {
        access_key_id: &access_key_id,
        secret: &secret,
        token: token.as_deref(),
        region: &region,
        service: "rolecall",
    };
    let signed = signer.sign(parts, &PayloadHash::of(b""), Timestamp(SystemClock.now().0));
    signed.map_err(|cause| Failure::Environment(format!("the request can't be signed: {cause}")))
}
