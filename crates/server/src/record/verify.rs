//! Checking the chain through the audit trail, from its oldest line to its newest.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::chain::{self, BEGINNING, Link};
use super::trail::files;

/// What a trail holds whose chain is whole.
#[derive(Debug, Default)]
pub struct Verified {
    /// How many files it has.
    pub files: usize,
    /// How many records.
    pub records: u64,
    /// How many of them, the oldest, are from before there was a chain.
    pub unchained: u64,
    /// When the first of them was made.
    pub first: Option<String>,
    /// When the last of them was made.
    pub last: Option<String>,
    /// The hash of the last line: whoever keeps it elsewhere can tell later that nothing up to here changed.
    pub head: Option<String>,
    /// Whether the last line is incomplete: it is being written, or the server was killed while it was.
    pub incomplete: bool,
}

/// What is wrong with a trail.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// A file can't be read.
    #[error("{path}: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// There is no trail.
    #[error("{0}: there is no audit trail")]
    Absent(PathBuf),
    /// A line does not continue the chain.
    #[error("{path}:{line}: {what}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from one.
        line: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The hash that was noted elsewhere is in no line.
    #[error("no line has the head {0}: lines were removed since it was noted, or files are gone")]
    HeadMissing(String),
}

const ALTERED: &str = "this line was altered, or lines before it were removed, inserted or moved";
const UNMARKED: &str = "this line is not of the chain, though earlier ones are";
const CUT: &str = "this line is incomplete";

/// Checks the trail in a directory; with a head that was noted earlier, also that it is still in it.
///
/// # Errors
/// [`Broken`], with the first line that is wrong.
pub fn verify(directory: &Path, noted: Option<&str>) -> Result<Verified, Broken> {
    let paths = files(directory).map_err(|cause| Broken::Unreadable { path: directory.to_owned(), cause })?;
    if paths.is_empty() {
        return Err(Broken::Absent(directory.to_owned()));
    }
    let mut walk = Walk { noted: noted.map(str::to_owned), ..Walk::default() };
    walk.found.files = paths.len();
    for (at, path) in paths.iter().enumerate() {
        walk.file(path, at + 1 == paths.len())?;
    }
    match walk.noted {
        Some(noted) => Err(Broken::HeadMissing(noted)),
        None => Ok(walk.found),
    }
}

#[derive(Default)]
struct Walk {
    found: Verified,
    head: Option<Link>,
    /// The head that is looked for; none once it was found.
    noted: Option<String>,
}

impl Walk {
    fn file(&mut self, path: &Path, newest: bool) -> Result<(), Broken> {
        let unreadable = |cause| Broken::Unreadable { path: path.to_owned(), cause };
        let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
        let (mut line, mut number) = (Vec::new(), 0);
        loop {
            line.clear();
            number += 1;
            if reader.read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
                return Ok(());
            }
            let wrong = |what| Broken::Line { path: path.to_owned(), line: number, what };
            if line.pop() != Some(b'\n') {
                self.found.incomplete = newest;
                return if newest { Ok(()) } else { Err(wrong(CUT)) };
            }
            self.line(&line).map_err(wrong)?;
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), &'static str> {
        let Some(linked) = chain::read(line) else {
            self.found.unchained += 1;
            self.note(line);
            return if self.head.is_some() { Err(UNMARKED) } else { Ok(()) };
        };
        let before = match (self.head, linked.previous) {
            (Some(head), Some(previous)) if previous != head => return Err(ALTERED),
            (Some(head), _) => head,
            // The oldest line that is left: what came before it is known by its own word alone.
            (None, Some(previous)) => previous.try_into().map_err(|_| ALTERED)?,
            (None, None) => BEGINNING,
        };
        if chain::link(&before, &linked.event) != linked.chain {
            return Err(ALTERED);
        }
        self.head = Some(linked.chain);
        self.note(line);
        let head = String::from_utf8_lossy(&linked.chain).into_owned();
        if self.noted.as_deref() == Some(&head) {
            self.noted = None;
        }
        self.found.head = Some(head);
        Ok(())
    }

    fn note(&mut self, line: &[u8]) {
        self.found.records += 1;
        const TIME: &[u8] = b"\"eventTime\":\"";
        let at = memchr::memmem::find(line, TIME).map(|at| at + TIME.len());
        let time =
            at.and_then(|at| line.get(at..at + 20)).map(|time| String::from_utf8_lossy(time).into_owned());
        if self.found.first.is_none() {
            self.found.first.clone_from(&time);
        }
        self.found.last = time.or(self.found.last.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Files of a trail with these many lines each, the oldest first.
    fn trail(directory: &Path, files: &[usize]) {
        let mut head = BEGINNING;
        for (at, lines) in files.iter().enumerate() {
            let mut text = Vec::new();
            for number in 0..*lines {
                let from = text.len();
                text.extend_from_slice(
                    format!("{{\"eventTime\":\"2026-01-01T00:00:{number:02}Z\",\"file\":{at}}}").as_bytes(),
                );
                head = chain::close(&mut text, from, &head, from == 0);
                text.push(b'\n');
            }
            let left = files.len() - at - 1;
            let name = if left == 0 { "trail.jsonl".to_owned() } else { format!("trail.{left}.jsonl") };
            std::fs::write(directory.join(name), text).unwrap();
        }
    }

    #[test]
    fn a_whole_trail_is_told() {
        let directory = tempfile::tempdir().unwrap();
        trail(directory.path(), &[3, 2, 4]);
        let found = verify(directory.path(), None).unwrap();
        assert_eq!((found.files, found.records, found.unchained, found.incomplete), (3, 9, 0, false));
        assert_eq!(found.first.as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!(found.last.as_deref(), Some("2026-01-01T00:00:03Z"));
        let head = found.head.unwrap();
        assert!(verify(directory.path(), Some(&head)).is_ok());
        assert!(matches!(verify(directory.path(), Some(&"0".repeat(64))), Err(Broken::HeadMissing(_))));
        // The oldest file may be dropped; one between may not.
        std::fs::remove_file(directory.path().join("trail.2.jsonl")).unwrap();
        assert_eq!(verify(directory.path(), None).unwrap().records, 6);
        trail(directory.path(), &[3, 2, 4]);
        std::fs::remove_file(directory.path().join("trail.1.jsonl")).unwrap();
        let broken = verify(directory.path(), None).unwrap_err();
        assert!(matches!(broken, Broken::Line { line: 1, .. }), "{broken}");
    }

    #[test]
    fn removed_moved_and_unmarked_lines_are_found() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("trail.jsonl");
        trail(directory.path(), &[5]);
        let whole = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = whole.lines().collect();
        let cases: [(Vec<&str>, u64); 4] = [
            (vec![lines[0], lines[1], lines[3], lines[4]], 3),
            (vec![lines[0], lines[2], lines[1], lines[3]], 2),
            (vec![lines[0], lines[1], lines[1]], 3),
            (vec![lines[0], "{\"eventTime\":\"2026-01-01T00:00:09Z\"}"], 2),
        ];
        for (changed, wanted) in cases {
            std::fs::write(&path, changed.join("\n") + "\n").unwrap();
            match verify(directory.path(), None) {
                Err(Broken::Line { line, .. }) => assert_eq!(line, wanted),
                other => panic!("{other:?}"),
            }
        }
        std::fs::write(&path, &whole[..whole.len() - 7]).unwrap();
        let found = verify(directory.path(), None).unwrap();
        assert!(found.incomplete && found.records == 4);
    }

    proptest! {
        #[test]
        fn any_changed_byte_is_found(at in 0_usize..2_000, to in any::<u8>()) {
            let directory = tempfile::tempdir().unwrap();
            trail(directory.path(), &[4, 4]);
            let path = directory.path().join("trail.1.jsonl");
            let mut bytes = std::fs::read(&path).unwrap();
            let at = at % bytes.len();
            prop_assume!(bytes[at] != to);
            bytes[at] = to;
            std::fs::write(&path, bytes).unwrap();
            prop_assert!(verify(directory.path(), None).is_err());
        }
    }
}
