//! The line itself: what happens to one request, from its first byte to its record.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use http::{Request, Response, header};
use hyper::body::Incoming;
use rolecall_access::{Evidence, RequestFacts};
use rolecall_aws_model::{Protocol, WireError};
use rolecall_s3::Fault;
use rolecall_sigv4::{Disclosure, PayloadHash, Presented, SigError};
use rolecall_state::Snapshot;

use crate::accept::{Answer, Arrival};
use crate::authenticate::{Authenticated, authenticate};
use crate::body::{Body, BodyError, leave_unread, read, waits_to_send};
use crate::endpoint::Endpoint;
use crate::record::{CallerFacts, Record};
use crate::request_id::RequestId;
use crate::route::{ApiRoute, Route, Service, route};
use crate::{failure, own_pages, services};

/// A request on its way: what is known of it so far.
pub(crate) struct Passage<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) id: RequestId,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) facts: RequestFacts,
    pub(crate) trace: Trace,
    arrival: &'a Arrival,
    uri: http::Uri,
    is_head: bool,
}

/// What will be recorded of a request.
#[derive(Default)]
pub(crate) struct Trace {
    pub(crate) service: &'static str,
    pub(crate) operation: Cow<'static, str>,
    pub(crate) caller: Option<Arc<CallerFacts>>,
    pub(crate) error: Option<(Cow<'static, str>, String)>,
    pub(crate) evidence: Vec<Evidence>,
}

impl Answer for Endpoint {
    async fn answer(&self, request: Request<Incoming>, arrival: &Arrival) -> Response<Body> {
        let began = Instant::now();
        let now = self.now();
        let (parts, body) = request.into_parts();
        let waits = waits_to_send(&parts.headers);
        let mut passage = Passage {
            endpoint: self,
            id: self.next_request_id(),
            snapshot: self.state().snapshot(),
            facts: self.facts(&parts, arrival, now),
            trace: Trace::default(),
            arrival,
            uri: parts.uri.clone(),
            is_head: parts.method == http::Method::HEAD,
        };
        let presented = arrival.last_holder().read(&parts, guessed_service(&parts).family());
        let route = match presented {
            Ok(presented) => route(&parts, presented),
            Err(error) => {
                let response = passage.refuse(guessed_service(&parts), &error);
                passage.record(began, response.status().as_u16());
                return leave_unread(waits, body, response).await;
            }
        };
        let route = match route {
            Route::Own(page) => {
                let response = own_pages::answer(self, page, &parts, arrival);
                return leave_unread(waits, body, response).await;
            }
            Route::Api(route) => route,
        };
        if !self.admits_source(arrival.peer.ip()) {
            // Nothing is recorded: whoever floods the server must not fill the trail, too.
            let response = passage.throttle(guessed_service(&parts));
            self.metrics().answered(response.status().as_u16(), began.elapsed());
            return leave_unread(waits, body, response).await;
        }
        let response = if self.state().is_following() {
            passage.follow(route, parts, body).await
        } else {
            let response = passage.fail(&stale(), Protocol::Query(rolecall_aws_model::iam::NAMESPACE));
            leave_unread(waits, body, response).await
        };
        passage.record(began, response.status().as_u16());
        response
    }
}

/// A node that has lost its store refuses rather than answers from an old picture.
fn stale() -> WireError {
    WireError::new(
        "ServiceUnavailable",
        503,
        "The service is unavailable: this node does not follow its store.",
    )
}

/// The protocol in which a client speaks to a service that is not answered here: errors in another can't be read.
fn spoken(parts: &http::request::Parts) -> Protocol {
    let form = parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    if form { Protocol::Query(rolecall_aws_model::sts::NAMESPACE) } else { Protocol::Json }
}

fn guessed_service(parts: &http::request::Parts) -> Service {
    let value = parts.headers.get(header::AUTHORIZATION).map_or(&[][..], |value| value.as_bytes());
    // Behind `Credential=`, which has the first equal sign: key, date, region, service.
    let credential = memchr::memchr(b'=', value).and_then(|at| value.get(at..)).unwrap_or_default();
    let scoped =
        credential.split(|byte| *byte == b'/').nth(3).and_then(|name| std::str::from_utf8(name).ok());
    scoped.and_then(Service::of_scope).unwrap_or(match (parts.uri.path(), &parts.method) {
        ("/", &http::Method::POST) => Service::Sts,
        (services::TOKEN_PATH, &http::Method::POST) => Service::Signin,
        _ => Service::S3,
    })
}

impl Passage<'_> {
    /// Notes what became of the request, once its answer is known.
    fn record(self, began: Instant, status: u16) {
        let (took, Self { endpoint, id, facts, trace, .. }) = (began.elapsed(), self);
        endpoint.metrics().answered(status, took);
        endpoint.note_use(&trace, &facts);
        endpoint.recorder().add(Record {
            request_id: id,
            at: facts.now,
            took,
            service: trace.service,
            operation: trace.operation,
            region: facts.region,
            source_ip: facts.source_ip,
            user_agent: facts.user_agent,
            caller: trace.caller,
            status,
            error: trace.error.map(|(code, message)| (code.into(), message.into())),
            evidence: trace.evidence,
        });
    }

    // The connection holds the future of its request in place and moves it there by value: the large
    // ones, S3's above all, are boxed where they begin. A test keeps the whole small.
    async fn follow(
        &mut self,
        route: ApiRoute,
        parts: http::request::Parts,
        body: Incoming,
    ) -> Response<Body> {
        match route {
            ApiRoute::Signed(Service::S3, presented) if rolecall_s3::is_control(&parts) => {
                Box::pin(services::answer_s3_control(self, &presented, parts, body)).await
            }
            ApiRoute::Signed(Service::S3, presented) => {
                Box::pin(services::answer_s3(self, Some(&presented), parts, body)).await
            }
            ApiRoute::Signed(service, presented) => self.signed(service, &presented, &parts, body).await,
            ApiRoute::Unknown(service) => {
                let waits = waits_to_send(&parts.headers);
                let error = WireError::new(
                    "NotImplemented",
                    400,
                    format!("The service {service} is not built in Rolecall; docs/roadmap.md lists what is."),
                );
                let response = self.fail(&error, spoken(&parts));
                leave_unread(waits, body, response).await
            }
            ApiRoute::UnsignedQuery => match self.whole(body).await {
                Ok(body) => services::answer_unsigned_query(self, &parts, &body).await,
                Err(error) => self.fail(&error, Protocol::Query(rolecall_aws_model::sts::NAMESPACE)),
            },
            ApiRoute::UnsignedSignin => match self.whole(body).await {
                Ok(body) => Box::pin(services::answer_token(self, &parts, &body)).await,
                Err(error) => self.fail(&error, Protocol::Json),
            },
            ApiRoute::UnsignedS3 => Box::pin(services::answer_s3(self, None, parts, body)).await,
        }
    }

    async fn signed(
        &mut self,
        service: Service,
        presented: &Presented,
        parts: &http::request::Parts,
        body: Incoming,
    ) -> Response<Body> {
        self.trace.service = service.name();
        self.facts.region = presented.scope.region.clone();
        let body = match self.whole(body).await {
            Ok(body) => body,
            Err(error) => return self.fail(&error, self.protocol(service)),
        };
        let payload = PayloadHash::of(&body);
        match self.authenticate(presented, parts, &payload) {
            Err(error) => self.refuse(service, &error),
            Ok(authenticated) => {
                let facts = authenticated.facts();
                let admitted = self.endpoint.admits(&facts);
                self.trace.caller = Some(facts);
                if !admitted {
                    return self.throttle(service);
                }
                self.dispatch(service, &authenticated, parts, &body).await
            }
        }
    }

    /// Checks a proof.
    pub(crate) fn authenticate(
        &self,
        presented: &Presented,
        parts: &http::request::Parts,
        payload: &PayloadHash,
    ) -> Result<Authenticated, SigError> {
        let last = self.arrival.last_holder();
        authenticate(presented, parts, payload, &self.snapshot, self.facts.now, last)
    }

    async fn dispatch(
        &mut self,
        service: Service,
        authenticated: &Authenticated,
        parts: &http::request::Parts,
        body: &[u8],
    ) -> Response<Body> {
        match service {
            Service::Iam if parts.uri.path().starts_with(services::TOOLBOX_PATH) => {
                services::answer_toolbox(self, authenticated.caller(), parts)
            }
            Service::AccessAnalyzer => {
                services::answer_access_analyzer(self, authenticated.caller(), parts, body)
            }
            Service::Iam | Service::Sts | Service::Ec2 => {
                services::answer_query(self, service, authenticated, parts, body).await
            }
            Service::CloudTrail => {
                let answering = services::answer_cloud_trail(self, authenticated.caller(), parts, body);
                Box::pin(answering).await
            }
            Service::Organizations => {
                let answering = services::answer_organizations(self, authenticated.caller(), parts, body);
                Box::pin(answering).await
            }
            Service::Signin => {
                let answering = services::answer_signin(self, authenticated.caller(), parts, body);
                Box::pin(answering).await
            }
            Service::Rolecall if parts.uri.path() == services::ROOT_PASSWORD_PATH => {
                let answering = services::answer_root_password(self, authenticated.caller(), parts, body);
                Box::pin(answering).await
            }
            Service::Rolecall if parts.uri.path() == services::BY_SERVICE_PATH => {
                services::answer_by_service(self, authenticated.caller(), parts)
            }
            Service::Rolecall if parts.uri.path() == services::CONTROLS_PATH => {
                services::answer_controls(self, authenticated.caller(), parts)
            }
            Service::Rolecall if parts.uri.path() == services::NOTIFICATIONS_PATH => {
                services::answer_notifications(self, authenticated.caller(), parts)
            }
            Service::Rolecall if parts.uri.path() == services::MAP_PATH => {
                services::answer_map(self, authenticated.caller(), parts)
            }
            Service::Rolecall => services::answer_own(self, authenticated.caller(), parts),
            // Its bodies are streams: it left the line for its own module before the body was read.
            Service::S3 => self.fail(&WireError::internal(), Protocol::Json),
        }
    }

    /// Reads the whole body of an API request.
    async fn whole(&self, body: Incoming) -> Result<bytes::Bytes, WireError> {
        let limits = &self.endpoint.parts().limits;
        read(body, limits.max_body_bytes, limits.body_timeout).await.map_err(|error| match error {
            BodyError::TooLarge(_) => WireError::new("RequestEntityTooLarge", 413, error.to_string()),
            BodyError::TooSlow => WireError::new("RequestTimeout", 408, error.to_string()),
            BodyError::Broken => WireError::new("IncompleteBody", 400, error.to_string()),
        })
    }

    pub(crate) fn protocol(&self, service: Service) -> Protocol {
        match service {
            Service::Iam => Protocol::Query(rolecall_aws_model::iam::NAMESPACE),
            Service::Sts => Protocol::Query(rolecall_aws_model::sts::NAMESPACE),
            Service::Ec2 => Protocol::Ec2,
            Service::S3
            | Service::AccessAnalyzer
            | Service::CloudTrail
            | Service::Organizations
            | Service::Signin
            | Service::Rolecall => Protocol::Json,
        }
    }

    /// Answers with an error, and notes it for the record.
    pub(crate) fn fail(&mut self, error: &WireError, protocol: Protocol) -> Response<Body> {
        self.trace.error = Some((error.code.clone(), error.message.clone()));
        failure::answer(error, protocol, &self.id)
    }

    /// Answers with an error in S3's form, and notes it for the record.
    pub(crate) fn fail_s3(&mut self, fault: &Fault) -> Response<Body> {
        self.trace.error = Some((fault.code.into(), fault.message.clone()));
        let response =
            self.endpoint.parts().s3.refuse(fault, self.uri.path(), self.id.as_str(), self.is_head);
        services::into_body(response)
    }

    /// Tells a client to ask more slowly, in the words upon which its SDK does.
    fn throttle(&mut self, service: Service) -> Response<Body> {
        self.endpoint.metrics().throttled();
        self.trace.service = service.name();
        match service {
            Service::S3 => self.fail_s3(&Fault::slow_down()),
            Service::Ec2 => {
                let error = WireError::new("RequestLimitExceeded", 503, "Request limit exceeded.");
                self.fail(&error, Protocol::Ec2)
            }
            Service::Iam | Service::Sts => {
                self.fail(&WireError::new("Throttling", 400, "Rate exceeded"), self.protocol(service))
            }
            _ => self.fail(&WireError::new("ThrottlingException", 400, "Rate exceeded"), Protocol::Json),
        }
    }

    /// Refuses a proof.
    fn refuse(&mut self, service: Service, error: &SigError) -> Response<Body> {
        self.endpoint.metrics().unauthenticated();
        self.trace.service = service.name();
        let refusal = error.wire(service.family(), Disclosure::Canonical);
        if service == Service::S3 {
            return self.fail_s3(&refusal.into());
        }
        let wire = WireError::new(refusal.code, refusal.status, refusal.message);
        self.fail(&wire, self.protocol(service))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_future<'a, F: Future>(_: impl Fn(&'a Endpoint, Request<Incoming>, &'a Arrival) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_future_of_a_request_is_small() {
        let size = size_of_future(|endpoint, request, arrival| endpoint.answer(request, arrival));
        assert!(size <= 8_192, "{size} bytes are moved for each request");
    }
}
