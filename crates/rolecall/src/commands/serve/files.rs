//! The files of the data directory that are not the store's: the master key, the root user's
//! credentials, the endpoint.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use rolecall_state::{Entropy, hex};
use zeroize::Zeroizing;

/// The file with the endpoint of the running server.
pub(crate) const ENDPOINT: &str = "endpoint";
/// The directory of the audit trail.
pub(crate) const AUDIT: &str = "audit";
/// The file with the root user's credentials.
pub(crate) const ROOT_CREDENTIALS: &str = "root-credentials";
/// The credentials that are to take their place.
const NEXT_ROOT_CREDENTIALS: &str = "root-credentials.next";
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
    pub(crate) secret_access_key: Zeroizing<String>,
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
    let renamed = written.and_then(|()| fs::rename(&scratch, path));
    // The name is on the disk too when this returns.
    let durable = renamed.and_then(|()| match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    });
    durable.map_err(at(path))
}

/// The root user's credentials, if the data directory has them.
pub(crate) fn read_root_credentials(data: &Path) -> Result<Option<RootCredentials>, FileError> {
    read_credentials(&data.join(ROOT_CREDENTIALS))
}

/// The credentials that are to take their place, while it is not known whether they count.
pub(crate) fn read_next_root_credentials(data: &Path) -> Result<Option<RootCredentials>, FileError> {
    read_credentials(&data.join(NEXT_ROOT_CREDENTIALS))
}

fn read_credentials(path: &Path) -> Result<Option<RootCredentials>, FileError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(at(path)(cause)),
    };
    let value = |name: &str| {
        text.lines()
            .filter_map(|line| line.split_once('='))
            .find(|(key, _)| key.trim() == name)
            .map(|(_, v)| v.trim().to_owned())
    };
    match (value("aws_access_key_id"), value("aws_secret_access_key").map(Zeroizing::new)) {
        (Some(access_key_id), Some(secret_access_key)) => {
            Ok(Some(RootCredentials { access_key_id, secret_access_key }))
        }
        _ => Err(FileError::Damaged { path: path.to_owned(), cause: "it holds no access key" }),
    }
}

/// Keeps the root user's credentials, in the form of an AWS credentials file.
pub(crate) fn write_root_credentials(data: &Path, root: &RootCredentials) -> Result<(), FileError> {
    write_credentials(&data.join(ROOT_CREDENTIALS), root)
}

/// Keeps credentials that are to take the place of the present ones.
pub(crate) fn write_next_root_credentials(data: &Path, root: &RootCredentials) -> Result<(), FileError> {
    write_credentials(&data.join(NEXT_ROOT_CREDENTIALS), root)
}

fn write_credentials(path: &Path, root: &RootCredentials) -> Result<(), FileError> {
    let text = Zeroizing::new(format!(
        "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        root.access_key_id, *root.secret_access_key
    ));
    write_private(path, &text)
}

/// Puts the next credentials in the place of the present ones, or forgets them.
pub(crate) fn settle_root_credentials(data: &Path, counts: bool) -> Result<(), FileError> {
    let next = data.join(NEXT_ROOT_CREDENTIALS);
    let settled =
        if counts { fs::rename(&next, data.join(ROOT_CREDENTIALS)) } else { fs::remove_file(&next) };
    settled.map_err(at(&next))
}

/// The name of this node: made at its first start, the same from then on.
pub(crate) fn node_name(data: &Path, entropy: &dyn Entropy) -> Result<String, FileError> {
    let path = data.join(NODE);
    match fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        Ok(_) => Err(FileError::Damaged { path, cause: "it holds no name" }),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            let name = hex(&entropy.bytes::<8>());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_credentials_come_back_as_they_were_kept() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read_root_credentials(dir.path()).unwrap().is_none());
        let root = RootCredentials {
            access_key_id: "AKIAEXAMPLE".into(),
            secret_access_key: Zeroizing::new("a/b+c=".into()),
        };
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
}
