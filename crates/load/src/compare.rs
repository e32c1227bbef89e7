//! A server beside the floor: rounds of both in turn, medians of all rounds.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::connection::{Seen, repeat};
use crate::requests::{Asked, Credentials};

/// No measurement takes longer than this for one side of one round.
const MAX_SECONDS: u64 = 30;

/// What to measure.
#[derive(Args)]
pub(crate) struct CompareArgs {
    /// The server's address on loopback.
    #[arg(long)]
    address: SocketAddr,
    /// `get-caller-identity`, `assume-role` or `list-buckets`.
    #[arg(long, default_value = "get-caller-identity")]
    request: String,
    /// The role for `assume-role`.
    #[arg(long)]
    role_arn: Option<String>,
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
    if !args.address.ip().is_loopback() {
        return Err("only servers on loopback are measured".into());
    }
    let credentials = Credentials::from_environment()?;
    let asked = Asked::named(&args.request, args.role_arn.as_deref())?;
    let request = Arc::new(asked.signed(&args.address.to_string(), &credentials)?);
    let (_, bytes) = side(args.address, &request, 1, Duration::from_millis(200)).await?;
    let (mut floor, floor_address) = start_floor(bytes).await?;
    let duration = Duration::from_secs(args.seconds.min(MAX_SECONDS));
    let (mut floors, mut subjects) = (Vec::new(), Vec::new());
    for _ in 0..args.rounds.clamp(1, 50) {
        floors.push(side(floor_address, &request, args.connections, duration).await?.0);
        subjects.push(side(args.address, &request, args.connections, duration).await?.0);
    }
    let _ = floor.kill().await;
    report(args, bytes, &floors, &subjects)
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
    request: &Arc<Vec<u8>>,
    connections: usize,
    duration: Duration,
) -> Result<(Round, usize), String> {
    let began = Instant::now();
    let deadline = began + duration;
    let tasks: Vec<_> = (0..connections.clamp(1, 512))
        .map(|_| {
            let request = request.clone();
            tokio::spawn(async move { repeat(address, &request, deadline).await })
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
