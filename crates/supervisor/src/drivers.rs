//! Which driver runs instances.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use rolecall_instances::{
    Driver, DriverError, MetadataOnlyConfig, MetadataOnlyDriver, NamespaceConfig, NamespaceDriver,
};

use crate::Parts;

/// Which driver is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriverChoice {
    /// Namespaces where the machine has them, else metadata only.
    Auto,
    /// Namespaces.
    Namespace,
    /// Metadata only.
    MetadataOnly,
    /// None: instances that are started end at once, with the reason.
    Off,
}

/// The text names no driver.
#[derive(Debug, thiserror::Error)]
#[error("it is one of `auto`, `namespace`, `metadata-only`, `off`")]
pub struct UnknownDriver;

impl FromStr for DriverChoice {
    type Err = UnknownDriver;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "namespace" => Ok(Self::Namespace),
            "metadata-only" => Ok(Self::MetadataOnly),
            "off" => Ok(Self::Off),
            _ => Err(UnknownDriver),
        }
    }
}

/// The driver of this machine.
pub(crate) async fn open(parts: &Parts) -> Result<Arc<dyn Driver>, DriverError> {
    let refused = |what: &str| Err(DriverError::Unsupported(what.to_owned()));
    match parts.driver {
        DriverChoice::Off => refused("instances.driver is off"),
        DriverChoice::MetadataOnly => metadata_only(parts),
        DriverChoice::Namespace | DriverChoice::Auto => {
            let driver = NamespaceDriver::new(namespace_config(parts))?;
            let can = driver.capabilities().await;
            for note in &can.notes {
                tracing::info!(%note, "instances");
            }
            match (can.usable, parts.driver) {
                (true, _) => Ok(Arc::new(driver)),
                (false, DriverChoice::Namespace) => refused(&can.notes.join("; ")),
                (false, _) => {
                    tracing::warn!("no namespaces on this machine: instances are metadata-only");
                    metadata_only(parts)
                }
            }
        }
    }
}

fn namespace_config(parts: &Parts) -> NamespaceConfig {
    NamespaceConfig {
        program_arguments: parts.program_arguments.iter().map(Into::into).collect(),
        hidden: parts.hidden.clone(),
        shown: outermost(&parts.shown),
        ..NamespaceConfig::new(&parts.directory, &parts.program)
    }
}

/// Of directories that lie within one another, the outermost: it shows the others.
fn outermost(shown: &[PathBuf]) -> Vec<PathBuf> {
    let within = |path: &PathBuf| shown.iter().any(|other| other != path && path.starts_with(other));
    let mut kept: Vec<PathBuf> = shown.iter().filter(|path| !within(path)).cloned().collect();
    kept.sort();
    kept.dedup();
    kept
}

fn metadata_only(parts: &Parts) -> Result<Arc<dyn Driver>, DriverError> {
    let config = MetadataOnlyConfig { root: parts.directory.clone(), inherited: parts.inherited.clone() };
    Ok(Arc::new(MetadataOnlyDriver::new(config)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_within_another_is_shown_by_it() {
        let shown = ["/a/b", "/a", "/ab", "/a", "/c/d/e", "/c/d"].map(PathBuf::from);
        assert_eq!(outermost(&shown), ["/a", "/ab", "/c/d"].map(PathBuf::from));
    }
}
