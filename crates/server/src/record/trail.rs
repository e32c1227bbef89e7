//! The files of the audit trail: JSON lines, chained by hashes, a new file when one is full.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Record;
use super::chain::{self, BEGINNING, Link};
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
    head: Link,
    /// What could not be written yet: a full disk may have room again.
    unwritten: Vec<Arc<Record>>,
    /// The memory of the lines that were written last, for the next ones.
    lines: Vec<u8>,
}

impl Trail {
    pub(super) fn open(settings: &TrailSettings) -> Result<Self, TrailError> {
        let path = present(&settings.directory);
        let opened = make_private(&settings.directory).and_then(|()| append_to(&path));
        let opened = opened.and_then(|(mut file, size)| {
            let (size, last) = cut_torn_line(&mut file, size)?;
            let last = if size == 0 { last_line_of(&full(&settings.directory, 1))? } else { last };
            Ok((file, size, last))
        });
        let (file, size, last) = opened.map_err(|cause| TrailError::Open { path, cause })?;
        let head = chain::read(&last).map_or(BEGINNING, |linked| linked.chain);
        Ok(Self { settings: settings.clone(), file, size, head, unwritten: Vec::new(), lines: Vec::new() })
    }

    /// Appends a batch. What can't be written is kept for the next time, as far as memory should go.
    pub(super) fn append(&mut self, batch: &[Arc<Record>]) -> io::Result<()> {
        let earlier = std::mem::take(&mut self.unwritten);
        if earlier.is_empty() {
            return self.write_all(batch);
        }
        self.write_all(&[&earlier, batch].concat())
    }

    fn write_all(&mut self, mut records: &[Arc<Record>]) -> io::Result<()> {
        while let Some((piece, rest)) = records.split_at_checked(records.len().min(RECORDS_A_WRITE))
            && !piece.is_empty()
        {
            if let Err(cause) = self.write(piece) {
                self.keep(records);
                return Err(cause);
            }
            records = rest;
        }
        Ok(())
    }

    fn keep(&mut self, unwritten: &[Arc<Record>]) {
        let lost = unwritten.len().saturating_sub(MAX_UNWRITTEN);
        if lost > 0 {
            tracing::error!(
                lost,
                "records of the audit trail are lost: it could not be written for too long"
            );
        }
        self.unwritten = unwritten.iter().skip(lost).cloned().collect();
    }

    /// Writes records with one write, whole or not at all.
    fn write(&mut self, records: &[Arc<Record>]) -> io::Result<()> {
        let mut lines = std::mem::take(&mut self.lines);
        let written = self.write_lines(&mut lines, records);
        self.lines = lines;
        written
    }

    fn write_lines(&mut self, lines: &mut Vec<u8>, records: &[Arc<Record>]) -> io::Result<()> {
        let mut head = self.render(lines, records);
        if self.size > 0 && self.size + lines.len() as u64 > self.settings.file_bytes {
            self.rotate()?;
            head = self.render(lines, records);
        }
        if let Err(cause) = self.file.write_all(lines) {
            // A part of a line must not stand before the next one.
            self.file.set_len(self.size)?;
            return Err(cause);
        }
        self.size += lines.len() as u64;
        self.head = head;
        Ok(())
    }

    /// Writes the lines of records into `lines`, and gives the head of the chain after them.
    fn render(&self, lines: &mut Vec<u8>, records: &[Arc<Record>]) -> Link {
        lines.clear();
        let (mut writer, mut head) = (EventWriter::default(), self.head);
        for record in records {
            let from = lines.len();
            writer.write(lines, record);
            head = chain::close(lines, from, &head, self.size == 0 && from == 0);
            lines.push(b'\n');
        }
        head
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

/// So many records are written at a time: their lines should stay where the processor has them at hand.
const RECORDS_A_WRITE: usize = 64;
/// So many records are kept while they can't be written.
const MAX_UNWRITTEN: usize = 100_000;
/// How much of a file's end is read at first for its last line, in bytes.
const TAIL_BYTES: u64 = 65_536;

/// Cuts off what a killed server left of a line; gives the size then, and the last whole line.
fn cut_torn_line(file: &mut File, size: u64) -> io::Result<(u64, Vec<u8>)> {
    let mut wanted = TAIL_BYTES;
    loop {
        let from = size.saturating_sub(wanted);
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        file.take(wanted).read_to_end(&mut tail)?;
        let end = memchr::memrchr(b'\n', &tail);
        let start = end.and_then(|end| memchr::memrchr(b'\n', tail.get(..end)?).map(|at| at + 1));
        match (end, start) {
            _ if from > 0 && start.is_none() => wanted = wanted.saturating_mul(4),
            (None, _) => {
                file.set_len(0)?;
                return Ok((0, Vec::new()));
            }
            (Some(end), start) => {
                let kept = from + end as u64 + 1;
                if kept < size {
                    tracing::warn!(
                        bytes = size - kept,
                        "the audit trail ended within a line, which was cut off"
                    );
                    file.set_len(kept)?;
                }
                return Ok((kept, tail.get(start.unwrap_or(0)..end).unwrap_or_default().to_vec()));
            }
        }
    }
}

/// The last line of a full file; empty when there is no such file.
fn last_line_of(path: &Path) -> io::Result<Vec<u8>> {
    match OpenOptions::new().read(true).write(true).open(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(cause) => Err(cause),
        Ok(mut file) => {
            let size = file.metadata()?.len();
            cut_torn_line(&mut file, size).map(|(_, last)| last)
        }
    }
}

/// The files of a trail, the oldest first.
pub(super) fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut numbered = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("trail.")?.strip_suffix("jsonl"));
        match number.map(|number| number.trim_end_matches('.')) {
            Some("") => numbered.push(0),
            Some(number) => numbered.extend(number.parse::<usize>().ok()),
            None => {}
        }
    }
    numbered.sort_unstable_by(|a, b| b.cmp(a));
    Ok(numbered
        .into_iter()
        .map(|number| if number == 0 { present(directory) } else { full(directory, number) })
        .collect())
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
    options.create(true).append(true).read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::verify;

    /// A UUID that begins with the bytes of `id`.
    fn uuid(id: &str) -> rolecall_state::Uuid {
        let mut bytes = [0; 16];
        bytes[..id.len()].copy_from_slice(id.as_bytes());
        rolecall_state::Uuid::of(bytes)
    }

    fn record(id: &str) -> Arc<Record> {
        Arc::new(Record {
            request_id: uuid(id),
            at: rolecall_state::Timestamp(1_000),
            took: std::time::Duration::ZERO,
            service: "iam",
            operation: "ListUsers".into(),
            region: "us-east-1".into(),
            source_ip: None,
            user_agent: None,
            caller: None,
            status: 200,
            error: None,
            evidence: Vec::new(),
        })
    }

    fn settings(directory: &Path, file_bytes: u64) -> TrailSettings {
        TrailSettings { directory: directory.to_owned(), file_bytes, files: 3 }
    }

    #[test]
    fn the_chain_goes_on_over_files_and_starts() {
        let directory = tempfile::tempdir().unwrap();
        let settings = settings(directory.path(), 2_000);
        for start in 0..3 {
            let mut trail = Trail::open(&settings).unwrap();
            for number in 0..4 {
                trail.append(&[record(&format!("{start}-{number}")), record("x")]).unwrap();
            }
        }
        let found = verify(directory.path(), None).unwrap();
        assert_eq!(found.files, 4, "{found:?}");
        assert!(found.records >= 8 && found.unchained == 0);
        let sizes = files(directory.path()).unwrap().iter().map(|path| path.metadata().unwrap().len()).max();
        assert!(sizes.unwrap() <= 2_000);
    }

    #[test]
    fn a_torn_line_is_cut_off_and_the_chain_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let settings = settings(directory.path(), 1_000_000);
        Trail::open(&settings).unwrap().append(&[record("a"), record("b")]).unwrap();
        let path = present(directory.path());
        let whole = std::fs::read(&path).unwrap();
        for torn in [1, 40, 300] {
            std::fs::write(&path, &whole[..whole.len() - torn]).unwrap();
            Trail::open(&settings).unwrap().append(&[record("c")]).unwrap();
            let found = verify(directory.path(), None).unwrap();
            assert_eq!((found.records, found.incomplete), (2, false));
        }
    }

    #[test]
    fn lines_from_before_the_chain_stand_before_it() {
        let directory = tempfile::tempdir().unwrap();
        let old = "{\"eventTime\":\"2026-01-01T00:00:00Z\"}\n".repeat(3);
        std::fs::write(present(directory.path()), old).unwrap();
        let mut trail = Trail::open(&settings(directory.path(), 1_000_000)).unwrap();
        trail.append(&[record("a"), record("b")]).unwrap();
        let found = verify(directory.path(), None).unwrap();
        assert_eq!((found.records, found.unchained), (5, 3));
    }
}
