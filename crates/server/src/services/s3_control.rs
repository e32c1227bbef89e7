//! S3 Control on the line. It shares S3's signatures, and wraps its errors in another element.

use http::Response;
use http::request::Parts;
use hyper::body::Incoming;
use rolecall_access::Subject;
use rolecall_s3::{Fault, S3, S3Body};
use rolecall_sigv4::Presented;

use super::s3::{decide, decoded_length, decoder, into_body, prove};
use crate::body::{Body, Paced};
use crate::line::Passage;

/// Answers a signed request to S3 Control.
pub(crate) async fn answer_s3_control(
    passage: &mut Passage<'_>,
    presented: &Presented,
    parts: Parts,
    body: Incoming,
) -> Response<Body> {
    passage.trace.service = "s3";
    let s3 = passage.endpoint.parts().s3.clone();
    let response = match proceed(passage, &s3, presented, parts, body).await {
        Ok(response) => response,
        Err(fault) => {
            passage.trace.error = Some((fault.code.into(), fault.message.clone()));
            s3.refuse_control(&fault, passage.id.as_str())
        }
    };
    into_body(response)
}

async fn proceed(
    passage: &mut Passage<'_>,
    s3: &S3,
    presented: &Presented,
    parts: Parts,
    body: Incoming,
) -> Result<Response<S3Body>, Fault> {
    let authenticated = prove(passage, presented, &parts)?;
    let decoder = decoder(Some(&authenticated), &parts, decoded_length(&parts))?;
    let pause = passage.endpoint.parts().limits.body_timeout;
    let call = s3.control(&parts, Paced::new(body, pause), decoder).await?;
    passage.trace.operation = call.operation().into();
    let subject = Subject::Caller(authenticated.caller());
    let decided = call.decide(|demand| decide(passage, subject, demand))?;
    let response = s3.handle_control(decided, passage.id.as_str()).await;
    if response.status().is_client_error() || response.status().is_server_error() {
        passage.trace.error = Some((response.status().as_str().to_owned().into(), String::new()));
    }
    Ok(response)
}
