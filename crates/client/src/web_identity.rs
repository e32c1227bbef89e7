//! Assuming a role by an OIDC token: no stored keys. In GitHub Actions the runner hands out the token.
//! <https://docs.github.com/en/actions/reference/security/oidc>

use std::fs;
use std::time::Duration;

use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use serde::Deserialize;

use crate::assume::{minimum_in, policy_arns, say_raised, session_name};
use crate::connection::{Connection, http_client};
use crate::role::Role;
use crate::session::Session;
use crate::{AssumeArgs, ClientError, Terminal};

const OPERATION: &str = "AssumeRoleWithWebIdentity";
const RUNNER_PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn session(
    args: &AssumeArgs,
    connection: &Connection,
    terminal: &mut Terminal<'_>,
) -> Result<Session, ClientError> {
    // Without keys there is no caller's account that a mere name could belong to.
    let Role::Arn(role_arn) = Role::parse(&args.role)? else {
        return Err(ClientError::NotARole(args.role.clone()));
    };
    let request = connection
        .sts
        .assume_role_with_web_identity()
        .role_arn(role_arn)
        .role_session_name(session_name(args, terminal))
        .set_duration_seconds(args.duration_seconds)
        .set_policy(args.policy.clone())
        .set_policy_arns(policy_arns(args))
        .web_identity_token(token(args, terminal).await?);
    let mut answer = request.clone().send().await;
    let refused = answer.as_ref().err().filter(|error| error.code() == Some("ValidationError"));
    let minimum = refused.and_then(|error| minimum_in(error.message()?));
    if let Some(minimum) =
        minimum.filter(|minimum| args.duration_seconds.is_some_and(|asked| asked < *minimum))
    {
        say_raised(args.duration_seconds, minimum, terminal)?;
        answer = request.duration_seconds(minimum).send().await;
    }
    let answer = answer.map_err(|error| ClientError::of_sdk(OPERATION, &connection.endpoint, &error))?;
    Session::of_answer(OPERATION, answer.credentials(), answer.assumed_role_user())
}

async fn token(args: &AssumeArgs, terminal: &Terminal<'_>) -> Result<String, ClientError> {
    if let Some(path) = &args.token_file {
        let text = fs::read_to_string(path);
        return match text {
            Ok(text) => Ok(text.trim().to_owned()),
            Err(cause) => Err(ClientError::File { path: path.clone(), cause }),
        };
    }
    let wanted = |variable| {
        terminal.set_variable(variable).ok_or(ClientError::NotInGithub {
            variable,
            purpose: "--web-identity",
            wanted: "job with `permissions: id-token: write`",
        })
    };
    let url = wanted("ACTIONS_ID_TOKEN_REQUEST_URL")?;
    let bearer = wanted("ACTIONS_ID_TOKEN_REQUEST_TOKEN")?;
    ask_runner(&with_audience(&url, &args.audience), &bearer)
        .await
        .map_err(|reason| ClientError::NoToken { source_name: "GitHub's runner".to_owned(), reason })
}

fn with_audience(url: &str, audience: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}audience={}", percent_encoded(audience))
}

fn percent_encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// Why the runner's answer is no token.
#[derive(Debug, thiserror::Error)]
enum RunnerError {
    #[error("it answered with status {0}")]
    Status(u16),
    #[error("its answer is no JSON with a `value`")]
    NotAToken,
}

/// What the runner answers.
#[derive(Deserialize)]
struct RunnerToken {
    value: String,
}

/// One GET with the SDK's own HTTP client, so that the program has a single one.
async fn ask_runner(url: &str, bearer: &str) -> Result<String, String> {
    let (host, path) = host_and_path(url).ok_or("its address is not a URL")?;
    let authorization = format!("Bearer {bearer}");
    let operation = Operation::builder()
        .service_name("GitHub Actions")
        .operation_name("RequestToken")
        .http_client(http_client())
        .endpoint_url(host)
        .no_auth()
        .no_retry()
        .timeout_config(TimeoutConfig::builder().operation_timeout(RUNNER_PATIENCE).build())
        .sleep_impl(TokioSleep::new())
        .serializer(move |path: String| {
            let mut request = HttpRequest::empty();
            request.set_uri(path)?;
            request.headers_mut().insert("authorization", authorization.clone());
            request.headers_mut().insert("accept", "application/json");
            Ok(request)
        })
        .deserializer(read_answer)
        .build();
    operation.invoke(path.to_owned()).await.map_err(|error| DisplayErrorContext(error).to_string())
}

fn read_answer(answer: &HttpResponse) -> Result<String, OrchestratorError<RunnerError>> {
    if !answer.status().is_success() {
        return Err(OrchestratorError::operation(RunnerError::Status(answer.status().as_u16())));
    }
    let parsed: Result<RunnerToken, _> = serde_json::from_slice(answer.body().bytes().unwrap_or_default());
    parsed.map(|token| token.value).map_err(|_| OrchestratorError::operation(RunnerError::NotAToken))
}

/// Splits behind the host, the path keeping its slash and its query.
fn host_and_path(url: &str) -> Option<(&str, &str)> {
    let host_at = url.find("://")? + "://".len();
    let path_at = host_at + url.get(host_at..)?.find('/')?;
    url.split_at_checked(path_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_split_from_the_path() {
        assert_eq!(host_and_path("http://h:1/a/b?v=1"), Some(("http://h:1", "/a/b?v=1")));
        assert_eq!(host_and_path("h/a"), None);
        assert_eq!(host_and_path("https://h"), None);
    }

    #[test]
    fn the_audience_joins_the_query_that_is_there() {
        assert_eq!(with_audience("https://h/t", "a b"), "https://h/t?audience=a%20b");
        assert_eq!(with_audience("https://h/t?v=1", "sts"), "https://h/t?v=1&audience=sts");
    }
}
