//! What instances print, for `GetConsoleOutput`.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::time::SystemTime;

use rolecall_ec2::ConsoleSource;
use rolecall_instances::{InstanceId, Layout};

/// As much as EC2 shows.
const SHOWN_BYTES: u64 = 64 * 1024;

/// The consoles' files below the directory of all instances.
#[derive(Clone, Debug)]
pub struct ConsoleFiles(Layout);

impl ConsoleFiles {
    /// Below this directory.
    pub fn new(directory: PathBuf) -> Self {
        Self(Layout::new(directory))
    }
}

impl ConsoleSource for ConsoleFiles {
    fn output(&self, instance_id: &str) -> Option<(Vec<u8>, SystemTime)> {
        let id = InstanceId::parse(instance_id).ok()?;
        let mut file = File::open(self.0.console(&id)).ok()?;
        let metadata = file.metadata().ok()?;
        file.seek(SeekFrom::Start(metadata.len().saturating_sub(SHOWN_BYTES))).ok()?;
        let mut output = Vec::new();
        file.take(SHOWN_BYTES).read_to_end(&mut output).ok()?;
        Some((output, metadata.modified().ok()?))
    }
}
