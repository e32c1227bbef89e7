//! An open loop: requests start at given times whether earlier ones were answered or not, and their
//! latency counts from when they were due. A server that falls behind shows it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Args;

use crate::callers::{self, Caller};
use crate::connection::Connection;
use crate::mix::{self, Mix, Operation, Writes};
use crate::requests::{Credentials, now};
use crate::table::{Latencies, Table};

/// No run takes longer.
const MAX_SECONDS: u64 = 3_600;
/// No run asks for more each second.
const MAX_RATE: u64 = 100_000;

/// What to send.
#[derive(Args)]
pub(crate) struct RunArgs {
    /// The server's address on loopback.
    #[arg(long)]
    address: SocketAddr,
    /// The callers, as `populate` lists them; the environment's secret is theirs.
    #[arg(long)]
    callers: PathBuf,
    /// Requests a second.
    #[arg(long, default_value_t = 500)]
    rate: u64,
    /// For how long.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Connections: no more requests than that are under way at once.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Operations with their weights; `write` makes a user and takes it away.
    #[arg(long, default_value = mix::USUAL)]
    mix: Mix,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// What all connections of a run share.
struct Run {
    address: SocketAddr,
    host: String,
    callers: Vec<Caller>,
    credentials: Credentials,
    mix: Mix,
    began: Instant,
    interval: Duration,
    /// How many requests there will be.
    total: u64,
    next: AtomicU64,
    writes: Writes,
}

/// Sends, and prints what was seen.
pub(crate) async fn run(args: &RunArgs) -> Result<(), String> {
    if !args.address.ip().is_loopback() {
        return Err("only servers on loopback are asked".into());
    }
    let rate = args.rate.clamp(1, MAX_RATE);
    let run = Arc::new(Run {
        address: args.address,
        host: args.address.to_string(),
        callers: callers::read(&args.callers)?,
        credentials: Credentials::from_environment()?,
        mix: args.mix.clone(),
        began: Instant::now(),
        interval: Duration::from_secs(1) / u32::try_from(rate).unwrap_or(u32::MAX),
        total: rate * args.seconds.clamp(1, MAX_SECONDS),
        next: AtomicU64::new(0),
        writes: Writes::new(u64::try_from(now().0).unwrap_or_default()),
    });
    let connections: Vec<_> =
        (0..args.connections.clamp(1, 1_024)).map(|_| tokio::spawn(run.clone().connection())).collect();
    let mut table = Table::default();
    for connection in connections {
        table.extend(connection.await.map_err(|cause| cause.to_string())??);
    }
    let seconds = run.began.elapsed().as_secs_f64();
    table.print(args.json, rate, seconds)
}

impl Run {
    async fn connection(self: Arc<Self>) -> Result<Latencies, String> {
        let mut connection = Connection::open(self.address).await?;
        let mut seen = Latencies::default();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.total {
                return Ok(seen);
            }
            let due = self.began + self.interval * u32::try_from(number).unwrap_or(u32::MAX);
            tokio::time::sleep_until(due.into()).await;
            let operation = self.mix.pick(number);
            let user = if operation.is_write() { self.writes.name() } else { String::new() };
            self.send(&mut connection, number, operation, &user, due, &mut seen).await?;
            if operation == Operation::CreateUser {
                self.send(&mut connection, number, Operation::DeleteUser, &user, Instant::now(), &mut seen)
                    .await?;
            }
        }
    }

    async fn send(
        &self,
        connection: &mut Connection,
        number: u64,
        operation: Operation,
        user: &str,
        due: Instant,
        seen: &mut Latencies,
    ) -> Result<(), String> {
        let at = usize::try_from(mix::scattered(!number)).unwrap_or_default() % self.callers.len().max(1);
        let caller = self.callers.get(at).ok_or("there is no caller")?;
        let key = if operation.is_write() { &self.credentials.access_key_id } else { &caller.key };
        let signer = self.credentials.signer(key);
        let request = operation.asked(caller, user).signed_by(&signer, &self.host)?;
        let outcome = match connection.ask(&request).await {
            Ok(answer) if answer.status < 300 => None,
            Ok(answer) => Some(error_code(answer.status, answer.body)),
            Err(cause) => {
                *connection = Connection::open(self.address).await?;
                Some(format!("no answer ({cause})"))
            }
        };
        seen.note(operation, due.elapsed(), outcome);
        Ok(())
    }
}

/// What an error is called: its code, or its status when it has none.
fn error_code(status: u16, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    code.map_or_else(|| format!("status {status}"), |(code, _)| code.to_owned())
}
