//! Instances: the supervisor's settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rolecall_server::Endpoint;
use rolecall_supervisor::{ConsoleFiles, DriverChoice, Parts};
use tokio::sync::watch;

use super::{ServeError, limits, variable};
use crate::settings::Settings;

/// The argument that makes this program an instance's first process.
pub(crate) const INSTANCE_INIT: &str = "instance-init";

/// The directory of all instances.
pub(crate) fn directory(data: &Path) -> PathBuf {
    data.join("instances")
}

/// What instances print.
pub(super) fn console(data: &Path) -> ConsoleFiles {
    ConsoleFiles::new(directory(data))
}

/// Whether the settings make sense.
pub(super) fn check(settings: &Settings) -> Result<(), ServeError> {
    driver(settings)?;
    credential_seconds(settings).map(drop)
}

fn driver(settings: &Settings) -> Result<DriverChoice, ServeError> {
    let key = "instances.driver";
    let parsed = settings.text(key).parse();
    parsed.map_err(|cause: rolecall_supervisor::UnknownDriver| settings.refuse(key, cause.to_string()).into())
}

fn credential_seconds(settings: &Settings) -> Result<i64, ServeError> {
    let key = "imds.credential_seconds";
    match settings.get::<i64>(key)? {
        seconds @ 1..=43_200 => Ok(seconds),
        _ => Err(settings.refuse(key, "it takes 1 to 43200 seconds".into()).into()),
    }
}

/// What looks after instances until the server stops.
pub(super) fn run(
    settings: &Settings,
    data: &Path,
    endpoint: Arc<Endpoint>,
    endpoint_url: String,
    stopped: watch::Receiver<bool>,
) -> Result<impl Future<Output = ()> + Send + use<>, ServeError> {
    let program = std::env::current_exe().map_err(ServeError::Runtime)?;
    let inherited = ["PATH", "HOME", "LANG", "TERM", "USER"];
    let inherited = inherited.iter().filter_map(|name| Some(((*name).to_owned(), variable(name)?)));
    let parts = Parts {
        limits: limits(settings)?,
        node: endpoint.node().into(),
        endpoint_url,
        region: settings.text("region").into(),
        directory: directory(data),
        hidden: vec![data.to_owned()],
        shown: std::env::split_paths(settings.text("instances.shown"))
            .filter(|path| path.is_absolute())
            .collect(),
        program,
        program_arguments: vec![INSTANCE_INIT.to_owned()],
        driver: driver(settings)?,
        credential_seconds: credential_seconds(settings)?,
        inherited: inherited.collect(),
        endpoint,
    };
    Ok(rolecall_supervisor::run(parts, stopped))
}
