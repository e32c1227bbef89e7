//! Makes instances what the state says they are: follows the state, drives a [`Driver`], writes down
//! what became of each, and serves each its metadata and the API.
//!
//! [`Driver`]: rolecall_instances::Driver

mod console;
mod drivers;
mod identity;
mod keeper;
mod sessions;
mod sockets;
mod world;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rolecall_server::{Endpoint, Limits};
use tokio::sync::watch;

pub use console::ConsoleFiles;
pub use drivers::{DriverChoice, UnknownDriver};

/// What a supervisor works with.
pub struct Parts {
    /// The endpoint that serves instances as it serves everyone.
    pub endpoint: Arc<Endpoint>,
    /// What connections of instances may take.
    pub limits: Limits,
    /// The name of this node: it runs what was started on it.
    pub node: Box<str>,
    /// Where this machine's own programs reach the endpoint: those of metadata-only instances do.
    pub endpoint_url: String,
    /// The region of instances.
    pub region: Box<str>,
    /// The directory of all instances.
    pub directory: PathBuf,
    /// Directories that instances must not see.
    pub hidden: Vec<PathBuf>,
    /// Directories that instances see beside the system's, read-only.
    pub shown: Vec<PathBuf>,
    /// This program, which is also an instance's first process, and the arguments that make it so.
    pub program: PathBuf,
    /// See `program`.
    pub program_arguments: Vec<String>,
    /// How instances are run.
    pub driver: DriverChoice,
    /// How long the credentials of instances last, in seconds.
    pub credential_seconds: i64,
    /// The environment that programs of metadata-only instances inherit.
    pub inherited: Vec<(String, String)>,
}

/// How long an instance's processes get to end by themselves.
const STOP_GRACE: Duration = Duration::from_secs(20);

/// Looks after instances until `shutdown` turns true. Instances go on then, and the next start takes
/// them over.
pub async fn run(parts: Parts, shutdown: watch::Receiver<bool>) {
    keeper::Keeper::new(parts, shutdown).run().await;
}
