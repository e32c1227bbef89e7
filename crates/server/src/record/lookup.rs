//! Reading the trail backwards, the newest line first, a piece of a file at a time.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;

use super::trail::files;

/// How much of a file is read at once, in bytes.
const PIECE: u64 = 262_144;

/// Shows each whole line of the trail to `see`, the newest first, until it has seen enough.
///
/// # Errors
/// When a file can't be read. A file that was dropped meanwhile is none.
pub fn backwards(directory: &Path, mut see: impl FnMut(&[u8]) -> ControlFlow<()>) -> io::Result<()> {
    for path in files(directory)?.into_iter().rev() {
        let file = match File::open(&path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
            opened => opened?,
        };
        if lines_backwards(file, &mut see)?.is_break() {
            return Ok(());
        }
    }
    Ok(())
}

fn lines_backwards(
    mut file: File,
    see: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
) -> io::Result<ControlFlow<()>> {
    let mut left = file.metadata()?.len();
    // What was read of a line whose beginning is further to the front.
    let mut rest: Vec<u8> = Vec::new();
    let mut is_end = true;
    while left > 0 {
        let size = left.min(PIECE);
        left -= size;
        file.seek(SeekFrom::Start(left))?;
        let mut piece = Vec::new();
        file.by_ref().take(size).read_to_end(&mut piece)?;
        piece.extend_from_slice(&rest);
        let mut end = piece.len();
        while let Some(at) = memchr::memrchr(b'\n', piece.get(..end).unwrap_or_default()) {
            // Behind the last line feed is nothing, or a line that is being written.
            let line = piece.get(at + 1..end).unwrap_or_default();
            if !is_end && see(line).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            (is_end, end) = (false, at);
        }
        piece.truncate(end);
        rest = piece;
    }
    Ok(if is_end || rest.is_empty() { ControlFlow::Continue(()) } else { see(&rest) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(directory: &Path, most: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let see = |line: &[u8]| {
            lines.push(String::from_utf8_lossy(line).into_owned());
            if lines.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        backwards(directory, see).unwrap();
        lines
    }

    #[test]
    fn lines_come_newest_first_over_all_files() {
        let directory = tempfile::tempdir().unwrap();
        let long = "x".repeat(300_000);
        std::fs::write(directory.path().join("trail.1.jsonl"), format!("a\n{long}\nc\n")).unwrap();
        std::fs::write(directory.path().join("trail.jsonl"), "d\ne\nhalf a li").unwrap();
        assert_eq!(seen(directory.path(), 99), ["e", "d", "c", &long, "a"]);
        assert_eq!(seen(directory.path(), 3), ["e", "d", "c"]);
        std::fs::write(directory.path().join("trail.jsonl"), "").unwrap();
        assert_eq!(seen(directory.path(), 1), ["c"]);
    }
}
