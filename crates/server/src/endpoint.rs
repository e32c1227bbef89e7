//! The one endpoint of all services: what it is made of, and what outlives a request.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http::header;
use rolecall_access::{Evidence, RequestFacts};
use rolecall_iam::Quotas;
use rolecall_s3::S3;
use rolecall_state::{Entropy, State, Timestamp, access};
use subtle::ConstantTimeEq;

use crate::accept::{Arrival, Limits};
use crate::attempts::Attempts;
use crate::line::Trace;
use crate::metrics::Metrics;
use crate::rate::{self, Rate, RateLimits};
use crate::record::{CallerFacts, Record, Recorder};
use crate::request_id::{RequestId, RequestIds};
use crate::services;

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the edge at which the clock is read")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Timestamp(since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX)))
    }
}

/// What an endpoint is made of.
pub struct Parts {
    /// Everything that requests are decided on.
    pub state: State,
    /// Where records go.
    pub recorder: Arc<Recorder>,
    /// Where the time comes from.
    pub clock: Box<dyn Clock>,
    /// Where ids and secrets come from.
    pub entropy: Box<dyn Entropy>,
    /// What connections may take.
    pub limits: Limits,
    /// How many requests someone may make.
    pub rates: RateLimits,
    /// IAM's quotas.
    pub quotas: Quotas,
    /// Who may ask for temporary delegation.
    pub providers: rolecall_iam::delegation::Providers,
    /// The templates that roles can be made of.
    pub role_templates: rolecall_iam::role_templates::RoleTemplates,
    /// STS's limits.
    pub sts_limits: rolecall_sts::Limits,
    /// The keys of OpenID Connect issuers.
    pub issuer_keys: services::IssuerKeys,
    /// Keys that were given for issuers, which are then not asked.
    pub given_keys: services::GivenKeys,
    /// Whether providers may be made for issuers on this machine or a private network.
    pub local_issuers: bool,
    /// S3.
    pub s3: S3,
    /// The name of this node: the same over its restarts.
    pub node: Box<str>,
    /// What instances print.
    pub console: Box<dyn rolecall_ec2::ConsoleSource>,
    /// Under which address others find this server, without a slash at its end.
    pub public_url: Box<str>,
    /// The region where a request does not say.
    pub region: Arc<str>,
    /// The bearer token that opens the metrics from beyond loopback; empty when there is none.
    pub metrics_token: Box<str>,
}

/// The one endpoint of all services.
pub struct Endpoint {
    parts: Parts,
    metrics: Metrics,
    ids: RequestIds,
    code_attempts: Attempts,
    sources: Rate,
    principals: Rate,
}

/// A call that this program made itself.
pub struct ServiceCall {
    /// When.
    pub at: Timestamp,
    /// Of which service, such as `sts`.
    pub service: &'static str,
    /// Such as `AssumeRole`.
    pub operation: &'static str,
    /// The service that made it, such as `ec2.amazonaws.com`.
    pub invoked_by: &'static str,
    /// The code and message, if it was refused.
    pub error: Option<(&'static str, String)>,
    /// The decisions that were taken.
    pub evidence: Vec<Evidence>,
}

impl Endpoint {
    /// An endpoint of these parts.
    pub fn new(parts: Parts) -> Self {
        let ids = RequestIds::new(&*parts.entropy);
        let RateLimits { per_source, per_principal } = parts.rates;
        Self {
            parts,
            metrics: Metrics::default(),
            ids,
            code_attempts: Attempts::default(),
            sources: Rate::new(per_source),
            principals: Rate::new(per_principal),
        }
    }

    /// The state that requests are decided on.
    pub fn state(&self) -> &State {
        &self.parts.state
    }

    /// The recorder.
    pub fn recorder(&self) -> &Recorder {
        &self.parts.recorder
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(crate) fn code_attempts(&self) -> &Attempts {
        &self.code_attempts
    }

    /// Counts a request of this address, if one more is within its limit.
    pub(crate) fn admits_source(&self, address: IpAddr) -> bool {
        !self.sources.is_limited() || self.sources.admit(&rate::source(address), Instant::now())
    }

    /// Counts a request of this principal, if one more is within its limit.
    pub(crate) fn admits(&self, caller: &CallerFacts) -> bool {
        let who = caller.principal().unwrap_or(&caller.arn);
        !self.principals.is_limited() || self.principals.admit(who, Instant::now())
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The id of a request that does not come down the line.
    pub(crate) fn next_request_id(&self) -> RequestId {
        self.ids.next()
    }

    pub(crate) fn is_metrics_token(&self, given: &str) -> bool {
        let wanted = self.parts.metrics_token.as_bytes();
        !wanted.is_empty() && bool::from(given.as_bytes().ct_eq(wanted))
    }

    /// Records a call that this program made itself, as a service of AWS does for its users.
    pub fn record_service_call(&self, call: ServiceCall) {
        self.parts.recorder.add(Record {
            request_id: self.ids.next(),
            at: call.at,
            took: std::time::Duration::ZERO,
            service: call.service,
            operation: call.operation.into(),
            region: self.parts.region.clone(),
            source_ip: None,
            user_agent: Some(call.invoked_by.into()),
            caller: None,
            status: if call.error.is_some() { 403 } else { 200 },
            error: call.error.map(|(code, message)| (code.into(), message.into())),
            evidence: call.evidence,
        });
    }

    /// Where ids and secrets come from.
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.parts.entropy
    }

    /// The name of this node.
    pub fn node(&self) -> &str {
        &self.parts.node
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// What policies may ask about a request that `now` has come in.
    pub(crate) fn facts(
        &self,
        parts: &http::request::Parts,
        arrival: &Arrival,
        now: Timestamp,
    ) -> RequestFacts {
        let referer = parts.headers.get(header::REFERER).and_then(|value| value.to_str().ok());
        RequestFacts {
            now,
            source_ip: Some(arrival.source_ip.clone()),
            user_agent: arrival.user_agent(&parts.headers),
            referer: referer.map(Into::into),
            secure_transport: arrival.secure,
            region: self.parts.region.clone(),
        }
    }

    /// Notes when credentials and permissions were last used. Attempts count, whatever became of them. An
    /// action that was asked about for another service (`iam:PassRole`) is no call of that service.
    pub(crate) fn note_use(&self, trace: &Trace, facts: &RequestFacts) {
        let Some(caller) = &trace.caller else { return };
        let actions = trace.evidence.iter().map(|decided| &decided.action);
        if !caller.memo.is_news(facts.now, trace.service, &facts.region, actions) {
            return;
        }
        let last_used = self.parts.state.last_used();
        let note = |what: &str| last_used.note(caller.account, what, trace.service, &facts.region, facts.now);
        note(caller.used_credential());
        let Some(principal) = caller.principal() else { return };
        note(&access(principal, trace.service));
        let prefix = |action: &str| action.split_once(':').map(|(prefix, _)| prefix == trace.service);
        for action in trace.evidence.iter().map(|decided| &*decided.action) {
            if prefix(action) == Some(true) {
                note(&access(principal, action));
            }
        }
    }
}
