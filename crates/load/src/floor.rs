//! The floor: hyper and nothing else.

use std::convert::Infallible;
use std::io::Write as _;

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;

/// Answers every request with `bytes` bytes, until the process is ended.
pub(crate) async fn serve(bytes: usize) -> Result<(), String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.map_err(|cause| cause.to_string())?;
    let port = listener.local_addr().map_err(|cause| cause.to_string())?.port();
    writeln!(std::io::stdout(), "{port}").map_err(|cause| cause.to_string())?;
    let body = Bytes::from(vec![b'x'; bytes]);
    loop {
        let (stream, _) = listener.accept().await.map_err(|cause| cause.to_string())?;
        let _ = stream.set_nodelay(true);
        let body = body.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let body = body.clone();
            async move {
                // The request's body is read, as any server must.
                let _ = request.into_body().collect().await;
                let mut response = Response::new(Full::new(body));
                response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/xml"));
                Ok::<_, Infallible>(response)
            }
        });
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
