//! The files of the audit trail: JSON lines, a new file when one is full.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Record;
use super::event::EventWriter;

/// Where the trail is and how large it may grow.
#[derive(Clone, Debug)]
pub struct TrailSettings {
    /// The directory of the trail.
    pub directory: PathBuf,
    /// The size at which a new file starts, in bytes.
    pub file_bytes: u64,
    /// How many full files are kept beside the present one.
    pub files: usize,
}

/// Why the trail can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum TrailError {
    /// Its file can't be opened for writing.
    #[error("the audit trail {path} can't be opened: {cause}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Its thread can't be started.
    #[error("the audit trail's thread can't be started: {0}")]
    Thread(io::Error),
}

pub(super) struct Trail {
    settings: TrailSettings,
    file: File,
    size: u64,
}

impl Trail {
    pub(super) fn open(settings: &TrailSettings) -> Result<Self, TrailError> {
        let path = present(&settings.directory);
        let opened = make_private(&settings.directory).and_then(|()| append_to(&path));
        let (file, size) = opened.map_err(|cause| TrailError::Open { path, cause })?;
        Ok(Self { settings: settings.clone(), file, size })
    }

    /// Appends a batch with one write.
    pub(super) fn append(&mut self, batch: &[Arc<Record>]) -> io::Result<()> {
        let mut lines = Vec::with_capacity(batch.len() * 1_024);
        let mut writer = EventWriter::default();
        for record in batch {
            writer.write(&mut lines, record);
            lines.push(b'\n');
        }
        if self.size > 0 && self.size + lines.len() as u64 > self.settings.file_bytes {
            self.rotate()?;
        }
        self.file.write_all(&lines)?;
        self.size += lines.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let directory = &self.settings.directory;
        for number in (1..self.settings.files).rev() {
            let (from, to) = (full(directory, number), full(directory, number + 1));
            if from.exists() {
                std::fs::rename(from, to)?;
            }
        }
        let path = present(directory);
        std::fs::rename(&path, full(directory, 1))?;
        (self.file, self.size) = append_to(&path)?;
        Ok(())
    }
}

/// Makes the directory, for its owner alone.
fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn present(directory: &Path) -> PathBuf {
    directory.join("trail.jsonl")
}

fn full(directory: &Path, number: usize) -> PathBuf {
    directory.join(format!("trail.{number}.jsonl"))
}

fn append_to(path: &Path) -> io::Result<(File, u64)> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}
