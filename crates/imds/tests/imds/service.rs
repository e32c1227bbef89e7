//! The metadata service as its callers see it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::common::{Got, ask, facts, parts, profile, world};
use rolecall_imds::{CredentialFailure, IdentitySigner, Imds, ImdsParts};

const ID: &str = "i-0123456789abcdef0";
const TTL: &str = "X-aws-ec2-metadata-token-ttl-seconds";
const TOKEN: &str = "X-aws-ec2-metadata-token";
const ROLE: &str = "/latest/meta-data/iam/security-credentials/robot";

async fn get(imds: &Imds, path: &str) -> Got {
    ask(imds, ID, "GET", path, &[]).await
}

async fn text(imds: &Imds, path: &str) -> String {
    let got = get(imds, path).await;
    assert_eq!(got.status, 200, "{path}");
    got.body
}

async fn token(imds: &Imds, id: &str, seconds: &str) -> String {
    let got = ask(imds, id, "PUT", "/latest/api/token", &[(TTL, seconds)]).await;
    assert_eq!(got.status, 200);
    assert_eq!(got.headers[TTL], seconds);
    got.body
}

#[tokio::test]
async fn version_two_needs_a_token_of_this_instance_that_has_not_ended() {
    let world = world();
    world.change(|facts| facts.options.tokens_required = true);
    let imds = Imds::new(parts(&world));
    assert_eq!(get(&imds, "/latest/meta-data/instance-id").await.status, 401);
    let session = token(&imds, ID, "60").await;
    let with = async |id: &str, token: &str| {
        ask(&imds, id, "GET", "/latest/meta-data/instance-id", &[(TOKEN, token)]).await
    };
    let got = with(ID, &session).await;
    assert_eq!((got.status, got.body.as_str()), (200, ID));
    world.pass(59);
    let got = with(ID, &session).await;
    assert_eq!((got.status, got.headers[TTL].to_str().unwrap()), (200, "1"));
    assert_eq!(with("i-0fedcba9876543210", &session).await.status, 401, "another instance's token");
    world.pass(1);
    assert_eq!(with(ID, &session).await.status, 401, "its end has come");
    assert_eq!(with(ID, "nonsense").await.status, 401);
}

#[tokio::test]
async fn version_one_works_only_where_tokens_are_optional() {
    let world = world();
    let imds = Imds::new(parts(&world));
    assert_eq!(text(&imds, "/latest/meta-data/instance-id").await, ID);
    let bad = ask(&imds, ID, "GET", "/latest/meta-data/instance-id", &[(TOKEN, "bad")]).await;
    assert_eq!(bad.status, 401, "a bad token is refused though none is needed");
}

#[tokio::test]
async fn a_token_is_asked_for_in_one_way_only() {
    let world = world();
    world.change(|facts| facts.options.hop_limit = 2);
    let imds = Imds::new(parts(&world));
    let put = async |path: &str, headers: &[(&str, &str)]| ask(&imds, ID, "PUT", path, headers).await.status;
    for seconds in ["0", "21601", "-1", "x", "", "99999999999999999999"] {
        assert_eq!(put("/latest/api/token", &[(TTL, seconds)]).await, 400, "{seconds:?}");
    }
    assert_eq!(put("/latest/api/token", &[]).await, 400);
    assert_eq!(put("/latest/api/token", &[(TTL, "60"), (TTL, "60")]).await, 400);
    assert_eq!(put("/latest/api/token", &[(TTL, "60"), ("X-Forwarded-For", "10.0.0.1")]).await, 403);
    assert_eq!(put("/2021-07-15/api/token", &[(TTL, "60")]).await, 403);
    assert_eq!(put("/latest/meta-data/", &[(TTL, "60")]).await, 405);
    assert_eq!(get(&imds, "/latest/api/token").await.status, 405);
    assert_eq!(ask(&imds, ID, "POST", "/latest/meta-data/", &[]).await.status, 405);
    for seconds in ["1", "21600"] {
        let got = ask(&imds, ID, "PUT", "/latest/api/token", &[(TTL, seconds)]).await;
        assert_eq!((got.status, got.hop_limit), (200, Some(2)));
    }
    assert_eq!(get(&imds, "/latest/meta-data/").await.hop_limit, None);
}

#[tokio::test]
async fn a_disabled_service_refuses_everything_and_a_foreign_name_too() {
    let world = world();
    let imds = Imds::new(parts(&world));
    let session = token(&imds, ID, "60").await;
    let named = async |host: &str| ask(&imds, ID, "GET", "/latest/", &[("Host", host)]).await.status;
    for own in [
        "169.254.169.254",
        "169.254.169.254:80",
        "127.0.0.1:4567",
        "localhost:4567",
        "[fd00:ec2::254]",
        "instance-data",
    ] {
        assert_eq!(named(own).await, 200, "{own}");
    }
    assert_eq!(named("rebound.example.com").await, 403);
    world.change(|facts| facts.options.enabled = false);
    assert_eq!(ask(&imds, ID, "GET", "/latest/", &[(TOKEN, &session)]).await.status, 403);
    assert_eq!(ask(&imds, ID, "PUT", "/latest/api/token", &[(TTL, "60")]).await.status, 403);
}

#[tokio::test]
async fn the_tree_is_laid_out_as_on_aws() {
    let world = world();
    let imds = Imds::new(parts(&world));
    let versions = text(&imds, "/").await;
    assert!(versions.starts_with("1.0\n2007-01-19\n") && versions.ends_with("\nlatest"));
    assert_eq!(text(&imds, "/latest/").await, "dynamic\nmeta-data\nuser-data");
    let categories = text(&imds, "/latest/meta-data/").await;
    assert_eq!(
        categories,
        "ami-id\nami-launch-index\nami-manifest-path\nblock-device-mapping/\nevents/\nhibernation/\nhostname\niam/\n\
         instance-action\ninstance-id\ninstance-life-cycle\ninstance-type\nlocal-hostname\nlocal-ipv4\nmac\nnetwork/\n\
         placement/\nprofile\npublic-keys/\nreservation-id\nsecurity-groups\nservices/\nsystem"
    );
    let mac = "/latest/meta-data/network/interfaces/macs/0a:ff:ac:1f:05:11";
    let mac_vpc = format!("{mac}/vpc-id");
    for (path, content) in [
        ("/2021-07-15/meta-data/instance-id", ID),
        ("/latest/meta-data/placement/", "availability-zone\navailability-zone-id\nregion"),
        ("/latest/meta-data/placement/region", "us-east-1"),
        ("/latest/meta-data/public-keys/", "0=my-key"),
        ("/latest/meta-data/public-keys/0/", "openssh-key"),
        ("/latest/meta-data/public-keys/0/openssh-key", "ssh-ed25519 AAAA my-key\n"),
        ("/latest/meta-data/iam/", "info\nsecurity-credentials/"),
        ("/latest/meta-data/iam/security-credentials/", "robot"),
        ("/latest/meta-data/iam/security-credentials", "robot"),
        ("/latest/meta-data/network/interfaces/macs/", "0a:ff:ac:1f:05:11/"),
        (mac_vpc.as_str(), "vpc-1"),
        ("/latest/meta-data/block-device-mapping/", "ami\nroot"),
        ("/latest/meta-data/services/domain", "amazonaws.com"),
        ("/latest/meta-data/local-ipv4", "172.31.5.17"),
        ("/latest/dynamic/", "instance-identity/"),
        ("/latest/user-data", "#!/bin/sh\n"),
    ] {
        assert_eq!(text(&imds, path).await, content, "{path}");
    }
    for path in [
        "/nowhere",
        "/latest/x",
        "/latest/meta-data/instance-id/x",
        "/latest/meta-data/tags/instance",
        "/1.1/meta-data/",
    ] {
        let got = ask(&imds, ID, "GET", path, &[]).await;
        assert_eq!(got.status, 404, "{path}");
    }
    assert_eq!(ask(&imds, "nobody", "GET", "/latest/", &[]).await.status, 404);
}

/// Every line of every listing leads somewhere.
#[tokio::test]
async fn every_listed_entry_exists() {
    let world = world();
    world.change(|facts| facts.options.tags = true);
    let imds = Imds::new(parts(&world));
    let mut pending = vec!["/latest/meta-data/".to_owned(), "/latest/dynamic/".to_owned()];
    let mut seen = 0;
    while let Some(directory) = pending.pop() {
        for line in text(&imds, &directory).await.lines() {
            seen += 1;
            let name = line.split('=').next().unwrap();
            let path = format!("{directory}{name}");
            if line.contains('=') {
                pending.push(format!("{path}/"));
            } else if line.ends_with('/') {
                pending.push(path);
            } else {
                let signed = ["pkcs7", "rsa2048", "signature"].contains(&name);
                assert_eq!(get(&imds, &path).await.status, if signed { 404 } else { 200 }, "{path}");
            }
        }
    }
    assert!(seen > 40, "{seen}");
}

#[tokio::test]
async fn tags_and_user_data_show_only_when_they_are_to() {
    let world = world();
    let imds = Imds::new(parts(&world));
    world.change(|facts| {
        facts.options.tags = true;
        facts.user_data = None;
        facts.profile = None;
        facts.key_pair = None;
    });
    assert_eq!(text(&imds, "/latest/meta-data/tags/instance/").await, "Name\nteam");
    assert_eq!(text(&imds, "/latest/meta-data/tags/instance/team").await, "a b");
    for path in ["/latest/user-data", "/latest/meta-data/iam/info", ROLE, "/latest/meta-data/public-keys/"] {
        assert_eq!(get(&imds, path).await.status, 404, "{path}");
    }
    assert_eq!(text(&imds, "/latest/").await, "dynamic\nmeta-data");
}

#[tokio::test]
async fn credentials_are_shared_and_renewed_before_their_end() {
    let world = world();
    let imds = Imds::new(parts(&world));
    let first = text(&imds, ROLE).await;
    let fields: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert_eq!(fields["Code"], "Success");
    assert_eq!(fields["Type"], "AWS-HMAC");
    assert_eq!(fields["AccessKeyId"], "ASIA0000000000000000");
    assert_eq!(fields["SecretAccessKey"], "se\"cret");
    assert_eq!(fields["Token"], format!("{ID}/robot/1.0"));
    assert_eq!(fields["LastUpdated"], "2024-05-16T16:25:20Z");
    assert_eq!(fields["Expiration"], "2024-05-16T22:25:20Z");
    assert!(first.starts_with("{\n  \"Code\" : \"Success\",\n  \"LastUpdated\" : "), "{first}");

    world.pass(6 * 3_600 - 1_801);
    assert_eq!(text(&imds, ROLE).await, first, "more than half an hour is left");
    world.pass(1);
    assert_ne!(text(&imds, ROLE).await, first);
    assert_eq!(world.made.load(Ordering::Relaxed), 2);

    // With a shortened life they are renewed at half of it.
    world.pass(24 * 3_600);
    world.life.store(60, Ordering::Relaxed);
    let short = text(&imds, ROLE).await;
    world.pass(29);
    assert_eq!(text(&imds, ROLE).await, short);
    world.pass(1);
    assert_ne!(text(&imds, ROLE).await, short);
}

#[tokio::test]
async fn each_delivery_has_a_session_of_its_own() {
    let world = world();
    let imds = Imds::new(parts(&world));
    let session = token(&imds, ID, "60").await;
    let second = ask(&imds, ID, "GET", ROLE, &[(TOKEN, &session)]).await.body;
    assert!(second.contains("/robot/2.0"), "{second}");
    assert!(text(&imds, ROLE).await.contains("/robot/1.0"));
    assert_eq!(ask(&imds, ID, "GET", ROLE, &[(TOKEN, &session)]).await.body, second);
}

#[tokio::test]
async fn programs_that_ask_at_once_share_one_session() {
    let world = world();
    let imds = Arc::new(Imds::new(parts(&world)));
    let asking = (0..50).map(|_| text(&imds, ROLE));
    let got = futures::future::join_all(asking).await;
    assert!(got.iter().all(|body| *body == got[0]));
    assert_eq!(world.made.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_replaced_profile_takes_effect_at_the_next_fetch() {
    let world = world();
    let imds = Imds::new(parts(&world));
    let before = text(&imds, ROLE).await;
    world.change(|facts| facts.profile = Some(profile("other")));
    assert_eq!(get(&imds, ROLE).await.status, 404);
    let other = text(&imds, "/latest/meta-data/iam/security-credentials/other").await;
    assert!(other.contains("/other/1.0"));
    // A role that was deleted and made again under its name is another role.
    world.change(|facts| {
        facts.profile = Some(profile("robot"));
        facts.profile.as_mut().unwrap().role_id = Some("AROAnew".into());
    });
    assert_ne!(text(&imds, ROLE).await, before);
    let info = text(&imds, "/latest/meta-data/iam/info").await;
    assert!(info.contains("instance-profile/profile-robot"), "{info}");
    world.change(|facts| facts.profile.as_mut().unwrap().role_name = None);
    assert_eq!(get(&imds, "/latest/meta-data/iam/security-credentials/").await.status, 404);
    assert_eq!(get(&imds, "/latest/meta-data/iam/info").await.status, 200);
}

#[tokio::test]
async fn failures_say_what_aws_says() {
    let world = world();
    let imds = Imds::new(parts(&world));
    let fail = |failure| *world.failure.lock().unwrap() = Some(failure);
    fail(CredentialFailure::Unauthorized);
    let refused: serde_json::Value = serde_json::from_str(&text(&imds, ROLE).await).unwrap();
    assert_eq!(refused["Code"], "AssumeRoleUnauthorizedAccess");
    assert!(refused.get("AccessKeyId").is_none());
    fail(CredentialFailure::NoSuchRole);
    assert_eq!(get(&imds, ROLE).await.status, 404);
    fail(CredentialFailure::Internal("the store is away".into()));
    let internal = get(&imds, ROLE).await;
    assert_eq!(internal.status, 500);
    assert!(!internal.body.contains("store"));

    // A passing fault does not take away what is still good.
    *world.failure.lock().unwrap() = None;
    let good = text(&imds, ROLE).await;
    world.pass(6 * 3_600 - 60);
    fail(CredentialFailure::Internal("the store is away".into()));
    assert_eq!(text(&imds, ROLE).await, good);
    world.pass(60);
    assert_eq!(get(&imds, ROLE).await.status, 500, "it has ended");
}

fn key() -> Vec<u8> {
    use rsa::pkcs8::EncodePrivateKey;
    let key = rsa::PrivateKey::new(&mut rand(), 2048).unwrap();
    key.to_pkcs8_der().unwrap().as_bytes().to_vec()
}

fn rand() -> impl rsa::rand_core::CryptoRng {
    rsa::rand_core::UnwrapErr(SystemSource)
}

struct SystemSource;

impl rsa::rand_core::TryRng for SystemSource {
    type Error = std::io::Error;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        use ring::rand::SecureRandom;
        ring::rand::SystemRandom::new().fill(bytes).map_err(|_| std::io::Error::other("no randomness"))
    }
}

impl rsa::rand_core::TryCryptoRng for SystemSource {}

/// As AWS's documentation verifies them, with the `openssl` program.
#[tokio::test]
async fn the_identity_document_is_verifiable() {
    let world = world();
    let key = key();
    let signer = || IdentitySigner::new(&key, Box::new(ring::rand::SystemRandom::new())).unwrap();
    assert_eq!(signer().certificate_pem(), signer().certificate_pem(), "it follows from the key");
    let imds = Imds::new(ImdsParts { signer: Some(signer()), ..parts(&world) });
    let document = text(&imds, "/latest/dynamic/instance-identity/document").await;
    let fields: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(fields["instanceId"], ID);
    assert_eq!(fields["pendingTime"], "2024-05-16T16:25:20Z");
    assert_eq!(fields["kernelId"], serde_json::Value::Null);

    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let openssl = |arguments: &[&str]| std::process::Command::new("openssl").args(arguments).output();
    if openssl(&["version"]).is_err() {
        eprintln!("SKIPPED: no openssl program");
        return;
    }
    let certificate = file("certificate", imds.identity_certificate().unwrap().as_bytes());
    let checked = openssl(&["verify", "-CAfile", &certificate, &certificate]).unwrap();
    assert!(checked.status.success(), "{checked:?}");
    let public = openssl(&["x509", "-in", &certificate, "-noout", "-pubkey"]).unwrap();
    let public = file("public", &public.stdout);

    let signature = text(&imds, "/latest/dynamic/instance-identity/signature").await;
    let decoded =
        openssl(&["base64", "-d", "-in", &file("signature64", format!("{signature}\n").as_bytes())]).unwrap();
    let signature = file("signature", &decoded.stdout);
    let verify = |document: &str| {
        let document = file("document", document.as_bytes());
        openssl(&["dgst", "-sha256", "-verify", &public, "-signature", &signature, &document]).unwrap()
    };
    assert!(verify(&document).status.success());
    assert!(!verify(&document.replace("t3.micro", "t3.large")).status.success());

    for form in ["pkcs7", "rsa2048"] {
        let body = text(&imds, &format!("/latest/dynamic/instance-identity/{form}")).await;
        let framed = format!("-----BEGIN PKCS7-----\n{body}\n-----END PKCS7-----\n");
        let message = file(form, framed.as_bytes());
        let verified = openssl(&[
            "smime",
            "-verify",
            "-in",
            &message,
            "-inform",
            "PEM",
            "-certfile",
            &certificate,
            "-noverify",
        ])
        .unwrap();
        assert!(verified.status.success(), "{form}: {}", String::from_utf8_lossy(&verified.stderr));
        assert_eq!(String::from_utf8_lossy(&verified.stdout), document, "the document comes out of it");
    }
}

#[test]
fn a_nonsense_identity_key_is_refused() {
    assert!(IdentitySigner::new(b"nonsense", Box::new(ring::rand::SystemRandom::new())).is_err());
    assert_eq!(facts().instance_id, ID);
}
