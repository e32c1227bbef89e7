//! A call of the console's goes the way of every request: signed, over a connection within the process,
//! through the line. There is no shorter way.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rolecall_aws_model::Element;
use rolecall_console::{Call, Ticket, Visitor};
use rolecall_sigv4::{PayloadHash, SecretKey, Signer, Timestamp};

use super::Inner;
use crate::accept::{Answer as _, Arrival};
use crate::body::Body;

/// How much of a connection within the process waits in memory.
const PIPE_BYTES: usize = 65_536;

/// Calls a service as the holder of `ticket`; none when the ticket is no good.
pub(super) async fn call(
    inner: &Inner,
    ticket: &Ticket,
    visitor: &Visitor,
    call: Call,
) -> Option<Response<Body>> {
    let opened = inner.open(ticket, &inner.endpoint.state().snapshot())?;
    let secret = SecretKey::new(opened.secret.expose_str()?);
    let signer = Signer {
        access_key_id: &ticket.access_key_id,
        secret: &secret,
        token: Some(&ticket.token),
        region: &inner.endpoint.parts().region,
        service: call.service,
    };
    let (method, body) = (call.method, call.body);
    let (mut parts, ()) = Request::builder().method(method).uri(call.path).body(()).ok()?.into_parts();
    parts.headers = call.headers;
    parts.headers.insert(header::HOST, HeaderValue::from_str(&visitor.host).ok()?);
    if let Some(agent) = &visitor.user_agent {
        parts.headers.insert(header::USER_AGENT, HeaderValue::from_str(agent).ok()?);
    }
    let now = Timestamp(inner.endpoint.now().0);
    signer.sign(&mut parts, &PayloadHash::of(&body), now).ok()?;
    through_the_line(inner, visitor, Request::from_parts(parts, Full::new(body))).await
}

async fn through_the_line(
    inner: &Inner,
    visitor: &Visitor,
    request: Request<Full<Bytes>>,
) -> Option<Response<Body>> {
    let (near, far) = tokio::io::duplex(PIPE_BYTES);
    let (endpoint, arrival) = (inner.endpoint.clone(), Arc::new(Arrival::new(visitor.peer, visitor.secure)));
    let service = service_fn(move |request| {
        let (endpoint, arrival) = (endpoint.clone(), arrival.clone());
        async move { Ok::<_, Infallible>(endpoint.answer(request, &arrival).await) }
    });
    let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(far), service);
    tokio::spawn(served);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(near)).await.ok()?;
    tokio::spawn(connection);
    let response = sender.send_request(request).await.ok()?;
    Some(response.map(|body| Either::Right(body.map_err(std::io::Error::other).boxed_unsync())))
}

/// What an answer in XML says went wrong.
pub(super) async fn message(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.map(http_body_util::Collected::to_bytes);
    let xml = bytes.ok().and_then(|bytes| Element::parse(&bytes));
    let message = xml.and_then(|xml| xml.texts("Message").into_iter().next());
    message.unwrap_or_else(|| "The service did not answer.".to_owned())
}
