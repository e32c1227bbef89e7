//! A store that no server has open: to fill it, and to see what it takes to load.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use rolecall_state::{Entropy, MasterKey, State, SystemEntropy};
use rolecall_store::{Embedded, Etcd, EtcdSettings, Store};

/// How long the allocator may take to give memory back.
const SETTLING: std::time::Duration = std::time::Duration::from_millis(500);

/// Which store.
#[derive(Args)]
pub(crate) struct StoredArgs {
    /// The data directory; it is made when it is absent.
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// `embedded`, or `etcd://HOST:PORT,…/PREFIX` on loopback.
    #[arg(long, default_value = "embedded")]
    store: String,
}

impl StoredArgs {
    /// Opens the store, or makes it.
    pub(crate) async fn open_store(&self) -> Result<Arc<dyn Store>, String> {
        std::fs::create_dir_all(&self.data).map_err(|cause| format!("{}: {cause}", self.data.display()))?;
        if self.store == "embedded" {
            let store = Embedded::open(&self.data.join("store.redb")).map_err(|cause| cause.to_string())?;
            return Ok(Arc::new(store));
        }
        if !self.is_on_loopback() {
            return Err("only an etcd on loopback is filled".into());
        }
        // A name that no node had before, as the engine wants it.
        let entropy: &dyn Entropy = &SystemEntropy;
        let node = format!("load-{:032x}", u128::from_le_bytes(entropy.bytes()));
        let settings = EtcdSettings::parse(&self.store, node).map_err(|cause| cause.to_string())?;
        Ok(Arc::new(Etcd::connect(&settings).await.map_err(|cause| cause.to_string())?))
    }

    fn is_on_loopback(&self) -> bool {
        let rest = self.store.split_once("://").map_or("", |(_, rest)| rest);
        let hosts = rest.split('/').next().unwrap_or_default();
        hosts.split(',').all(|host| host.parse().is_ok_and(|at: std::net::SocketAddr| at.ip().is_loopback()))
    }
}

/// The master key that the server is started with, from `ROLECALL_MASTER_KEY`.
#[expect(clippy::disallowed_methods, reason = "the program is where the environment is read")]
pub(crate) fn master_key() -> Result<MasterKey, String> {
    let wanted = "$ROLECALL_MASTER_KEY must hold 64 hexadecimal digits";
    let text = std::env::var("ROLECALL_MASTER_KEY").map_err(|_| wanted)?;
    let digit = |at: usize| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..text.len() / 2).map(digit).collect();
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(wanted)?;
    MasterKey::new(bytes).ok_or_else(|| wanted.to_owned())
}

/// Opens the state as a server does at its start, and tells what that took.
pub(crate) async fn measure(args: &StoredArgs) -> Result<(), String> {
    let text = |cause: &dyn std::fmt::Display| cause.to_string();
    let master = master_key()?;
    let (empty, began) = (memory("VmRSS")?, Instant::now());
    let store = args.open_store().await?;
    let opened = began.elapsed();
    let state = State::open(store.clone(), master).await.map_err(|cause| text(&cause))?;
    let loaded = began.elapsed();
    let principals: usize =
        state.snapshot().accounts().map(|account| account.users.len() + account.roles.len()).sum();
    // What is free again goes back to the system a moment later.
    let cpu = cpu_seconds()?;
    tokio::time::sleep(SETTLING).await;
    let (held, peak) = (memory("VmRSS")?, memory("VmHWM")?);
    let each = |kib: u64| kib.saturating_sub(empty) as f64 * 1_024.0 / principals.max(1) as f64;
    writeln!(
        std::io::stdout(),
        "{principals} principals in {} accounts: store opened in {:.0} ms, loaded in {:.0} ms \
         ({cpu:.2} s of processor time); {:.1} MiB held ({:.0} bytes a principal), {:.1} MiB at the peak; file {:.1} MiB",
        state.snapshot().accounts().count(),
        opened.as_secs_f64() * 1e3,
        (loaded - opened).as_secs_f64() * 1e3,
        held as f64 / 1_024.0,
        each(held),
        peak as f64 / 1_024.0,
        file_size(&args.data) as f64 / 1_048_576.0,
    )
    .map_err(|cause| text(&cause))?;
    store.close().await;
    Ok(())
}

fn file_size(data: &Path) -> u64 {
    std::fs::metadata(data.join("store.redb")).map_or(0, |meta| meta.len())
}

/// The processor time that this process has taken, in ticks of a hundredth of a second.
fn cpu_seconds() -> Result<f64, String> {
    let stat = std::fs::read_to_string("/proc/self/stat").map_err(|cause| cause.to_string())?;
    // The name of the program, in parentheses, may hold anything.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: Vec<f64> = rest.split_whitespace().skip(11).take(2).filter_map(|n| n.parse().ok()).collect();
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

/// A line of Linux's account of this process's memory, in KiB.
fn memory(name: &str) -> Result<u64, String> {
    let status = std::fs::read_to_string("/proc/self/status").map_err(|cause| cause.to_string())?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.ok_or_else(|| format!("the system tells no {name}"))
}
