//! A server beside the floor: rounds of both in turn, medians of all rounds.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::connection::{Connection, Seen, repeat};
use crate::requests::{Asked, Credentials, now};

/// No measurement takes longer than this for one side of one round.
const MAX_SECONDS: u64 = 30;

const CREATE_ROLE: &str = "create-role";
const INSTANCE_CREDENTIALS: &str = "instance-credentials";

/// What to measure.
#[derive(Args)]
pub(crate) struct CompareArgs {
    /// The server's address on loopback.
    #[arg(long)]
    address: SocketAddr,
    /// `get-caller-identity`, `assume-role`, `list-buckets`; `create-role`, which is compared with the
    /// disk that it must come to (`--disk`); or `instance-credentials`, from inside an instance.
    #[arg(long, default_value = "get-caller-identity")]
    request: String,
    /// The role for `assume-role`, and for `instance-credentials`.
    #[arg(long)]
    role_arn: Option<String>,
    /// For `create-role`: a directory on the disk that the server's store is on.
    #[arg(long)]
    disk: Option<PathBuf>,
    /// Connections at one time.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Seconds for each side of a round.
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// Rounds; at least five make a median worth telling.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// What one side did in one round.
struct Round {
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
}

/// Measures, and prints what was seen.
pub(crate) async fn run(args: &CompareArgs) -> Result<(), String> {
    let for_instances = args.request == INSTANCE_CREDENTIALS && args.address == metadata_service();
    if !args.address.ip().is_loopback() && !for_instances {
        return Err("only servers on loopback are measured, and the metadata service of an instance".into());
    }
    if args.request == CREATE_ROLE {
        return create_roles(args).await;
    }
    let request = Arc::new(request(args).await?);
    let (_, bytes) = side(args.address, &again(&request), 1, Duration::from_millis(200)).await?;
    let (mut floor, floor_address) = start_floor(bytes).await?;
    let duration = Duration::from_secs(args.seconds.min(MAX_SECONDS));
    let (mut floors, mut subjects) = (Vec::new(), Vec::new());
    for _ in 0..args.rounds.clamp(1, 50) {
        floors.push(side(floor_address, &again(&request), args.connections, duration).await?.0);
        subjects.push(side(args.address, &again(&request), args.connections, duration).await?.0);
    }
    let _ = floor.kill().await;
    report(args, bytes, &floors, &subjects)
}

/// The request that is sent over and over.
async fn request(args: &CompareArgs) -> Result<Vec<u8>, String> {
    let host = args.address.to_string();
    if args.request == INSTANCE_CREDENTIALS {
        let role = args.role_arn.as_deref().and_then(|arn| arn.rsplit('/').next());
        return instance_credentials(args.address, role.ok_or("instance-credentials needs --role-arn")?)
            .await;
    }
    let credentials = Credentials::from_environment()?;
    Asked::named(&args.request, args.role_arn.as_deref())?.signed(&host, &credentials)
}

/// Asks the metadata service for a token; the request for credentials carries it.
async fn instance_credentials(address: SocketAddr, role: &str) -> Result<Vec<u8>, String> {
    let mut connection = Connection::open(address).await?;
    let wanted = format!(
        "PUT /latest/api/token HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\n\
         x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n\r\n"
    );
    let answer = connection.ask(wanted.as_bytes()).await?;
    let token = String::from_utf8_lossy(answer.body).into_owned();
    Ok(format!(
        "GET /latest/meta-data/iam/security-credentials/{role} HTTP/1.1\r\nhost: {address}\r\n\
         x-aws-ec2-metadata-token: {token}\r\n\r\n"
    )
    .into_bytes())
}

/// Where an instance finds its metadata.
fn metadata_service() -> SocketAddr {
    SocketAddr::from(([169, 254, 169, 254], 80))
}

/// Creates roles, each under a name of its own, and compares their number with the disk's syncs.
async fn create_roles(args: &CompareArgs) -> Result<(), String> {
    let disk = args.disk.as_deref().ok_or("create-role needs --disk")?;
    let credentials = Arc::new(Credentials::from_environment()?);
    let (host, run, count) = (args.address.to_string(), now().0, Arc::new(AtomicU64::new(0)));
    let next = move || {
        let name = format!("load-{run}-{}", count.fetch_add(1, Ordering::Relaxed));
        Asked::create_role(&name).signed(&host, &credentials).map(Arc::new)
    };
    let duration = Duration::from_secs(args.seconds.min(MAX_SECONDS));
    let (mut syncs, mut roles) = (Vec::new(), Vec::new());
    for _ in 0..args.rounds.clamp(1, 50) {
        syncs.push(syncs_a_second(disk, duration)?);
        roles.push(side(args.address, &next, args.connections, duration).await?.0);
    }
    syncs.sort_by(f64::total_cmp);
    let syncs = syncs.get(syncs.len() / 2).copied().unwrap_or_default();
    let made = median(&roles, |round| round.per_second);
    let (p50, p99) = (median(&roles, |round| round.p50_us), median(&roles, |round| round.p99_us));
    let text = format!(
        "create-role ({} connections, medians of {} rounds)\n\
         disk     {syncs:>10.0} syncs/s\n\
         subject  {made:>10.0}/s   p50 {p50:>7.0} us   p99 {p99:>7.0} us   {:.1} for each sync\n",
        args.connections,
        roles.len(),
        made / syncs.max(1.0)
    );
    std::io::stdout().write_all(text.as_bytes()).map_err(|cause| cause.to_string())
}

/// How often a second the disk under `directory` makes a written page durable.
fn syncs_a_second(directory: &Path, duration: Duration) -> Result<f64, String> {
    let fault = |cause: std::io::Error| format!("{}: {cause}", directory.display());
    let path = directory.join(format!("rolecall-load-{}", std::process::id()));
    let mut file = std::fs::File::create(&path).map_err(fault)?;
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < duration {
        file.write_all(&[0; 4_096]).and_then(|()| file.sync_data()).map_err(fault)?;
        count += 1;
    }
    let rate = f64::from(count) / began.elapsed().as_secs_f64();
    std::fs::remove_file(&path).map_err(fault)?;
    Ok(rate)
}

/// The same request each time.
fn again(request: &Arc<Vec<u8>>) -> impl Fn() -> Result<Arc<Vec<u8>>, String> + Clone + Send + 'static {
    let request = request.clone();
    move || Ok(request.clone())
}

async fn start_floor(bytes: usize) -> Result<(Child, SocketAddr), String> {
    let program = std::env::current_exe().map_err(|cause| cause.to_string())?;
    let mut child = Command::new(program)
        .args(["floor", "--bytes", &bytes.to_string()])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|cause| cause.to_string())?;
    let stdout = child.stdout.take().ok_or("the floor has no output")?;
    let line = BufReader::new(stdout).lines().next_line().await.map_err(|cause| cause.to_string())?;
    let port = line.and_then(|line| line.trim().parse::<u16>().ok()).ok_or("the floor told no port")?;
    Ok((child, SocketAddr::from(([127, 0, 0, 1], port))))
}

async fn side(
    address: SocketAddr,
    next: &(impl Fn() -> Result<Arc<Vec<u8>>, String> + Clone + Send + 'static),
    connections: usize,
    duration: Duration,
) -> Result<(Round, usize), String> {
    let began = Instant::now();
    let deadline = began + duration;
    let tasks: Vec<_> = (0..connections.clamp(1, 512))
        .map(|_| {
            let next = next.clone();
            tokio::spawn(async move { repeat(address, next, deadline).await })
        })
        .collect();
    let mut all = Seen::default();
    for task in tasks {
        let seen = task.await.map_err(|cause| cause.to_string())??;
        all.latencies_ns.extend(seen.latencies_ns);
        all.bad += seen.bad;
        all.body_bytes = seen.body_bytes;
    }
    if all.bad > 0 {
        return Err(format!("{} of {} answers from {address} were not 200", all.bad, all.latencies_ns.len()));
    }
    let per_second = all.latencies_ns.len() as f64 / began.elapsed().as_secs_f64();
    all.latencies_ns.sort_unstable();
    let quantile = |share: f64| {
        let at = (all.latencies_ns.len() as f64 * share) as usize;
        all.latencies_ns.get(at).copied().unwrap_or_default() as f64 / 1_000.0
    };
    Ok((Round { per_second, p50_us: quantile(0.5), p99_us: quantile(0.99) }, all.body_bytes))
}

fn median(rounds: &[Round], of: impl Fn(&Round) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn report(args: &CompareArgs, bytes: usize, floors: &[Round], subjects: &[Round]) -> Result<(), String> {
    let show = |rounds: &[Round]| {
        (median(rounds, |r| r.per_second), median(rounds, |r| r.p50_us), median(rounds, |r| r.p99_us))
    };
    let ((floor, floor_p50, floor_p99), (subject, p50, p99)) = (show(floors), show(subjects));
    let share = 100.0 * subject / floor.max(1.0);
    let text = if args.json {
        format!(
            "{}\n",
            json!({"request": args.request, "bytes": bytes, "connections": args.connections, "rounds": floors.len(),
                "floor": {"per_second": floor, "p50_us": floor_p50, "p99_us": floor_p99},
                "subject": {"per_second": subject, "p50_us": p50, "p99_us": p99}, "share_percent": share})
        )
    } else {
        format!(
            "{} ({bytes} bytes, {} connections, medians of {} rounds)\n\
             floor    {floor:>10.0}/s   p50 {floor_p50:>7.0} us   p99 {floor_p99:>7.0} us\n\
             subject  {subject:>10.0}/s   p50 {p50:>7.0} us   p99 {p99:>7.0} us   {share:.1} % of the floor\n",
            args.request,
            args.connections,
            floors.len()
        )
    };
    std::io::stdout().write_all(text.as_bytes()).map_err(|cause| cause.to_string())
}
