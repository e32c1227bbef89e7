//! The metadata service: who may ask, and what they get.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::{HOST, HeaderName};
use http::request::Parts;
use http::{Method, StatusCode};
use ring::rand::SecureRandom;

use crate::cache::{Cache, Issued};
use crate::credentials::{CredentialFailure, CredentialSource, RoleDelivery};
use crate::facts::{InstanceFacts, InstanceProfile, InstanceSource};
use crate::identity::{self, IdentitySigner};
use crate::json;
use crate::page::{self, Page, TOKEN_TTL};
use crate::timestamp::iso_8601;
use crate::token::{LONGEST_SECONDS, TokenKey};
use crate::tree::{self, Identity, Node};

const TOKEN: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const TOKEN_PATH: &str = "/latest/api/token";

/// Tells the time. The server hands in the system's clock, tests their own.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// What the service is made of.
pub struct ImdsParts {
    /// Facts about instances.
    pub instances: Arc<dyn InstanceSource>,
    /// Credentials of their roles.
    pub credentials: Arc<dyn CredentialSource>,
    /// Seals IMDSv2 tokens.
    pub token_key: TokenKey,
    /// Signs identity documents; without one there is no `dynamic/instance-identity/signature`.
    pub signer: Option<IdentitySigner>,
    /// Credentials with less life than this are renewed. At least five minutes, so that clients that
    /// renew a quarter of an hour before the end find new ones: half an hour.
    pub renew_before: Duration,
    /// The time.
    pub clock: Clock,
    /// Randomness for tokens.
    pub random: Arc<dyn SecureRandom + Send + Sync>,
}

/// The usual [`ImdsParts::renew_before`].
pub const RENEW_BEFORE: Duration = Duration::from_secs(30 * 60);

/// The metadata service of all instances of a server.
pub struct Imds {
    instances: Arc<dyn InstanceSource>,
    credentials: Cache,
    token_key: TokenKey,
    signer: Option<IdentitySigner>,
    clock: Clock,
    random: Arc<dyn SecureRandom + Send + Sync>,
}

/// A response, and what its connection has to see to.
#[derive(Debug)]
pub struct Answer {
    /// The response.
    pub page: Page,
    /// The time to live of the packets that carry it, if it is not the usual one: a token does not
    /// reach further than the instance's hop limit.
    pub hop_limit: Option<u8>,
}

impl From<Page> for Answer {
    fn from(page: Page) -> Self {
        Self { page, hop_limit: None }
    }
}

/// How a request that may be answered came.
struct Admitted {
    delivery: RoleDelivery,
    /// What is left of its token's life.
    remaining: Option<Duration>,
}

impl Imds {
    /// A service of these parts.
    #[must_use]
    pub fn new(parts: ImdsParts) -> Self {
        let ImdsParts { instances, credentials, token_key, signer, renew_before, clock, random } = parts;
        let credentials = Cache::new(credentials, renew_before);
        Self { instances, credentials, token_key, signer, clock, random }
    }

    /// Drops what is kept about an instance that is gone.
    pub fn forget(&self, instance_id: &str) {
        self.credentials.forget(instance_id);
    }

    /// The certificate that identity documents are verified with, as PEM.
    #[must_use]
    pub fn identity_certificate(&self) -> Option<String> {
        self.signer.as_ref().map(IdentitySigner::certificate_pem)
    }

    /// Answers a request from this instance. Whose request it is follows from the socket it came by,
    /// never from anything in it.
    pub async fn respond(&self, instance_id: &str, request: &Parts) -> Answer {
        let Some(facts) = self.instances.facts(instance_id).await else {
            return page::error(StatusCode::NOT_FOUND).into();
        };
        match self.answer(&facts, request).await {
            Ok(answer) => answer,
            Err(status) => page::error(status).into(),
        }
    }

    async fn answer(&self, facts: &InstanceFacts, request: &Parts) -> Result<Answer, StatusCode> {
        let now = (self.clock)();
        if !facts.options.enabled || !is_own_name(request) {
            return Err(StatusCode::FORBIDDEN);
        }
        match request.method {
            Method::PUT => self.new_token(facts, request, now),
            Method::GET | Method::HEAD if request.uri.path() != TOKEN_PATH => {
                let admitted = self.admit(facts, request, now)?;
                let mut page = self.show(facts, request.uri.path(), &admitted, now).await?;
                if let Some(remaining) = admitted.remaining {
                    page.headers_mut().insert(TOKEN_TTL, remaining.as_secs().into());
                }
                Ok(page.into())
            }
            _ => Err(StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    /// `PUT /latest/api/token`.
    // FIDELITY: AWS documents the refusal of forwarded requests for PUT; whether a GET with a good
    // token is refused too is not said, and it is not here (its token came by a PUT that was not
    // forwarded).
    fn new_token(
        &self,
        facts: &InstanceFacts,
        request: &Parts,
        now: SystemTime,
    ) -> Result<Answer, StatusCode> {
        if request.headers.contains_key(FORWARDED_FOR) {
            return Err(StatusCode::FORBIDDEN);
        }
        match request.uri.path() {
            TOKEN_PATH => {}
            // AWS: tokens are given at `latest` only; other versions are forbidden.
            path if path.ends_with("/api/token") => return Err(StatusCode::FORBIDDEN),
            _ => return Err(StatusCode::METHOD_NOT_ALLOWED),
        }
        let mut values = request.headers.get_all(TOKEN_TTL).iter();
        let life = values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok());
        let life: u64 = life.and_then(|text| text.trim().parse().ok()).ok_or(StatusCode::BAD_REQUEST)?;
        if !(1..=LONGEST_SECONDS).contains(&life) {
            return Err(StatusCode::BAD_REQUEST);
        }
        let sealed =
            self.token_key.seal(&facts.instance_id, now, Duration::from_secs(life), self.random.as_ref());
        let token = sealed.map_err(|error| {
            tracing::error!(%error, "no metadata token could be made");
            StatusCode::INTERNAL_SERVER_ERROR
        })?;
        let mut page = page::content("text/plain", token);
        page.headers_mut().insert(TOKEN_TTL, life.into());
        Ok(Answer { page, hop_limit: Some(facts.options.hop_limit) })
    }

    /// Checks the token, or that none is needed. A bad one is refused also where none is needed.
    fn admit(&self, facts: &InstanceFacts, request: &Parts, now: SystemTime) -> Result<Admitted, StatusCode> {
        let mut tokens = request.headers.get_all(TOKEN).iter();
        match (tokens.next(), tokens.next()) {
            (None, _) if facts.options.tokens_required => Err(StatusCode::UNAUTHORIZED),
            (None, _) => Ok(Admitted { delivery: RoleDelivery::V1, remaining: None }),
            (Some(token), None) => {
                let remaining = self.token_key.remaining(&facts.instance_id, token.as_bytes(), now);
                let remaining = Some(remaining.ok_or(StatusCode::UNAUTHORIZED)?);
                Ok(Admitted { delivery: RoleDelivery::V2, remaining })
            }
            (Some(_), Some(_)) => Err(StatusCode::UNAUTHORIZED),
        }
    }

    async fn show(
        &self,
        facts: &InstanceFacts,
        path: &str,
        admitted: &Admitted,
        now: SystemTime,
    ) -> Result<Page, StatusCode> {
        let node = tree::find(facts, path).ok_or(StatusCode::NOT_FOUND)?;
        Ok(match node {
            Node::Text(text) => page::content("text/plain", text.into_owned()),
            Node::UserData(bytes) => page::content("application/octet-stream", bytes.clone()),
            Node::Directory(entries) => page::content("text/plain", tree::listing(facts, entries)),
            Node::IamInfo => {
                let profile = facts.profile.as_ref().ok_or(StatusCode::NOT_FOUND)?;
                page::content("text/plain", iam_info(profile, now))
            }
            Node::Credentials(role) => self.role_credentials(facts, role, admitted.delivery, now).await?,
            Node::Identity(form) => page::content("text/plain", self.identity(facts, form, now)?),
        })
    }

    async fn role_credentials(
        &self,
        facts: &InstanceFacts,
        role: &str,
        delivery: RoleDelivery,
        now: SystemTime,
    ) -> Result<Page, StatusCode> {
        match self.credentials.credentials(facts, role, delivery, now).await {
            Ok(issued) => Ok(page::content("text/plain", issued.document(credentials_document))),
            Err(CredentialFailure::Unauthorized) => {
                Ok(page::content("text/plain", refusal_document(role, now)))
            }
            Err(CredentialFailure::NoSuchRole) => Err(StatusCode::NOT_FOUND),
            Err(CredentialFailure::Internal(cause)) => {
                tracing::error!(instance = facts.instance_id, cause, "no credentials for an instance");
                Err(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    fn identity(&self, facts: &InstanceFacts, form: Identity, now: SystemTime) -> Result<String, StatusCode> {
        let document = identity::document(facts);
        let signer = || self.signer.as_ref().ok_or(StatusCode::NOT_FOUND);
        let signed = match form {
            Identity::Document => return Ok(document),
            Identity::Signature => signer()?.signature(&document),
            Identity::SignedMessage => signer()?.signed_message(&document, now),
        };
        signed.map_err(|error| {
            tracing::error!(%error, "an identity document was not signed");
            StatusCode::INTERNAL_SERVER_ERROR
        })
    }
}

/// Whether the request names this service: by an address, or by a name that only an instance has.
/// A page in a browser that made its own name point here gets nothing.
pub(crate) fn is_own_name(request: &Parts) -> bool {
    const NAMES: [&str; 3] = ["localhost", "instance-data", "instance-data.ec2.internal"];
    let host = match request.headers.get(HOST) {
        Some(host) => host.to_str().unwrap_or_default(),
        None => request.uri.authority().map_or("", http::uri::Authority::as_str),
    };
    if host.is_empty() {
        return true;
    }
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    NAMES.contains(&name) || name.parse::<std::net::IpAddr>().is_ok()
}

fn iam_info(profile: &InstanceProfile, now: SystemTime) -> String {
    json::object(&[
        ("Code", Some("Success".to_owned())),
        ("LastUpdated", Some(iso_8601(now))),
        ("InstanceProfileArn", Some(profile.arn.clone())),
        ("InstanceProfileId", Some(profile.id.clone())),
    ])
}

fn credentials_document(issued: &Issued) -> String {
    let credentials = &issued.credentials;
    json::object(&[
        ("Code", Some("Success".to_owned())),
        ("LastUpdated", Some(iso_8601(issued.at))),
        ("Type", Some("AWS-HMAC".to_owned())),
        ("AccessKeyId", Some(credentials.access_key_id.clone())),
        ("SecretAccessKey", Some(credentials.secret_access_key.to_string())),
        ("Token", Some(credentials.session_token.to_string())),
        ("Expiration", Some(iso_8601(credentials.expiration))),
    ])
}

/// The role's trust policy does not admit EC2.
// FIDELITY: the code is documented; the message's exact words are not.
fn refusal_document(role: &str, now: SystemTime) -> String {
    json::object(&[
        ("Code", Some("AssumeRoleUnauthorizedAccess".to_owned())),
        (
            "Message",
            Some(format!(
                "EC2 cannot assume the role {role}. Please check that its trust policy allows ec2.amazonaws.com."
            )),
        ),
        ("LastUpdated", Some(iso_8601(now))),
    ])
}
