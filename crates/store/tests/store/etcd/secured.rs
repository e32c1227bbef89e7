//! Users, passwords and TLS.

use std::path::Path;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rolecall_store::{ConnectError, Credentials, Etcd, Store, Tls};

use super::{commit, server, until};

#[tokio::test]
async fn a_user_and_a_password_are_asked_for() {
    if !server::is_there() {
        return;
    }
    // Tokens end after two seconds, so that one ends in the test.
    let member = server::single("http", &["--auth-token-ttl", "2"]);
    let post = |path: &str, body: &str| {
        let answer = member.post(path, body).unwrap();
        assert!(answer.contains("200 OK"), "{path}: {answer}");
    };
    post("/v3/auth/user/add", r#"{"name":"root","password":"hunter2"}"#);
    post("/v3/auth/role/add", r#"{"name":"root"}"#);
    post("/v3/auth/user/grant", r#"{"user":"root","role":"root"}"#);
    post("/v3/auth/enable", "{}");
    let mut settings = server::settings(&[member.address], "n1");
    settings.deadline = Duration::from_secs(2);
    let error = Etcd::connect(&settings).await.err().unwrap();
    assert!(matches!(error, ConnectError::Unusable(_)), "{error}");
    settings.credentials = Some(Credentials { user: "root".into(), password: "wrong".to_owned().into() });
    let error = Etcd::connect(&settings).await.err().unwrap();
    assert!(error.to_string().contains("authentication failed"), "{error}");
    settings.credentials = Some(Credentials { user: "root".into(), password: "hunter2".to_owned().into() });
    assert!(!format!("{settings:?}").contains("hunter2"));
    let store = Etcd::connect(&settings).await.unwrap();
    let first = commit(&store, "a", "1").await;
    let mut watch = store.watch(b"", first);
    tokio::time::sleep(Duration::from_secs(4)).await;
    let last = commit(&store, "a", "2").await;
    assert_eq!(until(&mut watch, last).await, 1);
    store.close().await;
}

struct Certificates {
    authority: String,
    certificate: String,
    key: String,
}

fn certificates() -> Certificates {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".into(), "127.0.0.1".into()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    Certificates { authority: authority.pem(), certificate: certificate.pem(), key: key.serialize_pem() }
}

fn write(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn certificates_are_checked_on_both_sides() {
    if !server::is_there() {
        return;
    }
    let (ours, theirs, dir) = (certificates(), certificates(), tempfile::tempdir().unwrap());
    let (ca, cert, key) = (
        write(dir.path(), "ca.pem", &ours.authority),
        write(dir.path(), "cert.pem", &ours.certificate),
        write(dir.path(), "key.pem", &ours.key),
    );
    let arguments =
        ["--cert-file", &cert, "--key-file", &key, "--client-cert-auth", "--trusted-ca-file", &ca];
    let member = server::single("https", &arguments);
    let mut settings = server::settings(&[member.address], "n1");
    settings.endpoints = vec![format!("https://{}", member.address)];
    settings.tls = Tls {
        authority: Some(ours.authority.clone().into()),
        identity: Some((ours.certificate.clone().into(), ours.key.clone().into_bytes().into())),
        server_name: None,
    };
    // It answers as soon as it is up.
    settings.deadline = Duration::from_secs(20);
    let store = Etcd::connect(&settings).await.unwrap();
    commit(&store, "a", "1").await;
    store.close().await;

    settings.deadline = Duration::from_secs(1);
    let no_identity = Tls { identity: None, ..settings.tls.clone() };
    let not_our_authority = Tls { authority: Some(theirs.authority.into()), ..settings.tls.clone() };
    let other_name = Tls { server_name: Some("elsewhere".into()), ..settings.tls.clone() };
    for (what, tls) in
        [("no identity", no_identity), ("another authority", not_our_authority), ("another name", other_name)]
    {
        settings.tls = tls;
        assert!(matches!(Etcd::connect(&settings).await, Err(ConnectError::Unusable(_))), "{what}");
    }
}
