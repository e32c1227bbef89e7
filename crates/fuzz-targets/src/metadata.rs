//! The metadata service: without a token there is nothing but a refusal, and no token is made up.
//!
//! The first byte chooses whether the request gets a token that the service gave.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use http::{HeaderValue, Method, StatusCode};
use http_body_util::BodyExt;
use ring::rand::SystemRandom;
use rolecall_imds::{
    CredentialFailure, CredentialRequest, CredentialSource, Imds, ImdsParts, InstanceFacts, InstanceProfile,
    InstanceSource, KeyPair, MetadataOptions, Network, RoleCredentials, SecurityGroup, TokenKey,
};

use crate::{Run, lines};

const INSTANCE: &str = "i-0123456789abcdef0";
const SECRET: &str = "a-secret-of-the-role";
const TOKEN: &str = "x-aws-ec2-metadata-token";

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_715_876_720)
}

struct Source;

impl InstanceSource for Source {
    fn facts<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Option<Arc<InstanceFacts>>> {
        Box::pin(async { Some(Arc::new(facts())) })
    }
}

impl CredentialSource for Source {
    fn credentials<'a>(
        &'a self,
        request: CredentialRequest<'a>,
    ) -> BoxFuture<'a, Result<RoleCredentials, CredentialFailure>> {
        let role_arn = format!("arn:aws:iam::123456789012:role/{}", request.role_name);
        Box::pin(async move {
            Ok(RoleCredentials {
                access_key_id: "ASIAEXAMPLE000000000".to_owned(),
                secret_access_key: SECRET.to_owned().into(),
                session_token: "a token".to_owned().into(),
                expiration: now() + Duration::from_secs(21_600),
                role_arn,
            })
        })
    }
}

/// See the module.
pub(crate) fn start() -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let imds = Imds::new(ImdsParts {
        instances: Arc::new(Source),
        credentials: Arc::new(Source),
        token_key: TokenKey::generate(&SystemRandom::new()).expect("a key"),
        signer: None,
        renew_before: rolecall_imds::RENEW_BEFORE,
        clock: Arc::new(now),
        random: Arc::new(SystemRandom::new()),
    });
    let asked = b"PUT /latest/api/token\nx-aws-ec2-metadata-token-ttl-seconds: 60\n\n";
    let (_, token) = runtime.block_on(ask(&imds, asked, None)).expect("an answer");
    let token = HeaderValue::try_from(token).expect("a header");
    Box::new(move |input| {
        let Some((choice, request)) = input.split_first() else { return };
        let shown = (*choice >= 128).then_some(&token);
        let Some((status, body)) = runtime.block_on(ask(&imds, request, shown)) else { return };
        assert!(status.is_success() || status.is_client_error(), "{status}");
        let got_something = status.is_success() && !request.starts_with(b"PUT ");
        assert!(shown.is_some() || !got_something, "an answer without a token");
        assert!(status.is_success() || !body.contains(SECRET));
    })
}

async fn ask(imds: &Imds, request: &[u8], token: Option<&HeaderValue>) -> Option<(StatusCode, String)> {
    let (mut parts, _) = lines::request(request)?;
    if let Some(token) = token
        && parts.method != Method::PUT
    {
        parts.headers.insert(TOKEN, token.clone());
    }
    let (head, body) = imds.respond(INSTANCE, &parts).await.page.into_parts();
    let Ok(body) = body.collect().await;
    Some((head.status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
}

fn facts() -> InstanceFacts {
    InstanceFacts {
        instance_id: INSTANCE.into(),
        account_id: "123456789012".into(),
        region: "us-east-1".into(),
        availability_zone: "us-east-1a".into(),
        availability_zone_id: "use1-az1".into(),
        partition: "aws".into(),
        services_domain: "amazonaws.com".into(),
        image_id: "ami-0abcdef1234567890".into(),
        ami_launch_index: 0,
        instance_type: "t3.micro".into(),
        architecture: "x86_64".into(),
        reservation_id: "r-0123456789abcdef0".into(),
        launched: now(),
        private_dns_name: "ip-172-31-5-17.ec2.internal".into(),
        network: Network {
            mac: "0a:ff:ac:1f:05:11".into(),
            private_ip: Ipv4Addr::new(172, 31, 5, 17),
            interface_id: "eni-1".into(),
            subnet_id: "subnet-1".into(),
            subnet_cidr: "172.31.0.0/20".into(),
            vpc_id: "vpc-1".into(),
            vpc_cidr: "172.31.0.0/16".into(),
        },
        security_groups: vec![SecurityGroup { id: "sg-1".into(), name: "default".into() }],
        key_pair: Some(KeyPair { name: "my-key".into(), openssh: "ssh-ed25519 AAAA my-key".into() }),
        tags: vec![("Name".into(), "robot".into())],
        user_data: Some("#!/bin/sh\n".into()),
        root_device_name: "/dev/xvda".into(),
        profile: Some(InstanceProfile {
            arn: "arn:aws:iam::123456789012:instance-profile/profile-robot".into(),
            id: "AIPAROBOT".into(),
            role_name: Some("robot".into()),
            role_id: Some("AROAROBOT".into()),
        }),
        options: MetadataOptions { tokens_required: true, tags: true, ..MetadataOptions::default() },
    }
}
