//! A console's output: a file that never grows beyond a bound, and its end.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// What is shown of a console, as `GetConsoleOutput` shows 64 KiB.
pub(crate) const SHOWN_BYTES: u64 = 64 * 1024;
/// At this size the file is cut down to what is shown.
const KEPT_BYTES: u64 = 4 * SHOWN_BYTES;

/// Writes a console's file.
#[derive(Debug)]
pub(crate) struct ConsoleLog {
    file: File,
    length: u64,
}

impl ConsoleLog {
    /// Goes on at the end of the file, which must be readable and writable.
    pub(crate) fn new(mut file: File) -> io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, length })
    }

    /// Appends, and drops the oldest output when the file has grown too long.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        if self.length > KEPT_BYTES { self.shorten() } else { Ok(()) }
    }

    fn shorten(&mut self) -> io::Result<()> {
        let mut end = Vec::new();
        self.file.seek(SeekFrom::Start(self.length.saturating_sub(SHOWN_BYTES)))?;
        self.file.read_to_end(&mut end)?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&end)?;
        self.length = end.len() as u64;
        Ok(())
    }
}

/// The end of a console's output; nothing when there is no such file.
pub(crate) fn tail(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(SHOWN_BYTES)))?;
    let mut end = Vec::new();
    file.take(SHOWN_BYTES).read_to_end(&mut end)?;
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_file_is_bounded_and_keeps_its_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("console");
        let file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        let mut log = ConsoleLog::new(file).unwrap();
        for line in 0..100_000 {
            log.write(format!("line {line}\n").as_bytes()).unwrap();
        }
        assert!(std::fs::metadata(&path).unwrap().len() <= KEPT_BYTES);
        let end = tail(&path).unwrap();
        assert_eq!(end.len() as u64, SHOWN_BYTES);
        assert!(end.ends_with(b"line 99998\nline 99999\n"));
    }
}
