//! The metadata service inside real instances, many at once, and servers that are killed.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures::future::{BoxFuture, join_all};
use ring::rand::SystemRandom;
use rolecall_imds::{
    CredentialFailure, CredentialRequest, CredentialSource, Imds, ImdsParts, InstanceFacts, InstanceProfile,
    InstanceSource, MetadataOptions, Network, RoleCredentials, TokenKey,
};
use rolecall_instances::{
    Driver, ExecRequest, ExecStatus, InstanceId, InstanceSpec, MetadataOnlyConfig, MetadataOnlyDriver,
    NamespaceConfig, NamespaceDriver, Running, capture,
};
use tokio::io::{AsyncBufReadExt, BufReader};

const INIT: &str = env!("CARGO_BIN_EXE_rolecall-instance-init");

#[derive(Default)]
struct World(HashMap<String, Arc<InstanceFacts>>);

impl InstanceSource for World {
    fn facts<'a>(&'a self, instance_id: &'a str) -> BoxFuture<'a, Option<Arc<InstanceFacts>>> {
        Box::pin(async { self.0.get(instance_id).cloned() })
    }
}

struct Sessions;

impl CredentialSource for Sessions {
    fn credentials<'a>(
        &'a self,
        request: CredentialRequest<'a>,
    ) -> BoxFuture<'a, Result<RoleCredentials, CredentialFailure>> {
        Box::pin(async move {
            Ok(RoleCredentials {
                access_key_id: format!("ASIA{}", request.instance.instance_id),
                secret_access_key: "secret".to_owned().into(),
                session_token: request.delivery.as_str().to_owned().into(),
                expiration: now() + Duration::from_secs(6 * 3_600),
                role_arn: String::new(),
            })
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "the edge of this test, as the server is of the program")]
fn now() -> SystemTime {
    SystemTime::now()
}

fn spec(number: u8) -> InstanceSpec {
    let id = InstanceId::parse(&format!("i-{number:017x}")).unwrap();
    InstanceSpec::new(id, Ipv4Addr::new(172, 31, 9, number), "us-east-1")
}

fn facts(spec: &InstanceSpec) -> InstanceFacts {
    let role = "robot".to_owned();
    InstanceFacts {
        instance_id: spec.id.to_string(),
        account_id: "123456789012".into(),
        region: "us-east-1".into(),
        availability_zone: "us-east-1a".into(),
        availability_zone_id: "use1-az1".into(),
        partition: "aws".into(),
        services_domain: "amazonaws.com".into(),
        image_id: "ami-1".into(),
        ami_launch_index: 0,
        instance_type: "t3.micro".into(),
        architecture: "x86_64".into(),
        reservation_id: "r-1".into(),
        launched: now(),
        private_dns_name: spec.hostname.clone(),
        network: Network {
            mac: spec.mac.clone(),
            private_ip: spec.private_ip,
            interface_id: "eni-1".into(),
            subnet_id: "subnet-1".into(),
            subnet_cidr: "172.31.0.0/20".into(),
            vpc_id: "vpc-1".into(),
            vpc_cidr: "172.31.0.0/16".into(),
        },
        security_groups: Vec::new(),
        key_pair: None,
        tags: Vec::new(),
        user_data: None,
        root_device_name: "/dev/xvda".into(),
        profile: Some(InstanceProfile {
            arn: "a".into(),
            id: "b".into(),
            role_name: Some(role),
            role_id: None,
        }),
        options: MetadataOptions { tokens_required: true, ..MetadataOptions::default() },
    }
}

fn imds(specs: &[InstanceSpec]) -> Arc<Imds> {
    let world = specs.iter().map(|spec| (spec.id.to_string(), Arc::new(facts(spec)))).collect();
    Arc::new(Imds::new(ImdsParts {
        instances: Arc::new(World(world)),
        credentials: Arc::new(Sessions),
        token_key: TokenKey::generate(&SystemRandom::new()).unwrap(),
        signer: None,
        renew_before: rolecall_imds::RENEW_BEFORE,
        clock: Arc::new(now),
        random: Arc::new(SystemRandom::new()),
    }))
}

/// Serves the metadata of an instance until it ends.
fn serve(running: Running, imds: &Arc<Imds>) {
    let Running { id, listeners, mut exit, .. } = running;
    let imds = Arc::clone(imds);
    tokio::spawn(async move {
        let ended = async {
            exit.wait().await;
        };
        rolecall_imds::serve(listeners.metadata, imds, id.as_str(), ended).await.unwrap();
    });
}

fn driver(root: &Path) -> NamespaceDriver {
    let config =
        NamespaceConfig { orphan_grace: Duration::from_secs(120), ..NamespaceConfig::new(root, INIT) };
    NamespaceDriver::new(config).unwrap()
}

async fn usable(driver: &NamespaceDriver) -> bool {
    let capabilities = driver.capabilities().await;
    if !capabilities.usable {
        eprintln!("SKIPPED: no namespaces on this host: {:?}", capabilities.notes);
    }
    capabilities.usable
}

/// What an SDK does: a token, the role's name, its credentials; and an attempt without a token.
const FETCH: &str = r#"
import json, os, urllib.request as u, urllib.error
base = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254/") + "latest/"
def get(path, method="GET", **headers):
    return u.urlopen(u.Request(base + path, method=method, headers=headers), timeout=30).read().decode()
token = get("api/token", "PUT", **{"X-aws-ec2-metadata-token-ttl-seconds": "60"})
own = {"X-aws-ec2-metadata-token": token}
role = get("meta-data/iam/security-credentials/", **own)
credentials = json.loads(get("meta-data/iam/security-credentials/" + role, **own))
try:
    get("meta-data/instance-id")
    bare = 200
except urllib.error.HTTPError as error:
    bare = error.code
print(role, credentials["Code"], credentials["AccessKeyId"], credentials["Token"], bare, get("meta-data/local-ipv4", **own))
"#;

async fn fetch(driver: &impl Driver, id: &InstanceId) -> String {
    let request = ExecRequest::new(["/usr/bin/python3", "-c", FETCH]);
    let executing = driver.exec(id, request).await.unwrap();
    let output = capture(executing, b"", 1 << 16, Duration::from_secs(120)).await.unwrap();
    assert_eq!(output.status, ExecStatus::Exited(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_instances_at_once_each_get_their_own_credentials() {
    let root = tempfile::tempdir().unwrap();
    let driver = driver(root.path());
    if !usable(&driver).await {
        return;
    }
    let specs: Vec<_> = (1..=10).map(spec).collect();
    let imds = imds(&specs);
    let started = join_all(specs.iter().map(|spec| driver.start(spec.clone()))).await;
    for running in started {
        serve(running.unwrap(), &imds);
    }
    let rounds = (0..3).flat_map(|_| &specs);
    let checked = join_all(rounds.map(async |spec| {
        let id = &spec.id;
        let wanted = format!("robot Success ASIA{id} 2.0 401 {}", spec.private_ip);
        assert_eq!(fetch(&driver, id).await, wanted);
    }))
    .await;
    assert_eq!(checked.len(), 30);
    join_all(specs.iter().map(async |spec| driver.terminate(&spec.id).await.unwrap())).await;
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metadata_only_instance_is_a_port_and_an_environment() {
    let root = tempfile::tempdir().unwrap();
    let config = MetadataOnlyConfig {
        root: root.path().to_owned(),
        inherited: vec![("PATH".into(), "/usr/bin:/bin".into())],
    };
    let driver = MetadataOnlyDriver::new(config.clone()).unwrap();
    let spec = spec(20);
    let imds = imds(std::slice::from_ref(&spec));
    let running = driver.start(spec.clone()).await.unwrap();
    let port = running.listeners.metadata.local_addr().unwrap().port();
    let mut exit = running.exit.clone();
    serve(running, &imds);
    assert_eq!(fetch(&driver, &spec.id).await, format!("robot Success ASIA{} 2.0 401 172.31.9.20", spec.id));
    let env = MetadataOnlyDriver::environment(driver.layout(), &spec.id).unwrap();
    let endpoint = format!("http://127.0.0.1:{port}/");
    assert!(env.contains(&("AWS_EC2_METADATA_SERVICE_ENDPOINT".to_owned(), endpoint)));

    let sleep = driver.exec(&spec.id, ExecRequest::new(["sleep", "600"])).await.unwrap();
    driver.stop(&spec.id, Duration::ZERO).await.unwrap();
    exit.wait().await;
    assert_eq!(sleep.status.await.unwrap(), ExecStatus::Signaled(9), "its programs end with it");
    assert!(driver.exec(&spec.id, ExecRequest::new(["true"])).await.is_err());

    let later = MetadataOnlyDriver::new(config).unwrap();
    let taken = later.reattach_all(std::slice::from_ref(&spec.id)).await;
    assert!(taken.into_iter().all(|(_, running)| running.is_ok()));
    later.terminate(&spec.id).await.unwrap();
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}

/// Not a test: the server that the next test kills. Its directory comes by the environment.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by a_killed_server_leaves_instances_to_take_over_or_sweep"]
async fn server_to_be_killed() {
    let Some(root) = std::env::var_os("INSTANCES_ROOT").map(PathBuf::from) else { return };
    let driver = driver(&root);
    let specs: Vec<_> = (31..=33).map(spec).collect();
    let imds = imds(&specs);
    for spec in specs {
        serve(driver.start(spec).await.unwrap(), &imds);
    }
    println!("\nUP");
    std::future::pending::<()>().await;
}

async fn start_and_kill_a_server(root: &Path) {
    let mut server = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "server_to_be_killed", "--nocapture"])
        .env("INSTANCES_ROOT", root)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let up = async { while lines.next_line().await.unwrap().unwrap() != "UP" {} };
    tokio::time::timeout(Duration::from_secs(60), up).await.unwrap();
    // SIGKILL: nothing of its own runs any more.
    server.kill().await.unwrap();
}

/// Process numbers of the inits whose directory is below `root`.
fn inits(root: &Path) -> Vec<u32> {
    let needle = root.to_str().unwrap();
    let numbers = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let line = |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    numbers.filter(|pid| line(pid).contains("boot") && line(pid).contains(needle)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_leaves_instances_to_take_over_or_sweep() {
    let root = tempfile::tempdir().unwrap();
    let driver = driver(root.path());
    if !usable(&driver).await {
        return;
    }
    start_and_kill_a_server(root.path()).await;
    assert_eq!(inits(root.path()).len(), 3, "they go on without their server");

    let kept = spec(31);
    let swept = driver.sweep(std::slice::from_ref(&kept.id)).await.unwrap();
    assert_eq!((swept.ended.len(), swept.removed.len()), (2, 2));
    assert_eq!(inits(root.path()).len(), 1);
    let taken = driver.reattach_all(std::slice::from_ref(&kept.id)).await.pop().unwrap().1.unwrap();
    serve(taken, &imds(std::slice::from_ref(&kept)));
    assert_eq!(fetch(&driver, &kept.id).await, format!("robot Success ASIA{} 2.0 401 172.31.9.31", kept.id));
    driver.terminate(&kept.id).await.unwrap();
    assert_eq!(inits(root.path()), Vec::<u32>::new());
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}

/// Wherever in the start of its instances a server is killed, the next one leaves nothing of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_at_any_moment_leaves_nothing_after_a_sweep() {
    let root = tempfile::tempdir().unwrap();
    let driver = driver(root.path());
    if !usable(&driver).await {
        return;
    }
    let mut ended = 0;
    for delay in (0..24).map(|step| Duration::from_millis(5 + 7 * step)) {
        let mut server = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "server_to_be_killed", "--nocapture"])
            .env("INSTANCES_ROOT", root.path())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        tokio::time::sleep(delay).await;
        server.kill().await.unwrap();
        ended += driver.sweep(&[]).await.unwrap().ended.len();
        // A launch that had not begun when its server died ends by itself.
        for _ in 0..200 {
            if inits(root.path()).is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(inits(root.path()), Vec::<u32>::new(), "killed after {delay:?}");
        driver.sweep(&[]).await.unwrap();
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0, "killed after {delay:?}");
    }
    assert!(ended > 0, "no delay met a start that was under way");
}

/// `AWS_CLI` is the program and `AWS_CLI_HOME` a directory that holds all of it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an AWS CLI, named by AWS_CLI and AWS_CLI_HOME"]
async fn the_aws_cli_finds_its_credentials() {
    let variable = |name: &str| std::env::var_os(name).unwrap().into_string().unwrap();
    let (program, home) = (variable("AWS_CLI"), variable("AWS_CLI_HOME"));
    let root = tempfile::tempdir().unwrap();
    let config = NamespaceConfig { shown: vec![home.into()], ..NamespaceConfig::new(root.path(), INIT) };
    let driver = NamespaceDriver::new(config).unwrap();
    let spec = spec(40);
    let imds = imds(std::slice::from_ref(&spec));
    let begun = Instant::now();
    serve(driver.start(spec.clone()).await.unwrap(), &imds);
    let request = ExecRequest::new([program.as_str(), "configure", "list"]);
    let executing = driver.exec(&spec.id, request).await.unwrap();
    let output = capture(executing, b"", 1 << 16, Duration::from_secs(60)).await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{out}{err}after {:?}", begun.elapsed());
    assert_eq!(output.status, ExecStatus::Exited(0));
    let end = &spec.id.as_str()[spec.id.as_str().len() - 4..];
    assert!(
        out.lines()
            .any(|line| line.contains("access_key") && line.contains(end) && line.contains("iam-role"))
    );
    driver.terminate(&spec.id).await.unwrap();
}

/// Memory that only this process has, and its share of what it shares, in KiB.
fn proportional_kib(pid: u32) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures: fifty instances at once"]
async fn fifty_instances_at_once() {
    let root = tempfile::tempdir().unwrap();
    let driver = driver(root.path());
    if !usable(&driver).await {
        return;
    }
    let specs: Vec<_> = (101..=150).map(spec).collect();
    let imds = imds(&specs);
    let one = Instant::now();
    serve(driver.start(spec(101)).await.unwrap(), &imds);
    println!("one start: {:?}", one.elapsed());
    fetch(&driver, &spec(101).id).await;
    println!("one start to credentials: {:?}", one.elapsed());
    let rest = Instant::now();
    for running in join_all(specs.iter().skip(1).map(|spec| driver.start(spec.clone()))).await {
        serve(running.unwrap(), &imds);
    }
    println!("49 more started: {:?}", rest.elapsed());
    let pids = inits(root.path());
    let memory: u64 = pids.iter().map(|&pid| proportional_kib(pid)).sum();
    println!("{} inits, {} KiB each (proportional set size)", pids.len(), memory / pids.len() as u64);
    assert_eq!(pids.len(), 50);
    let fetched = Instant::now();
    join_all(specs.iter().map(|spec| fetch(&driver, &spec.id))).await;
    println!("50 fetched credentials at once: {:?}", fetched.elapsed());
    let ended = Instant::now();
    join_all(specs.iter().map(async |spec| driver.terminate(&spec.id).await.unwrap())).await;
    println!("50 terminated: {:?}", ended.elapsed());
    assert_eq!(inits(root.path()), Vec::<u32>::new());
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}
