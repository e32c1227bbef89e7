//! The bodies of requests and answers.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::FutureExt as _;
use http::{HeaderMap, HeaderValue, Response, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, Sleep, sleep};

/// An answer's body: whole in memory, or a stream of an object's bytes.
pub type Body = Either<Full<Bytes>, UnsyncBoxBody<Bytes, std::io::Error>>;

/// A body that is whole in memory.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Either::Left(Full::new(bytes.into()))
}

/// Why a request's body was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    /// It is longer than the limit.
    #[error("the request's body is longer than {0} bytes")]
    TooLarge(usize),
    /// The client paused for too long.
    #[error("the client paused for too long while it sent the request's body")]
    TooSlow,
    /// The connection broke.
    #[error("the request's body ended early")]
    Broken,
}

/// Reads a whole body of at most `limit` bytes.
///
/// # Errors
/// [`BodyError`]; nothing beyond the limit is kept.
pub(crate) async fn read(mut body: Incoming, limit: usize, pause: Duration) -> Result<Bytes, BodyError> {
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge(limit));
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        // What has come already needs no timer.
        let next = match body.frame().now_or_never() {
            Some(next) => next,
            None => tokio::time::timeout(pause, body.frame()).await.map_err(|_| BodyError::TooSlow)?,
        };
        let frame = match next {
            None => break,
            Some(Err(_)) => return Err(BodyError::Broken),
            Some(Ok(frame)) => frame,
        };
        let Ok(chunk) = frame.into_data() else { continue };
        if first.len() + rest.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge(limit));
        }
        // Most bodies come in one piece, which then needs no copy.
        if first.is_empty() && rest.is_empty() {
            first = chunk;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
                first = Bytes::new();
            }
            rest.extend_from_slice(&chunk);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

/// How much of an unwanted body is read, so that its connection stays good.
const UNWANTED: usize = 262_144;
/// For how long an unwanted body is read.
const UNWANTED_PATIENCE: Duration = Duration::from_secs(1);

/// Whether a client waits to be asked before it sends a body.
pub(crate) fn waits_to_send(headers: &HeaderMap) -> bool {
    headers.contains_key(header::EXPECT)
}

/// Ends a request that is answered without its body. A client that is still sending when its
/// connection closes may lose the answer, and one that has sent all would find the next request's
/// connection closed: so a short rest is read, and beyond that the answer says that it is the last.
pub(crate) async fn leave_unread(
    waits: bool,
    body: Incoming,
    mut response: Response<Body>,
) -> Response<Body> {
    // Who waits to be asked for the body has not sent it: reading would ask for it.
    let waits = waits && !body.is_end_stream();
    if waits || read_within(UNWANTED_PATIENCE, body).await.is_err() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn read_within(patience: Duration, body: Incoming) -> Result<(), BodyError> {
    let reading = read(body, UNWANTED, patience);
    tokio::time::timeout(patience, reading).await.map_err(|_| BodyError::TooSlow)?.map(drop)
}

/// A body whose sender may pause only so long.
pub(crate) struct Paced {
    body: Incoming,
    pause: Duration,
    deadline: Pin<Box<Sleep>>,
}

impl Paced {
    /// `body`, with at most `pause` between two of its frames.
    pub(crate) fn new(body: Incoming, pause: Duration) -> Self {
        Self { body, pause, deadline: Box::pin(sleep(pause)) }
    }
}

impl hyper::body::Body for Paced {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, std::io::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.deadline.as_mut().reset(Instant::now() + this.pause);
            return Poll::Ready(frame.map(|frame| frame.map_err(std::io::Error::other)));
        }
        match this.deadline.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Some(Err(std::io::ErrorKind::TimedOut.into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}
