//! The file of a backup: lines, each sealed under the master key for its place in this very file, so that
//! none can be read, altered, left out, moved, or taken from another backup.
//!
//! `rolecall-backup 2 ID`, then a sealed line for each piece, then a sealed last line with the number of keys and
//! the revision. The first version had the revision in its head.

use std::io::{self, BufRead, Write};

use rolecall_state::{Entropy, MasterKey, Sealed, hex};

const MAGIC: &str = "rolecall-backup";
const VERSION: &str = "2";
const FIRST_VERSION: &str = "1";
/// About how much is sealed at once, in bytes.
const PIECE: usize = 262_144;

/// Why a backup can't be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FormatError {
    /// The file can't be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is something else, or of a later version.
    #[error("it is no backup that this version can read")]
    Unknown,
    /// A line does not open.
    #[error("line {0} does not open: it was altered, or the master key is another one")]
    Sealed(usize),
    /// The last line is missing.
    #[error("it ends early")]
    Cut,
}

/// Writes a backup.
pub(super) struct Writer<'a, W> {
    out: W,
    master: &'a MasterKey,
    entropy: &'a dyn Entropy,
    id: String,
    lines: usize,
    keys: u64,
    piece: Vec<u8>,
}

impl<'a, W: Write> Writer<'a, W> {
    pub(super) fn new(mut out: W, master: &'a MasterKey, entropy: &'a dyn Entropy) -> io::Result<Self> {
        let id = hex(&entropy.bytes::<16>());
        writeln!(out, "{MAGIC} {VERSION} {id}")?;
        Ok(Self { out, master, entropy, id, lines: 1, keys: 0, piece: Vec::new() })
    }

    pub(super) fn add(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        for part in [key, value] {
            let length = u32::try_from(part.len()).map_err(io::Error::other)?;
            self.piece.extend_from_slice(&length.to_be_bytes());
            self.piece.extend_from_slice(part);
        }
        self.keys += 1;
        if self.piece.len() >= PIECE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = std::mem::take(&mut self.piece);
        self.line(&piece, "piece")
    }

    fn line(&mut self, plain: &[u8], what: &str) -> io::Result<()> {
        self.lines += 1;
        let sealed = self.master.seal(plain, &purpose(&self.id, self.lines, what), self.entropy);
        writeln!(self.out, "{}", serde_json::to_string(&sealed)?)
    }

    /// Ends the file; gives how many keys are in it, and what it was written to.
    pub(super) fn finish(mut self, revision: u64) -> io::Result<(u64, W)> {
        if !self.piece.is_empty() {
            self.flush()?;
        }
        let end = [self.keys.to_be_bytes(), revision.to_be_bytes()].concat();
        self.line(&end, "end")?;
        self.out.flush()?;
        Ok((self.keys, self.out))
    }
}

impl Writer<'_, Vec<u8>> {
    /// What was written since it was last taken.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }
}

fn purpose(id: &str, line: usize, what: &str) -> String {
    format!("backup/{id}/{line}/{what}")
}

/// A key and its value.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// Reads a whole backup before anything is done with it.
pub(super) fn read(input: impl BufRead, master: &MasterKey) -> Result<Vec<Pair>, FormatError> {
    let mut lines = input.lines();
    let head = lines.next().ok_or(FormatError::Unknown)??;
    let id = match head.split(' ').collect::<Vec<_>>()[..] {
        [MAGIC, VERSION, id] | [MAGIC, FIRST_VERSION, id, _] => id,
        _ => return Err(FormatError::Unknown),
    };
    let mut pairs = Vec::new();
    for (at, line) in lines.enumerate() {
        let (number, line) = (at + 2, line?);
        let damaged = FormatError::Sealed(number);
        let Ok(sealed) = serde_json::from_str::<Sealed>(&line) else { return Err(damaged) };
        if let Ok(piece) = master.open(&sealed, &purpose(id, number, "piece")) {
            take_apart(piece.expose(), &mut pairs).ok_or(damaged)?;
            continue;
        }
        let end = master.open(&sealed, &purpose(id, number, "end")).map_err(|_| damaged)?;
        let whole = end.expose().starts_with(&(pairs.len() as u64).to_be_bytes());
        return if whole { Ok(pairs) } else { Err(FormatError::Cut) };
    }
    Err(FormatError::Cut)
}

fn take_apart(mut piece: &[u8], pairs: &mut Vec<Pair>) -> Option<()> {
    let mut part = || {
        let (length, rest) = piece.split_first_chunk::<4>()?;
        let (part, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        piece = rest;
        Some((part.to_vec(), rest.is_empty()))
    };
    loop {
        let (key, _) = part()?;
        let (value, last) = part()?;
        pairs.push((key, value));
        if last {
            return Some(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rolecall_state::SystemEntropy;

    fn backup(master: &MasterKey, keys: usize) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), master, &SystemEntropy).unwrap();
        for number in 0..keys {
            writer.add(format!("key-{number}").as_bytes(), &vec![b'v'; number * 500]).unwrap();
        }
        let (count, text) = writer.finish(7).unwrap();
        assert_eq!(count, keys as u64);
        text
    }

    #[test]
    fn what_was_written_is_read() {
        let master = MasterKey::new([5; 32]).unwrap();
        for keys in [0, 1, 60] {
            let pairs = read(&backup(&master, keys)[..], &master).unwrap();
            assert_eq!(pairs.len(), keys);
            assert!(
                pairs.iter().enumerate().all(|(n, (key, value))| {
                    key == format!("key-{n}").as_bytes() && value.len() == n * 500
                })
            );
        }
    }

    #[test]
    fn the_first_version_is_read() {
        let master = MasterKey::new([5; 32]).unwrap();
        let seal = |plain: &[u8], line: usize, what: &str| {
            serde_json::to_string(&master.seal(plain, &purpose("0a", line, what), &SystemEntropy)).unwrap()
        };
        let piece = seal(&[&[0, 0, 0, 1, b'k', 0, 0, 0, 1, b'v'][..]].concat(), 2, "piece");
        let text = format!("rolecall-backup 1 0a 7\n{piece}\n{}\n", seal(&1_u64.to_be_bytes(), 3, "end"));
        assert_eq!(read(text.as_bytes(), &master).unwrap(), [(b"k".to_vec(), b"v".to_vec())]);
    }

    #[test]
    fn what_was_done_to_it_shows() {
        let master = MasterKey::new([5; 32]).unwrap();
        let text = String::from_utf8(backup(&master, 60)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() >= 5 && !text.contains("key-1"));
        let other = String::from_utf8(backup(&master, 60)).unwrap();
        let foreign: Vec<&str> = other.lines().collect();
        let changed = [
            lines[..lines.len() - 1].to_vec(),
            [&lines[..1], &lines[2..]].concat(),
            [&lines[..1], &[lines[2], lines[1]], &lines[3..]].concat(),
            [&lines[..1], &[foreign[1]], &lines[2..]].concat(),
            vec![lines[0]],
            vec!["something else"],
        ];
        for one in changed {
            assert!(read(one.join("\n").as_bytes(), &master).is_err());
        }
        let stranger = MasterKey::new([6; 32]).unwrap();
        assert!(matches!(read(text.as_bytes(), &stranger), Err(FormatError::Sealed(2))));
    }
}
