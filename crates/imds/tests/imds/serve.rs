//! The servers, over real sockets of the loopback interface.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use crate::common::{Source, parts, world};
use futures::future::BoxFuture;
use rolecall_imds::{
    CONTAINER_PATH, ContainerCredentialSource, ContainerCredentials, ContainerToken, CredentialFailure, Imds,
    RoleCredentials, serve, serve_container,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;

/// Sends bytes and reads until the server closes.
async fn raw(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    let _ = stream.read_to_string(&mut response).await;
    response
}

#[tokio::test]
async fn a_handed_in_listener_is_served_until_the_instance_ends() {
    let world = world();
    let imds = Arc::new(Imds::new(parts(&world)));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ended) = oneshot::channel::<()>();
    let server =
        tokio::spawn(async move { serve(listener, imds, "i-01234567", async { drop(ended.await) }).await });
    let close = "Host: 169.254.169.254\r\nConnection: close\r\n\r\n";
    let put =
        format!("PUT /latest/api/token HTTP/1.1\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n{close}");
    let response = raw(address, &put).await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    let token = response.rsplit("\r\n").next().unwrap();
    let get =
        format!("GET /latest/meta-data/instance-id HTTP/1.1\r\nX-aws-ec2-metadata-token: {token}\r\n{close}");
    assert!(raw(address, &get).await.ends_with("\r\n\r\ni-01234567"));
    let long = format!("GET /{} HTTP/1.1\r\n{close}", "x".repeat(64 * 1024));
    assert!(!raw(address, &long).await.starts_with("HTTP/1.1 200"));

    // An open connection does not keep the listener.
    let mut idle = tokio::net::TcpStream::connect(address).await.unwrap();
    end.send(()).unwrap();
    server.await.unwrap().unwrap();
    let mut rest = [0; 1];
    let closed = tokio::time::timeout(Duration::from_secs(5), idle.read(&mut rest)).await.unwrap();
    assert!(matches!(closed, Ok(0) | Err(_)));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

struct Fixed(Source);

impl ContainerCredentialSource for Fixed {
    fn credentials(&self) -> BoxFuture<'_, Result<RoleCredentials, CredentialFailure>> {
        let expiration = self.0.0.now() + Duration::from_secs(3_600);
        Box::pin(async move {
            Ok(RoleCredentials {
                access_key_id: "ASIACONTAINER".into(),
                secret_access_key: "secret".to_owned().into(),
                session_token: "token".to_owned().into(),
                expiration,
                role_arn: "arn:aws:iam::123456789012:role/robot".into(),
            })
        })
    }
}

#[tokio::test]
async fn container_credentials_need_their_token() {
    let random = ring::rand::SystemRandom::new();
    let token = ContainerToken::generate(&random).unwrap();
    assert!(!format!("{token:?}").contains(token.expose()));
    let credentials = Arc::new(ContainerCredentials::new(Arc::new(Fixed(Source(world()))), token.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve_container(listener, credentials, std::future::pending()));
    let get = async |path: &str, extra: &str| {
        raw(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{extra}Connection: close\r\n\r\n"))
            .await
    };
    let good = format!("Authorization: {}\r\n", token.expose());
    let response = get(CONTAINER_PATH, &good).await;
    let body: serde_json::Value = serde_json::from_str(response.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(body["AccessKeyId"], "ASIACONTAINER");
    assert_eq!(body["Expiration"], "2024-05-16T17:25:20Z");
    assert_eq!(body["RoleArn"], "arn:aws:iam::123456789012:role/robot");
    for bad in ["", "Authorization: \r\n", "Authorization: x\r\n", &format!("{good}{good}")] {
        assert!(get(CONTAINER_PATH, bad).await.starts_with("HTTP/1.1 401"), "{bad:?}");
    }
    assert!(get("/elsewhere", &good).await.starts_with("HTTP/1.1 404"));
}
