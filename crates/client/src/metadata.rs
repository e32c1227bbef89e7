//! `rolecall metadata`: lends a role to a command by the container credentials endpoint, so that
//! clients of every SDK renew by themselves and the command never holds the caller's own keys.

use std::net::TcpListener;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_sts::operation::assume_role::builders::AssumeRoleFluentBuilder;
use aws_sdk_sts::primitives::{DateTime, DateTimeFormat};
use futures::future::BoxFuture;
use ring::rand::SystemRandom;
use rolecall_imds::{
    CONTAINER_PATH, ContainerCredentialSource, ContainerCredentials, ContainerToken, CredentialFailure,
    RoleCredentials, serve_container,
};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::assume::{OPERATION, open, request};
use crate::connection::Connection;
use crate::delivery::quoted;
use crate::session::Session;
use crate::{AssumeArgs, ClientError, MetadataArgs, Terminal};

/// Loopback only, on a port that is free.
const ADDRESS: &str = "127.0.0.1:0";
/// SDKs refresh up to a quarter of an hour before the end; credentials must not be older than that.
const RENEW_BEFORE: Duration = Duration::from_secs(15 * 60);

/// What a client finds before the endpoint in its chain, and what would therefore win over it.
const STRONGER: [&str; 9] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];

/// What the command needs of the machine.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings {
    /// Tells the time.
    pub clock: fn() -> SystemTime,
}

/// Lends the role to the command until it ends, or to whoever has the token until interrupted.
///
/// # Errors
/// When the role can't be assumed at first, or the endpoint or the command can't be started.
pub async fn metadata(
    args: MetadataArgs,
    surroundings: Surroundings,
    terminal: &mut Terminal<'_>,
) -> Result<ExitCode, ClientError> {
    let words = args.command.clone();
    let connection = Connection::open(&args.connection).await;
    let lent = lent(args, &connection, surroundings, terminal).await?;
    let unserved = |cause| ClientError::Endpoint { address: ADDRESS, cause };
    let listener = TcpListener::bind(ADDRESS).map_err(unserved)?;
    let url = format!("http://{}{CONTAINER_PATH}", listener.local_addr().map_err(unserved)?);
    let token = ContainerToken::generate(&SystemRandom::new())
        .map_err(|cause| unserved(std::io::Error::other(cause)))?;
    let endpoint = Arc::new(ContainerCredentials::new(Arc::new(lent), token.clone()));
    let variables = variables(&url, &token, &connection);
    let serving = serve_container(listener, endpoint, std::future::pending());
    if words.is_empty() {
        for (name, value) in &variables {
            writeln!(terminal.out, "export {name}={}", quoted(value))?;
        }
        terminal.out.flush()?;
        serving.await.map_err(unserved)?;
        return Ok(ExitCode::SUCCESS);
    }
    tokio::select! {
        served = serving => served.map_err(unserved).map(|()| ExitCode::FAILURE),
        ended = lend_to(words, variables) => ended,
    }
}

/// Assumes the role once, so that a refusal is told at once and not by the command's own client.
async fn lent(
    args: MetadataArgs,
    connection: &Connection,
    surroundings: Surroundings,
    terminal: &mut Terminal<'_>,
) -> Result<LentRole, ClientError> {
    let MetadataArgs { role, session_name, duration_seconds, external_id, connection: _, command: _ } = args;
    let args = AssumeArgs { role, session_name, duration_seconds, external_id, ..AssumeArgs::default() };
    let request = request(&args, connection, terminal).await?;
    let (request, session) = open(request, duration_seconds, connection, terminal).await?;
    let present = Lease::of(&session, &request, (surroundings.clock)())?;
    Ok(LentRole { request, clock: surroundings.clock, present: Mutex::new(present) })
}

fn variables(url: &str, token: &ContainerToken, connection: &Connection) -> Vec<(&'static str, String)> {
    let mut variables = vec![
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.to_owned()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", token.expose().to_owned()),
        ("AWS_REGION", connection.region.clone()),
        ("AWS_DEFAULT_REGION", connection.region.clone()),
        // Keys or profiles in the caller's files come first in every client's chain.
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
        ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
    ];
    // The endpoint may come from the files that the command does not see.
    if connection.endpoint.starts_with("http") {
        variables.push(("AWS_ENDPOINT_URL", connection.endpoint.clone()));
    }
    variables
}

/// Runs the command beside the endpoint; its exit code is ours.
async fn lend_to(
    words: Vec<String>,
    variables: Vec<(&'static str, String)>,
) -> Result<ExitCode, ClientError> {
    let Some((program, arguments)) = words.split_first() else { return Ok(ExitCode::SUCCESS) };
    let failed = |cause| ClientError::Command { program: program.clone(), cause };
    let mut command = Command::new(program);
    command.args(arguments);
    for name in STRONGER {
        command.env_remove(name);
    }
    let mut child = command.envs(variables).spawn().map_err(failed)?;
    let waited = tokio::task::spawn_blocking(move || child.wait()).await;
    let status = waited.map_err(|cause| failed(std::io::Error::other(cause)))?.map_err(failed)?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Credentials, and from when on new ones are wanted.
struct Lease {
    credentials: RoleCredentials,
    renew_at: SystemTime,
}

impl Lease {
    fn of(
        session: &Session,
        request: &AssumeRoleFluentBuilder,
        now: SystemTime,
    ) -> Result<Self, ClientError> {
        let invalid = ClientError::Incomplete { operation: OPERATION, missing: "a valid Expiration" };
        let parts = &session.credentials;
        let expiration = DateTime::from_str(&parts.expiration, DateTimeFormat::DateTime).ok();
        let expiration = expiration.and_then(|time| SystemTime::try_from(time).ok()).ok_or(invalid)?;
        let credentials = RoleCredentials {
            access_key_id: parts.access_key_id.clone(),
            secret_access_key: Zeroizing::new(parts.secret_access_key.clone()),
            session_token: Zeroizing::new(parts.session_token.clone()),
            expiration,
            role_arn: request.get_role_arn().clone().unwrap_or_default(),
        };
        Ok(Self { renew_at: renew_at(now, expiration), credentials })
    }
}

/// A quarter of an hour before the end, or at half of a shorter life.
fn renew_at(now: SystemTime, expiration: SystemTime) -> SystemTime {
    let life = expiration.duration_since(now).unwrap_or_default();
    expiration - RENEW_BEFORE.min(life / 2)
}

/// The role, assumed anew whenever the present session nears its end.
struct LentRole {
    request: AssumeRoleFluentBuilder,
    clock: fn() -> SystemTime,
    present: Mutex<Lease>,
}

impl LentRole {
    async fn renewed(&self) -> Result<Lease, CredentialFailure> {
        let answer = self.request.clone().send().await.map_err(|error| {
            match ClientError::of_sdk(OPERATION, "STS", &error) {
                ClientError::Refused { code, .. } if code == "AccessDenied" => {
                    CredentialFailure::Unauthorized
                }
                other => CredentialFailure::Internal(other.to_string()),
            }
        })?;
        Session::of_answer(OPERATION, answer.credentials(), answer.assumed_role_user())
            .and_then(|session| Lease::of(&session, &self.request, (self.clock)()))
            .map_err(|error| CredentialFailure::Internal(error.to_string()))
    }
}

impl ContainerCredentialSource for LentRole {
    fn credentials(&self) -> BoxFuture<'_, Result<RoleCredentials, CredentialFailure>> {
        Box::pin(async move {
            // Held across the request, so that many clients cause one renewal.
            let mut present = self.present.lock().await;
            if (self.clock)() >= present.renew_at {
                match self.renewed().await {
                    Ok(lease) => *present = lease,
                    // What is still good outlives a server that is away for a while.
                    Err(CredentialFailure::Internal(_))
                        if (self.clock)() < present.credentials.expiration => {}
                    Err(failure) => return Err(failure),
                }
            }
            Ok(present.credentials.clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_session_is_renewed_a_quarter_of_an_hour_before_its_end() {
        let now = SystemTime::UNIX_EPOCH;
        let after = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(renew_at(now, after(3_600)), after(2_700));
    }

    #[test]
    fn a_short_session_is_renewed_at_half_of_its_life() {
        let now = SystemTime::UNIX_EPOCH;
        let after = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(renew_at(now, after(60)), after(30));
        assert_eq!(renew_at(after(60), now), now);
    }
}
