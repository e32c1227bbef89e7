//! An instance, its role and a clock, for the tests.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use http_body_util::BodyExt;
use ring::rand::SystemRandom;
use rolecall_imds::{
    Answer, CredentialFailure, CredentialRequest, CredentialSource, Imds, ImdsParts, InstanceFacts,
    InstanceProfile, InstanceSource, KeyPair, MetadataOptions, Network, RoleCredentials, SecurityGroup,
    TokenKey,
};

pub(crate) const START: u64 = 1_715_876_720;

/// Everything a test may change.
pub(crate) struct World {
    pub(crate) facts: Mutex<InstanceFacts>,
    pub(crate) now: AtomicU64,
    pub(crate) life: AtomicU64,
    pub(crate) made: AtomicU64,
    pub(crate) failure: Mutex<Option<CredentialFailure>>,
}

impl World {
    pub(crate) fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.now.load(Ordering::Relaxed))
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut InstanceFacts)) {
        change(&mut self.facts.lock().unwrap());
    }
}

pub(crate) struct Source(pub(crate) Arc<World>);

impl InstanceSource for Source {
    fn facts<'a>(&'a self, instance_id: &'a str) -> BoxFuture<'a, Option<Arc<InstanceFacts>>> {
        let mut facts = self.0.facts.lock().unwrap().clone();
        let known = instance_id.starts_with("i-");
        facts.instance_id = instance_id.to_owned();
        Box::pin(async move { known.then(|| Arc::new(facts)) })
    }
}

impl CredentialSource for Source {
    fn credentials<'a>(
        &'a self,
        request: CredentialRequest<'a>,
    ) -> BoxFuture<'a, Result<RoleCredentials, CredentialFailure>> {
        let world = &self.0;
        let failure = world.failure.lock().unwrap().clone();
        let number = world.made.fetch_add(1, Ordering::Relaxed);
        let made = RoleCredentials {
            access_key_id: format!("ASIA{number:016}"),
            secret_access_key: "se\"cret".to_owned().into(),
            session_token: format!(
                "{}/{}/{}",
                request.instance.instance_id,
                request.role_name,
                request.delivery.as_str()
            )
            .into(),
            expiration: world.now() + Duration::from_secs(world.life.load(Ordering::Relaxed)),
            role_arn: format!("arn:aws:iam::123456789012:role/{}", request.role_name),
        };
        Box::pin(async move { failure.map_or(Ok(made), Err) })
    }
}

pub(crate) fn facts() -> InstanceFacts {
    InstanceFacts {
        instance_id: "i-0123456789abcdef0".into(),
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
        launched: UNIX_EPOCH + Duration::from_secs(START),
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
        tags: vec![("Name".into(), "robot".into()), ("team".into(), "a b".into())],
        user_data: Some("#!/bin/sh\n".into()),
        root_device_name: "/dev/xvda".into(),
        profile: Some(profile("robot")),
        options: MetadataOptions::default(),
    }
}

pub(crate) fn profile(role: &str) -> InstanceProfile {
    InstanceProfile {
        arn: format!("arn:aws:iam::123456789012:instance-profile/profile-{role}"),
        id: format!("AIPA{role}"),
        role_name: Some(role.to_owned()),
        role_id: Some(format!("AROA{role}")),
    }
}

pub(crate) fn world() -> Arc<World> {
    Arc::new(World {
        facts: Mutex::new(facts()),
        now: AtomicU64::new(START),
        life: AtomicU64::new(6 * 3_600),
        made: AtomicU64::new(0),
        failure: Mutex::new(None),
    })
}

pub(crate) fn parts(world: &Arc<World>) -> ImdsParts {
    let clock = Arc::clone(world);
    ImdsParts {
        instances: Arc::new(Source(Arc::clone(world))),
        credentials: Arc::new(Source(Arc::clone(world))),
        token_key: TokenKey::generate(&SystemRandom::new()).unwrap(),
        signer: None,
        renew_before: rolecall_imds::RENEW_BEFORE,
        clock: Arc::new(move || clock.now()),
        random: Arc::new(SystemRandom::new()),
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) hop_limit: Option<u8>,
}

pub(crate) async fn ask(imds: &Imds, id: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Got {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let parts = request.body(()).unwrap().into_parts().0;
    let Answer { page, hop_limit } = imds.respond(id, &parts).await;
    let (head, body) = page.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Got { status: head.status.as_u16(), body, headers: head.headers, hop_limit }
}
