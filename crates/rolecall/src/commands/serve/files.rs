//! The files of the data directory that are not the store's: the master key, the root user's
//! credentials, the endpoint.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use rolecall_state::{Entropy, MasterKey};

/// The file with the endpoint of the running server.
pub(crate) const ENDPOINT: &str = "endpoint";
/// The directory of the audit trail.
pub(crate) const AUDIT: &str = "audit";
const ROOT_CREDENTIALS: &str = "root-credentials";
const MASTER_KEY: &str = "master-key";
const NODE: &str = "node";

/// What is wrong with a file of the data directory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// It can't be read or written.
    #[error("{path}: {cause}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// It does not hold what it should.
    #[error("{path} is damaged: {cause}")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        cause: &'static str,
    },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |cause| FileError::Io { path, cause }
}

/// Whether the store's file, which is there, has nothing in it although a server has answered from this
/// directory. A start that was cut short leaves such a file too, but no audit trail.
pub(crate) fn is_emptied(data: &Path, store: &Path) -> io::Result<bool> {
    // A store begins with a mark; where that is missing, the engine would make a new one.
    const MARK: usize = 9;
    let mut head = [0; MARK];
    let read = File::open(store)?.read(&mut head)?;
    let empty = head.iter().take(read).all(|byte| *byte == 0);
    Ok(empty && fs::read_dir(data.join(AUDIT)).is_ok_and(|mut files| files.next().is_some()))
}

/// The root user's credentials. No `Debug`: the secret is in the clear here.
pub(crate) struct RootCredentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
}

/// Makes the data directory, for its owner alone, and makes sure that it can be written.
pub(crate) fn prepare(data: &Path) -> Result<(), FileError> {
    if !data.exists() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(data).map_err(at(data))?;
    }
    let probe = data.join(".writable");
    File::create(&probe).and_then(|_| fs::remove_file(&probe)).map_err(at(data))
}

/// Writes a file for its owner alone, whole or not at all.
pub(crate) fn write_private(path: &Path, contents: &str) -> Result<(), FileError> {
    let scratch = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&scratch).and_then(|mut file| {
        file.write_all(contents.as_bytes())?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&scratch, path)).map_err(at(path))
}

/// The root user's credentials, if the data directory has them.
pub(crate) fn read_root_credentials(data: &Path) -> Result<Option<RootCredentials>, FileError> {
    let path = data.join(ROOT_CREDENTIALS);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(at(&path)(cause)),
    };
    let value = |name: &str| {
        text.lines()
            .filter_map(|line| line.split_once('='))
            .find(|(key, _)| key.trim() == name)
            .map(|(_, v)| v.trim().to_owned())
    };
    match (value("aws_access_key_id"), value("aws_secret_access_key")) {
        (Some(access_key_id), Some(secret_access_key)) => {
            Ok(Some(RootCredentials { access_key_id, secret_access_key }))
        }
        _ => Err(FileError::Damaged { path, cause: "it holds no access key" }),
    }
}

/// Keeps the root user's credentials, in the form of an AWS credentials file.
pub(crate) fn write_root_credentials(data: &Path, root: &RootCredentials) -> Result<(), FileError> {
    let text = format!(
        "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        root.access_key_id, root.secret_access_key
    );
    write_private(&data.join(ROOT_CREDENTIALS), &text)
}

/// The name of this node: made at its first start, the same from then on.
pub(crate) fn node_name(data: &Path, entropy: &dyn Entropy) -> Result<String, FileError> {
    let path = data.join(NODE);
    match fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        Ok(_) => Err(FileError::Damaged { path, cause: "it holds no name" }),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            let name: String = entropy.bytes::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
            write_private(&path, &format!("{name}\n"))?;
            Ok(name)
        }
        Err(cause) => Err(at(&path)(cause)),
    }
}

/// Removes root credentials that did not become the account's.
pub(crate) fn forget_root_credentials(data: &Path) -> Result<(), FileError> {
    let path = data.join(ROOT_CREDENTIALS);
    fs::remove_file(&path).map_err(at(&path))
}

/// The master key: from `given` (64 hexadecimal digits), or from the file, which is made when it is
/// absent and `may_create` says so.
pub(crate) fn master_key(
    data: &Path,
    file: Option<&Path>,
    given: Option<&str>,
    may_create: bool,
    entropy: &dyn Entropy,
) -> Result<MasterKey, FileError> {
    let path = file.map_or_else(|| data.join(MASTER_KEY), Path::to_owned);
    let damaged = |cause| FileError::Damaged { path: path.clone(), cause };
    let text = match given {
        Some(text) => text.to_owned(),
        None => match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && may_create => {
                let text: String =
                    entropy.bytes::<{ MasterKey::LEN }>().iter().map(|b| format!("{b:02x}")).collect();
                write_private(&path, &format!("{text}\n"))?;
                text
            }
            Err(cause) => return Err(at(&path)(cause)),
        },
    };
    let bytes = unhex(text.trim()).ok_or_else(|| damaged("a master key is 64 hexadecimal digits"))?;
    MasterKey::new(bytes).ok_or_else(|| damaged("it is no key"))
}

fn unhex(text: &str) -> Option<[u8; MasterKey::LEN]> {
    let mut bytes = [0; MasterKey::LEN];
    if text.len() != 2 * bytes.len() || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rolecall_state::SystemEntropy;

    #[test]
    fn root_credentials_come_back_as_they_were_kept() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read_root_credentials(dir.path()).unwrap().is_none());
        let root =
            RootCredentials { access_key_id: "AKIAEXAMPLE".into(), secret_access_key: "a/b+c=".into() };
        write_root_credentials(dir.path(), &root).unwrap();
        let read = read_root_credentials(dir.path()).unwrap().unwrap();
        assert_eq!(
            (read.access_key_id, read.secret_access_key),
            (root.access_key_id, root.secret_access_key)
        );
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(
                &fs::metadata(dir.path().join(ROOT_CREDENTIALS)).unwrap().permissions(),
            );
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_lost_master_key_is_not_made_again() {
        let dir = tempfile::tempdir().unwrap();
        assert!(master_key(dir.path(), None, None, false, &SystemEntropy).is_err());
        assert!(master_key(dir.path(), None, None, true, &SystemEntropy).is_ok());
        assert!(master_key(dir.path(), None, None, false, &SystemEntropy).is_ok());
        assert!(master_key(dir.path(), None, Some("short"), true, &SystemEntropy).is_err());
    }
}
