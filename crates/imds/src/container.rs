//! Container credentials (`AWS_CONTAINER_CREDENTIALS_FULL_URI` with `AWS_CONTAINER_AUTHORIZATION_TOKEN`
//! or its `_FILE`): a role's credentials for processes outside instances.

use std::sync::Arc;

use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Method, StatusCode};
use ring::rand::SecureRandom;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::credentials::{CredentialFailure, RoleCredentials};
use crate::page::{self, Page};
use crate::service::is_own_name;
use crate::timestamp::iso_8601;
use crate::token::NoRandomness;

/// Where container credentials come from. Called at every request: keep what is still good.
pub trait ContainerCredentialSource: Send + Sync + 'static {
    /// Credentials with a good part of their life left.
    fn credentials(&self) -> BoxFuture<'_, Result<RoleCredentials, CredentialFailure>>;
}

/// The secret that a process shows in its `Authorization` header. Never in debug output.
#[derive(Clone)]
pub struct ContainerToken(Zeroizing<String>);

impl ContainerToken {
    /// A token that was agreed on. It must be long and unguessable.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// A new one.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, NoRandomness> {
        use base64::Engine;
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(bytes.as_mut()).map_err(|_| NoRandomness)?;
        Ok(Self::new(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes.as_ref())))
    }

    /// The text, for the environment or file of the process that is to have it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn matches(&self, presented: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(presented).into()
    }
}

impl std::fmt::Debug for ContainerToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ContainerToken")
    }
}

/// The path of the credentials.
pub const CONTAINER_PATH: &str = "/v2/credentials";

/// Answers requests for container credentials.
pub struct ContainerCredentials {
    source: Arc<dyn ContainerCredentialSource>,
    token: ContainerToken,
}

impl ContainerCredentials {
    /// A responder that gives these credentials to whoever has the token.
    #[must_use]
    pub fn new(source: Arc<dyn ContainerCredentialSource>, token: ContainerToken) -> Self {
        Self { source, token }
    }

    /// Answers a request.
    pub async fn respond(&self, request: &Parts) -> Page {
        let mut shown = request.headers.get_all(AUTHORIZATION).iter();
        let shown =
            shown.next().filter(|_| shown.next().is_none()).map_or(&b""[..], |value| value.as_bytes());
        if !is_own_name(request) || !self.token.matches(shown) {
            return problem(
                StatusCode::UNAUTHORIZED,
                "AccessDenied",
                "The authorization token is missing or wrong.",
            );
        }
        if request.uri.path() != CONTAINER_PATH {
            return problem(StatusCode::NOT_FOUND, "NotFound", "There is nothing at this path.");
        }
        if request.method != Method::GET {
            return problem(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "Use GET.");
        }
        match self.source.credentials().await {
            Ok(credentials) => page::content("application/json", document(&credentials)),
            Err(CredentialFailure::NoSuchRole) => {
                problem(StatusCode::NOT_FOUND, "NoSuchRole", "The role does not exist.")
            }
            Err(CredentialFailure::Unauthorized) => {
                problem(StatusCode::FORBIDDEN, "AccessDenied", "The role may not be assumed.")
            }
            Err(CredentialFailure::Internal(cause)) => {
                tracing::error!(cause, "no container credentials");
                problem(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "InternalError",
                    "The credentials could not be made.",
                )
            }
        }
    }
}

fn document(credentials: &RoleCredentials) -> String {
    serde_json::json!({
        "RoleArn": credentials.role_arn,
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key.as_str(),
        "Token": credentials.session_token.as_str(),
        "Expiration": iso_8601(credentials.expiration),
    })
    .to_string()
}

fn problem(status: StatusCode, code: &str, message: &str) -> Page {
    let body = serde_json::json!({ "code": code, "message": message }).to_string();
    let mut page = page::content("application/json", body);
    *page.status_mut() = status;
    page
}
